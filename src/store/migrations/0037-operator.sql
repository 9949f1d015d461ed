-- Who has seen an event, and what they said of it. The event itself stays as it was written.
CREATE TABLE events_seen (
  event     BIGINT NOT NULL PRIMARY KEY,
  at        BIGINT NOT NULL,
  principal TEXT NOT NULL,
  note      TEXT NOT NULL
);
CREATE INDEX events_kind_newest ON events (kind, id);
CREATE INDEX events_repository_newest ON events (repository, id);
CREATE INDEX events_package_newest ON events (package, id) WHERE package <> '';

-- Who asked last for a release and was refused it. Null: nobody asked since that is written down.
ALTER TABLE withheld_told ADD COLUMN asked_at BIGINT;
ALTER TABLE withheld_told ADD COLUMN asked_by TEXT;
ALTER TABLE withheld_told ADD COLUMN asked_from TEXT;
CREATE INDEX withheld_told_newest ON withheld_told (told_at, repository, package, version);
CREATE INDEX withheld_told_by_rule ON withheld_told (rule, verdict);

-- The other way round: what an operator blocks by hand stands beside what they waive.
ALTER TABLE waivers ADD COLUMN is_block BIGINT NOT NULL DEFAULT 0;

-- The newest first, in pages.
DROP INDEX fetches_by_day;
CREATE INDEX fetches_by_day ON fetches (day, repository, package, version, caller);
CREATE INDEX fetches_by_principal ON fetches (principal, day);
CREATE INDEX fetches_by_address ON fetches (address, day);
CREATE INDEX audit_by_action ON audit (action, id);
