"""What commits decide: the rules of DESIGN sections 3 and 4, in their order.

Pure: a store reads the execution under its lock, asks `decide`, and writes what the
decision says in the same transaction. So every store decides alike, and none decides
outside its commit.
"""

from stillframe.server.stores.rules.fork import Fork
from stillframe.server.stores.rules.headers import (
    NANOS,
    client_header,
    deleted_header,
    expire_at,
    next_commit_time,
)
from stillframe.server.stores.rules.removal import Delete, Prune
from stillframe.server.stores.rules.save import Save, Unwritten, Write
from stillframe.server.stores.rules.values import (
    SetValue,
    get_response,
    key_info,
    must_delete,
    scope_of,
    set_response,
)

__all__ = [
    "NANOS",
    "Delete",
    "Fork",
    "Prune",
    "Save",
    "SetValue",
    "Unwritten",
    "Write",
    "client_header",
    "deleted_header",
    "expire_at",
    "get_response",
    "key_info",
    "must_delete",
    "next_commit_time",
    "scope_of",
    "set_response",
]
