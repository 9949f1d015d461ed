-- Browsers in which somebody is logged in.
CREATE TABLE sessions (
  id         TEXT NOT NULL PRIMARY KEY, -- SHA-256 of what the cookie holds
  user_name  TEXT NOT NULL,
  address    TEXT NOT NULL,             -- where it was begun from
  created_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL            -- to the minute
);
CREATE INDEX sessions_by_user ON sessions (user_name);

-- Which user somebody is who is known to another system.
CREATE TABLE identities (
  issuer     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  user_name  TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_name);

-- Identity tokens of CI jobs that were exchanged: each is good for once, or for once for each package.
CREATE TABLE used_identity_tokens (
  issuer     TEXT NOT NULL,
  id         TEXT NOT NULL,             -- SHA-256 of its name there
  package    TEXT NOT NULL,             -- empty for all that it may publish
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, id, package)
);
CREATE INDEX used_identity_tokens_by_end ON used_identity_tokens (expires_at);
