// A fake code host: an address for each commit's archive, which leads to another host that packs it on demand.
import { json, text } from "./answers.ts";
import type { ComposerPackages } from "./composer-packages.ts";
import type { Asked, Said } from "./http.ts";

export class FakeCodeHost {
  /** The host that packs, without a trailing slash. */
  download = "";
  readonly #packages: ComposerPackages;

  constructor(packages: ComposerPackages) {
    this.#packages = packages;
  }

  /** Where lists lead to. A client that follows has left the repository. */
  answer(asked: Asked): Said {
    const zip = /^\/repos\/([^/]+\/[^/]+)\/zipball\/([^/]+)$/.exec(asked.path);
    const tar = /^\/([^/]+\/[^/]+)\/archive\/([^/]+)\.tar\.gz$/.exec(asked.path);
    const [, name, reference] = zip ?? tar ?? [];
    if (!name) return json(404, { message: "Not Found" });
    const location = `${this.download}/${name}/legacy.${tar ? "tar.gz" : "zip"}/${reference}`;
    return { status: 302, headers: { location }, body: Buffer.alloc(0) };
  }

  /** Packed on demand: no ranges, no length known before, nothing that says what the bytes must be. */
  pack(asked: Asked): Said {
    const found = /^\/([^/]+\/[^/]+)\/legacy\.(zip|tar\.gz)\/([^/]+)$/.exec(asked.path);
    const [, name = "", type, reference = ""] = found ?? [];
    const bytes = this.#packages.archive(name, decodeURIComponent(reference));
    if (!bytes) return text(404, "404: Not Found");
    const headers = {
      "content-type": type === "zip" ? "application/zip" : "application/x-gzip",
      "content-disposition": `attachment; filename=${name.replace("/", "-")}.${type}`,
    };
    return { status: 200, headers, body: bytes };
  }
}
