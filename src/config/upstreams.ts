// The built-in repositories. Product data: the only file that holds addresses of public registries.
// The public keys of Debian 11 to 13, as its package debian-archive-keyring has them.
import debianKeyring from "./keyrings/debian-archive.asc" with { type: "file" };

/** A repository as the file would write it. Key by key, what the file says takes its place. */
export interface BuiltInRepository {
  readonly format: string;
  readonly upstreams: readonly { readonly url: string; readonly hosts?: readonly string[] }[];
  /** The format's own options. Paths among them are absolute. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Where OSV keeps its records. https://google.github.io/osv.dev/data/ */
export const advisoryBucket = "https://storage.googleapis.com/osv-vulnerabilities/";

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
    upstreams: [{ url: "https://proxy.golang.org/", hosts: ["sum.golang.org"] }],
    options: {
      sumdb: {
        name: "sum.golang.org",
        key: "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        direct: "https://sum.golang.org/",
      },
    },
  },
  composer: {
    format: "composer",
    upstreams: [
      {
        url: "https://repo.packagist.org/",
        hosts: [
          // What its packages.json names beside itself: search, security advisories.
          "packagist.org",
          // Where the dists of its packages are; the hosts of archives are what the others lead on to.
          "api.github.com",
          "codeload.github.com",
          "gitlab.com",
          "bitbucket.org",
          "bbuseruploads.s3.amazonaws.com",
        ],
      },
    ],
    options: {
      // The API counts what one address asks without a token; where it leads on to does not.
      instead: [
        {
          of: "https://api.github.com/repos/{owner}/{name}/zipball/{commit}",
          fetch: "https://codeload.github.com/{owner}/{name}/legacy.zip/{commit}",
        },
      ],
    },
  },
  debian: {
    format: "apt",
    upstreams: [{ url: "https://deb.debian.org/debian/" }],
    options: { keyring: debianKeyring, suites: ["bookworm", "bookworm-updates"] },
  },
  "debian-security": {
    format: "apt",
    upstreams: [
      { url: "https://deb.debian.org/debian-security/" },
      { url: "https://security.debian.org/debian-security/" },
    ],
    options: { keyring: debianKeyring, suites: ["bookworm-security"] },
  },
};
