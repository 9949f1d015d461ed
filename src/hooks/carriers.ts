// The two ways to tell: a signed webhook for each message, and one mail for all that wait. What opens connections is given.
import type { Carrier, Outcome } from "../core/hook.ts";
import { writeMail } from "./mail.ts";
import { webhookHeaders } from "./sign.ts";

/** Where webhooks are posted to, see upstream/receiver.ts. */
export interface Receiver {
  readonly host: string;
  unavailable(): string | null;
  post(body: string, headers: Record<string, string>): Promise<Outcome>;
  close(): void;
}

/** Where mails are given, see upstream/mail.ts. */
export interface Post {
  readonly host: string;
  send(mail: {
    to: readonly string[];
    subject: string;
    text: string;
    messageId: string;
  }): Promise<string[]>;
}

const LANES = 4;
/** Mails of one hook do not come more often than that; what happens in between comes in one. */
const MAIL_REST_MS = 60_000;
const MOST_IN_MAIL = 200;

export function webhookCarrier(
  receiver: Receiver,
  secret: string | null,
  now: () => number,
): Carrier {
  return {
    to: receiver.host,
    most: 1,
    lanes: LANES,
    restMs: 0,
    unavailable: receiver.unavailable,
    async carry([letter]) {
      const { id, payload } = letter!;
      return receiver.post(payload, {
        "content-type": "application/json",
        ...webhookHeaders(id, payload, secret, now()),
      });
    },
    close: receiver.close,
  };
}

/** `post`: null where this server may reach nobody. `warn` is told of addresses that the server does not take, where it takes others. */
export function mailCarrier(
  to: readonly string[],
  post: Post | null,
  warn: (message: string) => void,
): Carrier {
  return {
    to: to.join(", "),
    most: MOST_IN_MAIL,
    lanes: 1,
    restMs: MAIL_REST_MS,
    unavailable: () => (post ? null : "offline"),
    async carry(letters) {
      if (!post) return { isTold: false, why: "this server runs offline" };
      try {
        const refused = await post.send({ to, ...writeMail(letters) });
        if (refused.length > 0) warn(`${post.host} does not take mail for ${refused.join(", ")}`);
        return { isTold: true };
      } catch (error) {
        return { isTold: false, why: error instanceof Error ? error.message : String(error) };
      }
    },
    close() {},
  };
}
