// The key of a bucket, and where another one is to be had when it does not hold any more.

export interface BucketKey {
  accessKey: string;
  secretKey: string;
  /** Goes with a key that holds for a time; null with one that holds until it is taken away. */
  sessionToken: string | null;
}

/**
 * `files`: absolute paths, null for what stands elsewhere; a key is read again when they change. The others are a role that AWS gives to where the server
 * runs, which has a new key every few hours:
 * `web-identity`: for a token in a file (IRSA, OIDC). `container`: ECS and EKS Pod Identity. `instance`: of a machine (IMDSv2).
 */
export type KeySource =
  | {
      from: "files";
      accessKey: string | null;
      secretKey: string | null;
      sessionToken: string | null;
    }
  | { from: "web-identity"; url: string; role: string; tokenFile: string; session: string }
  | { from: "container"; url: string; tokenFile: string | null; token: string | null }
  | { from: "instance"; url: string };
