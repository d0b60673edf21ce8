//! The state of a watch, driven by hand.

use super::*;
use crate::value::JsonCodec;

fn watching(start: Option<Start>, restart_if_lost: bool) -> Watching {
    let request = pb::WatchSnapshotsRequest {
        start,
        ..pb::WatchSnapshotsRequest::default()
    };
    let policy = RetryPolicy {
        max_attempts: 3,
        ..RetryPolicy::default()
    };
    Watching::new(request, Arc::new(JsonCodec), policy, restart_if_lost)
}

fn initial() -> Option<Start> {
    Some(Start::InitialState(pb::WatchFromInitialState {}))
}

fn token(token: &str) -> Option<Start> {
    Some(Start::ResumeToken(token.to_owned()))
}

fn frame(token: &str, frame: Frame) -> pb::WatchFrame {
    pb::WatchFrame {
        resume_token: token.to_owned(),
        frame: Some(frame),
    }
}

fn opened(token: &str) -> pb::WatchFrame {
    frame(token, Frame::Opened(pb::WatchOpened::default()))
}

fn change(token: &str, execution_id: &str) -> pb::WatchFrame {
    let snapshot = pb::ExecutionSnapshot {
        execution_id: execution_id.to_owned(),
        ..pb::ExecutionSnapshot::default()
    };
    let kind = pb::ChangeKind::Saved.into();
    frame(
        token,
        Frame::Change(pb::SnapshotChange {
            kind,
            snapshot: Some(snapshot),
            content_gone: false,
        }),
    )
}

fn end(token: &str) -> pb::WatchFrame {
    frame(
        token,
        Frame::InitialStateEnd(pb::WatchInitialStateEnd { execution_count: 1 }),
    )
}

/// What the events of these frames are, in short.
fn take(watching: &mut Watching, frames: Vec<pb::WatchFrame>) -> Vec<String> {
    watching.receive(pb::WatchSnapshotsResponse { frames });
    std::iter::from_fn(|| watching.next_event())
        .map(|event| match event {
            WatchEvent::Opened(_) => "opened".to_owned(),
            WatchEvent::Change(change) if change.initial => {
                format!("head {}", change.snapshot.execution_id)
            }
            WatchEvent::Change(change) => change.snapshot.execution_id,
            WatchEvent::InitialStateEnd { .. } => "end".to_owned(),
            WatchEvent::CaughtUp { .. } => "caught up".to_owned(),
            WatchEvent::Progress { .. } => "progress".to_owned(),
            WatchEvent::Restarted { reason } => format!("restarted {reason}"),
        })
        .collect()
}

fn unavailable() -> Option<Error> {
    Some(Error::new(Code::Unavailable, None, "gone"))
}

fn lost(reason: Reason) -> Option<Error> {
    Some(Error::new(Code::OutOfRange, Some(reason), "lost"))
}

#[test]
fn it_resumes_after_the_event_that_was_handed_out_last() {
    let mut watching = watching(None, false);
    assert_eq!(
        watching.next_request().start,
        Some(Start::Now(pb::WatchFromNow {}))
    );
    let frames = vec![opened("r1"), change("r2", "a"), change("r3", "b")];
    watching.receive(pb::WatchSnapshotsResponse { frames });
    watching.next_event();
    let event = watching.next_event().unwrap();
    assert_eq!(event.resume_token(), "r2");
    assert_eq!(watching.resume_token(), "r2");
    watching.ended(unavailable(), 0.5).unwrap();
    assert_eq!(watching.next_request().start, token("r2"));
    // What came and was not handed out comes again.
    assert_eq!(
        take(&mut watching, vec![opened(""), change("r3", "b")]),
        ["opened", "b"]
    );
}

#[test]
fn a_cut_inside_the_initial_state_starts_over_and_says_so() {
    let mut watching = watching(initial(), false);
    assert_eq!(watching.next_request().start, initial());
    assert_eq!(
        take(&mut watching, vec![opened("r1"), change("r2", "a")]),
        ["opened", "head a"]
    );
    assert_eq!(watching.resume_token(), "");
    watching.ended(unavailable(), 0.0).unwrap();
    assert_eq!(watching.next_request().start, initial());
    let again = vec![opened(""), change("", "a"), end("r5"), change("r6", "b")];
    let events = take(&mut watching, again);
    assert_eq!(
        events,
        ["restarted INTERRUPTED", "opened", "head a", "end", "b"]
    );
    assert_eq!(watching.next_request().start, token("r6"));
}

