// A message: what happened, as JSON, the same for each hook that is told and for each try.
import { randomBytes } from "node:crypto";
import type { Told } from "../core/hook.ts";

/** Of all that is told; details that do not fit are left out. */
const LIMIT = 16 * 1024;
const TEXT_LIMIT = 1024;

/** As receivers get it. What does not apply is null. */
export interface Message {
  id: string;
  type: string;
  /** ISO 8601, UTC. */
  time: string;
  repository: string;
  package: string | null;
  version: string | null;
  purl: string | null;
  file: string | null;
  who: string | null;
  message: string;
  detail: Record<string, unknown>;
}

/** Ids sort by the time that they were made at, as far as a clock tells. */
export function newId(at: number): string {
  return `msg_${at.toString(36).padStart(9, "0")}${randomBytes(12).toString("hex")}`;
}

export function payloadOf(id: string, at: number, told: Told): string {
  const { type, repository, package: name, version, purl, file, who, message, detail = {} } = told;
  const whole: Message = {
    id,
    type,
    time: new Date(at).toISOString(),
    repository,
    package: name || null,
    version: version ?? null,
    purl: purl ?? null,
    file: file ?? null,
    who: who ?? null,
    message: message.slice(0, TEXT_LIMIT),
    detail,
  };
  const text = JSON.stringify(whole);
  return text.length <= LIMIT ? text : JSON.stringify({ ...whole, detail: { isTooLong: true } });
}
