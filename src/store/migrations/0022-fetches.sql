-- Who was sent the files of which release, a row a release, caller and day: whom to tell when it turns out to be bad.
CREATE TABLE fetches (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  version    TEXT NOT NULL,
  caller     TEXT NOT NULL,             -- tells callers apart: a token, a user, a job, an address of who gives no name
  day        BIGINT NOT NULL,           -- since the epoch
  kind       TEXT NOT NULL,             -- of the caller
  principal  TEXT NOT NULL,             -- empty for who gives no name
  token      TEXT,                      -- its id
  token_name TEXT,
  address    TEXT NOT NULL,             -- the last one of the day
  first_at   BIGINT NOT NULL,
  last_at    BIGINT NOT NULL,
  files      BIGINT NOT NULL,           -- how often
  PRIMARY KEY (repository, package, version, caller, day)
);
CREATE INDEX fetches_by_day ON fetches (day);
