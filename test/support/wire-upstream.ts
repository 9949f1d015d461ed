// The `upstream …` lines of wire scripts: what changes at the other end, and how it misbehaves.
import { type FakeUpstream, type FaultKind, faultKinds } from "./fake-upstream/index.ts";

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
  const actions: Record<string, () => void> = {
    "npm publish": () => upstream.npm.publish({ name, version }),
    "npm republish": () => upstream.npm.republish(name, version),
    "npm unpublish": () => upstream.npm.unpublish(name, version || undefined),
    "npm deprecate": () => upstream.npm.deprecate(name, version, more.join(" ")),
    "npm tag": () => upstream.npm.tag(name, version, more[0]!),
    "npm forge": () => {
      upstream.npm.forgeSignatures = true;
    },
    "pypi publish": () => upstream.pypi.publish(name, version, []),
    "pypi republish": () => upstream.pypi.republish(name, version),
    "pypi unpublish": () => upstream.pypi.unpublish(name, version || undefined),
    "pypi yank": () => upstream.pypi.yank(name, version, more.join(" ")),
    "pypi status": () => upstream.pypi.setStatus(name, version),
    "go publish": () => upstream.go.publish(name, version, []),
    "go republish": () => upstream.go.republish(name, version),
    "go republish-mod": () => upstream.go.republishMod(name, version),
    "go unpublish": () => upstream.go.unpublish(name, version || undefined),
    "go fork": () => upstream.go.fork(),
    "go no-latest": () => {
      upstream.go.hasLatest = false;
    },
  };
  const run = actions[action];
  if (!run) throw new Error(`the upstream cannot do "${action}"`);
  run();
}
