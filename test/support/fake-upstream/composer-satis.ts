// A fake Satis behind a password: packages in packages.json itself and in include files named by their SHA-1, the newer p2 form, or those
// that were made for Composer 1.
import { createHash } from "node:crypto";
import { text } from "./answers.ts";
import { dated } from "./composer-metadata.ts";
import { ComposerPackages, type ComposerRelease, manifestOf, sha1 } from "./composer-packages.ts";
import { satisTable } from "./composer-world.ts";
import type { Asked, Said } from "./http.ts";

/**
 * `includes`: what Satis wrote for ten years. `p2`: what it writes for Composer 2 alone, plain and not minified; `plain`: the same with branches
 * in the document of releases. `providers`: lists of digests. `lazy`: documents by name alone. `oldest`: nothing but packages.
 */
export type SatisForm = "includes" | "p2" | "plain" | "providers" | "lazy" | "oldest";

export class FakeSatis {
  base = "";
  code = "";
  readonly packages = new ComposerPackages(satisTable);
  readonly user = "builds";
  readonly password = "low-tide-42";
  form: SatisForm = "includes";
  /** Where the archives are, without a trailing slash: below the metadata, or beside it on the same origin. */
  archives: string | null = null;
  /** Stands among the versions of each list: what no client can read. */
  odd: unknown[] = [];
  /** The include file is not what its name says. */
  isForged = false;

  /** `path` is inside the repository, with a leading slash. */
  answer(asked: Asked, path: string): Said {
    const expected = `Basic ${Buffer.from(`${this.user}:${this.password}`).toString("base64")}`;
    if (asked.headers["authorization"] !== expected)
      return {
        ...text(401, "who goes there?\n"),
        headers: { "www-authenticate": 'Basic realm="dock"', "content-type": "text/plain" },
      };
    const include = this.#include();
    if (path === "/packages.json") return this.#say(asked, this.#root(include.name));
    // Composer writes the dollar sign of the name in its encoded form.
    if (decodeURIComponent(path) === `/${include.name}`)
      return this.#say(asked, this.isForged ? { ...include.body, forged: true } : include.body);
    const old = this.#composer1(decodeURIComponent(path));
    if (old) return this.#say(asked, old);
    const [, name = ""] = /^\/p2\/([^/]+\/[^/]+?)(?:~dev)?\.json$/.exec(path) ?? [];
    const isBranches = path.includes("~dev");
    if (this.form === "plain" && isBranches) return text(404, "Not Found");
    if (["p2", "plain"].includes(this.form) && this.packages.has(name)) {
      const wanted = this.packages
        .releases(name)
        .filter(
          ({ version }) => this.form === "plain" || version.startsWith("dev-") === isBranches,
        );
      return this.#say(asked, {
        packages: { [name]: [...this.odd, ...wanted.map((release) => this.#version(release))] },
      });
    }
    return this.#dist(path);
  }

  #say(asked: Asked, body: unknown): Said {
    return dated(asked, body, this.packages.changedAt());
  }

  #root(include: string): unknown {
    const shared = { "notify-batch": `${this.base}/downloads/` };
    if (this.form === "oldest")
      return Object.fromEntries(
        Object.entries(this.#list(this.packages.names())).map(([name, versions]) => [
          name,
          { name, versions },
        ]),
      );
    if (this.form === "lazy")
      return { packages: [], "providers-lazy-url": `${this.#path()}/p/%package%.json`, ...shared };
    if (this.form === "providers")
      return {
        packages: [],
        "providers-url": `${this.#path()}/p/%package%$%hash%.json`,
        "provider-includes": {
          "p/provider-latest$%hash%.json": { sha256: sha256(this.#listing()) },
        },
        ...shared,
      };
    if (this.form === "p2" || this.form === "plain")
      return {
        packages: [],
        "metadata-url": `${this.#path()}/p2/%package%.json`,
        "available-packages": this.packages.names(),
        ...shared,
      };
    const [first = ""] = this.packages.names();
    return {
      packages: this.#list([first]),
      includes: { [include]: { sha1: sha1(JSON.stringify(this.#include().body)) } },
      ...shared,
    };
  }

  #path(): string {
    return new URL(this.base).pathname;
  }

  /** Null for what is not there: under an old digest nothing is. */
  #composer1(path: string): unknown {
    if (this.form === "providers" && path === `/p/provider-latest$${sha256(this.#listing())}.json`)
      return this.isForged ? { ...this.#listing(), forged: true } : this.#listing();
    const [, name = "", digest] =
      /^\/p\/([^/]+\/[^/$]+?)(?:\$([0-9a-f]{64}))?\.json$/.exec(path) ?? [];
    if (!this.packages.has(name)) return null;
    const body = this.#provided(name);
    if (this.form === "lazy") return digest === undefined ? body : null;
    return this.form === "providers" && digest === sha256(body) ? body : null;
  }

  /** Other packages may stand in the same document. */
  #provided(name: string) {
    const [first = ""] = this.packages.names();
    return { packages: this.#list([first, name]) };
  }

  #listing() {
    const names = this.packages.names();
    return {
      providers: Object.fromEntries(
        names.map((name) => [name, { sha256: sha256(this.#provided(name)) }]),
      ),
    };
  }

  #include() {
    const body = { packages: this.#list(this.packages.names().slice(1)) };
    return { name: `include/all$${sha1(JSON.stringify(body))}.json`, body };
  }

  #list(names: string[]): Record<string, Record<string, unknown>> {
    return Object.fromEntries(
      names.map((name) => [
        name,
        Object.fromEntries(
          this.packages.releases(name).map((release) => [release.version, this.#version(release)]),
        ),
      ]),
    );
  }

  #version(release: ComposerRelease): Record<string, unknown> {
    const { name, version, normalized, reference, options, time } = release;
    const type = options.dist ?? "zip";
    const place = `${this.archives ?? this.base}/dist/${name}`;
    const url =
      type === "file"
        ? `${place}/${reference}/tool.phar?raw=1`
        : `${place}/${name.replace("/", "-")}-${reference}-3f2a1b.${type === "tar" ? "tar.gz" : type}`;
    return {
      ...manifestOf(release),
      version,
      version_normalized: normalized,
      source: { type: "git", url: `${this.code}/${name}.git`, reference },
      dist: {
        type,
        url,
        reference,
        shasum: sha1(this.packages.bytes(name, version)),
      },
      time: time.toISOString(),
    };
  }

  #dist(path: string): Said {
    const [, name = "", reference = ""] =
      /^\/dist\/([^/]+\/[^/]+)\/(?:[^/]*-)?([0-9a-f]{40})[-/][^/]+$/.exec(path) ?? [];
    const bytes = this.packages.archive(name, reference);
    if (!bytes) return text(404, "Not Found");
    const isTar = path.endsWith(".tar.gz");
    const headers = { "content-type": isTar ? "application/gzip" : "application/zip" };
    return { status: 200, headers, body: bytes };
  }
}

function sha256(body: unknown): string {
  return createHash("sha256").update(JSON.stringify(body)).digest("hex");
}
