import { expect, test } from "bun:test";
import { aptOptions } from "./options.ts";
import { setupSnippets } from "./setup.ts";

const url = "http://packages.example.test/vendor";
const by = (end: string, options?: Parameters<typeof setupSnippets>[1]) =>
  setupSnippets(url, options).find(({ file }) => file.endsWith(end))?.text;

test("a verified repository comes with its key", () => {
  expect(by("shell")).toContain(
    `curl -fsSL ${url}/-/key.asc | sudo tee /etc/apt/keyrings/vendor.asc`,
  );
  expect(by(".sources")).toBe(
    `# bookworm and main are an example: put yours in their place.
# Then switch off the sources that this takes the place of.
Types: deb
URIs: ${url}
Suites: bookworm
Components: main
Signed-By: /etc/apt/keyrings/vendor.asc
`,
  );
  expect(by(".list")).toContain(
    `\ndeb [signed-by=/etc/apt/keyrings/vendor.asc] ${url} bookworm main\n`,
  );
});

test("what a mirror has is what is offered", () => {
  const options = aptOptions.parse({
    unverified: true,
    mirror: {
      suites: ["stable", "flat/"],
      components: ["main", "extra"],
      architectures: ["amd64", "arm64"],
      sources: true,
    },
  });
  expect(by("shell", options)).toBeUndefined();
  expect(by(".sources", options)).toBe(
    `# Then switch off the sources that this takes the place of.
Types: deb deb-src
URIs: ${url}
Suites: stable
Components: main extra
Architectures: amd64 arm64
Trusted: yes

Types: deb deb-src
URIs: ${url}
Suites: flat/
Architectures: amd64 arm64
Trusted: yes
`,
  );
  expect(by(".list", options)).toContain(`deb [arch=amd64,arm64 trusted=yes] ${url} flat/\n`);
});

test("of packages that are published here nothing is an example, and no other source is in the way", () => {
  const options = aptOptions.parse({ hosted: { suites: ["stable"], architectures: ["amd64"] } });
  const [key, sources] = setupSnippets("https://packages.example.com/private", options);
  expect(key!.text).toContain("https://packages.example.com/private/-/key.asc");
  expect(sources!.text).toBe(
    [
      "Types: deb deb-src",
      "URIs: https://packages.example.com/private",
      "Suites: stable",
      "Components: main",
      "Architectures: amd64",
      "Signed-By: /etc/apt/keyrings/private.asc",
      "",
    ].join("\n"),
  );
});
