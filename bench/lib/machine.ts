// What the figures were taken on.
import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { output } from "./process.ts";

export interface Machine {
  date: string;
  processor: string;
  memoryGb: number;
  kernel: string;
  system: string;
  /** One-minute load average when the measurements began. */
  load: number;
  tools: Record<string, string>;
}

export function machine(): Machine {
  const release = readFileSync("/etc/os-release", "utf8");
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    processor: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: output("uname", ["-r"]),
    system: /^PRETTY_NAME="(.+)"/m.exec(release)?.[1] ?? "unknown",
    load: loadavg()[0] ?? 0,
    tools: {
      npm: output("npm", ["--version"]),
      pip: output("python3", ["-m", "pip", "--version"]).split(" ")[1] ?? "",
      go: output("go", ["env", "GOVERSION"]),
      apt: output("apt-get", ["--version"]).split(" ")[1] ?? "",
      composer: output("composer", ["--version", "--no-ansi"]).split(" ")[2] ?? "",
      wrk: output("dpkg-query", ["-W", "wrk"]).split("\t")[1] ?? "",
    },
  };
}
