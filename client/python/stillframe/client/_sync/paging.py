"""Lists, page after page."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

from stillframe.client import _types as t

T = TypeVar("T")


class Fetch(Protocol[T]):
    """Gets one page of a list."""

    def __call__(self, *, page_token: str) -> t.Page[T]: ...


def pages(fetch: Fetch[T]) -> Iterator[T]:
    """Iterates over the items of all pages; asks for each when the one before is used up."""
    page_token = ""
    while True:
        page = fetch(page_token=page_token)
        yield from page.items
        page_token = page.next_page_token
        if not page_token:
            return
