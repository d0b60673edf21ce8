-- Schema 2. History as patches, forks, pruning and retention.

-- What entries were before: in the versions from `since` to below `until`. The rows of
-- a key are a chain: a patch is against the value that took its place, in the next row
-- of the key or, after the last, in `entry`.
CREATE TABLE patched_history (
    id         INTEGER PRIMARY KEY,
    content_id INTEGER NOT NULL,
    map        INTEGER NOT NULL,         -- SnapshotMap
    key        TEXT NOT NULL,
    until      INTEGER NOT NULL,         -- the version that changed or removed it
    since      INTEGER NOT NULL,
    form       INTEGER NOT NULL,         -- patches.Form
    base       INTEGER,                  -- of a patch: `since` of the value it is against
    link       INTEGER NOT NULL,         -- patches in a row up to this one; 0: none
    size       INTEGER NOT NULL,         -- bytes of the value
    digest     BLOB NOT NULL,            -- of the value
    payload    BLOB NOT NULL
);
INSERT INTO patched_history
    (id, content_id, map, key, until, since, form, base, link, size, digest, payload)
    SELECT id, content_id, map, key, until, since, 0, NULL, 0, length(payload), digest, payload
    FROM history;
DROP TABLE history;
ALTER TABLE patched_history RENAME TO history;
CREATE UNIQUE INDEX history_key ON history (content_id, map, key, until);

-- Versions that a fork brought along are not in the change log: their ids are negative.
-- Their content_id, the change.id of the fork, says where in history they stand.
CREATE INDEX change_inherited ON change (content_id, version) WHERE id < 0;

-- The state before says, in its first byte, which fields are the same in the header.
UPDATE change SET before = CAST(x'00' || before AS BLOB) WHERE before IS NOT NULL;

-- How far the tenant's retention has read the change log, and which one that was.
ALTER TABLE tenant ADD COLUMN retained INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenant ADD COLUMN retention TEXT NOT NULL DEFAULT 'all';

-- Contents with versions gone between `low` and `high`, both exclusive, whose values are
-- to be freed slice by slice. map, key and until say where the sweep is; next_low and
-- next_high what has gone since it began, for the one after it.
CREATE TABLE sweep (
    content_id INTEGER PRIMARY KEY,
    low        INTEGER NOT NULL,
    high       INTEGER NOT NULL,
    map        INTEGER NOT NULL DEFAULT 0,
    key        TEXT NOT NULL DEFAULT '',
    until      INTEGER NOT NULL DEFAULT 0,
    next_low   INTEGER,
    next_high  INTEGER
);
