// An upstream, as the configuration writes it.
import { z } from "zod";
import { Duration, EnvName, HttpUrl, Path, ProxyUrl, Size } from "./values.ts";

export const Upstream = z
  .strictObject({
    url: HttpUrl.describe("Where to fetch from").meta({
      examples: ["https://registry.example.com/"],
    }),
    hosts: z
      .array(
        z
          .string()
          .regex(
            /^(\[[0-9a-fA-F:.]+\]|(\*\.)?[A-Za-z0-9][A-Za-z0-9.-]*)(:\d{1,5})?$/,
            "expected a host name, like files.example.com, *.example.com or files.example.com:8443",
          ),
      )
      .default([])
      .describe(
        "Other hosts that its files and redirects may lead to. All others are refused. `*.example.com` is every host below it",
      )
      .meta({ examples: [["files.example.com"]] }),
    proxy: ProxyUrl.optional()
      .describe("An HTTP or SOCKS5 proxy on the way out. A user name may stand in the URL")
      .meta({ examples: ["http://us-exit.example.com:3128"] }),
    proxyPasswordFile: Path.optional()
      .describe("File that holds the proxy's password")
      .meta({ examples: ["/run/secrets/proxy"] }),
    proxyPasswordEnv: EnvName.optional()
      .describe("Environment variable that holds the proxy's password")
      .meta({ examples: ["PROXY_PASSWORD"] }),
    username: z
      .string()
      .min(1, "must not be empty")
      .optional()
      .describe("User name sent to this upstream's scheme, host and port, and to no other")
      .meta({ examples: ["builds"] }),
    passwordFile: Path.optional()
      .describe("File that holds the password")
      .meta({ examples: ["/run/secrets/registry"] }),
    passwordEnv: EnvName.optional()
      .describe("Environment variable that holds the password")
      .meta({ examples: ["REGISTRY_PASSWORD"] }),
    tokenFile: Path.optional()
      .describe("File that holds the bearer token, instead of user name and password")
      .meta({ examples: ["/run/secrets/token"] }),
    tokenEnv: EnvName.optional()
      .describe("Environment variable that holds the bearer token")
      .meta({ examples: ["REGISTRY_TOKEN"] }),
    credentialsPath: z
      .string()
      .regex(/^\/([^?#\s]*\/)?$/, "expected a path that begins and ends with a slash, like /acme/")
      .optional()
      .describe(
        "Only below this path are user name and password, or the token, sent: where a host is shared with others. Without it everywhere on the upstream's scheme, host and port",
      )
      .meta({ examples: ["/acme/"] }),
    ca: Path.optional()
      .describe("PEM file with the certificate authority of this upstream, beside the system's own")
      .meta({ examples: ["/etc/ssl/company.pem"] }),
    timeout: Duration.refine((ms) => ms > 0, "must be longer than 0s")
      .prefault("30s")
      .describe("How long an upstream may be silent before it counts as unreachable")
      .meta({ examples: ["10s"] }),
    retry: Duration.prefault("5s")
      .describe(
        "How long a passing failure (503, 429, a reset) is tried again while a client waits, a little later each time. `0s` is never",
      )
      .meta({ examples: ["10s"] }),
    minRate: Size.prefault("1KiB")
      .describe(
        "A body of which less comes in a second, over a minute, is given up, so that what drips does not take a place for ever. `0B` is never",
      )
      .meta({ examples: ["16KiB"] }),
    maxRate: Size.refine((bytes) => bytes > 0, "must be more than 0B")
      .optional()
      .describe("Most bytes to fetch in a second")
      .meta({ examples: ["10MiB"] }),
  })
  .meta({ id: "Upstream", title: "upstream" });
