-- What documents tell of a release for rules: JSON, see core/traits.ts. Null where none was read since.
ALTER TABLE facts ADD COLUMN traits TEXT;
-- So that the documents that are here are read again for them when they are next due.
UPDATE documents SET received = NULL, etag = NULL, last_modified = NULL WHERE kind IN ('packument', 'version', 'project');

-- What was found out of who made a file, see core/provenance.ts. No row: nobody has looked yet.
CREATE TABLE provenance (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  file       TEXT NOT NULL,
  version    TEXT NOT NULL,
  state      TEXT NOT NULL,             -- verified, unverified, false, none
  builder    TEXT,                      -- JSON: whom the certificate names, of a verified one
  signature  TEXT,                      -- whose keys the registry's signature was checked with: root, registry; null: not
  why        TEXT,                      -- of an unverified or false one
  checked_at BIGINT NOT NULL,
  PRIMARY KEY (repository, package, file)
);
