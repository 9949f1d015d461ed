// From an entry of `sources` to what the server uses: files and variables read.
import { resolve as resolvePath } from "node:path";
import type { z } from "zod";
import { refuseUrl, type SourceSettings, wildcardsOf } from "../core/source.ts";
import type { Path } from "./errors.ts";
import { readPem, readSecret, readTextFile, type Surroundings } from "./resolve.ts";
import type { Source } from "./sources.ts";

export type SourceInput = z.infer<typeof Source>;

export function resolveSource(
  input: SourceInput,
  path: Path,
  around: Surroundings,
): SourceSettings {
  const { names, git, folder, username, every, limit, sshKeyFile, hostKeyFile } = input;
  const complain = (key: string, message: string) => around.complain([...path, key], message);
  const password = readSecret(input, "password", path, around);
  const token = readSecret(input, "token", path, around);
  const proxyPassword = readSecret(input, "proxyPassword", path, around);
  const ca = readPem(input.ca, [...path, "ca"], around);
  const example = git.replace(/\{\d+\}/g, "x");
  const wrong = refuseUrl(example);
  const filled = `${git} ${folder ?? ""}`;
  const most = Math.max(0, ...[...filled.matchAll(/\{(\d+)\}/g)].map(([, at]) => Number(at)));
  const { protocol = "" } = URL.parse(example) ?? {};
  if (wrong) complain("git", wrong);
  else if (most > wildcardsOf(names) || filled.includes("{0}"))
    complain("git", `has {${most}}, and names has ${wildcardsOf(names)} of *`);
  if (!wrong && /^[^:]+:\/\/[^/]*\{/.test(git))
    complain("git", "its host may not come from a name");
  if (!wrong && protocol !== "https:" && (password !== null || token !== null || ca !== undefined))
    complain("git", "passwords, tokens and ca are for https:// alone");
  if (!wrong && protocol !== "ssh:" && (sshKeyFile !== undefined || hostKeyFile !== undefined))
    complain("git", "sshKeyFile and hostKeyFile are for ssh:// alone");
  if (!wrong && protocol !== "https:" && input.proxy !== undefined)
    complain("proxy", "is for https:// alone");
  if (proxyPassword !== null && !URL.parse(input.proxy ?? "")?.username)
    complain("proxy", "needs the user name of the proxy's password: http://NAME@HOST:PORT");
  if (protocol === "ssh:" && hostKeyFile === undefined)
    complain("git", "needs hostKeyFile beside it: the host's key, as `ssh-keyscan` writes it");
  if (password !== null && username === undefined)
    around.complain(path, "has a password but no username");
  if (password !== null && token !== null)
    around.complain(path, "either a password or a token, not both");
  const settings: SourceSettings = { names, git, everyMs: every, limit };
  if (folder !== undefined) settings.folder = folder;
  if (username !== undefined) settings.username = username;
  if (password !== null) settings.password = password;
  if (token !== null) settings.token = token;
  if (ca !== undefined) settings.ca = ca;
  if (input.proxy !== undefined) settings.proxy = withPassword(input.proxy, proxyPassword);
  if (sshKeyFile !== undefined) {
    readTextFile(sshKeyFile, [...path, "sshKeyFile"], around);
    settings.sshKeyFile = resolvePath(around.folder, sshKeyFile);
  }
  if (hostKeyFile !== undefined) {
    const keys = readTextFile(hostKeyFile, [...path, "hostKeyFile"], around);
    if (keys !== null && !/(ssh-|ecdsa-|sk-)\S+\s+[A-Za-z0-9+/=]{20,}/.test(keys))
      complain("hostKeyFile", `${hostKeyFile} holds no public key`);
    settings.hostKeys = keys ?? "";
  }
  return settings;
}

function withPassword(proxy: string, password: string | null): string {
  const url = new URL(proxy);
  // Names are the proxy's to look up, as they are on the way to other upstreams.
  if (url.protocol === "socks5:") url.href = proxy.replace("socks5:", "socks5h:");
  if (password !== null) url.password = encodeURIComponent(password);
  return url.href;
}
