// `holdfast doctor`: looks at what a server needs from this machine and its network, and says how to mend it.
import type { Config, RepositoryConfig } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import type { Address } from "../config/values.ts";
import type { Format } from "../core/format.ts";
import type { Command } from "./arguments.ts";
import { checkData, checkPort, type Probe, probeUpstream } from "./checks.ts";
import type { Finding } from "./finding.ts";
import { configFrom, configOptions } from "./options.ts";
import { align, paint, type Terminal } from "./terminal.ts";

export type WarningFormat = FormatOptions & Pick<Format, "warnings">;

export interface DoctorDeps {
  formats: readonly WarningFormat[];
  /** Asks every upstream of a repository for its root. Over src/upstream unless told. */
  probe?(repository: RepositoryConfig, now: () => number): Promise<Probe[]>;
  /** Over the real ports and disks unless told. */
  port?(address: Address): Promise<Omit<Finding, "subject">>;
  data?(folder: string): Promise<Omit<Finding, "subject">>;
}

const CLOCK_LIMIT_S = 30;
const MARKS = { good: "✓", warning: "!", bad: "✗", skipped: "·" } as const;
const COLOURS = { good: "green", warning: "yellow", bad: "red", skipped: "dim" } as const;

export function doctorCommand({
  formats,
  probe = probeUpstream,
  port = checkPort,
  data = checkData,
}: DoctorDeps): Command {
  return {
    name: "doctor",
    summary: "Look whether everything a server needs is there",
    options: configOptions,
    details: `Looks at ports, the data directory and its disk, the clock, and each upstream: how it is reached and how fast
it answers. Changes nothing. Exit code 1 when something is broken.`,
    async run(given, terminal) {
      const config = configFrom(given, formats, terminal);
      const asked = config.repositories.map((repository) => ({
        repository,
        probes: repository.offline ? Promise.resolve([]) : probe(repository, terminal.now),
      }));
      const findings: Finding[] = [
        { subject: "port", ...(await port(config.listen)) },
        ...(await additionalPorts(config, port)),
        { subject: "data", ...(await data(config.data)) },
      ];
      const probes: Probe[] = [];
      for (const { repository, probes: pending } of asked) {
        const answers = await pending;
        probes.push(...answers);
        findings.push(...upstreamFindings(repository, answers), ...warningsOf(repository, formats));
      }
      findings.splice(
        findings.findIndex(({ subject }) => subject === "data") + 1,
        0,
        clock(probes),
      );
      terminal.out(renderFindings(findings, terminal));
      return findings.some(({ state }) => state === "bad") ? 1 : 0;
    },
  };
}

function additionalPorts(config: Config, port: NonNullable<DoctorDeps["port"]>) {
  const listening = config.repositories.filter(({ listen }) => listen);
  return Promise.all(
    listening.map(async ({ name, listen }) => {
      const finding = await port(listen!);
      return { subject: "port", ...finding, text: `${finding.text}, for ${name}` };
    }),
  );
}

/** The server's clock against the `Date` of answers (RFC 9110 §6.6.1), which has whole seconds. */
function clock(probes: readonly Probe[]): Finding {
  const offsets = probes.flatMap(({ host, clockOffsetMs }) =>
    clockOffsetMs === null ? [] : [{ host, seconds: Math.round(clockOffsetMs / 1000) }],
  );
  if (offsets.length === 0)
    return {
      state: "skipped",
      subject: "clock",
      text: "nothing answered that it could be compared with",
    };
  // One upstream may be wrong, most of them are not.
  const { host, seconds } = offsets.toSorted((a, b) => a.seconds - b.seconds)[offsets.length >> 1]!;
  const off = Math.abs(seconds);
  if (off <= CLOCK_LIMIT_S)
    return {
      state: "good",
      subject: "clock",
      text: off <= 1 ? `agrees with ${host}` : `${off} s off ${host}`,
    };
  return {
    state: "warning",
    subject: "clock",
    text: `${off} s ${seconds > 0 ? "ahead of" : "behind"} ${host}`,
    hint: "Set the clock by NTP: signatures, publish dates and pins carry times",
  };
}

function upstreamFindings(repository: RepositoryConfig, probes: readonly Probe[]): Finding[] {
  const { name: subject, upstreams } = repository;
  if (repository.offline)
    return [{ state: "skipped", subject, text: "offline: no upstream is asked" }];
  const alive = probes.some(({ failure }) => failure === null);
  return probes.map((probe, at) => {
    const way = probe.proxy ? `through ${probe.proxy}` : "directly";
    if (
      probe.failure === null &&
      probe.status !== null &&
      [401, 403, 407, 451].includes(probe.status)
    )
      return {
        state: "warning",
        subject,
        text: `${probe.host} answers ${probe.status} in ${probe.ms} ms, ${way}`,
        hint:
          probe.status === 451 || upstreams[at]?.token || upstreams[at]?.username
            ? "It refuses this server: look at the credentials, or go through a proxy elsewhere"
            : "It may want credentials: username and passwordFile, or tokenFile",
      };
    if (probe.failure === null)
      return { state: "good", subject, text: `${probe.host} answers in ${probe.ms} ms, ${way}` };
    return {
      // What the next upstream answers for is a warning.
      state: alive ? "warning" : "bad",
      subject,
      text: `${probe.host} ${way}: ${probe.failure}`,
      hint: probe.proxy
        ? "Is the proxy up, and may it go there? What is stored is served all the same"
        : "Is there a way out, or is a proxy needed (proxy: in the configuration)? What is stored is served all the same",
    };
  });
}

/** What the format keeps saying of it (`Format.warnings`). */
function warningsOf(
  { name: subject, format, options }: RepositoryConfig,
  formats: readonly WarningFormat[],
): Finding[] {
  const known = formats.find(({ name }) => name === format);
  return (known?.warnings?.(options) ?? []).map((text) => ({ state: "warning", subject, text }));
}

/** The report as people read it, with the verdict last. */
export function renderFindings(findings: readonly Finding[], terminal: Terminal): string {
  const lines = align(findings.map(({ subject, text }) => [subject, text]));
  const indent = " ".repeat(Math.max(...findings.map(({ subject }) => subject.length)) + 4);
  const report = findings.flatMap(({ state, hint }, at) => {
    const line = `${paint(terminal, COLOURS[state], MARKS[state])} ${lines[at]}`;
    return hint ? [line, paint(terminal, "dim", `${indent}${hint}`)] : [line];
  });
  const count = (wanted: Finding["state"], one: string, many: string) => {
    const found = findings.filter(({ state }) => state === wanted).length;
    return found ? [`${found} ${found === 1 ? one : many}`] : [];
  };
  const verdict = [
    ...count("bad", "thing is broken", "things are broken"),
    ...count("warning", "warning", "warnings"),
  ].join(", ");
  return [...report, "", verdict || "Everything is in order", ""].join("\n");
}
