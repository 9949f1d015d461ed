// What a format is: one ecosystem's protocol, pure: data in, data out.
import type { ZodType } from "zod";
import type { Ecosystem } from "./advisory.ts";
import type { ArtifactType, RandomAccess, StoredName } from "./artifact.ts";
import type { Canary, CanaryTimes } from "./canary.ts";
import type { Dependencies } from "./dependencies.ts";
import type { Candidate, DocumentRef, DocumentType } from "./document.ts";
import type { Access } from "./grant.ts";
import type { Given, GivenPublished } from "./hosting.ts";
import type { Labels } from "./labels.ts";
import type { LockFormat } from "./lock.ts";
import type { Gauge, Operation, RunOperation } from "./operation.ts";
import type { VersionOrder } from "./policy.ts";
import type { Probe } from "./probe.ts";
import type { Problem } from "./problem.ts";
import type { Provenance, ReleasedFile } from "./provenance.ts";
import type { Reply } from "./reply.ts";
import type { Repository, UnboundRepository } from "./repository.ts";
import type { Request } from "./request.ts";
import type { Task } from "./task.ts";
import type { TraitName } from "./traits.ts";

export interface Format<Route extends { kind: string } = { kind: string }, Options = unknown> {
  readonly name: string;
  /** The type of its purls: "npm". Without it no rule of policy can be about its packages. */
  readonly purlType?: string;
  /** A package's name, of the part of a purl behind the type: without the namespace, where that is no part of names. As it is without it. */
  purlName?(text: string): string;
  /** Releases of its packages come together, so that a rule about ages is for all of them: why, a sentence for who writes another. */
  readonly heldTogether?: string;
  /** Its versions in the order of releases, below 0 when `a` comes before `b`; never throws. Without it rules can name exact versions alone. */
  readonly compareVersions?: VersionOrder;
  /** How OSV calls its ecosystem and writes its versions; names are spelled by `spell`. Without it no advisory is about its packages. */
  readonly advisories?: Omit<Ecosystem, "spell">;
  /** Its documents leave out what policy withholds (`StoredDocument.withheld`). */
  readonly withholds?: true;
  /** What its documents tell of a release for rules (`Fact.traits`). A rule about anything else is refused with the configuration. */
  readonly tells?: readonly TraitName[];
  /** What is only known once a file is asked for (`Artifact.toldBy`): listings cannot leave out what tells none of it. */
  readonly tellsLate?: readonly TraitName[];
  /** Some hundreds of names that many know, by the one spelling of names: others are mistaken for them. */
  readonly popular?: () => Promise<readonly string[]>;
  /** Documents that tell when releases of a package were made, where the one that names them does not: asked under a rule about ages. */
  datedBy?(packageName: string): DocumentRef[];
  /** How facts name packages, where its documents are about many, or about a part of one. */
  readonly factNames?: FactNames;
  /** How projects write down which releases they were made with. Without it nobody can ask whether all of that is here. */
  readonly lock?: LockFormat;
  /** Its part of the configuration. */
  readonly options: ZodType<Options>;
  /** Its kinds of documents. */
  readonly documents: Record<string, DocumentType>;
  /** Its kinds of artifacts. Null for a kind of which nothing can be told without a digest: none is kept that no digest vouches for. */
  readonly artifacts: Record<string, ArtifactType | null>;
  /**
   * Digest algorithms of its own, by their name in an Integrity: base64 of the digest of a whole file. Each that is expected is checked,
   * beside the strongest standard one.
   */
  readonly digests?: Record<
    string,
    (file: RandomAccess, artifact: { package: string; version: string }) => Promise<string>
  >;
  /** Packages can be published in its repositories: its documents are composed of what was, see `DocumentType.compose`. */
  readonly hosts?: true;
  /** Packages can be made from the code of a code host, see `Repository.sources`: its repositories may have `sources`. */
  readonly fromCode?: true;
  /**
   * That files can be published by a command and through the API (`Service.publish`), and what is said of them beside package and version: by
   * name, each with its help.
   */
  readonly publishes?: Readonly<Record<string, string>>;
  /**
   * How its clients ask for a token in place of a CI job's identity token where they know no path of a repository: for one package, or for all
   * that the job may publish.
   */
  readonly exchange?: "package" | "mint";
  /**
   * What becomes of a package's own state (tags) when its release `version` comes here from another repository, where the state is `from`. Pure.
   * Without it the state stays as it is.
   */
  promoted?(
    before: Record<string, unknown>,
    from: Record<string, unknown>,
    version: string,
  ): Record<string, unknown>;
  /**
   * What becomes of a package's own state when it is abandoned: for nothing (true), for another package, or not any more (false). Pure. Throws
   * Problem("badRequest") for what is no name of a package.
   */
  abandoned?(before: Record<string, unknown>, abandoned: boolean | string): Record<string, unknown>;
  /** Why releases are not taken from one repository to another, and what is done instead: a sentence for who tries. Without it they can be. */
  readonly staying?: string;
  /** The path grammar, still percent-encoded; pure, never throws. */
  parse(method: string, rawPath: string): Route | null;
  access(route: Route): Access;
  /** The one spelling of all names that are the same here (PEP 503); for patterns of names as well. Names are as they are without it. */
  spell?(name: string): string;
  /** Puts the format to work on one repository. What it remembers of that is kept in the service, and nowhere else. */
  mount(repository: UnboundRepository<Options>): Service<Route, Options>;
  /** By name, see `Repository.work`. */
  readonly tasks?: Record<string, Task>;
  readonly operations?: readonly Operation<Options>[];
  /** Options that name files: the configuration puts an OptionFile in place of the path before `options` sees it. */
  readonly fileOptions?: readonly string[];
  /** What `doctor` and the log at start keep saying about a repository: "is not verified: it has no keyring". One sentence each. */
  warnings?(options: Options): string[];
  /** What `doctor` asks each upstream, to tell whether it is a repository of this format. Null: no question is sure to be answered. */
  probe?(options: Options): Probe | null;
  /** Digest algorithms ("sha1") that are pinned beside SHA-256 and shown to `render` in the overlay of the naming documents. */
  readonly alsoPinned?: readonly string[];
  /**
   * What an archive holds, as a digest, where upstreams pack the same content anew with other bytes. Pinned with the bytes. Null for what is
   * held to its bytes alone. Reads all of it: beside it `ArtifactType.check` need not. Throws Problem("malformed") for what cannot be read.
   */
  contentDigest?(file: RandomAccess, artifact: { file: string }): Promise<string | null>;
  /** Made-up packages by which a server proves that it refuses what it should. Without it nothing is proven of its repositories. Pure. */
  canary?(times: CanaryTimes): Promise<Canary<Options>>;
  /** Which files of a release can be looked into for people, by name: its task "inside" gives an Inside (core/inside.ts) of one. Without it none can. */
  readonly looksInto?: RegExp;
  /** Which files tell what a release needs: its task "dependencies" gives the InsideDependency[] of one. Without it nobody is told who needs a package. */
  readonly dependencies?: Dependencies;
  /** Names of releases that their authors move: dist-tags, branches. Without it none are shown. */
  readonly labels?: Labels;
  /** The lines that install a package, or one release of it. `url`: the repository's as the reader sees it, without a trailing slash. */
  install?(url: string, packageName: string, version: string | null): Snippet[];
  /** A failure, in this client's dialect. `path` is what was asked for, as `parse` takes it, and `accept` the header of that name. */
  problem(problem: Problem, path?: string, accept?: string | null): Reply;
  /** `own`: patterns of the names that are the repository's own, where the reader may know them. */
  setup(url: string, options: Options, own?: readonly string[]): Snippet[];
}

