// aptly and reprepro as a vendor runs them: a throw-away key, a folder that a web server would show, packages added one by one.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AptPackage, build } from "../support/fake-upstream/apt-packages.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";

export interface Publisher {
  readonly name: string;
  /** What a web server shows. */
  readonly root: string;
  /** The file with its public key. */
  readonly key: string;
  /** Adds packages, and publishes. */
  publish(items: AptPackage[]): Promise<void>;
  /** Adds what stands in a folder, binary and source packages, and publishes. */
  include(folder: string): Promise<void>;
  remove(): Promise<void>;
}

export const publisherNames = ["aptly", "reprepro"] as const;
export type PublisherName = (typeof publisherNames)[number];

/** A suite "stable" with a component "main". aptly says Acquire-By-Hash, reprepro does not. `architectures`: "source" for sources. */
export async function createPublisher(
  name: PublisherName,
  architectures: readonly string[] = ["amd64"],
): Promise<Publisher> {
  const home = tempFolder(name);
  const gnupg = join(home, "gnupg");
  mkdirSync(gnupg, { mode: 0o700 });
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    TMPDIR: home,
    LANG: "C.UTF-8",
    GNUPGHOME: gnupg,
  };
  const must = async (...command: string[]) => {
    const { code, output } = await run(command, { cwd: home, env, timeout: 60_000 });
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${output}`);
    return output;
  };
  const user = "vendor@example.test";
  const batch = ["gpg", "--batch", "--quiet", "--passphrase", ""];
  await must(...batch, "--quick-gen-key", user, "rsa2048", "sign", "never");
  await must("gpg", "--batch", "--armor", "--output", join(home, "vendor.asc"), "--export", user);

  const work =
    name === "aptly" ? aptly(home, user, architectures, must) : reprepro(home, architectures, must);
  await work.begin();
  let count = 0;
  return {
    name,
    root: work.root,
    key: join(home, "vendor.asc"),
    async publish(items) {
      const folder = join(home, `incoming-${count++}`);
      mkdirSync(folder);
      for (const item of items) {
        const { path, bytes } = build(item, "");
        writeFileSync(join(folder, path), bytes);
      }
      await work.add(folder);
    },
    include: (folder) => work.add(folder),
    async remove() {
      // gpg started an agent, which would outlive the test.
      await must("gpgconf", "--kill", "gpg-agent");
      removeTemp(home);
    },
  };
}

type Must = (...command: string[]) => Promise<string>;
interface Work {
  root: string;
  begin(): Promise<void>;
  /** All packages of a folder. */
  add(folder: string): Promise<void>;
}

/** https://www.aptly.info/doc/commands/ */
function aptly(home: string, user: string, architectures: readonly string[], must: Must): Work {
  const settings = join(home, "aptly.json");
  const root = join(home, "aptly", "public");
  const call = (...args: string[]) => must("aptly", `-config=${settings}`, ...args);
  const signing = ["-batch", `-gpg-key=${user}`, "-acquire-by-hash"];
  let isPublished = false;
  return {
    root,
    async begin() {
      const rootDir = join(home, "aptly");
      writeFileSync(settings, JSON.stringify({ rootDir, gpgProvider: "gpg" }));
      await call("repo", "create", "-distribution=stable", "-component=main", "sea");
    },
    async add(folder) {
      await call("repo", "add", "-force-replace", "sea", folder);
      if (isPublished) await call("publish", "update", "-batch", `-gpg-key=${user}`, "stable");
      else await call("publish", "repo", ...signing, `-architectures=${architectures}`, "sea");
      isPublished = true;
    },
  };
}

/** https://manpages.debian.org/bookworm/reprepro/reprepro.1.en.html */
function reprepro(home: string, architectures: readonly string[], must: Must): Work {
  const root = join(home, "reprepro");
  const call = (...args: string[]) => must("reprepro", "--silent", "-b", root, ...args);
  return {
    root,
    async begin() {
      mkdirSync(join(root, "conf"), { recursive: true });
      const lines = [
        "Origin: Vendor",
        "Codename: stable",
        `Architectures: ${architectures.join(" ")}`,
        "Components: main",
        "DebIndices: Packages Release . .gz .xz",
        "SignWith: yes",
        "",
      ];
      writeFileSync(join(root, "conf", "distributions"), lines.join("\n"));
    },
    async add(folder) {
      const files = readdirSync(folder).map((name) => join(folder, name));
      const debs = files.filter((file) => file.endsWith(".deb"));
      if (debs.length) await call("includedeb", "stable", ...debs);
      for (const file of files.filter((name) => name.endsWith(".dsc")))
        await call("includedsc", "stable", file);
    },
  };
}
