//! Watches and savers, over a real socket.

mod support;

use std::collections::HashMap;
use std::time::Duration;

use stillframe::{
    ClaimOptions, Code, ExecutionOptions, ExecutionState, Reason, SaverOptions, Snapshot, Watch,
    WatchEvent, WatchOptions,
};
use stillframe_proto::v1 as pb;
use stillframe_proto::v1::watch_snapshots_request::Start;
use support::{Answer, End, Server, change, message, opened, saved, unavailable};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

async fn next_id(watch: &mut Watch) -> String {
    watch
        .next_change()
        .await
        .unwrap()
        .unwrap()
        .snapshot
        .execution_id
}

#[tokio::test]
async fn a_watch_goes_on_after_every_kind_of_cut() {
    let server = Server::start().await;
    server.script.answer([
        unavailable(),
        Answer::Frames(
            vec![opened(), change("r1", "a")],
            End::Status(Status::unavailable("cut")),
        ),
        Answer::Frames(vec![opened(), change("r2", "b")], End::Ok),
        Answer::Status(Status::internal("a proxy's")),
        Answer::Frames(vec![opened(), change("r3", "c")], End::Open),
    ]);
    let mut watch = server.client().watch(WatchOptions::default()).unwrap();
    for id in ["a", "b", "c"] {
        assert_eq!(next_id(&mut watch).await, id);
    }
    assert_eq!(watch.resume_token(), "r3");
    let calls = server.script.calls();
    let starts: Vec<_> = calls
        .iter()
        .map(|call| call.request::<pb::WatchSnapshotsRequest>().start.clone())
        .collect();
    let (now, token) = (Start::Now(pb::WatchFromNow {}), |text: &str| {
        Start::ResumeToken(text.into())
    });
    let expected = [now.clone(), now, token("r1"), token("r2"), token("r2")];
    assert_eq!(starts, expected.map(Some));
}

#[tokio::test]
async fn a_server_that_is_killed_is_waited_for() {
    let server = Server::start().await;
    let frames = vec![opened(), change("r1", "a")];
    server.script.answer([Answer::Frames(frames, End::Open)]);
    let mut watch = server.client().watch(WatchOptions::default()).unwrap();
    assert_eq!(next_id(&mut watch).await, "a");
    let address = server.address;
    server.kill().await;
    let watching = tokio::spawn(async move { next_id(&mut watch).await });
    let again = Answer::Frames(vec![opened(), change("r2", "b")], End::Open);
    let _server = Server::start_at(address, [again]).await;
    assert_eq!(watching.await.unwrap(), "b");
}

#[tokio::test]
async fn a_watch_that_is_dropped_ends_its_call() {
    let server = Server::start().await;
    server
        .script
        .answer([Answer::Frames(vec![opened()], End::Open)]);
    let mut watch = server.client().watch(WatchOptions::default()).unwrap();
    assert!(matches!(
        watch.next().await,
        Some(Ok(WatchEvent::Opened(_)))
    ));
    drop(watch);
    server.script.left.notified().await;
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let server = Server::start().await;
    let frames = vec![opened(), change("r1", "a")];
    server.script.answer([Answer::Frames(frames, End::Open)]);
    let mut watch = server.client().watch(WatchOptions::default()).unwrap();
    let mut given_up = 0;
    let change = loop {
        // Polled once and dropped, at whatever the watch is at.
        tokio::select! {
            biased;
            event = watch.next() => {
                if let Some(change) = event.unwrap().unwrap().into_change() {
                    break change;
                }
            }
            () = tokio::task::yield_now() => given_up += 1,
        }
    };
    assert_eq!(change.snapshot.execution_id, "a");
    assert_eq!(server.script.calls().len(), 1);
    assert!(given_up > 0);
}

