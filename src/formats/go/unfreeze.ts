// `holdfast go unfreeze`: lets modules in again after the checksum database forked, once a person has looked.
import type { Operation, RunOperation } from "../../core/operation.ts";
import { Problem } from "../../core/problem.ts";
import type { Checksums } from "./checksums.ts";
import type { GoOptions } from "./options.ts";

export const unfreezeOperation: Operation<GoOptions> = {
  name: "go unfreeze",
  summary: "Take modules in again after the checksum database forked",
  details: `The checksum database signed two trees that contradict each other: \`holdfast events --kind fork\` shows both. Do so when you know which one is
right. What is stored was never touched. That it was done is an event of its own.`,
  flags: {
    restart:
      "Forget the stored tree as well, because it was the wrong one: the next one signed is believed",
  },
};

export function unfreezeWith(checksums: Checksums): RunOperation<GoOptions> {
  return async (repository, { flags, say }) => {
    const { client } = checksums;
    if (!client)
      throw new Problem("conflict", `${repository.name} asks no checksum database (sumdb: false)`);
    const restart = flags.has("restart");
    if (!(await checksums.unfreeze(restart))) {
      say(`${repository.name}: ${client.name} is not frozen, nothing is to be done`);
      return true;
    }
    const what = restart ? ", and its stored tree forgotten" : "";
    const message = `An operator had modules taken in again after ${client.name} forked${what}`;
    repository.report({ kind: "lifted", package: client.name, message, detail: { restart } });
    say(`${repository.name}: new modules are taken in again${what}`);
    return true;
  };
}
