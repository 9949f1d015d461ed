-- What a page shows once, sealed with the key that its address alone has.
CREATE TABLE shown_once (
  id        TEXT NOT NULL PRIMARY KEY,
  user_name TEXT NOT NULL,
  sealed    BLOB NOT NULL,
  ends_at   BIGINT NOT NULL
);
