-- The newest artifacts of a repository are shown to people.
CREATE INDEX artifacts_by_age ON artifacts (repository, fetched_at);
