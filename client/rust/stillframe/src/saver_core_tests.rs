//! What a background saver does next, without a task or a server.

use super::*;
use crate::enums::{ExecutionState, SaveOutcome};
use crate::error::{Code, Reason};
use crate::snapshot::Snapshot;
use crate::value::JsonCodec;

const ABSENCE: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(30);

fn core() -> Core {
    Core::new(RetryPolicy::default(), ABSENCE)
}

fn submit(core: &mut Core, number: u64) -> Result<()> {
    let snapshot = Snapshot::new(ExecutionState::Running).sequence_number(number);
    core.submit(
        EncodedSnapshot::of(&snapshot, &JsonCodec).unwrap(),
        SaveOptions::default(),
    )
}

fn take(core: &mut Core, now: Instant) -> Job {
    core.take(TIMEOUT, now).unwrap().0
}

fn saved(version: u64) -> Saved {
    Saved {
        version,
        etag: String::new(),
        revision: version,
        resume_token: String::new(),
        outcome: SaveOutcome::Updated,
    }
}

fn unavailable() -> Error {
    Error::new(Code::Unavailable, None, "gone")
}

#[test]
fn the_newest_state_takes_the_place_of_one_that_waits() {
    let mut core = core();
    submit(&mut core, 1).unwrap();
    submit(&mut core, 2).unwrap();
    let job = take(&mut core, Instant::now());
    assert_eq!((job.ticket, job.snapshot.header.sequence_number), (2, 2));
    assert!(!core.is_settled(1));
    core.saved(&job, saved(1));
    assert!(core.is_settled(1) && core.is_settled(2));
    assert_eq!(core.last, Some(saved(1)));
}

#[test]
fn after_a_failure_the_newest_state_is_tried() {
    let (mut core, now) = (core(), Instant::now());
    submit(&mut core, 1).unwrap();
    let job = take(&mut core, now);
    assert_eq!(
        core.failed(job, unavailable(), now, 0.5),
        Some(Duration::from_millis(50))
    );
    assert_eq!(core.waiting.as_ref().unwrap().ticket, 1);
    let job = take(&mut core, now);
    submit(&mut core, 2).unwrap();
    assert_eq!(
        core.failed(job, unavailable(), now, 0.5),
        Some(Duration::from_millis(100))
    );
    assert_eq!(core.waiting.as_ref().unwrap().ticket, 2);
}

#[test]
fn an_absence_is_ridden_out_for_its_time() {
    let (mut core, now) = (core(), Instant::now());
    submit(&mut core, 1).unwrap();
    let job = take(&mut core, now);
    assert!(core.failed(job, unavailable(), now, 0.0).is_some());
    let later = now + Duration::from_secs(45);
    let (job, left) = core.take(TIMEOUT, later).unwrap();
    assert_eq!(left, Duration::from_secs(15));
    assert!(core.failed(job, unavailable(), later, 0.0).is_some());
    let (job, left) = core.take(Duration::from_secs(5), later).unwrap();
    assert_eq!(left, Duration::from_secs(5));
    assert!(core.failed(job, unavailable(), later, 0.0).is_some());
    let (job, left) = core.take(TIMEOUT, now + 2 * ABSENCE).unwrap();
    assert_eq!(left, Duration::from_millis(1));
    assert_eq!(core.failed(job, unavailable(), now + ABSENCE, 0.0), None);
    assert_eq!(core.check().unwrap_err().code(), Code::Unavailable);
}

#[test]
fn an_absence_counts_from_the_beginning_of_the_first_try() {
    let (mut core, now) = (core(), Instant::now());
    submit(&mut core, 1).unwrap();
    let job = take(&mut core, now);
    let (half, end) = (now + ABSENCE / 2, now + ABSENCE);
    assert!(core.failed(job, unavailable(), half, 0.0).is_some());
    let (job, left) = core.take(ABSENCE, half).unwrap();
    assert_eq!(left, ABSENCE / 2);
    assert_eq!(core.failed(job, unavailable(), end, 0.0), None);
    assert!(core.is_settled(1));
}

#[test]
fn however_long_the_server_wants_to_be_left_alone_the_absence_ends_in_time() {
    let (mut core, now) = (core(), Instant::now());
    submit(&mut core, 1).unwrap();
    let asked = || unavailable().with_retry_after(Some(Duration::from_secs(3_600)));
    let job = take(&mut core, now);
    assert_eq!(core.failed(job, asked(), now, 0.5), Some(ABSENCE));
    let later = now + Duration::from_secs(45);
    let job = take(&mut core, later);
    assert_eq!(
        core.failed(job, asked(), later, 0.5),
        Some(Duration::from_secs(15))
    );
}

#[test]
fn an_absence_that_is_over_does_not_count_for_the_next() {
    let (mut core, now) = (core(), Instant::now());
    submit(&mut core, 1).unwrap();
    let job = take(&mut core, now);
    core.failed(job, unavailable(), now, 0.0).unwrap();
    let job = take(&mut core, now);
    core.saved(&job, saved(1));
    submit(&mut core, 2).unwrap();
    let much_later = now + 2 * ABSENCE;
    let job = take(&mut core, much_later);
    assert!(core.failed(job, unavailable(), much_later, 0.0).is_some());
}

#[test]
fn a_fatal_error_is_given_to_everybody() {
    let mut core = core();
    submit(&mut core, 1).unwrap();
    let job = take(&mut core, Instant::now());
    let fenced = Error::new(Code::FailedPrecondition, Some(Reason::Fenced), "no");
    assert_eq!(core.failed(job, fenced, Instant::now(), 0.0), None);
    assert!(core.is_settled(1));
    for _ in 0..2 {
        assert!(submit(&mut core, 2).unwrap_err().is(&Reason::Fenced));
        assert!(core.check().unwrap_err().is(&Reason::Fenced));
    }
}

#[test]
fn what_is_closed_takes_no_more() {
    let mut core = core();
    core.closed = true;
    assert!(submit(&mut core, 1).unwrap_err().is(&Reason::Closed));
    core.stop();
    assert!(core.check().is_ok(), "it ended as it was told to");
}

#[test]
fn a_task_that_ends_by_itself_is_an_error() {
    let mut core = core();
    submit(&mut core, 1).unwrap();
    core.closed = true;
    core.stop();
    assert!(core.is_settled(1));
    assert!(core.check().unwrap_err().is(&Reason::Closed));
}
