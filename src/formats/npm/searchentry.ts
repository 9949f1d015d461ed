// What a search shows of one package. npm/registry docs/REGISTRY-API.md, GET /-/v1/search
import { timeOf } from "./packument.ts";
import { isObject, type Manifest } from "./types.ts";

/** The `package` of a search result. npm reads `maintainers[].username` without asking whether it is there. */
export function searchEntry(
  name: string,
  manifest: Manifest,
  time: Record<string, unknown> | null,
): Record<string, unknown> {
  const version = String(manifest.version ?? "");
  const maintainers = Array.isArray(manifest["maintainers"])
    ? manifest["maintainers"].flatMap(person)
    : [];
  const links = { homepage: manifest["homepage"], repository: link(manifest["repository"]) };
  return {
    name,
    version,
    description: typeof manifest["description"] === "string" ? manifest["description"] : "",
    keywords: Array.isArray(manifest["keywords"])
      ? manifest["keywords"].filter((word) => typeof word === "string")
      : [],
    date: timeOf(time, version) ?? timeOf(time, "modified") ?? undefined,
    author: isObject(manifest["author"]) ? manifest["author"] : undefined,
    license: typeof manifest["license"] === "string" ? manifest["license"] : undefined,
    publisher: person(manifest["_npmUser"])[0] ?? maintainers[0],
    maintainers,
    links: Object.fromEntries(
      Object.entries({ ...links, bugs: link(manifest["bugs"]) }).filter(
        ([, url]) => typeof url === "string",
      ),
    ),
  };
}

function person(value: unknown): { username: string; email: string }[] {
  if (typeof value === "string") return [{ username: value, email: "" }];
  if (!isObject(value) || typeof value["name"] !== "string") return [];
  return [{ username: value["name"], email: String(value["email"] ?? "") }];
}

function link(value: unknown): unknown {
  return isObject(value) ? value["url"] : value;
}
