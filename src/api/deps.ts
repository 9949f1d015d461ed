// What the API works with.
import type { Fetches } from "../advisories/fetches.ts";
import type { Alarms } from "../alarms/room.ts";
import type { Auth } from "../auth/room.ts";
import type { CatalogReader } from "../core/catalog.ts";
import type { Grant } from "../core/grant.ts";
import type { Given, GivenPublished } from "../core/hosting.ts";
import type { LockFormat } from "../core/lock.ts";
import type { Operation } from "../core/operation.ts";
import type { Overview } from "../core/overview.ts";
import { Problem } from "../core/problem.ts";
import type { Forecast, ReadSeries } from "../core/series.ts";
import type { FollowState } from "../follow/room.ts";
import type { Hooks } from "../hooks/room.ts";
import type { HostedRoom } from "../hosted/hosting.ts";
import type { Board } from "../jobs/board.ts";
import type { CanaryRound } from "../jobs/canaries.ts";
import type { WorkState } from "../jobs/operations.ts";
import type { PolicedRepository } from "../jobs/policy.ts";
import type { RoomState } from "../jobs/room.ts";
import type { ServerCondition } from "../jobs/state.ts";
import type { ProvingLog } from "../ledger/log/prove.ts";
import type { Waivers } from "../policy/waivers.ts";
import type { Database } from "../store/database.ts";
import type { NodeState } from "../store/nodes.ts";
import type { Retries } from "./retries.ts";
import type { Runs } from "./runs.ts";

/** A repository as the API sees it. */
export interface ApiRepository {
  name: string;
  format: string;
  offline: boolean;
  claims: readonly string[];
  /** How projects of its format write down what they need. */
  lock: LockFormat | null;
  /** Work of its format that people begin. */
  operations: readonly Pick<Operation, "name" | "summary">[];
  /** The one spelling of a package's name. */
  spell(name: string): string;
  /** What is published in it, for one caller. */
  hosting(grant: Grant): HostedRoom;
  publish(grant: Grant, given: Given): Promise<GivenPublished[]>;
}

/** One setting that counts, and where it stands (config/settings.ts). */
export interface ApiSetting {
  path: string;
  repository: string | null;
  value: string;
  line: number | null;
  from: string | null;
}

export interface ApiDeps {
  version: string;
  /** As the configuration file was named, null for none; and what counts, without secrets. */
  settings: { file: string | null; items: readonly ApiSetting[] };
  repositories: readonly ApiRepository[];
  overview(grant: Grant, repository?: string): Promise<Overview>;
  auth: Auth;
  /** The repositories with the rules that can be about their packages. */
  policed: readonly PolicedRepository[];
  waivers: Waivers;
  /** What is known here of packages, for one caller. */
  catalog(grant: Grant): CatalogReader;
  /** Milliseconds since the epoch. */
  now(): number;
  database: Database;
  /** What is free, and what is to go. */
  disk(): Promise<RoomState>;
  ledgerLog: ProvingLog;
  /** The server that this one follows; null for one of its own. */
  follower: { readonly url: string; state(): FollowState } | null;
  /** What canaries proved last; null: nothing yet. */
  canaries(): CanaryRound | null;
  /** Who has which releases. */
  fetches: Pick<Fetches, "noteLocked">;
  /** How the server fares. */
  condition(): Promise<ServerCondition>;
  board: Board;
  /** The servers that share the catalog, as this one sees them; none where it has it to itself. */
  nodes(): readonly (NodeState & { differs: string[] })[];
  /** How work of formats on their repositories goes. */
  work(): Promise<WorkState[]>;
  alarms: Omit<Alarms, "look">;
  series: ReadSeries;
  forecast(): Promise<Forecast>;
  hooks: Omit<Hooks, "tell" | "event" | "use" | "start" | "stop">;
  runs: Runs;
  retries: Retries;
}

/** Throws Problem("notFound"). */
export function repositoryOf(
  { repositories }: Pick<ApiDeps, "repositories">,
  name: string,
): ApiRepository {
  const found = repositories.find((one) => one.name === name);
  if (!found) throw new Problem("notFound", `There is no repository ${name}`);
  return found;
}
