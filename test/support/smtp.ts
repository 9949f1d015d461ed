// A real mail server (the npm package smtp-server) on loopback, that takes what it is given and keeps it.
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import type { KeyPair } from "../../src/core/certificate.ts";

export interface Mailbox {
  /** smtp://127.0.0.1:port, or smtps:// where it speaks TLS from the first byte. */
  readonly url: string;
  /** What came, with its envelope. */
  readonly mails: { from: string; to: string[]; text: string; isSecure: boolean; user: string }[];
  /** What it says to a mail that was sent: null takes it. */
  refuse: string | null;
  stop(): Promise<void>;
}

export interface MailboxOptions {
  /** Of the server: with STARTTLS, or from the first byte. */
  tls?: { pair: KeyPair; isImplicit: boolean };
  /** Who may send; anybody without it. */
  account?: { user: string; password: string };
  /** Addresses that it does not take mail for. */
  unknown?: string[];
}

export async function startMailbox(options: MailboxOptions = {}): Promise<Mailbox> {
  const { tls, account, unknown = [] } = options;
  const mailbox: Omit<Mailbox, "url" | "stop"> = { mails: [], refuse: null };
  const refused = (text: string) => Object.assign(new Error(text), { responseCode: 550 });
  const server = new SMTPServer({
    logger: false,
    secure: tls?.isImplicit ?? false,
    disabledCommands: [...(tls ? [] : ["STARTTLS"]), ...(account ? [] : ["AUTH"])],
    allowInsecureAuth: true,
    authOptional: !account,
    ...(tls && { key: tls.pair.key, cert: tls.pair.certificate }),
    onAuth({ username, password }, _session, done) {
      const isRight = username === account?.user && password === account?.password;
      done(isRight ? null : new Error("Invalid username or password"), { user: username });
    },
    onRcptTo({ address }, _session, done) {
      done(unknown.includes(address) ? refused("No such user here") : null);
    },
    onData(stream, { envelope, secure, user }, done) {
      let text = "";
      stream.on("data", (chunk: Buffer) => {
        text += chunk;
      });
      stream.on("end", () => {
        if (mailbox.refuse !== null) return done(refused(mailbox.refuse));
        mailbox.mails.push({
          from: envelope.mailFrom ? envelope.mailFrom.address : "",
          to: envelope.rcptTo.map(({ address }) => address),
          text,
          isSecure: secure,
          user: String(user ?? ""),
        });
        done();
      });
    },
  });
  server.on("error", () => undefined); // clients that hang up
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  return Object.assign(mailbox, {
    url: `${tls?.isImplicit ? "smtps" : "smtp"}://127.0.0.1:${port}`,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  });
}
