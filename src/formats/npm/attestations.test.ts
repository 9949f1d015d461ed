import { expect, test } from "bun:test";
import { serveAttestations } from "./attestations.ts";
import { bodyOf, FakeRepository, problemOf } from "./testdata/repository.ts";

const BODY = { attestations: [{ predicateType: "https://slsa.dev/provenance/v1", bundle: {} }] };
const DAY = 86_400_000;

test("attestations are asked for once, and stay when the upstream is away or drops them", async () => {
  const repository = new FakeRepository();
  repository.upstream = () => ({ status: 200, body: BODY });
  expect(bodyOf(await serveAttestations("@s/n", "1.0.0", repository))).toEqual(BODY);
  expect(repository.asked[0]).toMatchObject({
    path: "-/npm/v1/attestations/@s%2fn@1.0.0",
    package: "@s/n",
  });
  for (const upstream of [null, () => ({ status: 404 }), () => ({ status: 200, body: "<html>" })]) {
    repository.upstream = upstream;
    repository.clock += 2 * DAY;
    const kept = await serveAttestations("@s/n", "1.0.0", repository);
    expect(bodyOf(kept)).toEqual(BODY);
    expect(kept.cache?.hit).toBe(true);
  }
});

test("what the upstream does not have, and what it cannot be asked for, are told apart", async () => {
  const repository = new FakeRepository();
  repository.upstream = () => ({ status: 404 });
  const none = await problemOf(serveAttestations("a", "1.0.0", repository));
  expect(none.kind).toBe("notFound");
  repository.upstream = () => ({ status: 403 });
  const refused = await problemOf(serveAttestations("a", "1.0.0", repository));
  expect(refused.kind).toBe("refused");
  repository.upstream = null;
  const away = await problemOf(serveAttestations("a", "1.0.0", repository));
  expect(away.kind).toBe("unreachable");
});

test("a private name is not asked for", async () => {
  const repository = new FakeRepository();
  repository.claimed = ["@acme/*"];
  const problem = await problemOf(serveAttestations("@acme/a", "1.0.0", repository));
  expect(problem.kind).toBe("notFound");
  expect(repository.asked).toEqual([]);
});