/** See `Format.factNames`. `named` is what facts stand under: the package of the document that named them. Pure. */
export interface FactNames {
  /** Whose release the fact of a file is. */
  whose(named: string, file: string): string;
  /** The one package that documents of `named` are about; null: many. */
  about(named: string): string | null;
  /** What facts of a file of a package may stand under, and what they call it. */
  under(packageName: string, file: string): { named: string; file: string }[];
  /** What rules may know the package of a file by beside its name: a Debian package's source. */
  beside?(packageName: string, file: string): readonly string[];
}

/** A format at work on one repository. */
export interface Service<Route extends { kind: string } = { kind: string }, Options = unknown> {
  /** `repository` is bound to what the caller may. */
  serve(route: Route, request: Request, repository: Repository<Options>): Promise<Reply>;
  /** Publishes files that did not come through the format's own protocol. Throws a Problem; then nothing is published. */
  publish?(given: Given, repository: Repository<Options>): Promise<GivenPublished[]>;
  /**
   * Whether a new copy of a document may take the place of the one in service, and what must be stored before clients see it. Runs
   * behind: who asks meanwhile gets the old copy after a second. Throws a Problem to refuse: the old copy stays, and an event tells why.
   */
  admit?(candidate: Candidate, repository: Repository<Options>): Promise<void>;
  /**
   * Who made a file, as far as that can be verified: asked behind, of files that are stored and of those that a rule wants to know of. Null for a
   * file of which nobody says that. Throws a Problem when it cannot be found out now.
   */
  provenance?(file: ReleasedFile, repository: Repository<Options>): Promise<Provenance | null>;
  /** By the names of `Format.operations`: each of them. */
  readonly operations?: Readonly<Record<string, RunOperation<Options>>>;
  readonly gauges?: readonly Gauge<Options>[];
  /**
   * Whether a fetched file must stay when room is made: others are shown by it, or the upstream may not have it any more. Without it all
   * files can go that nobody else keeps (cache/keepers.ts).
   */
  keeps?(file: StoredName, repository: Repository<Options>): Promise<boolean>;
  /** Lets go of what it holds. Nothing is asked of it afterwards. */
  close?(): Promise<void>;
}

/** Whichever format: for those who hold all of them. */
// biome-ignore lint/suspicious/noExplicitAny: each format has its own Route and Options, which only it reads
export type AnyFormat = Format<any, any>;

/** A file that an option names, read when the configuration is loaded. */
export interface OptionFile {
  path: string;
  bytes: Uint8Array;
}

/** Lines that set a client up. */
export interface Snippet {
  /** What `holdfast setup CLIENT` takes. */
  client: string;
  /** Where the lines belong: "~/.npmrc", "shell". */
  file: string;
  text: string;
}
