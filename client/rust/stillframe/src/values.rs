//! The entries of a snapshot: what goes in, and what comes out.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use stillframe_proto::v1::Payload;

use crate::error::{Error, Result};
use crate::value::Codec;

/// A value to save: one that the client's codec encodes, or a raw payload, which is saved byte
/// for byte.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Encoded by the client's codec.
    Value(Value),
    /// Saved as it is.
    Payload(Payload),
}

macro_rules! entry_from {
    ($($type:ty)*) => {
        $(impl From<$type> for Entry {
            fn from(value: $type) -> Self {
                Self::Value(value.into())
            }
        })*
    };
}

// Not from f64: serde_json would turn NaN into null. `number` refuses it.
entry_from!(Value bool &str String i32 i64 u32 u64);

impl From<Payload> for Entry {
    fn from(payload: Payload) -> Self {
        Self::Payload(payload)
    }
}

/// The payloads of a map. `name` is the map's, for errors.
pub(crate) fn encode(
    name: &str,
    entries: &BTreeMap<String, Entry>,
    codec: &dyn Codec,
) -> Result<HashMap<String, Payload>> {
    let encode_one = |(key, entry): (&String, &Entry)| match entry {
        Entry::Payload(payload) => Ok((key.clone(), payload.clone())),
        Entry::Value(value) => match codec.encode(value) {
            Ok(payload) => Ok((key.clone(), payload)),
            Err(error) => Err(error.at_entry(&format!("{name}[{key:?}]"))),
        },
    };
    entries.iter().map(encode_one).collect()
}

/// One map of a snapshot that was loaded: payloads, decoded when they are looked up.
///
/// A payload that cannot be decoded fails when its key is looked up, and spoils no other.
#[derive(Clone)]
pub struct Values {
    name: &'static str,
    payloads: BTreeMap<String, Payload>,
    codec: Arc<dyn Codec>,
    partial: bool,
}

impl Values {
    pub(crate) fn new(
        name: &'static str,
        payloads: HashMap<String, Payload>,
        codec: Arc<dyn Codec>,
        partial: bool,
    ) -> Self {
        Self {
            name,
            payloads: payloads.into_iter().collect(),
            codec,
            partial,
        }
    }

    /// The value of a key; None when it is not there.
    ///
    /// # Errors
    ///
    /// [`Reason::ValueDecode`](crate::Reason::ValueDecode) with the raw payload.
    pub fn get(&self, key: &str) -> Result<Option<Value>> {
        self.payloads
            .get(key)
            .map(|payload| self.decode(key, payload))
            .transpose()
    }

    /// The raw payload of a key, whatever its encoding.
    pub fn payload(&self, key: &str) -> Option<&Payload> {
        self.payloads.get(key)
    }

    /// The keys and their raw payloads, in order of the keys' bytes.
    pub fn payloads(&self) -> impl ExactSizeIterator<Item = (&str, &Payload)> {
        self.payloads
            .iter()
            .map(|(key, payload)| (key.as_str(), payload))
    }

    /// The keys, in order of their bytes.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.payloads.keys().map(String::as_str)
    }

    /// The keys and their values, each decoded when it is reached.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Result<Value>)> {
        self.payloads()
            .map(|(key, payload)| (key, self.decode(key, payload)))
    }

    /// Whether the key is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.payloads.contains_key(key)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.payloads.is_empty()
    }

    /// Whether the answer left entries of its snapshot out.
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// The entries as a save takes them.
    pub(crate) fn entries(&self) -> BTreeMap<String, Entry> {
        let entry = |(key, payload): (&str, &Payload)| (key.to_owned(), payload.clone().into());
        self.payloads().map(entry).collect()
    }

    fn decode(&self, key: &str, payload: &Payload) -> Result<Value> {
        self.codec.decode(payload).map_err(|error: Error| {
            error
                .at_entry(&format!("{}[{key:?}]", self.name))
                .with_payload(payload)
        })
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Sizes only: values may be large, or secret.
        let sizes = self
            .payloads()
            .map(|(key, payload)| (key, payload.data.len()));
        f.debug_map().entries(sizes).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Reason;
    use crate::value::JsonCodec;

    fn values(payloads: [(&str, &str); 2]) -> Values {
        let payload = |(key, data): (&str, &str)| {
            let data = data.as_bytes().to_vec().into();
            (
                key.to_owned(),
                Payload {
                    data,
                    ..Payload::default()
                },
            )
        };
        let payloads = payloads.into_iter().map(payload).collect();
        Values::new("variables", payloads, Arc::new(JsonCodec), false)
    }

    #[test]
    fn one_entry_that_cannot_be_read_spoils_no_other() {
        let values = values([("bad", "1e400"), ("good", "1")]);
        assert_eq!(values.get("good").unwrap(), Some(json!(1)));
        assert_eq!(values.get("none").unwrap(), None);
        let error = values.get("bad").unwrap_err();
        assert_eq!(error.reason(), Some(&Reason::ValueDecode));
        assert_eq!(error.payload().unwrap().data.as_ref(), b"1e400");
        assert!(
            error.message().starts_with("variables[\"bad\"]: "),
            "{error}"
        );
        let read: Vec<bool> = values.iter().map(|(_, value)| value.is_ok()).collect();
        assert_eq!(read, [false, true]);
    }

    #[test]
    fn what_was_loaded_is_saved_byte_for_byte() {
        let values = values([("a", "1e400"), ("b", " 1 ")]);
        let again = encode("variables", &values.entries(), &JsonCodec).unwrap();
        assert_eq!(again["a"].data.as_ref(), b"1e400");
        assert_eq!(again["b"].data.as_ref(), b" 1 ");
    }

    #[test]
    fn the_entry_that_cannot_be_encoded_is_named() {
        let entries = BTreeMap::from([("x".to_owned(), Entry::from("a\0b"))]);
        let error = encode("step_outputs", &entries, &JsonCodec).unwrap_err();
        assert!(
            error.message().starts_with("step_outputs[\"x\"]: "),
            "{error}"
        );
    }
}
