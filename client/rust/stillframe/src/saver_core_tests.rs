//! What a background saver does next, without a task or a server.

use super::*;
use crate::enums::{ExecutionState, SaveOutcome};
use crate::error::{Code, Reason};
use crate::snapshot::Snapshot;
use crate::value::JsonCodec;

const ABSENCE: Duration = Duration::from_secs(60);

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
    let job = core.waiting.take().unwrap();
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
    let job = core.waiting.take().unwrap();
    assert_eq!(
        core.failed(job, unavailable(), now, 0.5),
        Some(Duration::from_millis(50))
    );
    assert_eq!(core.waiting.as_ref().unwrap().ticket, 1);
    let job = core.waiting.take().unwrap();
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
    let job = core.waiting.take().unwrap();
    assert!(core.failed(job, unavailable(), now, 0.0).is_some());
    let later = now + Duration::from_secs(45);
    assert_eq!(
        core.time_left(Duration::from_secs(30), later),
        Duration::from_secs(15)
    );
    assert_eq!(
        core.time_left(Duration::from_secs(5), later),
        Duration::from_secs(5)
    );
    assert_eq!(
        core.time_left(ABSENCE, now + 2 * ABSENCE),
        Duration::from_millis(1)
    );
    let job = core.waiting.take().unwrap();
    assert_eq!(core.failed(job, unavailable(), now + ABSENCE, 0.0), None);
    assert_eq!(core.check().unwrap_err().code(), Code::Unavailable);
}

#[test]
fn however_long_the_server_wants_to_be_left_alone_the_absence_ends_in_time() {
    let (mut core, now) = (core(), Instant::now());
    submit(&mut core, 1).unwrap();
    let asked = || unavailable().with_retry_after(Some(Duration::from_secs(3_600)));
    let job = core.waiting.take().unwrap();
    assert_eq!(core.failed(job, asked(), now, 0.5), Some(ABSENCE));
    let later = now + Duration::from_secs(45);
    let job = core.waiting.take().unwrap();
    assert_eq!(
        core.failed(job, asked(), later, 0.5),
        Some(Duration::from_secs(15))
    );
}

#[test]
fn an_absence_that_is_over_does_not_count_for_the_next() {
    let (mut core, now) = (core(), Instant::now());
    submit(&mut core, 1).unwrap();
    let job = core.waiting.take().unwrap();
    core.failed(job, unavailable(), now, 0.0).unwrap();
    let job = core.waiting.take().unwrap();
    core.saved(&job, saved(1));
    submit(&mut core, 2).unwrap();
    let job = core.waiting.take().unwrap();
    assert!(
        core.failed(job, unavailable(), now + 2 * ABSENCE, 0.0)
            .is_some()
    );
}

#[test]
fn a_fatal_error_is_given_to_everybody() {
    let mut core = core();
    submit(&mut core, 1).unwrap();
    let job = core.waiting.take().unwrap();
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
