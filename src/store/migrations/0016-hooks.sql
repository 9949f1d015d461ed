-- What hooks are to tell other systems and people, and what became of that: written with what it tells of, carried behind.
CREATE TABLE deliveries (
  hook       TEXT NOT NULL,      -- as the configuration calls it
  id         TEXT NOT NULL,      -- of the message: the same for each hook and each try; they sort by time
  type       TEXT NOT NULL,
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  payload    TEXT NOT NULL,      -- JSON, as it is sent
  state      TEXT NOT NULL,      -- "waiting", "told" or "failed"
  created_at BIGINT NOT NULL,
  tries      BIGINT NOT NULL,
  tried_at   BIGINT,
  next_at    BIGINT NOT NULL,    -- not tried before
  ends_at    BIGINT NOT NULL,    -- not tried after
  error      TEXT,               -- of the last try that failed
  PRIMARY KEY (hook, id)
);
CREATE INDEX deliveries_waiting ON deliveries (hook, next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_failed ON deliveries (hook, id) WHERE state = 'failed';
