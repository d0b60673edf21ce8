"""Lists, page after page."""

from collections.abc import AsyncIterator, Awaitable
from typing import Protocol, TypeVar

from stillframe.client import _types as t

T = TypeVar("T")


class Fetch(Protocol[T]):
    """Gets one page of a list."""

    def __call__(self, *, page_token: str) -> Awaitable[t.Page[T]]: ...


async def pages(fetch: Fetch[T]) -> AsyncIterator[T]:
    """As `_sync.paging.pages`."""
    page_token = ""
    while True:
        page = await fetch(page_token=page_token)
        for each in page.items:
            yield each
        page_token = page.next_page_token
        if not page_token:
            return
