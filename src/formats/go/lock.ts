// go.sum: what the go command checks modules by. https://go.dev/ref/mod#go-sum-files
import { type LockedRelease, type LockFormat, lockOf, wrongLock } from "../../core/lock.ts";
import { isModulePath, isRelease, modulePath, versionPath } from "./names.ts";

const NAME = "go.sum";
const LINE = /^(\S+) (v[^\s/]+)(\/go\.mod)? h1:[A-Za-z0-9+/]{43}=$/;

export const lock: LockFormat = {
  name: NAME,
  read(text) {
    const releases: LockedRelease[] = [];
    for (const [at, line] of text.split(/\r?\n/).entries()) {
      if (line.trim() === "") continue;
      const [, module = "", version = "", mod] = LINE.exec(line.trim()) ?? [];
      if (!isModulePath(module) || !isRelease(module, version))
        throw wrongLock(NAME, `line ${at + 1} is not "module version h1:…"`);
      // With the zip come its go.mod, which the go command reads first, and what tells of the version.
      const kinds = mod ? ["mod"] : ["info", "mod", "zip"];
      const files = kinds.map((kind) => `${version}.${kind}`);
      releases.push({ package: module, version, files, sha256: [] });
    }
    return lockOf(releases, []);
  },
  documentPath: () => null,
  indexPath: (module) => `/${modulePath(module, "@v/list")}`,
  versionOf: (file) => file.slice(0, file.lastIndexOf(".")),
  filePath: ({ package: module, version }, file) =>
    `/${versionPath(module, version, file.slice(file.lastIndexOf(".") + 1))}`,
};
