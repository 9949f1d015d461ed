-- Whether this catalog is the copy of another one that is not whole yet, or was copied itself and is used no more. At most one row.
CREATE TABLE moves (
  state TEXT NOT NULL PRIMARY KEY,     -- arriving, left
  other TEXT NOT NULL,                 -- where it comes from, or where it is now
  at    TEXT NOT NULL
);
