-- Users of this server. Whoever is known to another system alone has no password here.
CREATE TABLE users (
  name        TEXT NOT NULL PRIMARY KEY,
  email       TEXT NOT NULL,
  full_name   TEXT NOT NULL,
  password    TEXT,              -- argon2id, or a hash that was taken over from elsewhere until the next log-in
  created_at  BIGINT NOT NULL,
  created_by  TEXT NOT NULL,
  changed_at  BIGINT NOT NULL,
  disabled_at BIGINT             -- since when they may do nothing; null for who may
);

CREATE TABLE teams (
  name       TEXT NOT NULL PRIMARY KEY,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL
);
-- `source`: empty for a member whom somebody here put there, else the system whose group it is.
CREATE TABLE team_members (
  team      TEXT NOT NULL,
  user_name TEXT NOT NULL,
  source    TEXT NOT NULL,
  PRIMARY KEY (team, user_name, source)
);

-- What somebody may do, beside what the configuration says.
CREATE TABLE grants (
  id         TEXT NOT NULL PRIMARY KEY,
  holder     TEXT NOT NULL,      -- "user:ann", "team:platform", "everyone", "anonymous"
  actions    TEXT NOT NULL,      -- with commas: "read,publish"
  repository TEXT NOT NULL,      -- "*" for all
  package    TEXT NOT NULL,      -- a pattern; "*" for all
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL
);

-- Tokens. The secret is not here.
CREATE TABLE tokens (
  id           TEXT NOT NULL PRIMARY KEY,
  secret       TEXT NOT NULL,    -- SHA-256 of it, hexadecimal
  prefix       TEXT NOT NULL,    -- its first characters, for lists
  owner_kind   TEXT NOT NULL,    -- "user" or "job"
  owner        TEXT NOT NULL,
  name         TEXT NOT NULL,
  scope        TEXT NOT NULL,    -- JSON: core/accounts.ts TokenScope
  cidrs        TEXT NOT NULL,    -- JSON: a list; empty for all
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT,
  last_used_at BIGINT,
  revoked_at   BIGINT
);
CREATE UNIQUE INDEX tokens_by_secret ON tokens (secret);
CREATE INDEX tokens_by_owner ON tokens (owner_kind, owner);

-- Log-ins that a client began and a person ends in a browser.
CREATE TABLE pending_logins (
  id         TEXT NOT NULL PRIMARY KEY, -- SHA-256 of what the client polls with
  page       TEXT NOT NULL,             -- what its page is found by
  client     TEXT NOT NULL,
  address    TEXT NOT NULL,
  wish       TEXT NOT NULL,             -- JSON: core/accounts.ts TokenWish
  expires_at BIGINT NOT NULL,
  state      TEXT NOT NULL,             -- "waiting", "approved" or "refused"
  user_name  TEXT                       -- who approved it
);
CREATE UNIQUE INDEX pending_logins_by_page ON pending_logins (page);
