// Between the first process of a server and another one: messages one way, and questions with their answers.
import { Problem, type ProblemKind } from "../../core/problem.ts";

/** The channel of a child process, from either end. */
export interface Channel {
  send(message: unknown): void;
  /** Called with each message, in their order. */
  receive(heard: (message: unknown) => void): void;
}

type Message =
  | { verb: string; given: unknown; question?: number }
  | { answer: number; value: unknown }
  | { answer: number; problem: { kind: ProblemKind; message: string } };

/** What can be asked: for each verb what is given with it, and what is answered. */
export type Verbs = Record<string, { given: unknown; answer: unknown }>;

export type Handlers<V extends Verbs> = {
  [K in keyof V]: (given: V[K]["given"]) => V[K]["answer"] | Promise<V[K]["answer"]>;
};

export interface Wire<Theirs extends Verbs> {
  /** Throws the Problem that the other end answers with, and Problem("unreachable") once it is gone. */
  ask<K extends keyof Theirs & string>(
    verb: K,
    given: Theirs[K]["given"],
  ): Promise<Theirs[K]["answer"]>;
  /** Nobody waits for what comes of it. */
  tell<K extends keyof Theirs & string>(verb: K, given: Theirs[K]["given"]): void;
  /** The other end is gone. */
  cut(): void;
}

export function createWire<Ours extends Verbs, Theirs extends Verbs>(
  channel: Channel,
  handlers: Handlers<Ours>,
): Wire<Theirs> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;
  let isCut = false;

  function send(message: Message): void {
    if (isCut) return;
    try {
      channel.send(message);
    } catch {
      cut(); // closed in this moment: who it was is told of the end as well
    }
  }

  async function handle(verb: string, given: unknown, question: number | undefined) {
    try {
      const value = await handlers[verb]!(given);
      if (question !== undefined) send({ answer: question, value });
    } catch (error) {
      const kind = error instanceof Problem ? error.kind : "internal";
      const message = error instanceof Error ? error.message : String(error);
      if (question !== undefined) send({ answer: question, problem: { kind, message } });
    }
  }

  channel.receive((message) => {
    const said = message as Message;
    if ("verb" in said) return void handle(said.verb, said.given, said.question);
    const one = waiting.get(said.answer);
    waiting.delete(said.answer);
    if ("problem" in said) one?.reject(new Problem(said.problem.kind, said.problem.message));
    else one?.resolve(said.value);
  });

  function cut(): void {
    isCut = true;
    for (const one of waiting.values()) one.reject(gone());
    waiting.clear();
  }

  return {
    async ask(verb, given) {
      if (isCut) throw gone();
      const question = ++asked;
      const one = Promise.withResolvers<unknown>();
      waiting.set(question, one);
      send({ verb, given, question });
      return one.promise;
    },
    tell: (verb, given) => send({ verb, given }),
    cut,
  };
}

function gone(): Problem {
  return new Problem("unreachable", "Another process of the server has ended");
}
