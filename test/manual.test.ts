// The manual pages have every command, every option and every key. What mandoc says of them: test/clients/deb.test.ts.
import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { commandManual, configManual, manuals, packed } from "../scripts/man.ts";
import { renderDocs } from "../src/config/render.ts";
import { formats } from "../src/formats/index.ts";
import { commands } from "../src/main.ts";

const text = (roff: string) => roff.replaceAll("\\-", "-").replaceAll(/\\f[BIR]/g, "");

test("holdfast(1) has every command with its options and examples", () => {
  const manual = text(commandManual(commands()));
  for (const { name, words, options, examples = [] } of commands()) {
    const start = manual.indexOf(`.SS "${[name, words].filter(Boolean).join(" ")}"\n`);
    expect([name, start > 0]).toEqual([name, true]);
    const part = manual.slice(start, manual.indexOf("\n.S", start + 1));
    for (const option of Object.keys(options)) expect(part).toContain(`\n--${option}`);
    expect(part.split(".EX").length - 1).toBe(examples.length);
  }
});

test("holdfast.yaml(5) has every key of the documentation", () => {
  const docs = renderDocs(formats);
  const manual = text(configManual(docs));
  const keys = [...docs.matchAll(/^\| `([^`]+)`/gm)].map(([, key]) => key!);
  expect(keys.length).toBeGreaterThan(100);
  for (const key of keys) expect(manual).toContain(`.TP\n${key}\n`);
});

test("what stands for something in roff is text, and no line is a request by chance", () => {
  const command = { name: "x", summary: 'Say "it\'s"', options: {}, run: async () => 0 };
  const manual = commandManual([{ ...command, details: ".so /etc/passwd\na\\b `c` ~ ^" }]);
  expect(manual).toContain("Say \\(dqit\\(aqs\\(dq.");
  expect(manual).toContain("\\&.so /etc/passwd\na\\eb \\`c\\` \\(ti \\(ha\n");
});

test("they are packed to the same bytes each time", () => {
  for (const manual of Object.values(manuals())) {
    expect(packed(manual)).toEqual(packed(manual));
    expect(gunzipSync(packed(manual)).toString()).toBe(manual);
  }
});
