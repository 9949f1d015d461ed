// `holdfast doctor`: looks at what a server needs from this machine and its network, and says how to mend it.
import { type FollowConfig, primaryOf } from "../config/follow.ts";
import type { Config, RepositoryConfig } from "../config/resolve.ts";
import type { Address } from "../config/values.ts";
import { version } from "../core/build.ts";
import type { Format } from "../core/format.ts";
import type { Probe } from "../core/probe.ts";
import type { Holder } from "../store/holder.ts";
import { accessWords } from "./access-words.ts";
import { checkAlarms } from "./alarms.ts";
import type { Command } from "./arguments.ts";
import { checkBackups } from "./check-backups.ts";
import { checkCanaries } from "./check-canaries.ts";
import { checkFollow } from "./check-follow.ts";
import { checkLedger } from "./check-ledger.ts";
import { checkLogin } from "./check-login.ts";
import { checkMove } from "./check-move.ts";
import { checkNodes } from "./check-nodes.ts";
import { checkSources } from "./check-sources.ts";
import { checkStore } from "./check-store.ts";
import {
  checkAccess,
  checkData,
  checkDatabase,
  checkFeeds,
  checkPort,
  findRunning,
  type ProbedRepository,
  type ProbeResult,
  probeUpstreams,
  type StoredAccess,
} from "./checks.ts";
import type { Finding } from "./finding.ts";
import { configFrom, configOptions } from "./options.ts";
import { align, paint, type Terminal } from "./terminal.ts";
import { checkNames } from "./unknown-names.ts";
import { serverWarnings, type WarningFormat, warningsOf } from "./warnings.ts";

export type ExaminedFormat = WarningFormat & Pick<Format, "probe">;

export interface DoctorDeps {
  formats: readonly ExaminedFormat[];
  /** Asks every upstream of a repository what its format asks. Over src/upstream unless told. */
  probe?(
    repository: ProbedRepository,
    question: Probe | null,
    now: () => number,
  ): Promise<ProbeResult[]>;
  /** Over the real ports and disks unless told. */
  port?(address: Address, running: Holder | null): Promise<Omit<Finding, "subject">>;
  data?(folder: string): Promise<Omit<Finding, "subject">>;
  /** Accounts and grants that commands gave. As the catalog has them unless told. */
  stored?(config: Config): Promise<StoredAccess>;
  /** Whom the configuration gives something, and nobody knows. As the catalog has it unless told. */
  unknown?(config: Config): Promise<string[]>;
  /** How old what feeds told is. As the catalog has it unless told. */
  feeds?(config: Config, now: number): Promise<Finding[]>;
  /** Whether code hosts answer. By git itself unless told. */
  sources?(config: Config, now: () => number): Promise<Finding[]>;
  /** Whether log and database know of each other. As both have it unless told. */
  ledger?(config: Config): Promise<Finding[]>;
  /** How it goes with the server that this one follows. As the catalog has it unless told. */
  follow?(config: Config, now: number): Promise<Finding[]>;
  /** The servers that share the catalog. As it has them unless told. */
  nodes?(config: Config): Promise<Finding[]>;
  /** What the server that runs has proven of itself. Asked through its socket unless told. */
  canaries?(config: Config): Promise<Finding[]>;
  /** What calls for somebody, as a server saw it last. As the catalog has it unless told. */
  alarms?(config: Config, now: number, running: Holder | null): Promise<Finding[]>;
}

const CLOCK_LIMIT_S = 30;
const MARKS = { good: "✓", warning: "!", bad: "✗", skipped: "·" } as const;
const COLOURS = { good: "green", warning: "yellow", bad: "red", skipped: "dim" } as const;

