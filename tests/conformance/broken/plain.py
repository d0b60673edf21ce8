"""What the broken stores are made from: the memory store, and a disk for it to be on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stillframe.server.stores import marks
from stillframe.server.stores.memory import MemoryStore

if TYPE_CHECKING:
    from typing import Self

    from stillframe.server.stores.base import StoreConfig
    from stillframe.server.stores.memory.tenant import Run, Tenant


class PlainStore(MemoryStore):
    """Breaks nothing. It can be opened again with what the one before had on its disk."""

    def reopened(self, config: StoreConfig) -> Self:
        """Returns the store that is opened after this one has ended."""
        again = type(self)(config)
        again._origin_mark = self._origin_mark
        again._tenants = self.on_disk()
        return again

    def on_disk(self) -> dict[str, Tenant]:
        """Returns what outlives the process."""
        return self._tenants

    def _run(self, tenant_id: str, execution_id: str) -> Run:
        return self._open_tenant(tenant_id).run(execution_id)

    def _take_a_revision(self, tenant_id: str) -> None:
        """Writes the newest change once more, as the next revision."""
        tenant = self._open_tenant(tenant_id)
        revision = tenant.revision + 1
        tenant.changes.append(replace(tenant.changes[-1], revision=revision, mark=marks.new_mark()))
