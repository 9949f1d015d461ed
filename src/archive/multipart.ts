// Reads multipart/form-data as it comes: RFC 7578, and RFC 2046 §5.1 beneath it. Strict: what is broken is no form.
import { Problem } from "../core/problem.ts";

/** One field of a form. */
export interface FormPart {
  name: string;
  /** Null for a field that is no file. Never a path to write to. */
  fileName: string | null;
  /** As the client says it; null when it says nothing. */
  contentType: string | null;
  /** Its bytes: to be read whole, once, or not at all. */
  chunks(): AsyncIterable<Uint8Array>;
}

/** What a form may cost its reader. Past a limit is Problem("badRequest"). */
export interface FormLimits {
  parts: number;
  /** Of one part, in bytes. */
  headerSize: number;
  /** Before the first boundary, and behind the last one. Bytes. */
  around: number;
}

export const formLimits: FormLimits = { parts: 2_000, headerSize: 16 * 1024, around: 64 * 1024 };

/** RFC 2046 §5.1.1: at most 70 of these, the last one no space. */
const BOUNDARY = /^[A-Za-z0-9'()+_,./:=? -]{0,69}[A-Za-z0-9'()+_,./:=?-]$/;
const PARAMETER = /^;[ \t]*([A-Za-z0-9!#$&+.^_`|~*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))[ \t]*/;
/** These say that the bytes are as they stand. */
const AS_IT_IS = ["binary", "8bit", "7bit"];

function bad(reason: string): Problem {
  return new Problem("badRequest", `Not a usable form: ${reason}`);
}

/** The boundary that a Content-Type names. Throws Problem("badRequest") for what is no multipart/form-data. */
export function boundaryOf(contentType: string | null): string {
  const [, type = "", rest = ""] = /^\s*([^;\s]*)\s*(.*)$/s.exec(contentType ?? "") ?? [];
  if (type.toLowerCase() !== "multipart/form-data")
    throw bad("its Content-Type is not multipart/form-data");
  const boundary = parametersOf(rest).get("boundary");
  if (boundary === undefined || !BOUNDARY.test(boundary)) throw bad("it names no boundary");
  return boundary;
}

/** Parts in the form's order. A part's bytes are to be read before the next part is. */
export async function* readForm(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
  limits: FormLimits = formLimits,
): AsyncGenerator<FormPart> {
  const input = createInput(source, boundary);
  let count = 0;
  try {
    await skip(input.untilBoundary(), limits.around);
    while (await input.hasPart()) {
      count += 1;
      if (count > limits.parts) throw bad(`more than ${limits.parts} fields`);
      const headers = readHeaders(await input.header(limits.headerSize));
      const chunks = input.untilBoundary();
      yield { ...headers, chunks: () => chunks };
      for await (const _ of chunks); // what was not read
    }
    await skip(input.rest(), limits.around);
  } finally {
    await input.close();
  }
}

async function skip(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<void> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) throw bad("much of it is in no field");
  }
}

function readHeaders(text: string): Omit<FormPart, "chunks"> {
  const headers = new Map<string, string>();
  // RFC 5322 §2.2.3: a line that begins with white space goes on with the one before.
  for (const line of text.replaceAll(/\r\n[ \t]+/g, " ").split("\r\n")) {
    if (line === "") continue;
    const [, name = "", value = ""] = /^([!-9;-~]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === "") throw bad("a header of a field is broken");
    if (headers.has(key)) throw bad(`a field has ${key} twice`);
    headers.set(key, value);
  }
  const encoding = headers.get("content-transfer-encoding") ?? "binary";
  if (!AS_IT_IS.includes(encoding.toLowerCase())) throw bad("a field is encoded, as mail is");
  const disposition = headers.get("content-disposition") ?? "";
  const rest = /^form-data[ \t]*(?=;)(.*)$/is.exec(disposition)?.[1];
  const parameters = parametersOf(rest ?? "");
  const name = parameters.get("name");
  if (rest === undefined || name === undefined) throw bad("a field has no name");
  return {
    name,
    fileName: fileNameOf(parameters),
    contentType: headers.get("content-type") ?? null,
  };
}

