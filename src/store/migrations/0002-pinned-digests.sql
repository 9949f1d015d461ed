-- What is pinned of a file's bytes beside their SHA-256: further digests that its format publishes (an integrity), and a digest of
-- what the archive holds, by which bytes that were packed anew are told from altered ones. Null for formats that want neither.
ALTER TABLE pins ADD COLUMN digests TEXT;
ALTER TABLE pins ADD COLUMN content TEXT;
