import { expect, test } from "bun:test";
import { z } from "zod";
import type { Format } from "../core/format.ts";
import type { Overview, RepositoryState } from "../core/overview.ts";
import { stranger } from "./frame/reader.ts";
import { awayPage, type HomeDeps, homePage } from "./home.ts";
import { repositoryPage, wantsPage } from "./repository.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const state: RepositoryState = {
  files: 1234,
  bytes: 5 * 2 ** 20,
  requests: 200,
  hits: 199,
  offline: false,
  isHostedOnly: false,
  away: [],
};
const format = {
  name: "toy",
  options: z.strictObject({}),
  setup: (url: string) => [
    { client: "kelp", file: "~/.kelprc", text: `registry=${url}/\n` },
    { client: "<coral>", file: "shell", text: `# why\ncoral set ${url}\n# and then & so on\n` },
  ],
} as unknown as Format;
const deps: HomeDeps = { version: "1.2.3", repositories: [{ name: "own", format, options: {} }] };

function overview(changes: Partial<RepositoryState> = {}, more: Partial<Overview> = {}): Overview {
  return {
    startedAt: NOW - 3 * 3_600_000,
    now: NOW,
    repositories: new Map([["own", { ...state, ...changes }]]),
    newest: [],
    events: [],
    ...more,
  };
}
const home = (seen: Overview, origin = "https://host/holdfast") =>
  String(homePage(deps, seen, stranger(origin)).body);

test("it says what runs since when, what is stored, and how much of it was answered from there", () => {
  const text = home(overview()).replace(/<[^>]+>/g, " ");
  for (const want of [
    "Serving",
    "Version 1.2.3, running for 3 h, since 2026-11-23 09:00 UTC",
    "1,234",
    "5.0 MiB",
    "99 %",
    "Nothing is stored yet",
  ])
    expect(text).toContain(want);
  expect(text).not.toContain("What happened");
});

test("what the server stands on and is away is said first, and alone where nothing else can be had", () => {
  const trouble = "The bucket cannot be reached: what has a copy here is served";
  const reader = stranger("https://host");
  const shown = String(homePage(deps, overview({ away: ["a.test"] }), reader, null, trouble).body);
  const alone = awayPage(trouble, reader);
  for (const text of [shown, String(alone.body)]) {
    expect(text).toContain(`${trouble}.`);
    expect(text).toContain("Degraded");
    expect(text).not.toContain("Serving");
  }
  expect(alone.status).toBe(503);
});

test("offline and upstreams that are away are said first", () => {
  expect(home(overview({ offline: true }))).toContain("Offline: no upstream is asked");
  const away = home(overview({ away: ["one.example.test", "two.example.test"] }));
  expect(away).toContain("one.example.test, two.example.test are away: what is stored is served");
});

test("what is only hosted is no fault of any upstream, and stands before the lines for clients", () => {
  const html = home(overview({ offline: true, isHostedOnly: true }));
  expect(html).toContain("Hosted here");
  expect(html).toContain('<span class="chip plain">hosted here</span>');
  expect(html).not.toMatch(/offline/i);
  expect(html.indexOf("<h2>Repositories")).toBeLessThan(html.indexOf("<h2>Set up a client"));
});

test("of several repositories for the same clients one is at hand", () => {
  const names = ["release", "toy", "own"];
  const repositories = names.map((name) => ({ name, format, options: {} }));
  const states = new Map(names.map((name) => [name, state]));
  const html = String(
    homePage(
      { ...deps, repositories },
      { ...overview(), repositories: states },
      stranger("http://localhost"),
    ).body,
  );
  const folded = [...html.matchAll(/<details><summary><span class="name">(\w+)<\/span>/g)];
  expect(folded.map(([, name]) => name)).toEqual(["release", "own"]);
});

test("each client has its line with the reader's own address, and the rest is folded", () => {
  const html = home(overview());
  expect(html).toContain("<code>registry=https://host/holdfast/own/</code>");
  expect(html).toContain('<a href="/holdfast/own/">own</a>');
  expect(html).toMatch(
    /<details><summary>.*<code>coral set https:\/\/host\/holdfast\/own<\/code>.*<\/summary>.*# why\ncoral set/s,
  );
});

test("nothing that comes from elsewhere is taken for HTML, and no script could run", () => {
  const evil = "<script>alert(1)</script>";
  const one = { repository: "own", package: evil, version: evil, file: evil, size: 1, at: NOW };
  const event = { at: NOW, kind: "tampered", repository: "own", package: evil, message: evil };
  const seen = overview({ away: [evil] }, { newest: [one], events: [event] });
  const reader = stranger("http://localhost");
  const pages = [
    homePage(deps, seen, reader),
    repositoryPage(deps.repositories[0]!, seen, "http://localhost/own", reader),
  ];
  for (const { body, headers } of pages) {
    expect(body).not.toMatch(/<script(?! src="\/-\/assets\/)| on\w+="| style="/);
    expect(body).toContain("&lt;script&gt;alert(1)");
    expect(body).toContain("What happened");
    expect(headers["content-security-policy"]).toStartWith("default-src 'none';");
  }
});

const accepts: [accept: string | null, wants: boolean][] = [
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true],
  [null, false],
  ["*/*", false],
  ["application/json", false],
  ["application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*", false],
  [
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.1, text/html;q=0.01",
    false,
  ],
];
for (const [accept, wants] of accepts)
  test(`who accepts ${accept} ${wants ? "gets" : "gets no"} page`, () => {
    expect(wantsPage("GET", accept)).toBe(wants);
    expect(wantsPage("POST", accept)).toBe(false);
  });
