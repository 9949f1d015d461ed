-- What packages need, as one release of each that is stored says, to be found by who is needed. Written behind (src/catalog/dependencies.ts).
CREATE TABLE dependencies (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  version    TEXT NOT NULL,             -- the release that says so
  needed     TEXT NOT NULL,             -- a package of the same format, by its one spelling
  kind       TEXT NOT NULL,             -- "peer", "optional"; empty: it cannot do without
  range      TEXT NOT NULL,             -- as its author wrote it; empty: any version
  PRIMARY KEY (repository, package, needed, kind)
);
CREATE INDEX dependencies_by_needed ON dependencies (needed, repository, package, kind);

-- Packages of which a file came or went, so that they are to be looked at.
CREATE TABLE dependencies_waiting (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  revision   BIGINT NOT NULL DEFAULT 1, -- rises with each such file: what comes while somebody looks is not missed
  due_at     BIGINT NOT NULL DEFAULT 0, -- later where it could not be looked at
  PRIMARY KEY (repository, package)
);
CREATE INDEX dependencies_waiting_by_time ON dependencies_waiting (repository, due_at, package);

CREATE TRIGGER dependencies_came AFTER INSERT ON artifacts WHEN NEW.purl NOT LIKE 'pkg:generic/%' BEGIN
  INSERT INTO dependencies_waiting (repository, package) VALUES (NEW.repository, NEW.package)
    ON CONFLICT (repository, package) DO UPDATE SET revision = dependencies_waiting.revision + 1, due_at = 0;
END;
-- What said so is gone with the file; another one that says it is found when the package is looked at.
CREATE TRIGGER dependencies_went AFTER DELETE ON artifacts WHEN OLD.purl NOT LIKE 'pkg:generic/%' BEGIN
  DELETE FROM dependencies WHERE repository = OLD.repository AND package = OLD.package AND version = OLD.version;
  INSERT INTO dependencies_waiting (repository, package) VALUES (OLD.repository, OLD.package)
    ON CONFLICT (repository, package) DO UPDATE SET revision = dependencies_waiting.revision + 1, due_at = 0;
END;
INSERT INTO dependencies_waiting (repository, package)
  SELECT DISTINCT repository, package FROM artifacts WHERE purl NOT LIKE 'pkg:generic/%';
