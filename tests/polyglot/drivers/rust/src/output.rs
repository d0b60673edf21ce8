//! The notation, coming out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use stillframe::{
    Claim, Deleted, Diff, Forked, Freshness, KeyInfo, Loaded, Omission, Origin, Payload, Saved,
    ServerInfo, StoredSnapshot, Timestamp, Values,
};

/// An object without the members that are null: unset is left out.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let set = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(set.map(|(name, value)| (name.to_owned(), value)).collect())
}

pub fn number(number: u64) -> Value {
    number.to_string().into()
}

pub fn time(time: Timestamp) -> Value {
    let text = time.to_string();
    match text.strip_suffix('Z') {
        // Only as many fractional digits as are needed.
        Some(digits) if digits.contains('.') => format!("{}Z", digits.trim_end_matches('0')).into(),
        _ => text.into(),
    }
}

fn optional_time(value: Option<Timestamp>) -> Value {
    value.map(time).into()
}

pub fn bytes(bytes: &[u8]) -> Value {
    STANDARD.encode(bytes).into()
}

pub fn saved(saved: &Saved) -> Value {
    json!({
        "version": number(saved.version),
        "etag": saved.etag,
        "revision": number(saved.revision),
        "resume_token": saved.resume_token,
        "outcome": saved.outcome.to_string(),
    })
}

pub fn loaded(loaded: &Loaded) -> Value {
    object([
        ("snapshot", snapshot(&loaded.snapshot)),
        ("freshness", loaded.freshness.as_ref().map(freshness).into()),
    ])
}

pub fn claim(claim: &Claim) -> Value {
    object([
        ("writer_epoch", number(claim.writer_epoch)),
        ("snapshot", claim.snapshot.as_ref().map(snapshot).into()),
        ("freshness", claim.freshness.as_ref().map(freshness).into()),
    ])
}

pub fn freshness(freshness: &Freshness) -> Value {
    json!({
        "execution_id": freshness.execution_id,
        "status": freshness.status.to_string(),
        "event_store_head": number(freshness.event_store_head),
        "snapshot_sequence": number(freshness.snapshot_sequence),
        "distance": number(freshness.distance),
        "version": number(freshness.version),
    })
}

pub fn snapshots(items: &[StoredSnapshot]) -> Value {
    items.iter().map(snapshot).collect()
}

pub fn snapshot(snapshot: &StoredSnapshot) -> Value {
    let schema_version = Some(&snapshot.schema_version).filter(|text| !text.is_empty());
    object([
        ("execution_id", json!(snapshot.execution_id)),
        ("version", number(snapshot.version)),
        ("etag", json!(snapshot.etag)),
        ("revision", number(snapshot.revision)),
        ("commit_time", time(snapshot.commit_time)),
        ("state", snapshot.state.to_string().into()),
        (
            "wait_reason",
            snapshot.wait_reason.map(|each| each.to_string()).into(),
        ),
        ("sequence_number", number(snapshot.sequence_number)),
        ("user_id", json!(snapshot.user_id)),
        ("current_step_id", json!(snapshot.current_step_id)),
        ("step_outputs", values(&snapshot.step_outputs)),
        ("variables", values(&snapshot.variables)),
        ("timestamp", optional_time(snapshot.timestamp)),
        ("labels", json!(snapshot.labels)),
        ("snapshot_id", json!(snapshot.snapshot_id)),
        ("parent_snapshot_id", json!(snapshot.parent_snapshot_id)),
        ("parent_execution_id", json!(snapshot.parent_execution_id)),
        ("schema_version", json!(schema_version)),
        ("origin", snapshot.origin.as_ref().map(origin).into()),
        ("omission", snapshot.omission.as_ref().map(omission).into()),
    ])
}

fn origin(origin: &Origin) -> Value {
    json!({
        "execution_id": origin.execution_id,
        "version": number(origin.version),
        "etag": origin.etag,
        "commit_time": time(origin.commit_time),
    })
}

