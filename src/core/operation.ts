// Long or rare work on one repository, and the numbers that a format shows.
import type { Repository } from "./repository.ts";

/**
 * Long or rare work on one repository, which people start as `holdfast <words of the name> <repository>` and the server by itself
 * every `every` milliseconds. What it does stands in the format's `Service.operations` under the same name.
 */
export interface Operation<Options = unknown> {
  /** Two words: "mirror run". */
  name: string;
  /** One line of help, without a final period. */
  summary: string;
  details?: string;
  /** Switches, each with its help. */
  flags?: Record<string, string>;
  /** What it is told beside that, each with its help; empty where nothing is said. `by` comes with them: who started it. */
  values?: Record<string, string>;
  /** Milliseconds between turns of the server's own; null for none. */
  every?(options: Options): number | null;
  /** Mostly finds nothing new: of the server's own turns the log gets what one says otherwise than the one before, and what fails. */
  isQuiet?: true;
}

/** True when all went well. Throws a Problem when it cannot be done at all. */
export type RunOperation<Options = unknown> = (
  repository: Repository<Options>,
  call: OperationCall,
) => Promise<boolean>;

export interface OperationCall {
  flags: ReadonlySet<string>;
  /** Values beside the flags, by name. */
  values?: Readonly<Record<string, string>>;
  /** Shown as a bar on a terminal. `total` may grow. */
  progress(done: number, total: number, note: string): void;
  /** A line for the person who started it, or for the log. */
  say(line: string): void;
  /** Aborted when the person or the server gives up. */
  signal: AbortSignal;
}

/** A number that a format shows in the metrics, by labels beside `repository`. */
export interface Gauge<Options = unknown> {
  name: string;
  help: string;
  /** The number is a time (Unix time) by which something must be made anew, else clients refuse it: what it is called. An alarm is raised before. */
  endOf?: string;
  read(repository: Repository<Options>): Promise<[Record<string, string>, number][]>;
}
