// What the configuration gives a server as a whole, dealt out to its processes.
import type { Config } from "../../config/resolve.ts";

/** What one of the processes of a server is to use of what is for all of them together. */
export function shareOf(config: Config): Config {
  const { processes } = config;
  if (processes === 1) return config;
  const part = (bytes: number) => Math.ceil(bytes / processes);
  return {
    ...config,
    cache: { memory: part(config.cache.memory) },
    requests: { ...config.requests, memory: part(config.requests.memory) },
    repositories: config.repositories.map((one) => ({
      ...one,
      upstreams: one.upstreams.map((upstream) =>
        upstream.maxRate === undefined
          ? upstream
          : { ...upstream, maxRate: part(upstream.maxRate) },
      ),
    })),
  };
}
