// Debian's apt against Holdfast, in front of aptly and reprepro as a vendor runs them: cold, warm, cut off, and while the vendor publishes.
import { expect, test } from "bun:test";
import type { AptPackage } from "../support/fake-upstream/apt-packages.ts";
import { publisherNames } from "./apt-publishers.ts";
import { withVendor, withVendorAndClock } from "./apt-scene.ts";
import { withPrograms } from "./clients.ts";

const forty: AptPackage[] = Array.from({ length: 40 }, (_, at) => ({
  name: `shell${at}`,
  version: "1.0-1",
  // From a few hundred bytes to more than what is held back until it is proven.
  bulk: at * at * 60,
  ...(at % 4 === 3 && { depends: `shell${at - 1}` }),
}));
const names = forty.map(({ name }) => name);

/** A hundred together. aptly says Acquire-By-Hash and takes longer; reprepro has plain names alone. */
const switches = { aptly: 35, reprepro: 65 };

for (const name of publisherNames)
  withPrograms(["apt", "gpg", name], () => {
    test(`${name}: 40 packages cold, warm and cut off are the same bytes`, async () => {
      await withVendor(name, async ({ publisher, site, server, machine }) => {
        await publisher.publish(forty);
        const one = machine();
        await one.update();
        const cold = await one.download(...names);
        expect(cold.size).toBe(40);
        const lists = one.lists();
        expect(lists.size).toBe(1);

        const asked = site.asked.length;
        one.forget();
        await one.update();
        expect(await one.download(...names)).toEqual(cold);
        // A new machine costs the vendor the question whether there is anything new.
        const other = site.asked.slice(asked).filter((path) => !path.endsWith("/InRelease"));
        expect(other).toEqual([]);

        await site.stop();
        await server.restart(["--offline"]);
        one.forget();
        await one.update();
        expect(one.lists()).toEqual(lists);
        expect(await one.download(...names)).toEqual(cold);
        expect(server.events()).toEqual([]);
      });
    }, 60_000);

    const times = switches[name];
    test(`${name}: the vendor publishes ${times} times in the middle of apt-get update, and apt never notices`, async () => {
      await withVendorAndClock(name, async ({ publisher, site, machine, advance }) => {
        await publisher.publish(forty.slice(0, 3));
        const one = machine();
        await one.update();
        let count = 0;
        const publish = () => publisher.publish([{ name: `extra${++count}`, version: "1.0" }]);
        let due: RegExp | null = null;
        site.between = async (path) => {
          if (!due?.test(path)) return;
          due = null;
          await publish();
        };
        for (let turn = 1; turn <= times; turn += 1) {
          // There is a new release; the next one appears after it was read, or each third time after an index of it was.
          await publish();
          advance(10 * 60_000);
          due = turn % 3 === 0 ? /Packages|by-hash/ : /InRelease$/;
          // A machine that has been here before, and a new one.
          if (turn % 2) one.forget();
          await one.update();
          expect(`turn ${turn}: ${due ?? "done"}`).toBe(`turn ${turn}: done`);
        }
        // And when it is quiet, what was published last is there.
        site.between = null;
        advance(10 * 60_000);
        await one.update();
        const files = await one.download(`extra${count}`, "shell1");
        expect([...files.keys()]).toEqual([`extra${count}_1.0_all.deb`, "shell1_1.0-1_all.deb"]);
      });
    }, 120_000);
  });
