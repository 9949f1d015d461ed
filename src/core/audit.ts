// Who did what: the audit log's words.
import type { Principal } from "./principal.ts";

/** What is written down. "read" is told of private packages alone. */
export const auditActions = [
  "publish",
  "yank",
  "unyank",
  "unpublish",
  "restore",
  "promote",
  "change",
  "read",
  "grant",
  "revoke grant",
  "token",
  "revoke token",
  "user",
  "team",
  "waive",
  "unwaive",
  "block",
  "unblock",
  "acknowledge",
  "reopen",
  "run",
  "resend",
  "silence",
  "unsilence",
  "log in",
  "log in failed",
] as const;
export type AuditAction = (typeof auditActions)[number];

/** One line of the audit log: append-only, never changed. */
export interface AuditEntry {
  action: AuditAction;
  principal: Principal;
  /** Where the request came from, when the principal does not tell it. */
  address?: string;
  repository?: string;
  package?: string;
  /** pkg:npm/left-pad@1.3.0 */
  purl?: string;
  /** SHA-256 of the bytes that it is about. */
  digest?: string;
  /** What else tells what was done, without secrets. */
  detail?: Record<string, unknown>;
}

export interface Audit {
  /** Written down soon, in a batch: for what may be lost in a crash (reads, failed log-ins). Never throws. */
  note(entry: AuditEntry): void;
}
