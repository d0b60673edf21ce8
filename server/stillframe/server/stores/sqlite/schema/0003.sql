-- Schema 3. The working memory.

-- Where keys are: one row for the tenant's own scope, and one for each execution's name
-- that has values. A row without a name is of an execution that is gone: its values are to
-- be freed slice by slice.
CREATE TABLE scope (
    id        INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    name      TEXT                       -- the execution's; '' is the tenant's own scope
);
CREATE UNIQUE INDEX scope_name ON scope (tenant_id, name)
    WHERE name IS NOT NULL;
CREATE INDEX scope_gone ON scope (id)
    WHERE name IS NULL;

CREATE TABLE value (
    id          INTEGER PRIMARY KEY,
    scope_id    INTEGER NOT NULL,
    key         TEXT NOT NULL,
    mark        BLOB NOT NULL,
    commit_time INTEGER NOT NULL,        -- nanoseconds since 1970, as is the next
    expire_at   INTEGER,                 -- from when on it is not there any more
    request     BLOB NOT NULL,           -- records.ValueInfo, as is the next
    body        BLOB NOT NULL,
    digest      BLOB NOT NULL,           -- of data
    data        BLOB NOT NULL            -- last: the others are read without it
);
CREATE UNIQUE INDEX value_key ON value (scope_id, key);
CREATE INDEX value_expiry ON value (expire_at)
    WHERE expire_at IS NOT NULL;
