// What wire scripts need to publish: callers with a name, and forms with files in them.
import type { Gate } from "../../src/auth/gate.ts";
import { grantOf } from "../../src/core/testkit.ts";
import { type Field, form, sdist, wheel } from "../../src/formats/pypi/testdata/distributions.ts";

/** Believes who gives a name as user and password; who gives none may read. */
export function gateOf(may: ReadonlyMap<string, readonly string[]>): Gate {
  const grants = new Map(
    [...may].map(([name, actions]) => [
      name,
      grantOf(name, (_, action) => actions.includes(action)),
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

/** `@wheel NAME VERSION [SUMMARY]` and `@sdist …` are files. */
export function wireForm(
  fields: readonly [name: string, value: string][],
): Uint8Array<ArrayBuffer> {
  const all = fields.map(([name, value]): Field => {
    const [, kind, project = "", version = "", summary] =
      /^@(wheel|sdist) (\S+) (\S+)(?: (.+))?$/.exec(value) ?? [];
    if (!kind) return [name, value];
    const wish = { name: project, version, ...(summary && { more: `Summary: ${summary}\n` }) };
    const { file, bytes } = kind === "wheel" ? wheel(wish) : sdist(wish);
    return [name, bytes, file];
  });
  return new Uint8Array(form(all));
}
