// One configured repository as its format sees it: the only way from a format to the network and the disk.
import type { Accounts } from "./accounts.ts";
import type { ToldAdvisories } from "./advisory.ts";
import type { Artifact, KnownFile, Pace, StoredArtifactRow, StoredFile } from "./artifact.ts";
import type { DocumentRef, ViewRequest } from "./document.ts";
import type { RepositoryEvent } from "./event.ts";
import type { Grant } from "./grant.ts";
import type { Hosting, OwnHosting } from "./hosting.ts";
import type { Withheld } from "./policy.ts";
import type { Answer, Question } from "./question.ts";
import type { CacheStatus, Reply } from "./reply.ts";
import type { Request } from "./request.ts";
import type { Sources } from "./source.ts";
import type { Derived, Turn } from "./task.ts";

/** What a format asks and keeps for itself, whoever the caller is: a checksum database's tree. Tells nothing of any package that is stored. */
export interface OwnRepository<Options = unknown>
  extends Pick<
    Repository<Options>,
    | "name"
    | "options"
    | "hasUpstreams"
    | "mayBlock"
    | "claims"
    | "claimPatterns"
    | "ask"
    | "keep"
    | "kept"
    | "swap"
    | "secret"
    | "heard"
    | "catchUp"
    | "report"
    | "now"
  > {}

/** What of a repository belongs to no caller: what a format is mounted on. */
export interface UnboundRepository<Options = unknown> extends OwnRepository<Options> {
  /** The repository as one caller may use it. The same object for the same grant. */
  for(grant: Grant): Repository<Options>;
  /**
   * The repository as the server itself may use it, for what is done in nobody's name: the release of a suite that others published in. Never for what
   * a caller asked for. The same object each time.
   */
  own(): OwnedRepository<Options>;
}

/** With what nobody but the server itself is told or does. */
export interface OwnedRepository<Options = unknown> extends Repository<Options> {
  readonly hosting: OwnHosting;
}

