"""The rows of `table` that are about the working memory."""

from __future__ import annotations

from tests.conformance import (
    test_store_values,
    test_store_values_ends,
    test_store_values_lists,
    test_store_values_races,
)
from tests.conformance.broken import values
from tests.conformance.broken.row import COMMITTED_STATE, Row

DURABLE = (
    "Must return only when the commit, or the committed state that the answer depends on, "
    "is durable."
)
REPLACED = (
    "Must replace what has the key in the scope, and nothing else, by a value with an etag that "
    "no value had before."
)
REPEATED = (
    "Must answer again where the request_id set the value that is there, and refuse it with "
    "REQUEST_ID_REUSED where it came with another body."
)
OVER = (
    "a value must not be there any more from the moment that its ttl is over by the store's clock."
)
DELETED = (
    "Must refuse with ETAG_MISMATCH where there is a value with another etag, and answer that it "
    "deleted nothing where there is none."
)
ALONG = (
    "Must delete the execution's values in the same commit, also where there was no head, and none "
    "when it answers again or refuses."
)
REOPENED = test_store_values.test_what_was_set_and_deleted_is_so_after_a_reopening
NOT_THERE = test_store_values_ends.test_a_value_is_not_there_from_the_moment_that_its_ttl_is_over

VALUES = [
    Row(values.SetsInMemoryAlone, DURABLE, REOPENED),
    Row(
        values.KeepsTheOldTtl,
        REPLACED,
        test_store_values.test_a_value_takes_the_place_of_the_one_before_whole,
    ),
    Row(
        values.NamesValuesByTheirBytes,
        REPLACED,
        test_store_values.test_the_same_value_is_another_each_time,
    ),
    Row(
        values.SetsInEveryScope,
        REPLACED,
        test_store_values.test_keys_and_scopes_have_nothing_of_one_another,
    ),
    Row(
        values.SetsWithARevision,
        "Must take no revision.",
        test_store_values.test_it_takes_no_revision_and_writes_no_change,
    ),
    Row(
        values.SetsAgain,
        REPEATED,
        test_store_values_races.test_many_with_the_same_request_id_set_one_value,
    ),
    Row(
        values.AnswersAnyBody,
        REPEATED,
        test_store_values.test_a_request_id_with_another_body_is_refused,
        {"scope": "a", "changed": {"value": b"2"}},
    ),
    Row(
        values.DecidesAValueOutsideItsCommit,
        COMMITTED_STATE,
        test_store_values_races.test_one_of_many_that_must_not_exist_wins,
    ),
    Row(
        values.ReadsUpToANul,
        "Must give exactly what was set.",
        test_store_values.test_what_was_set_is_read_exactly,
        {"scope": "a", "value": bytes(range(256))},
    ),
    Row(
        values.GivesAnEmptyValue,
        "Must refuse with VALUE_NOT_FOUND.",
        test_store_values.test_what_is_not_there_is_not_found,
        {"scope": None},
    ),
    Row(values.ShowsValuesUntilTheyAreFreed, OVER, NOT_THERE, {"scope": "a", "maintained": False}),
    Row(values.ListsValuesUntilTheyAreFreed, OVER, NOT_THERE, {"scope": "a", "maintained": False}),
    Row(values.GoesByAnotherClock, OVER, test_store_values_ends.test_a_ttl_is_by_the_stores_clock),
    Row(values.DeletesInMemoryAlone, "Must return only when that is durable.", REOPENED),
    Row(
        values.DeletesWhateverIsThere,
        DELETED,
        test_store_values.test_a_value_that_is_there_must_be_the_one_that_is_named,
        {"scope": "a"},
    ),
    Row(
        values.DeletesWhatIsNotThere,
        DELETED,
        test_store_values.test_what_is_not_there_is_not_found,
        {"scope": "a"},
    ),
    Row(
        values.SortsKeysWithoutCase,
        "Must list them by the bytes of their UTF-8.",
        test_store_values_lists.test_keys_are_listed_by_their_bytes,
        {"scope": "run", "limit": 100},
    ),
    Row(
        values.LeavesValuesBehind,
        ALONG,
        test_store_values_ends.test_a_delete_takes_the_values_along,
        {"head": True},
    ),
    Row(
        values.LeavesValuesWithoutAHead,
        ALONG,
        test_store_values_ends.test_a_delete_takes_the_values_along,
        {"head": False},
    ),
    Row(
        values.DeletesValuesAMomentLater,
        ALONG,
        test_store_values_ends.test_whoever_sees_the_delete_sees_no_value,
    ),
    Row(
        values.DeletesValuesAgain,
        ALONG,
        test_store_values_ends.test_a_delete_that_is_answered_again_spares_the_values_since,
        {"head": True},
    ),
    Row(
        values.DeletesValuesAnyway,
        ALONG,
        test_store_values_ends.test_a_delete_that_is_refused_deletes_no_value,
    ),
    Row(
        values.ExpiresWithoutItsValues,
        "Must delete its values in the same commit.",
        test_store_values_ends.test_an_expiry_takes_the_values_along,
    ),
    Row(
        values.ForksTheValues,
        "Must not copy values.",
        test_store_values_ends.test_a_fork_has_the_values_of_its_own_name_alone,
    ),
    Row(
        values.PrunesTheValues,
        "Must leave values alone.",
        test_store_values_ends.test_a_delete_of_history_leaves_the_values,
    ),
]
