// Comes before a server that a test starts (`bun --preload`): its clock is the machine's and what a file says, in milliseconds, from the moment on that it stands there.
import { readFileSync } from "node:fs";

const ofMachine = Date.now.bind(Date);
const file = process.env["HOLDFAST_TEST_CLOCK"]!;
Date.now = () => ofMachine() + Number(readFileSync(file, "utf8"));
