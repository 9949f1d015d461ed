// The style and the script of all pages: one file each, named by their digest, so that browsers keep them for good.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Reply, reply } from "../../core/reply.ts";
import { chartStyle } from "../chart.ts";
import script from "./enhance.js" with { type: "text" };
import icon from "./icon.svg" with { type: "text" };
import style from "./style.css" with { type: "text" };

/** Below it, without asking who reads: the page to log in needs them too. */
export const ASSETS = "/-/assets/";

const FILES = {
  style: asset("style", "css", "text/css", style + chartStyle),
  script: asset("enhance", "js", "text/javascript", script as unknown as string),
  icon: asset("icon", "svg", "image/svg+xml", icon),
};

/** Where they stand, from the root. */
export const assets = {
  style: FILES.style.path,
  script: FILES.script.path,
  icon: FILES.icon.path,
};

interface Asset {
  stem: string;
  path: string;
  reply: Reply;
}

/** Null when there is none. One of another version is the one of this: a page of before it was upgraded stays readable. */
export function serveAsset(path: string): Reply | null {
  for (const { stem, path: own, reply } of Object.values(FILES)) {
    if (path === own) return reply;
    if (path.startsWith(stem))
      return { ...reply, headers: { ...reply.headers, "cache-control": "no-cache" } };
  }
  return null;
}

function asset(name: string, ending: string, type: string, text: string): Asset {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const stem = `${ASSETS}${name}-`;
  const made = reply(200, `${type}; charset=utf-8`, gzipSync(text, { level: 9 }), {
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
  });
  return {
    stem,
    path: `${stem}${digest}.${ending}`,
    reply: { ...made, encoding: "gzip", etag: digest },
  };
}
