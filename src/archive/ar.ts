// Reads ar archives, as deb(5) has them: a head, and after it members, each with a head of its own.
import type { RandomAccess } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";

export interface ArMember {
  /** Without the slash that some writers end it with. */
  name: string;
  /** Where its bytes begin in the file. */
  offset: number;
  size: number;
}

const MAGIC = "!<arch>\n";
const HEAD = 60;
/** A package has three, and some tools add a signature. */
const MEMBERS = 100;

/**
 * The members of an archive, in its order. Throws Problem("malformed") for what is none, for one that was cut, and for what stands behind the last
 * member.
 */
export async function readAr(file: RandomAccess): Promise<ArMember[]> {
  if ((await textAt(file, 0, MAGIC.length)) !== MAGIC) throw bad("it does not begin as one");
  const members: ArMember[] = [];
  for (let at = MAGIC.length; at < file.size; ) {
    if (members.length === MEMBERS) throw bad(`it has more than ${MEMBERS} members`);
    const head = await textAt(file, at, HEAD);
    const size = /^\d{1,10} *$/.test(head.slice(48, 58)) ? Number(head.slice(48, 58)) : -1;
    if (head.length !== HEAD || !head.endsWith("`\n") || size < 0)
      throw bad("a member's head cannot be read");
    const offset = at + HEAD;
    if (offset + size > file.size) throw bad("it ends in the middle of a member");
    members.push({ name: head.slice(0, 16).trimEnd().replace(/\/$/, ""), offset, size });
    // Members begin at even places.
    at = offset + size + (size % 2);
  }
  return members;
}

/** One member alone. */
export function memberOf(file: RandomAccess, { offset, size }: ArMember): RandomAccess {
  return {
    size,
    read: (at, length) =>
      file.read(offset + at, Math.max(0, Math.min(length, size - Math.max(0, at)))),
  };
}

async function textAt(file: RandomAccess, offset: number, length: number): Promise<string> {
  const bytes = await file.read(offset, Math.min(length, file.size - offset));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function bad(reason: string): Problem {
  return new Problem("malformed", `Not a usable ar archive: ${reason}`);
}
