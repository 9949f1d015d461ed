// The pages that the browser tests look at. A page that is added to the product is added here.

export interface LookedAt {
  path: string;
  /** Whether an administrator is logged in. */
  isLoggedIn?: boolean;
  /** Where it is a page that says that something is wrong. */
  status?: number;
}

export const lookedAt: readonly LookedAt[] = [
  { path: "/" },
  { path: "/", isLoggedIn: true },
  { path: "/npm/" },
  { path: "/-/help" },
  { path: "/-/login" },
  { path: "/-/invitation", status: 404 },
  { path: "/-/account", isLoggedIn: true },
  { path: "/-/packages" },
  { path: "/-/packages?q=tide" },
  { path: "/-/packages?q=nothing-like-that" },
  { path: "/-/packages/npm/tideline" },
  { path: "/-/packages/npm/tideline/v/1.2.0" },
  { path: "/-/packages/npm/tideline/v/1.3.0" },
  { path: "/-/packages/npm/tidelime" },
  { path: "/-/packages/npm/@harbour/buoy" },
  { path: "/-/packages/npm/@harbour/buoy/v/1.1.0" },
  { path: "/-/packages/pypi/estuary" },
  { path: "/-/packages/pypi/estuary/v/1.0.1" },
  { path: "/-/packages/go/example.test/anchor" },
  { path: "/-/packages/go/example.test/anchor/v/v1.1.0" },
  { path: "/-/packages/composer/isle/palm" },
  { path: "/-/packages/composer/isle/palm/v/dev-main" },
  { path: "/-/packages/debian/hello" },
  { path: "/-/packages/debian/hello/v/2.10-3" },
  { path: "/-/why/pkg:npm/tideline@1.3.0" },
  ...[
    "/-/operator",
    "/-/operator?range=2y",
    "/-/operator/withheld",
    "/-/operator/withheld/decide?release=npm+pkg:npm/tideline@1.3.0",
    "/-/operator/events",
    "/-/operator/alarms",
    "/-/operator/fetches",
    "/-/operator/affected?of=pkg:npm/tideline@1.2.0",
    "/-/operator/disk",
    "/-/operator/disk?ask=clean",
    "/-/operator/feeds",
    "/-/operator/jobs",
    "/-/operator/hooks",
    "/-/operator/accounts",
    "/-/operator/accounts?search=nobody",
    "/-/operator/accounts/users/ann",
    "/-/operator/accounts/users/ben",
    "/-/operator/accounts/teams",
    "/-/operator/accounts/teams/harbour",
    "/-/operator/accounts/grants",
    "/-/operator/accounts/tokens",
    "/-/operator/accounts/take?what=user&id=ben",
    "/-/operator/repositories",
    "/-/operator/repositories/npm",
    "/-/operator/settings",
    "/-/operator/audit",
    "/-/readiness",
  ].map((path) => ({ path, isLoggedIn: true })),
  { path: "/-/readiness" },
  { path: "/-/operator/events/0", isLoggedIn: true, status: 404 },
  { path: "/-/packages/npm/nothing-like-that", status: 404 },
];
