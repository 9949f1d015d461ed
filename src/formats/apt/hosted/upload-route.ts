// Where files are uploaded.
//
//   PUT /-/upload/<file>                       kept until the .changes comes that lists it
//   PUT /-/upload/<file>.changes               publishes what it lists, in the suite that it says
//   DELETE /-/upload/<file>                    dupload, when something went wrong
//   PUT /-/upload/<suite>[/<component>]/<file>.deb    publishes one package at once
import { isFileName } from "./control.ts";

export interface UploadRoute {
  kind: "upload";
  method: "PUT" | "POST" | "DELETE";
  /** Of a package that comes without a .changes. */
  suite: string | null;
  component: string | null;
  file: string;
}

/** `segments`: of the path behind "-/upload". */
export function uploadRoute(method: string, segments: readonly string[]): UploadRoute | null {
  if (method !== "PUT" && method !== "POST" && method !== "DELETE") return null;
  const [file = "", component = null] = [
    segments.at(-1),
    segments.length > 2 ? segments[1]! : null,
  ];
  if (segments.length > 3 || !isFileName(file)) return null;
  return {
    kind: "upload",
    method,
    suite: segments.length > 1 ? segments[0]! : null,
    component,
    file,
  };
}
