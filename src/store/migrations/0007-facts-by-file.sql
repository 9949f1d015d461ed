-- Facts: one row a file in place of one a package, so that a file of a package with many versions costs one row. See ledger/facts.ts.
ALTER TABLE facts RENAME TO facts_by_package;
CREATE TABLE facts (
  repository     TEXT NOT NULL,
  package        TEXT NOT NULL,
  file           TEXT NOT NULL,
  version        TEXT NOT NULL,
  integrity      TEXT,              -- the first one seen; later documents may add hashes of the same bytes
  is_grown       INTEGER NOT NULL,  -- 1 when they did: the bytes must meet every hash in it
  location       TEXT,              -- when it is not the conventional one
  published_at   TEXT,              -- ISO 8601, as the upstream told it first
  gone_at        TEXT,              -- ISO 8601: when the upstream's document was first seen without it
  tampered_at    TEXT,              -- ISO 8601: when another integrity was first shown,
  tampered_shown TEXT,              -- and the one last shown
  revision       INTEGER NOT NULL,  -- rises with each change: rows change by compare-and-swap
  PRIMARY KEY (repository, package, file)
);
CREATE INDEX facts_marked ON facts (repository, package, file) WHERE gone_at IS NOT NULL OR tampered_at IS NOT NULL;
INSERT INTO facts (repository, package, file, version, integrity, is_grown, location, gone_at, tampered_at, tampered_shown, revision)
  SELECT p.repository, p.package, f.key, f.value ->> '$.v', f.value ->> '$.i', coalesce(f.value ->> '$.a', 0), f.value ->> '$.l',
    f.value ->> '$.g', f.value ->> '$.t.since', f.value ->> '$.t.shown', 1
  FROM facts_by_package AS p, json_each(p.facts) AS f;
DROP TABLE facts_by_package;
-- Names that the upstream did not have were kept here by one format. They are asked for again.
DELETE FROM kept WHERE key LIKE 'absent/%';
