//! Working out deltas, and staying safe while doing so.
//!
//! What a tracker knows of the head, it knows from its own saves and loads: the etag, and a digest
//! of every entry, not the entries themselves. A save then is
//!
//!  - a delta against that etag, if that is less to send than the whole;
//!  - otherwise the whole, with that etag as the expected one, so that it cannot overwrite what
//!    somebody else wrote in between;
//!  - the whole without any expectation, if nothing is known of the head.
//!
//! A refusal because somebody else has written, or has deleted the execution, is the caller's to
//! see, unless it chose `overwrite`: then the whole is sent without expectation.
//!
//! When no answer came, nobody knows whether the save took effect. The next save first settles
//! that, by sending the same request again under the same request_id: where it took effect the
//! server gives its first answer, where it did not it takes effect now, in its right place before
//! the next. Both ways the head is known again. The old etag in it keeps even a request_id that
//! the server has forgotten from overwriting somebody else's save.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;

use prost::Message;
use sha2::{Digest as _, Sha256};
use stillframe_proto::v1 as pb;
use stillframe_proto::v1::{save_snapshot_request::Content, snapshot_delta::Base as BaseName};

use crate::answers::Saved;
use crate::error::{Error, Reason, Result};
use crate::requests::{SaveOptions, new_request_id, save_request};
use crate::retry::is_absence;
use crate::snapshot::{EncodedSnapshot, StoredSnapshot};

/// Makes the call of a save, with retries.
pub(crate) trait SendSave: Sync {
    fn send_save(
        &self,
        request: pb::SaveSnapshotRequest,
    ) -> impl Future<Output = Result<Saved>> + Send;
}

type Digest = [u8; 16];

/// What is known of a snapshot's entries: a digest of each.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    step_outputs: BTreeMap<String, Digest>,
    variables: BTreeMap<String, Digest>,
}

/// What the head is taken to be.
#[derive(Debug)]
struct Base {
    etag: String,
    known: Known,
}

/// A save without an answer, and what the head is if it took effect.
#[derive(Clone)]
struct Unsettled {
    request: pb::SaveSnapshotRequest,
    known: Known,
}

/// What one handle knows of one execution's head.
pub(crate) struct Tracker {
    tenant: String,
    execution_id: String,
    overwrite: bool,
    base: Option<Base>,
    unsettled: Option<Unsettled>,
}

impl Tracker {
    pub(crate) fn new(tenant: String, execution_id: String, overwrite: bool) -> Self {
        Self {
            tenant,
            execution_id,
            overwrite,
            base: None,
            unsettled: None,
        }
    }

    /// Nothing is known of the head any more, and nothing is owed.
    pub(crate) fn forget(&mut self) {
        self.base = None;
        self.unsettled = None;
    }

    /// The head was read. One that leaves something out is no base for a delta.
    pub(crate) fn know(&mut self, head: Option<&StoredSnapshot>) {
        self.forget();
        let Some(head) = head else { return };
        if !head.step_outputs.is_partial() && !head.variables.is_partial() {
            let known = Known {
                step_outputs: digests(head.step_outputs.payloads()),
                variables: digests(head.variables.payloads()),
            };
            self.base = Some(Base {
                etag: head.etag.clone(),
                known,
            });
        }
    }

    /// Saves a snapshot; see the module's documentation. Where the future is dropped, the save is
    /// owed as after an answer that was lost.
    pub(crate) async fn save(
        &mut self,
        snapshot: &EncodedSnapshot,
        options: SaveOptions,
        sender: &impl SendSave,
    ) -> Result<Saved> {
        if let Some(owed) = self.unsettled.clone() {
            self.settle(owed, sender).await?;
        }
        let known = Known::of(snapshot);
        let may_overwrite = self.overwrite && options.expected_etag.is_none();
        let request = self.request(snapshot, &known, options.clone());
        match self
            .send(
                Unsettled {
                    request,
                    known: known.clone(),
                },
                sender,
            )
            .await
        {
            Err(error) if may_overwrite && is_conflict(&error) => {}
            answer => return answer,
        }
        // Another body needs another request_id.
        let options = SaveOptions {
            request_id: Some(new_request_id()),
            ..options
        };
        let request = self.whole(snapshot, options);
        self.send(Unsettled { request, known }, sender).await
    }

    async fn settle(&mut self, owed: Unsettled, sender: &impl SendSave) -> Result<()> {
        match self.send(owed, sender).await {
            // Without an answer again, it is still owed.
            Err(error) if self.unsettled.is_some() => Err(error),
            // Refused, it never took effect, and the snapshot that comes now will meet the same
            // refusal if it stands for it too.
            _ => Ok(()),
        }
    }

