//! The commands that are one call.

use serde_json::{Value, json};
use stillframe::{Client, DeleteOptions, ForkOptions, PruneOptions, SetOptions};

use crate::args::{Args, number, text};
use crate::failure::{Failure, Outcome};
use crate::{input, output};

pub async fn carry_out(client: &Client, call: &str, args: &Args<'_>) -> Outcome {
    let execution_id = args.text("execution_id")?;
    let id = execution_id.as_deref().unwrap_or_default();
    match call {
        "info" => Ok(output::info(&client.info().await?)),
        "save" => {
            let (snapshot, options) = (input::snapshot(args)?, input::save_options(args)?);
            Ok(output::saved(&client.save(id, &snapshot, options).await?))
        }
        "load" => Ok(output::loaded(
            &client.load(id, input::load_options(args)?).await?,
        )),
        "claim" => Ok(output::claim(
            &client.claim(id, input::claim_options(args)?).await?,
        )),
        "check_freshness" => {
            let heads = args.map("heads", number)?.unwrap_or_default();
            let results = client.check_freshness(heads).await?;
            Ok(json!({"results": results.iter().map(output::freshness).collect::<Value>()}))
        }
        "list" => {
            let items = client
                .list(input::list_options(args)?)
                .collect_all()
                .await?;
            Ok(json!({"snapshots": output::snapshots(&items)}))
        }
        "list_page" => list_page(client, args).await,
        "history" => {
            let items = client
                .history(input::history_options(args)?)
                .collect_all()
                .await?;
            Ok(json!({"snapshots": output::snapshots(&items)}))
        }
        "diff" => {
            let selector = |name| input::selector(&args.object(name).unwrap_or(Args::new(None)));
            let (from, to) = (selector("from")?, selector("to")?);
            Ok(output::diff(&client.diff(id, from, to).await?))
        }
        "fork" => {
            let options = ForkOptions {
                selector: input::selector(args)?,
                include_history: args.flag("include_history"),
                sequence_number: args.number("sequence_number")?,
                request_id: args.text("request_id")?,
            };
            let new_id = args.text("new_execution_id")?.unwrap_or_default();
            Ok(output::forked(&client.fork(id, &new_id, options).await?))
        }
        "prune" => {
            let options = PruneOptions {
                versions: args.list("versions", number)?,
                snapshot_ids: args.texts("snapshot_ids")?,
                criteria: input::criteria(args)?,
                labels: args.map("labels", text)?,
                all_history: args.flag("all_history"),
                writer_epoch: args.number("writer_epoch")?,
                request_id: args.text("request_id")?,
            };
            let deleted = client.prune(id, options).await?;
            Ok(json!({"deleted_count": output::number(deleted)}))
        }
        "delete" => {
            let options = DeleteOptions {
                expected_etag: args.text("expected_etag")?,
                writer_epoch: args.number("writer_epoch")?,
                include_descendants: args.flag("include_descendants"),
                request_id: args.text("request_id")?,
            };
            Ok(output::deleted(&client.delete(id, options).await?))
        }
        "set_value" | "get_value" | "delete_value" | "list_keys" => {
            working_memory(client, call, execution_id.as_deref(), args).await
        }
        _ => Err(Failure::driver(format!("there is no call {call:?}"))),
    }
}

async fn list_page(client: &Client, args: &Args<'_>) -> Outcome {
    let token = args.text("page_token")?.unwrap_or_default();
    let options = input::list_options(args)?;
    let page = client
        .list_page(&options, &token, args.flag("include_count"))
        .await?;
    let count = page
        .count
        .map(|count| json!({"value": output::number(count.value), "at_least": count.at_least}));
    Ok(output::object([
        ("snapshots", output::snapshots(&page.items)),
        ("next_page_token", page.next_page_token.into()),
        ("count", count.into()),
    ]))
}

async fn working_memory(
    client: &Client,
    call: &str,
    execution_id: Option<&str>,
    args: &Args<'_>,
) -> Outcome {
    let memory = client.working_memory(execution_id);
    let key = args.text("key")?.unwrap_or_default();
    match call {
        "set_value" => {
            let options = SetOptions {
                ttl: args.seconds("ttl")?,
                expected_etag: args.text("expected_etag")?,
                must_not_exist: args.flag("must_not_exist"),
                request_id: args.text("request_id")?,
            };
            let set = memory.set(&key, args.bytes("value")?, options).await?;
            Ok(output::value_times(
                &set.etag,
                set.commit_time,
                set.expire_time,
            ))
        }
        "get_value" => {
            let found = memory.get(&key).await?;
            let mut said = output::value_times(&found.etag, found.commit_time, found.expire_time);
            said["value"] = output::bytes(&found.value);
            Ok(said)
        }
        "delete_value" => {
            let etag = args.text("expected_etag")?;
            Ok(json!({"deleted": memory.delete(&key, etag.as_deref()).await?}))
        }
        _ => {
            let prefix = args.text("key_prefix")?;
            let keys = memory
                .list_keys(prefix.as_deref(), args.page_size()?)
                .collect_all()
                .await?;
            Ok(json!({"keys": keys.iter().map(output::key).collect::<Value>()}))
        }
    }
}
