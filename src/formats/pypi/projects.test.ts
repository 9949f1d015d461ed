import { expect, test } from "bun:test";
import type { Source } from "../../core/document.ts";
import { memorySource } from "../../store/source.ts";
import { documents, projectsRef } from "./documents.ts";
import { listOf } from "./projects-view.ts";

const ref = projectsRef({ simplePath: "simple/", projects: "upstream" });

/** A source that comes in pieces of so many bytes. */
function pieces(text: string, size = 10_000): Source {
  const bytes = Buffer.from(text);
  return {
    ...memorySource(bytes),
    async *chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    },
  };
}

async function shown(source: Source, variant: string, data: unknown): Promise<string> {
  let text = "";
  const view = { variant, base: "", data };
  for await (const part of documents.projects.render({ ref, source, overlay: {} }, view))
    text += part;
  return text;
}

const plain = { claims: [], unlisted: [] };
const json = JSON.stringify({
  meta: { "_last-serial": 42, "api-version": "1.3" },
  projects: [
    { "_last-serial": 7, name: "Brine" },
    { name: "coral-reef" },
    { name: "Coral.Polyp", more: [1, 2] },
    { name: "six" },
  ],
});
const anchors =
  '<a href="/simple/brine/">Brine</a><br/>\n<a href="coral-reef/">coral-reef</a>\n<a href="coral-polyp/#x">Coral.Polyp</a>\n<A HREF=six>six</A>';
const html = `<!DOCTYPE html><html><head><title>Simple index</title></head><body>\n<!-- <a href="no">no</a> -->\n<a href="../">up</a>\n${anchors}</body></html>`;

for (const size of [1, 7, 60, 10_000])
  for (const [form, text] of Object.entries({ json, html })) {
    const source = () => pieces(text, size);
    test(`the ${form} list in pieces of ${size} bytes`, async () => {
      expect(await documents.projects.facts(source(), ref)).toEqual([]);
      const own = JSON.parse(await shown(source(), "json", plain));
      expect(own.projects.map(({ name }: { name: string }) => name)).toEqual([
        "Brine",
        "coral-reef",
        "Coral.Polyp",
        "six",
      ]);
      expect(own.projects[0]["_last-serial"]).toBe(form === "json" ? 7 : undefined);
      expect(own.meta).toEqual({
        "api-version": "1.4",
        ...(form === "json" && { "_last-serial": 42 }),
      });
      const page = await shown(source(), "html", plain);
      expect(page).toContain('<a href="coral-polyp/">Coral.Polyp</a>');
      expect(await documents.projects.facts(pieces(page), ref)).toEqual([]);
    });

    test(`the ${form} list in pieces of ${size} bytes, without private names and with ours`, async () => {
      const unlisted = await shown(source(), "unlisted", ["brine", "coral-polyp", "gone-project"]);
      expect(JSON.parse(unlisted)).toEqual(["gone-project"]);
      const data = { claims: ["Coral_*"], unlisted: ["gone-project", "six"] };
      const own = JSON.parse(await shown(source(), "json", data));
      expect(own.projects.map(({ name }: { name: string }) => name)).toEqual([
        "Brine",
        "six",
        "gone-project",
      ]);
    });
  }

const lists: [what: string, text: string][] = [
  ["no projects at all", '{"meta":{"api-version":"1.0"},"projects":[]}'],
  ["no projects at all, as HTML", "<html><head><title>Simple index</title></head></html>"],
  ["meta behind it", '{"projects":[{"name":"a"}],"meta":{"_last-serial":1}}'],
  [
    "nothing but links",
    '<pre><a href="?C=N">Name</a><a href="../">Parent</a><a href="six/">six/</a></pre>',
  ],
];
for (const [what, text] of lists)
  test(`a list with ${what}`, async () =>
    expect(await documents.projects.facts(pieces(text), ref)).toEqual([]));

const others: [what: string, text: string][] = [
  ["nothing", ""],
  ["text", "hello"],
  ["another JSON", '{"message":"not found"}'],
  ["no list", '{"projects":{"a":1}}'],
  ["a list that was cut", json.slice(0, -3)],
  ["another version", '{"meta":{"api-version":"2.0"},"projects":[]}'],
  ["a page of links", '<html><a href="/about/">About us</a><a href="/six/">six</a></html>'],
  ["a page without links", "<html><p>Welcome</p></html>"],
  ["a login page", '<title>Simple index</title><form><input type="password"></form>'],
  ["a page without end", `<html>${"text ".repeat(500_000)}`],
];
for (const [what, text] of others)
  test(`${what} is no list of projects`, async () => {
    const facts = documents.projects.facts(pieces(text), ref);
    expect(facts).rejects.toMatchObject({ kind: "malformed" });
    await facts.catch(() => {});
  });

test("an entry that is no name is left out and told", async () => {
  const skipped: unknown[] = [];
  const source = pieces('{"projects":[{"name":"../x"},{"name":"six"},7]}');
  await documents.projects.facts(source, ref, (entry) => skipped.push(entry));
  expect(skipped).toMatchObject([{ what: "../x" }, { what: "a project without a name" }]);
  expect(JSON.parse(await shown(source, "json", plain)).projects).toEqual([{ name: "six" }]);
});

test("the list of what is stored has both forms", async () => {
  expect(JSON.parse(await listOf(["a", "b-c"], "json"))).toEqual({
    meta: { "api-version": "1.4" },
    projects: [{ name: "a" }, { name: "b-c" }],
  });
  expect(JSON.parse(await listOf([], "json")).projects).toEqual([]);
  expect(await listOf(["b-c"], "html")).toContain('<a href="b-c/">b-c</a>');
});
