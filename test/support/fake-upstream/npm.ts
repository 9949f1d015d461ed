// A fake npm registry: packuments in both forms, tarballs, signatures and keys, search, audits.
import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
} from "node:crypto";
import { document, file, json, type Manners, sha256 } from "./answers.ts";
import { tarGz } from "./archives.ts";
import type { Asked, Said } from "./http.ts";
import { npmAdvisories, npmTable, npmTags, readTable } from "./world.ts";

interface Release {
  name: string;
  version: string;
  manifest: Record<string, unknown>;
  bytes: Buffer;
  time: Date;
  attest?: NpmVersion["attest"];
}

export interface NpmVersion {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  /** Merged into the manifest. */
  more?: Record<string, unknown>;
  /** Files beside package.json and index.js. */
  files?: Record<string, string | Uint8Array>;
  time?: Date;
  /** Sigstore bundles of what it says of the tarball. */
  attest?: (subject: { purl: string; sha512: string }) => unknown[];
}

const CORGI = "application/vnd.npm.install-v1+json";
const SHORT = [
  "name",
  "version",
  "dependencies",
  "optionalDependencies",
  "devDependencies",
  "bundleDependencies",
  "peerDependencies",
  "peerDependenciesMeta",
  "bin",
  "directories",
  "dist",
  "engines",
  "cpu",
  "os",
  "deprecated",
  "funding",
  "hasInstallScript",
];

// A throw-away key that stands in for the registry's; from a fixed secret, so that runs are alike.
const secret = createSecret();

function createSecret(): KeyObject {
  const curve = createECDH("prime256v1");
  const d = sha256("holdfast fake npm registry");
  curve.setPrivateKey(d);
  const point = curve.getPublicKey();
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) =>
    part.toString("base64url"),
  ) as [string, string];
  return createPrivateKey({
    key: { kty: "EC", crv: "P-256", d: d.toString("base64url"), x, y },
    format: "jwk",
  });
}

export class FakeNpm {
  readonly #releases = new Map<string, Map<string, Release>>();
  readonly #tags = new Map<string, Record<string, string>>();
  readonly #manners: Manners;
  readonly #signatures = new Map<string, Buffer>();
  #changed = new Date(Date.UTC(2024, 5, 1));
  base = "";
  /** Signs with another key than the one that it publishes. */
  forgeSignatures = false;

  /** What its audit tells, by name. */
  readonly advisories = new Map(Object.entries(npmAdvisories));

