// `sources` of a repository: the code hosts that its packages are made from.
import { z } from "zod";
import { Duration, EnvName, Path, ProxyUrl, Size } from "./values.ts";

export const Source = z
  .strictObject({
    names: z
      .string()
      .regex(/^[^\s/]+(\/[^\s/]+)*$/, "expected a pattern of names, like git.example.com/team/*")
      .describe(
        "Names of packages that are made from this code: never asked for upstream. `*` stands for text without a slash; what comes behind the pattern (the folder of a module) is in the same code",
      )
      .meta({ examples: ["git.example.com/team/*"] }),
    git: z
      .string()
      .describe(
        "Where the code is: an https:// or ssh:// URL, or file:// for a repository of this machine. `{1}` is what the first `*` stood for, `{2}` the second",
      )
      .meta({ examples: ["https://git.example.com/team/{1}.git"] }),
    folder: z
      .string()
      .regex(/^[^\s/.][^\s/]*(\/[^\s/.][^\s/]*)*$/, "expected a folder, like packages/{1}")
      .optional()
      .describe(
        "Of Composer packages: the folder that the package stands in, where the code holds several. `{1}` as in `git`",
      )
      .meta({ examples: ["packages/{1}"] }),
    username: z
      .string()
      .min(1, "must not be empty")
      .optional()
      .describe("User name for https. With a token it may be left out")
      .meta({ examples: ["builds"] }),
    passwordFile: Path.optional()
      .describe("File that holds the password")
      .meta({ examples: ["/run/secrets/git"] }),
    passwordEnv: EnvName.optional()
      .describe("Environment variable that holds the password")
      .meta({ examples: ["GIT_PASSWORD"] }),
    tokenFile: Path.optional()
      .describe("File that holds an access token for https, in place of a password")
      .meta({ examples: ["/run/secrets/git-token"] }),
    tokenEnv: EnvName.optional()
      .describe("Environment variable that holds the access token")
      .meta({ examples: ["GIT_TOKEN"] }),
    ca: Path.optional()
      .describe("PEM file with the certificate authority of the code host")
      .meta({ examples: ["/etc/ssl/company.pem"] }),
    proxy: ProxyUrl.optional()
      .describe(
        "An HTTP or SOCKS5 proxy on the way to a code host of https. A user name may stand in the URL",
      )
      .meta({ examples: ["http://proxy.example.com:3128"] }),
    proxyPasswordFile: Path.optional()
      .describe("File that holds the proxy's password")
      .meta({ examples: ["/run/secrets/proxy"] }),
    proxyPasswordEnv: EnvName.optional()
      .describe("Environment variable that holds the proxy's password")
      .meta({ examples: ["PROXY_PASSWORD"] }),
    sshKeyFile: Path.optional()
      .describe("Private key for ssh, without a passphrase; readable for the server alone")
      .meta({ examples: ["/run/secrets/deploy_key"] }),
    hostKeyFile: Path.optional()
      .describe(
        "The public keys of the ssh host, as `ssh-keyscan` writes them: it must show one of these",
      )
      .meta({ examples: ["/etc/holdfast/git.example.com.pub"] }),
    every: Duration.refine((ms) => ms > 0, "must be longer than 0s")
      .prefault("1h")
      .describe("How often the code host is asked whether anything is new")
      .meta({ examples: ["10m"] }),
    limit: Size.refine((bytes) => bytes > 0, "must be more than 0B")
      .prefault("4GiB")
      .describe("Bytes of one mirror on the disk: what is larger is refused")
      .meta({ examples: ["500MiB"] }),
  })
  .meta({ id: "Source", title: "source" });

/** The keys of repositories whose packages can be made from code. */
export const sourcesKeys = {
  sources: z
    .array(Source)
    .default([])
    .describe("Code hosts that packages are made from: docs/publishing.md tells more"),
  hookSecretFile: Path.optional()
    .describe(
      "File that holds the secret of code hosts that tell of a push: they post to `/REPOSITORY/-/hooks/git`. Without it none is taken. docs/hooks.md tells more",
    )
    .meta({ examples: ["/run/secrets/git-hook"] }),
  hookSecretEnv: EnvName.optional()
    .describe("Environment variable that holds that secret")
    .meta({ examples: ["GIT_HOOK_SECRET"] }),
};
