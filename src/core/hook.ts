// Hooks: what other systems and people are told of, in the words that the configuration, the rooms that tell and the one that carries share.
import { alarmedEvents } from "./alarm.ts";
import { type EventKind, eventKinds } from "./event.ts";

/** What callers do with published packages. */
export const acts = ["publish", "yank", "unyank", "unpublish", "restore", "change"] as const;
export type Act = (typeof acts)[number];

/** What is told to a hook that is tried out. */
export const TEST = "test";

export type HookType = Act | EventKind | typeof TEST;

/** Words of the configuration that stand for several. */
const groups: Readonly<Record<string, readonly HookType[]>> = {
  held: alarmedEvents.held,
  "*": [...acts, ...eventKinds],
};

/** Every word that `events` of a hook may hold. */
export const hookWords: readonly string[] = [...acts, ...eventKinds, ...Object.keys(groups)];

/** The types that these words stand for. */
export function typesOf(words: readonly string[]): ReadonlySet<string> {
  return new Set(words.flatMap((word): readonly string[] => groups[word] ?? [word]));
}

/** Something that hooks tell of. */
export interface Told {
  type: HookType;
  /** NO_REPOSITORY for what is about the server as a whole. */
  repository: string;
  /** Empty for what is about none. */
  package: string;
  version?: string | undefined;
  purl?: string | undefined;
  file?: string | undefined;
  /** Who did it; none where the server found something. */
  who?: string | undefined;
  /** One sentence, for people. */
  message: string;
  /** Without secrets. */
  detail?: Record<string, unknown> | undefined;
}

/** Which of what is told a hook wants. */
export interface HookWish {
  types: ReadonlySet<string>;
  /** Patterns; null for all, and for what is about no repository. */
  repositories: readonly string[] | null;
  /** Patterns, as in `claims` of a repository; null for all, and for what is about no package. */
  packages: readonly string[] | null;
}

/** What became of one try to tell. */
export type Outcome =
  | { isTold: true }
  /** `isFinal`: trying again is not wanted. `waitMs`: how long the other end asks to be left alone. */
  | { isTold: false; why: string; isFinal?: boolean; waitMs?: number };

/** One message on its way to one hook. */
export interface Letter {
  /** The same for all hooks that are told, and each time that it is tried. */
  id: string;
  type: string;
  /** JSON, as it is sent. */
  payload: string;
}

/** The way to where one hook leads. */
export interface Carrier {
  /** For people and logs: a host, addresses. Never a secret. */
  readonly to: string;
  /** How many messages one errand takes. */
  readonly most: number;
  /** How many errands run at a time. */
  readonly lanes: number;
  /** How long after an errand the next one begins, in milliseconds. */
  readonly restMs: number;
  /** Why nothing can be tried now, or null when it can. */
  unavailable(): string | null;
  /** Ends within a bounded time. Never throws. */
  carry(letters: readonly Letter[]): Promise<Outcome>;
  close(): void;
}
