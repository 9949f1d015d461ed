// composer.lock. https://getcomposer.org/doc/01-basic-usage.md#commit-your-composer-lock-file-to-version-control
import { readJson } from "../../core/json.ts";
import {
  type Lock,
  type LockedRelease,
  type LockFormat,
  lockOf,
  wrongLock,
} from "../../core/lock.ts";
import { placeOf } from "./dist.ts";
import { isPackageName, spellName } from "./names.ts";
import { isObject } from "./types.ts";

const NAME = "composer.lock";

export const lock: LockFormat = {
  name: NAME,
  read(text) {
    const value = parsed(text);
    if (!isObject(value) || !Array.isArray(value["packages"]))
      throw wrongLock(NAME, "it has no list of packages");
    const listed = [value["packages"], value["packages-dev"]].flatMap((list) =>
      Array.isArray(list) ? list : [],
    );
    const releases: LockedRelease[] = [];
    const elsewhere: Lock["elsewhere"] = [];
    for (const [at, entry] of listed.entries()) {
      if (!isObject(entry) || typeof entry["name"] !== "string")
        throw wrongLock(NAME, `its package ${at + 1} has no name`);
      const name = spellName(entry["name"]);
      const place = isPackageName(name) ? placeOf(entry) : null;
      if (!place) throw wrongLock(NAME, `${entry["name"]} has no version that Composer knows`);
      if (place.dist?.type === "path" || place.file === null)
        elsewhere.push({ name, why: "it comes as no archive: a folder, or a checkout" });
      else
        releases.push({ package: name, version: place.version, files: [place.file], sha256: [] });
    }
    return lockOf(releases, elsewhere);
  },
  documentPath: ({ package: name, version }) =>
    `/p2/${name}${/^dev-|-dev$/i.test(version) ? "~dev" : ""}.json`,
  indexPath: (name) => `/p2/${name}.json`,
  filePath: ({ package: name }, file) =>
    `/dists/${name}/${file.split("/").map(encodeURIComponent).join("/")}`,
};

function parsed(text: string): unknown {
  try {
    return readJson(Buffer.from(text));
  } catch (error) {
    throw wrongLock(NAME, error instanceof Error ? error.message : "it is no JSON");
  }
}
