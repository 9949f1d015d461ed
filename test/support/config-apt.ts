// The apt repositories of a server under test: one for each shape of archive that the fake upstream has.
import type { FakeUpstream } from "./fake-upstream/index.ts";

/** Options of the format by repository, which take the place of those here. */
export type AptSettings = Record<string, Record<string, unknown>>;

/** `common` is what all repositories of the configuration have. */
export function aptRepositories(
  upstream: FakeUpstream,
  common: (name: string) => Record<string, unknown>,
  upstreams: (url: string) => unknown[],
  settings: AptSettings,
): Record<string, unknown> {
  const { archive, forger } = upstream.apt.keyFiles;
  const repository = (name: string, folder: string, trust: Record<string, unknown>) => ({
    [name]: {
      format: "apt",
      upstreams: upstreams(`${upstream.urls.apt}/${folder}`),
      ...trust,
      ...common(name),
      ...settings[name],
    },
  });
  const verified = { keyring: archive };
  return {
    ...repository("debian", "debian", verified),
    ...repository("debian-security", "debian", verified),
    ...repository("plain", "plain", verified),
    ...repository("detached", "detached", verified),
    ...repository("flat", "flat", verified),
    ...repository("older", "older", verified),
    ...repository("strong", "strong", verified),
    // The same archive, by who has no key, and by who has the wrong one.
    ...repository("unverified", "debian", { unverified: true }),
    ...repository("mistrustful", "debian", { keyring: forger }),
  };
}
