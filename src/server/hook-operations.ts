// What `holdfast hooks test|resend` have the server do.
import type { Outcome } from "../core/hook.ts";
import type { OperationCall } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import type { Hooks } from "../hooks/room.ts";
import type { HouseOperations } from "../jobs/house.ts";

export function hookOperations(hooks: Hooks): HouseOperations {
  function told(id: string, hook: string, outcome: Outcome, say: OperationCall["say"]): boolean {
    say(
      outcome.isTold
        ? `${hook} was told of ${id}.`
        : `${hook} was not told of ${id}: ${outcome.why}`,
    );
    return outcome.isTold;
  }
  return {
    async "hooks test"({ values = {}, say }) {
      const { hook = "" } = values;
      const { id, outcome } = await hooks.test(hook);
      return told(id, hook, outcome, say);
    },
    async "hooks resend"({ values = {}, say }) {
      const { hook = "", id } = values;
      if (id !== undefined) return told(id, hook, await hooks.resend(hook, id), say);
      if (values["failed"] === undefined)
        throw new Problem("badRequest", "Which message? Its id, or all that failed");
      const many = await hooks.resendFailed(hook);
      say(
        `${many} messages that ${hook} was not told of are tried again, by the server that runs.`,
      );
      return true;
    },
  };
}
