-- Names of packages for people who look for one: written with the first document or file of a package, and looked for by their parts (src/catalog/).
CREATE TABLE catalog_names (
  id         INTEGER PRIMARY KEY,
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  folded     TEXT NOT NULL DEFAULT ''  -- in small letters, with one sign for all that part words; empty: its parts are not written yet
);
CREATE UNIQUE INDEX catalog_names_by_package ON catalog_names (repository, package);
CREATE INDEX catalog_names_waiting ON catalog_names (id) WHERE folded = '';
CREATE INDEX catalog_names_folded ON catalog_names (folded, id);

CREATE TABLE catalog_parts (
  kind    BIGINT NOT NULL,              -- 0 the whole name, 1 its last part behind a slash, 2 a word in it
  part    TEXT NOT NULL,                -- the name from there on
  name_id BIGINT NOT NULL,
  PRIMARY KEY (kind, part, name_id)
);

CREATE TRIGGER catalog_documents AFTER INSERT ON documents WHEN NEW.package <> '' BEGIN
  INSERT INTO catalog_names (repository, package) VALUES (NEW.repository, NEW.package) ON CONFLICT (repository, package) DO NOTHING;
END;
CREATE TRIGGER catalog_artifacts AFTER INSERT ON artifacts WHEN NEW.purl NOT LIKE 'pkg:generic/%' BEGIN
  INSERT INTO catalog_names (repository, package) VALUES (NEW.repository, NEW.package) ON CONFLICT (repository, package) DO NOTHING;
END;
INSERT INTO catalog_names (repository, package)
  SELECT repository, package FROM documents WHERE package <> ''
  UNION SELECT repository, package FROM artifacts WHERE purl NOT LIKE 'pkg:generic/%';

-- What was found in stored files when somebody looked at them: never changes, as bytes do not. May be removed at any time.
CREATE TABLE insides (
  sha256  TEXT NOT NULL,
  format  TEXT NOT NULL,
  reader  BIGINT NOT NULL,              -- which reader wrote it: another one looks again
  inside  TEXT NOT NULL,                -- JSON, see core/inside.ts; or why it cannot be looked into
  at      BIGINT NOT NULL,
  PRIMARY KEY (sha256, format)
);
CREATE INDEX insides_by_age ON insides (at);
