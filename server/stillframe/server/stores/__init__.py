"""Stores: where snapshots are kept. Nothing in here knows gRPC."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from stillframe.server.stores.base import StoreConfig, UnknownStoreError

if TYPE_CHECKING:
    from stillframe.server.stores.base import Store

ENTRY_POINT_GROUP = "stillframe.stores"


async def open_store(url: str, config: StoreConfig | None = None) -> Store:
    """Opens the store that the URL's scheme names.

    Schemes are entry points of the group `stillframe.stores`, so that a package
    can bring a store of its own (DESIGN section 8). Raises UnknownStoreError when
    none has the scheme.
    """
    # Not by urlsplit, which raises at what a password may have.
    found_scheme = re.match(r"([a-z][a-z0-9+.-]*):", url, re.IGNORECASE)
    scheme = found_scheme[1].lower() if found_scheme else ""
    found = entry_points(group=ENTRY_POINT_GROUP, name=scheme)
    if not scheme or not found:
        known = ", ".join(sorted(entry_points(group=ENTRY_POINT_GROUP).names))
        # Not the URL, which may hold a password.
        raise UnknownStoreError(f"no store for {scheme!r}: the known schemes are {known}")
    try:
        store_class = cast("type[Store]", next(iter(found)).load())
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("stillframe"):
            raise
        raise UnknownStoreError(
            f"the store for {scheme!r} is not installed (no module {error.name}): pip install"
            ' "stillframe[server,postgres]"'
        ) from error
    return await store_class.open(url, config or StoreConfig())
