-- The servers that share this database, where several do. Each raises its own beat, and whose beat stands still is taken for dead by those that see
-- it stand: no clock is compared with another's (src/store/nodes.ts).
CREATE TABLE nodes (
  id      TEXT NOT NULL PRIMARY KEY,
  host    TEXT NOT NULL,
  version TEXT NOT NULL,
  since   BIGINT NOT NULL,             -- by its own clock, for people
  beat    BIGINT NOT NULL
);

-- What one of them does for all. It ends with its node (src/store/leases.ts).
CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY,
  node TEXT NOT NULL
);
