-- Why a code host could not be asked the last time; null where it answered.
ALTER TABLE sources ADD COLUMN failed_at BIGINT;
ALTER TABLE sources ADD COLUMN failure TEXT;
