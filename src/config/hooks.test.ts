import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import { tempFolder } from "../../test/support/temp.ts";
import { ConfigError } from "./errors.ts";
import { loadConfig } from "./load.ts";
import { shownConfig } from "./shown.ts";

const folder = tempFolder("hooks");
const file = join(folder, "holdfast.yaml");
writeFileSync(join(folder, "secret"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
writeFileSync(join(folder, "url"), "https://chat.example.com/T0/s3cret\n");
writeFileSync(join(folder, "none"), "not an address\n");
writeFileSync(join(folder, "short"), "short\n");

const formats = [{ name: "npm", options: z.strictObject({}) }];

function load(settings: object) {
  writeFileSync(file, JSON.stringify(settings, null, 1));
  return loadConfig({ file, formats, flags: {}, env: { MAIL: "pa55word" } });
}
function mistakes(settings: object): string {
  try {
    load(settings);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

const chat = { name: "chat", url: "https://chat.example.com/hook", events: ["publish"] };
const ops = { name: "ops", mail: ["ops@example.com"], events: ["held", "disk-low"] };
const mail = { server: "smtps://mail.example.com", from: "Holdfast <holdfast@example.com>" };

test("hooks and the mail server are read, with their secrets, and shown without them", () => {
  const config = load({
    hooks: [
      { ...chat, secretFile: "secret", repositories: ["npm"], retry: "1h" },
      { name: "hidden", urlFile: "url", events: ["*"] },
      ops,
    ],
    mail: { ...mail, username: "holdfast", passwordEnv: "MAIL" },
    diskLow: "20GiB",
  });
  expect(config.hooks.map(({ name, to }) => [name, "mail" in to ? to.mail : to.url])).toEqual([
    ["chat", "https://chat.example.com/hook"],
    ["hidden", "https://chat.example.com/T0/s3cret"],
    ["ops", ["ops@example.com"]],
  ]);
  const shown = stringify(shownConfig(config, formats));
  expect(shown).toContain("url: https://chat.example.com/hook");
  expect(shown).toContain('password: "***"');
  expect(shown).toContain("diskLow: 20GiB");
  for (const secret of ["s3cret", "whsec_", "pa55word"]) expect(shown).not.toContain(secret);
});

const wrong: [what: string, settings: object, why: string][] = [
  ["without a way", { hooks: [{ name: "x", events: ["*"] }] }, "one of url, urlFile, urlEnv"],
  ["with two ways", { hooks: [{ ...chat, mail: ["a@b.c"] }], mail }, "one of url, urlFile, urlEnv"],
  ["without events", { hooks: [{ ...chat, events: [] }] }, "at least 1"],
  ["with an event that is misspelt", { hooks: [{ ...chat, events: ["publsh"] }] }, "publish"],
  ["of a name that another has", { hooks: [chat, chat] }, "another hook of the name chat"],
  ["for mail without a mail server", { hooks: [ops] }, "takes a mail server"],
  ["for mail that is signed", { hooks: [{ ...ops, secretFile: "secret" }], mail }, "for webhooks"],
  ["with a short secret", { hooks: [{ ...chat, secretFile: "short" }] }, "too short to sign with"],
  [
    "with a file that is no URL",
    { hooks: [{ name: "x", events: ["*"], urlFile: "none" }] },
    "no http://",
  ],
  [
    "to no address",
    { hooks: [{ ...ops, mail: ["a@b.c, d@e.f"] }], mail },
    "expected a mail address",
  ],
  ["with a name of two lines", { hooks: [{ ...chat, name: "a\nb" }] }, "expected lower case"],
  [
    "beside a mail server with half an account",
    { mail: { ...mail, username: "x" } },
    "both a username",
  ],
  [
    "beside a mail server that is told a password in the clear",
    {
      mail: {
        ...mail,
        server: "smtp://mail.example.com",
        startTls: false,
        username: "x",
        passwordEnv: "MAIL",
      },
    },
    "in the clear",
  ],
];
for (const [what, settings, why] of wrong)
  test(`a hook ${what} is a mistake`, () => expect(mistakes(settings)).toContain(why));

test("no mistake tells a secret", () => {
  expect(mistakes({ hooks: [{ name: "x", events: ["*"], urlFile: "none" }] })).not.toContain(
    "not an address",
  );
  expect(mistakes({ hooks: [{ ...chat, secretFile: "short" }] })).not.toMatch(/short\n/);
});
