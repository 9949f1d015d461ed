// Real files of the recording to measure with: the smallest and the largest of a kind.
import { openRecording, type Recorded } from "../upstream/recording.ts";
import { workFolder } from "./paths.ts";

/** The smallest of at least `least` bytes, and the largest, of the recorded files whose key matches. */
export function extremes(
  pattern: RegExp,
  least = 5000,
): { small: Recorded; large: Recorded } | null {
  const found = [...openRecording(workFolder("recording")).all()]
    .filter((each) => each.status === 200 && each.size >= least && pattern.test(each.key))
    .sort((a, b) => a.size - b.size);
  const small = found[0];
  const large = found[found.length - 1];
  return small && large ? { small, large } : null;
}

/** The key's path: what follows its two first words. */
export const pathOf = (recorded: Recorded) => recorded.key.split(" ").slice(2).join(" ");