export function doctorCommand({
  formats,
  probe = probeUpstreams,
  port = checkPort,
  data = checkData,
  stored = checkAccess,
  unknown = checkNames,
  feeds = checkFeeds,
  sources = checkSources,
  ledger = checkLedger,
  follow = checkFollow,
  nodes = checkNodes,
  canaries = checkCanaries,
  alarms = checkAlarms,
}: DoctorDeps): Command {
  return {
    name: "doctor",
    summary: "Look whether everything a server needs is there",
    options: { ...configOptions, json: { help: "Print the findings as JSON, for programs" } },
    details: `Looks at ports, the data directory and its disk, the clock, the systems that people log in through, each upstream: how it is reached, how fast it answers,
and whether it is a repository of its format; and each code host: whether it answers, and takes the credentials; and the bucket of \`store\`, with an object that it puts
there and removes; and, of several servers on one catalog, each: whether it lives, and has the same configuration. Changes nothing else. Exit code 0 when everything is in
order or worth a warning at most, 1 when something is broken, 2 for a command line that it does not understand. A configuration with mistakes is told as by config
check, with code 1 and without JSON.`,
    async run(given, terminal) {
      const config = configFrom(given, formats, terminal);
      // What a format asks may be large, and the primary would fetch it for that: whether it answers is `checkFollow`'s to say.
      const { follow: followed } = config;
      const primary = followed && probe(primaryRepository(followed), LIVE, terminal.now);
      const asked = config.repositories.map((repository) => ({
        repository,
        probes:
          repository.offline || followed
            ? Promise.resolve([])
            : probe(repository, questionOf(repository, formats), terminal.now),
      }));
      const code = sources(config, terminal.now);
      const running = findRunning(config.data);
      const { hasUsers, grants } = await stored(config);
      const access = { ...config.access, grants: [...config.access.grants, ...grants] };
      const findings: Finding[] = [
        { subject: "port", ...(await port(config.listen, running)) },
        ...(await additionalPorts(config, (address) => port(address, running))),
        ...tlsFindings(config, terminal.now(), hasUsers),
        { subject: "data", ...(await data(config.data)) },
        ...(await checkDatabase(config)),
        ...(await checkStore(config)),
        ...(await checkMove(config)),
        ...(await nodes(config)),
        { subject: "users", ...(followed ? theirs(followed) : accessWords(config.access, grants)) },
        ...(await unknown(config)).map(unknownName),
        ...(await checkLogin(config)),
        ...(await feeds(config, terminal.now())),
        ...(await ledger(config)),
        ...(await checkBackups(config, terminal.now())),
        ...(await follow(config, terminal.now())),
        ...(await canaries(config)),
        ...(await alarms(config, terminal.now(), running)),
      ];
      const probes: ProbeResult[] = (await primary) ?? [];
      for (const { repository, probes: pending } of asked) {
        const answers = await pending;
        probes.push(...answers);
        findings.push(
          ...(followed ? [] : upstreamFindings(repository, answers)),
          ...warningsOf(repository, { ...config, access }, formats),
        );
      }
      findings.splice(
        findings.findIndex(({ subject }) => subject === "data") + 1,
        0,
        clock(probes),
      );
      findings.push(...(await code));
      terminal.out(
        given.on("json") ? reportOf(findings, terminal.now()) : renderFindings(findings, terminal),
      );
      return findings.some(({ state }) => state === "bad") ? 1 : 0;
    },
  };
}

/** Of the primary's clock, for which it need not do anything. */
const LIVE: Probe = { path: "-/health/live", recognises: () => true };

function primaryRepository(follow: FollowConfig): ProbedRepository {
  return { name: "follow", upstreams: [{ ...primaryOf(follow, ""), url: `${follow.url}/` }] };
}

function theirs({ url }: FollowConfig): Pick<Finding, "state" | "text"> {
  return { state: "good", text: `who may read what is what ${new URL(url).host} says` };
}

function unknownName(text: string): Finding {
  const hint =
    "Is the name misspelt? Whoever comes through another system is known from their first log-in on";
  return { state: "warning", subject: "users", text, hint };
}

/** What tells whether an upstream is a repository of its format (`Format.probe`). */
function questionOf(
  { format, options }: RepositoryConfig,
  formats: readonly ExaminedFormat[],
): Probe | null {
  return formats.find(({ name }) => name === format)?.probe?.(options) ?? null;
}

