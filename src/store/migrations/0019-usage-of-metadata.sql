-- What is said of releases and files counts in quotas as their bytes do.
ALTER TABLE hosted_releases ADD COLUMN account TEXT NOT NULL DEFAULT ''; -- whose quota it counts in; empty: nobody's
UPDATE hosted_releases SET account = coalesce((SELECT min(f.account) FROM hosted_files f
  WHERE f.repository = hosted_releases.repository AND f.package = hosted_releases.package AND f.version = hosted_releases.version), '');
UPDATE hosted_usage SET bytes = bytes
  + coalesce((SELECT sum(octet_length(f.metadata)) FROM hosted_files f
    WHERE f.repository = hosted_usage.repository AND f.account = hosted_usage.account), 0)
  + coalesce((SELECT sum(octet_length(r.metadata)) FROM hosted_releases r
    WHERE r.repository = hosted_usage.repository AND r.account = hosted_usage.account), 0);
