-- Schema 2. The values of heads compressed, and how long their chains are.

ALTER TABLE entry
    ADD COLUMN form  smallint NOT NULL DEFAULT 0,   -- patches.Form, and no patch
    ADD COLUMN links integer NOT NULL DEFAULT 0,    -- patches in a row that lead to it in history
    ADD COLUMN size  bigint NOT NULL DEFAULT 0;     -- bytes of the value, a serialised Payload
UPDATE entry SET size = octet_length(payload), links = coalesce(
    (SELECT CASE WHEN base = entry.since THEN link ELSE 0 END FROM history
     WHERE history.content_id = entry.content_id AND history.map = entry.map
     AND history.key = entry.key ORDER BY until DESC LIMIT 1), 0);
ALTER TABLE entry
    ALTER COLUMN form DROP DEFAULT, ALTER COLUMN links DROP DEFAULT, ALTER COLUMN size DROP DEFAULT;
-- What compresses is compressed already.
ALTER TABLE entry ALTER COLUMN payload SET STORAGE EXTERNAL;
