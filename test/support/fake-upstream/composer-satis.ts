// A fake Satis behind a password: packages in packages.json itself and in include files named by their SHA-1, or the newer p2 form.
import { text } from "./answers.ts";
import { dated } from "./composer-metadata.ts";
import { ComposerPackages, type ComposerRelease, manifestOf, sha1 } from "./composer-packages.ts";
import { satisTable } from "./composer-world.ts";
import type { Asked, Said } from "./http.ts";

export class FakeSatis {
  base = "";
  code = "";
  readonly packages = new ComposerPackages(satisTable);
  readonly user = "builds";
  readonly password = "low-tide-42";
  /** `includes`: what Satis wrote for ten years. `p2`: what it writes for Composer 2 alone, plain and not minified. */
  form: "includes" | "p2" = "includes";
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
    const [, name = ""] = /^\/p2\/([^/]+\/[^/]+?)(?:~dev)?\.json$/.exec(path) ?? [];
    if (this.form === "p2" && this.packages.has(name)) {
      const wanted = this.packages
        .releases(name)
        .filter(({ version }) => version.startsWith("dev-") === path.includes("~dev"));
      return this.#say(asked, {
        packages: { [name]: wanted.map((release) => this.#version(release)) },
      });
    }
    return this.#dist(path);
  }

  #say(asked: Asked, body: unknown): Said {
    return dated(asked, body, this.packages.changedAt());
  }

  #root(include: string): unknown {
    const shared = { "notify-batch": `${this.base}/downloads/` };
    if (this.form === "p2")
      return {
        packages: [],
        "metadata-url": `${new URL(this.base).pathname}/p2/%package%.json`,
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
    const type = options.dist === "tar" ? "tar" : "zip";
    const file = `${name.replace("/", "-")}-${reference}-${type}-3f2a1b.${type === "tar" ? "tar.gz" : "zip"}`;
    return {
      ...manifestOf(release),
      version,
      version_normalized: normalized,
      source: { type: "git", url: `${this.code}/${name}.git`, reference },
      dist: {
        type,
        url: `${this.base}/dist/${name}/${file}`,
        reference,
        shasum: sha1(this.packages.bytes(name, version)),
      },
      time: time.toISOString(),
    };
  }

  #dist(path: string): Said {
    const [, name = "", reference = "", type = "zip"] =
      /^\/dist\/([^/]+\/[^/]+)\/[^/]*-([0-9a-f]{40})-(zip|tar)-[^/]+$/.exec(path) ?? [];
    const bytes = this.packages.archive(name, reference);
    if (!bytes) return text(404, "Not Found");
    const headers = { "content-type": type === "tar" ? "application/gzip" : "application/zip" };
    return { status: 200, headers, body: bytes };
  }
}
