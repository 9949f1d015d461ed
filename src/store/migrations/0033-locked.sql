-- When an audit last named the release as one that the caller has: it stands in a lock file. Null: none did.
ALTER TABLE fetches ADD COLUMN locked_at BIGINT;
