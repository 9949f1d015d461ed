// What a real client is to the benchmark.
import type { FormatName } from "../peers/types.ts";

export interface Client {
  format: FormatName;
  /** As in the report: the command without its housekeeping. */
  title: string;
  /** Installs the project through a server's URL into `folder`, where its cache lies too. */
  install(url: string, folder: string): Promise<void>;
  /** How many packages were installed. */
  count(folder: string): number;
}

export const TOO_LONG_SECONDS = 240;
