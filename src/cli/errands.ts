// What commands have a server do: the one that runs on the data directory, or else one that is started for them alone.
import { randomBytes } from "node:crypto";
import { errandGate } from "../auth/errand.ts";
import type { Gate } from "../auth/gate.ts";
import type { Config } from "../config/resolve.ts";
import { createLog, type Log } from "../core/log.ts";
import type { OperationCall } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import { askControl, controlPath, type OperationRequest } from "../http/control.ts";
import type { Operations } from "../jobs/operations.ts";
import { DataHeld } from "../store/lock.ts";
import { refuseForOwner } from "./owner.ts";

export interface ErrandServer {
  /** Empty when it does not listen. */
  url: string;
  operations: Operations;
  stop(): Promise<void>;
}

/** Starts a server that serves nobody else: no port but the one of "loopback", no schedule, no control socket. */
export type StartAlone = (options: {
  config: Config;
  log: Log;
  listen: "loopback" | "none";
  gate?: Gate;
}) => Promise<ErrandServer>;

const silent = createLog("json", () => {});

/** Asks for some paths as a client would. By path an error for people, or null. For `holdfast verify --repair`. */
export async function fetchAgain(
  start: StartAlone,
  config: Config,
  wanted: { repository: string; path: string }[],
): Promise<(string | null)[]> {
  const secret = randomBytes(32).toString("hex");
  const gate = errandGate(secret);
  const running = await start({ config, log: silent, listen: "loopback", gate });
  try {
    const failures: (string | null)[] = [];
    for (const { repository, path } of wanted) {
      const response = await fetch(`${running.url}/${repository}${path}`, {
        headers: { authorization: `Bearer ${secret}` },
      });
      const text = await response.text();
      failures.push(response.ok ? null : text.trim() || `status ${response.status}`);
    }
    return failures;
  } finally {
    await running.stop();
  }
}

/** Runs an operation where the data directory is held, or else here. Throws Problems. */
export async function operate(
  start: StartAlone,
  config: Config,
  request: OperationRequest,
  call: Omit<OperationCall, "flags">,
): Promise<boolean> {
  const answer = await askControl(controlPath(config.data), request, call);
  if (answer !== null) return answer;
  refuseForOwner(config.data);
  const running = await start({ config, log: silent, listen: "none" }).catch((error) => {
    // What else keeps a server from starting says itself what it is.
    if (!(error instanceof DataHeld)) throw error;
    const who = "another command, or a server that is just starting or stopping";
    throw new Problem("conflict", `${error.message} (${who})`, { cause: error });
  });
  try {
    return await running.operations.run(request, call);
  } finally {
    await running.stop();
  }
}
