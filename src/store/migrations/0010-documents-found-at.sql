-- Where redirects led to the copy, where its links are relative to that: an absolute URL without a query. Null: it was where it is asked for.
ALTER TABLE documents ADD COLUMN found_at TEXT;
