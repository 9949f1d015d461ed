// The `upstream …` lines of wire scripts: what changes at the other end, and how it misbehaves.
import type { SatisForm } from "./fake-upstream/composer-satis.ts";
import { type FakeUpstream, type FaultKind, faultKinds, glob } from "./fake-upstream/index.ts";

export async function change(words: string[], upstream: FakeUpstream): Promise<void> {
  const [verb = "", what = "", ...rest] = words;
  if (verb === "off") return upstream.off();
  if (verb === "on") return upstream.on();
  if (verb === "clear") {
    upstream.clear();
    return;
  }
  if (verb === "forget") {
    upstream.requests.length = 0;
    return;
  }
  if (verb === "fault") {
    const kind = rest[0] as FaultKind;
    if (!faultKinds.includes(kind)) throw new Error(`no such fault: ${kind}`);
    upstream.fault(what, kind, rest.slice(1).join(" "));
    return;
  }
  const [name = "", version = "", ...more] = rest;
  const action = `${verb} ${what}`;
  const actions: Record<string, () => void | Promise<void>> = {
    ...aptActions(upstream, name, version, more),
    "npm publish": () => upstream.npm.publish({ name, version }),
    // By the clock that the server has before the script moves it.
    "npm publish-now": () => upstream.npm.publish({ name, version, time: new Date() }),
    "npm republish": () => upstream.npm.republish(name, version),
    "npm unpublish": () => upstream.npm.unpublish(name, version || undefined),
    "npm deprecate": () => upstream.npm.deprecate(name, version, more.join(" ")),
    "npm tag": () => upstream.npm.tag(name, version, more[0]!),
    "npm forge": () => {
      upstream.npm.forgeSignatures = true;
    },
    "pypi publish": () => upstream.pypi.publish(name, version, []),
    "pypi publish-now": () => upstream.pypi.publish(name, version, [], {}, new Date()),
    "pypi republish": () => upstream.pypi.republish(name, version),
    "pypi unpublish": () => upstream.pypi.unpublish(name, version || undefined),
    "pypi yank": () => upstream.pypi.yank(name, version, more.join(" ")),
    "pypi license": () => upstream.pypi.license(name, version, more.join(" ")),
    "pypi status": () => upstream.pypi.setStatus(name, version),
    "go publish": () => upstream.go.publish(name, version, []),
    "go publish-now": () => upstream.go.publish(name, version, [], {}, new Date()),
    "go republish": () => upstream.go.republish(name, version),
    "go republish-mod": () => upstream.go.republishMod(name, version),
    "go unpublish": () => upstream.go.unpublish(name, version || undefined),
    "go fork": () => upstream.go.fork(),
    "go no-latest": () => {
      upstream.go.hasLatest = false;
    },
    "composer publish": () => upstream.composer.store(name).publish(name, version),
    "composer retag": () => upstream.composer.store(name).retag(name, version),
    "composer unpublish": () => upstream.composer.store(name).unpublish(name, version || undefined),
    "composer regenerate": () => upstream.composer.store(name).regenerate(name, version),
    "composer tamper": () => upstream.composer.store(name).tamper(name, version),
    "composer advise": () => upstream.composer.advise(name, version),
    "composer say": () => upstream.composer.say(name, [version, ...more].join(" ")),
    "composer satis-forge": () => {
      upstream.composer.satis.isForged = name === "on";
    },
    "composer satis-archives-beside": () => {
      upstream.composer.satis.archives = upstream.composerUrls.satis.replace(/satis$/, "archives");
    },
    "composer satis-odd": () => {
      upstream.composer.satis.odd = JSON.parse([name, version, ...more].join(" "));
    },
    "composer satis-form": () => {
      upstream.composer.satis.form = name as SatisForm;
    },
  };
  const run = actions[action];
  if (!run) throw new Error(`the upstream cannot do "${action}"`);
  await run();
}

/** `name` is the archive, `version` the suite. */
function aptActions(
  { apt }: FakeUpstream,
  name: string,
  version: string,
  more: string[],
): Record<string, () => void | Promise<void>> {
  const [item = "", its = "", pattern = ""] = more;
  const archive = () => apt.archive(name);
  return {
    "apt publish": () => archive().publish(version, { name: item, version: its }),
    // By the clock that the server has before the script moves it, and so many days after that.
    "apt publish-now": () => {
      archive().add(version, { name: item, version: its });
      return archive().renew(version, {
        date: new Date(Date.now() + Number(pattern) * 86_400_000),
      });
    },
    "apt publish-as": () => archive().publish(version, { name: item, version: its, file: pattern }),
    "apt rebuild": () => archive().rebuild(version, item, its),
    "apt withdraw": () => archive().withdraw(version, item, its),
    "apt renew": () => archive().renew(version),
    "apt expire": () => archive().renew(version, { validUntil: new Date(Date.UTC(2024, 5, 8)) }),
    "apt odd": () => archive().renew(version, { isOdd: true }),
    "apt weak": () => archive().renew(version, { isWeak: true }),
    "apt forge": () => archive().renew(version, { isForged: true }),
    "apt rollback": () => archive().rollback(version),
    "apt purge": () => archive().purge(version),
    "apt drop-inrelease": () => archive().dropInRelease(version),
    "apt switch-after": () =>
      archive().switchAfter(version, glob(pattern), { name: item, version: its }),
  };
}
