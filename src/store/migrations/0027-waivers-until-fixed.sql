-- Waivers that end when a later release comes that no rule withholds.
ALTER TABLE waivers ADD COLUMN until_fixed INTEGER NOT NULL DEFAULT 0;
