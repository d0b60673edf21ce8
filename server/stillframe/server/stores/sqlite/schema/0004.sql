-- Schema 4. The values of heads compressed, and how long their chains are.

CREATE TABLE packed_entry (
    id         INTEGER PRIMARY KEY,
    content_id INTEGER NOT NULL,
    map        INTEGER NOT NULL,         -- SnapshotMap
    key        TEXT NOT NULL,
    since      INTEGER NOT NULL,         -- the version that set it
    form       INTEGER NOT NULL,         -- patches.Form, and no patch
    links      INTEGER NOT NULL,         -- patches in a row that lead to it in history
    size       INTEGER NOT NULL,         -- bytes of the value, a serialised Payload
    digest     BLOB NOT NULL,            -- of the value
    payload    BLOB NOT NULL             -- last: the others are read without it
);
INSERT INTO packed_entry (id, content_id, map, key, since, form, links, size, digest, payload)
    SELECT id, content_id, map, key, since, 0, coalesce(
        (SELECT CASE WHEN base = entry.since THEN link ELSE 0 END FROM history
         WHERE history.content_id = entry.content_id AND history.map = entry.map
         AND history.key = entry.key ORDER BY until DESC LIMIT 1), 0),
        length(payload), digest, payload FROM entry;
DROP TABLE entry;
ALTER TABLE packed_entry RENAME TO entry;
CREATE UNIQUE INDEX entry_key ON entry (content_id, map, key);
