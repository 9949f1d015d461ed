import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Problem } from "../../core/problem.ts";
import { pypi } from "./index.ts";
import { attestation, attested } from "./testdata/attestations.ts";
import { form, formFields, type Made, sdist, uploadForm, wheel } from "./testdata/distributions.ts";
import { hostedRepository } from "./testdata/hosted-repository.ts";

type Hosted = ReturnType<typeof hostedRepository>;

async function published(...made: Made[]): Promise<Hosted> {
  const hosted = hostedRepository();
  for (const one of made) await hosted.post(uploadForm(one));
  return hosted;
}

const filesOf = (hosted: Hosted) =>
  hosted.composed("project", "sea-shell")["files"] as { filename: string; yanked: unknown }[];

async function refused(promise: Promise<unknown>): Promise<Problem> {
  const error = await promise.catch((error) => error);
  if (error instanceof Problem) return error;
  throw error ?? new Error("it was not refused");
}

test("a version is yanked with a reason, and taken back, in whatever spelling", async () => {
  const hosted = await published(wheel(), sdist(), wheel({ version: "1.1" }));
  const answer = await hosted.send("POST", "/-/yank/sea-shell/1.0.0", '{"reason":"It leaks"}');
  expect(answer.status).toBe(200);
  expect(JSON.parse(String(answer.body))).toEqual({
    project: "sea-shell",
    version: "1.0.0",
    yanked: "It leaks",
  });
  expect(filesOf(hosted).map(({ yanked }) => yanked)).toEqual(["It leaks", "It leaks", false]);
  expect(hosted.composed("release", "sea-shell/1.0")["info"]).toMatchObject({
    yanked: true,
    yanked_reason: "It leaks",
  });
  await hosted.send("DELETE", "/-/yank/sea-shell/1.0");
  expect(filesOf(hosted).map(({ yanked }) => yanked)).toEqual([false, false, false]);
  await hosted.send("POST", "/-/yank/sea-shell/1.0", "", { "content-length": "0" });
  expect(filesOf(hosted).map(({ yanked }) => yanked)).toEqual([true, true, false]);
  expect(hosted.hosting.calls.filter((call) => /yank/.test(call))).toEqual([
    "yank sea-shell",
    "unyank sea-shell",
    "yank sea-shell",
  ]);
});

test("only what is published here can be yanked, and only with words", async () => {
  const hosted = await published(wheel());
  for (const path of ["/-/yank/six/1.0", "/-/yank/sea-shell/9"])
    expect((await refused(hosted.send("POST", path, "{}"))).kind).toBe("notFound");
  for (const body of [
    "no",
    "[]",
    '{"reason":1}',
    `{"reason":"${"x".repeat(1001)}"}`,
    '{"reason":"a\\nb"}',
  ])
    expect((await refused(hosted.send("POST", "/-/yank/sea-shell/1.0", body))).kind).toBe(
      "badRequest",
    );
});

test("a file goes with what stands beside it, a version with its files, a project with all", async () => {
  const [one, two, three] = [wheel(), sdist(), wheel({ version: "1.1" })];
  const hosted = await published(one, two, three);
  const removed = async (path: string) =>
    JSON.parse(String((await hosted.send("DELETE", path)).body)).removed;
  expect(await removed(`/files/sea-shell/${one.file}`)).toBe(2);
  expect(filesOf(hosted).map(({ filename }) => filename)).toEqual([two.file, three.file]);
  expect(await removed("/-/release/sea-shell/1.1.0")).toBe(2);
  expect(hosted.composed("project", "sea-shell")["versions"]).toEqual(["1.0"]);
  expect(await removed("/-/release/sea-shell")).toBe(1);
  expect(filesOf(hosted)).toEqual([]);
  for (const path of ["/-/release/six", "/-/release/sea-shell/9", "/files/sea-shell/x.whl"])
    expect((await refused(hosted.send("DELETE", path))).kind).toBe("notFound");
  const again = await refused(hosted.post(uploadForm(wheel({ more: "Summary: other\n" }))));
  expect(again.kind).toBe("conflict");
});

