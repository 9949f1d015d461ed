// Where a code host has a repository, and how git logs in there: protocols, credentials, and the host key that it must show.
import { createHash } from "node:crypto";
import type { SourceSettings } from "../core/source.ts";

/** What a call of git needs to reach one URL. */
export interface Reach {
  config: Record<string, string>;
  environment: Record<string, string>;
}

/** The name of a URL's mirror. */
export function mirrorName(url: string): string {
  return createHash("sha256").update(url).digest("hex");
}

/** `files`: writes a small file of ours for this mirror, and says where. */
export function reachOf(
  url: string,
  settings: SourceSettings,
  files: (name: string, text: string) => string,
): Reach {
  const { protocol } = new URL(url);
  const environment: Record<string, string> = { GIT_ALLOW_PROTOCOL: protocol.slice(0, -1) };
  const config: Record<string, string> = {};
  if (protocol === "https:") {
    const { username, password, token, ca, proxy } = settings;
    // Code hosts take a token as the password of any user.
    const login =
      token !== undefined ? `${username ?? "oauth2"}:${token}` : `${username}:${password}`;
    if (token !== undefined || password !== undefined)
      config[`http.${new URL(url).origin}/.extraHeader`] =
        `Authorization: Basic ${Buffer.from(login).toString("base64")}`;
    if (proxy !== undefined) {
      config["http.proxy"] = proxy;
      config["http.proxyAuthMethod"] = "basic"; // as on the way to other upstreams
    }
    if (ca !== undefined) config["http.sslCAInfo"] = files("ca.pem", ca);
  }
  if (protocol === "ssh:") environment["GIT_SSH_COMMAND"] = sshCommand(settings, files);
  environment["GIT_SSH_VARIANT"] = "ssh";
  return { config, environment };
}

/** No configuration of anybody's, one key, and no host but the one whose key was pinned. */
function sshCommand(
  { sshKeyFile, hostKeys = "" }: SourceSettings,
  files: (name: string, text: string) => string,
): string {
  const known = files("known_hosts", knownHosts(hostKeys));
  const options = [
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "StrictHostKeyChecking=yes",
    `UserKnownHostsFile=${known}`,
    "GlobalKnownHostsFile=/dev/null",
    `HostKeyAlias=${ALIAS}`,
    "UpdateHostKeys=no",
    "PreferredAuthentications=publickey",
    "ForwardAgent=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "ConnectTimeout=15",
    "ServerAliveInterval=15",
  ];
  const key = sshKeyFile === undefined ? [] : ["-i", sshKeyFile];
  return ["ssh", "-F", "none", "-T", ...key, ...options.flatMap((option) => ["-o", option])]
    .map(quoted)
    .join(" ");
}

const ALIAS = "code-host";
const KEY = /(?:^|\s)((?:ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+\s+[A-Za-z0-9+/=]+)/;

/** The public keys of a file, whatever host they are told of: of this URL's host they are. */
export function hostKeysIn(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => !/^\s*[#@]/.test(line))
    .flatMap((line) => KEY.exec(line)?.[1] ?? []);
}

function knownHosts(text: string): string {
  return hostKeysIn(text)
    .map((key) => `${ALIAS} ${key}\n`)
    .join("");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
