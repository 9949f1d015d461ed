// Has other servers watch this one's log: each new checkpoint is shown to them, and what they sign is kept with it. c2sp.org/tlog-witness
import { NO_REPOSITORY } from "../../core/event.ts";
import { noteText, openCheckpoint } from "../../proof/checkpoint.ts";
import type { CosignerKey } from "../../proof/cosignature.ts";
import { proveTree } from "../../proof/merkle.ts";
import { parseVerifierKey } from "../../proof/verifier.ts";
import type { Events } from "../events.ts";
import type { LedgerLog } from "./log.ts";
import { hashesOf } from "./tree.ts";

/** A witness, and the way to it. */
export interface Watcher {
  key: CosignerKey;
  /** For people. */
  host: string;
  /** Posts to its add-checkpoint. Throws a Problem when it cannot be reached. */
  add(body: string): Promise<{ status: number; text: string }>;
}

export interface WitnessedDeps {
  log: Pick<LedgerLog, "files" | "note" | "verifier" | "cosigned" | "keepCosigned" | "drain">;
  events: Pick<Events, "report">;
  /** What went wrong, once for each thing. */
  warn(host: string, message: string): void;
}

export interface Witnessed {
  /** Shows the newest checkpoint to those that have not signed it. Never throws. */
  ask(watchers: readonly Watcher[]): Promise<void>;
}

export function createWitnessed({ log, events, warn }: WitnessedDeps): Witnessed {
  /** By its name: what it signed last, and what is not told again. */
  const states = new Map<string, { size: number; told: string; note: string }>();
  /** What was signed of the newest checkpoint that was shown. */
  let shown = { note: "", lines: new Map<string, string>() };

  async function askOne(watcher: Watcher, note: string): Promise<void> {
    const { key, host } = watcher;
    const state = states.get(key.name) ?? { size: 0, told: "", note: "" };
    states.set(key.name, state);
    if (state.note === note) return;
    const tell = (message: string) => {
      if (state.told !== message) warn(host, message);
      state.told = message;
    };
    const sizeOf = (one: string) => openCheckpoint(one, parseVerifierKey(log.verifier)!).size;
    const size = sizeOf(note);
    const forked = (why: string) => {
      state.note = note;
      if (state.told === why) return;
      state.told = why;
      events.report(NO_REPOSITORY, {
        kind: "log-forked",
        package: "",
        message: `The witness ${key.name} has seen another history of this server's log: ${why}. Database and log were put back to an older copy, or a copy of this data directory is served elsewhere`,
        detail: { witness: key.name, host, size },
      });
    };
    for (let tries = 0; tries < 2; tries += 1) {
      const proof =
        state.size === 0 || state.size === size
          ? []
          : await proveTree(size, state.size, hashesOf(log.files, size));
      const lines = proof.map((hash) => `${Buffer.from(hash).toString("base64")}\n`).join("");
      const answer = await watcher.add(`old ${state.size}\n${lines}\n${note}`);
      if (answer.status === 200) {
        const signed = key.find(noteText(note)!, answer.text.split("\n"));
        if (!signed) return tell("it signed with another key than the configuration gives");
        Object.assign(state, { size, note, told: "" });
        shown.lines.set(key.name, signed.line);
        return;
      }
      const known = answer.status === 409 ? Number(answer.text.trim()) : Number.NaN;
      if (answer.status === 422)
        return forked(`what it signed of ${state.size} leaves is not in it`);
      if (!Number.isSafeInteger(known) || known < 0)
        return tell(`it answered ${answer.status}: ${answer.text.trim().slice(0, 200)}`);
      if (known > size) {
        // Another server of several may have appended and shown that meanwhile. Twice: a turn that is under way has perhaps read what there is already.
        await log.drain();
        await log.drain();
        const newest = sizeOf(log.note()!);
        if (known > newest) forked(`it signed ${known} leaves, and there are ${newest}`);
        return; // else the next turn shows the newest
      }
      state.size = known;
    }
  }

  return {
    async ask(watchers) {
      const note = log.note();
      if (note === null) return;
      if (shown.note !== note) shown = { note, lines: new Map() };
      for (const watcher of watchers)
        await askOne(watcher, note).catch((error: Error) => {
          const state = states.get(watcher.key.name)!;
          if (state.told !== error.message) warn(watcher.host, error.message);
          state.told = error.message;
        });
      const lines = [...shown.lines.values()].map((line) => `${line}\n`).join("");
      if (lines !== "" && log.cosigned() !== `${note}${lines}`)
        await log.keepCosigned(`${note}${lines}`);
    },
  };
}