test("who may publish may yank, who may unpublish may take away", () => {
  const access = (method: string, path: string) => pypi.access(pypi.parse(method, path)!);
  expect(access("POST", "/legacy/")).toEqual({ action: "publish", package: null });
  expect(access("POST", "/-/yank/six/1.0")).toEqual({ action: "publish", package: "six" });
  expect(access("DELETE", "/-/yank/six/1.0")).toEqual({ action: "publish", package: "six" });
  expect(access("DELETE", "/-/release/six")).toEqual({ action: "unpublish", package: "six" });
  expect(access("DELETE", "/files/six/six-1.0.zip")).toEqual({
    action: "unpublish",
    package: "six",
  });
});

test("the newest version of the JSON API is the one that installers would take", async () => {
  const hosted = await published(
    ...["1.0", "1.10", "1.9", "2.0rc1"].map((version) => wheel({ version })),
  );
  const newest = () => hosted.composed("release", "sea-shell")["info"].version;
  expect(newest()).toBe("1.10");
  await hosted.send("POST", "/-/yank/sea-shell/1.10", "{}");
  expect(newest()).toBe("1.9");
  expect(hosted.composed("release", "sea-shell/2.0-rc.1")["urls"]).toHaveLength(1);
  expect(() => hosted.composed("release", "sea-shell/3")).toThrow(
    "sea-shell 3 is not published here",
  );
});

test("attestations are kept and given as provenance, and the first ones stay", async () => {
  const made = wheel();
  const sha256 = createHash("sha256").update(made.bytes).digest("hex");
  const post = (attestations: unknown) =>
    hosted.post(
      form([
        ...Object.entries(formFields(made)),
        ["attestations", JSON.stringify(attestations)],
        ["content", made.bytes, made.file],
      ]),
    );
  const hosted = hostedRepository();
  const first = attested({ file: made.file, sha256 });
  expect(
    (await refused(post([attestation({ file: made.file, sha256: "00".repeat(32) })]))).message,
  ).toContain("Invalid attestations");
  // Signed, and by somebody of whom nobody knows who they are.
  expect((await refused(post([attestation({ file: made.file, sha256 })]))).message).toMatch(
    /Invalid attestations for sea_shell-1.0-py3-none-any.whl: .*authority of the trust root|Invalid attestations/,
  );
  expect(hosted.hosting.packages.size).toBe(0);
  await post([first]);
  expect(hosted.composed("project", "sea-shell")["files"][0].provenance).toBe(
    `../../integrity/sea-shell/1.0/${made.file}/provenance`,
  );
  const get = () => hosted.send("GET", `/integrity/sea-shell/1.0/${made.file}/provenance`);
  const answer = await get();
  expect(answer.headers["content-type"]).toBe("application/vnd.pypi.integrity.v1+json");
  expect(JSON.parse(String(answer.body)).attestation_bundles[0].attestations).toEqual([first]);
  // Signed again, as a job that runs again does.
  expect((await post([attested({ file: made.file, sha256 })])).status).toBe(200);
  expect((await get()).body).toEqual(answer.body);
  expect(
    (await hosted.send("GET", `/integrity/sea-shell/2.0/${made.file}/provenance`)).status,
  ).toBe(404);
  expect(
    (await hosted.send("GET", "/integrity/sea-shell/1.0/sea_shell-1.0.tar.gz/provenance")).status,
  ).toBe(404);
});

test("the list of projects has what is published here", async () => {
  const hosted = await published(wheel(), wheel({ name: "conch" }));
  const answer = await hosted.send("GET", "/simple/", "", {
    accept: "application/vnd.pypi.simple.v1+json",
  });
  expect(JSON.parse(String(answer.body)).projects).toEqual([
    { name: "conch" },
    { name: "sea-shell" },
  ]);
});