/** A repository for one caller: whatever is asked of it, their grant is asked first, and Problem("forbidden" | "unauthenticated") thrown without it. */
export interface Repository<Options = unknown> {
  readonly name: string;
  readonly options: Options;
  /** False where nothing is ever had but what is published or stored here: that is no outage. */
  readonly hasUpstreams: boolean;
  /** Whether a rule of policy may block any of its packages: then documents tell of that. */
  readonly mayBlock: boolean;
  /**
   * Another number when another server on the same database has changed something of the repository: what is remembered of what is stored and kept is to
   * be read again. Null: there is none.
   */
  heard(): number | null;
  /** Resolves when what other servers had changed before has been heard of here, or cannot be now. Before what one of them may have told a client is denied. */
  catchUp(): Promise<void>;
  /** Who the caller is, what they may, and how they log in. */
  readonly accounts: Accounts;
  /** What is published here. `view`, `read`, `model` and `artifact` show it as they show what an upstream has. */
  readonly hosting: Hosting;
  /** Code hosts that releases are made from. */
  readonly sources: Sources;
  /** What feeds tell is wrong with its packages. */
  readonly advisories: ToldAdvisories;
  /** True when the name is this repository's owner's: never asked for upstream. */
  claims(name: string): boolean;
  /** As they are configured: what a view of many names depends on, see core/claims.ts. */
  readonly claimPatterns: readonly string[];
  /** Throws Problem("notFound") that names the claim, for what a format answers without `view`, `artifact` or `ask`. */
  refuseClaimed(name: string): void;
  /** A view as a reply: from memory or disk when fresh, revalidated when stale. Throws a Problem. */
  view(ref: DocumentRef, view: ViewRequest, headers: Record<string, string>): Promise<Reply>;
  /**
   * What policy withholds now of the files that documents of the package name, for what a format picks itself. `turn`: another one whenever those documents
   * may name others.
   */
  withheld(packageName: string, turn: string): Promise<Withheld>;
  /** A view as bytes, to compose from. Throws a Problem. */
  read(ref: DocumentRef, view: ViewRequest): Promise<{ bytes: Uint8Array; cache: CacheStatus }>;
  /** The one function that reads an artifact, on every path. Throws a Problem. */
  artifact(artifact: Artifact, request: Request): Promise<Reply>;
  /**
   * The document's model, remembered for as long as the copy is in service. `stored`: whatever copy is stored, without asking anyone; the
   * upstream is asked only when there is none. `now`: only after the upstream was asked, however long that takes; an old copy
   * comes with `cache.detail`, which says why it is not newer. Throws a Problem.
   */
  model<T>(ref: DocumentRef, which?: "fresh" | "stored" | "now"): Promise<Modelled<T>>;
  /** Sees to it that an artifact is stored, fetching and proving it when it is not. Throws a Problem. */
  fetch(artifact: Artifact, pace?: Pace): Promise<StoredFile>;
  /** Runs one of the format's tasks on stored bytes, by their SHA-256. Throws a Problem. */
  work<T>(task: string, options: unknown, files: string[], turn?: Turn): Promise<T>;
  /** The same for a task that writes a file. It is kept, and made again when it is gone. Collapsed. */
  derive(task: string, options: unknown, files: string[], turn?: Turn): Promise<Derived>;
  /** What is stored of a package's files; of all packages without `packageName`. No facts: only what was fetched. In no order. */
  stored(packageName?: string): Promise<StoredArtifactRow[]>;
  /** SHA-256 of a file that was ever fetched, also when it was removed since: its pin stays. */
  pinned(packageName: string, file: string): Promise<string | null>;
  /** Removes files from the catalog and, where nothing else names them, from disk. Their pins stay. */
  remove(files: { package: string; file: string }[]): Promise<{ files: number; bytes: number }>;
  /** What is known of a file without asking anyone: its first integrity, SHA-256 and size where fetched. */
  known(packageName: string, file: string): Promise<KnownFile | null>;
  /** All files of a package known from its documents or fetched, in no order. */
  files(packageName: string): Promise<KnownFile[]>;
  /** Asks the upstream, without storing. Throws Problem("offline" | "unreachable"); any HTTP status is an answer. */
  ask(question: Question): Promise<Answer>;
  /**
   * The error to answer with where the format itself works out that something is not there. Problem("notFound") is kept, and comes
   * back in place of a Problem that tells that the upstream cannot be asked.
   */
  explain(key: string, error: unknown): Promise<unknown>;
  /**
   * Small values that a format keeps for when the upstream is away (advisories, keys, tiles). They stay for ever, but for those that are
   * `evictable`: what an upstream would say again. Of these the ones used least recently go where there are very many.
   */
  keep(key: string, bytes: Uint8Array, how?: { evictable?: boolean }): Promise<void>;
  kept(key: string): Promise<{ bytes: Uint8Array; at: number } | null>;
  /** Keeps a value in place of `previous` (null: of none or an empty one), and says whether that was still the one kept: what only moves forward. */
  swap(key: string, bytes: Uint8Array, previous: Uint8Array | null): Promise<boolean>;
  /**
   * 32 random bytes, made when they are first asked for and the same from then on, for all repositories of the server: what a format signs with. Never
   * to be shown to anybody.
   */
  secret(name: string): Promise<Uint8Array>;
  /** Keys of stored documents of one kind that contain `text`, sorted, at most `limit`: of packages that the caller may read. */
  documents(kind: string, text: string, limit: number): Promise<string[]>;
  report(event: RepositoryEvent): void;
  /** Milliseconds since the epoch; tests set it. */
  now(): number;
}

/** A model and how it was come by. */
export interface Modelled<T> {
  model: T;
  /** Another one for each copy that was in service. */
  digest: string;
  /** When what is visible last changed. Milliseconds since the epoch. */
  changedAt: number;
  cache: CacheStatus;
}
