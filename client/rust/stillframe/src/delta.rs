//! What a snapshot has to set and to remove against what is known of another. No I/O.

use std::collections::{BTreeMap, HashMap};

use prost::Message;
use sha2::{Digest as _, Sha256};
use stillframe_proto::v1 as pb;
use stillframe_proto::v1::snapshot_delta;

use crate::snapshot::EncodedSnapshot;
use crate::stored::StoredSnapshot;

type Digest = [u8; 16];

/// What is known of a snapshot's entries: a digest of each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    step_outputs: BTreeMap<String, Digest>,
    variables: BTreeMap<String, Digest>,
}

impl Known {
    pub(crate) fn of(snapshot: &EncodedSnapshot) -> Self {
        Self {
            step_outputs: digests(&snapshot.step_outputs),
            variables: digests(&snapshot.variables),
        }
    }
}

/// What the head is taken to be.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) etag: String,
    pub(crate) known: Known,
}

impl Base {
    /// The head as it was read; None if it leaves something out.
    pub(crate) fn of(head: &StoredSnapshot) -> Option<Self> {
        if head.step_outputs.is_partial() || head.variables.is_partial() {
            return None;
        }
        let known = Known {
            step_outputs: digests(head.step_outputs.payloads()),
            variables: digests(head.variables.payloads()),
        };
        Some(Self {
            etag: head.etag.clone(),
            known,
        })
    }

    /// The delta to a snapshot, of which `now` is known, if it is less to send than the whole.
    pub(crate) fn delta(
        &self,
        now: &Known,
        snapshot: &EncodedSnapshot,
    ) -> Option<pb::SnapshotDelta> {
        let base = &self.known;
        let step_outputs = Changes::between(
            &base.step_outputs,
            &now.step_outputs,
            &snapshot.step_outputs,
        );
        let variables = Changes::between(&base.variables, &now.variables, &snapshot.variables);
        let whole = size(&snapshot.step_outputs) + size(&snapshot.variables);
        if step_outputs.size() + variables.size() >= whole {
            return None;
        }
        Some(pb::SnapshotDelta {
            base: Some(snapshot_delta::Base::BaseEtag(self.etag.clone())),
            removed_step_outputs: step_outputs.removed,
            removed_variables: variables.removed,
            snapshot: Some(pb::ExecutionSnapshot {
                step_outputs: step_outputs.set,
                variables: variables.set,
                ..snapshot.header.clone()
            }),
        })
    }
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
mod tests {
    use super::*;

    #[test]
    fn digests_tell_data_from_encoding_and_codecs() {
        let payload = |data: &'static [u8], encoding: &str, codecs: &[&str]| pb::Payload {
            data: data.into(),
            encoding: encoding.into(),
            codecs: codecs.iter().map(|each| (*each).to_owned()).collect(),
        };
        let different = [
            payload(b"ab", "", &[]),
            payload(b"a", "b", &[]),
            payload(b"", "ab", &[]),
            payload(b"", "", &["ab"]),
            payload(b"", "", &["a", "b"]),
            payload(b"", "a", &["b"]),
        ];
        let digests: std::collections::BTreeSet<_> = different.iter().map(digest).collect();
        assert_eq!(digests.len(), different.len());
        assert_eq!(digest(&different[0]), digest(&payload(b"ab", "", &[])));
    }
}
