import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../../test/support/certificates.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { TlsConfig } from "../config/resolve.ts";
import { readTls } from "../config/tls.ts";
import { createLog } from "../core/log.ts";
import { watchCertificate } from "./certificate.ts";

const [first, second, third] = ["a", "b", "c"].map(
  (name) => makeCertificate([`${name}.example.com`], 90).pair,
) as [Pair, Pair, Pair];
type Pair = TlsConfig["pair"];

function world() {
  const folder = tempFolder("pair");
  const files = { certificate: join(folder, "server.pem"), key: join(folder, "server.key") };
  const put = (pair: Partial<Pair>) => {
    for (const [of, text] of Object.entries(pair)) writeFileSync(files[of as keyof Pair], text);
  };
  put(first);
  let tls = readTls(files) as TlsConfig;
  const lines: string[] = [];
  const job = watchCertificate({
    current: () => tls,
    use(next) {
      if (next.pair.key === third.key) throw new Error("refused by the library");
      tls = next;
    },
    log: createLog("json", (line) => lines.push(JSON.parse(line).msg)),
  });
  return { put, lines, look: job.run, shown: () => tls.names };
}

test("a new pair is shown once both files have settled", async () => {
  const { put, look, shown, lines } = world();
  await look();
  put({ certificate: second.certificate });
  await look(); // between the two files: they do not fit
  put({ key: second.key });
  await look();
  expect([shown(), lines]).toEqual(["a.example.com", []]);
  await look();
  await look();
  expect(shown()).toBe("b.example.com");
  expect(lines).toEqual(["The certificate has changed, and the new one is shown"]);
});

test("a wrong pair is told once, and the one before stays until a right one comes", async () => {
  const { put, look, shown, lines } = world();
  put({ key: second.key });
  for (let looks = 0; looks < 4; looks++) await look();
  expect(shown()).toBe("a.example.com");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("The new certificate cannot be used, the one before stays: /");
  expect(lines[0]).toEndWith("server.key holds the key of another certificate");
  put(second);
  for (let looks = 0; looks < 2; looks++) await look();
  expect(shown()).toBe("b.example.com");
});

test("what the listener refuses is told once as well", async () => {
  const { put, look, shown, lines } = world();
  put(third);
  for (let looks = 0; looks < 4; looks++) await look();
  expect([shown(), lines.length]).toEqual(["a.example.com", 1]);
});

test("the same bytes under a new date are nothing new", async () => {
  const { put, look, lines } = world();
  put(first);
  for (let looks = 0; looks < 3; looks++) await look();
  expect(lines).toEqual([]);
});
