//! Calls, their retries and their errors, over a real socket.

mod support;

use std::collections::HashMap;
use std::time::Duration;

use stillframe::{
    ClaimOptions, Client, Code, Codec, Error, ExecutionOptions, ExecutionState, LoadOptions,
    Payload, Reason, SaveOptions, Snapshot, Value, json,
};
use stillframe_proto::v1 as pb;
use support::{Answer, Server, client, impatient, message, saved, unavailable};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

fn running() -> Snapshot {
    Snapshot::new(ExecutionState::Running).variable("n", json!({"a": [1, 2.5, "x"]}))
}

#[tokio::test]
async fn a_save_carries_what_it_is_told() {
    let server = Server::start().await;
    server.script.answer([saved(1)]);
    let options = SaveOptions {
        expected_etag: Some("e0".into()),
        writer_epoch: Some(4),
        ttl: Some(Duration::from_millis(1_500)),
        ..SaveOptions::default()
    };
    let answer = server
        .client()
        .save("run-1", &running(), options)
        .await
        .unwrap();
    assert_eq!((answer.version, answer.etag.as_str()), (1, "e1"));
    let calls = server.script.calls();
    let request: &pb::SaveSnapshotRequest = calls[0].request();
    assert_eq!(
        (request.tenant_id.as_str(), request.execution_id.as_str()),
        ("acme", "run-1")
    );
    assert_eq!(
        (request.expected_etag.as_deref(), request.writer_epoch),
        (Some("e0"), Some(4))
    );
    assert_eq!(
        request.ttl,
        Some(prost_types::Duration {
            seconds: 1,
            nanos: 500_000_000
        })
    );
    assert_eq!(request.request_id.len(), 32);
    let agent = calls[0]
        .metadata
        .get("user-agent")
        .unwrap()
        .to_str()
        .unwrap();
    assert!(agent.starts_with("stillframe-rust/"), "{agent}");
    assert!(calls[0].metadata.contains_key("grpc-timeout"));
}

#[tokio::test]
async fn metadata_goes_with_every_call() {
    let server = Server::start().await;
    server
        .script
        .answer([saved(1), message(pb::GetServerInfoResponse::default())]);
    let client = Client::builder(server.address.to_string(), "acme")
        .metadata("authorization", "Bearer x")
        .open()
        .unwrap();
    client
        .save("run-1", &running(), SaveOptions::default())
        .await
        .unwrap();
    client.info().await.unwrap();
    for call in server.script.calls() {
        assert_eq!(
            call.metadata.get("authorization").unwrap(),
            "Bearer x",
            "{}",
            call.method
        );
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_under_the_same_request_id() {
    let server = Server::start().await;
    let busy = ErrorDetails::with_error_info("SERVER_BUSY", "stillframe", HashMap::new());
    server.script.answer([
        unavailable(),
        Answer::Status(Status::with_error_details(
            Code::ResourceExhausted,
            "busy",
            busy,
        )),
        Answer::Status(Status::cancelled("the drain is over")),
        saved(1),
    ]);
    server
        .client()
        .save("run-1", &running(), SaveOptions::default())
        .await
        .unwrap();
    let calls = server.script.calls();
    let requests: Vec<&pb::SaveSnapshotRequest> = calls.iter().map(|call| call.request()).collect();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| *request == requests[0]));
}

#[tokio::test]
async fn an_answer_is_an_answer_also_when_it_is_an_error() {
    let server = Server::start().await;
    let metadata = HashMap::from([("writer_epoch_floor".to_owned(), "5".to_owned())]);
    let fenced = ErrorDetails::with_error_info("FENCED", "stillframe", metadata);
    let fenced = Status::with_error_details(Code::FailedPrecondition, "fenced", fenced);
    server.script.answer([Answer::Status(fenced)]);
    let client = server.client();
    let error = client
        .save("run-1", &running(), SaveOptions::default())
        .await
        .unwrap_err();
    assert!(error.is(&Reason::Fenced));
    assert_eq!(error.metadata()["writer_epoch_floor"], "5");
    assert_eq!(server.script.calls().len(), 1);
}

