-- Alarms that are not over, so that each is told once also where the server was restarted in between.
CREATE TABLE alarms (
  rule       TEXT NOT NULL,
  repository TEXT NOT NULL,
  subject    TEXT NOT NULL,
  message    TEXT NOT NULL,
  since      BIGINT NOT NULL,
  told_at    BIGINT,                    -- null: it began in silence
  PRIMARY KEY (rule, repository, subject)
);

CREATE TABLE alarm_silences (
  id         TEXT NOT NULL PRIMARY KEY,
  rule       TEXT,                      -- null for all, as the next
  repository TEXT,
  reason     TEXT NOT NULL,
  owner      TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  ends_at    BIGINT NOT NULL
);

-- What happened of one kind lately.
CREATE INDEX events_by_kind ON events (kind, at);