#[test]
fn a_cut_before_the_first_head_is_no_restart() {
    let mut watching = watching(initial(), false);
    watching.next_request();
    assert_eq!(take(&mut watching, vec![opened("")]), ["opened"]);
    watching.ended(unavailable(), 0.0).unwrap();
    watching.next_request();
    assert_eq!(
        take(&mut watching, vec![opened(""), change("", "a")]),
        ["opened", "head a"]
    );
}

#[test]
fn a_lost_token_ends_the_watch_unless_it_was_told_to_survive() {
    let mut strict = watching(token("r1"), false);
    strict.next_request();
    let error = strict
        .ended(lost(Reason::HistoryCompacted), 0.0)
        .unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::HistoryCompacted));

    let mut watching = watching(token("r1"), true);
    watching.next_request();
    watching.ended(lost(Reason::StoreReplaced), 0.0).unwrap();
    assert_eq!(watching.next_request().start, initial());
    let events = take(&mut watching, vec![opened(""), change("", "a"), end("r9")]);
    assert_eq!(
        events,
        ["restarted STORE_REPLACED", "opened", "head a", "end"]
    );
}

#[test]
fn the_reason_of_a_restart_outlives_a_cut_before_it_is_said() {
    let mut watching = watching(token("r1"), true);
    watching.next_request();
    watching.ended(lost(Reason::HistoryCompacted), 0.0).unwrap();
    watching.next_request();
    watching.ended(unavailable(), 0.0).unwrap();
    watching.next_request();
    assert_eq!(
        take(&mut watching, vec![opened("")]),
        ["restarted HISTORY_COMPACTED", "opened"]
    );
}

#[test]
fn a_watch_that_never_opened_gives_up_and_one_that_did_does_not() {
    let mut never = watching(None, false);
    assert!(never.ended(unavailable(), 0.0).is_ok());
    assert!(never.ended(unavailable(), 0.0).is_ok());
    assert_eq!(
        never.ended(unavailable(), 0.0).unwrap_err().code(),
        Code::Unavailable
    );

    let mut open = watching(None, false);
    open.next_request();
    take(&mut open, vec![opened("r1")]);
    for _ in 0..1_000 {
        open.ended(unavailable(), 0.9).unwrap();
    }
    let refused = Error::new(Code::InvalidArgument, Some(Reason::InvalidField), "no");
    assert!(open.ended(Some(refused), 0.0).is_err());
}

#[test]
fn the_time_that_the_server_names_is_waited() {
    let mut watching = watching(None, false);
    let asked = Error::new(Code::Unavailable, Some(Reason::ShuttingDown), "")
        .with_retry_after(Some(Duration::from_secs(2)));
    assert_eq!(
        watching.ended(Some(asked), 0.5).unwrap(),
        Duration::from_millis(2_050)
    );
    assert_eq!(
        watching.ended(None, 0.5).unwrap(),
        Duration::from_millis(100)
    );
}

#[test]
fn a_frame_of_a_kind_that_is_not_known_still_moves_the_token() {
    let mut watching = watching(None, false);
    watching.next_request();
    let unknown = pb::WatchFrame {
        resume_token: "r8".into(),
        frame: None,
    };
    let progress = frame("r9", Frame::Progress(pb::WatchProgress {}));
    let goodbye = frame("r10", Frame::Goodbye(pb::WatchGoodbye {}));
    assert_eq!(take(&mut watching, vec![opened("r1"), unknown]), ["opened"]);
    assert_eq!(watching.resume_token(), "r8");
    assert_eq!(take(&mut watching, vec![progress, goodbye]), ["progress"]);
    assert_eq!(watching.resume_token(), "r10");
}

#[test]
fn a_change_without_its_entries_cannot_be_saved() {
    let mut watching = watching(None, false);
    watching.next_request();
    let kind = pb::ChangeKind::Deleted.into();
    let snapshot = Some(pb::ExecutionSnapshot::default());
    let deleted = Frame::Change(pb::SnapshotChange {
        kind,
        snapshot,
        content_gone: false,
    });
    let frames = vec![opened(""), frame("r2", deleted)];
    watching.receive(pb::WatchSnapshotsResponse { frames });
    watching.next_event();
    let change = watching.next_event().unwrap().into_change().unwrap();
    let error = change.snapshot.to_snapshot().unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::IncompleteSnapshot));
}
