// The built-in repositories. Product data: the only file that holds addresses of public registries.

/** A repository as the file would write it. Key by key, what the file says takes its place. */
export interface BuiltInRepository {
  readonly format: string;
  readonly upstreams: readonly { readonly url: string; readonly hosts?: readonly string[] }[];
  /** The format's own options. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export const builtInRepositories: Readonly<Record<string, BuiltInRepository>> = {
  npm: {
    format: "npm",
    upstreams: [{ url: "https://registry.npmjs.org/" }],
  },
  pypi: {
    format: "pypi",
    upstreams: [{ url: "https://pypi.org/", hosts: ["files.pythonhosted.org"] }],
  },
  go: {
    format: "go",
    upstreams: [{ url: "https://proxy.golang.org/" }],
    options: {
      sumdb: {
        name: "sum.golang.org",
        key: "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
      },
    },
  },
};
