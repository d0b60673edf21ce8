"""The calls of `Client` that are about the working memory."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import TypeVar

from stillframe.client import _memory
from stillframe.client import _types as t
from stillframe.client._requests import Call, Requests
from stillframe.client._sync.paging import pages

T = TypeVar("T")


class MemoryCalls(ABC):
    """What a client does with values that stand beside the snapshots.

    Each is in one scope: an execution's, or without an `execution_id` the tenant's own.
    """

    _requests: Requests

    @abstractmethod
    def _unary(self, call: Call[T], timeout: float | None = None) -> T: ...

    def set_value(
        self,
        key: str,
        value: bytes,
        *,
        execution_id: str | None = None,
        ttl: timedelta | float | None = None,
        expected_etag: str | None = None,
        must_not_exist: bool = False,
        request_id: str | None = None,
    ) -> t.ValueCommit:
        """Sets a value of the working memory, in place of the one that has the key, and
        returns once it is durable.

        `value`: any bytes; what they mean is the caller's, no codec touches them.
        `execution_id`: the execution in whose scope the key is, which need not exist, and
        whose delete or expiry deletes the value; None is the tenant's own scope. `ttl`: how
        long the value lives from this commit, as a timedelta or in seconds, more than zero;
        None is until it is deleted. `expected_etag`: refuse with EtagMismatchError unless
        the value that is there has it. `must_not_exist`: refuse with ValueExistsError if
        there is a value; contradicts expected_etag. `request_id`: as in `save`; it is known
        while the value that it set is there.

        Raises ValueTooLargeError.
        """
        return self._unary(
            _memory.set_value(
                self._requests,
                key,
                value,
                execution_id=execution_id,
                ttl=ttl,
                expected_etag=expected_etag,
                must_not_exist=must_not_exist,
                request_id=request_id,
            )
        )

    def get_value(self, key: str, *, execution_id: str | None = None) -> t.StoredValue:
        """Gets a value of the working memory. The scope as in `set_value`.

        Raises ValueNotFoundError, also once its ttl is over.
        """
        return self._unary(_memory.get_value(self._requests, key, execution_id=execution_id))

    def delete_value(
        self, key: str, *, execution_id: str | None = None, expected_etag: str | None = None
    ) -> bool:
        """Deletes a value of the working memory, and returns whether there was one: False as
        well when an earlier try of this call, whose answer was lost, has deleted it.

        `expected_etag`: refuse with EtagMismatchError if there is a value with another. The
        scope as in `set_value`.
        """
        return self._unary(
            _memory.delete_value(
                self._requests, key, execution_id=execution_id, expected_etag=expected_etag
            )
        )

    def list_keys(
        self,
        *,
        execution_id: str | None = None,
        key_prefix: str | None = None,
        page_size: int = 0,
    ) -> Iterator[t.KeyInfo]:
        """Iterates over the keys of one scope, in order of their bytes, without the values. A
        key that is there all the while is neither skipped nor given twice.

        `key_prefix`: those that start with it. `page_size`: keys per call; 0 is 100, at most
        1,000. The scope as in `set_value`.
        """
        return pages(
            partial(
                self.list_keys_page,
                execution_id=execution_id,
                key_prefix=key_prefix,
                page_size=page_size,
            )
        )

    def list_keys_page(
        self,
        *,
        execution_id: str | None = None,
        key_prefix: str | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> t.Page[t.KeyInfo]:
        """One page of `list_keys`; `page_token` as in `list_page`."""
        return self._unary(
            _memory.keys_page(
                self._requests,
                execution_id=execution_id,
                key_prefix=key_prefix,
                page_size=page_size,
                page_token=page_token,
            )
        )
