-- So that the documents of Composer packages that are here are read again for the licences in them when they are next due.
UPDATE documents SET received = NULL, etag = NULL, last_modified = NULL WHERE kind IN ('package', 'dev', 'provided', 'include', 'root');
