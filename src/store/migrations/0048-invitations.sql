-- Links by which a user sets a password, once: the newest of each.
CREATE TABLE invitations (
  user_name  TEXT NOT NULL PRIMARY KEY,
  code       TEXT NOT NULL, -- the SHA-256 of what the link has
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX invitations_by_code ON invitations (code);
