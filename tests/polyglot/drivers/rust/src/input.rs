//! The notation, going in.

use serde_json::Value;
use stillframe::{
    ClaimOptions, Criteria, Entry, ExecutionState, Filter, HistoryOptions, ListOptions,
    LoadOptions, MapProjection, Payload, Projection, SaveOptions, Selector, Snapshot, StateClass,
    WaitReason, WatchMode,
};

use crate::args::{Args, Read, text, wrong};

macro_rules! names {
    ($($function:ident $type:ident)*) => {
        $(pub fn $function(name: &str, value: &Value) -> Read<$type> {
            value.as_str().and_then($type::from_name).ok_or_else(|| wrong(name))
        })*
    };
}

names!(state ExecutionState  wait_reason WaitReason  state_class StateClass  mode WatchMode);

pub fn snapshot(args: &Args) -> Read<Snapshot> {
    let snapshot = args.object("snapshot").ok_or_else(|| wrong("snapshot"))?;
    let state = snapshot
        .get("state")
        .map(|value| state("state", value))
        .transpose()?;
    Ok(Snapshot {
        // Zero is what a message has where nothing is set.
        state: state.unwrap_or(ExecutionState::Unrecognized(0)),
        wait_reason: snapshot
            .get("wait_reason")
            .map(|v| wait_reason("wait_reason", v))
            .transpose()?,
        sequence_number: snapshot.number("sequence_number")?.unwrap_or_default(),
        user_id: snapshot.text("user_id")?,
        current_step_id: snapshot.text("current_step_id")?,
        step_outputs: snapshot.map("step_outputs", entry)?.unwrap_or_default(),
        variables: snapshot.map("variables", entry)?.unwrap_or_default(),
        timestamp: snapshot.time("timestamp")?,
        labels: snapshot.map("labels", text)?.unwrap_or_default(),
        snapshot_id: snapshot.text("snapshot_id")?,
        parent_snapshot_id: snapshot.text("parent_snapshot_id")?,
        parent_execution_id: snapshot.text("parent_execution_id")?,
        schema_version: snapshot.text("schema_version")?.unwrap_or_default(),
    })
}

fn entry(name: &str, notation: &Value) -> Read<Entry> {
    match Args::new(Some(notation)).object("payload") {
        Some(raw) => Ok(Entry::Payload(Payload {
            data: raw.bytes("data")?.into(),
            encoding: raw.text("encoding")?.unwrap_or_default(),
            codecs: raw.texts("codecs")?.unwrap_or_default(),
        })),
        None => value(name, notation).map(Entry::Value),
    }
}

fn value(name: &str, notation: &Value) -> Read<Value> {
    let Some((kind, inner)) = notation.as_object().and_then(|object| object.iter().next()) else {
        return Err(wrong(name));
    };
    match (kind.as_str(), inner) {
        ("null", _) => Ok(Value::Null),
        ("bool", Value::Bool(_)) | ("string", Value::String(_)) => Ok(inner.clone()),
        ("int", Value::String(digits)) => {
            let signed = digits.parse::<i64>().map(Value::from);
            signed
                .or_else(|_| digits.parse::<u64>().map(Value::from))
                .map_err(|_| wrong(name))
        }
        ("double", Value::String(bits)) => {
            let bits = u64::from_str_radix(bits, 16).map_err(|_| wrong(name))?;
            Ok(stillframe::number(f64::from_bits(bits))?)
        }
        ("array", Value::Array(items)) => items.iter().map(|each| value(name, each)).collect(),
        ("object", Value::Object(members)) => {
            let member = |(key, each): (&String, &Value)| Ok((key.clone(), value(key, each)?));
            members.iter().map(member).collect()
        }
        _ => Err(wrong(name)),
    }
}

pub fn save_options(args: &Args) -> Read<SaveOptions> {
    Ok(SaveOptions {
        expected_etag: args.text("expected_etag")?,
        must_not_exist: args.flag("must_not_exist"),
        writer_epoch: args.number("writer_epoch")?,
        ttl: args.seconds("ttl")?,
        allow_sequence_regression: args.flag("allow_sequence_regression"),
        request_id: args.text("request_id")?,
    })
}

