// Asking a code host whether it is there, without a mirror: nothing is kept.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SourceSettings } from "../core/source.ts";
import { reachOf } from "./address.ts";
import { failed } from "./mirror.ts";
import { createSandbox } from "./sandbox.ts";

const PATIENCE_MS = 20_000;

/** Resolves when it has the repository, and shows it to who has these credentials. Throws Problems as a fetch does. */
export async function askHost(url: string, settings: SourceSettings): Promise<void> {
  await aside(async (folder, sandbox) => {
    const { config, environment } = reachOf(url, settings, (name, text) => {
      const path = join(folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    });
    const args = ["ls-remote", "--quiet", "--end-of-options", url, "HEAD"];
    const call = { gitDir: null, args, config, environment, timeoutMs: PATIENCE_MS };
    await sandbox.run(call).catch((error) => {
      throw failed(error, url);
    });
  });
}

/** Its version; null where there is none that can be run. */
export async function gitVersion(): Promise<string | null> {
  return aside(async (_, sandbox) => {
    try {
      const said = await sandbox.run({ gitDir: null, args: ["--version"] });
      return /\d[\d.]*/.exec(said.toString())?.[0] ?? null;
    } catch {
      return null;
    }
  });
}

async function aside<T>(
  work: (folder: string, sandbox: ReturnType<typeof createSandbox>) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-ask-"));
  try {
    const home = join(folder, "home");
    mkdirSync(home);
    return await work(folder, createSandbox({ home }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