fn omission(omission: &Omission) -> Value {
    let entries = omission.entries.iter().map(|entry| {
        json!({
            "map": entry.map.to_string(),
            "key": entry.key,
            "size_bytes": number(entry.size_bytes),
            "reason": entry.reason.to_string(),
        })
    });
    json!({
        "count": number(omission.count),
        "size_bytes": number(omission.size_bytes),
        "entries": entries.collect::<Vec<_>>(),
    })
}

fn values(values: &Values) -> Value {
    let entry = |(key, payload): (&str, &Payload)| {
        let notation = match values.get(key) {
            _ if !matches!(payload.encoding.as_str(), "" | "json/utf8") => {
                json!({"payload": raw(payload)})
            }
            Ok(Some(decoded)) => value(&decoded),
            // The raw payload as the error has it, not as the map has it.
            Err(error) => json!({"undecodable": error.payload().map(raw)}),
            Ok(None) => Value::Null,
        };
        (key.to_owned(), notation)
    };
    Value::Object(values.payloads().map(entry).collect())
}

fn raw(payload: &Payload) -> Value {
    json!({
        "data": bytes(&payload.data),
        "encoding": payload.encoding,
        "codecs": payload.codecs,
    })
}

fn value(decoded: &Value) -> Value {
    match decoded {
        Value::Null => json!({"null": null}),
        Value::Bool(_) => json!({"bool": decoded}),
        Value::String(_) => json!({"string": decoded}),
        Value::Number(number) if number.is_f64() => {
            let bits = number.as_f64().unwrap_or_default().to_bits();
            json!({"double": format!("{bits:016x}")})
        }
        Value::Number(number) => json!({"int": number.to_string()}),
        Value::Array(items) => json!({"array": items.iter().map(value).collect::<Vec<_>>()}),
        Value::Object(members) => {
            let members = members.iter().map(|(key, each)| (key.clone(), value(each)));
            json!({"object": members.collect::<Map<_, _>>()})
        }
    }
}

pub fn diff(diff: &Diff) -> Value {
    let entries = diff.entries.iter().map(|entry| {
        json!({"map": entry.map.to_string(), "key": entry.key, "kind": entry.kind.to_string()})
    });
    json!({
        "from_version": number(diff.from_version),
        "to_version": number(diff.to_version),
        "header_fields": diff.header_fields,
        "entries": entries.collect::<Vec<_>>(),
    })
}

pub fn forked(forked: &Forked) -> Value {
    json!({
        "version": number(forked.version),
        "etag": forked.etag,
        "revision": number(forked.revision),
        "resume_token": forked.resume_token,
        "snapshot_count": number(forked.snapshot_count),
    })
}

pub fn deleted(deleted: &Deleted) -> Value {
    json!({
        "deleted_count": number(deleted.deleted_count),
        "revision": number(deleted.revision),
        "resume_token": deleted.resume_token,
    })
}

pub fn info(info: &ServerInfo) -> Value {
    let limits = &info.limits;
    json!({
        "server_version": info.server_version,
        "store_kind": info.store_kind,
        "features": info.features,
        "limits": {
            "max_request_bytes": number(limits.max_request_bytes),
            "max_snapshot_bytes": number(limits.max_snapshot_bytes),
            "max_payload_bytes": number(limits.max_payload_bytes),
            "max_entries": number(limits.max_entries),
            "max_watches": number(limits.max_watches),
            "max_inflight_bytes": number(limits.max_inflight_bytes),
            "max_executions": number(limits.max_executions),
            "change_log_size": number(limits.change_log_size),
            "progress_interval_ms": number(limits.progress_interval_ms),
            "max_value_bytes": number(limits.max_value_bytes),
        },
    })
}

pub fn value_times(etag: &str, committed: Timestamp, expires: Option<Timestamp>) -> Value {
    object([
        ("etag", json!(etag)),
        ("commit_time", time(committed)),
        ("expire_time", optional_time(expires)),
    ])
}

pub fn key(info: &KeyInfo) -> Value {
    let mut said = value_times(&info.etag, info.commit_time, info.expire_time);
    said["key"] = json!(info.key);
    said["size_bytes"] = number(info.size_bytes);
    said
}
