// A client that another server gave a release of which this one has not heard yet: it is known before anything is denied or another one is given.
import { beforeEach, expect, test } from "bun:test";
import { documents } from "./documents.ts";
import { currentRelease } from "./generations.ts";
import { noteGiven } from "./given.ts";
import { indexByHash, releaseFor } from "./indices.ts";
import { type AptRepository, forgetStored } from "./memory.ts";
import { type FakeAptRepository, remembering } from "./mirror/fixture.ts";
import { fakeRepository } from "./mirror/testing.ts";
import { type AptOptions, aptOptions } from "./options.ts";
import { tasks } from "./tasks.ts";

const SUITE = "dists/stable";
const CLIENT = "192.0.2.1:40000";
const INDEX = "main/binary-amd64/Packages.xz";

const releaseText = (day: number) => `Origin: Fake
Suite: stable
Date: ${new Date(Date.UTC(2026, 0, day)).toUTCString()}
SHA256:
 ${digestOf(day)} 5 ${INDEX}
`;
const digestOf = (day: number) => String(day).repeat(64);

let fake: FakeAptRepository;
let repository: AptRepository;
let turn: number;
/** What another server has put into service meanwhile, of which is heard with the next look. */
let coming: string[];
beforeEach(async () => {
  const options = aptOptions.parse({ unverified: true });
  fake = remembering(fakeRepository<AptOptions>({ options, documents, tasks }));
  repository = fake;
  turn = 0;
  coming = [];
  fake.heard = () => turn;
  fake.catchUp = async () => {
    const [next] = coming.splice(0);
    if (next === undefined) return;
    fake.inService.set(`release/${SUITE}`, Buffer.from(next));
    turn += 1;
    forgetStored(repository.memory);
  };
  fake.upstream.set(`${SUITE}/Release`, releaseText(1));
  await currentRelease(repository, SUITE);
});

const given = async () => (await releaseFor(repository, SUITE, CLIENT)).files.get(INDEX)!.hash;

test("the release is another server's", async () => {
  coming = [releaseText(2)];
  fake.inService.set(`release/${SUITE}`, Buffer.from(releaseText(2)));
  const { generation } = await currentRelease(repository, SUITE, "stored");
  fake.inService.set(`release/${SUITE}`, Buffer.from(releaseText(1)));
  await noteGiven(repository, CLIENT, SUITE, generation.id);
  expect(await given()).toBe(digestOf(2));
});

test("what is found by its hash is in it", async () => {
  coming = [releaseText(2)];
  const route = (day: number) => ({
    kind: "hash" as const,
    folder: `${SUITE}/main/binary-amd64`,
    algorithm: "SHA256" as const,
    digest: digestOf(day),
  });
  expect((await indexByHash(repository, route(1))).path).toBe(INDEX);
  expect((await indexByHash(repository, route(2))).path).toBe(INDEX);
  // What no server knows of is denied all the same.
  await expect(indexByHash(repository, route(3))).rejects.toThrow("No release that is remembered");
});
