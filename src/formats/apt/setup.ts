// What apt needs to be told. sources.list(5)
import type { Snippet } from "../../core/format.ts";
import type { AptOptions } from "./options.ts";

/** `url` is the repository's public URL, without a trailing slash. */
export function setupSnippets(url: string, options?: AptOptions): Snippet[] {
  const name = new URL(url).pathname.split("/").pop() || "repository";
  // Files of our own: the distribution's keep theirs, and whoever sets this up decides which of them to switch off.
  const file = `/etc/apt/sources.list.d/holdfast-${name}`;
  const key = `/etc/apt/keyrings/${name}.asc`;
  const { hosted } = options ?? {};
  const isVerified = options === undefined || options.keyring !== undefined || hosted !== undefined;
  const { suites, components, architectures } = choice(options);
  const flat = suites.filter((suite) => suite.endsWith("/"));
  const named = suites.filter((suite) => !suite.endsWith("/"));
  const sets = [
    ...(named.length ? [{ suites: named, components }] : []),
    ...(flat.length ? [{ suites: flat, components: [] }] : []),
  ];
  const isExample = !hosted && !options?.mirror && !options?.suites.length;
  const remark = [
    ...(isExample
      ? [`# ${suites[0]} and ${components.join(" ")} are an example: put yours in their place.`]
      : []),
    ...(hosted ? [] : ["# Then switch off the sources that this takes the place of."]),
  ];

  const deb822 = sets.map(({ suites, components }) =>
    [
      `Types: deb${options?.mirror?.sources || hosted ? " deb-src" : ""}`,
      `URIs: ${url}`,
      `Suites: ${suites.join(" ")}`,
      ...(components.length ? [`Components: ${components.join(" ")}`] : []),
      ...(architectures.length ? [`Architectures: ${architectures.join(" ")}`] : []),
      isVerified ? `Signed-By: ${key}` : "Trusted: yes",
      "",
    ].join("\n"),
  );
  const settings = [
    ...(architectures.length ? [`arch=${architectures.join(",")}`] : []),
    isVerified ? `signed-by=${key}` : "trusted=yes",
  ].join(" ");
  const lines = sets.flatMap(({ suites, components }) =>
    suites.map((suite) => ["deb", `[${settings}]`, url, suite, ...components].join(" ")),
  );
  const shell = [
    "sudo install -d -m 0755 /etc/apt/keyrings",
    `curl -fsSL ${url}/-/key.asc | sudo tee ${key} >/dev/null`,
    "",
  ].join("\n");
  return [
    ...(isVerified ? [{ client: "apt", file: "shell", text: shell }] : []),
    { client: "apt", file: `${file}.sources`, text: [...remark, ...deb822].join("\n") },
    {
      client: "apt",
      file: `${file}.list`,
      text: [
        ...remark,
        "# One line for each suite, instead of the .sources file.",
        ...lines,
        "",
      ].join("\n"),
    },
  ];
}

function choice(options: AptOptions | undefined) {
  const { suites, components, architectures } = options?.hosted ??
    options?.mirror ?? {
      suites: options?.suites.length ? options.suites : ["bookworm"],
      components: ["main"],
      architectures: [],
    };
  return { suites, architectures, components: components.length ? components : ["main"] };
}
