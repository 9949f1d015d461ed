// What doctor says of the canaries of the server that runs: it is asked, and nothing is run for that.
import type { Config } from "../config/resolve.ts";
import { askControl, controlPath } from "../http/control.ts";
import type { Finding } from "./finding.ts";

const PATIENCE_MS = 10_000;
const subject = "canaries";

/** Nothing where no server runs, or none that can be asked from here: then nothing is enforced either. */
export async function checkCanaries({ data }: Pick<Config, "data">): Promise<Finding[]> {
  const lines: string[] = [];
  const request = { name: "canary show", repository: "", flags: new Set<string>() };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const call = { progress() {}, say: (line: string) => void lines.push(line), signal };
  const isProven = await askControl(controlPath(data), request, call).catch(() => null);
  if (isProven === null) return [];
  const [sum = "", ...others] = lines;
  const text = sum.replace(/: the round .*$|\.$/, "");
  if (isProven) return [{ state: "good", subject, text }];
  const red = others.filter((line) => / is red: |^None could/.test(line));
  if (red.length === 0)
    return [
      {
        state: "warning",
        subject,
        text: text[0]!.toLowerCase() + text.slice(1),
        hint: "The server has just started, or took a changed configuration in: `holdfast canary run` proves it now",
      },
    ];
  return red.map((line) => ({
    state: "bad",
    subject,
    text: line,
    hint: "What is bad, young or tampered with may be had there: `holdfast events` has since when",
  }));
}
