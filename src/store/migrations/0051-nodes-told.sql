-- What people and the other servers are told of one: which process it is, where it answers, as whom it hears news, and of which configuration.
ALTER TABLE nodes ADD COLUMN pid BIGINT;
ALTER TABLE nodes ADD COLUMN url TEXT;
ALTER TABLE nodes ADD COLUMN origin TEXT;   -- as in `listeners`, where there is news
ALTER TABLE nodes ADD COLUMN config TEXT;   -- JSON: digests by key (src/config/shared.ts)
