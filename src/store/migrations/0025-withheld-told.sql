-- Releases of which it was told that policy withholds them, so that each is told once, and once when that is over.
CREATE TABLE withheld_told (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  version    TEXT NOT NULL,
  verdict    TEXT NOT NULL,      -- "hold" or "block"
  rule       TEXT NOT NULL,
  ends_at    BIGINT,             -- null: not by the clock
  told_at    BIGINT NOT NULL,
  PRIMARY KEY (repository, package, version)
);
CREATE INDEX withheld_told_ending ON withheld_told (ends_at) WHERE ends_at IS NOT NULL;
