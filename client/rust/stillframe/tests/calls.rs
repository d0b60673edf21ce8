//! Every call, over a real socket.

mod support;

use std::collections::HashMap;
use std::time::Duration;

use stillframe::{
    ClaimOptions, Client, Code, DeleteOptions, ExecutionOptions, ExecutionState, ForkOptions,
    HistoryOptions, ListOptions, LoadOptions, Payload, PruneOptions, Reason, SaveOptions, Selector,
    SetOptions, Snapshot, json,
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

#[tokio::test]
async fn every_page_of_a_list_comes() {
    let server = Server::start().await;
    let page = |id: &str, next: &str| {
        message(pb::ListExecutionsResponse {
            executions: vec![pb::ExecutionSnapshot {
                execution_id: id.into(),
                ..Default::default()
            }],
            next_page_token: next.into(),
            count: None,
        })
    };
    server.script.answer([page("a", "t"), page("b", "")]);
    let options = ListOptions {
        page_size: 1,
        ..ListOptions::default()
    };
    let heads = server.client().list(options).collect_all().await.unwrap();
    assert_eq!(
        heads
            .iter()
            .map(|head| head.execution_id.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    let calls = server.script.calls();
    let tokens = calls.iter().map(|call| {
        call.request::<pb::ListExecutionsRequest>()
            .page_token
            .as_str()
    });
    assert_eq!(tokens.collect::<Vec<_>>(), ["", "t"]);
}

#[tokio::test]
async fn the_calls_of_history_carry_what_they_are_told() {
    let server = Server::start().await;
    let client = server.client();
    let difference = |key: &str| pb::EntryDifference {
        key: key.into(),
        ..Default::default()
    };
    let diff = |key: &str, next: &str| {
        message(pb::DiffSnapshotsResponse {
            from_version: 1,
            to_version: 2,
            entries: vec![difference(key)],
            next_page_token: next.into(),
            ..Default::default()
        })
    };
    server.script.answer([
        message(pb::ListSnapshotsResponse::default()),
        diff("a", "t"),
        diff("b", ""),
        message(pb::ForkExecutionResponse {
            snapshot_count: 3,
            ..Default::default()
        }),
        message(pb::DeleteSnapshotsResponse { deleted_count: 2 }),
        message(pb::DeleteExecutionResponse {
            deleted_count: 1,
            ..Default::default()
        }),
    ]);
    let history = HistoryOptions {
        execution_id: Some("run-1".into()),
        ..Default::default()
    };
    assert!(
        client
            .history(history)
            .collect_all()
            .await
            .unwrap()
            .is_empty()
    );
    let diff = client
        .diff("run-1", Selector::Version(1), Selector::Head)
        .await
        .unwrap();
    assert_eq!(
        diff.entries
            .iter()
            .map(|each| each.key.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    let fork = client
        .fork("run-1", "run-2", ForkOptions::default())
        .await
        .unwrap();
    assert_eq!(fork.snapshot_count, 3);
    let prune = PruneOptions {
        versions: Some(vec![1, 2]),
        ..Default::default()
    };
    assert_eq!(client.prune("run-1", prune).await.unwrap(), 2);
    assert_eq!(
        client
            .delete("run-1", DeleteOptions::default())
            .await
            .unwrap()
            .deleted_count,
        1
    );
    let nothing = PruneOptions {
        labels: Some(Default::default()),
        ..Default::default()
    };
    assert!(
        client
            .prune("run-1", nothing)
            .await
            .unwrap_err()
            .is(&Reason::InvalidField)
    );

    let calls = server.script.calls();
    let methods: Vec<_> = calls.iter().map(|call| call.method).collect();
    assert_eq!(methods[0], "list_snapshots");
    assert_eq!(
        calls[2].request::<pb::DiffSnapshotsRequest>().page_token,
        "t"
    );
    assert!(calls[1].request::<pb::DiffSnapshotsRequest>().to.is_none());
    let ids = [
        &calls[3].request::<pb::ForkExecutionRequest>().request_id,
        &calls[4].request::<pb::DeleteSnapshotsRequest>().request_id,
        &calls[5].request::<pb::DeleteExecutionRequest>().request_id,
    ];
    assert!(ids.iter().all(|id| id.len() == 32) && ids[0] != ids[1]);
}

#[tokio::test]
async fn freshness_is_asked_in_batches() {
    let server = Server::start().await;
    let results = |count| {
        let results = (0..count).map(|_| pb::Freshness::default()).collect();
        message(pb::CheckFreshnessResponse { results })
    };
    server.script.answer([results(1_000), results(5)]);
    let heads = (0..1_005).map(|number| (format!("run-{number}"), number));
    assert_eq!(
        server.client().check_freshness(heads).await.unwrap().len(),
        1_005
    );
    let calls = server.script.calls();
    let second = &calls[1].request::<pb::CheckFreshnessRequest>().executions;
    assert_eq!((second.len(), second[0].event_store_head), (5, 1_000));
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
async fn the_working_memory_has_its_scope() {
    let server = Server::start().await;
    let client = server.client();
    let key = |key: &str| pb::KeyInfo {
        key: key.into(),
        ..Default::default()
    };
    let keys = |name: &str, next: &str| {
        message(pb::ListKeysResponse {
            keys: vec![key(name)],
            next_page_token: next.into(),
        })
    };
    server.script.answer([
        message(pb::SetValueResponse {
            etag: "e1".into(),
            ..Default::default()
        }),
        message(pb::GetValueResponse {
            value: b"\0\xff".as_slice().into(),
            ..Default::default()
        }),
        message(pb::DeleteValueResponse { deleted: true }),
        keys("a", "t"),
        keys("b", ""),
    ]);
    let (run, tenant) = (
        client.working_memory(Some("run-1")),
        client.working_memory(None),
    );
    let options = SetOptions {
        ttl: Some(Duration::from_secs(5)),
        ..SetOptions::default()
    };
    assert_eq!(
        run.set("k", b"v".to_vec(), options).await.unwrap().etag,
        "e1"
    );
    assert_eq!(tenant.get("k").await.unwrap().value.as_ref(), b"\0\xff");
    assert!(run.delete("k", Some("e1")).await.unwrap());
    let keys = tenant.list_keys(Some("p"), 1).collect_all().await.unwrap();
    assert_eq!(
        keys.iter()
            .map(|each| each.key.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );

    let calls = server.script.calls();
    let set: &pb::SetValueRequest = calls[0].request();
    assert_eq!(
        (set.execution_id.as_deref(), set.request_id.len()),
        (Some("run-1"), 32)
    );
    assert_eq!(calls[1].request::<pb::GetValueRequest>().execution_id, None);
    assert_eq!(
        calls[4]
            .request::<pb::ListKeysRequest>()
            .key_prefix
            .as_deref(),
        Some("p")
    );
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
