-- Code hosts as sources: which code of theirs was had, and which commit each of its refs named when it was first seen.
CREATE TABLE sources (
  repository   TEXT NOT NULL,
  url          TEXT NOT NULL,
  root         TEXT NOT NULL,   -- the part of package names that led to it first
  head         TEXT,            -- the branch that is shown first
  listing      TEXT NOT NULL,   -- a hash of what it said of its refs
  refreshed_at BIGINT NOT NULL, -- when the code host last answered
  PRIMARY KEY (repository, url)
);
CREATE TABLE source_refs (
  repository    TEXT NOT NULL,
  url           TEXT NOT NULL,
  kind          TEXT NOT NULL,   -- tag, branch
  ref           TEXT NOT NULL,
  first_commit  TEXT NOT NULL,   -- of a tag: what is released of it, whatever it names since
  last_commit   TEXT NOT NULL,
  first_seen_at BIGINT NOT NULL,
  gone_at       BIGINT,          -- null while the code host has it
  PRIMARY KEY (repository, url, kind, ref)
);
CREATE TRIGGER source_tags_are_final BEFORE UPDATE ON source_refs WHEN OLD.kind = 'tag' AND NEW.first_commit <> OLD.first_commit
BEGIN SELECT raise(ABORT, 'the first commit of a tag is final'); END;
