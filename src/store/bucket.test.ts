// A bucket as it answers, and as it does not. Its answers that no gateway gives when asked are made by a server of the test's own.
import { afterEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { startBetween } from "../../test/support/between.ts";
import { makeCertificate } from "../../test/support/certificates.ts";
import { Problem } from "../core/problem.ts";
import { type Bucket, type BucketPlace, openBucket } from "./bucket.ts";
import { urlOf } from "./bucket-place.ts";
import { testPlace } from "./bucket-testkit.ts";

const BYTES = Buffer.from("bytes of an object");
const DIGEST = createHash("sha256").update(BYTES).digest("hex");
type Answers = (request: Request, tries: number) => Response | Promise<Response>;

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function answering(answers: Answers): { bucket: Bucket; asked: string[] } {
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      return answers(request, asked.length);
    },
  });
  stops.push(() => server.stop(true));
  const endpoint = `http://127.0.0.1:${server.port}`;
  const place = testPlace("x", { endpoint, bucket: "packages", prefix: "p" });
  return { bucket: openBucket(place, { pauseMs: 1, silenceMs: 400 }), asked };
}

const refused = (status: number, code: string, headers = {}) =>
  new Response(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`, { status, headers });

const STAMP = { etag: '"e"' };
const done = () => new Response(null, { headers: STAMP });

/** What each way to ask comes to: no failure is ever "there is none". */
async function told(bucket: Bucket): Promise<string[]> {
  const ways = [
    () => bucket.stat("a"),
    () => bucket.get("a"),
    () => bucket.put("a", BYTES, DIGEST),
    () => bucket.put("a", BYTES, DIGEST, "isNew"),
    () => bucket.begin("a"),
    () => bucket.remove("a"),
    () => Array.fromAsync(bucket.list("")),
  ];
  const said = await Promise.all(
    ways.map((ask) =>
      ask().then(
        (found) => `said ${JSON.stringify(found)}`,
        (error) => (error instanceof Problem ? `${error.kind}: ${error.message}` : String(error)),
      ),
    ),
  );
  return [...new Set(said)];
}

const name = "The bucket s3://packages/p";
const refusals: [title: string, Answers, told: string][] = [
  [
    "a wrong key",
    () => refused(403, "InvalidAccessKeyId"),
    "busy: %s does not take the access key",
  ],
  ["a wrong secret", () => refused(403, "SignatureDoesNotMatch"), "busy: %s does not take the"],
  ["a key without rights", () => refused(403, "AccessDenied"), "busy: %s denies the access key"],
  ["a bucket that is not there", () => refused(404, "NoSuchBucket"), "busy: %s is not there"],
  ["a full bucket", () => refused(507, "InsufficientStorage"), "full: %s is full"],
  ["another region", () => refused(301, "PermanentRedirect"), "busy: %s is asked in the wrong"],
  [
    "a region that is told",
    () => refused(400, "AuthorizationHeaderMalformed", { "x-amz-bucket-region": "eu-west-9" }),
    "busy: %s is in the region eu-west-9, and is asked in us-east-1",
  ],
  ["a key that nobody has", () => refused(404, "XAdminUserNotFound"), "busy: %s does not take the"],
  ["what is not known there", () => refused(501, "NotImplemented"), "busy: %s does not know how"],
  ["too many questions", () => refused(503, "SlowDown"), "busy: %s cannot do that now (SlowDown)"],
];
for (const [title, answers, wanted] of refusals)
  test(`${title} is told as that, and never as something that is not there`, async () => {
    // An answer to HEAD has a status alone.
    const { bucket } = answering(async (request) => {
      const answer = await answers(request, 0);
      return request.method === "HEAD" ? new Response(null, { status: answer.status }) : answer;
    });
    const said = await told(bucket);
    for (const one of said) {
      expect(one).toStartWith(`${wanted.split(":")[0]}: ${name}`);
    }
    expect(said.join("\n")).toContain(wanted.replace("%s", name));
  });

test("what passes is asked again, a few times", async () => {
  const { bucket, asked } = answering((_request, tries) =>
    tries < 3 ? refused(500, "InternalError") : done(),
  );
  expect(await bucket.put("a", BYTES, DIGEST)).toBe(true);
  expect(asked).toEqual(Array(3).fill("PUT /packages/p/a"));
});

const undone: [status: number, code: string][] = [
  [503, "SlowDown"],
  [409, "ConditionalRequestConflict"],
  [400, "BadDigest"],
  [400, "XAmzContentSHA256Mismatch"],
  [409, "ExistingObjectIsDirectory"],
];
for (const [status, code] of undone)
  test(`what ${code} says was not done is done again, whatever it is`, async () => {
    const { bucket, asked } = answering((_request, tries) =>
      tries < 3 ? refused(status, code) : done(),
    );
    expect(await bucket.put("a", BYTES, DIGEST, "isNew")).toBe(true);
    expect(asked).toHaveLength(3);
  });

test("a write at the same moment that does not end is no condition that was not met", async () => {
  const { bucket, asked } = answering(() => refused(409, "ConditionalRequestConflict"));
  await expect(bucket.put("a", BYTES, DIGEST, "isNew")).rejects.toThrow("cannot do that now");
  expect(asked).toHaveLength(3);
});

test("a condition on what is not there is not met", async () => {
  const { bucket } = answering(() => refused(404, "NoSuchKey"));
  expect(await bucket.put("a", BYTES, DIGEST, { etag: '"e"' })).toBe(false);
});

test("what is sent has its digests with it, so that it is compared there", async () => {
  const sums: (string | null)[] = [];
  const { bucket } = answering(({ headers }) => {
    sums.push(headers.get("content-md5"), headers.get("x-amz-content-sha256"));
    return new Response("<X><UploadId>one</UploadId></X>", { headers: STAMP });
  });
  await bucket.put("a", BYTES, DIGEST);
  await (await bucket.begin("a")).part(1, BYTES, DIGEST);
  const md5 = createHash("md5").update(BYTES).digest("base64");
  const nothing = createHash("sha256").digest("hex");
  expect(sums).toEqual([md5, DIGEST, null, nothing, md5, DIGEST]);
});

test("what must be done once is asked once: a second time might meet the first", async () => {
  const { bucket, asked } = answering(() => refused(500, "InternalError"));
  await expect(bucket.put("a", BYTES, DIGEST, "isNew")).rejects.toThrow("cannot do that now");
  expect(asked).toHaveLength(1);
});

test("silence is an end, before an answer and in the middle of one, and is not waited for again", async () => {
  const never = Promise.withResolvers<Response>();
  stops.push(async () => never.resolve(new Response("")));
  const silent = answering(() => never.promise);
  await expect(silent.bucket.stat("a")).rejects.toThrow(`${name} does not answer`);
  expect(silent.asked).toHaveLength(1);

  const halting = answering(
    () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(BYTES);
          },
        }),
        { headers: STAMP },
      ),
  );
  const found = await halting.bucket.get("a");
  await expect(Array.fromAsync(found!.chunks)).rejects.toThrow(`${name} does not answer`);
});

test("an answer that is cut is a failure, and not other bytes", async () => {
  const between = await startBetween("http://127.0.0.1:1");
  stops.push(between.stop);
  between.set(() => `HTTP/1.1 200 OK\r\netag: "e"\r\ncontent-length: 100\r\n\r\n${BYTES}`);
  const place = testPlace("x", { endpoint: between.endpoint, bucket: "packages", prefix: "p" });
  const bucket = openBucket(place, { pauseMs: 1 });
  await expect(bucket.read("a", 1000)).rejects.toThrow(`${name} cannot be reached`);
});

test("an object that nobody reads is let go of", async () => {
  const ended = Promise.withResolvers<void>();
  const { bucket } = answering(
    () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(BYTES),
          cancel: () => ended.resolve(),
        }),
        { headers: STAMP },
      ),
  );
  const found = await bucket.get("a");
  await found!.chunks.return(undefined);
  await ended.promise;
});

test("a clock that is off is told with the way that it is off", async () => {
  const { bucket } = answering(() =>
    refused(403, "RequestTimeTooSkewed", {
      date: new Date(Date.now() - 3_600_000).toUTCString(),
    }),
  );
  await expect(bucket.get("a")).rejects.toThrow("clock, which is 60 minutes ahead");
});

test("an upload that fails after it was said to go well is a failure", async () => {
  const { bucket } = answering((request) => {
    const { searchParams } = new URL(request.url);
    if (searchParams.has("uploads"))
      return new Response("<X><UploadId>one</UploadId></X>", { status: 200 });
    if (searchParams.has("partNumber")) return done();
    return refused(200, "InternalError");
  });
  const upload = await bucket.begin("a");
  await upload.part(1, BYTES, DIGEST);
  await expect(upload.finish()).rejects.toThrow("cannot do that now (InternalError)");
});

const lists: [title: string, text: string, told: string][] = [
  ["a page of a site", "<html><body>Welcome</body></html>", "is not what answers at"],
  ["nothing", "", "is not what answers at"],
  [
    "a part that does not say where the rest is",
    "<ListBucketResult><IsTruncated>true</IsTruncated><NextMarker>a</NextMarker></ListBucketResult>",
    "does not say how a list goes on",
  ],
  [
    "the same part again and again",
    "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken></ListBucketResult>",
    "does not say how a list goes on",
  ],
  ["more than a page can have", `<ListBucketResult>${" ".repeat(5 * 2 ** 20)}`, "does not end"],
];
for (const [title, text, told] of lists)
  test(`a list that is ${title} is a failure, and not a bucket with nothing more in it`, async () => {
    const { bucket } = answering(() => new Response(text));
    await expect(Array.fromAsync(bucket.list(""))).rejects.toThrow(told);
  });

test("a page that is no answer of S3 is not taken for one", async () => {
  const { bucket } = answering(() => new Response("<html>404</html>", { status: 404 }));
  await expect(bucket.get("a")).rejects.toThrow("is not what answers at");
  await expect(bucket.stat("a")).rejects.toThrow("is not what answers at");
});

test("a page that a proxy answers with is neither an object nor a sign that one was stored or removed", async () => {
  for (const answers of [
    () =>
      new Response("<html>Sign in</html>", {
        headers: { "content-type": "text/html", etag: '"e"' },
      }),
    () => new Response("Blocked", { headers: { "content-type": "text/plain" } }),
  ]) {
    const { bucket, asked } = answering(answers);
    const objects = [
      () => bucket.stat("a"),
      () => bucket.get("a"),
      () => bucket.put("a", BYTES, DIGEST),
      () => bucket.put("a", BYTES, DIGEST, "isNew"),
      () => bucket.begin("a"),
    ];
    for (const ask of objects)
      await expect(ask()).rejects.toMatchObject({
        kind: "busy",
        message: expect.stringMatching(/is not what answers at|does not say how an upload goes on/),
      });
    expect(asked).toHaveLength(objects.length); // none of it passes by being asked again
  }
  const page = () => new Response("<html>", { headers: { "content-type": "text/html" } });
  await expect(answering(page).bucket.remove("a")).rejects.toThrow("is not what answers at");
});

test("an object without a stamp, or of a type that was guessed, is one where S3 says so", async () => {
  const headers = { "x-amz-request-id": "1", "content-type": "text/html" };
  const { bucket } = answering(() => new Response(BYTES, { headers }));
  expect((await bucket.read("a", 100))?.bytes).toEqual(new Uint8Array(BYTES));
  expect(await bucket.put("a", BYTES, DIGEST)).toBe(true);
});

test("a yes without words is no page, whatever type it says it has", async () => {
  const headers = { "content-type": "text/html; charset=UTF-8", etag: '"e"' };
  const { bucket, asked } = answering(({ method }) =>
    method === "DELETE"
      ? new Response(null, { status: 204, headers })
      : new Response("", { headers: { ...headers, "content-length": "0" } }),
  );
  expect(await bucket.put("a", BYTES, DIGEST)).toBe(true);
  await bucket.remove("a");
  expect(asked).toHaveLength(2);
});

test("an upload that a page says is finished is not", async () => {
  const { bucket } = answering(({ method, url }) =>
    method === "PUT"
      ? done()
      : new Response(url.endsWith("uploads=") ? "<X><UploadId>one</UploadId></X>" : "Blocked"),
  );
  const upload = await bucket.begin("a");
  await upload.part(1, BYTES, DIGEST);
  await expect(upload.finish()).rejects.toThrow("does not say that an upload is finished");
});

test("a bucket where nobody listens is told in words", async () => {
  const place = testPlace("x", { endpoint: "http://127.0.0.1:9" });
  const bucket = openBucket(place, { pauseMs: 1 });
  await expect(bucket.stat("a")).rejects.toThrow("cannot be reached: refused the connection");
});

test("over TLS only the authority that is named is believed", async () => {
  const { authority, pair } = makeCertificate(["127.0.0.1"], 10);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: pair.certificate, key: pair.key },
    fetch: () => new Response(BYTES, { headers: { etag: '"e"' } }),
  });
  stops.push(() => server.stop(true));
  const endpoint = `https://127.0.0.1:${server.port}`;
  const bucketOf = (ca: string | null) =>
    openBucket(testPlace("x", { endpoint, ca }), { pauseMs: 1 });
  expect((await bucketOf(authority).read("a", 100))?.bytes).toEqual(new Uint8Array(BYTES));
  await expect(bucketOf(null).read("a", 100)).rejects.toThrow(
    "cannot be reached: its certificate is not trusted",
  );
});

