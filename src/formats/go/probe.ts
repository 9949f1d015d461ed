// How a module proxy is told from anything else that answers: by a list of versions, or a "no" in plain text. https://go.dev/ref/mod#goproxy-protocol
import type { Probe } from "../../core/probe.ts";
import { canonical } from "./version.ts";

/** Of the Go project itself: whoever proxies anything public has it, and whoever does not says so. */
const MODULE = "golang.org/x/mod";

export function probe(): Probe {
  return {
    path: `${MODULE}/@v/list`,
    recognises({ status, type, start }) {
      if (status === 404 || status === 410) return type === "text/plain";
      const lines = start.split("\n").filter((line) => line.trim() !== "");
      // A pseudo-version may stand with its time behind it; the last line may be cut off.
      return status === 200 && lines.slice(0, 100).every((line) => isVersion(line));
    },
  };
}

function isVersion(line: string): boolean {
  return canonical(line.trim().split(/\s/, 1)[0]!) !== null;
}
