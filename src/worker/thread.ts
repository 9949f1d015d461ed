// The entry of a thread: the same formats as the server's.
import { formats } from "../formats/index.ts";
import { serveJobs } from "./serve.ts";

declare const self: Worker;

serveJobs(self, formats);
