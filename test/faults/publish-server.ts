// A server of its own in which anybody may publish: memory is measured of it alone.
import { grantOf } from "../../src/core/testkit.ts";
import { makeAccounts } from "../support/accounts.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startServer } from "../support/server.ts";

const everything = grantOf("ann", () => true);
const upstream = await startUpstream();
const server = await startServer(upstream, { gate: { identify: () => everything } });
await makeAccounts(server, [{ user: "ann", actions: ["admin"] }]); // npm shows who published
await server.restart();
process.on("SIGTERM", async () => {
  await server.stop();
  await upstream.stop();
  process.exit(0);
});
console.log(server.url);
