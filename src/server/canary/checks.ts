// What is asked of one repository of the small server, and what must come of it. A check that fails throws an Error which says why.
import type { Canary, CanaryAsk, CanaryPackage } from "../../core/canary.ts";
import type { CanaryName } from "../../jobs/canaries.ts";
import type { CanaryMount, Seen } from "./world.ts";

type AnyCanary = Pick<Canary<unknown>, "packages" | "areListsSigned">;
type ListAsk = Extract<CanaryAsk, { gives: "list" }>;

const RANGE = { range: "bytes=0-3" };
const PART = 4;
/** As clients ask: for parts before and after there is a whole, and again. */
const WAYS = [
  ["HEAD", {}],
  ["GET", RANGE],
  ["GET", {}],
  ["GET", {}],
  ["GET", RANGE],
] as const;

/** Before the rules: what is to be here when they come. */
export async function fetchBefore(mount: CanaryMount, { packages }: AnyCanary): Promise<void> {
  for (const { before = [] } of Object.values(packages))
    for (const path of before) {
      const { status } = await mount.ask("GET", path);
      must(status === 200, `${path}, before there is a young release, is answered with ${status}`);
    }
  await mustServe(mount, packages.revoked);
}

/** On a repository with the rules of the canaries. `isTold`: there is a feed that can tell of packages of the format. */
export const checks: Readonly<
  Record<CanaryName, (mount: CanaryMount, canary: AnyCanary, isTold: boolean) => Promise<void>>
> = {
  // Who refuses everything proves nothing.
  good: (mount, { packages }) => mustServe(mount, packages.good),

  async bad(mount, { packages, areListsSigned = false }, isTold) {
    await mustWithhold(mount, packages.bad, "blocked", areListsSigned);
    await mustWithhold(mount, packages.revoked, "blocked, but was here before,", areListsSigned);
    if (isTold) await mustWithhold(mount, packages.flagged, "malicious by a feed", areListsSigned);
  },

  young: (mount, { packages }) => mustWithhold(mount, packages.young, "held", false),

  async tampered(mount, { packages }) {
    const { tampered } = packages;
    for (const ask of listsOf(tampered))
      must(await isShown(mount, ask), `${ask.path} shows nothing, so that nothing is proven`);
    for (const ask of tampered.asks) {
      if (ask.gives !== "bytes") continue;
      for (const [method, headers] of WAYS) {
        const seen = await mount.ask(method, ask.path, headers);
        const isCut = seen.body === null;
        must(
          seen.status >= 400 || isCut,
          `${method} ${ask.path} sends other bytes than were vouched for (${seen.status})`,
        );
      }
      must(mount.gave(ask.bytes), `the upstream was never asked for ${ask.path}`);
    }
  },

  async private(mount, { packages }) {
    const own = packages.private;
    for (const ask of own.asks)
      for (const [method, headers] of WAYS) {
        const { status } = await mount.ask(method, ask.path, { ...accept(ask), ...headers });
        const isRefused = status >= 400 && status < 500;
        must(isRefused, `${method} ${ask.path}, of a claimed name, is answered with ${status}`);
      }
    const name = own.name.slice(own.name.lastIndexOf("/") + 1);
    const asked = mount.asked.find((path) => path.includes(name));
    must(asked === undefined, `an upstream was asked for ${asked}, of a claimed name`);
  },
};

async function mustServe(mount: CanaryMount, one: CanaryPackage): Promise<void> {
  for (const ask of listsOf(one))
    for (const again of ["", " the second time"])
      must(await isShown(mount, ask), `${ask.path} shows nothing of a good release${again}`);
  for (const ask of one.asks) {
    if (ask.gives === "list") continue;
    for (const [method, headers] of ask.gives === "bytes" ? WAYS : [["GET", {}] as const]) {
      const { status, body } = await mount.ask(method, ask.path, { ...accept(ask), ...headers });
      const what = `${method} ${ask.path}, of a good release,`;
      must(status === 200 || status === 206, `${what} is answered with ${status}`);
      if (ask.gives !== "bytes" || method === "HEAD") continue;
      const bytes = status === 206 ? ask.bytes.subarray(0, PART) : ask.bytes;
      must(body !== null && Buffer.compare(body, bytes) === 0, `${what} sends other bytes`);
    }
  }
}

async function mustWithhold(
  mount: CanaryMount,
  one: CanaryPackage,
  how: "held" | "blocked" | "blocked, but was here before," | "malicious by a feed",
  isListed: boolean,
): Promise<void> {
  const had = mount.given();
  for (const ask of listsOf(one))
    for (const again of ["", " the second time"]) {
      const isSeen = await isShown(mount, ask);
      must(!isSeen || isListed, `${ask.path} shows a release that is ${how}${again}`);
    }
  for (const ask of one.asks) {
    if (ask.gives === "list" || (ask.gives === "description" && how === "held")) continue;
    for (const [method, headers] of WAYS) {
      const { status } = await mount.ask(method, ask.path, { ...accept(ask), ...headers });
      const isRefused = status >= 400 && status < 500;
      must(
        isRefused,
        `${method} ${ask.path}, of a release that is ${how}, is answered with ${status}`,
      );
    }
    const isFetched = ask.gives === "bytes" && mount.gave(ask.bytes, had);
    must(!isFetched, `the upstream was asked for ${ask.path}, of a release that is ${how}`);
  }
}

function listsOf({ asks }: CanaryPackage): ListAsk[] {
  return asks.filter((ask) => ask.gives === "list");
}

/** A list that is refused shows nothing; one that fails proves nothing. */
async function isShown(mount: CanaryMount, ask: ListAsk): Promise<boolean> {
  const head = await mount.ask("HEAD", ask.path, accept(ask));
  const { status, body }: Seen = await mount.ask("GET", ask.path, accept(ask));
  must(status < 500 && body !== null, `${ask.path} is answered with ${status}`);
  must(head.status === status, `HEAD ${ask.path} is ${head.status} where GET is ${status}`);
  return status === 200 && ask.shows(Buffer.from(body!).toString());
}

function accept({ accept: wanted }: CanaryAsk): Record<string, string> {
  return wanted === undefined ? {} : { accept: wanted };
}

function must(holds: boolean, why: string): void {
  if (!holds) throw new Error(why);
}
