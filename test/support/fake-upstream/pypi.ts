// A fake Python index: the simple API in HTML and JSON, files on another host, metadata sidecars, provenance, the JSON API. PEP 503, 658, 691, 700, 740, 792.
import { document, file, json, type Manners, sha256, text } from "./answers.ts";
import { type Files, tarGz, zip } from "./archives.ts";
import type { Asked, Said } from "./http.ts";
import { pypiTable, readTable } from "./world.ts";

interface Distribution {
  project: string;
  version: string;
  filename: string;
  bytes: Buffer;
  /** The METADATA of a wheel. */
  metadata: string | null;
  requiresPython?: string;
  yanked?: string;
  provenance: boolean;
  attest?: Options["attest"];
  time: Date;
}

interface Project {
  name: string;
  files: Distribution[];
  status?: string;
  reason?: string;
  /** What the JSON API says of a version beside its files. */
  more?: Map<string, Record<string, unknown>>;
  /** Only what PEP 503 has: an older index. */
  bare: boolean;
}

interface Options {
  yanked?: string;
  requiresPython?: string;
  sdist?: boolean;
  display?: string;
  provenance?: boolean;
  /** Attestations of what it says of each file. PEP 740 */
  attest?: (subject: { file: string; sha256: string }) => unknown[];
  status?: string;
  reason?: string;
  bare?: boolean;
}

const JSON_TYPE = "application/vnd.pypi.simple.v1+json";
const HTML_TYPE = "application/vnd.pypi.simple.v1+html";

export class FakePypi {
  readonly #projects = new Map<string, Project>();
  readonly #manners: Manners;
  #changed = new Date(Date.UTC(2024, 5, 1));
  base = "";
  /** Where files are: another host than the index. */
  files = "";

  constructor(manners: Manners) {
    this.#manners = manners;
    for (const row of readTable(pypiTable, /\s*,\s+/))
      this.publish(row.name, row.version, row.requires, row.more as Options, row.time);
  }

