// The artifacts that are measured, and where each server has them.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { FormatName } from "../peers/types.ts";
import { aptTree, debPath, debs, releasePath } from "../upstream/apt-tree.ts";
import { smallDist } from "../upstream/composer-tree.ts";
import { synthetic, tarballPath } from "../upstream/synthetic.ts";
import { ask } from "./http.ts";
import { workFolder } from "./paths.ts";
import { Problem } from "./refuse.ts";
import { extremes, pathOf } from "./samples.ts";

export interface FileCase {
  name: string;
  format: FormatName;
  size: number;
  large: boolean;
  /** Its address below a client's URL; documents that name it are asked on the way, as a client would. */
  locate(base: string): Promise<string>;
}

function npmFile(
  name: string,
  of: { name: string; files: { version: string; size: number }[] },
): FileCase {
  const file = of.files[0]!;
  return {
    name,
    format: "npm",
    size: file.size,
    large: file.size > 1e6,
    async locate(base) {
      await ask(`${base}/${of.name}`, { headers: { "accept-encoding": "gzip" } });
      return `${base}/${tarballPath(of.name, file.version)}`;
    },
  };
}

/** The link to a file on a simple page, wherever the server has put it (PEP 503). */
export async function linkTo(base: string, project: string, file: string): Promise<string> {
  const page = `${base}/${project}/`;
  const answer = await ask(page, { headers: { accept: "text/html" }, keepBody: true });
  if (answer.status !== 200) throw new Problem(`${page} answered ${answer.status}`);
  for (const match of answer.body.toString().matchAll(/href="([^"]+)"/g)) {
    const url = new URL(match[1]!.replaceAll("&amp;", "&"), page);
    url.hash = "";
    if (decodeURIComponent(url.pathname).endsWith(`/${file}`)) return url.href;
  }
  throw new Problem(`${page} has no link to ${file}`);
}

/** As apt asks: the release, the index by its hash, then the package. */
function aptFile(name: string, path: string, size: number): FileCase {
  return {
    name,
    format: "apt",
    size,
    large: size > 1e6,
    async locate(base) {
      await askForIndices(base);
      return `${base}/${path}`;
    },
  };
}

export async function askForIndices(base: string): Promise<void> {
  const { byHash } = aptTree(workFolder("recording", "apt"));
  for (const path of [releasePath, byHash]) {
    const { status } = await ask(`${base}/${path}`);
    if (status !== 200) throw new Problem(`${base}/${path} answered ${status}`);
  }
}

function aptFiles(): FileCase[] {
  const { byHash, indexSize } = aptTree(workFolder("recording", "apt"));
  const [small, large] = [debs.small[0]!, debs.large[0]!];
  return [
    aptFile("deb 50 kB", debPath(small), small.size),
    aptFile("deb 30 MB", debPath(large), large.size),
    aptFile("Packages.xz 8 MB, by hash", byHash, indexSize),
  ];
}

/** The dist that a server's document names. */
async function distOf(base: string): Promise<string> {
  const page = `${base}/p2/${smallDist.name}.json`;
  const answer = await ask(page, { keepBody: true });
  if (answer.status !== 200) throw new Problem(`${page} answered ${answer.status}`);
  const { packages } = JSON.parse(answer.body.toString()) as {
    packages: Record<string, { dist: { url: string } }[]>;
  };
  return packages[smallDist.name]![0]!.dist.url;
}

function composerFile(): FileCase {
  const folder = join(workFolder("recording", "composer"), "www", "dists", smallDist.name);
  const [file] = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return {
    name: "dist 20 kB",
    format: "composer",
    size: statSync(join(file!.parentPath, file!.name)).size,
    large: false,
    locate: distOf,
  };
}

/** All cases, of which those of PyPI and Go are the smallest and largest files of the recording. */
export function fileCases(formats: FormatName[]): FileCase[] {
  const cases = [npmFile("npm 10 kB", synthetic.small), npmFile("npm 30 MB", synthetic.large)];
  const wheels = extremes(/^pypi file .*\.whl$/);
  const zips = extremes(/^go file .*\.zip$/);
  const size = (bytes: number) =>
    bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${Math.round(bytes / 1e6)} MB`;
  for (const each of wheels ? [wheels.small, wheels.large] : []) {
    const file = pathOf(each).split("/").pop()!;
    const project = file
      .split("-")[0]!
      .toLowerCase()
      .replace(/[-_.]+/g, "-");
    cases.push({
      name: `wheel ${size(each.size)}`,
      format: "pypi",
      size: each.size,
      large: each.size > 1e6,
      locate: (base) => linkTo(base, project, file),
    });
  }
  for (const each of zips ? [zips.small, zips.large] : [])
    cases.push({
      name: `go zip ${size(each.size)}`,
      format: "go",
      size: each.size,
      large: each.size > 1e6,
      locate: async (base) => base + pathOf(each),
    });
  if (formats.includes("apt")) cases.push(...aptFiles());
  if (formats.includes("composer")) cases.push(composerFile());
  return cases.filter(({ format }) => formats.includes(format));
}

/** Fetches a file and proves it: 200 and every byte. */
export async function verifyFile(
  url: string,
  size: number,
): Promise<Awaited<ReturnType<typeof ask>>> {
  const answer = await ask(url);
  if (answer.status !== 200) throw new Problem(`${url} answered ${answer.status}`);
  if (answer.bytes !== size)
    throw new Problem(`${url} has ${answer.bytes} bytes instead of ${size}`);
  return answer;
}
