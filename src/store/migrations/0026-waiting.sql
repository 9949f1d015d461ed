-- What came and waits for the file that says what it is: a day at most, and also over a restart.
CREATE TABLE hosted_waiting (
  repository  TEXT NOT NULL,
  account     TEXT NOT NULL,       -- whose it is, and whose quota it counts in
  file        TEXT NOT NULL,       -- as its sender calls it
  sha256      TEXT NOT NULL,
  size        BIGINT NOT NULL,
  digests     TEXT NOT NULL,       -- JSON, base64 by algorithm
  received_at BIGINT NOT NULL,
  PRIMARY KEY (repository, account, file)
);
CREATE INDEX hosted_waiting_by_bytes ON hosted_waiting (sha256);
CREATE INDEX hosted_waiting_by_age ON hosted_waiting (repository, received_at);