  publish(
    name: string,
    version: string,
    requires: string[],
    options: Options = {},
    time = this.#touch(),
  ): void {
    const project: Project = this.#projects.get(name) ?? {
      name,
      files: [],
      bare: options.bare ?? false,
    };
    if (options.status) project.status = options.status;
    if (options.reason) project.reason = options.reason;
    const metadata = metadataOf(options.display ?? name, version, requires, options.requiresPython);
    const common = {
      project: name,
      version,
      time,
      provenance: options.provenance ?? options.attest !== undefined,
      ...(options.attest && { attest: options.attest }),
      ...(options.requiresPython ? { requiresPython: options.requiresPython } : {}),
      ...(options.yanked !== undefined ? { yanked: options.yanked } : {}),
    };
    const stem = `${name.replaceAll("-", "_")}-${version}`;
    project.files.push({
      ...common,
      filename: `${stem}-py3-none-any.whl`,
      bytes: wheel(stem, metadata),
      metadata,
    });
    if (options.sdist)
      project.files.push({
        ...common,
        filename: `${stem}.tar.gz`,
        bytes: sdist(stem, metadata),
        metadata: null,
      });
    this.#projects.set(name, project);
  }

  /** The same file name with other bytes, and a hash that agrees with them. */
  republish(name: string, filename: string): void {
    const found = this.#file(name, filename);
    const stem = filename.replace(/-py3-none-any\.whl$/, "");
    found.bytes = wheel(stem, `${found.metadata ?? ""}Keywords: changed\n`);
    found.metadata = `${found.metadata ?? ""}Keywords: changed\n`;
    this.#touch();
  }

  unpublish(name: string, filename?: string): void {
    const project = this.#projects.get(name);
    if (project && filename)
      project.files = project.files.filter((item) => item.filename !== filename);
    else this.#projects.delete(name);
    this.#touch();
  }

  yank(name: string, filename: string, reason: string): void {
    this.#file(name, filename).yanked = reason;
    this.#touch();
  }

  /** The licence of one version, as its metadata has it. */
  license(name: string, version: string, expression: string): void {
    const project = this.#projects.get(name)!;
    project.more ??= new Map();
    project.more.set(version, { license_expression: expression });
    this.#touch();
  }

  setStatus(name: string, status: string): void {
    this.#projects.get(name)!.status = status;
    this.#touch();
  }

  bytes(name: string, filename: string): Buffer {
    return this.#file(name, filename).bytes;
  }

  hash(name: string, filename: string): string {
    return sha256(this.bytes(name, filename)).toString("hex");
  }

  /** `path` is inside the index, with a leading slash. */
  answer(asked: Asked, path: string): Said {
    if (path === "/simple/") return this.#list(asked);
    if (path.startsWith("/moved/")) return this.#moved(asked, path.slice("/moved".length));
    const page = /^\/simple\/([^/]+)(\/?)$/.exec(path);
    if (page) return this.#page(asked, page[1]!, page[2] === "/");
    const api = /^\/pypi\/([^/]+)(?:\/([^/]+))?\/json$/.exec(path);
    if (api) return this.#json(asked, api[1]!, api[2]);
    const provenance = /^\/integrity\/([^/]+)\/([^/]+)\/([^/]+)\/provenance$/.exec(path);
    if (provenance) return this.#provenance(provenance[1]!, provenance[3]!);
    return text(404, "404 Not Found");
  }

  /** `path` is inside the file host: /packages/ab/cd/<rest>/<file>. */
  download(asked: Asked, path: string): Said {
    if (path.startsWith("/moved/")) return this.#moved(asked, path.slice("/moved".length));
    const found = /^\/packages\/(..)\/(..)\/([^/]+)\/([^/]+?)(\.metadata)?$/.exec(path);
    const hash = found ? found[1]! + found[2]! + found[3]! : "";
    for (const project of this.#projects.values())
      for (const item of project.files)
        if (item.filename === found?.[4] && sha256(item.bytes).toString("hex") === hash) {
          if (!found[5]) return file(asked, "application/octet-stream", item.bytes, this.#manners);
          if (item.metadata !== null)
            return file(
              asked,
              "application/octet-stream",
              Buffer.from(item.metadata),
              this.#manners,
            );
        }
    return text(404, "Not Found");
  }

  /** Where pages and files may be found after a redirect: a folder of pages whose links are relative, as devpi writes them. */
  #moved(asked: Asked, path: string): Said {
    const [, name] = /^\/\+simple\/([^/]+)\/$/.exec(path) ?? [];
    if (name === undefined) return this.download(asked, path);
    const project = this.#projects.get(name);
    if (!project) return text(404, "404 Not Found");
    const html = this.#asHtml(project).replaceAll(`href="${this.files}/`, 'href="../../');
    return document(asked, HTML_TYPE, html, this.#changed, this.#manners);
  }

  #page(asked: Asked, wanted: string, slash: boolean): Said {
    const name = wanted.toLowerCase().replace(/[-_.]+/g, "-");
    if (name !== wanted || !slash)
      return {
        status: 301,
        headers: { location: `${this.base}/simple/${name}/` },
        body: Buffer.alloc(0),
      };
    const project = this.#projects.get(name);
    if (!project) return text(404, "404 Not Found");
    const type = this.#negotiate(asked);
    return document(
      asked,
      type,
      type === JSON_TYPE ? this.#asJson(project) : this.#asHtml(project),
      this.#changed,
      this.#manners,
    );
  }

  #negotiate(asked: Asked): string {
    const accept = asked.headers["accept"] ?? "";
    if (accept.includes(JSON_TYPE)) return JSON_TYPE;
    return accept.includes(HTML_TYPE) ? HTML_TYPE : "text/html; charset=utf-8";
  }

  #visible(project: Project): Distribution[] {
    return project.status === "quarantined" ? [] : project.files;
  }

  #asJson(project: Project): string {
    const files = this.#visible(project).map((item) => {
      const entry: Record<string, unknown> = {
        filename: item.filename,
        url: this.#url(item),
        hashes: { sha256: sha256(item.bytes).toString("hex") },
      };
      if (item.requiresPython) entry["requires-python"] = item.requiresPython;
      if (project.bare) return entry;
      const sidecar =
        item.metadata === null ? false : { sha256: sha256(item.metadata).toString("hex") };
      return {
        ...entry,
        size: item.bytes.length,
        "upload-time": item.time.toISOString().replace("Z", "000Z"),
        yanked: item.yanked ?? false,
        "core-metadata": sidecar,
        "data-dist-info-metadata": sidecar,
        provenance: item.provenance ? this.#provenanceUrl(item) : null,
      };
    });
    if (project.bare)
      return JSON.stringify({ meta: { "api-version": "1.0" }, name: project.name, files });
    return JSON.stringify({
      meta: { "api-version": "1.4", "_last-serial": 1 },
      name: project.name,
      "project-status": {
        status: project.status ?? "active",
        ...(project.reason ? { reason: project.reason } : {}),
      },
      versions: [...new Set(project.files.map((item) => item.version))],
      files,
    });
  }

  #asHtml(project: Project): string {
    const lines = this.#visible(project).map((item) => {
      const attributes = [`href="${this.#url(item)}#sha256=${sha256(item.bytes).toString("hex")}"`];
      if (item.requiresPython)
        attributes.push(
          `data-requires-python="${item.requiresPython.replaceAll(">", "&gt;").replaceAll("<", "&lt;")}"`,
        );
      if (item.yanked !== undefined) attributes.push(`data-yanked="${item.yanked}"`);
      if (item.metadata !== null && !project.bare)
        attributes.push(`data-core-metadata="sha256=${sha256(item.metadata).toString("hex")}"`);
      if (item.provenance) attributes.push(`data-provenance="${this.#provenanceUrl(item)}"`);
      return `    <a ${attributes.join(" ")}>${item.filename}</a><br />`;
    });
    const status = project.status
      ? `\n    <meta name="pypi:project-status" content="${project.status}">`
      : "";
    return `<!DOCTYPE html>\n<html>\n  <head>\n    <meta name="pypi:repository-version" content="${project.bare ? "1.0" : "1.4"}">${status}\n    <title>Links for ${project.name}</title>\n  </head>\n  <body>\n    <h1>Links for ${project.name}</h1>\n${lines.join("\n")}\n  </body>\n</html>\n`;
  }

  #list(asked: Asked): Said {
    const type = this.#negotiate(asked);
    const names = [...this.#projects.keys()].sort();
    const body =
      type === JSON_TYPE
        ? JSON.stringify({
            meta: { "api-version": "1.4" },
            projects: names.map((name) => ({ name })),
          })
        : `<!DOCTYPE html>\n<html><body>\n${names.map((name) => `<a href="/simple/${name}/">${name}</a>`).join("\n")}\n</body></html>\n`;
    return document(asked, type, body, this.#changed, this.#manners);
  }

  #json(asked: Asked, name: string, version?: string): Said {
    const project = this.#projects.get(name);
    const newest = version ?? project?.files.at(-1)?.version;
    const files = project?.files.filter((item) => item.version === newest) ?? [];
    if (!project || !files.length) return json(404, { message: "Not Found" });
    const urls = (items: Distribution[]) =>
      items.map((item) => ({
        filename: item.filename,
        url: this.#url(item),
        size: item.bytes.length,
        digests: { sha256: sha256(item.bytes).toString("hex") },
        upload_time_iso_8601: item.time.toISOString(),
        packagetype: item.metadata === null ? "sdist" : "bdist_wheel",
        requires_python: item.requiresPython ?? null,
        yanked: item.yanked !== undefined,
        yanked_reason: item.yanked ?? null,
      }));
    const requires = /^Requires-Dist: (.*)$/gm;
    const info = {
      name: project.name,
      version: newest,
      summary: `The ${project.name} of the fake sea`,
      requires_dist: [...(files[0]!.metadata ?? "").matchAll(requires)].map((match) => match[1]),
      requires_python: files[0]!.requiresPython ?? null,
      yanked: files.every((item) => item.yanked !== undefined),
      ...project.more?.get(newest!),
    };
    const releases = Object.groupBy(project.files, (item) => item.version);
    const body: Record<string, unknown> = {
      info,
      last_serial: 1,
      urls: urls(files),
      vulnerabilities: [],
    };
    if (!version)
      body["releases"] = Object.fromEntries(
        Object.entries(releases).map(([key, items]) => [key, urls(items ?? [])]),
      );
    return document(asked, "application/json", JSON.stringify(body), this.#changed, this.#manners);
  }

  #provenance(name: string, filename: string): Said {
    const found = this.#projects
      .get(name)
      ?.files.find((item) => item.filename === filename && item.provenance);
    if (!found) return json(404, { message: `No provenance available for ${filename}` });
    const type = "application/vnd.pypi.integrity.v1+json";
    if (found.attest) {
      const subject = { file: filename, sha256: sha256(found.bytes).toString("hex") };
      const attestation_bundles = [{ publisher: null, attestations: found.attest(subject) }];
      return text(200, JSON.stringify({ version: 1, attestation_bundles }), type);
    }
    return text(
      200,
      JSON.stringify({
        version: 1,
        attestation_bundles: [
          {
            publisher: {
              kind: "GitHub",
              repository: `sea/${name}`,
              workflow: "release.yml",
              environment: null,
              claims: null,
            },
            attestations: [
              {
                version: 1,
                verification_material: { certificate: "AA==", transparency_entries: [] },
                envelope: {
                  statement: Buffer.from(
                    JSON.stringify({
                      subject: [
                        { name: filename, digest: { sha256: sha256(found.bytes).toString("hex") } },
                      ],
                    }),
                  ).toString("base64"),
                  signature: "AA==",
                },
              },
            ],
          },
        ],
      }),
      type,
    );
  }

  #url(item: Distribution): string {
    const hash = sha256(item.bytes).toString("hex");
    return `${this.files}/packages/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}/${item.filename}`;
  }

  #provenanceUrl(item: Distribution): string {
    return `${this.base}/integrity/${item.project}/${item.version}/${item.filename}/provenance`;
  }

  #file(name: string, filename: string): Distribution {
    const found = this.#projects.get(name)?.files.find((item) => item.filename === filename);
    if (!found) throw new Error(`the fake index has no ${filename}`);
    return found;
  }

  #touch(): Date {
    this.#changed = new Date(this.#changed.getTime() + 1000);
    return this.#changed;
  }
}

