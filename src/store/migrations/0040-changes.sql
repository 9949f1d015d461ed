-- Nothing: a file of SQLite has one server, which tells nobody (see 0040-changes.postgres.sql).
DROP TABLE IF EXISTS changes;
