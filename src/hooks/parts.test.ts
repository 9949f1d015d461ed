import { expect, test } from "bun:test";
import { hookWords, type Told, typesOf } from "../core/hook.ts";
import { writeMail } from "./mail.ts";
import { newId, payloadOf } from "./message.ts";
import { waitAfter } from "./retry.ts";
import { webhookHeaders } from "./sign.ts";
import { wantsOf } from "./wanted.ts";

const told: Told = { type: "publish", repository: "npm", package: "@acme/ui", message: "m" };

test("a signature is the one that other implementations of Standard Webhooks make", () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const body = '{"test": 2432232314}';
  const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
  expect(webhookHeaders(id, body, secret, 1_614_265_330_999)).toEqual({
    "webhook-id": id,
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
  expect(webhookHeaders(id, body, null, 0)).not.toHaveProperty("webhook-signature");
});

test("each wait is twice the one before, up to six hours, and longer where that is asked for", () => {
  const none = () => 0;
  expect([1, 2, 3, 4].map((tries) => waitAfter(tries, 0, none))).toEqual([
    5_000, 10_000, 20_000, 40_000,
  ]);
  expect(waitAfter(1000, 0, none)).toBe(6 * 60 * 60 * 1000);
  expect(waitAfter(1, 60_000, none)).toBe(60_000);
  expect(waitAfter(1, Number.MAX_SAFE_INTEGER, none)).toBe(6 * 60 * 60 * 1000);
  expect(waitAfter(1, 0, () => 0.999)).toBeLessThanOrEqual(5_500);
});

const all = { types: typesOf(["*"]), repositories: null, packages: null };
const upstreamDown: Told = { ...told, type: "upstream-down", package: "" };
const disk: Told = { ...told, type: "disk-low", repository: "-", package: "" };
const alarm = (rule: string, type: "alarm" | "alarm-over" = "alarm"): Told => ({
  ...upstreamDown,
  type,
  detail: { rule },
});
const wishes: [wish: Partial<typeof all> | object, told: Told, isWanted: boolean][] = [
  [{}, told, true],
  [{}, disk, true],
  [{ types: typesOf(["yank"]) }, told, false],
  [{ types: typesOf(["held"]) }, { ...told, type: "rollback" }, true],
  [{ types: typesOf(["*"]) }, { ...told, type: "test" }, false],
  [{ repositories: ["n*"] }, told, true],
  [{ repositories: ["pypi"] }, told, false],
  [{ repositories: ["*"] }, upstreamDown, true],
  [{ repositories: ["*"] }, disk, false],
  [{ packages: ["@acme/*"] }, told, true],
  [{ packages: ["@Acme/UI"] }, told, true],
  [{ packages: ["@other/*"] }, told, false],
  [{ packages: ["*"] }, upstreamDown, false],
  [{}, alarm("tampered"), false],
  [{}, alarm("held", "alarm-over"), false],
  [{}, alarm("disk-full"), true],
  [{ types: typesOf(["alarm"]) }, alarm("tampered"), true],
  [{ types: typesOf(["alarm", "tampered"]) }, alarm("tampered"), false],
  [{ types: typesOf(["alarm", "rollback"]) }, alarm("held"), true],
  [{ packages: ["My_Lib"] }, { ...told, repository: "pypi", package: "my-lib" }, true],
];
for (const [wish, what, isWanted] of wishes)
  test(`wants(${JSON.stringify({ ...wish, types: [...((wish as typeof all).types ?? [])].slice(0, 3) })}, ${what.type} ${String(what.detail?.["rule"] ?? "")} of ${what.package || what.repository}) is ${isWanted}`, () => {
    const spelling = (repository: string) =>
      repository === "pypi" ? (name: string) => name.replaceAll("_", "-") : undefined;
    expect(wantsOf({ ...all, ...wish }, spelling)(what)).toBe(isWanted);
  });

test("ids sort by their time, and no two are the same", () => {
  const ids = [1, 2, 1e12, Date.UTC(2026, 10, 26), Date.UTC(2300, 0)].map(newId);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(Array.from({ length: 100 }, () => newId(7))).size).toBe(100);
});

test("a payload is bounded, whatever it tells of", () => {
  const detail = { files: Array.from({ length: 5_000 }, (_, at) => `file-${at}`) };
  const text = payloadOf("msg_1", 0, { ...told, message: "x".repeat(100_000), detail });
  expect(text.length).toBeLessThan(17_000);
  expect(JSON.parse(text)).toMatchObject({ id: "msg_1", package: "@acme/ui", version: null });
});

test("a mail tells of all that waits, and nothing in it can forge a header or a line", () => {
  const evil = { ...told, message: "a\r\nBcc: eve@example.com\n\nx", who: "ann\nroot" };
  const letters = [evil, told, { ...told, type: "yank" as const }].map((one, at) => ({
    id: `msg_${at}`,
    type: one.type,
    payload: payloadOf(`msg_${at}`, 0, one),
  }));
  const one = writeMail(letters.slice(0, 1));
  expect(one.subject).toBe("[holdfast] publish: a??Bcc: eve@example.com??x");
  expect(one.text).toContain("  by: ann?root\n");
  const three = writeMail(letters);
  expect(three.subject).toBe("[holdfast] 3 messages: 2 publish, 1 yank");
  expect(three.text.match(/message: msg_\d/g)).toHaveLength(3);
  expect(three.messageId).not.toBe(one.messageId);
  expect(writeMail(letters).messageId).toBe(three.messageId);
});

test("every word of the configuration stands for something that is told", () => {
  for (const word of hookWords) expect([word, typesOf([word]).size > 0]).toEqual([word, true]);
});
