// A password from a person or a pipe, never from the command line, where other users of the machine would see it.
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { UsageError } from "./arguments.ts";

/** Where passwords are typed. Of this process, unless tests give another one. */
export interface PasswordInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
}

/** Asks twice on a terminal; reads one line with `fromStdin`. Throws a UsageError where there is nobody to ask. */
export async function readPassword(
  fromStdin: boolean,
  write: (text: string) => void,
  input: PasswordInput = process.stdin,
): Promise<string> {
  if (!fromStdin && !input.isTTY)
    throw new UsageError(
      "nobody can type a password here: --password-stdin reads one from standard input",
    );
  // Typed characters are shown nowhere.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: silent, terminal: input.isTTY === true });
  const next = lines[Symbol.asyncIterator]();
  const line = async (question: string) => {
    if (!fromStdin) write(question);
    const { done, value } = await next.next();
    if (!fromStdin) write("\n");
    if (done || value === "") throw new UsageError("no password was given");
    return value;
  };
  try {
    const password = await line("Password: ");
    if (!fromStdin && (await line("Once more: ")) !== password)
      throw new UsageError("the two passwords are not the same");
    return password;
  } finally {
    lines.close();
  }
}
