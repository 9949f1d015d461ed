// What the kernel says about a process and its children: memory and CPU time, from /proc (proc(5)).
import { readdirSync, readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100; // sysconf(_SC_CLK_TCK) on Linux

function readStat(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name may hold spaces and parentheses: fields are counted after its last ")".
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null; // ended meanwhile
  }
}

/** A process and all its living descendants. */
export function tree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(readStat(Number(entry))?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [pid];
  for (let at = 0; at < found.length; at += 1) found.push(...(children.get(found[at]!) ?? []));
  return found;
}

function statusBytes(pid: number, field: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "utf8");
    const match = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text);
    return match ? Number(match[1]) * 1024 : 0;
  } catch {
    return 0;
  }
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

/** Resident bytes now, children included. */
export function residentBytes(pid: number): number {
  return sum(tree(pid).map((each) => statusBytes(each, "VmRSS")));
}

/** Highest resident bytes since each process began, children included. */
export function peakBytes(pid: number): number {
  return sum(tree(pid).map((each) => statusBytes(each, "VmHWM")));
}

/** CPU seconds spent so far (user + system), children included, also those that ended. */
export function cpuSeconds(pid: number): number {
  const ticks = tree(pid).map((each) => {
    const stat = readStat(each);
    return stat ? sum(stat.slice(11, 15).map(Number)) : 0; // utime stime cutime cstime
  });
  return sum(ticks) / TICKS_PER_SECOND;
}
