//! A tracker against a server that answers as it is told.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::json;
use stillframe_proto::v1::snapshot_delta::Base as BaseName;

use super::*;
use crate::enums::{ExecutionState, SaveOutcome};
use crate::error::Code;
use crate::snapshot::Snapshot;
use crate::value::JsonCodec;

type Answer = Result<&'static str, Reason>;

/// Answers with an etag, or fails with a reason; keeps the requests.
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<pb::SaveSnapshotRequest>>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = Mutex::new(answers.into_iter().collect());
        Self {
            answers,
            requests: Mutex::default(),
        }
    }

    fn request(&self, index: usize) -> pb::SaveSnapshotRequest {
        self.requests.lock().unwrap()[index].clone()
    }

    fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

impl SendSave for Script {
    async fn send_save(&self, request: pb::SaveSnapshotRequest) -> Result<Saved> {
        self.requests.lock().unwrap().push(request);
        match self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("one call too many")
        {
            Ok(etag) => Ok(Saved {
                version: 1,
                etag: etag.to_owned(),
                revision: 1,
                resume_token: String::new(),
                outcome: SaveOutcome::Updated,
            }),
            Err(Reason::StoreUnavailable) => Err(Error::new(Code::Unavailable, None, "gone")),
            Err(reason) => Err(Error::new(Code::Aborted, Some(reason), "no")),
        }
    }
}

fn tracker(overwrite: bool) -> Tracker {
    Tracker::new("acme".to_owned(), "run-1".to_owned(), overwrite)
}

/// A snapshot with one large entry and one that differs.
fn snapshot(number: u32) -> EncodedSnapshot {
    let large = "x".repeat(1_000);
    let snapshot = Snapshot::new(ExecutionState::Running)
        .variable("large", large.as_str())
        .variable("number", number)
        .label("n", number.to_string());
    EncodedSnapshot::of(&snapshot, &JsonCodec).unwrap()
}

fn delta(request: &pb::SaveSnapshotRequest) -> &pb::SnapshotDelta {
    match &request.content {
        Some(Content::Delta(delta)) => delta,
        other => panic!("no delta: {other:?}"),
    }
}

fn is_whole(request: &pb::SaveSnapshotRequest) -> bool {
    matches!(request.content, Some(Content::Snapshot(_)))
}

async fn save(tracker: &mut Tracker, number: u32, script: &Script) -> Result<Saved> {
    tracker
        .save(&snapshot(number), SaveOptions::default(), script)
        .await
}

#[tokio::test]
async fn the_first_save_is_whole_and_the_next_ones_are_deltas() {
    let (mut tracker, script) = (tracker(false), Script::new([Ok("e1"), Ok("e2"), Ok("e3")]));
    for number in 1..=3 {
        save(&mut tracker, number, &script).await.unwrap();
    }
    assert!(is_whole(&script.request(0)));
    assert_eq!(script.request(0).expected_etag, None);
    let (second, third) = (script.request(1), script.request(2));
    assert_eq!(delta(&second).base, Some(BaseName::BaseEtag("e1".into())));
    assert_eq!(delta(&third).base, Some(BaseName::BaseEtag("e2".into())));
    let header = delta(&third).snapshot.as_ref().unwrap();
    assert_eq!(header.variables.keys().collect::<Vec<_>>(), ["number"]);
    assert_eq!(header.labels["n"], "3");
    assert_ne!(second.request_id, third.request_id);
}

#[tokio::test]
async fn entries_that_are_gone_are_removed() {
    let (mut tracker, script) = (tracker(false), Script::new([Ok("e1"), Ok("e2")]));
    let mut next = snapshot(1);
    next.step_outputs
        .insert("kept".into(), next.variables["large"].clone());
    tracker
        .save(&next, SaveOptions::default(), &script)
        .await
        .unwrap();
    next.variables.remove("number");
    tracker
        .save(&next, SaveOptions::default(), &script)
        .await
        .unwrap();
    let second = script.request(1);
    assert_eq!(delta(&second).removed_variables, ["number"]);
    assert!(
        delta(&second)
            .snapshot
            .as_ref()
            .unwrap()
            .step_outputs
            .is_empty()
    );
}

#[tokio::test]
async fn a_delta_that_is_no_smaller_is_sent_whole_against_the_known_head() {
    let small = |number: u32| {
        let snapshot = Snapshot::new(ExecutionState::Running).variable("n", json!([number]));
        EncodedSnapshot::of(&snapshot, &JsonCodec).unwrap()
    };
    for (overwrite, expected) in [(false, Some("e1".to_owned())), (true, None)] {
        let (mut tracker, script) = (tracker(overwrite), Script::new([Ok("e1"), Ok("e2")]));
        for number in 1..=2 {
            tracker
                .save(&small(number), SaveOptions::default(), &script)
                .await
                .unwrap();
        }
        assert!(is_whole(&script.request(1)));
        assert_eq!(script.request(1).expected_etag, expected);
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_is_an_error() {
    let answers = [
        Ok("e1"),
        Err(Reason::DeltaBaseMismatch),
        Err(Reason::DeltaBaseMismatch),
    ];
    let (mut tracker, script) = (tracker(false), Script::new(answers));
    save(&mut tracker, 1, &script).await.unwrap();
    for number in 2..=3 {
        let error = save(&mut tracker, number, &script).await.unwrap_err();
        assert_eq!(error.reason(), Some(&Reason::DeltaBaseMismatch));
    }
    assert_eq!(script.count(), 3);
}

#[tokio::test]
async fn overwrite_sends_the_whole_without_expectation() {
    let answers = [
        Ok("e1"),
        Err(Reason::DeltaBaseMismatch),
        Ok("e9"),
        Ok("e10"),
    ];
    let (mut tracker, script) = (tracker(true), Script::new(answers));
    for number in 1..=3 {
        save(&mut tracker, number, &script).await.unwrap();
    }
    let (refused, whole) = (script.request(1), script.request(2));
    assert!(is_whole(&whole));
    assert_eq!(whole.expected_etag, None);
    assert_ne!(whole.request_id, refused.request_id);
    assert_eq!(
        delta(&script.request(3)).base,
        Some(BaseName::BaseEtag("e9".into()))
    );
}

#[tokio::test]
async fn overwrite_does_not_override_an_etag_that_the_caller_expects() {
    let (mut tracker, script) = (tracker(true), Script::new([Err(Reason::EtagMismatch)]));
    let options = SaveOptions {
        expected_etag: Some("mine".into()),
        ..SaveOptions::default()
    };
    let error = tracker
        .save(&snapshot(1), options, &script)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::EtagMismatch));
    assert_eq!(script.count(), 1);
}

