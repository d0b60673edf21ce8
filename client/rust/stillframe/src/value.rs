//! Values: JSON to payloads and back.
//!
//! The server keeps the bytes of a payload as they are; what they mean is settled here.

use serde::Deserialize as _;
use serde_json::{Number, Value};
use stillframe_proto::v1::Payload;

use crate::error::{Error, Result};

/// How many arrays and objects may stand in one another; a scalar has depth 0.
pub const MAX_DEPTH: usize = 200;

/// Turns values into payloads and back; what a user replaces for msgpack, compression or
/// encryption.
pub trait Codec: Send + Sync {
    /// The payload of a value, or [`Error::value_encode`] for one that it refuses.
    fn encode(&self, value: &Value) -> Result<Payload>;

    /// The value of a payload, or [`Error::value_decode`] for one that it cannot read.
    fn decode(&self, payload: &Payload) -> Result<Value>;
}

/// JSON values, as every Stillframe client reads and writes them.
///
/// Integers of i64 and u64 are exact, other numbers the same IEEE double; of the members of an
/// object with the same name the last one counts. Depth over [`MAX_DEPTH`], NUL, lone surrogates
/// and numbers outside the range of a double are refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonCodec;

impl Codec for JsonCodec {
    fn encode(&self, value: &Value) -> Result<Payload> {
        check(value).map_err(Error::value_encode)?;
        let data =
            serde_json::to_vec(value).map_err(|error| Error::value_encode(error.to_string()))?;
        Ok(Payload {
            data: data.into(),
            ..Payload::default()
        })
    }

    fn decode(&self, payload: &Payload) -> Result<Value> {
        if !payload.codecs.is_empty() {
            let message = format!("codecs are not undone here: {:?}", payload.codecs);
            return Err(Error::value_decode(message));
        }
        if !matches!(payload.encoding.as_str(), "" | "json/utf8") {
            let message = format!("the encoding is {:?}, not json/utf8", payload.encoding);
            return Err(Error::value_decode(message));
        }
        read(&payload.data).map_err(Error::value_decode)
    }
}

/// The JSON number of a double. `serde_json` turns NaN and infinities into null without a word;
/// this refuses them with [`Reason::ValueEncode`](crate::Reason::ValueEncode).
pub fn number(double: f64) -> Result<Value> {
    let refused = || Error::value_encode(format!("{double} is not a JSON number"));
    Number::from_f64(double)
        .map(Value::Number)
        .ok_or_else(refused)
}

fn read(data: &[u8]) -> Result<Value, String> {
    // The parser recurses, and its own bound is too low: so the depth is checked before it runs.
    if depth(data) > MAX_DEPTH {
        return Err(too_deep());
    }
    let mut parser = serde_json::Deserializer::from_slice(data);
    parser.disable_recursion_limit();
    let value = Value::deserialize(&mut parser).map_err(|error| format!("not JSON: {error}"))?;
    parser.end().map_err(|error| format!("not JSON: {error}"))?;
    check(&value)?;
    Ok(value)
}

/// How deep arrays and objects stand in one another in a text that may be no JSON.
fn depth(data: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = data.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
}

/// Refuses what no client could read.
fn check(value: &Value) -> Result<(), String> {
    let mut stack = vec![(value, 0)];
    while let Some((item, depth)) = stack.pop() {
        match item {
            Value::Array(_) | Value::Object(_) if depth == MAX_DEPTH => return Err(too_deep()),
            Value::Array(items) => stack.extend(items.iter().map(|each| (each, depth + 1))),
            Value::Object(members) => {
                members.keys().try_for_each(|key| check_text(key))?;
                stack.extend(members.values().map(|each| (each, depth + 1)));
            }
            Value::String(text) => check_text(text)?,
            Value::Number(number) => check_number(number)?,
            Value::Null | Value::Bool(_) => {}
        }
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), String> {
    if text.contains('\0') {
        Err("text contains NUL".to_owned())
    } else {
        Ok(())
    }
}

/// A user's build may have serde_json's `arbitrary_precision`, which lets any literal be.
fn check_number(number: &Number) -> Result<(), String> {
    if number.is_i64() || number.is_u64() || number.as_f64().is_some_and(f64::is_finite) {
        return Ok(());
    }
    Err("a number is outside the range of a double".to_owned())
}

fn too_deep() -> String {
    format!("nested deeper than {MAX_DEPTH}")
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
