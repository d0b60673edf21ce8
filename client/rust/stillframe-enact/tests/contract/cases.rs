//! The cases, generic over the store.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::DateTime;
use enact_core::kernel::persistence::{ExecutionSnapshot, StateStore, StateStoreJsonExt as _};
use enact_core::kernel::{ExecutionId, ExecutionState, StepId, TenantId, UserId, WaitReason};
use serde_json::{Value, json};

/// A snapshot that has every field, and a nanosecond.
pub fn snapshot(tenant: &TenantId) -> ExecutionSnapshot {
    ExecutionSnapshot {
        execution_id: ExecutionId::new(),
        tenant_id: tenant.clone(),
        user_id: Some(UserId::from("user-1")),
        state: ExecutionState::Running,
        current_step_id: Some(StepId::new()),
        step_outputs: HashMap::from([
            (StepId::new(), json!({"rows": 3})),
            (StepId::new(), json!(null)),
        ]),
        variables: HashMap::from([
            ("a".to_owned(), json!([1, "x"])),
            ("b c.ü".to_owned(), json!(2.5)),
        ]),
        timestamp: DateTime::from_timestamp(1_709_251_199, 123_456_789).unwrap(),
        sequence_number: 7,
    }
}

async fn saved(store: &impl StateStore, snapshot: &ExecutionSnapshot) -> ExecutionSnapshot {
    store.save_snapshot(snapshot.clone()).await.unwrap();
    store
        .load_snapshot(&snapshot.execution_id)
        .await
        .unwrap()
        .expect("it was saved")
}

/// Every field by itself: enact-core's snapshot has no equality of its own.
fn assert_same(left: &ExecutionSnapshot, right: &ExecutionSnapshot) {
    assert_eq!(left.execution_id, right.execution_id);
    assert_eq!(left.tenant_id, right.tenant_id);
    assert_eq!(left.user_id, right.user_id);
    assert_eq!(left.state, right.state);
    assert_eq!(left.current_step_id, right.current_step_id);
    assert_eq!(left.step_outputs, right.step_outputs);
    assert_eq!(left.variables, right.variables);
    assert_eq!(left.timestamp, right.timestamp);
    assert_eq!(left.sequence_number, right.sequence_number);
}

pub async fn every_field_comes_back(store: &impl StateStore, tenant: &TenantId) {
    let full = snapshot(tenant);
    assert_same(&saved(store, &full).await, &full);
    let bare = ExecutionSnapshot::new(
        ExecutionId::new(),
        tenant.clone(),
        ExecutionState::Created,
        0,
    );
    assert_same(&saved(store, &bare).await, &bare);
    let largest = ExecutionSnapshot {
        sequence_number: i64::MAX as u64,
        ..snapshot(tenant)
    };
    assert_same(&saved(store, &largest).await, &largest);
    for (seconds, nanos) in [(0, 0), (-1, 999_999_999), (253_402_300_799, 1)] {
        let timestamp = DateTime::from_timestamp(seconds, nanos).unwrap();
        let timed = ExecutionSnapshot {
            timestamp,
            ..snapshot(tenant)
        };
        assert_same(&saved(store, &timed).await, &timed);
    }
}

pub async fn every_state_and_wait_reason_comes_back(store: &impl StateStore, tenant: &TenantId) {
    use ExecutionState::{
        Cancelled, Completed, Created, Failed, Paused, Planning, Running, Waiting,
    };
    let waiting = [
        WaitReason::Approval,
        WaitReason::UserInput,
        WaitReason::RateLimit,
        WaitReason::External,
        WaitReason::Checkpoint,
        WaitReason::CostThreshold,
        WaitReason::MemoryPressure,
        WaitReason::SubAgent,
    ];
    let states = [
        Created, Planning, Running, Paused, Completed, Failed, Cancelled,
    ];
    for state in states.into_iter().chain(waiting.map(Waiting)) {
        let snapshot = ExecutionSnapshot {
            state,
            ..snapshot(tenant)
        };
        assert_same(&saved(store, &snapshot).await, &snapshot);
    }
}

pub async fn every_json_value_comes_back(store: &impl StateStore, tenant: &TenantId) {
    let nested = (0..200).fold(json!("deep"), |inner, _| json!([inner]));
    let values = [
        json!(null),
        json!(false),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(9_007_199_254_740_993_u64),
        json!(0.1 + 0.2),
        json!(5e-324),
        json!(f64::MAX),
        json!(""),
        json!("é\u{1F600}\n\"\\"),
        json!({"": [], "a": {"b": [1, -1, 1.5]}}),
        nested,
    ];
    let mut snapshot = snapshot(tenant);
    for (number, value) in values.into_iter().enumerate() {
        snapshot.step_outputs.insert(StepId::new(), value.clone());
        snapshot.variables.insert(format!("v{number}"), value);
    }
    assert_same(&saved(store, &snapshot).await, &snapshot);
}

