// The configuration file of a server under test: the built-in repositories, with the fake upstream in place of the public ones.
import type { FakeUpstream } from "./fake-upstream/index.ts";

export interface TestOptions {
  /** Patterns by repository. */
  claims?: Record<string, string[]>;
  /** How long documents are fresh: "5m". */
  freshness?: string;
  /** How long the upstream may be silent: "30s". */
  timeout?: string;
  offline?: boolean;
}

/** YAML, by way of JSON, which is a part of it. */
export function configText(upstream: FakeUpstream, options: TestOptions = {}): string {
  const { claims = {}, freshness, timeout } = options;
  const shared = (name: string) => ({
    claims: claims[name] ?? [],
    ...(freshness ? { freshness } : {}),
  });
  const at = (url: string, hosts: string[] = []) => [
    { url: `${url}/`, hosts, ...(timeout ? { timeout } : {}) },
  ];
  const files = new URL(upstream.urls.files).host;
  return JSON.stringify(
    {
      listen: "127.0.0.1:0",
      offline: options.offline ?? false,
      repositories: {
        npm: { upstreams: at(upstream.urls.npm), ...shared("npm") },
        pypi: { upstreams: at(upstream.urls.pypi, [files]), ...shared("pypi") },
        go: {
          upstreams: at(upstream.urls.go),
          sumdb: { name: upstream.go.sumdb.name, key: upstream.go.sumdb.key },
          ...shared("go"),
        },
      },
    },
    null,
    1,
  );
}
