-- Who did what. Never changed, never removed.
CREATE TABLE audit (
  id         INTEGER PRIMARY KEY,
  at         BIGINT NOT NULL,
  action     TEXT NOT NULL,
  kind       TEXT NOT NULL,      -- of the principal: "user", "job", "server", "anonymous"
  principal  TEXT NOT NULL,
  token      TEXT,               -- id of the token that it came with
  address    TEXT NOT NULL,
  repository TEXT,
  package    TEXT,
  purl       TEXT,
  digest     TEXT,
  detail     TEXT NOT NULL       -- JSON
);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_principal ON audit (principal, at);
CREATE INDEX audit_by_package ON audit (package, at) WHERE package IS NOT NULL;
CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is final'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is final'); END;