#[tokio::test]
async fn a_save_without_an_answer_is_repeated_before_the_next() {
    let answers = [Ok("e1"), Err(Reason::StoreUnavailable), Ok("e2"), Ok("e3")];
    let (mut tracker, script) = (tracker(false), Script::new(answers));
    save(&mut tracker, 1, &script).await.unwrap();
    save(&mut tracker, 2, &script).await.unwrap_err();
    save(&mut tracker, 3, &script).await.unwrap();
    assert_eq!(script.request(2), script.request(1));
    assert_eq!(
        delta(&script.request(3)).base,
        Some(BaseName::BaseEtag("e2".into()))
    );
}

#[tokio::test]
async fn it_is_owed_until_it_is_answered_and_not_any_longer() {
    let lost = || Err(Reason::StoreUnavailable);
    let answers = [
        Ok("e1"),
        lost(),
        lost(),
        Err(Reason::Fenced),
        Err(Reason::Fenced),
    ];
    let (mut tracker, script) = (tracker(false), Script::new(answers));
    save(&mut tracker, 1, &script).await.unwrap();
    save(&mut tracker, 2, &script).await.unwrap_err();
    // Without an answer again: nothing else is sent.
    assert_eq!(
        save(&mut tracker, 3, &script).await.unwrap_err().code(),
        Code::Unavailable
    );
    assert_eq!(script.count(), 3);
    // Refused, it is owed no more, and the next one meets its own refusal.
    assert_eq!(
        save(&mut tracker, 4, &script).await.unwrap_err().reason(),
        Some(&Reason::Fenced)
    );
    assert_eq!(script.request(3), script.request(1));
    assert_eq!(
        delta(&script.request(4)).base,
        Some(BaseName::BaseEtag("e1".into()))
    );
}

#[tokio::test]
async fn a_save_whose_future_is_dropped_is_owed() {
    struct Never;
    impl SendSave for Never {
        async fn send_save(&self, _: pb::SaveSnapshotRequest) -> Result<Saved> {
            std::future::pending().await
        }
    }
    let (mut tracker, script) = (tracker(false), Script::new([Ok("e1"), Ok("e2")]));
    let first = snapshot(1);
    {
        let saving = tracker.save(&first, SaveOptions::default(), &Never);
        tokio::select! {
            biased;
            _ = saving => panic!("it cannot end"),
            () = std::future::ready(()) => {}
        }
    }
    save(&mut tracker, 2, &script).await.unwrap();
    assert!(is_whole(&script.request(0)));
    assert_eq!(
        delta(&script.request(1)).base,
        Some(BaseName::BaseEtag("e1".into()))
    );
}

#[tokio::test]
async fn a_head_that_was_loaded_is_a_base_unless_it_leaves_something_out() {
    let head = |omission| {
        let message = pb::ExecutionSnapshot {
            etag: "e7".into(),
            omission,
            ..snapshot(1).message()
        };
        let codec: std::sync::Arc<dyn crate::value::Codec> = std::sync::Arc::new(JsonCodec);
        StoredSnapshot::new(message, &codec, false)
    };
    let (mut tracker, script) = (tracker(false), Script::new([Ok("e8"), Ok("e9"), Ok("e10")]));
    tracker.know(Some(&head(None)));
    save(&mut tracker, 2, &script).await.unwrap();
    assert_eq!(
        delta(&script.request(0)).base,
        Some(BaseName::BaseEtag("e7".into()))
    );
    tracker.know(Some(&head(Some(pb::Omission::default()))));
    save(&mut tracker, 3, &script).await.unwrap();
    assert!(is_whole(&script.request(1)));
    tracker.know(None);
    save(&mut tracker, 4, &script).await.unwrap();
    assert!(is_whole(&script.request(2)) && script.request(2).expected_etag.is_none());
}

#[tokio::test]
async fn must_not_exist_is_sent_whole() {
    let (mut tracker, script) = (tracker(false), Script::new([Ok("e1"), Ok("e2")]));
    save(&mut tracker, 1, &script).await.unwrap();
    let options = SaveOptions {
        must_not_exist: true,
        ..SaveOptions::default()
    };
    tracker.save(&snapshot(2), options, &script).await.unwrap();
    let second = script.request(1);
    assert!(is_whole(&second) && second.must_not_exist && second.expected_etag.is_none());
}
