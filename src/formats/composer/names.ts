// Package names: what is accepted at the edge. Packagist's grammar, as Composer's ValidatingArrayLoader states it.
// https://getcomposer.org/doc/04-schema.md#name

const NAME = /^[a-z0-9]+(?:[_.-][a-z0-9]+)*\/[a-z0-9]+(?:(?:[_.]|-{1,2})[a-z0-9]+)*$/;
/** Device names of Windows: "package and vendor names can not match any of" these. */
const RESERVED = /^(?:nul|con|prn|aux|com[1-9]|lpt[1-9])$/;

/** `monolog/monolog`, in lower case. Never holds a dot segment, an encoding or a control character. */
export function isPackageName(name: string): boolean {
  if (name.length > 200 || !NAME.test(name) || name.endsWith(".json")) return false;
  return name.split("/").every((part) => !RESERVED.test(part));
}

/** Names are the same in any case; branches of a package are that package's. */
export function spellName(name: string): string {
  return name.toLowerCase().replace(/~dev$/, "");
}
