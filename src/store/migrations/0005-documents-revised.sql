-- A document's row changes by compare-and-swap: `revision` rises with each change, and a writer names the one that it began from.
ALTER TABLE documents ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
-- JSON: the entries of it that could not be used and that operators were told of.
ALTER TABLE documents ADD COLUMN skipped TEXT NOT NULL DEFAULT '[]';
