// The operation of formats whose packages are made from code.
import type { Operation, RunOperation } from "./operation.ts";

/** `holdfast sources refresh REPOSITORY`: for formats of which packages are made from code. The server asks by itself as often as `every` says. */
export const sourcesOperation: Operation = {
  name: "sources refresh",
  summary: "Ask the code hosts of a repository what is new",
  details:
    "The server does so by itself as often as the configuration says (sources: every), and when a client wants a version that is not there.",
};

export const refreshSources: RunOperation = ({ sources }, call) => sources.refresh(call);
