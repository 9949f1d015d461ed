// What wire scripts need to publish: callers with a name, and forms with files in them.
import type { Gate } from "../../src/auth/gate.ts";
import { issueGrant } from "../../src/core/grant.ts";
import { nobody as anonymous } from "../../src/core/principal.ts";
import { grantOf } from "../../src/core/testkit.ts";
import { archiveOf } from "../../src/formats/composer/testdata/archives.ts";
import { publishDocument } from "../../src/formats/npm/testdata/tarball.ts";
import { type Field, form, sdist, wheel } from "../../src/formats/pypi/testdata/distributions.ts";

/** Believes who gives a name as user and password; who gives none may read. */
export function gateOf(may: ReadonlyMap<string, readonly string[]>): Gate {
  const grants = new Map(
    [...may].map(([name, actions]) => [
      name,
      // Not a user: of those the server knows more than a name.
      issueGrant({
        ...grantOf(name, (_, action) => actions.includes(action)),
        principal: { ...anonymous, kind: "job", name },
      }),
    ]),
  );
  const nobody = grantOf("", (_, action) => action === "read");
  return {
    identify(asked) {
      const [, given = ""] = /^Basic (.+)$/.exec(asked.header("authorization") ?? "") ?? [];
      const [name = "", password] = atob(given).split(":");
      return (name === password && grants.get(name)) || nobody;
    },
  };
}

/** `@wheel NAME VERSION [SUMMARY]`, `@sdist …` and `@zip …` are files. */
export function wireForm(
  fields: readonly [name: string, value: string][],
): Uint8Array<ArrayBuffer> {
  const all = fields.map(([name, value]): Field => {
    if (value.startsWith("@zip ")) return [name, archiveOf(value.slice(5)), "package.zip"];
    const [, kind, project = "", version = "", summary] =
      /^@(wheel|sdist) (\S+) (\S+)(?: (.+))?$/.exec(value) ?? [];
    if (!kind) return [name, value];
    const wish = { name: project, version, ...(summary && { more: `Summary: ${summary}\n` }) };
    const { file, bytes } = kind === "wheel" ? wheel(wish) : sdist(wish);
    return [name, bytes, file];
  });
  return new Uint8Array(form(all));
}

/** `NAME VERSION [DESCRIPTION]`: other words are other bytes. */
export function npmDocument(text: string): string {
  const [name = "", version = "", ...words] = text.split(" ");
  const description = words.join(" ");
  return JSON.stringify(
    publishDocument({ name, version, more: description ? { description } : {} }),
  );
}