    async fn send(&mut self, save: Unsettled, sender: &impl SendSave) -> Result<Saved> {
        let request = save.request.clone();
        let known = save.known.clone();
        // Owed until it is answered, also when the caller drops this future.
        self.unsettled = Some(save);
        let answer = sender.send_save(request).await;
        match &answer {
            Ok(saved) => {
                self.unsettled = None;
                self.base = Some(Base {
                    etag: saved.etag.clone(),
                    known,
                });
            }
            Err(error) if !is_absence(error) => self.unsettled = None,
            Err(_) => {}
        }
        answer
    }

    fn request(
        &self,
        snapshot: &EncodedSnapshot,
        known: &Known,
        mut options: SaveOptions,
    ) -> pb::SaveSnapshotRequest {
        // must_not_exist contradicts a base, and the caller knows better.
        let Some(base) = self.base.as_ref().filter(|_| !options.must_not_exist) else {
            return self.whole(snapshot, options);
        };
        if let Some(delta) = delta_between(base, known, snapshot) {
            let content = Content::Delta(delta);
            return save_request(&self.tenant, &self.execution_id, content, options);
        }
        if options.expected_etag.is_none() && !self.overwrite {
            options.expected_etag = Some(base.etag.clone());
        }
        self.whole(snapshot, options)
    }

    fn whole(&self, snapshot: &EncodedSnapshot, options: SaveOptions) -> pb::SaveSnapshotRequest {
        let content = Content::Snapshot(snapshot.message());
        save_request(&self.tenant, &self.execution_id, content, options)
    }
}

fn is_conflict(error: &Error) -> bool {
    use Reason::{DeltaBaseMismatch, EtagMismatch, ExecutionNotFound};
    matches!(
        error.reason(),
        Some(DeltaBaseMismatch | EtagMismatch | ExecutionNotFound)
    )
}

impl Known {
    fn of(snapshot: &EncodedSnapshot) -> Self {
        Self {
            step_outputs: digests(&snapshot.step_outputs),
            variables: digests(&snapshot.variables),
        }
    }
}

/// The delta from the base, if it is less to send than the whole.
fn delta_between(
    base: &Base,
    now: &Known,
    snapshot: &EncodedSnapshot,
) -> Option<pb::SnapshotDelta> {
    let step_outputs = Changes::between(
        &base.known.step_outputs,
        &now.step_outputs,
        &snapshot.step_outputs,
    );
    let variables = Changes::between(&base.known.variables, &now.variables, &snapshot.variables);
    let whole = size(&snapshot.step_outputs) + size(&snapshot.variables);
    if step_outputs.size() + variables.size() >= whole {
        return None;
    }
    Some(pb::SnapshotDelta {
        base: Some(BaseName::BaseEtag(base.etag.clone())),
        removed_step_outputs: step_outputs.removed,
        removed_variables: variables.removed,
        snapshot: Some(pb::ExecutionSnapshot {
            step_outputs: step_outputs.set,
            variables: variables.set,
            ..snapshot.header.clone()
        }),
    })
}

/// What a map has to set and to remove.
struct Changes {
    set: HashMap<String, pb::Payload>,
    removed: Vec<String>,
}

impl Changes {
    fn between(
        base: &BTreeMap<String, Digest>,
        now: &BTreeMap<String, Digest>,
        payloads: &HashMap<String, pb::Payload>,
    ) -> Self {
        let changed = |(key, _): &(&String, &pb::Payload)| base.get(*key) != now.get(*key);
        let set = payloads.iter().filter(changed);
        Self {
            set: set
                .map(|(key, payload)| (key.clone(), payload.clone()))
                .collect(),
            removed: base
                .keys()
                .filter(|key| !now.contains_key(*key))
                .cloned()
                .collect(),
        }
    }

    /// About how many bytes that is to send.
    fn size(&self) -> usize {
        size(&self.set) + self.removed.iter().map(String::len).sum::<usize>()
    }
}

fn size(payloads: &HashMap<String, pb::Payload>) -> usize {
    payloads
        .iter()
        .map(|(key, payload)| key.len() + payload.encoded_len())
        .sum()
}

fn digests<'a, K: AsRef<str> + 'a>(
    payloads: impl IntoIterator<Item = (K, &'a pb::Payload)>,
) -> BTreeMap<String, Digest> {
    let digest = |(key, payload): (K, &pb::Payload)| (key.as_ref().to_owned(), digest(payload));
    payloads.into_iter().map(digest).collect()
}

fn digest(payload: &pb::Payload) -> Digest {
    let mut hash = Sha256::new();
    let texts = std::iter::once(&payload.encoding).chain(&payload.codecs);
    for part in std::iter::once(payload.data.as_ref()).chain(texts.map(|text| text.as_bytes())) {
        // The length before each part, so that no two payloads read the same.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(&hash.finalize()[..16]);
    digest
}

#[cfg(test)]
#[path = "tracking_tests.rs"]
mod tests;
