// What is mailed: one mail for all messages that wait, so that a thousand events are no thousand mails. Pure.
import { createHash } from "node:crypto";
import type { Letter } from "../core/hook.ts";
import { printable } from "../core/log.ts";
import type { Message } from "./message.ts";

export interface Written {
  subject: string;
  text: string;
  /** Without brackets: the same for the same messages. */
  messageId: string;
}

const SUBJECT_LIMIT = 150;

export function writeMail(letters: readonly Letter[]): Written {
  const messages = letters.map(({ payload }) => JSON.parse(payload) as Message);
  const ids = letters.map(({ id }) => id).join("\n");
  const digest = createHash("sha256").update(ids).digest("hex").slice(0, 32);
  return {
    subject: printable(`[holdfast] ${subjectOf(messages)}`).slice(0, SUBJECT_LIMIT),
    text: `${messages.map(textOf).join("\n\n")}\n`,
    messageId: `${digest}@holdfast.invalid`,
  };
}

function subjectOf(messages: readonly Message[]): string {
  const [first] = messages;
  if (messages.length === 1) return `${first!.type}: ${first!.message}`;
  const kinds = Map.groupBy(messages, ({ type }) => type);
  const counts = [...kinds].map(([type, all]) => `${all.length} ${type}`);
  return `${messages.length} messages: ${counts.join(", ")}`;
}

function textOf(message: Message): string {
  const {
    id,
    type,
    time,
    repository,
    package: name,
    version,
    purl,
    file,
    who,
    message: text,
  } = message;
  const rows = { repository, package: name, version, purl, file, by: who, message: id };
  return [
    `${time}  ${type}`,
    printable(text),
    ...Object.entries(rows).flatMap(([key, value]) =>
      value === null ? [] : [`  ${key}: ${printable(value)}`],
    ),
  ].join("\n");
}
