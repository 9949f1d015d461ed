// What `holdfast hooks test|resend` have the server do.
import type { Outcome } from "../core/hook.ts";
import type { OperationCall } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import type { Hooks } from "../hooks/room.ts";
import type { HouseOperations } from "../jobs/house.ts";

/** `audit`: who had something told once more. */
export function hookOperations(
  hooks: Hooks,
  audit: (by: string, detail: Record<string, unknown>) => Promise<void>,
): HouseOperations {
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
      const { hook = "", id, by = "" } = values;
      if (id !== undefined) {
        const outcome = await hooks.resend(hook, id);
        await audit(by, { hook, message: id });
        return told(id, hook, outcome, say);
      }
      if (values["failed"] === undefined)
        throw new Problem("badRequest", "Which message? Its id, or all that failed");
      const many = await hooks.resendFailed(hook);
      await audit(by, { hook, messages: many });
      say(
        `${many} messages that ${hook} was not told of are tried again, by the server that runs.`,
      );
      return true;
    },
  };
}
