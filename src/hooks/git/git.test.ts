import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { createLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import { Problem } from "../../core/problem.ts";
import { createPulls } from "./pulls.ts";
import { createGitHooks } from "./receive.ts";
import { addressesIn } from "./senders.ts";

const SECRET = "a secret of some length";
const SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW = Date.UTC(2026, 10, 26);
const lib = "git.example.com/team/lib";

const github = {
  ref: "refs/tags/v1.0.0",
  repository: {
    full_name: "team/lib",
    html_url: `https://${lib}`,
    clone_url: `https://${lib}.git`,
    ssh_url: "git@git.example.com:team/lib.git",
    git_url: `git://${lib}.git`,
  },
};
const gitlab = {
  object_kind: "tag_push",
  project: {
    web_url: `https://${lib}`,
    git_ssh_url: "git@git.example.com:team/lib.git",
    git_http_url: `https://${lib}.git`,
  },
  repository: { url: "git@git.example.com:team/lib.git", git_http_url: `https://${lib}.git` },
};
const bitbucketCloud = {
  push: { changes: [] },
  repository: { full_name: "team/lib", links: { html: { href: `https://${lib}` } } },
};
const gitlabSystem = {
  event_name: "repository_update",
  project: {
    web_url: `https://${lib}`,
    git_ssh_url: "git@git.example.com:team/lib.git",
    git_http_url: `https://${lib}.git`,
    path_with_namespace: "team/lib",
  },
  changes: [{ before: "1".repeat(40), after: "0".repeat(40), ref: "refs/tags/v1.0.0" }],
  refs: ["refs/tags/v1.0.0"],
};
const bitbucketServer = {
  eventKey: "repo:refs_changed",
  repository: {
    slug: "lib",
    project: { key: "TEAM", links: { self: [{ href: "https://git.example.com/projects/TEAM" }] } },
    links: {
      clone: [
        { href: "ssh://git@git.example.com:7999/team/lib.git", name: "ssh" },
        { href: `https://${lib}.git`, name: "http" },
      ],
    },
  },
};

const hex = (body: string, secret = SECRET) =>
  createHmac("sha256", secret).update(body).digest("hex");
type Headers = Record<string, string>;

/** Of one that code hosts would send: what it is about, and its headers for a body. */
const senders: [
  name: string,
  secret: string,
  payload: object,
  headers: (body: string) => Headers,
  form?: "form",
][] = [
  [
    "GitHub",
    SECRET,
    github,
    (body) => ({
      "x-github-event": "push",
      "x-github-delivery": "1",
      "x-hub-signature": "sha1=0",
      "x-hub-signature-256": `sha256=${hex(body)}`,
    }),
  ],
  [
    "Gitea, which sends GitHub's headers as well",
    SECRET,
    github,
    (body) => ({
      "x-gitea-event": "push",
      "x-gitea-signature": hex(body),
      "x-gogs-event": "push",
      "x-github-event": "push",
      "x-hub-signature-256": "sha256=0",
    }),
  ],
  [
    "Forgejo, which sends Gitea's and GitHub's headers as well",
    SECRET,
    github,
    (body) => ({
      "x-forgejo-event": "create",
      "x-forgejo-signature": hex(body),
      "x-gitea-event": "create",
      "x-gitea-signature": hex(body),
      "x-github-event": "create",
    }),
  ],
  [
    "GitHub, in a form, which is signed as it is sent",
    SECRET,
    { ...github, after: "0".repeat(40), deleted: true },
    (body) => ({ "x-github-event": "push", "x-hub-signature-256": `sha256=${hex(body)}` }),
    "form",
  ],
  [
    "Gitea, in a form, of which the JSON is signed",
    SECRET,
    { ...github, ref: "refs/tags/v1.0.0 ü&=+%" },
    (body) => ({
      "x-gitea-event": "push",
      "x-gitea-signature": hex(new URLSearchParams(body).get("payload")!),
      "x-github-event": "push",
    }),
    "form",
  ],
  [
    "Forgejo, in a form, of which the JSON is signed",
    SECRET,
    { ...github, ref_type: "tag" },
    (body) => ({
      "x-forgejo-event": "delete",
      "x-forgejo-signature": hex(new URLSearchParams(body).get("payload")!),
      "x-gitea-event": "delete",
    }),
    "form",
  ],
  [
    "GitLab's system hook, of all projects",
    SECRET,
    gitlabSystem,
    () => ({ "x-gitlab-event": "System Hook", "x-gitlab-token": SECRET }),
  ],
  [
    "GitLab with a token",
    SECRET,
    gitlab,
    () => ({ "x-gitlab-event": "Tag Push Hook", "x-gitlab-token": SECRET }),
  ],
  [
    "GitLab with a signing token",
    SIGNING,
    gitlab,
    (body) => {
      const at = String(NOW / 1000);
      const key = Buffer.from(SIGNING.slice(6), "base64");
      const mac = createHmac("sha256", key).update(`id-1.${at}.${body}`).digest("base64");
      return {
        "x-gitlab-event": "Push Hook",
        "webhook-id": "id-1",
        "webhook-timestamp": at,
        "webhook-signature": `v1,bm9uZQ== v1,${mac}`,
      };
    },
  ],
  [
    "Bitbucket Cloud",
    SECRET,
    bitbucketCloud,
    (body) => ({ "x-event-key": "repo:push", "x-hub-signature": `sha256=${hex(body)}` }),
  ],
  [
    "Bitbucket Data Center",
    SECRET,
    bitbucketServer,
    (body) => ({ "x-event-key": "repo:refs_changed", "x-hub-signature": `sha256=${hex(body)}` }),
  ],
];

function scene(secret: string | null = SECRET) {
  const pulled: (readonly string[])[] = [];
  const log: string[] = [];
  const metrics = createMetrics();
  const receive = createGitHooks({
    secretOf: (repository) => (repository === "go" ? secret : null),
    pull: (_repository, addresses) => void pulled.push(addresses),
    log: createLog("json", (line) => void log.push(line)),
    count: metrics.counter("c", "h"),
    now: () => NOW,
  });
  let read = 0;
  async function post(headers: Headers, body: string, repository = "go"): Promise<number> {
    try {
      const { status } = await receive(repository, {
        header: (name) => headers[name] ?? null,
        async body() {
          read += 1;
          return Buffer.from(body);
        },
      });
      return status;
    } catch (error) {
      if (error instanceof Problem) return error.status;
      throw error;
    }
  }
  return { post, pulled, log, metrics, read: () => read };
}

for (const [name, secret, payload, headersOf, form] of senders) {
  const json = JSON.stringify(payload);
  const body = form ? new URLSearchParams({ payload: json }).toString() : json;
  const headers: Headers = {
    ...headersOf(body),
    "content-type": form ? "application/x-www-form-urlencoded" : "application/json",
  };

  test(`${name}: a push leads to the repository that it names, as often as it comes`, async () => {
    const { post, pulled } = scene(secret);
    expect(await post(headers, body)).toBe(202);
    expect(await post(headers, body)).toBe(202);
    expect(pulled).toHaveLength(2);
    expect(pulled[0]!.some((address) => address.startsWith(`https://${lib}`))).toBe(true);
  });

  test(`${name}: another secret, another body or no signature is refused, and nothing is done`, async () => {
    const { post, pulled } = scene(secret);
    const other = scene(`${secret === SIGNING ? "whsec_" : ""}bm90IHRoZSBzYW1lIHNlY3JldA==`);
    expect(await other.post(headers, body)).toBe(401);
    if (!("x-gitlab-token" in headers))
      expect(await post(headers, body.replace("lib", "bil"))).toBe(401);
    for (const key of Object.keys(headers).filter((one) => /signature|token|timestamp/.test(one))) {
      const { [key]: _, ...rest } = headers;
      const isSpare = key === "x-hub-signature" && "x-github-event" in headers;
      const isOther = key === "x-hub-signature-256" && !name.startsWith("GitHub");
      const isSecond = key === "x-gitea-signature" && "x-forgejo-event" in headers;
      if (!isSpare && !isOther && !isSecond)
        expect([key, await post(rest, body)]).toEqual([key, 401]);
      for (const wrong of ["", "sha256=", "v1,", "ü".repeat(9), "0".repeat(10_000)])
        if (!isSpare && !isOther && !isSecond)
          expect(await post({ ...headers, [key]: wrong }, body)).toBe(401);
    }
    expect([...pulled, ...other.pulled]).toEqual([]);
  });
}

test("a signature of GitLab that is older than five minutes is refused", async () => {
  const [, , payload, headersOf] = senders.find(([name]) => name.includes("signing"))!;
  const body = JSON.stringify(payload);
  const at = String(NOW / 1000 - 301);
  const key = Buffer.from(SIGNING.slice(6), "base64");
  const mac = createHmac("sha256", key).update(`id-1.${at}.${body}`).digest("base64");
  const late = { "webhook-timestamp": at, "webhook-signature": `v1,${mac}` };
  expect(await scene(SIGNING).post({ ...headersOf(body), ...late }, body)).toBe(401);
  const token = { "x-gitlab-event": "Push Hook", "x-gitlab-token": SIGNING };
  expect(await scene(SIGNING).post(token, body)).toBe(401); // the token alone is no signature
});

test("where no secret is set nothing is taken, and no body is read of what no code host sends", async () => {
  const none = scene(null);
  const [, , payload, headersOf] = senders[0]!;
  const body = JSON.stringify(payload);
  expect(await none.post(headersOf(body), body)).toBe(404);
  const other = scene();
  expect(await other.post(headersOf(body), body, "npm")).toBe(404);
  expect(await other.post({}, body)).toBe(401);
  expect(none.read() + other.read()).toBe(0);
});

test("what is no push, or names no repository, is taken and leads nowhere", async () => {
  const { post, pulled, log, metrics } = scene();
  for (const [event, body] of [
    ["ping", JSON.stringify(github)],
    ["issues", JSON.stringify(github)],
    ["push", "not JSON"],
    ["push", '{"repository":{"clone_url":7,"links":{"clone":[null,{"href":{}}]}}}'],
    ["push", "[]"],
  ] as const) {
    const headers = { "x-github-event": event, "x-hub-signature-256": `sha256=${hex(body)}` };
    expect(await post(headers, body)).toBe(202);
  }
  expect(pulled).toEqual([]);
  expect(log).toHaveLength(3);
  expect(await metrics.render()).toContain('c{repository="go",sender="GitHub",result="ignored"} 2');
});

test("what a system hook of GitLab tells beside pushes leads nowhere, and is nothing to warn of", async () => {
  const { post, pulled, log } = scene();
  const headers = { "x-gitlab-event": "System Hook", "x-gitlab-token": SECRET };
  for (const payload of [
    { event_name: "user_create", email: "x@example.com" },
    { ...gitlabSystem, event_name: "project_update" },
    { ...gitlabSystem, event_name: undefined, object_kind: "merge_request" },
  ])
    expect(await post(headers, JSON.stringify(payload))).toBe(202);
  expect([pulled, log]).toEqual([[], []]);
  for (const payload of [
    { ...gitlabSystem, event_name: "tag_push", object_kind: "tag_push" },
    { ...gitlabSystem, event_name: undefined, object_kind: "push" },
  ])
    expect(await post(headers, JSON.stringify(payload))).toBe(202);
  expect(pulled).toHaveLength(2);
});

test("Bitbucket Data Center tries a connection without a signature: it is told yes, and nothing is done", async () => {
  const { post, pulled, metrics } = scene();
  const ping = { "x-event-key": "diagnostics:ping" };
  expect(await post(ping, '{"test":true}')).toBe(202);
  expect(await post(ping, JSON.stringify(bitbucketServer))).toBe(202);
  expect(await scene(null).post(ping, '{"test":true}')).toBe(404);
  expect(pulled).toEqual([]);
  const counted = 'c{repository="go",sender="Bitbucket",result="ignored"} 2';
  expect(await metrics.render()).toContain(counted);
});

test("the form that GitHub may be set to is read as JSON is", () => {
  const form = `payload=${encodeURIComponent(JSON.stringify(github))}`;
  const found = addressesIn(Buffer.from(form), "application/x-www-form-urlencoded");
  expect(found).toEqual([
    `https://${lib}.git`,
    "git@git.example.com:team/lib.git",
    `https://${lib}`,
  ]);
});

test("addresses are bounded, in number and length", () => {
  const clone = Array.from({ length: 1000 }, (_, at) => ({ href: `https://h/${at}` }));
  const payload = { repository: { clone_url: "x".repeat(10_000), links: { clone } } };
  expect(addressesIn(Buffer.from(JSON.stringify(payload)), null)).toHaveLength(16);
});

test("what is asked for while it is done is done once more, and not at once", async () => {
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const rests: number[] = [];
  const pulls = createPulls(
    async (key) => {
      done.push(key);
      if (done.length === 1) await first.promise;
    },
    7,
    async (ms) => void rests.push(ms),
  );
  for (let nth = 0; nth < 50; nth += 1) pulls.pull("a");
  pulls.pull("b");
  first.resolve();
  await pulls.settled();
  expect(done.sort()).toEqual(["a", "a", "b"]);
  expect(rests).toEqual([7, 7, 7]);
  for (let nth = 0; nth < 1000; nth += 1) pulls.pull(String(nth));
  await pulls.settled();
  expect(done).toHaveLength(203);
});