pub async fn what_is_not_there_is_none(store: &impl StateStore, _: &TenantId) {
    let nobody = ExecutionId::new();
    assert!(store.load_snapshot(&nobody).await.unwrap().is_none());
    assert_eq!(store.get("nothing").await.unwrap(), None);
    assert!(!store.exists("nothing").await.unwrap());
    store.delete("nothing").await.unwrap();
    store.delete_snapshot(&nobody).await.unwrap();
    store.delete_execution_state(&nobody).await.unwrap();
}

pub async fn a_save_overwrites(store: &impl StateStore, tenant: &TenantId) {
    let first = snapshot(tenant);
    saved(store, &first).await;
    let mut second = first.clone();
    second.user_id = None;
    second.current_step_id = None;
    second.state = ExecutionState::Paused;
    second.step_outputs.clear();
    second.variables = HashMap::from([("new".to_owned(), json!(1))]);
    second.sequence_number = 8;
    assert_same(&saved(store, &second).await, &second);
    // Also where the engine goes back.
    assert_same(&saved(store, &first).await, &first);
}

pub async fn a_deleted_snapshot_is_gone(store: &impl StateStore, tenant: &TenantId) {
    let (gone, kept) = (snapshot(tenant), snapshot(tenant));
    saved(store, &gone).await;
    saved(store, &kept).await;
    store.delete_snapshot(&gone.execution_id).await.unwrap();
    assert!(
        store
            .load_snapshot(&gone.execution_id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .load_snapshot(&kept.execution_id)
            .await
            .unwrap()
            .is_some()
    );
    assert_same(&saved(store, &gone).await, &gone);
}

pub async fn values_are_bytes_by_key(store: &impl StateStore, _: &TenantId) {
    let every_byte: Vec<u8> = (0..=255).collect();
    for value in [b"".as_slice(), b"v", &every_byte, &vec![7; 200_000]] {
        store.set("exec:x:var:y", value, None).await.unwrap();
        assert_eq!(
            store.get("exec:x:var:y").await.unwrap().as_deref(),
            Some(value)
        );
    }
    store
        .set("other", b"2", Some(Duration::from_secs(3_600)))
        .await
        .unwrap();
    assert_eq!(
        store.get("other").await.unwrap().as_deref(),
        Some(b"2".as_slice())
    );
    assert!(store.exists("other").await.unwrap());
    store.delete("exec:x:var:y").await.unwrap();
    assert!(!store.exists("exec:x:var:y").await.unwrap());
    assert!(store.exists("other").await.unwrap());
}

pub async fn json_values_come_back(store: &impl StateStore, _: &TenantId) {
    let value = json!({"n": u64::MAX, "list": [null, "x"]});
    store.set_json("json", &value, None).await.unwrap();
    assert_eq!(store.get_json::<Value>("json").await.unwrap(), Some(value));
    assert_eq!(store.get_json::<Value>("nothing").await.unwrap(), None);
}

pub async fn deleting_a_snapshot_keeps_the_working_memory(
    store: &impl StateStore,
    tenant: &TenantId,
) {
    let snapshot = snapshot(tenant);
    saved(store, &snapshot).await;
    let key = format!("exec:{}:var:x", snapshot.execution_id);
    store.set(&key, b"v", None).await.unwrap();
    store.delete_snapshot(&snapshot.execution_id).await.unwrap();
    assert_eq!(
        store.get(&key).await.unwrap().as_deref(),
        Some(b"v".as_slice())
    );
}

pub async fn snapshots_are_listed_up_to_the_limit(store: &impl StateStore, tenant: &TenantId) {
    assert!(store.list_snapshots(tenant, 10).await.unwrap().is_empty());
    let mut ids = HashSet::new();
    for _ in 0..5 {
        let snapshot = snapshot(tenant);
        saved(store, &snapshot).await;
        ids.insert(snapshot.execution_id);
    }
    for limit in [5, 6, 100_000, usize::MAX] {
        let listed = store.list_snapshots(tenant, limit).await.unwrap();
        assert_eq!(listed.len(), 5);
        assert_eq!(listed.into_iter().collect::<HashSet<_>>(), ids);
    }
    let some = store.list_snapshots(tenant, 2).await.unwrap();
    assert_eq!(some.len(), 2);
    assert!(some.iter().all(|id| ids.contains(id)));
    assert!(store.list_snapshots(tenant, 0).await.unwrap().is_empty());
}

pub async fn a_store_is_usable_as_a_trait_object(store: &impl StateStore, tenant: &TenantId) {
    let object: &dyn StateStore = store;
    let snapshot = snapshot(tenant);
    object.save_snapshot(snapshot.clone()).await.unwrap();
    let loaded = object
        .load_snapshot(&snapshot.execution_id)
        .await
        .unwrap()
        .unwrap();
    assert!(loaded.is_fresh(7) && !loaded.is_fresh(8));
}

pub async fn health_and_shutdown(store: &impl StateStore, tenant: &TenantId) {
    store.health_check().await.unwrap();
    assert!(!store.name().is_empty());
    assert_eq!(store.supports_air_gapped(), !store.requires_network());
    saved(store, &snapshot(tenant)).await;
    store.shutdown().await.unwrap();
}

/// "auto-delete after this duration"
pub async fn a_value_is_gone_after_its_ttl(store: &impl StateStore, _: &TenantId) {
    store
        .set("short", b"1", Some(Duration::from_millis(200)))
        .await
        .unwrap();
    store.set("long", b"2", Some(Duration::MAX)).await.unwrap();
    store
        .set("kept", b"3", Some(Duration::from_millis(200)))
        .await
        .unwrap();
    // Set again without one, it has none.
    store.set("kept", b"3", None).await.unwrap();
    let over = async {
        let mut again = tokio::time::interval(Duration::from_millis(10));
        while store.exists("short").await.unwrap() {
            again.tick().await;
        }
    };
    let over = tokio::time::timeout(Duration::from_secs(30), over).await;
    assert!(
        over.is_ok(),
        "the trait promises: auto-delete after this duration"
    );
    assert_eq!(
        store.get("long").await.unwrap().as_deref(),
        Some(b"2".as_slice())
    );
    assert_eq!(
        store.get("kept").await.unwrap().as_deref(),
        Some(b"3".as_slice())
    );
    store.set("long", b"2", Some(Duration::ZERO)).await.unwrap();
    assert_eq!(store.get("long").await.unwrap(), None);
}

/// "Cleans up snapshot and any keys prefixed with the execution ID."
pub async fn deleting_the_state_of_an_execution_deletes_its_keys(
    store: &impl StateStore,
    tenant: &TenantId,
) {
    let (gone, kept) = (snapshot(tenant), snapshot(tenant));
    for snapshot in [&gone, &kept] {
        saved(store, snapshot).await;
        let id = &snapshot.execution_id;
        for key in keys(id) {
            store.set(&key, b"v", None).await.unwrap();
        }
    }
    store.set("shared", b"v", None).await.unwrap();
    store
        .delete_execution_state(&gone.execution_id)
        .await
        .unwrap();
    assert!(
        store
            .load_snapshot(&gone.execution_id)
            .await
            .unwrap()
            .is_none()
    );
    for key in keys(&gone.execution_id) {
        let exists = store.exists(&key).await.unwrap();
        assert!(
            !exists,
            "the trait promises: cleans up keys prefixed with the execution ID: {key}"
        );
    }
    assert!(
        store
            .load_snapshot(&kept.execution_id)
            .await
            .unwrap()
            .is_some()
    );
    for key in keys(&kept.execution_id) {
        assert!(store.exists(&key).await.unwrap(), "{key}");
    }
    assert!(store.exists("shared").await.unwrap());
}

fn keys(id: &ExecutionId) -> Vec<String> {
    let forms = [
        format!("exec:{id}:var:x"),
        format!("exec:{id}"),
        format!("{id}:x"),
        format!("{id}_x"),
    ];
    let many = (0..150).map(|number| format!("exec:{id}:step:{number}"));
    forms.into_iter().chain(many).collect()
}

/// "List snapshots for a tenant"
pub async fn a_list_has_the_snapshots_of_its_tenant_alone(
    store: &impl StateStore,
    tenant: &TenantId,
) {
    let mine = snapshot(tenant);
    saved(store, &mine).await;
    let other = TenantId::from("another-tenant");
    // Refused, or not there: never somebody else's.
    let listed = store.list_snapshots(&other, 10).await.unwrap_or_default();
    assert!(
        listed.is_empty(),
        "the trait promises: snapshots for a tenant"
    );
    assert_eq!(
        store.list_snapshots(tenant, 10).await.unwrap(),
        [mine.execution_id]
    );
}
