// The hooks of one configuration: the ways to where they lead, which are opened here and nowhere else.
import type { Config } from "../config/resolve.ts";
import { typesOf } from "../core/hook.ts";
import { mailCarrier, webhookCarrier } from "../hooks/carriers.ts";
import type { OpenHook } from "../hooks/room.ts";
import { mailServer } from "../upstream/mail.ts";
import { connectReceiver } from "../upstream/receiver.ts";
import type { Ground } from "./ground.ts";

/** What of a configuration is about hooks. */
export type HooksConfig = Pick<Config, "hooks" | "mail" | "offline">;

export function openHooks(
  { hooks, mail, offline }: HooksConfig,
  { log, upstreamMetrics: metrics, shared, elapsed }: Ground,
): OpenHook[] {
  const repository = "-"; // of none
  const deps = { log, metrics, repository, now: elapsed, offline };
  const post = mail && !offline ? mailServer(mail) : null;
  return hooks.map(({ name, to, events, repositories, packages, retryMs }) => ({
    name,
    types: typesOf(events),
    repositories,
    packages,
    retryMs,
    carrier:
      "mail" in to
        ? mailCarrier(to.mail, post, (message) => log.write("warn", message, { hook: name }))
        : webhookCarrier(connectReceiver(to, deps), to.secret, shared.now),
  }));
}
