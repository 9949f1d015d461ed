// From what `store:` says of the bucket's key to where it is had: files, the environment, or a role that AWS gives to where the server runs.
import type { BucketKey, KeySource } from "../core/bucket-key.ts";
import type { Path as At } from "./errors.ts";
import type { SecretReader } from "./login-resolve.ts";

export const ROLES = ["web-identity", "container", "instance"] as const;

/** Where they are that every library of AWS knows. */
const VARIABLES = {
  accessKey: "AWS_ACCESS_KEY_ID",
  secretKey: "AWS_SECRET_ACCESS_KEY",
  sessionToken: "AWS_SESSION_TOKEN",
} as const;
const NAMES = ["accessKey", "secretKey", "sessionToken"] as const;
/** ECS's, and EKS's. A key that comes without TLS comes from the machine itself. */
const NEAR =
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|169\.254\.170\.2|169\.254\.170\.23|\[fd00:ec2::23\])$/;

export interface KeyInput {
  region: string;
  role?: (typeof ROLES)[number] | undefined;
  accessKeyFile?: string | undefined;
  accessKeyEnv?: string | undefined;
  secretKeyFile?: string | undefined;
  secretKeyEnv?: string | undefined;
  sessionTokenFile?: string | undefined;
  sessionTokenEnv?: string | undefined;
}

/** With a role there is no key yet: it is all empty. */
export interface StoreKey extends BucketKey {
  keySource: KeySource | null;
}

export function resolveKey(
  input: KeyInput,
  read: SecretReader,
  at: readonly string[],
  complain: (path: At, message: string) => void,
): StoreKey {
  const isGiven = (name: (typeof NAMES)[number]) =>
    input[`${name}File`] !== undefined || input[`${name}Env`] !== undefined;
  if (input.role !== undefined) {
    for (const name of NAMES)
      if (isGiven(name)) complain([...at, "role"], `has its own key: leave ${name} out`);
    const keySource = roleOf(input.role, input.region, read, [...at, "role"], complain);
    return { accessKey: "", secretKey: "", sessionToken: null, keySource };
  }
  const secret = (name: "accessKey" | "secretKey") =>
    read.secret(isGiven(name) ? { ...input } : { [`${name}Env`]: VARIABLES[name] }, name, at) ?? "";
  const key = { accessKey: secret("accessKey"), secretKey: secret("secretKey") };
  // Of the environment's key, unless the key is another one.
  const ofEnvironment = isGiven("accessKey") ? undefined : read.env(VARIABLES.sessionToken);
  const sessionToken = isGiven("sessionToken")
    ? read.secret({ ...input }, "sessionToken", at)
    : ofEnvironment || null;
  const [accessKey, secretKey, token] = NAMES.map((name) => {
    const file = input[`${name}File`];
    return file === undefined ? null : read.path(file);
  });
  const isInFiles = accessKey || secretKey || token;
  return {
    ...{ ...key, sessionToken },
    keySource: isInFiles
      ? { from: "files", accessKey: accessKey!, secretKey: secretKey!, sessionToken: token! }
      : null,
  };
}

/** As the libraries of AWS find it in the environment. */
function roleOf(
  role: (typeof ROLES)[number],
  region: string,
  { env }: SecretReader,
  at: readonly string[],
  complain: (path: At, message: string) => void,
): KeySource | null {
  const needed = (name: string) => {
    const value = env(name) || null;
    if (value === null) complain([...at], `the environment variable ${name} is not set`);
    return value ?? "";
  };
  const trimmed = (url: string) => url.replace(/\/+$/, "");
  if (role === "instance") {
    const url = env("AWS_EC2_METADATA_SERVICE_ENDPOINT") || "http://169.254.169.254";
    return { from: "instance", url: trimmed(url) };
  }
  if (role === "web-identity")
    return {
      from: "web-identity",
      url: trimmed(env("AWS_ENDPOINT_URL_STS") || `https://sts.${region}.amazonaws.com`),
      role: needed("AWS_ROLE_ARN"),
      tokenFile: needed("AWS_WEB_IDENTITY_TOKEN_FILE"),
      session: env("AWS_ROLE_SESSION_NAME") || "holdfast",
    };
  const relative = env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const url = relative
    ? `http://169.254.170.2${relative}`
    : needed("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (url === "") return null;
  if (!URL.canParse(url)) complain([...at], `${url} is no URL`);
  else if (!url.startsWith("https:") && !NEAR.test(new URL(url).hostname))
    complain([...at], `a key would travel in the clear from ${new URL(url).hostname}`);
  return {
    from: "container",
    url,
    tokenFile: env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") || null,
    token: env("AWS_CONTAINER_AUTHORIZATION_TOKEN") || null,
  };
}
