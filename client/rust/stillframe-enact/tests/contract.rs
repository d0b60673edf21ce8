//! One suite for every `StateStore`: what the trait's documentation promises, run against
//! enact-core's own store and against Stillframe's.
//!
//! The tests of Stillframe's need a server, at the address in `STILLFRAME_TARGET`; without one
//! they are ignored, by name:
//!
//! ```text
//! STILLFRAME_TARGET=127.0.0.1:50051 cargo test -- --include-ignored
//! ```

#[path = "contract/cases.rs"]
mod cases;

use enact_core::kernel::persistence::StateStore;
use enact_core::kernel::{ExecutionId, TenantId};
use enact_core::storage::InMemoryStateStore;
use stillframe_enact::StillframeStateStore;

/// A tenant that no other test has.
fn tenant() -> TenantId {
    TenantId::from(format!("tenant-{}", ExecutionId::new()))
}

fn stillframe(tenant: &TenantId) -> StillframeStateStore {
    let target = std::env::var("STILLFRAME_TARGET").expect("STILLFRAME_TARGET is not set");
    StillframeStateStore::connect(&target, tenant.clone()).unwrap()
}

macro_rules! both {
    ($($case:ident)*) => {
        mod enacts_own {
            use super::*;
            $(#[tokio::test]
            async fn $case() {
                cases::$case(&InMemoryStateStore::new(), &tenant()).await;
            })*
        }
        mod stillframes {
            use super::*;
            $(#[tokio::test]
            #[ignore = "needs a server: set STILLFRAME_TARGET"]
            async fn $case() {
                let tenant = tenant();
                cases::$case(&stillframe(&tenant), &tenant).await;
            })*
        }
    };
}

/// What the trait promises and enact-core's own store does not hold. That it does not is a test
/// too: when it does one day, the case belongs to both.
macro_rules! stillframe_alone {
    ($($case:ident)*) => {
        mod enacts_own_lacks {
            use super::*;
            // The clock runs ahead where everybody waits for it.
            $(#[tokio::test(start_paused = true)]
            #[should_panic = "the trait promises"]
            async fn $case() {
                cases::$case(&InMemoryStateStore::new(), &tenant()).await;
            })*
        }
        mod stillframe_has {
            use super::*;
            $(#[tokio::test]
            #[ignore = "needs a server: set STILLFRAME_TARGET"]
            async fn $case() {
                let tenant = tenant();
                cases::$case(&stillframe(&tenant), &tenant).await;
            })*
        }
    };
}

both! {
    every_field_comes_back
    every_state_and_wait_reason_comes_back
    every_json_value_comes_back
    what_is_not_there_is_none
    a_save_overwrites
    a_deleted_snapshot_is_gone
    values_are_bytes_by_key
    json_values_come_back
    deleting_a_snapshot_keeps_the_working_memory
    snapshots_are_listed_up_to_the_limit
    a_store_is_usable_as_a_trait_object
    health_and_shutdown
}

stillframe_alone! {
    a_value_is_gone_after_its_ttl
    deleting_the_state_of_an_execution_deletes_its_keys
    a_list_has_the_snapshots_of_its_tenant_alone
}

mod stillframes_own {
    use super::*;

    #[tokio::test]
    #[ignore = "needs a server: set STILLFRAME_TARGET"]
    async fn a_snapshot_of_another_tenant_is_refused() {
        let (mine, other) = (tenant(), tenant());
        let store = stillframe(&mine);
        let snapshot = cases::snapshot(&other);
        let error = store.save_snapshot(snapshot.clone()).await.unwrap_err();
        assert!(error.to_string().contains(other.as_str()), "{error}");
        assert!(
            store
                .load_snapshot(&snapshot.execution_id)
                .await
                .unwrap()
                .is_none()
        );
        assert!(store.list_snapshots(&other, 10).await.is_err());
    }

    #[tokio::test]
    #[ignore = "needs a server: set STILLFRAME_TARGET"]
    async fn tenants_do_not_see_each_other() {
        let (mine, other) = (tenant(), tenant());
        let snapshot = cases::snapshot(&mine);
        let (store, foreign) = (stillframe(&mine), stillframe(&other));
        store.save_snapshot(snapshot.clone()).await.unwrap();
        store.set("key", b"mine", None).await.unwrap();
        assert!(
            foreign
                .load_snapshot(&snapshot.execution_id)
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(foreign.get("key").await.unwrap(), None);
    }

    #[tokio::test]
    #[ignore = "needs a server: set STILLFRAME_TARGET"]
    async fn keys_of_an_id_that_only_begins_the_same_are_kept() {
        let store = stillframe(&tenant());
        for key in [
            "run-1:x",
            "exec:run-1:x",
            "run-10:x",
            "exec:run-10:x",
            "run-1-2:x",
        ] {
            store.set(key, b"v", None).await.unwrap();
        }
        store.delete_execution_state(&"run-1".into()).await.unwrap();
        for (key, kept) in [
            ("run-1:x", false),
            ("exec:run-1:x", false),
            ("run-10:x", true),
            ("exec:run-10:x", true),
            ("run-1-2:x", true),
        ] {
            assert_eq!(store.exists(key).await.unwrap(), kept, "{key}");
        }
    }

    #[tokio::test]
    #[ignore = "needs a server: set STILLFRAME_TARGET"]
    async fn values_in_the_scope_of_an_execution_go_with_it() {
        let mine = tenant();
        let target = std::env::var("STILLFRAME_TARGET").unwrap();
        let client = stillframe::Client::open(target, mine.as_str()).unwrap();
        let id = ExecutionId::new();
        let scope = client.working_memory(Some(id.as_str()));
        scope
            .set("key", b"v".to_vec(), stillframe::SetOptions::default())
            .await
            .unwrap();
        let store = StillframeStateStore::new(client.clone());
        store.delete_execution_state(&id).await.unwrap();
        let error = scope.get("key").await.unwrap_err();
        assert!(error.is(&stillframe::Reason::ValueNotFound), "{error}");
    }

    #[tokio::test]
    #[ignore = "needs a server: set STILLFRAME_TARGET"]
    async fn what_cannot_be_kept_is_a_typed_error() {
        let mine = tenant();
        let store = stillframe(&mine);
        let mut snapshot = cases::snapshot(&mine);
        snapshot.variables.insert("nul".into(), "a\0b".into());
        let error = store.save_snapshot(snapshot).await.unwrap_err();
        let error: &stillframe::Error = error.downcast_ref().unwrap();
        assert!(error.is(&stillframe::Reason::ValueEncode), "{error}");
    }

    #[tokio::test]
    #[ignore = "needs a server: set STILLFRAME_TARGET"]
    async fn a_store_that_was_shut_down_says_so() {
        use enact_core::kernel::persistence::StorageBackend as _;
        let store = stillframe(&tenant());
        store.shutdown().await.unwrap();
        store.shutdown().await.unwrap();
        assert!(store.health_check().await.is_err());
        assert!(store.get("key").await.is_err());
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_no_health() {
        use enact_core::kernel::persistence::StorageBackend as _;
        // Port 0 is nobody's.
        let client = stillframe::Client::open("127.0.0.1:0", "acme").unwrap();
        let patience = std::time::Duration::from_millis(50);
        let store = StillframeStateStore::new(client.with_timeout(patience));
        assert!(store.health_check().await.is_err());
        assert!(store.requires_network() && !store.supports_air_gapped());
        assert_eq!(store.name(), "stillframe");
    }
}
