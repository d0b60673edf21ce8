"""Which sentence each broken store breaks, and which test of the kit fails over it."""

from __future__ import annotations

from stillframe.server.stores.retention import Retention
from tests.conformance import (
    test_store_changes,
    test_store_concurrency,
    test_store_fork,
    test_store_fork_rules,
    test_store_lists,
    test_store_load,
    test_store_maintain,
    test_store_open,
    test_store_outlines,
    test_store_prune,
    test_store_races,
    test_store_retention,
    test_store_save,
    test_store_save_many,
)
from tests.conformance.broken import histories, logs, reads, saves
from tests.conformance.broken.row import COMMITTED_STATE, Row
from tests.conformance.broken.values_table import VALUES

TOMBSTONE = "Must keep the last version, the floor and the answers for tombstone_seconds."
REVISION = (
    "Must take a new revision and write one change record for an outcome CREATED or UPDATED, "
    "and neither for any other."
)
ONE_COMMIT = (
    "Must commit the new head, its history if that is asked for, and one SAVED record at once, "
    "under one revision."
)
ORIGIN = "Must keep snapshot ids, and say in the origin where each snapshot came from."
NOT_COPIED = "Must not copy the writer epoch floor or the ttl."
KEPT = "Must not change what a kept snapshot reads as."
EXPIRED = (
    "Must commit an EXPIRED change for every execution whose time has come by the store's clock."
)
RETAINED = "Must delete the history that the tenant's retention does not keep, and never a head."
NO_GAP = "Must return them without a gap, the first one being `after` + 1"

