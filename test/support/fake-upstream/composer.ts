// A fake Packagist: packages.json, minified p2 files, search, list, advisories, install counts. Composer 2's repository protocol.
import { json } from "./answers.ts";
import { dated, minify } from "./composer-metadata.ts";
import { ComposerPackages, type ComposerRelease, manifestOf, sha1 } from "./composer-packages.ts";
import { FakeSatis } from "./composer-satis.ts";
import { composerAdvisories, composerMalware, composerTable } from "./composer-world.ts";
import type { Asked, Said } from "./http.ts";

/** URLs without a trailing slash. */
export interface ComposerPlaces {
  /** Where the metadata stands. */
  root: string;
  /** Search, advisories and counts: another host than the metadata's. */
  site: string;
  satis: string;
  code: string;
  /** A host that nobody allowed. */
  elsewhere: string;
}

export class FakeComposer {
  #places: ComposerPlaces = { root: "", site: "", satis: "", code: "", elsewhere: "" };
  readonly packages = new ComposerPackages(composerTable);
  readonly satis = new FakeSatis();
  /** Shown by Composer after each update: `warning`, `info`. */
  readonly messages: Record<string, string> = {};
  readonly #advisories = new Map(Object.entries(composerAdvisories));

  place(places: ComposerPlaces): void {
    this.#places = places;
    this.satis.base = places.satis;
    this.satis.code = places.code;
  }

  /** The store that a name belongs to: dock/… is the company's. */
  store(name: string): ComposerPackages {
    return this.satis.packages.has(name) || name.startsWith("dock/")
      ? this.satis.packages
      : this.packages;
  }

  bytes(name: string, version: string): Buffer {
    return this.store(name).bytes(name, version);
  }

  reference(name: string, version: string): string {
    return this.store(name).reference(name, version);
  }

  shasum(name: string, version: string): string {
    return sha1(this.bytes(name, version));
  }

  /** Makes it known that the versions in `range` are dangerous. */
  advise(name: string, range: string): void {
    this.#advisories.set(name, range);
    this.packages.touch(name);
  }

  /** Shows a message with `kind` "warning" or "info" to whoever updates. */
  say(kind: string, message: string): void {
    this.messages[kind] = message;
    this.packages.touch("");
  }

