"""The watch: cursors over the change log.

A watcher has no queue. It is a cursor that reads the tenant's ring of recent changes
(`ring`), or the store when it is older than the ring, and sleeps until it is woken. So a
slow watcher costs its own bound of memory, whatever its lag, and loses nothing
(DESIGN section 5). `feed` has the watchers, `windows` what those at one position share,
`frames` what they send.
"""

from stillframe.server.watch.feed import Feed

__all__ = ["Feed"]