/** RFC 7578 §4.2 forbids `filename*`, and clients send it for what is not ASCII. RFC 5987 */
function fileNameOf(parameters: Map<string, string>): string | null {
  const extended = /^utf-8'[^']*'(.*)$/i.exec(parameters.get("filename*") ?? "")?.[1];
  const plain = parameters.get("filename");
  if (extended === undefined) return plain ?? null;
  try {
    return decodeURIComponent(extended);
  } catch {
    throw bad("a file's name is no UTF-8");
  }
}

function parametersOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (let rest = text.trim(); rest !== ""; ) {
    const match = PARAMETER.exec(rest);
    // Some end in a semicolon.
    if (!match && rest === ";") break;
    if (!match) throw bad("a parameter of a header is broken");
    const key = match[1]!.toLowerCase();
    if (found.has(key)) throw bad(`a header has ${key} twice`);
    found.set(key, match[3] ?? match[2]!.replaceAll(/\\(["\\])/g, "$1"));
    rest = rest.slice(match[0].length);
  }
  return found;
}

const CRLF = Buffer.from("\r\n");

/** A stream of any pieces, read between boundaries. Holds a piece and what may be the beginning of a boundary. */
function createInput(source: AsyncIterable<Uint8Array>, boundary: string) {
  const pieces = source[Symbol.asyncIterator]();
  // RFC 2046 §5.1.1: the line break before a boundary belongs to it. The first one may stand at the very beginning.
  const delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  let held: Buffer = CRLF;

  /** Reads on; false at the end. */
  async function more(): Promise<boolean> {
    const next = await pieces.next();
    if (next.done) return false;
    const { buffer, byteOffset, length } = next.value;
    const piece = Buffer.from(buffer, byteOffset, length);
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    return true;
  }

  async function atLeast(length: number): Promise<void> {
    while (held.length < length) if (!(await more())) throw bad("it ends early");
  }

  function take(length: number): Buffer {
    const taken = held.subarray(0, length);
    held = held.subarray(length);
    return taken;
  }

  return {
    /** The bytes before the next boundary, which is read with them. */
    async *untilBoundary(): AsyncGenerator<Uint8Array> {
      for (;;) {
        const at = held.indexOf(delimiter);
        if (at >= 0) {
          if (at > 0) yield take(at);
          take(delimiter.length);
          return;
        }
        const sure = held.length - delimiter.length + 1;
        if (sure > 0) yield take(sure);
        if (!(await more())) throw bad("it ends early");
      }
    },
    /** Behind a boundary: whether another part follows. */
    async hasPart(): Promise<boolean> {
      await atLeast(2);
      if (held[0] === 0x2d && held[1] === 0x2d) return false;
      // RFC 2046 §5.1.1: white space may follow it.
      while (held[0] === 0x20 || held[0] === 0x09) {
        take(1);
        await atLeast(2);
      }
      if (!take(2).equals(CRLF)) throw bad("what follows a boundary is no field");
      return true;
    },
    /** The lines up to the empty one, which is read with them. */
    async header(limit: number): Promise<string> {
      await atLeast(2);
      if (held.subarray(0, 2).equals(CRLF)) {
        take(2);
        return "";
      }
      for (;;) {
        const end = held.indexOf("\r\n\r\n");
        if (end > limit || (end < 0 && held.length > limit + 3))
          throw bad("the headers of a field are too large");
        if (end >= 0) {
          const text = take(end).toString("utf8");
          take(4);
          return text;
        }
        if (!(await more())) throw bad("it ends early");
      }
    },
    async *rest(): AsyncGenerator<Uint8Array> {
      do yield take(held.length);
      while (await more());
    },
    async close(): Promise<void> {
      await pieces.return?.();
    },
  };
}
