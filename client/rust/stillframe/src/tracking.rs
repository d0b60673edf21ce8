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

use std::future::Future;

use stillframe_proto::v1 as pb;
use stillframe_proto::v1::save_snapshot_request::Content;

use crate::answers::Saved;
use crate::delta::{Base, Known};
use crate::error::{Error, Reason, Result};
use crate::requests::{SaveOptions, new_request_id, save_request};
use crate::retry::is_absence;
use crate::snapshot::EncodedSnapshot;
use crate::stored::StoredSnapshot;

/// Makes the call of a save, with retries.
pub(crate) trait SendSave: Sync {
    fn send_save(
        &self,
        request: pb::SaveSnapshotRequest,
    ) -> impl Future<Output = Result<Saved>> + Send;
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
        self.base = head.and_then(Base::of);
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
        if let Some(delta) = base.delta(known, snapshot) {
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

#[cfg(test)]
#[path = "tracking_tests.rs"]
mod tests;
