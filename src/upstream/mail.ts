// A mail server: one connection a mail, over SMTP with TLS, or with STARTTLS before anything is said. RFC 5321, RFC 3207, RFC 8314.
import { isIP } from "node:net";
import { rootCertificates } from "node:tls";
import { createTransport } from "nodemailer";
import { Problem } from "../core/problem.ts";

export interface MailServerSettings {
  /** smtp:// or smtps:// */
  url: string;
  /** Whether a plain connection must be encrypted before anything is said. */
  startTls: boolean;
  /** PEM, beside the public authorities. */
  ca?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Who writes. */
  from: string;
  timeoutMs: number;
}

export interface Mail {
  to: readonly string[];
  subject: string;
  text: string;
  /** Without brackets. The same for what is the same. */
  messageId: string;
}

export interface MailServer {
  readonly host: string;
  /** Resolves to the addresses that it does not take, where it takes some. Throws Problem("unreachable"). */
  send(mail: Mail): Promise<string[]>;
}

const WHY_LIMIT = 300;

export function mailServer(settings: MailServerSettings): MailServer {
  const { url, startTls, ca, username, password, from, timeoutMs } = settings;
  const { protocol, hostname, port, host } = new URL(url);
  const isSecure = protocol === "smtps:";
  const name = hostname.replace(/^\[|\]$/g, "");
  const transport = createTransport({
    host: name,
    port: Number(port || (isSecure ? 465 : 587)),
    secure: isSecure,
    requireTLS: !isSecure && startTls,
    ignoreTLS: !isSecure && !startTls,
    tls: {
      rejectUnauthorized: true,
      ...(isIP(name) ? {} : { servername: name }),
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    },
    ...(username !== undefined && { auth: { user: username, pass: password ?? "" } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // What is mailed is text of ours: nothing in it names a file or an address to be fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  async function whole(mail: Mail): Promise<string[]> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    // The library's own limits begin anew with each line that comes.
    const timer = setTimeout(
      () => reject(new Error("it does not come to an end in time")),
      timeoutMs * 3,
    );
    try {
      const sent = transport.sendMail({
        from,
        to: [...mail.to],
        subject: mail.subject,
        text: mail.text,
        messageId: `<${mail.messageId}>`,
        headers: { "auto-submitted": "auto-generated" }, // RFC 3834: no absence note in return
      });
      sent.catch(() => undefined); // where it fails after the time was over
      const { rejected } = await Promise.race([sent, late]);
      return rejected.map(String);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    host,
    async send(mail) {
      try {
        return await whole(mail);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Problem("unreachable", `${host}: ${why.slice(0, WHY_LIMIT)}`, { cause: error });
      }
    },
  };
}
