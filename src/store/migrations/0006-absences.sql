-- Absences: what an upstream said that it does not have, for when it cannot be asked. The oldest go when there are many.
CREATE TABLE absences (
  repository TEXT NOT NULL,
  what       TEXT NOT NULL,     -- 'document', 'view', 'file', 'question', 'format'
  key        TEXT NOT NULL,     -- JSON: its parts, see cache/absences.ts
  said       TEXT NOT NULL,     -- what clients were told; of a question, who answered
  status     INTEGER NOT NULL,  -- 404 or 410
  at         BIGINT NOT NULL,
  PRIMARY KEY (repository, what, key)
);
CREATE INDEX absences_by_age ON absences (repository, at);
