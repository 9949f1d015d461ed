// What the API gives, as far as pages show it: src/api says it in full.

export interface StateShape {
  state: "serving" | "degraded" | "offline";
  since: string;
  startedAt: string;
  version: string;
  reasons: { text: string; since: string | null; about: string; level: "bad" | "warn" }[];
  upstreams: {
    repository: string;
    host: string;
    isAway: boolean;
    breaker: "closed" | "half-open" | "open";
    answers: number;
    answeredAt: string | null;
    failedAt: string | null;
    failure: string | null;
    awaySince: string | null;
    latency: { p50: number; p95: number; answers: number } | null;
  }[];
  nodes: {
    id: string;
    host: string;
    pid: number | null;
    url: string | null;
    version: string;
    since: string;
    silentSeconds: number;
    isSelf: boolean;
    differs: string[];
  }[];
  unacknowledged: { error: number; warn: number };
  lastPolicyChange: {
    at: string;
    by: string;
    action: string;
    package: string | null;
    detail: Record<string, unknown>;
  } | null;
}

export interface DiskShape {
  free: number;
  total: number;
  keepFree: number;
  until: number;
  wanted: number;
  repositories: {
    name: string;
    fetched: number;
    quota: number | null;
    wanted: number;
    whyNot: string | null;
  }[];
}

export interface BackupsShape {
  last: { at: string; to: string; missing: number } | null;
  failed: { at: string; to: string; why: string } | null;
}

export interface WithheldShape {
  repository: string;
  format: string;
  package: string;
  version: string;
  purl: string;
  verdict: "hold" | "block";
  rule: string;
  until: string | null;
  since: string;
  asked: { at: string; by: string; from: string } | null;
}

export interface CountShape {
  rule: string;
  verdict: "hold" | "block";
  count: number;
}

export interface ExceptionShape {
  id: string;
  repository: string | null;
  purl: string;
  versions: string;
  reason: string;
  owner: string;
  createdAt: string;
  until: string | null;
  untilFixed?: boolean;
}

export interface EventShape {
  id: number;
  at: string;
  kind: string;
  level: "error" | "warn" | "info";
  repository: string;
  package: string;
  version: string | null;
  purl: string | null;
  file: string | null;
  message: string;
  detail: Record<string, unknown>;
  acknowledged: { at: string; by: string; note: string } | null;
}

export interface FetchedShape {
  repository: string;
  package: string;
  version: string;
  purl: string;
  kind: string;
  principal: string;
  token: string | null;
  tokenName: string | null;
  address: string;
  firstAt: string;
  lastAt: string;
  files: number;
}

export interface AffectedShape extends Omit<FetchedShape, "package" | "version"> {
  advisories: string[];
}

export interface CanariesShape {
  endedAt: string | null;
  failure: string | null;
  results: { repository: string; canary: string; state: string; why: string | null }[];
}

export interface FeedShape {
  name: string;
  readAt: string | null;
  newestAt: string | null;
  records: number;
  error: string | null;
  seedOf: string | null;
}

export interface RunShape {
  id: string;
  name: string;
  repository: string | null;
  by: string;
  startedAt: string;
  endedAt: string | null;
  state: "running" | "done" | "incomplete" | "failed";
  progress: { done: number; total: number; note: string } | null;
  lines: string[];
  error: string | null;
}

export interface RepositoryShape {
  name: string;
  format: string;
  offline: boolean;
  claims: string[];
  lock: string | null;
  operations: { name: string; summary: string }[];
  files: number;
  bytes: number;
  requests: number;
  away: string[];
}

export interface ForecastShape {
  days: number;
  free: number;
  growth: { low: number; median: number; high: number } | null;
  full: { early: string | null; likely: string | null; late: string | null };
}
