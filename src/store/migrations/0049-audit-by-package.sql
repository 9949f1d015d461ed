-- What was done with a package, or a release, the newest first: in the order of lines, by which the log is read.
DROP INDEX audit_by_package;
CREATE INDEX audit_by_package ON audit (package, id) WHERE package IS NOT NULL;
CREATE INDEX audit_by_purl ON audit (purl, id) WHERE purl IS NOT NULL;
