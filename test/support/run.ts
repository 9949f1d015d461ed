// Runs another program to its end: what a person would see, with a limit in time.
import { spawn } from "node:child_process";

export interface Result {
  code: number;
  /** Standard output and standard error, as they came. */
  output: string;
  stdout: string;
  milliseconds: number;
}

export interface RunOptions {
  cwd: string;
  /** The whole environment; the caller's own when not given. */
  env?: Record<string, string>;
  /** In milliseconds; then the program is killed and the code is 124. */
  timeout?: number;
  /** Told all that it wrote so far, each time that it writes. */
  watch?(output: string): void;
  /** What is typed in, in this order, once it has asked: with the end of its question. Without it there is no input. */
  answers?: readonly (readonly [question: RegExp, answer: string])[] | undefined;
}

/** Never throws: a program that cannot be started ends with 127 and says so in `output`. */
export function run(command: string[], options: RunOptions): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  const started = performance.now();
  let output = "";
  let stdout = "";
  let late = false;
  const done = (code: number) => {
    clearTimeout(timer);
    resolve({ code, output, stdout, milliseconds: performance.now() - started });
  };
  const child = spawn(command[0]!, command.slice(1), {
    cwd: options.cwd,
    env: options.env ?? (process.env as Record<string, string>),
    stdio: [options.answers ? "pipe" : "ignore", "pipe", "pipe"],
    // Its own process group, so that what it started ends with it.
    detached: true,
  });
  const timer = setTimeout(() => {
    late = true;
    output += `\n[stopped after ${options.timeout} ms]`;
    if (child.pid) process.kill(-child.pid, "SIGKILL");
  }, options.timeout ?? 120_000);
  const answers = [...(options.answers ?? [])];
  let answered = 0;
  const answer = () => {
    const next = answers[0];
    if (!next?.[0].test(output.slice(answered))) return;
    answered = output.length;
    child.stdin?.write(`${next[1]}\n`);
    answers.shift();
  };
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk;
    output += chunk;
    answer();
    options.watch?.(output);
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    output += chunk;
    answer();
    options.watch?.(output);
  });
  child.on("error", (error) => {
    output += error.message;
    done(127);
  });
  child.on("close", (code) => done(late ? 124 : (code ?? 1)));
  return promise;
}
