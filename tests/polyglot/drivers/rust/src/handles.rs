//! Execution handles and background savers.

use std::collections::HashMap;

use serde_json::json;
use stillframe::{ExecutionOptions, SaverOptions};

use crate::args::{Args, Read};
use crate::failure::{Failure, Outcome};
use crate::{Session, input, output};

pub async fn carry_out(session: &mut Session, call: &str, args: &Args<'_>) -> Outcome {
    if call.starts_with("saver_") {
        return saver(session, call, args).await;
    }
    if call == "open" {
        let options = ExecutionOptions {
            writer_epoch: args.number("writer_epoch")?,
            overwrite: args.flag("overwrite"),
        };
        let execution = session
            .client
            .execution(&args.required("execution_id")?, options);
        session.handles.insert(args.required("handle")?, execution);
        return Ok(json!({}));
    }
    let default_timeout = session.client.timeout();
    let handle = named(&mut session.handles, args, "handle")?;
    handle.set_timeout(args.seconds("timeout")?.unwrap_or(default_timeout));
    match call {
        "handle_save" => {
            let (snapshot, options) = (input::snapshot(args)?, input::save_options(args)?);
            Ok(output::saved(&handle.save(&snapshot, options).await?))
        }
        "handle_load" => Ok(output::loaded(
            &handle.load(input::load_options(args)?).await?,
        )),
        "handle_claim" => Ok(output::claim(
            &handle.claim(input::claim_options(args)?).await?,
        )),
        _ => Err(Failure::driver(format!("there is no call {call:?}"))),
    }
}

async fn saver(session: &mut Session, call: &str, args: &Args<'_>) -> Outcome {
    if call == "saver_open" {
        let mut options = SaverOptions {
            writer_epoch: args.number("writer_epoch")?,
            overwrite: args.flag("overwrite"),
            ..SaverOptions::default()
        };
        if let Some(max_absence) = args.seconds("max_absence")? {
            options.max_absence = max_absence;
        }
        let saver = session
            .client
            .saver(&args.required("execution_id")?, options);
        session.savers.insert(args.required("saver")?, saver);
        return Ok(json!({}));
    }
    let saver = named(&mut session.savers, args, "saver")?;
    match call {
        "saver_submit" => {
            saver.submit(&input::snapshot(args)?)?;
            Ok(json!({}))
        }
        "saver_flush" => {
            let saved = match args.seconds("timeout")? {
                Some(timeout) => saver.flush_within(timeout).await?,
                None => saver.flush().await?,
            };
            Ok(saved.as_ref().map_or_else(|| json!({}), output::saved))
        }
        "saver_close" => {
            saver.close().await?;
            Ok(json!({}))
        }
        _ => Err(Failure::driver(format!("there is no call {call:?}"))),
    }
}

/// What was opened under the name that the arguments give.
pub fn named<'a, T>(
    opened: &'a mut HashMap<String, T>,
    args: &Args,
    kind: &str,
) -> Read<&'a mut T> {
    let name = args.required(kind)?;
    opened
        .get_mut(&name)
        .ok_or_else(|| Failure::driver(format!("there is no {kind} {name:?}")))
}
