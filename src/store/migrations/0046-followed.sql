-- What a follower knows of its primary (follow/): 'key' of the log that it follows, 'proven', its newest checkpoint that held, 'taken', how many of its leaves
-- were taken in, 'fault', why it does not go on, 'access' and 'heard', who may read what and when that was said last, 'cursor' of what is published there.
CREATE TABLE followed_state (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

-- The pins that the primary's log says, and where in it they stand.
CREATE TABLE followed_pins (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  file       TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  leaf       BIGINT NOT NULL,
  PRIMARY KEY (repository, package, file)
);

-- What is to be brought from there: a file, or where that is empty what names the files of the package.
CREATE TABLE followed_wanted (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  file       TEXT NOT NULL,
  tries      INTEGER NOT NULL,
  due_at     BIGINT NOT NULL,
  PRIMARY KEY (repository, package, file)
);
CREATE INDEX followed_wanted_by_due ON followed_wanted (due_at);

-- The packages of those pins: which releases the primary blocks and what it holds, by which state of its policy that was asked, and the revision of what is
-- published there.
CREATE TABLE followed_packages (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  asked      TEXT NOT NULL,
  verdicts   TEXT NOT NULL,
  revision   BIGINT NOT NULL,
  PRIMARY KEY (repository, package)
);
CREATE INDEX followed_packages_by_asked ON followed_packages (asked);