  constructor(manners: Manners) {
    this.#manners = manners;
    for (const row of readTable(npmTable, /\s+/)) {
      const dependencies: Record<string, string> = {};
      for (const item of row.requires) {
        const at = item.lastIndexOf("@");
        dependencies[item.slice(0, at)] = item.slice(at + 1);
      }
      this.publish({
        name: row.name,
        version: row.version,
        dependencies,
        more: row.more,
        time: row.time,
      });
    }
    for (const [name, tags] of Object.entries(npmTags)) Object.assign(this.#tags.get(name)!, tags);
  }

  publish(options: NpmVersion): void {
    const { name, version, dependencies = {}, more = {}, files = {} } = options;
    const manifest: Record<string, unknown> = {
      name,
      version,
      description: `The ${name} of the fake sea`,
      main: "index.js",
      license: "MIT",
      ...more,
    };
    if (Object.keys(dependencies).length) manifest["dependencies"] = dependencies;
    const { deprecated: _, ...packed } = manifest;
    const bytes = tarGz({
      "package/package.json": JSON.stringify(packed, null, 2),
      "package/index.js": `module.exports = ${JSON.stringify(`${name}@${version}`)};\n`,
      "package/cli.js": `#!/usr/bin/env node\nconsole.log(${JSON.stringify(`${name}@${version}`)});\n`,
      "package/README.md": `# ${name}\n`,
      ...Object.fromEntries(
        Object.entries(files).map(([path, content]) => [`package/${path}`, content]),
      ),
    });
    const versions = this.#releases.get(name) ?? new Map<string, Release>();
    const { time = this.#touch(), attest } = options;
    versions.set(version, { name, version, manifest, bytes, time, ...(attest && { attest }) });
    this.#releases.set(name, versions);
    const tags = this.#tags.get(name) ?? {};
    if (!version.includes("-")) tags["latest"] = version;
    tags["latest"] ??= version;
    this.#tags.set(name, tags);
  }

  /** The same version with other bytes, and an integrity that agrees with them. */
  republish(name: string, version: string): void {
    const release = this.#release(name, version);
    release.bytes = tarGz({
      "package/package.json": JSON.stringify(release.manifest),
      "package/index.js": "module.exports = 'not what it was';\n",
    });
    this.#touch();
  }

  unpublish(name: string, version?: string): void {
    if (version) this.#releases.get(name)?.delete(version);
    else this.#releases.delete(name);
    this.#touch();
  }

  deprecate(name: string, version: string, message: string): void {
    this.#release(name, version).manifest["deprecated"] = message;
    this.#touch();
  }

  tag(name: string, tag: string, version: string): void {
    this.#tags.get(name)![tag] = version;
    this.#touch();
  }

  tarball(name: string, version: string): Buffer {
    return this.#release(name, version).bytes;
  }

  integrity(name: string, version: string): string {
    return sri(this.tarball(name, version));
  }

  get keys(): unknown {
    const der = createPublicKey(secret).export({ format: "der", type: "spki" });
    return {
      keys: [
        {
          expires: null,
          keyid: keyId(),
          keytype: "ecdsa-sha2-nistp256",
          scheme: "ecdsa-sha2-nistp256",
          key: der.toString("base64"),
        },
      ],
    };
  }

  /** `path` is inside the registry, with a leading slash. */
  answer(asked: Asked, path: string): Said {
    if (path === "/-/ping") return json(200, {});
    if (path === "/-/npm/v1/keys" && !this.#manners.plain) return json(200, this.keys);
    if (path === "/-/v1/search" && !this.#manners.plain) return this.#search(asked);
    if (path === "/-/npm/v1/security/advisories/bulk" && !this.#manners.plain)
      return this.#bulk(asked);
    if (path === "/-/npm/v1/security/audits/quick" && !this.#manners.plain) return this.#quick();
    const attested = /^\/-\/npm\/v1\/attestations\/(.+)@([^@]+)$/.exec(path);
    if (attested) return this.#attestations(decodeURIComponent(attested[1]!), attested[2]!);
    const tarball = /^\/((?:@[^/]+(?:\/|%2f))?[^/]+)\/-\/([^/]+)\.tgz$/i.exec(path);
    if (tarball) return this.#tarball(asked, decodeURIComponent(tarball[1]!), tarball[2]!);
    const name = decodeURIComponent(path.slice(1));
    const versions = this.#releases.get(name);
    if (!versions) return json(404, { error: "Not found" });
    return this.#packument(asked, name, [...versions.values()]);
  }

  #tarball(asked: Asked, name: string, stem: string): Said {
    const version = stem.slice(name.replace(/^.*\//, "").length + 1);
    const release = this.#releases.get(name)?.get(version);
    if (!release) return json(404, { error: "Not found" });
    return file(asked, "application/octet-stream", release.bytes, this.#manners);
  }

  #packument(asked: Asked, name: string, releases: Release[]): Said {
    const short = !this.#manners.plain && (asked.headers["accept"] ?? "").includes(CORGI);
    const versions = Object.fromEntries(
      releases.map((release) => [release.version, this.#manifest(release, short)]),
    );
    const tags = Object.fromEntries(
      Object.entries(this.#tags.get(name)!).filter(([, version]) => version in versions),
    );
    const times = Object.fromEntries(
      releases.map((release) => [release.version, release.time.toISOString()]),
    );
    // Never before what it has: pnpm takes it for the time of the newest version.
    const newest = Math.max(...releases.map(({ time }) => time.getTime()));
    const modified = new Date(Math.max(this.#changed.getTime(), newest)).toISOString();
    const body = short
      ? { name, modified, "dist-tags": tags, versions }
      : {
          _id: name,
          _rev: "1-fake",
          name,
          description: `The ${name} of the fake sea`,
          "dist-tags": tags,
          versions,
          time: { created: releases[0]?.time.toISOString(), modified, ...times },
          readme: `# ${name}\n`,
          license: "MIT",
          maintainers: [{ name: "neptune" }],
        };
    return document(
      asked,
      short ? CORGI : "application/json",
      JSON.stringify(body),
      this.#changed,
      this.#manners,
    );
  }

  #manifest(release: Release, short: boolean): Record<string, unknown> {
    const { name, version, bytes } = release;
    const integrity = sri(bytes);
    const dist: Record<string, unknown> = {
      integrity,
      shasum: createHash("sha1").update(bytes).digest("hex"),
      tarball: `${this.base}/${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`,
    };
    if (!this.#manners.plain) {
      dist["fileCount"] = 4;
      dist["unpackedSize"] = 512;
      dist["signatures"] = [{ keyid: keyId(), sig: this.#sign(`${name}@${version}:${integrity}`) }];
      if (name.startsWith("@reef/") || release.attest)
        dist["attestations"] = {
          url: `${this.base}/-/npm/v1/attestations/${encodeURIComponent(name)}@${version}`,
          provenance: { predicateType: "https://slsa.dev/provenance/v1" },
        };
    }
    const full = { ...release.manifest, dist };
    if (!short) return { ...full, _id: `${name}@${version}` };
    return Object.fromEntries(Object.entries(full).filter(([key]) => SHORT.includes(key)));
  }

  /** An ECDSA signature is another one each time; a registry makes it once. */
  #sign(message: string): string {
    const text = this.forgeSignatures ? `forged ${message}` : message;
    const made = this.#signatures.get(text) ?? sign("sha256", Buffer.from(text), secret);
    this.#signatures.set(text, made);
    return made.toString("base64");
  }

  #attestations(name: string, version: string): Said {
    const release = this.#releases.get(name)?.get(version);
    if (!release || this.#manners.plain) return json(404, { error: "Not found" });
    const predicateType = "https://slsa.dev/provenance/v1";
    if (release.attest) {
      const sha512 = createHash("sha512").update(release.bytes).digest("hex");
      const purl = `pkg:npm/${encodeURIComponent(name).replace("%2F", "/")}@${version}`;
      const bundles = release.attest({ purl, sha512 });
      return json(200, { attestations: bundles.map((bundle) => ({ predicateType, bundle })) });
    }
    return json(200, {
      attestations: [
        {
          predicateType,
          bundle: {
            mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.2",
            subject: `${name}@${version}`,
            digest: sri(release.bytes),
          },
        },
      ],
    });
  }

  #search(asked: Asked): Said {
    const wanted = asked.query.get("text") ?? "";
    const found = [...this.#releases.keys()].filter((name) => name.includes(wanted));
    const size = Number(asked.query.get("size") ?? 20);
    const objects = found.slice(0, size).map((name) => ({
      package: {
        name,
        version: this.#tags.get(name)!["latest"],
        description: `The ${name} of the fake sea`,
        date: this.#changed.toISOString(),
        links: {},
        publisher: { username: "neptune" },
        maintainers: [],
      },
      score: { final: 1, detail: { quality: 1, popularity: 1, maintenance: 1 } },
      searchScore: 1,
    }));
    return json(200, { objects, total: found.length, time: this.#changed.toISOString() });
  }

  #bulk(asked: Asked): Said {
    const raw =
      asked.headers["content-encoding"] === "gzip"
        ? Bun.gunzipSync(new Uint8Array(asked.body))
        : asked.body;
    const names = Object.keys(JSON.parse(Buffer.from(raw).toString()) as object);
    const known = names.filter((name) => this.advisories.has(name));
    return json(
      200,
      Object.fromEntries(
        known.map((name) => {
          const { range, title, severity, id = 1001, url } = this.advisories.get(name)!;
          return [
            name,
            [
              {
                id,
                url: url ?? "https://advisories.example.test/1001",
                title,
                severity,
                vulnerable_versions: range,
                cwe: [],
                cvss: { score: 7.5, vectorString: null },
              },
            ],
          ];
        }),
      ),
    );
  }

  #quick(): Said {
    return json(200, {
      actions: [],
      advisories: {},
      muted: [],
      metadata: {
        vulnerabilities: { info: 0, low: 0, moderate: 0, high: 0, critical: 0 },
        dependencies: 1,
        devDependencies: 0,
        optionalDependencies: 0,
        totalDependencies: 1,
      },
    });
  }

  #release(name: string, version: string): Release {
    const release = this.#releases.get(name)?.get(version);
    if (!release) throw new Error(`the fake npm registry has no ${name}@${version}`);
    return release;
  }

  #touch(): Date {
    this.#changed = new Date(this.#changed.getTime() + 1000);
    return this.#changed;
  }
}

function sri(bytes: Uint8Array): string {
  return `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
}

function keyId(): string {
  const der = createPublicKey(secret).export({ format: "der", type: "spki" });
  return `SHA256:${sha256(der).toString("base64").replace(/=+$/, "")}`;
}
