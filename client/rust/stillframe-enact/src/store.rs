//! The store.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use enact_core::kernel::persistence::{ExecutionSnapshot, StateStore, StorageBackend};
use enact_core::kernel::{ExecutionId, TenantId};
use stillframe::{
    Client, DeleteOptions, ListOptions, LoadOptions, Reason, SaveOptions, SetOptions, WorkingMemory,
};

use crate::{convert, keys};

/// The longest ttl that the contract has, 36,500 days.
const MAX_TTL: Duration = Duration::from_secs(36_500 * 24 * 60 * 60);

/// The most keys of a page, by the contract.
const KEYS_PAGE: u32 = 1_000;

/// A `StateStore` over a Stillframe server, for one tenant.
///
/// A save is durable when it returns, and overwrites, as the trait wants it; every version stays in
/// the execution's history, by the server's retention. Ids, keys and names of variables are 1 to
/// 512 bytes without control characters, and a snapshot's text holds no NUL; anything else is an
/// error that names the field. Errors are [`stillframe::Error`] inside: `downcast_ref` gives their
/// reason.
#[derive(Debug)]
pub struct StillframeStateStore {
    /// None once the store was shut down.
    client: RwLock<Option<Client>>,
    tenant_id: TenantId,
}

impl StillframeStateStore {
    /// A store over a client that was opened for a tenant, with whatever TLS and timeout it has.
    pub fn new(client: Client) -> Self {
        let tenant_id = TenantId::from(client.tenant());
        Self {
            client: RwLock::new(Some(client)),
            tenant_id,
        }
    }

    /// A store over a client of its own, without TLS. It connects with its first call.
    ///
    /// # Errors
    ///
    /// Those of [`stillframe::Builder::open`].
    pub fn connect(target: &str, tenant_id: impl Into<TenantId>) -> anyhow::Result<Self> {
        Ok(Self::new(Client::open(target, tenant_id.into().as_str())?))
    }

    /// The tenant whose snapshots these are.
    pub fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }

    fn client(&self) -> anyhow::Result<Client> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        client.clone().context("the state store was shut down")
    }

    /// The keys have no execution in the trait, so all of them are the tenant's.
    fn memory(&self) -> anyhow::Result<WorkingMemory> {
        Ok(self.client()?.working_memory(None))
    }

    fn refuse_another(&self, tenant_id: &TenantId) -> anyhow::Result<()> {
        if tenant_id != &self.tenant_id {
            bail!(
                "the state store is for tenant {:?}, not {tenant_id:?}",
                self.tenant_id.as_str()
            );
        }
        Ok(())
    }

    async fn delete_keys(&self, execution_id: &ExecutionId) -> anyhow::Result<()> {
        let memory = self.memory()?;
        for prefix in keys::prefixes(execution_id) {
            let mut found = memory.list_keys(Some(&prefix), KEYS_PAGE);
            while let Some(info) = found.next().await {
                let key = info?.key;
                let rest = key.strip_prefix(&prefix);
                if rest.is_some_and(|rest| keys::belongs(execution_id, rest)) {
                    memory.delete(&key, None).await?;
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl StorageBackend for StillframeStateStore {
    fn name(&self) -> &str {
        "stillframe"
    }

    fn requires_network(&self) -> bool {
        true
    }

    async fn health_check(&self) -> anyhow::Result<()> {
        self.client()?.info().await?;
        Ok(())
    }

    /// Closes the connection when the calls under way are over. Nothing is pending: what was saved
    /// is durable. Later calls fail.
    async fn shutdown(&self) -> anyhow::Result<()> {
        self.client
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Ok(())
    }
}

#[async_trait]
impl StateStore for StillframeStateStore {
    async fn save_snapshot(&self, snapshot: ExecutionSnapshot) -> anyhow::Result<()> {
        self.refuse_another(&snapshot.tenant_id)?;
        let execution_id = snapshot.execution_id.clone();
        let snapshot = convert::to_stillframe(snapshot);
        // The trait orders nothing: a later save overwrites whatever was there.
        let options = SaveOptions {
            allow_sequence_regression: true,
            ..SaveOptions::default()
        };
        self.client()?
            .save(execution_id.as_str(), &snapshot, options)
            .await?;
        Ok(())
    }

    async fn load_snapshot(
        &self,
        execution_id: &ExecutionId,
    ) -> anyhow::Result<Option<ExecutionSnapshot>> {
        match self
            .client()?
            .load(execution_id.as_str(), LoadOptions::default())
            .await
        {
            Ok(loaded) => convert::to_enact(&loaded.snapshot).map(Some),
            Err(error) if error.is(&Reason::ExecutionNotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn delete_snapshot(&self, execution_id: &ExecutionId) -> anyhow::Result<()> {
        self.client()?
            .delete(execution_id.as_str(), DeleteOptions::default())
            .await?;
        Ok(())
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> anyhow::Result<()> {
        if ttl == Some(Duration::ZERO) {
            // It is over at once; the contract has no such ttl.
            return self.delete(key).await;
        }
        let options = SetOptions {
            ttl: ttl.map(|ttl| ttl.min(MAX_TTL)),
            ..SetOptions::default()
        };
        self.memory()?.set(key, value.to_vec(), options).await?;
        Ok(())
    }

    async fn get(&self, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
        match self.memory()?.get(key).await {
            Ok(found) => Ok(Some(found.value.into())),
            Err(error) if error.is(&Reason::ValueNotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn delete(&self, key: &str) -> anyhow::Result<()> {
        self.memory()?.delete(key, None).await?;
        Ok(())
    }

    /// Deletes the execution and its history, and the keys that are `exec:{id}…` or start with the
    /// id. Cut off in between, a repeated call goes on.
    async fn delete_execution_state(&self, execution_id: &ExecutionId) -> anyhow::Result<()> {
        self.delete_snapshot(execution_id).await?;
        self.delete_keys(execution_id).await
    }

    async fn list_snapshots(
        &self,
        tenant_id: &TenantId,
        limit: usize,
    ) -> anyhow::Result<Vec<ExecutionId>> {
        self.refuse_another(tenant_id)?;
        let page_size = u32::try_from(limit).unwrap_or(u32::MAX);
        let mut heads = self.client()?.list(ListOptions {
            page_size,
            ..ListOptions::default()
        });
        let mut ids = Vec::new();
        while ids.len() < limit {
            match heads.next().await.transpose()? {
                Some(head) => ids.push(ExecutionId::from(head.execution_id)),
                None => break,
            }
        }
        Ok(ids)
    }
}
