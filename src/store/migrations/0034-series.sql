-- Numbers over time: each series once, and its points in steps of three lengths. How many there are is bounded: see src/series/.
CREATE TABLE series (
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL,
  labels TEXT NOT NULL               -- JSON, by name
);
CREATE UNIQUE INDEX series_by_name ON series (name, labels);
-- By time: what is written together lies together, in a page or two of each step.
CREATE TABLE series_points (
  step    BIGINT NOT NULL,           -- its length in milliseconds
  at      BIGINT NOT NULL,           -- its beginning
  series  BIGINT NOT NULL,
  sum     REAL NOT NULL,
  count   BIGINT NOT NULL,
  max     REAL NOT NULL,
  buckets TEXT,                      -- of a histogram: how many in each, between commas
  PRIMARY KEY (step, at, series)
) WITHOUT ROWID;