#[tokio::test]
async fn an_error_that_trying_again_does_not_mend_ends_the_watch() {
    let server = Server::start().await;
    let lost = ErrorDetails::with_error_info("HISTORY_COMPACTED", "stillframe", HashMap::new());
    let lost = Status::with_error_details(Code::OutOfRange, "lost", lost);
    server.script.answer([Answer::Status(lost)]);
    let options = WatchOptions {
        resume_token: Some("r1".into()),
        ..WatchOptions::default()
    };
    let mut watch = server.client().watch(options).unwrap();
    assert!(
        watch
            .next()
            .await
            .unwrap()
            .unwrap_err()
            .is(&Reason::HistoryCompacted)
    );
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn options_that_contradict_each_other_are_refused() {
    let server = Server::start().await;
    let client = server.client();
    let both = WatchOptions {
        resume_token: Some("r1".into()),
        initial_state: true,
        ..WatchOptions::default()
    };
    let empty = WatchOptions {
        resume_token: Some(String::new()),
        ..WatchOptions::default()
    };
    for options in [both, empty] {
        assert!(client.watch(options).unwrap_err().is(&Reason::InvalidField));
    }
}

fn state(number: u64) -> Snapshot {
    Snapshot::new(ExecutionState::Running).sequence_number(number)
}

fn sequence(request: &pb::SaveSnapshotRequest) -> u64 {
    match request.content.as_ref().unwrap() {
        pb::save_snapshot_request::Content::Snapshot(snapshot) => snapshot.sequence_number,
        pb::save_snapshot_request::Content::Delta(delta) => {
            delta.snapshot.as_ref().unwrap().sequence_number
        }
    }
}

#[tokio::test]
async fn a_saver_saves_the_newest_state() {
    let server = Server::start().await;
    server.script.answer([unavailable(), saved(1), saved(2)]);
    let saver = server.client().saver("run-1", SaverOptions::default());
    assert_eq!(saver.flush().await.unwrap(), None);
    saver.submit(&state(1)).unwrap();
    server.script.came.notified().await;
    saver.submit(&state(2)).unwrap();
    saver.submit(&state(3)).unwrap();
    assert_eq!(saver.flush().await.unwrap().unwrap().version, 2);
    saver.close().await.unwrap();
    assert!(saver.submit(&state(4)).unwrap_err().is(&Reason::Closed));
    saver.close().await.unwrap();
    let calls = server.script.calls();
    let sequences: Vec<u64> = calls.iter().map(|call| sequence(call.request())).collect();
    assert_eq!(sequences, [1, 1, 3]);
}

#[tokio::test]
async fn a_handle_goes_on_as_a_saver() {
    let server = Server::start().await;
    let head = pb::ExecutionSnapshot {
        etag: "e7".into(),
        ..Default::default()
    };
    let claimed = pb::ClaimExecutionResponse {
        writer_epoch: 9,
        snapshot: Some(head),
        ..Default::default()
    };
    server.script.answer([message(claimed), saved(1)]);
    let mut run = server
        .client()
        .execution("run-1", ExecutionOptions::default());
    run.claim(ClaimOptions::default()).await.unwrap();
    let saver = run.into_saver(Duration::from_secs(60));
    saver.submit(&state(1)).unwrap();
    saver.close().await.unwrap();
    let calls = server.script.calls();
    let save: &pb::SaveSnapshotRequest = calls[1].request();
    assert_eq!(
        (save.writer_epoch, save.expected_etag.as_deref()),
        (Some(9), Some("e7"))
    );
}

#[tokio::test]
async fn a_saver_that_is_dropped_ends_its_call() {
    let server = Server::start().await;
    server.script.answer([Answer::Silence]);
    let saver = server.client().saver("run-1", SaverOptions::default());
    saver.submit(&state(1)).unwrap();
    server.script.came.notified().await;
    drop(saver);
    server.script.left.notified().await;
}

#[tokio::test]
async fn a_saver_stops_with_a_fatal_error() {
    let server = Server::start().await;
    let fenced = ErrorDetails::with_error_info("FENCED", "stillframe", HashMap::new());
    let fenced = Status::with_error_details(Code::FailedPrecondition, "fenced", fenced);
    server.script.answer([Answer::Status(fenced)]);
    let saver = server.client().saver("run-1", SaverOptions::default());
    saver.submit(&state(1)).unwrap();
    assert!(saver.flush().await.unwrap_err().is(&Reason::Fenced));
    assert!(saver.submit(&state(2)).unwrap_err().is(&Reason::Fenced));
    assert!(saver.close().await.unwrap_err().is(&Reason::Fenced));
}

#[tokio::test]
async fn a_saver_gives_a_silent_server_up_in_time() {
    let server = Server::start().await;
    server.script.answer((0..100).map(|_| Answer::Silence));
    let max_absence = Duration::from_millis(50);
    let saver = server.client().saver(
        "run-1",
        SaverOptions {
            max_absence,
            ..Default::default()
        },
    );
    saver.submit(&state(1)).unwrap();
    assert_eq!(
        saver.flush().await.unwrap_err().code(),
        Code::DeadlineExceeded
    );
    // The first try took all the time of the absence.
    assert!(server.script.calls().len() <= 1);
}

#[tokio::test]
async fn a_saver_gives_up_in_time_a_server_that_wants_to_be_left_alone() {
    let server = Server::start().await;
    let later = ErrorDetails::with_retry_info(Some(Duration::from_secs(3_600)));
    let later = Status::with_error_details(Code::Unavailable, "gone", later);
    server
        .script
        .answer((0..100).map(|_| Answer::Status(later.clone())));
    let options = SaverOptions {
        max_absence: Duration::from_millis(50),
        ..SaverOptions::default()
    };
    let saver = server.client().saver("run-1", options);
    saver.submit(&state(1)).unwrap();
    let closing = tokio::time::timeout(Duration::from_secs(60), saver.close());
    let error = closing.await.expect("it waits for an hour").unwrap_err();
    assert!(
        matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded),
        "{error}"
    );
}

#[tokio::test]
async fn a_flush_can_be_bounded() {
    let server = Server::start().await;
    server.script.answer([Answer::Silence]);
    let saver = server.client().saver("run-1", SaverOptions::default());
    saver.submit(&state(1)).unwrap();
    let error = saver
        .flush_within(Duration::from_millis(20))
        .await
        .unwrap_err();
    assert!(error.is(&Reason::Deadline));
}
