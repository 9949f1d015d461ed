// The assertions of wire scripts: each throws what was wanted and what came.
import { glob } from "./fake-upstream/index.ts";
import { waitFor } from "./wait.ts";
import { type Check, jsonAt } from "./wire-script.ts";
import { digest, expand, jsonOf, lastOf, plainOf, serverOf, type World } from "./wire-world.ts";

export async function verify(check: Check, world: World): Promise<void> {
  switch (check.what) {
    case "status":
      same(lastOf(world).status, check.want);
      return;
    case "cut":
      same(lastOf(world).cut, true);
      return;
    case "header": {
      const got = lastOf(world).answer.get(check.name);
      compare(got, check.how, expand(check.want, world));
      return;
    }
    case "json": {
      const got = jsonAt(jsonOf(lastOf(world)), check.path);
      const text = got === undefined ? null : typeof got === "string" ? got : JSON.stringify(got);
      compare(text, check.how, expand(check.want, world));
      return;
    }
    case "body":
      verifyBody(check.how, expand(check.want, world), world);
      return;
    case "stored": {
      const server = await serverOf(world);
      const names = () => server.files().map((item) => `${item.purl}#${item.file}`);
      await waitFor(
        () => names().includes(check.want),
        () => `stored are only: ${names().join(", ") || "none"}`,
      );
      return;
    }
    case "event": {
      const server = await serverOf(world);
      const names = () => server.events().map((item) => `${item.kind} ${item.package}`);
      const want = `${check.kind} ${check.package}`;
      await waitFor(
        () => names().includes(want),
        () => `events are only: ${names().join(", ") || "none"}`,
      );
      return;
    }
    case "quiet": {
      const events = (await serverOf(world)).events();
      const loud = events.filter((item) => check.kind === null || item.kind === check.kind);
      return same(loud.map((item) => `${item.kind} ${item.package}`).join(", "), "");
    }
    case "told": {
      const told = world.upstream.requests.find((request) =>
        JSON.stringify(request).toLowerCase().includes(check.text.toLowerCase()),
      );
      if (told) throw new Error(`the upstream was told: ${JSON.stringify(told)}`);
      return;
    }
    case "asked": {
      const pattern = glob(check.pattern);
      const asked = world.upstream.paths().filter((path) => pattern.test(path));
      if (check.times === null ? asked.length > 0 : asked.length === check.times) return;
      throw new Error(
        `want: ${check.times ?? "at least one"}\ngot:  ${asked.length} of ${world.upstream.paths().join(" ")}`,
      );
    }
  }
}

function verifyBody(how: string, want: string, world: World): void {
  const last = lastOf(world);
  const bytes = plainOf(last);
  switch (how) {
    case "sha256":
      same(digest(bytes), want);
      return;
    case "is":
      same(digest(bytes), digest(original(want, world)));
      return;
    case "same": {
      const before = world.exchanges.findLast(
        (item) => item !== last && item.path === last.path && item.status === 200,
      );
      if (!before) throw new Error("that path was not answered before");
      same(digest(bytes), digest(plainOf(before)));
      return;
    }
    default:
      compare(Buffer.from(bytes).toString(), how, want);
      return;
  }
}

/** `npm kelp 1.0.0`, `pypi abyss abyss-1.2-py3-none-any.whl`, `go example.test/anchor v1.0.0`, `apt debian pool/main/…`, `composer reef/coral 1.0.0`: as the upstream first had it; with `apt-now` as it has it now. */
function original(text: string, { pristine, upstream }: World): Uint8Array {
  const [format, name = "", version = ""] = text.split(" ");
  if (format === "npm") return pristine.npm.tarball(name, version);
  if (format === "pypi") return pristine.pypi.bytes(name, version);
  if (format === "go") return pristine.go.zip(name, version);
  if (format === "apt") return pristine.apt.bytes(name, version);
  if (format === "apt-now") return upstream.apt.bytes(name, version);
  if (format === "composer") return pristine.composer.bytes(name, version);
  throw new Error(`no such original: ${text}`);
}

function compare(got: string | null, how: string, want: string): void {
  const fits =
    how === "absent"
      ? got === null
      : how === "contains"
        ? got?.includes(want)
        : how === "lacks"
          ? !got?.includes(want)
          : got === want;
  if (!fits)
    throw new Error(`want: ${how} ${want}\ngot:  ${got === null ? "(absent)" : got.slice(0, 600)}`);
}

function same(got: unknown, want: unknown): void {
  if (got !== want) throw new Error(`want: ${want}\ngot:  ${got}`);
}
