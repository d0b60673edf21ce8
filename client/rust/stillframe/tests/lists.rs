//! Lists, history and the working memory, over a real socket.

mod support;

use std::time::Duration;

use stillframe::{
    Client, Code, DeleteOptions, ForkOptions, HistoryOptions, ListOptions, PruneOptions, Reason,
    Selector, SetOptions,
};
use stillframe_proto::v1 as pb;
use support::{Server, message};

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
async fn requests_above_the_bound_say_what_was_too_large() {
    let server = Server::start().await;
    let builder = Client::builder(server.address.to_string(), "acme").max_message_bytes(262_144);
    let client = builder.open().unwrap();
    let memory = client.working_memory(None);
    let large = vec![7; 300_000];
    let refused = memory.set("k", large, SetOptions::default()).await;
    let error = refused.unwrap_err();
    assert_eq!(
        (error.code(), error.reason()),
        (Code::ResourceExhausted, Some(&Reason::ValueTooLarge))
    );
    assert_eq!(error.metadata()["limit"], "max_message_bytes");
    assert_eq!(error.metadata()["maximum"], "262144");
    assert!(error.metadata()["actual"].parse::<usize>().unwrap() > 300_000);
    // Neither a snapshot nor a value.
    let error = memory.get(&"k".repeat(300_000)).await.unwrap_err();
    assert_eq!(
        (error.code(), error.reason()),
        (Code::ResourceExhausted, None)
    );
    assert!(server.script.calls().is_empty());
}
