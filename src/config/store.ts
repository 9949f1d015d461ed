// `store:`, where stored files are: folders of the data directory, or a bucket that speaks S3.
import { z } from "zod";
import type { Path as At } from "./errors.ts";
import type { SecretReader } from "./login-resolve.ts";
import { ROLES, resolveKey, type StoreKey } from "./store-key.ts";
import { Duration, EnvName, formatDuration, formatSize, HttpUrl, Path, Size } from "./values.ts";

/** Names of buckets as all who speak S3 take them; a prefix has what needs no escapes. */
const FORM = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)\/?$/;
const REGION = "us-east-1";
const CACHE = "10GiB";

const BucketUrl = z
  .string()
  .regex(
    FORM,
    "expected s3://BUCKET or s3://BUCKET/PREFIX, of letters, digits, dots, dashes and underscores",
  )
  .meta({ title: "URL" });

export const Store = z
  .union([
    BucketUrl,
    z.strictObject({
      url: BucketUrl.describe(
        "The bucket, which must be there, and what the names of its objects begin with: `s3://BUCKET/PREFIX`",
      ).meta({ examples: ["s3://packages/holdfast"] }),
      endpoint: HttpUrl.optional()
        .describe("Where it is asked. Without it at AWS, in `region`")
        .meta({ examples: ["https://s3.example.com"] }),
      region: z
        .string()
        .regex(/^[a-z0-9-]+$/, "expected the name of a region, like eu-central-1")
        .default(REGION)
        .describe("What requests are signed for; many who are not AWS take any")
        .meta({ examples: ["eu-central-1"] }),
      accessKeyFile: Path.optional()
        .describe(
          "File that holds the id of the access key. The files of a key are read again when they change",
        )
        .meta({ examples: ["/run/secrets/bucket-key"] }),
      accessKeyEnv: EnvName.optional()
        .describe("Environment variable that holds it. Without either it is `AWS_ACCESS_KEY_ID`")
        .meta({ examples: ["BUCKET_KEY"] }),
      secretKeyFile: Path.optional()
        .describe("File that holds the secret of the access key")
        .meta({ examples: ["/run/secrets/bucket-secret"] }),
      secretKeyEnv: EnvName.optional()
        .describe(
          "Environment variable that holds it. Without either it is `AWS_SECRET_ACCESS_KEY`",
        )
        .meta({ examples: ["BUCKET_SECRET"] }),
      sessionTokenFile: Path.optional()
        .describe("File that holds the session token of a key that holds for a time")
        .meta({ examples: ["/run/secrets/bucket-token"] }),
      sessionTokenEnv: EnvName.optional()
        .describe(
          "Environment variable that holds it. Without either it is `AWS_SESSION_TOKEN`, where the key is in the environment too",
        )
        .meta({ examples: ["BUCKET_TOKEN"] }),
      role: z
        .enum(ROLES)
        .optional()
        .describe(
          "In place of a key: the role that AWS gives to where the server runs, as the environment says. `web-identity` (IRSA), `container` (ECS, EKS Pod Identity) or `instance` (EC2)",
        )
        .meta({ examples: ["web-identity"] }),
      pathStyle: z
        .boolean()
        .optional()
        .describe(
          "Whether the bucket is a part of the path, and not of the host's name. Without it so where `endpoint` is given",
        )
        .meta({ examples: [false] }),
      ca: Path.optional()
        .describe("PEM file with the endpoint's certificate authority, in place of the system's")
        .meta({ examples: ["/etc/ssl/company.pem"] }),
      cache: Size.refine((bytes) => bytes >= 64 * 2 ** 20, "must be 64MiB at least")
        .prefault(CACHE)
        .describe(
          "Bytes of copies in the data directory, from which they are sent. When there are more, those used longest ago go",
        )
        .meta({ examples: ["100GiB"] }),
      timeout: Duration.refine((ms) => ms > 0, "must be longer than 0s")
        .prefault("10s")
        .describe("How long the bucket may say nothing before it counts as away")
        .meta({ examples: ["5s"] }),
      redirect: Size.refine((bytes) => bytes >= 2 ** 20, "must be 1MiB at least")
        .optional()
        .describe(
          "Clients are sent to the bucket itself for files from this size on, 1MiB at least, by a URL that holds for some minutes: they must reach `endpoint`. Without it never",
        )
        .meta({ examples: ["50MiB"] }),
    }),
  ])
  .optional()
  .describe(
    "A bucket that speaks S3 for all stored files, in place of folders in the data directory, which then holds copies that may be lost. docs/scale.md tells more",
  )
  .meta({ examples: ["s3://packages/holdfast"] });

/** As store/bucket.ts takes it, with what the server makes of it. */
export interface StoreConfig extends StoreKey {
  /** Origin and path of the service, without a trailing slash. */
  endpoint: string;
  region: string;
  bucket: string;
  /** Without a slash at either end; may be empty. */
  prefix: string;
  isPathStyle: boolean;
  /** PEM; null for the system's own. */
  ca: string | null;
  /** Bytes of copies on this machine. */
  cache: number;
  /** How long it may say nothing. */
  silenceMs: number;
  /** Bytes from which on clients are sent to the bucket; null for never. */
  redirect: number | null;
}

export function resolveStore(
  given: z.infer<typeof Store>,
  read: SecretReader,
  complain: (path: At, message: string) => void,
): StoreConfig | null {
  if (given === undefined) return null;
  const at = ["store"];
  const input = typeof given === "string" ? WithUrl.parse({ url: given }) : given;
  const [, bucket = "", prefix = ""] = FORM.exec(input.url)!;
  const ca = read.pem(input.ca, [...at, "ca"]) ?? null;
  if (ca !== null && input.endpoint?.startsWith("http:"))
    complain([...at, "ca"], "has no meaning for an endpoint without TLS");
  const isPathStyle = input.pathStyle ?? (input.endpoint !== undefined || bucket.includes("."));
  const endpoint = input.endpoint ?? `https://s3.${input.region}.amazonaws.com`;
  const { search, hash, pathname } = new URL(endpoint);
  if (search !== "" || hash !== "") complain([...at, "endpoint"], "has a ? or a #");
  if (!isPathStyle && pathname !== "/")
    complain([...at, "endpoint"], "has a path: that goes with pathStyle: true alone");
  return {
    endpoint: endpoint.replace(/\/+$/, ""),
    region: input.region,
    bucket,
    prefix: prefix.slice(1),
    ...resolveKey(input, read, at, complain),
    isPathStyle,
    ca,
    cache: input.cache,
    silenceMs: input.timeout,
    redirect: input.redirect ?? null,
  };
}

export const WithUrl = Store.unwrap().options[1];

/** As it stands in the file; for people, and to tell one bucket from another. */
export function storeUrl({ bucket, prefix }: Pick<StoreConfig, "bucket" | "prefix">): string {
  return `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
}

/** In the words of the file, without the secret. */
export function writtenStore(place: StoreConfig) {
  const { endpoint, region, accessKey, sessionToken, keySource } = place;
  const { isPathStyle, cache, silenceMs, redirect } = place;
  const isRole = keySource !== null && keySource.from !== "files";
  return {
    url: storeUrl(place),
    endpoint,
    region,
    ...(isRole ? { role: keySource.from } : { accessKey, secretKey: "***" }),
    ...(sessionToken !== null && { sessionToken: "***" }),
    pathStyle: isPathStyle,
    cache: formatSize(cache),
    timeout: formatDuration(silenceMs),
    ...(redirect !== null && { redirect: formatSize(redirect) }),
  };
}
