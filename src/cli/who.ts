// Who runs a command, for what is written down.
import { userInfo } from "node:os";

/** The user of this process, and who became it. */
export function who(): string {
  const { username, uid } = userInfo();
  const name = username === "unknown" || username === "" ? `uid ${uid}` : username;
  const before = process.env["SUDO_USER"];
  return before && before !== name ? `${name} (${before})` : name;
}
