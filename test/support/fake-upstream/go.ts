// A fake Go module proxy with its checksum database behind /sumdb/. https://go.dev/ref/mod#goproxy-protocol
import { document, file, type Manners, sha256, text } from "./answers.ts";
import { type Files, zip } from "./archives.ts";
import type { Asked, Said } from "./http.ts";
import { FakeSumdb, unescapeModule } from "./sumdb.ts";
import { goTable, readTable } from "./world.ts";

interface Module {
  version: string;
  mod: string;
  zip: Buffer;
  files: Files;
  time: Date;
}

export class FakeGo {
  readonly #modules = new Map<string, Map<string, Module>>();
  readonly #manners: Manners;
  sumdb = new FakeSumdb("sum.example.test", "holdfast fake sumdb");
  /** Some proxies have no @latest. */
  hasLatest = true;

  constructor(manners: Manners) {
    this.#manners = manners;
    for (const row of readTable(goTable, /\s*,\s+/))
      this.publish(row.name, row.version, row.requires, row.more, row.time);
    // More than one full tile, so that clients meet partial ones of both levels.
    for (let count = this.sumdb.size; count < 300; count += 1) this.sumdb.append(filler(count));
  }

  publish(
    module: string,
    version: string,
    requires: string[],
    more: { noMod?: boolean; retract?: string } = {},
    time = new Date(Date.UTC(2024, 5, 1)),
  ): void {
    const needs = requires.map((item) => `\t${item}\n`).join("");
    const retract = more.retract ? `\nretract ${more.retract}\n` : "";
    const mod = more.noMod
      ? `module ${module}\n`
      : `module ${module}\n\ngo 1.21\n${needs ? `\nrequire (\n${needs})\n` : ""}${retract}`;
    const name = (
      module
        .replace(/\/v\d+$/, "")
        .split("/")
        .at(-1) ?? ""
    ).toLowerCase();
    const used = requires.map((item) => item.split(" ")[0] ?? "");
    const imports = used.map((path) => `import _ "${path}"\n`).join("");
    const files: Files = {
      ...(more.noMod ? {} : { "go.mod": mod }),
      LICENSE: "MIT\n",
      [`${name}.go`]: `package ${name}\n\n${imports}\nconst Version = "${version}"\n`,
    };
    const prefixed = Object.fromEntries(
      Object.entries(files).map(([path, content]) => [`${module}@${version}/${path}`, content]),
    );
    const versions = this.#modules.get(module) ?? new Map<string, Module>();
    versions.set(version, { version, mod, zip: zip(prefixed), files: prefixed, time });
    this.#modules.set(module, versions);
    this.sumdb.add(module, version, hash1(prefixed), hash1({ "go.mod": mod }));
  }

  /** Other bytes under the same version; the checksum database keeps the first. */
  republish(module: string, version: string): void {
    const found = this.#module(module, version);
    found.files = { ...found.files, [`${module}@${version}/extra.go`]: "package extra\n" };
    found.zip = zip(found.files);
  }

  /** Another go.mod under the same version. */
  republishMod(module: string, version: string): void {
    this.#module(module, version).mod += "\n// changed\n";
  }

  unpublish(module: string, version?: string): void {
    if (version) this.#modules.get(module)?.delete(version);
    else this.#modules.delete(module);
  }

  /** The same database, signed by the same key, with another history. */
  fork(): void {
    const forked = new FakeSumdb(this.sumdb.name, "holdfast fake sumdb");
    forked.append(filler(-1));
    for (const [path, versions] of this.#modules)
      for (const { version, mod, files } of versions.values())
        forked.add(path, version, hash1(files), hash1({ "go.mod": mod }));
    for (let count = forked.size; count < 310; count += 1) forked.append(filler(count));
    this.sumdb = forked;
  }

  zip(module: string, version: string): Buffer {
    return this.#module(module, version).zip;
  }

  h1(module: string, version: string): string {
    return hash1(this.#module(module, version).files);
  }

  /** `path` is inside the proxy, with a leading slash. */
  answer(asked: Asked, path: string): Said {
    const sumdb = /^\/sumdb\/([^/]+)(\/.*)$/.exec(path);
    if (sumdb)
      return sumdb[1] === this.sumdb.name
        ? this.sumdb.answer(sumdb[2]!)
        : text(404, "unknown database\n");
    const found = /^\/(.+)\/@(latest|v\/list|v\/(.+)\.(info|mod|zip))$/.exec(
      decodeURIComponent(path),
    );
    const versions = found && this.#modules.get(unescapeModule(found[1]!));
    if (!versions) return text(404, `not found: ${path}\n`);
    if (found[2] === "v/list")
      return document(
        asked,
        "text/plain; charset=utf-8",
        this.#list(versions),
        new Date(Date.UTC(2024, 5, 1)),
        this.#manners,
      );
    if (found[2] === "latest") return this.#latest(versions);
    const module = versions.get(unescapeModule(found[3]!));
    if (!module) return text(404, `not found: ${found[3]}: unknown revision\n`);
    if (found[4] === "zip") return file(asked, "application/zip", module.zip, this.#manners);
    if (found[4] === "mod")
      return file(asked, "text/plain; charset=utf-8", Buffer.from(module.mod), this.#manners);
    return file(asked, "application/json", Buffer.from(info(module)), this.#manners);
  }

  #list(versions: Map<string, Module>): string {
    // A pseudo-version is no tag. https://go.dev/ref/mod#goproxy-protocol
    return [...versions.keys()]
      .filter((version) => !/-\d{14}-[0-9a-f]{12}$/.test(version))
      .map((version) => `${version}\n`)
      .join("");
  }

  #latest(versions: Map<string, Module>): Said {
    const all = [...versions.values()];
    const last = all.filter((item) => !item.version.includes("-")).at(-1) ?? all.at(-1);
    if (!this.hasLatest || !last) return text(404, "not found: no @latest here\n");
    return text(200, info(last), "application/json");
  }

  #module(module: string, version: string): Module {
    const found = this.#modules.get(module)?.get(version);
    if (!found) throw new Error(`the fake Go proxy has no ${module}@${version}`);
    return found;
  }
}

function info(module: Module): string {
  return JSON.stringify({
    Version: module.version,
    Time: module.time.toISOString().replace(/\.\d+Z$/, "Z"),
  });
}

/** golang.org/x/mod/sumdb/dirhash Hash1, from its description: the hash of sorted "sha256  name" lines. */
function hash1(files: Files): string {
  const lines = Object.keys(files)
    .sort()
    .map((name) => `${sha256(files[name]!).toString("hex")}  ${name}\n`);
  return `h1:${sha256(lines.join("")).toString("base64")}`;
}

function filler(count: number): string {
  const hash = sha256(`filler ${count}`).toString("base64");
  return `filler.example.test/m${count} v1.0.0 h1:${hash}\nfiller.example.test/m${count} v1.0.0/go.mod h1:${hash}\n`;
}
