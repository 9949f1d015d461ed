-- What a format keeps and could ask for again goes when there is too much of it: what was used least recently first. All else stays.
ALTER TABLE kept ADD COLUMN evictable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE kept ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX kept_by_use ON kept (repository, used_at) WHERE evictable = 1;
