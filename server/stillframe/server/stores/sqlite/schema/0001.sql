-- Schema 1. Rowid tables and few indexes: a WITHOUT ROWID table of large values
-- stores several times its bytes, and every index costs a page for each commit.

CREATE TABLE store (
    origin_mark BLOB NOT NULL            -- the mark of revision 0 of every tenant
);

CREATE TABLE tenant (
    id    INTEGER PRIMARY KEY,           -- below 2^23, see change.id
    name  TEXT NOT NULL UNIQUE,
    floor INTEGER NOT NULL DEFAULT 1     -- the first revision that the change log has
);

-- One row for each execution's name: its head while it exists, its tombstone after.
CREATE TABLE execution (
    id            INTEGER PRIMARY KEY,
    tenant_id     INTEGER NOT NULL,
    name          TEXT NOT NULL,
    content_id    INTEGER,               -- change.id of its creation; NULL: tombstone
    head_id       INTEGER,               -- change.id of its head
    last_version  INTEGER NOT NULL,
    epoch_floor   INTEGER NOT NULL,
    expire_at     INTEGER,               -- nanoseconds since 1970
    touched       INTEGER NOT NULL,      -- nanoseconds since 1970; a tombstone's age
    state         INTEGER,               -- of the head, as are the next two
    user_id       TEXT,
    parent_name   TEXT,
    answers       BLOB NOT NULL          -- rules.Answers
);
CREATE UNIQUE INDEX execution_name ON execution (tenant_id, name);
CREATE INDEX execution_state ON execution (tenant_id, state, name)
    WHERE state IS NOT NULL;
CREATE INDEX execution_user ON execution (tenant_id, user_id, name)
    WHERE user_id IS NOT NULL;
CREATE INDEX execution_parent ON execution (tenant_id, parent_name, name)
    WHERE parent_name IS NOT NULL;
CREATE INDEX execution_expiry ON execution (expire_at)
    WHERE expire_at IS NOT NULL;
CREATE INDEX execution_tombstone ON execution (touched)
    WHERE content_id IS NULL;

-- The change log, and the only header row of each version. A row outlives the log's
-- floor while its version can be read, and its version while the log has it.
CREATE TABLE change (
    id           INTEGER PRIMARY KEY,    -- tenant.id * 2^40 + revision
    mark         BLOB NOT NULL,
    kind         INTEGER NOT NULL,       -- ChangeKind: SAVED, DELETED or EXPIRED
    content_id   INTEGER,                -- NULL: no version that can be read
    version      INTEGER NOT NULL,
    entry_count  INTEGER NOT NULL,
    entries_size INTEGER NOT NULL,
    snapshot_id  TEXT,
    header       BLOB NOT NULL,          -- ExecutionSnapshot without maps and omission
    before       BLOB                    -- what filters test of the head before
);
CREATE UNIQUE INDEX change_version ON change (content_id, version)
    WHERE content_id IS NOT NULL;
CREATE UNIQUE INDEX change_snapshot_id ON change (content_id, snapshot_id)
    WHERE content_id IS NOT NULL AND snapshot_id IS NOT NULL;

-- The entries of heads, whole.
CREATE TABLE entry (
    id         INTEGER PRIMARY KEY,
    content_id INTEGER NOT NULL,
    map        INTEGER NOT NULL,         -- SnapshotMap
    key        TEXT NOT NULL,
    since      INTEGER NOT NULL,         -- the version that set it
    digest     BLOB NOT NULL,
    payload    BLOB NOT NULL             -- a serialised Payload
);
CREATE UNIQUE INDEX entry_key ON entry (content_id, map, key);

-- What entries were before: in the versions from `since` to below `until`.
CREATE TABLE history (
    id         INTEGER PRIMARY KEY,
    content_id INTEGER NOT NULL,
    until      INTEGER NOT NULL,         -- the version that changed or removed it
    since      INTEGER NOT NULL,
    map        INTEGER NOT NULL,
    key        TEXT NOT NULL,
    digest     BLOB NOT NULL,
    form       INTEGER NOT NULL DEFAULT 0, -- how payload is kept; 0: whole
    payload    BLOB NOT NULL
);
CREATE INDEX history_until ON history (content_id, until);

-- Contents of executions that are gone, to be freed slice by slice.
CREATE TABLE garbage (
    content_id INTEGER PRIMARY KEY
);
