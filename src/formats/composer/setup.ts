// What Composer needs to be told. https://getcomposer.org/doc/05-repositories.md, https://getcomposer.org/doc/06-config.md#secure-http
import type { Snippet } from "../../core/format.ts";

/** What the built-in repository is called in Composer's own configuration. Others are called as here: each is one beside the others. */
const BUILT_IN = "holdfast";

/** `url` is the repository's public URL, without a trailing slash. */
export function setupSnippets(url: string): Snippet[] {
  // Composer refuses plain HTTP for any host, its own machine too, unless it is allowed for all.
  const isPlain = url.startsWith("http://");
  const settings = {
    repositories: [{ type: "composer", url: `${url}/` }, { packagist: false }],
    ...(isPlain && { config: { "secure-http": false } }),
  };
  const { host } = new URL(url);
  const lines = [
    `composer config --global repositories.${keyOf(url)} composer ${url}/`,
    "composer config --global repositories.packagist false",
    ...(isPlain ? ["composer config --global secure-http false"] : []),
    "# Where packages are private, with a token of yours:",
    `# composer config --global --auth http-basic.${host} token TOKEN`,
  ];
  return [
    { client: "composer", file: "shell", text: `${lines.join("\n")}\n` },
    { client: "composer", file: "composer.json", text: `${JSON.stringify(settings, null, 4)}\n` },
  ];
}

function keyOf(url: string): string {
  const name = new URL(url).pathname.split("/").at(-1) ?? "";
  return name === "" || name === "composer" ? BUILT_IN : name;
}
