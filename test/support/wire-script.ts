// The grammar of *.wire: whole HTTP exchanges, one line each thing, that anyone can read.

export type Check =
  | { what: "status"; want: number }
  | { what: "header"; name: string; how: "==" | "contains" | "absent"; want: string }
  | { what: "body"; how: "contains" | "lacks" | "sha256" | "is" | "==" | "same"; want: string }
  | { what: "json"; path: string; how: "==" | "contains" | "absent"; want: string }
  | { what: "stored"; want: string }
  | { what: "event"; kind: string; package: string }
  | { what: "quiet"; kind: string | null }
  | { what: "asked"; pattern: string; times: number | null }
  | { what: "told"; text: string }
  | { what: "cut" };

export type Step = { line: number; text: string } & (
  | { do: "config"; words: string[] }
  | { do: "upstream"; words: string[] }
  | { do: "restart"; words: string[] }
  | { do: "lose"; words: string[] }
  | { do: "feed"; words: string[] }
  | { do: "clock"; milliseconds: number }
  | { do: "set"; name: string; from: "json" | "header"; path: string }
  | {
      do: "request";
      method: string;
      path: string;
      headers: [string, string][];
      body: string;
      /** Fields of a form, in place of `body`. `@wheel sea-shell 1.0` is the file of that name. */
      form: [string, string][];
      /** `@reef/six 1.0.0 [DESCRIPTION]`: the document of `npm publish`, in place of `body`. */
      npm: string;
      /** `acme/ui 1.0 [DESCRIPTION]`: a zip with that in its composer.json, in place of `body`. */
      zip: string;
      live: boolean;
    }
  | { do: "check"; check: Check }
);

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Throws with the line's number on anything that is not in the grammar. */
export function parseWire(source: string): Step[] {
  const steps: Step[] = [];
  for (const [index, raw] of source.split("\n").entries()) {
    const text = raw.trim();
    if (!text || text.startsWith("#")) continue;
    const at = { line: index + 1, text };
    const last = steps.at(-1);
    if (text.startsWith(">")) {
      if (last?.do !== "request")
        throw new SyntaxError(`line ${at.line}: no request before "${text}"`);
      addToRequest(last, text.slice(1).trim());
    } else steps.push({ ...at, ...parseStep(text, at.line) });
  }
  return steps;
}

function addToRequest(request: Step & { do: "request" }, text: string): void {
  const header = /^([A-Za-z][A-Za-z0-9-]*): (.*)$/.exec(text);
  const field = /^form (\S+) (.+)$/.exec(text);
  if (text.startsWith("body ")) request.body = text.slice(5);
  else if (text.startsWith("npm ")) request.npm = text.slice(4);
  else if (text.startsWith("zip ")) request.zip = text.slice(4);
  else if (field) request.form.push([field[1]!, field[2]!]);
  else if (header) request.headers.push([header[1]!, header[2]!]);
  else
    throw new SyntaxError(
      `line ${request.line}: "> ${text}" is neither a header nor a body nor a field`,
    );
}

type Parsed = Step extends infer One
  ? One extends Step
    ? Omit<One, "line" | "text">
    : never
  : never;

function parseStep(text: string, line: number): Parsed {
  const words = text.split(/\s+/);
  const [first = "", ...rest] = words;
  switch (first) {
    case "config":
    case "upstream":
    case "restart":
    case "lose":
    case "feed":
      return { do: first, words: rest };
    case "clock": {
      const match = /^\+(\d+)([smhd])$/.exec(rest[0] ?? "");
      if (!match) break;
      return { do: "clock", milliseconds: Number(match[1]) * UNITS[match[2]!]! };
    }
    case "set": {
      const match = /^set (\w+) = (json|header) (.+)$/.exec(text);
      if (!match) break;
      return { do: "set", name: match[1]!, from: match[2] as "json", path: match[3]! };
    }
    case "GET":
    case "HEAD":
    case "POST":
    case "PUT":
    case "DELETE":
      return {
        do: "request",
        method: first,
        path: rest[0] ?? "",
        headers: [],
        body: "",
        form: [],
        npm: "",
        zip: "",
        live: rest[1] === "live",
      };
    default: {
      const check = parseCheck(text);
      if (check) return { do: "check", check };
    }
  }
  throw new SyntaxError(`line ${line}: not understood: ${text}`);
}

function parseCheck(text: string): Check | null {
  const match = (pattern: RegExp) => pattern.exec(text)?.slice(1) as string[] | undefined;
  const status = match(/^status (\d{3})$/);
  if (status) return { what: "status", want: Number(status[0]) };
  const header = match(/^header (\S+) (==|contains|absent)(?: (.*))?$/);
  if (header)
    return { what: "header", name: header[0]!, how: header[1] as "==", want: header[2] ?? "" };
  const json = match(/^body json (\S+) (==|contains|absent)(?: (.*))?$/);
  if (json) return { what: "json", path: json[0]!, how: json[1] as "==", want: json[2] ?? "" };
  const hash = match(/^body sha256 == ([0-9a-f]{64})$/);
  if (hash) return { what: "body", how: "sha256", want: hash[0]! };
  const body = match(/^body (contains|lacks|is|==)(?: (.*))?$/);
  if (body) return { what: "body", how: body[0] as "is", want: body[1] ?? "" };
  if (text === "body same") return { what: "body", how: "same", want: "" };
  const stored = match(/^stored (\S+)$/);
  if (stored) return { what: "stored", want: stored[0]! };
  const event = match(/^event (\S+) (\S+)$/);
  if (event) return { what: "event", kind: event[0]!, package: event[1]! };
  const quiet = match(/^no event(?: (\S+))?$/);
  if (quiet) return { what: "quiet", kind: quiet[0] ?? null };
  if (text === "cut") return { what: "cut" };
  const asked = match(/^asked (\S+)(?: (\d+) times?)?$/);
  if (asked)
    return { what: "asked", pattern: asked[0]!, times: asked[1] ? Number(asked[1]) : null };
  const told = match(/^never told (\S+)$/);
  if (told) return { what: "told", text: told[0]! };
  const never = match(/^never asked (\S+)$/);
  return never ? { what: "asked", pattern: never[0]!, times: 0 } : null;
}

const PART = /([^.[\]"]+)|\[(\d+)\]|\["([^"]*)"\]|\[([\w-]+)=([^\]]*)\]/g;

/** `versions["1.0.0"].dist.tarball`, `files[0].url`, `files[filename=x.whl].url`; undefined when there is none. */
export function jsonAt(value: unknown, path: string): unknown {
  let here = value;
  for (const [, name, index, quoted, key, wanted] of path.matchAll(PART)) {
    if (here === null || typeof here !== "object") return undefined;
    if (index !== undefined) here = (here as unknown[])[Number(index)];
    else if (key !== undefined)
      here = (here as Record<string, unknown>[]).find((item) => String(item[key]) === wanted);
    else here = (here as Record<string, unknown>)[name ?? quoted ?? ""];
  }
  return here;
}
