-- Hosted: what is published here. A name belongs to its repository since the first publication, also when all of it was removed.
CREATE TABLE hosted_packages (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  revision   BIGINT NOT NULL,      -- rises with each change of anything of the package
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  state      TEXT NOT NULL,        -- JSON, the format's own: tags, owners
  PRIMARY KEY (repository, package)
);

CREATE TABLE hosted_releases (
  repository   TEXT NOT NULL,
  package      TEXT NOT NULL,
  version      TEXT NOT NULL,
  place        BIGINT NOT NULL,    -- the package's revision when it was published: their order
  published_at BIGINT NOT NULL,
  published_by TEXT NOT NULL,
  metadata     TEXT NOT NULL,      -- JSON, the format's own: a manifest
  yanked       TEXT,               -- why; empty where nobody said why. Null: it is not yanked
  removed_at   BIGINT,             -- in the trash since then
  PRIMARY KEY (repository, package, version)
);

-- The row of a file that is shown stands beside one in artifacts, and all files beside one in pins, which stays when this one goes.
CREATE TABLE hosted_files (
  repository   TEXT NOT NULL,
  package      TEXT NOT NULL,
  file         TEXT NOT NULL,
  kind         TEXT NOT NULL,
  version      TEXT NOT NULL,
  place        BIGINT NOT NULL,
  purl         TEXT NOT NULL,
  path         TEXT NOT NULL,
  sha256       TEXT NOT NULL,
  size         BIGINT NOT NULL,
  published_at BIGINT NOT NULL,
  published_by TEXT NOT NULL,      -- for people
  account      TEXT NOT NULL,      -- whose quota it counts in
  metadata     TEXT NOT NULL,      -- JSON, the format's own
  removed_at   BIGINT,             -- in the trash since then: the blob is still named
  removed_by   TEXT,
  PRIMARY KEY (repository, package, file)
);
CREATE INDEX hosted_files_by_blob ON hosted_files (sha256);
CREATE INDEX hosted_files_by_version ON hosted_files (repository, package, version);
CREATE INDEX hosted_files_removed ON hosted_files (removed_at) WHERE removed_at IS NOT NULL;

-- What quotas are held against, with what lies in the trash.
CREATE TABLE hosted_usage (
  repository TEXT NOT NULL,
  account    TEXT NOT NULL,
  files      BIGINT NOT NULL,
  bytes      BIGINT NOT NULL,
  PRIMARY KEY (repository, account)
);

-- Whether an upstream was ever seen to have a name is asked before it is published here.
CREATE INDEX documents_by_package ON documents (repository, package);
