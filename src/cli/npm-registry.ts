// A registry of npm packages, as a client that publishes sees it.
import { wordsFor } from "../core/connection.ts";
import { Problem } from "../core/problem.ts";

export interface NpmRegistry {
  /** Tags of what is published there under this name; null when nothing is. */
  tags(name: string): Promise<Record<string, string> | null>;
  publish(
    name: string,
    version: string,
    manifest: Record<string, unknown>,
    tarball: Buffer,
    tag: string,
  ): Promise<void>;
  setTag(name: string, tag: string, version: string): Promise<void>;
  removeTag(name: string, tag: string): Promise<void>;
  /** What is said of versions that are not to be used, by version. */
  deprecate(name: string, notes: Record<string, string>): Promise<void>;
}

/** `url`: without a trailing slash. Each function throws Problems with the registry's own words: "unauthenticated" for a token that is not good. */
export function npmRegistry(url: string, token: string): NpmRegistry {
  async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((error: Error) => {
      throw new Problem("unreachable", `${url} does not answer: ${wordsFor(error)}`);
    });
    const text = await answer.text();
    if (answer.ok) return parsed(text, url);
    if (answer.status >= 500)
      throw new Problem("unreachable", reasonOf(text) || `${url} answered ${answer.status}`);
    const kind = answer.status === 401 ? "unauthenticated" : "forbidden";
    if (answer.status === 404 && method === "GET") return null;
    throw new Problem(kind, reasonOf(text) || `${url} answered ${answer.status}`);
  }
  const at = (name: string) => `/${name.replace("/", "%2f")}`;
  const tagPath = (name: string, tag: string) =>
    `/-/package${at(name)}/dist-tags/${encodeURIComponent(tag)}`;

  return {
    async tags(name) {
      return (await ask("GET", `/-/package${at(name)}/dist-tags`)) as Record<string, string> | null;
    },
    async publish(name, version, manifest, tarball, tag) {
      const file = `${name}-${version}.tgz`;
      await ask("PUT", at(name), {
        _id: name,
        name,
        "dist-tags": { [tag]: version },
        versions: { [version]: manifest },
        _attachments: {
          [file]: {
            content_type: "application/octet-stream",
            data: tarball.toString("base64"),
            length: tarball.length,
          },
        },
      });
    },
    async setTag(name, tag, version) {
      await ask("PUT", tagPath(name, tag), version);
    },
    async removeTag(name, tag) {
      await ask("DELETE", tagPath(name, tag));
    },
    async deprecate(name, notes) {
      const versions = Object.entries(notes).map(([version, deprecated]) => [
        version,
        { name, version, deprecated },
      ]);
      await ask("PUT", at(name), { _id: name, name, versions: Object.fromEntries(versions) });
    },
  };
}

/** A page of what stands before the registry is no answer of it. */
function parsed(text: string, url: string): unknown {
  try {
    return JSON.parse(text || "null");
  } catch (error) {
    throw new Problem("malformed", `${url} answers with what is no JSON`, { cause: error });
  }
}

function reasonOf(text: string): string {
  try {
    const { error, reason, message } = JSON.parse(text);
    return String(error ?? reason ?? message ?? "").replace(/^holdfast: /, "");
  } catch {
    return text.trim().slice(0, 500);
  }
}