pub fn load_options(args: &Args) -> Read<LoadOptions> {
    Ok(LoadOptions {
        selector: selector(args)?,
        projection: projection(args)?,
        event_store_head: args.number("event_store_head")?,
        require_fresh: args.flag("require_fresh"),
        max_behind: args.number("max_behind")?,
        max_message_bytes: args.number("max_message_bytes")?,
    })
}

pub fn claim_options(args: &Args) -> Read<ClaimOptions> {
    Ok(ClaimOptions {
        allow_missing: args.flag("allow_missing"),
        projection: projection(args)?,
        event_store_head: args.number("event_store_head")?,
    })
}

pub fn list_options(args: &Args) -> Read<ListOptions> {
    Ok(ListOptions {
        filter: filter(args)?,
        full: args.flag("full"),
        projection: projection(args)?,
        page_size: args.page_size()?,
    })
}

pub fn history_options(args: &Args) -> Read<HistoryOptions> {
    Ok(HistoryOptions {
        execution_id: args.text("execution_id")?,
        filter: filter(args)?,
        criteria: criteria(args)?,
        labels: args.map("labels", text)?.unwrap_or_default(),
        full: args.flag("full"),
        projection: projection(args)?,
        page_size: args.page_size()?,
    })
}

pub fn selector(args: &Args) -> Read<Selector> {
    match (
        args.number("version")?,
        args.text("snapshot_id")?,
        criteria(args)?,
    ) {
        (None, None, None) => Ok(Selector::Head),
        (Some(version), None, None) => Ok(Selector::Version(version)),
        (None, Some(id), None) => Ok(Selector::SnapshotId(id)),
        (None, None, Some(criteria)) => Ok(Selector::Latest(criteria)),
        _ => Err(wrong("the selector")),
    }
}

pub fn criteria(args: &Args) -> Read<Option<Criteria>> {
    let Some(bounds) = args.object("criteria") else {
        return Ok(None);
    };
    Ok(Some(Criteria {
        sequence_min: bounds.number("sequence_min")?,
        sequence_max: bounds.number("sequence_max")?,
        timestamp_min: bounds.time("timestamp_min")?,
        timestamp_max: bounds.time("timestamp_max")?,
        commit_time_min: bounds.time("commit_time_min")?,
        commit_time_max: bounds.time("commit_time_max")?,
    }))
}

pub fn filter(args: &Args) -> Read<Option<Filter>> {
    let Some(filter) = args.object("filter") else {
        return Ok(None);
    };
    Ok(Some(Filter {
        execution_ids: filter.texts("execution_ids")?,
        execution_id_prefix: filter.text("execution_id_prefix")?,
        states: filter.list("states", state)?,
        state_classes: filter.list("state_classes", state_class)?,
        wait_reasons: filter.list("wait_reasons", wait_reason)?,
        user_id: filter.text("user_id")?,
        parent_execution_id: filter.text("parent_execution_id")?,
        labels: filter.map("labels", text)?.unwrap_or_default(),
        criteria: criteria(&filter)?,
    }))
}

pub fn projection(args: &Args) -> Read<Option<Projection>> {
    let Some(projection) = args.object("projection") else {
        return Ok(None);
    };
    let chosen = |name| -> Read<Option<MapProjection>> {
        let Some(chosen) = projection.object(name) else {
            return Ok(None);
        };
        Ok(Some(MapProjection {
            all: chosen.flag("all"),
            keys: chosen.texts("keys")?.unwrap_or_default(),
            key_prefixes: chosen.texts("key_prefixes")?.unwrap_or_default(),
        }))
    };
    let (step_outputs, variables) = (chosen("step_outputs")?, chosen("variables")?);
    Ok(Some(Projection {
        step_outputs,
        variables,
    }))
}
