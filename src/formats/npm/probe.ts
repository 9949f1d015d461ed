// How a registry is told from anything else that answers: by what `npm ping` asks. npm/cli lib/utils/ping.js
import type { Probe } from "../../core/probe.ts";

export function probe(): Probe {
  return {
    path: "-/ping",
    accept: "application/json",
    recognises: ({ status, start }) => status === 200 && /^\s*(\{|$)/.test(start),
  };
}
