-- Whether this catalog is the copy of another one that is not whole yet, or was copied itself and is used no more. At most one row.
CREATE TABLE moves (
  state TEXT NOT NULL PRIMARY KEY,
  id    TEXT NOT NULL,
  other TEXT NOT NULL,
  at    TEXT NOT NULL
);
