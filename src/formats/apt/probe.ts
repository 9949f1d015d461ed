// How an apt repository is told from anything else that answers: by the Release of a suite that its options name.
import type { Probe } from "../../core/probe.ts";
import { folderOfSuite } from "./mirror/suite.ts";
import type { AptOptions } from "./options.ts";
import { encodePath, inFolder } from "./routes.ts";

/** Null where no suite is named: then nothing is sure to be there. */
export function probe({ mirror, suites }: AptOptions): Probe | null {
  const suite = mirror?.suites[0] ?? suites[0];
  if (suite === undefined) return null;
  return {
    path: encodePath(inFolder(folderOfSuite(suite), "Release")),
    recognises: ({ status, start }) =>
      status === 200 && /^(MD5Sum|SHA1|SHA256|SHA512):\s*$/m.test(start),
  };
}