function tlsFindings(config: Config, now: number, hasUsers: boolean): Finding[] {
  const warnings = serverWarnings(config, now, hasUsers);
  if (!config.tls || warnings.length > 0) return warnings;
  const day = new Date(config.tls.endsAt).toISOString().slice(0, 10);
  return [{ state: "good", subject: "tls", text: `${config.tls.names}, until ${day}` }];
}

function additionalPorts(
  config: Config,
  port: (address: Address) => Promise<Omit<Finding, "subject">>,
) {
  const listening = config.repositories.filter(({ listen }) => listen);
  return Promise.all(
    listening.map(async ({ name, listen }) => {
      const finding = await port(listen!);
      return { subject: "port", ...finding, text: `${finding.text}, for ${name}` };
    }),
  );
}

/** The server's clock against the `Date` of answers (RFC 9110 §6.6.1), which has whole seconds. */
function clock(probes: readonly ProbeResult[]): Finding {
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

function upstreamFindings(repository: RepositoryConfig, probes: readonly ProbeResult[]): Finding[] {
  const { name: subject, upstreams, format, sources = [] } = repository;
  if (upstreams.length === 0 && sources.length > 0) return []; // told of its code hosts
  if (upstreams.length === 0 && (repository.bases ?? []).length === 0)
    return [{ state: "skipped", subject, text: "hosted here: it has no upstream" }];
  if (repository.offline)
    return [{ state: "skipped", subject, text: "offline: no upstream is asked" }];
  const isGood = ({ failure, odd }: ProbeResult) => failure === null && odd === null;
  // What another upstream answers for is a warning.
  const broken = probes.some(isGood) ? "warning" : "bad";
  return probes.map((probe, at) => {
    const way = probe.proxy ? `through ${probe.proxy}` : "directly";
    const { host, failure, status, ms, odd } = probe;
    if (failure !== null)
      return {
        state: broken,
        subject,
        text: `${host} ${way}: ${failure}`,
        hint: probe.proxy
          ? "Is the proxy up, and may it go there? What is stored is served all the same"
          : `Is there a way out, or is a proxy needed (proxy: in the configuration)? What is stored is served all the same${
              broken === "bad" ? `; \`${subject}: false\` switches off what nobody wants` : ""
            }`,
      };
    if (status !== null && [401, 403, 407, 451].includes(status))
      return {
        state: "warning",
        subject,
        text: `${host} answers ${status} in ${ms} ms, ${way}`,
        hint:
          status === 451 || upstreams[at]?.token || upstreams[at]?.username
            ? "It refuses this server: look at the credentials, or go through a proxy elsewhere"
            : "It may want credentials: username and passwordFile, or tokenFile",
      };
    if (odd === null)
      return { state: "good", subject, text: `${host} answers in ${ms} ms, ${way}` };
    return {
      // A "no" may mean that it has no such thing; a page in place of data is none of its kind.
      state: status !== null && status >= 400 ? "warning" : broken,
      subject,
      text: `${host} answers, but not as ${format} repositories do: ${odd.answer} at ${new URL(odd.path, upstreams[at]!.url).href}`,
      hint: "Is url: the whole address of the repository, with its path? What is stored is served all the same",
    };
  });
}

/** The report for programs. Keys stay what they are, and others may come: docs/operation.md. */
export function reportOf(findings: readonly Finding[], now: number): string {
  const count = (wanted: Finding["state"]) =>
    findings.filter(({ state }) => state === wanted).length;
  const [bad, warnings] = [count("bad"), count("warning")];
  const report = {
    version,
    at: new Date(now).toISOString(),
    state: bad ? "bad" : warnings ? "warning" : "good",
    bad,
    warnings,
    findings: findings.map(({ subject, state, text, hint }) => ({
      subject,
      state,
      text,
      hint: hint ?? null,
    })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
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
