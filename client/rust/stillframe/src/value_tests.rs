//! Values, there and back.

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