#[tokio::test]
async fn a_call_without_an_answer_ends_with_its_time() {
    let server = Server::start().await;
    server.script.answer([Answer::Silence]);
    let client = server.client().with_timeout(Duration::from_millis(50));
    let error = client
        .load("run-1", LoadOptions::default())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.reason()),
        (Code::DeadlineExceeded, Some(&Reason::Deadline))
    );
}

#[tokio::test]
async fn a_call_may_have_all_the_time_there_is() {
    let server = Server::start().await;
    server
        .script
        .answer([message(pb::GetServerInfoResponse::default())]);
    server
        .client()
        .with_timeout(Duration::MAX)
        .info()
        .await
        .unwrap();
    assert!(
        !server.script.calls()[0]
            .metadata
            .contains_key("grpc-timeout")
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let server = Server::start().await;
    let address = server.address;
    server.kill().await;
    let client = client(&address.to_string());
    let loading = tokio::spawn(async move { client.load("run-1", LoadOptions::default()).await });
    let answers = [message(pb::LoadSnapshotResponse::default())];
    let _server = Server::start_at(address, answers).await;
    loading.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let server = Server::start().await;
    let address = server.address.to_string();
    server.kill().await;
    let client = client(&address).with_timeout(Duration::from_millis(100));
    let error = client.info().await.unwrap_err();
    assert!(
        matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded),
        "{error}"
    );
}

#[tokio::test]
async fn of_several_addresses_the_first_that_answers_is_used() {
    let gone = Server::start().await;
    let server = Server::start().await;
    let target = format!("{},{}", gone.address, server.address);
    gone.kill().await;
    server
        .script
        .answer((0..2).map(|_| message(pb::GetServerInfoResponse::default())));
    let client = client(&target);
    client.info().await.unwrap();
    client.info().await.unwrap();
    assert_eq!(server.script.calls().len(), 2);
}

#[tokio::test]
async fn large_messages_pass_and_larger_ones_are_refused_here() {
    let server = Server::start().await;
    let large = |bytes: usize| Payload {
        data: vec![7; bytes].into(),
        ..Payload::default()
    };
    let variables = HashMap::from([("large".to_owned(), large(20 << 20))]);
    let snapshot = Some(pb::ExecutionSnapshot {
        variables,
        ..pb::ExecutionSnapshot::default()
    });
    let loaded = pb::LoadSnapshotResponse {
        snapshot,
        freshness: None,
    };
    server.script.answer([saved(1), message(loaded)]);
    let client = server.client();
    let fits = Snapshot::new(ExecutionState::Running).variable("large", large(20 << 20));
    client
        .save("run-1", &fits, SaveOptions::default())
        .await
        .unwrap();
    let loaded = client.load("run-1", LoadOptions::default()).await.unwrap();
    assert_eq!(
        loaded
            .snapshot
            .variables
            .payload("large")
            .unwrap()
            .data
            .len(),
        20 << 20
    );
    let calls = server.script.calls();
    let request: &pb::LoadSnapshotRequest = calls[1].request();
    assert_eq!(request.max_message_bytes, Some(64 << 20));

    let exceeds = Snapshot::new(ExecutionState::Running).variable("large", large(65 << 20));
    let error = client
        .save("run-1", &exceeds, SaveOptions::default())
        .await
        .unwrap_err();
    assert!(error.is(&Reason::SnapshotTooLarge));
    assert_eq!(error.metadata()["maximum"], "67108864");
    assert!(server.script.calls().is_empty());
}

