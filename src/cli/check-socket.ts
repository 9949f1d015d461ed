// Whether a server can listen at a socket file.
import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { clash } from "../config/addresses.ts";
import { type Address, formatAddress } from "../config/values.ts";
import type { Holder } from "../store/holder.ts";
import type { Finding } from "./finding.ts";

export async function checkSocket(
  path: string,
  address: Address,
  running: Holder | null,
): Promise<Omit<Finding, "subject">> {
  const name = formatAddress(address);
  if (running?.listens.some((taken) => clash(taken, address)))
    return {
      state: "good",
      text: `${name} is where this server listens already (process ${running.pid})`,
    };
  try {
    await access(dirname(path), constants.W_OK | constants.X_OK);
    return { state: "good", text: `${name} can be made` };
  } catch {
    return {
      state: "bad",
      text: `${name} cannot be made: ${dirname(path)} is not there, or may not be written to`,
      hint: "The folder must be there, and belong to the user that Holdfast runs as; with systemd: RuntimeDirectory=holdfast",
    };
  }
}
