import { afterEach, expect, test } from "bun:test";
import { makeCertificate } from "../../test/support/certificates.ts";
import { type Mailbox, type MailboxOptions, startMailbox } from "../../test/support/smtp.ts";
import { type MailServerSettings, mailServer } from "./mail.ts";
import { closeAll, listen, opened } from "./testkit.ts";

let mailbox: Mailbox | null = null;
afterEach(async () => {
  await mailbox?.stop();
  mailbox = null;
  closeAll();
});

const { authority, pair } = makeCertificate(["127.0.0.1"], 30);
const account = { user: "holdfast", password: "let me mail" };
const login = { username: account.user, password: account.password };
const mail = { to: ["ops@example.com"], subject: "Größe", text: "one\ntwo\n", messageId: "1@x" };

async function send(
  options: MailboxOptions,
  settings: Partial<MailServerSettings>,
  what: Partial<typeof mail> = {},
): Promise<string> {
  mailbox = await startMailbox(options);
  const server = mailServer({
    url: mailbox.url,
    startTls: false,
    from: "Holdfast <holdfast@example.com>",
    timeoutMs: 5_000,
    ...settings,
  });
  try {
    return `sent ${(await server.send({ ...mail, ...what })).join()}`.trim();
  } catch (error) {
    return (error as Error).message;
  }
}

test("a mail arrives as it was written, from whom and for whom it is", async () => {
  expect(await send({}, {}, { to: ["ops@example.com", "ann@example.com"] })).toBe("sent");
  const [got] = mailbox!.mails;
  expect(got).toMatchObject({
    from: "holdfast@example.com",
    to: ["ops@example.com", "ann@example.com"],
  });
  expect(got!.text).toContain("Message-ID: <1@x>\r\n");
  expect(got!.text).toContain("Auto-Submitted: auto-generated\r\n");
  expect(got!.text).toContain("Subject: =?UTF-8?Q?Gr=C3=B6=C3=9Fe?=\r\n");
  expect(got!.text).toEndWith("\r\n\r\none\r\ntwo\r\n");
});

for (const isImplicit of [true, false])
  test(`over ${isImplicit ? "TLS" : "STARTTLS"} with a name and a password`, async () => {
    const tls = { pair, isImplicit };
    expect(await send({ tls, account }, { startTls: true, ca: authority, ...login })).toBe("sent");
    expect(mailbox!.mails).toMatchObject([{ isSecure: true, user: "holdfast" }]);
  });

test("nothing is said to a server whose certificate is not trusted, or that takes no STARTTLS where that is wanted", async () => {
  const tls = { pair, isImplicit: false };
  expect(await send({ tls, account }, { startTls: true, ...login })).toMatch(/certificate/i);
  await mailbox!.stop();
  expect(await send({ account }, { startTls: true, ...login })).toMatch(/STARTTLS/i);
  expect(mailbox!.mails).toEqual([]);
});

test("a refusal is told in the server's words, without the password", async () => {
  const wrong = await send({ account }, { ...login, password: "wr0ng" });
  expect(wrong).toMatch(/^127\.0\.0\.1:\d+: .*Invalid username or password/);
  expect(wrong).not.toContain("wr0ng");
  await mailbox!.stop();
  mailbox = await startMailbox();
  mailbox.refuse = "Mailbox is full";
  const { url } = mailbox;
  const server = mailServer({ url, startTls: false, from: "a@example.com", timeoutMs: 5_000 });
  await expect(server.send(mail)).rejects.toThrow("Mailbox is full");
});

test("addresses that the server does not take keep the others from nothing", async () => {
  const to = ["gone@example.com", "ops@example.com"];
  expect(await send({ unknown: ["gone@example.com"] }, {}, { to })).toBe("sent gone@example.com");
  expect(mailbox!.mails[0]?.to).toEqual(["ops@example.com"]);
  await mailbox!.stop();
  expect(await send({ unknown: to }, {}, { to })).toMatch(/No such user|recipients/);
});

test("one that is not there, says nothing, or never comes to an end is given up", async () => {
  const silent = opened(await listen(() => {}));
  const talks = opened(
    await listen((socket) => {
      const talk = setInterval(() => socket.write("250-more\r\n"), 10);
      socket.on("close", () => clearInterval(talk));
    }),
  );
  const dead = await listen(() => {});
  dead.stop();
  for (const { port } of [silent, talks, dead]) {
    const url = `smtp://127.0.0.1:${port}`;
    const server = mailServer({ url, startTls: false, from: "a@example.com", timeoutMs: 100 });
    await expect(server.send(mail)).rejects.toThrow(`127.0.0.1:${port}: `);
  }
});
