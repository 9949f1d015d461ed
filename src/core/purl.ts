// Package URLs: the identity of a release across formats. https://github.com/package-url/purl-spec

/** `pkg:npm/%40scope/name@1.0.0`. `name` may hold slashes; `version` may be empty. */
export function purl(type: string, name: string, version?: string): string {
  const path = name.split("/").map(encodeURIComponent).join("/");
  return `pkg:${type}/${path}${version ? `@${encodeURIComponent(version)}` : ""}`;
}
