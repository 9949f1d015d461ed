-- Of what one server does for all: whether another one waits for what comes of it, and what that one is told meanwhile (src/cache/relay.ts).
ALTER TABLE leases ADD COLUMN wanted BIGINT NOT NULL DEFAULT 0;   -- 1: somebody waits
ALTER TABLE leases ADD COLUMN told TEXT;                          -- JSON