const urls: [change: Partial<BucketPlace>, path: string, url: string][] = [
  [{}, "a/b", "https://s3.example.com/packages/p/a/b"],
  [{}, "", "https://s3.example.com/packages/"],
  [{ prefix: "" }, "a", "https://s3.example.com/packages/a"],
  [{ prefix: "p/q" }, "a", "https://s3.example.com/packages/p/q/a"],
  [{ isPathStyle: false }, "a", "https://packages.s3.example.com/p/a"],
  [{ isPathStyle: false }, "", "https://packages.s3.example.com/"],
  [{ endpoint: "http://127.0.0.1:9000/s3" }, "a", "http://127.0.0.1:9000/s3/packages/p/a"],
];
for (const [change, path, url] of urls)
  test(`${JSON.stringify(change)} has ${JSON.stringify(path)} at ${url}`, () => {
    const place = { endpoint: "https://s3.example.com", bucket: "packages", prefix: "p" };
    expect(urlOf(testPlace("x", { ...place, ...change }), path).href).toBe(url);
  });

test("a list goes on from page to page, and names are as they are", async () => {
  const page = (keys: string[], token: string | null) =>
    `<ListBucketResult>${keys.map((key) => `<Contents><Key>${key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size></Contents>`).join("")}<IsTruncated>${token !== null}</IsTruncated>${token === null ? "" : `<NextContinuationToken>${token}</NextContinuationToken>`}</ListBucketResult>`;
  const { bucket } = answering((request) => {
    const token = new URL(request.url).searchParams.get("continuation-token");
    return new Response(
      token === null ? page(["p/a", "p/b&amp;c"], "x+/=") : page(["p/d", "other/e"], null),
    );
  });
  const found = await Array.fromAsync(bucket.list(""));
  expect(found.map(({ path }) => path)).toEqual(["a", "b&c", "d"]);
  expect(found[0]).toEqual({
    path: "a",
    size: 7,
    changedAt: Date.parse("2026-01-02T03:04:05Z"),
    etag: '"e"',
  });
});
