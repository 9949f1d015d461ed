// Large files of which clients are sent to where they are kept: by a URL that whoever has it can read them by, for a while.
import type { Artifact } from "../core/artifact.ts";
import { type Reply, reply } from "../core/reply.ts";
import type { Request } from "../core/request.ts";

export interface Afar {
  /** Bytes from which on they are sent there. */
  from: number;
  /** A URL for a request by this method. */
  link(sha256: string, method: "GET" | "HEAD", headers: Record<string, string>): Promise<string>;
}

/** Indices are asked for by clients that compare what a server says of them: releases alone are had elsewhere. */
export function isAfar(afar: Afar | undefined, { version }: Artifact, size: number): boolean {
  return afar !== undefined && version !== "" && size >= afar.from;
}

export async function sendAfar(
  afar: Afar,
  { contentType }: Artifact,
  sha256: string,
  request: Request,
): Promise<Reply> {
  const location = await afar.link(sha256, request.method === "HEAD" ? "HEAD" : "GET", {
    "content-type": contentType,
    "content-disposition": "attachment",
  });
  return {
    ...reply(302, "text/plain; charset=utf-8", "", { location, "cache-control": "no-store" }),
    cache: { hit: true },
  };
}