#[tokio::test]
async fn an_answer_above_the_bound_is_an_error_of_its_own() {
    let server = Server::start().await;
    let features = vec!["x".repeat(300_000)];
    server.script.answer([message(pb::GetServerInfoResponse {
        features,
        ..Default::default()
    })]);
    let client = Client::builder(server.address.to_string(), "acme").max_message_bytes(262_144);
    let error = client.open().unwrap().info().await.unwrap_err();
    assert_eq!(
        (error.code(), error.reason()),
        (Code::ResourceExhausted, None)
    );
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_is_not_sent() {
    let server = Server::start().await;
    let snapshot = Snapshot::new(ExecutionState::Running).step_output("s", "a\0b");
    let client = server.client();
    let error = client
        .save("run-1", &snapshot, SaveOptions::default())
        .await
        .unwrap_err();
    assert!(error.is(&Reason::ValueEncode));
    assert!(server.script.calls().is_empty());
}

/// Text backwards.
struct Backwards;

impl Codec for Backwards {
    fn encode(&self, value: &Value) -> stillframe::Result<Payload> {
        let text = value
            .as_str()
            .ok_or_else(|| Error::value_encode("not text"))?;
        let data = text.chars().rev().collect::<String>().into_bytes().into();
        Ok(Payload {
            data,
            encoding: "backwards".into(),
            codecs: Vec::new(),
        })
    }

    fn decode(&self, payload: &Payload) -> stillframe::Result<Value> {
        let text = std::str::from_utf8(&payload.data);
        let text = text.map_err(|error| Error::value_decode(error.to_string()))?;
        Ok(text.chars().rev().collect::<String>().into())
    }
}

#[tokio::test]
async fn a_codec_takes_the_place_of_json() {
    let server = Server::start().await;
    let target = server.address.to_string();
    let client = Client::builder(target, "acme")
        .codec(Backwards)
        .open()
        .unwrap();
    let snapshot = Snapshot::new(ExecutionState::Running).variable("a", "xyz");
    let encoded = Backwards.encode(&json!("xyz")).unwrap();
    let variables = HashMap::from([("a".to_owned(), encoded.clone())]);
    let stored = pb::ExecutionSnapshot {
        variables,
        ..Default::default()
    };
    let loaded = pb::LoadSnapshotResponse {
        snapshot: Some(stored.clone()),
        freshness: None,
    };
    server.script.answer([saved(1), message(loaded)]);
    client
        .save("run-1", &snapshot, SaveOptions::default())
        .await
        .unwrap();
    let loaded = client
        .load("run-1", LoadOptions::default())
        .await
        .unwrap()
        .snapshot;
    assert_eq!(loaded.variables.get("a").unwrap(), Some(json!("xyz")));
    let calls = server.script.calls();
    let request: &pb::SaveSnapshotRequest = calls[0].request();
    let Some(pb::save_snapshot_request::Content::Snapshot(sent)) = &request.content else {
        panic!("no snapshot");
    };
    assert_eq!(sent.variables["a"], encoded);
    let number = Snapshot::new(ExecutionState::Running).variable("a", 1);
    let error = client
        .save("run-1", &number, SaveOptions::default())
        .await
        .unwrap_err();
    assert!(error.is(&Reason::ValueEncode));
}

#[tokio::test]
async fn a_handle_carries_the_epoch_of_its_claim_and_sends_deltas() {
    let server = Server::start().await;
    let claimed = pb::ClaimExecutionResponse {
        writer_epoch: 9,
        ..Default::default()
    };
    server.script.answer([message(claimed), saved(1), saved(2)]);
    let mut run = server
        .client()
        .execution("run-1", ExecutionOptions::default());
    let options = ClaimOptions {
        allow_missing: true,
        ..ClaimOptions::default()
    };
    assert_eq!(run.claim(options).await.unwrap().writer_epoch, 9);
    for number in 1..=2 {
        let step = running().sequence_number(number);
        run.save(&step, SaveOptions::default()).await.unwrap();
    }
    let calls = server.script.calls();
    let second: &pb::SaveSnapshotRequest = calls[2].request();
    assert_eq!(
        (run.writer_epoch(), second.writer_epoch),
        (Some(9), Some(9))
    );
    assert!(matches!(
        second.content,
        Some(pb::save_snapshot_request::Content::Delta(_))
    ));
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_at_once() {
    for target in ["", "a:1,,b:2", "http://[", "a b"] {
        let error = Client::open(target, "acme").unwrap_err();
        assert!(error.is(&Reason::InvalidField), "{target}: {error}");
    }
    let builder = Client::builder("127.0.0.1:1", "acme").retry(impatient());
    assert!(
        builder
            .metadata("a key", "x")
            .open()
            .unwrap_err()
            .is(&Reason::InvalidField)
    );
}

#[test]
fn a_client_is_opened_within_a_runtime() {
    assert!(
        Client::open("127.0.0.1:1", "acme")
            .unwrap_err()
            .is(&Reason::InvalidField)
    );
}