TABLE = [
    Row(
        saves.AnswersBeforeItsCommit,
        "Must return only when the commit, or the committed state that the answer depends on, "
        "is durable.",
        test_store_open.test_what_was_answered_is_there_after_a_reopening,
    ),
    Row(
        saves.DecidesOutsideItsCommit,
        COMMITTED_STATE,
        test_store_races.test_one_of_many_saves_on_the_same_etag_wins,
    ),
    Row(
        saves.LeavesHalfASave,
        "A cancelled call must have happened or not, never half.",
        test_store_concurrency.test_a_cancelled_save_happened_or_did_not,
        {"turns": 1},
    ),
    Row(
        saves.OverwritesHistory,
        "Must keep every earlier version as it was.",
        test_store_save.test_earlier_versions_stay_as_they_were,
    ),
    Row(
        saves.CountsWhatChangedNothing,
        REVISION,
        test_store_save.test_an_unchanged_save_takes_no_revision,
    ),
    Row(
        saves.GivesUpAtARefusal,
        "must not let a refused one fail another.",
        test_store_save_many.test_a_refused_save_does_not_fail_another,
    ),
    Row(
        saves.SavesTheLastFirst,
        "Must apply those of one execution in the order given",
        test_store_save_many.test_saves_of_one_execution_apply_in_the_order_given,
    ),
    Row(
        saves.BelievesTheLastWriter,
        "The writer epoch floor must only rise.",
        test_store_races.test_the_floor_only_rises,
    ),
    Row(
        saves.ForgetsTheFloorOfRefusals,
        "The writer epoch floor must only rise.",
        test_store_save.test_the_floor_rises_although_the_save_is_refused,
    ),
    Row(
        saves.ClaimsAMomentAfterItsRead,
        "Must be atomic with the read of the head.",
        test_store_races.test_nothing_of_the_old_writer_lands_after_a_claims_head,
    ),
    Row(
        saves.ReusesVersions,
        "Must give a version above every earlier one of the execution's name, deletes "
        "notwithstanding.",
        test_store_save.test_versions_go_on_after_a_delete,
    ),
    Row(
        saves.ForgetsTheFloorOnDelete,
        TOMBSTONE,
        test_store_save.test_a_tombstone_keeps_version_floor_and_answers,
        {"days": 0.0},
    ),
    Row(
        saves.ForgetsItsAnswersOnDelete,
        TOMBSTONE,
        test_store_save.test_a_tombstone_keeps_version_floor_and_answers,
        {"days": 0.0},
    ),
    Row(
        saves.KeepsNoTombstone,
        TOMBSTONE,
        test_store_save.test_a_tombstone_keeps_version_floor_and_answers,
        {"days": 29.0},
    ),
    Row(
        reads.TearsARead,
        "A load of several rows must see one snapshot of the store.",
        test_store_concurrency.test_a_load_sees_one_snapshot_of_the_store,
    ),
    Row(
        reads.OutlinesOneByOne,
        "Must read all of them in one snapshot of the store.",
        test_store_outlines.test_all_of_them_are_of_one_moment,
    ),
    Row(
        reads.LeavesOutUnsaid,
        "Must name in the omission every entry that the selection leaves out.",
        test_store_load.test_the_omission_names_every_entry_that_the_selection_leaves_out,
    ),
    Row(
        reads.PagesBesideItsPosition,
        "Must read page and position in one snapshot of the store.",
        test_store_concurrency.test_a_page_and_its_position_are_of_one_moment,
    ),
    Row(
        reads.SortsWithoutCase,
        "Keys must compare by the bytes of their UTF-8.",
        test_store_lists.test_executions_are_listed_by_the_bytes_of_their_ids,
        {"limit": 100},
    ),
    Row(
        reads.PagesByRevisionAlone,
        "Reads snapshots by revision and version, newest first, from the one below `before`.",
        test_store_fork.test_history_is_listed_by_revision_and_then_by_version,
    ),
    Row(
        logs.WritesTheRecordLater,
        "A commit must be atomic with its change record.",
        test_store_concurrency.test_a_save_is_seen_by_what_is_called_after_its_answer,
    ),
    Row(
        logs.ShowsALateRevision,
        "Where a revision is visible, all below it must be visible.",
        test_store_changes.test_changes_come_in_order_from_the_one_after,
        {"limit": 100},
    ),
    Row(
        logs.LosesARecord,
        NO_GAP,
        test_store_concurrency.test_revisions_have_no_gap_across_executions,
    ),
    Row(
        logs.BeginsWhereItCan,
        "Must refuse with HISTORY_COMPACTED when the log no longer has that one.",
        test_store_changes.test_what_the_log_no_longer_has_is_refused,
    ),
    Row(
        logs.TakesTheHeadForTheOneBefore,
        "A commit must be atomic with its change record.",
        test_store_changes.test_a_change_has_the_head_that_it_made_and_what_was_before,
    ),
    Row(
        logs.MarksTheNewest,
        "Reads the tenant's newest revision and its mark, or the mark of `revision`.",
        test_store_changes.test_a_position_is_the_mark_of_its_change,
    ),
    Row(
        logs.WakesNobody,
        "A revision that was returned must eventually be seen by every tail.",
        test_store_changes.test_everybody_who_waits_is_told_of_a_revision,
    ),
    Row(
        histories.ForksTheFloor,
        NOT_COPIED,
        test_store_fork_rules.test_the_writer_epoch_is_not_copied,
    ),
    Row(histories.ForksTheTtl, NOT_COPIED, test_store_fork_rules.test_the_ttl_is_not_copied),
    Row(
        histories.ForksFromVersionOne,
        "Must number versions in the old order from the one above the last version of the new "
        "name.",
        test_store_fork.test_versions_go_on_above_those_of_a_deleted_execution,
    ),
    Row(
        histories.ForgetsWhereAForkCameFrom,
        ORIGIN,
        test_store_fork.test_the_whole_history_comes_along_if_asked_for,
    ),
    Row(
        histories.ForksWithoutSnapshotIds,
        ORIGIN,
        test_store_fork.test_snapshot_ids_are_kept_and_taken,
    ),
    Row(
        histories.ForksInTwoCommits,
        ONE_COMMIT,
        test_store_fork.test_a_fork_is_one_commit_with_one_change,
    ),
    Row(
        histories.PrunesTheHead,
        "What does not exist is passed over, and the head too.",
        test_store_prune.test_the_head_and_what_does_not_exist_are_passed_over,
        {"fields": {"versions": [5]}},
    ),
    Row(
        histories.BreaksTheChainAtAPrune,
        KEPT,
        test_store_prune.test_what_is_named_goes_and_nothing_else,
        {"gone": [2]},
    ),
    Row(histories.PrunesWhatForksShare, KEPT, test_store_fork.test_neither_moves_the_other),
    Row(
        histories.PrunesWithARevision,
        "Must take no revision.",
        test_store_prune.test_it_takes_no_revision_and_writes_no_change,
    ),
    Row(
        histories.KeepsTheIdsOfWhatIsGone,
        "Must free the snapshot_id of what it deletes.",
        test_store_prune.test_a_snapshot_id_is_free_once_its_snapshot_is_gone,
    ),
    Row(
        histories.RetainsTheFirst,
        RETAINED,
        test_store_retention.test_the_last_versions_are_kept_the_head_among_them,
    ),
    Row(
        histories.RetainsByAge,
        RETAINED,
        test_store_retention.test_a_version_is_kept_for_so_long_after_a_newer_one,
    ),
    Row(
        histories.RetainsNoOldHead,
        RETAINED,
        test_store_retention.test_the_head_never_goes,
        {"retention": Retention(seconds=1)},
    ),
    Row(
        histories.ExpiresUnsaid,
        EXPIRED,
        test_store_maintain.test_an_execution_whose_time_has_come_expires_with_a_change,
    ),
    Row(
        histories.ExpiresByAnotherClock,
        EXPIRED,
        test_store_maintain.test_an_expiry_is_decided_by_the_stores_clock,
    ),
    *VALUES,
]