  /** `path` is inside the repository, with a leading slash. */
  answer(asked: Asked, path: string): Said {
    if (path === "/packages.json") return dated(asked, this.#root(), this.packages.changedAt(""));
    const [, name = "", branches] = /^\/p2\/(.+?)(~dev)?\.json$/.exec(path) ?? [];
    const decoded = decodeURIComponent(name);
    if (!this.packages.has(decoded))
      return json(404, { error: { code: 404, message: "Not Found" } });
    const isBranch = (release: ComposerRelease) => release.version.startsWith("dev-");
    const releases = this.packages
      .releases(decoded)
      .filter((release) => isBranch(release) === (branches !== undefined));
    const versions = releases.map((release) => this.#version(release));
    const body = {
      minified: "composer/2.0",
      packages: { [decoded]: minify(versions) },
      "security-advisories": this.#advisoriesOf(decoded).map(
        ({ advisoryId, affectedVersions }) => ({
          advisoryId,
          affectedVersions,
        }),
      ),
    };
    const filter = composerMalware[decoded];
    return dated(
      asked,
      filter ? { ...body, filter: { malware: [filter] } } : body,
      this.packages.changedAt(decoded),
    );
  }

  /** The site stands on another host than the metadata. */
  answerSite(asked: Asked): Said {
    const { path, query } = asked;
    if (path === "/search.json") return this.#search(query);
    if (path === "/packages/list.json") {
      const vendor = query.get("vendor");
      const names = this.packages.names();
      return json(200, {
        packageNames: vendor ? names.filter((name) => name.startsWith(`${vendor}/`)) : names,
      });
    }
    if (path === "/downloads/" && asked.method === "POST") return json(201, { status: "success" });
    if (path === "/filter/summary.json") {
      const ranges = Object.entries(composerMalware).map(([name, { constraint }]) => [
        name,
        constraint,
      ]);
      return dated(
        asked,
        { filter: { malware: Object.fromEntries(ranges) } },
        this.packages.changedAt(""),
      );
    }
    if (path === "/api/filter/" && asked.method === "POST") return this.#filter(asked);
    if (path !== "/api/security-advisories/")
      return json(404, { error: { code: 404, message: "Not Found" } });
    const form = asked.method === "POST" ? new URLSearchParams(asked.body.toString()) : query;
    const wanted = [...form].filter(([key]) => key.startsWith("packages[")).map(([, name]) => name);
    const found = Object.fromEntries(
      wanted
        .map((name) => [name, this.#advisoriesOf(name)] as const)
        .filter(([, list]) => list.length > 0),
    );
    // PHP's empty map is a list.
    return json(200, { advisories: Object.keys(found).length ? found : [] });
  }

  #root(): unknown {
    const { pathname } = new URL(this.#places.root);
    return {
      packages: [],
      "notify-batch": `${this.#places.site}/downloads/`,
      "providers-url": `${pathname}/p/%package%$%hash%.json`,
      "metadata-url": `${pathname}/p2/%package%.json`,
      "metadata-changes-url": `${this.#places.site}/metadata/changes.json`,
      search: `${this.#places.site}/search.json?q=%query%&type=%type%`,
      list: `${this.#places.site}/packages/list.json`,
      "security-advisories": {
        metadata: true,
        "api-url": `${this.#places.site}/api/security-advisories/`,
      },
      filter: {
        metadata: true,
        lists: { malware: { enabled: true } },
        "summary-url": `${this.#places.site}/filter/summary.json`,
        "api-url": `${this.#places.site}/api/filter/`,
      },
      ...this.messages,
    };
  }

  #search(query: URLSearchParams): Said {
    const wanted = query.get("q") ?? "";
    const names = this.packages.names().filter((name) => name.includes(wanted));
    const results = names.map((name) => ({
      name,
      description: `The ${name} of the fake sea`,
      url: `${this.#places.site}/packages/${name}`,
      repository: `${this.#places.code}/${name}`,
      downloads: 42,
      favers: 7,
    }));
    return json(200, { results, total: results.length });
  }

  /** Composer 2.10 asks by package URL. */
  #filter(asked: Asked): Said {
    const { packages, lists } = JSON.parse(asked.body.toString()) as Record<string, string[]>;
    const names = packages!.map((text) => text.replace(/^pkg:(\/\/)?composer\//, ""));
    const malware = names.flatMap((name) => {
      const entry = composerMalware[name];
      return entry ? [{ package: name, ...entry }] : [];
    });
    return json(200, { filter: lists!.includes("malware") ? { malware } : {} });
  }

  #advisoriesOf(name: string) {
    const affectedVersions = this.#advisories.get(name);
    if (affectedVersions === undefined) return [];
    return [
      {
        advisoryId: `PKSA-${sha1(name).slice(0, 4)}-tide`,
        packageName: name,
        remoteId: `${name}/2024-01-05.yaml`,
        title: `${name} leaks at high tide`,
        link: "https://advisories.example.test/1002",
        cve: "CVE-2024-1002",
        affectedVersions,
        source: "Harbour watch",
        reportedAt: "2024-01-05 10:00:00",
        composerRepository: this.#places.root,
        severity: "high",
        sources: [{ name: "Harbour watch", remoteId: `${name}/2024-01-05.yaml` }],
      },
    ];
  }

  #version(release: ComposerRelease): Record<string, unknown> {
    const { name, version, normalized, reference, options, time } = release;
    const { type, require, autoload, extra, description, license, ...more } = manifestOf(release);
    const isTar = options.dist === "tar";
    const host = options.dist === "elsewhere" ? this.#places.elsewhere : this.#places.code;
    const path = isTar
      ? `${name}/archive/${encodeURIComponent(reference)}.tar.gz`
      : `repos/${name}/zipball/${encodeURIComponent(reference)}`;
    const url = `${host}/${path}`;
    return {
      name,
      description,
      keywords: [],
      homepage: "",
      version,
      version_normalized: normalized,
      license,
      authors: [{ name: "neptune", email: "neptune@example.test" }],
      source: { url: `${this.#places.code}/${name}.git`, type: "git", reference },
      ...(type === "metapackage"
        ? {}
        : { dist: { url, type: isTar ? "tar" : "zip", shasum: "", reference } }),
      type,
      support: { source: `${this.#places.code}/${name}/tree/${reference}` },
      funding: [],
      time: time.toISOString().replace(".000Z", "+00:00"),
      ...(autoload ? { autoload } : {}),
      ...(extra ? { extra } : {}),
      ...(version === "dev-main" ? { "default-branch": true } : {}),
      ...(require ? { require } : {}),
      ...more,
    };
  }
}
