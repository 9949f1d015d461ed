// The goals of issue 9: private packages, and callers who say who they are.
import { atMost, atMostOf, type Goal } from "./verdict.ts";

const versionGoals: Goal[] = ["npm", "pypi"].flatMap((format): Goal[] => [
  {
    what: `${format}: publishing the last hundred of 1,000 small versions`,
    goal: "≤ 10 ms",
    judge: (find) => atMost(find("versions", `${format}, last hundred`, "median ms"), 10, "ms"),
  },
  {
    what: `${format}: the same beside the first hundred`,
    goal: "not growing (within 15 %)",
    judge: (find) =>
      atMostOf(
        find("versions", `${format}, last hundred`, "median ms"),
        find("versions", `${format}, first hundred`, "median ms"),
        1.15,
        "ms",
      ),
  },
]);

const callerGoals: Goal[] = ["packument", "packument, not repeated", "tarball"].flatMap((what) =>
  ["token", "password"].map((caller): Goal => {
    const metric = `${what} CPU µs`;
    return {
      what: `warm ${what}, asked for with a ${caller}: CPU`,
      goal: "≤ 1.1x of anonymous",
      judge: (find) =>
        atMostOf(find("callers", caller, metric), find("callers", "anonymous", metric), 1.1, "µs"),
    };
  }),
);

export const privateGoals: Goal[] = [...versionGoals, ...callerGoals];
