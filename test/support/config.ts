// The configuration file of a server under test: the built-in repositories, with the fake upstream in place of the public ones.
import { type AptSettings, aptRepositories } from "./config-apt.ts";
import type { FakeUpstream } from "./fake-upstream/index.ts";

/** Of the company's Composer repository. */
const passwordFile = new URL("fake-upstream/composer-password.txt", import.meta.url).pathname;

export interface TestOptions {
  /** Patterns by repository. */
  claims?: Record<string, string[]>;
  /** How long documents are fresh: "5m". */
  freshness?: string;
  /** How long the upstream may be silent: "30s". */
  timeout?: string;
  /** How long clients wait for news of what is stored: a second, where a test is about that. Milliseconds. */
  patienceMs?: number;
  offline?: boolean;
  /** Who may do what, as the configuration has it. */
  access?: Record<string, unknown>;
  /** Keys beside the repositories, as the configuration has them: `login`, `trustedPublishers`. */
  server?: Record<string, unknown>;
  /** Go's checksum database itself is asked as well. */
  sumdbDirect?: boolean;
  /** Code hosts by repository, as the configuration has them. */
  sources?: Record<string, Record<string, unknown>[]>;
  /** Options of other repositories, by their names. */
  own?: Record<string, Record<string, unknown>>;
  /** Options of apt repositories. */
  apt?: AptSettings;
}

/** YAML, by way of JSON, which is a part of it. */
export function configText(upstream: FakeUpstream, options: TestOptions = {}): string {
  const { claims = {}, freshness, timeout } = options;
  const shared = (name: string) => ({
    claims: claims[name] ?? [],
    ...(freshness ? { freshness } : {}),
    ...(options.sources?.[name] && { sources: options.sources[name] }),
    ...options.own?.[name],
  });
  const at = (url: string, hosts: string[] = []) => [
    // A fault that a test asks for lasts.
    { url: `${url}/`, hosts, retry: "0s", ...(timeout ? { timeout } : {}) },
  ];
  const files = new URL(upstream.urls.files).host;
  const { root, site, satis, code, download } = upstream.composerUrls;
  return JSON.stringify(
    {
      listen: "127.0.0.1:0",
      offline: options.offline ?? false,
      ...(options.access && { access: options.access }),
      ...options.server,
      repositories: {
        npm: { upstreams: at(upstream.urls.npm), ...shared("npm") },
        pypi: { upstreams: at(upstream.urls.pypi, [files]), ...shared("pypi") },
        go: {
          upstreams: at(upstream.urls.go, [new URL(upstream.urls.sumdb).host]),
          sumdb: {
            name: upstream.go.sumdb.name,
            key: upstream.go.sumdb.key,
            ...(options.sumdbDirect && { direct: upstream.urls.sumdb }),
          },
          ...shared("go"),
        },
        ...aptRepositories(upstream, shared, at, options.apt ?? {}),
        composer: {
          format: "composer",
          upstreams: at(
            root,
            [site, code, download].map((url) => new URL(url).host),
          ),
          ...shared("composer"),
        },
        satis: {
          format: "composer",
          upstreams: at(satis, [new URL(code).host]).map((one) => ({
            ...one,
            username: upstream.composer.satis.user,
            passwordFile,
          })),
          ...shared("satis"),
        },
      },
    },
    null,
    1,
  );
}
