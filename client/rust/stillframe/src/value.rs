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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Reason;

    fn payload(data: impl Into<Vec<u8>>) -> Payload {
        Payload {
            data: data.into().into(),
            ..Payload::default()
        }
    }

    fn decode(data: impl Into<Vec<u8>>) -> Result<Value> {
        JsonCodec.decode(&payload(data))
    }

    fn refused(data: impl Into<Vec<u8>>) -> String {
        let error = decode(data).unwrap_err();
        assert_eq!(error.reason(), Some(&Reason::ValueDecode));
        error.message().to_owned()
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!(1), |inner, _| json!([inner]))
    }

    #[test]
    fn values_come_back_as_they_went() {
        for value in [
            json!(null),
            json!(true),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(9_007_199_254_740_993_u64),
            json!(0.1 + 0.2),
            json!(f64::MIN_POSITIVE),
            json!(5e-324),
            json!(f64::MAX),
            json!("é\u{1F600}\u{7f}\n\"\\/"),
            json!({"": [], "a": {"b": [1, -1, 1.5]}}),
            nested(MAX_DEPTH),
        ] {
            let payload = JsonCodec.encode(&value).unwrap();
            assert_eq!(JsonCodec.decode(&payload).unwrap(), value, "{payload:?}");
        }
    }

    #[test]
    fn a_double_is_the_nearest_to_its_text() {
        for text in [
            "2.2250738585072011e-308",
            "9007199254740993.0",
            "1.7976931348623157e308",
        ] {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(
                decode(text).unwrap().as_f64().map(f64::to_bits),
                Some(expected.to_bits())
            );
        }
        assert_eq!(
            decode("18446744073709551616").unwrap(),
            json!(18_446_744_073_709_551_616_f64)
        );
    }

    #[test]
    fn the_last_of_two_members_counts() {
        assert_eq!(
            decode(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap(),
            json!({"a": 3, "b": 2})
        );
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        assert!(refused("1e400").contains("out of range"));
        assert!(refused("[-1e400]").contains("out of range"));
        assert!(refused(r#"["\u0000"]"#).contains("NUL"));
        assert!(refused(r#"{"\u0000": 1}"#).contains("NUL"));
        for text in [
            "",
            "NaN",
            "Infinity",
            "[1,]",
            "1 2",
            "'a'",
            "01",
            r#""\ud800""#,
            "\"\n\"",
        ] {
            refused(text);
        }
        refused(b"\"\xed\xa0\x80\"");
    }

    #[test]
    fn depth_is_bounded_both_ways() {
        let deepest = format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert_eq!(decode(deepest).unwrap(), nested(MAX_DEPTH));
        assert!(refused("[".repeat(MAX_DEPTH + 1)).contains("deeper than 200"));
        assert!(refused("{\"a\":".repeat(1_000_000)).contains("deeper than 200"));
        let error = JsonCodec.encode(&nested(MAX_DEPTH + 1)).unwrap_err();
        assert_eq!(error.reason(), Some(&Reason::ValueEncode));
        // Brackets in text are no depth.
        let text = format!(r#""\"{}""#, "[".repeat(1_000));
        assert!(decode(text).unwrap().is_string());
    }

    #[test]
    fn text_with_nul_and_numbers_that_are_none_are_not_encoded() {
        for value in [json!(["\0"]), json!({"\0": 1})] {
            let error = JsonCodec.encode(&value).unwrap_err();
            assert_eq!(error.reason(), Some(&Reason::ValueEncode));
        }
        for double in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(
                number(double).unwrap_err().reason(),
                Some(&Reason::ValueEncode)
            );
        }
        assert_eq!(number(1.5).unwrap(), json!(1.5));
    }

    #[test]
    fn other_encodings_are_not_json() {
        let packed = Payload {
            encoding: "msgpack".into(),
            ..payload("1")
        };
        assert!(
            JsonCodec
                .decode(&packed)
                .unwrap_err()
                .message()
                .contains("msgpack")
        );
        let zipped = Payload {
            codecs: vec!["zstd".into()],
            ..payload("1")
        };
        assert!(
            JsonCodec
                .decode(&zipped)
                .unwrap_err()
                .message()
                .contains("zstd")
        );
        let named = Payload {
            encoding: "json/utf8".into(),
            ..payload("1")
        };
        assert_eq!(JsonCodec.decode(&named).unwrap(), json!(1));
    }
}
