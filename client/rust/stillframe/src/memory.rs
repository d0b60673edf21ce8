//! The working memory: values that engines keep beside their snapshots.

use std::time::Duration;

use bytes::Bytes;
use prost_types::Timestamp;
use stillframe_proto::v1 as pb;

use crate::answers::Page;
use crate::client::Client;
use crate::error::{Reason, Result};
use crate::listing::Listing;
use crate::requests::{duration_message, request_id_of};
use crate::transport::memory;

/// The values of one scope, an execution's or the tenant's, from [`Client::working_memory`].
///
/// A value is no part of any snapshot: it has no history, and no watch sees it. An execution's
/// values go with it.
#[derive(Clone, Debug)]
pub struct WorkingMemory {
    client: Client,
    execution_id: Option<String>,
}

/// What the setting of a value is told besides the value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetOptions {
    /// How long the value lives, counted from this commit; None is until it is deleted.
    pub ttl: Option<Duration>,
    /// Refuses with ETAG_MISMATCH unless the value that is there has this etag.
    pub expected_etag: Option<String>,
    /// Refuses with VALUE_EXISTS if there is a value.
    pub must_not_exist: bool,
    /// Makes a repeat of this call safe. A random one if not given.
    pub request_id: Option<String>,
}

impl WorkingMemory {
    pub(crate) fn new(client: Client, execution_id: Option<&str>) -> Self {
        Self {
            client,
            execution_id: execution_id.map(str::to_owned),
        }
    }

    /// Sets a value, in place of the one that has the key, and returns once that is durable.
    ///
    /// # Errors
    ///
    /// VALUE_EXISTS, ETAG_MISMATCH, VALUE_TOO_LARGE, INVALID_FIELD, REQUEST_ID_REUSED.
    pub async fn set(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        options: SetOptions,
    ) -> Result<ValueSet> {
        let request = pb::SetValueRequest {
            tenant_id: self.client.owned_tenant(),
            execution_id: self.execution_id.clone(),
            key: key.to_owned(),
            value: value.into(),
            ttl: options.ttl.map(duration_message),
            expected_etag: options.expected_etag,
            must_not_exist: options.must_not_exist,
            request_id: request_id_of(options.request_id),
        };
        self.client
            .transport()
            .refuse_too_large(&request, Some(Reason::ValueTooLarge))?;
        let send = memory!(set_value);
        let timeout = self.client.timeout();
        self.client
            .transport()
            .unary(request, timeout, send)
            .await
            .map(ValueSet::new)
    }

    /// Gets a value.
    ///
    /// # Errors
    ///
    /// VALUE_NOT_FOUND, also once its ttl is over; INVALID_FIELD.
    pub async fn get(&self, key: &str) -> Result<MemoryValue> {
        let request = pb::GetValueRequest {
            tenant_id: self.client.owned_tenant(),
            execution_id: self.execution_id.clone(),
            key: key.to_owned(),
        };
        let send = memory!(get_value);
        let timeout = self.client.timeout();
        self.client
            .transport()
            .unary(request, timeout, send)
            .await
            .map(MemoryValue::new)
    }

    /// Deletes a value, and returns whether there was one. With `expected_etag` it is refused if
    /// there is a value with another etag.
    ///
    /// It has no request_id. After an answer that was lost it is repeated, and then returns false
    /// for the value that the first try has deleted, or deletes one that was set since:
    /// `expected_etag` makes the latter impossible.
    ///
    /// # Errors
    ///
    /// ETAG_MISMATCH, INVALID_FIELD.
    pub async fn delete(&self, key: &str, expected_etag: Option<&str>) -> Result<bool> {
        let request = pb::DeleteValueRequest {
            tenant_id: self.client.owned_tenant(),
            execution_id: self.execution_id.clone(),
            key: key.to_owned(),
            expected_etag: expected_etag.map(str::to_owned),
        };
        let send = memory!(delete_value);
        let timeout = self.client.timeout();
        let answer: pb::DeleteValueResponse = self
            .client
            .transport()
            .unary(request, timeout, send)
            .await?;
        Ok(answer.deleted)
    }

    /// Lists the keys that start with `key_prefix`, all of them with None, in order of their
    /// bytes. `page_size` is the most keys of a page; 0 is 100, and more than 1,000 is 1,000.
    pub fn list_keys(&self, key_prefix: Option<&str>, page_size: u32) -> Listing<KeyInfo> {
        let (memory, key_prefix) = (self.clone(), key_prefix.map(str::to_owned));
        Listing::new(move |token| {
            let (memory, key_prefix) = (memory.clone(), key_prefix.clone());
            async move {
                memory
                    .keys_page(key_prefix.as_deref(), page_size, &token)
                    .await
            }
        })
    }

    /// One page of [`WorkingMemory::list_keys`]; the first has an empty token.
    ///
    /// # Errors
    ///
    /// INVALID_FIELD, PAGE_TOKEN_MISMATCH.
    pub async fn keys_page(
        &self,
        key_prefix: Option<&str>,
        page_size: u32,
        page_token: &str,
    ) -> Result<Page<KeyInfo>> {
        let request = pb::ListKeysRequest {
            tenant_id: self.client.owned_tenant(),
            execution_id: self.execution_id.clone(),
            key_prefix: key_prefix.map(str::to_owned),
            page_size,
            page_token: page_token.to_owned(),
        };
        let send = memory!(list_keys);
        let timeout = self.client.timeout();
        let answer: pb::ListKeysResponse = self
            .client
            .transport()
            .unary(request, timeout, send)
            .await?;
        Ok(Page {
            items: answer.keys.into_iter().map(KeyInfo::new).collect(),
            next_page_token: answer.next_page_token,
            count: None,
        })
    }
}

/// A value of the working memory.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MemoryValue {
    /// Its bytes.
    pub value: Bytes,
    /// Opaque text that names this value for good.
    pub etag: String,
    /// The store's clock when it was set.
    pub commit_time: Timestamp,
    /// When its ttl is over; None when it has none.
    pub expire_time: Option<Timestamp>,
}

impl MemoryValue {
    pub(crate) fn new(message: pb::GetValueResponse) -> Self {
        Self {
            value: message.value,
            etag: message.etag,
            commit_time: message.commit_time.unwrap_or_default(),
            expire_time: message.expire_time,
        }
    }
}

/// The answer to the setting of a value: it is durable.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ValueSet {
    /// As in [`MemoryValue`].
    pub etag: String,
    /// As in [`MemoryValue`].
    pub commit_time: Timestamp,
    /// As in [`MemoryValue`].
    pub expire_time: Option<Timestamp>,
}

impl ValueSet {
    pub(crate) fn new(message: pb::SetValueResponse) -> Self {
        Self {
            etag: message.etag,
            commit_time: message.commit_time.unwrap_or_default(),
            expire_time: message.expire_time,
        }
    }
}

/// A key of the working memory, and what is known of its value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The key.
    pub key: String,
    /// As in [`MemoryValue`].
    pub etag: String,
    /// The bytes of the value.
    pub size_bytes: u64,
    /// As in [`MemoryValue`].
    pub commit_time: Timestamp,
    /// As in [`MemoryValue`].
    pub expire_time: Option<Timestamp>,
}

impl KeyInfo {
    pub(crate) fn new(message: pb::KeyInfo) -> Self {
        Self {
            key: message.key,
            etag: message.etag,
            size_bytes: message.size_bytes,
            commit_time: message.commit_time.unwrap_or_default(),
            expire_time: message.expire_time,
        }
    }
}