function metadataOf(name: string, version: string, requires: string[], python?: string): string {
  const lines = [
    "Metadata-Version: 2.1",
    `Name: ${name}`,
    `Version: ${version}`,
    `Summary: The ${name} of the fake sea`,
  ];
  if (python) lines.push(`Requires-Python: ${python}`);
  lines.push("Provides-Extra: salt", ...requires.map((item) => `Requires-Dist: ${item}`));
  return `${lines.join("\n")}\n`;
}

/** PEP 427. */
function wheel(stem: string, metadata: string): Buffer {
  const module = stem.replace(/-.*$/, "");
  const info = `${stem}.dist-info`;
  const files: Files = {
    [`${module}/__init__.py`]: `name = ${JSON.stringify(stem)}\n`,
    [`${info}/METADATA`]: metadata,
    [`${info}/WHEEL`]:
      "Wheel-Version: 1.0\nGenerator: fake-sea\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
  };
  const record = Object.entries(files).map(
    ([path, content]) =>
      `${path},sha256=${sha256(content).toString("base64url")},${Buffer.byteLength(content as string)}`,
  );
  files[`${info}/RECORD`] = `${record.join("\n")}\n${info}/RECORD,,\n`;
  return zip(files);
}

function sdist(stem: string, metadata: string): Buffer {
  const module = stem.replace(/-.*$/, "");
  return tarGz({
    [`${stem}/PKG-INFO`]: metadata,
    [`${stem}/pyproject.toml`]:
      '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n',
    [`${stem}/${module}/__init__.py`]: `name = ${JSON.stringify(stem)}\n`,
  });
}
