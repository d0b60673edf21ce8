//! Watches.

use std::time::Duration;

use serde_json::{Value, json};
use stillframe::{Watch, WatchEvent, WatchOptions};

use crate::args::{Args, Read};
use crate::failure::{Failure, Outcome};
use crate::handles::named;
use crate::{Session, input, output};

const TIMEOUT: Duration = Duration::from_secs(30);

pub async fn carry_out(session: &mut Session, call: &str, args: &Args<'_>) -> Outcome {
    match call {
        "watch_open" => {
            let watch = session.client.watch(options(args)?)?;
            session.watches.insert(args.required("watch")?, watch);
            Ok(json!({}))
        }
        "watch_take" => {
            let timeout = args.seconds("timeout")?.unwrap_or(TIMEOUT);
            let watch = named(&mut session.watches, args, "watch")?;
            match tokio::time::timeout(timeout, take(watch, args)).await {
                Ok(taken) => Ok(json!({"events": taken?})),
                Err(_) => Err(Failure::Deadline),
            }
        }
        "watch_token" => {
            let watch = named(&mut session.watches, args, "watch")?;
            Ok(json!({"resume_token": watch.resume_token()}))
        }
        "watch_close" => {
            session.watches.remove(&args.required("watch")?);
            Ok(json!({}))
        }
        _ => Err(Failure::driver(format!("there is no call {call:?}"))),
    }
}

fn options(args: &Args<'_>) -> Read<WatchOptions> {
    Ok(WatchOptions {
        filter: input::filter(args)?,
        initial_state: args.flag("initial_state"),
        resume_token: args.text("resume_token")?,
        mode: args
            .get("mode")
            .map(|mode| input::mode("mode", mode))
            .transpose()?,
        full: args.flag("full"),
        projection: input::projection(args)?,
        restart_if_lost: args.flag("restart_if_lost"),
        ..WatchOptions::default()
    })
}

async fn take(watch: &mut Watch, args: &Args<'_>) -> Read<Vec<Value>> {
    let (changes, until) = (args.number("changes")?, args.text("until")?);
    let (mut events, mut seen) = (Vec::new(), 0);
    while changes.is_none_or(|wanted| seen < wanted) {
        let event = watch
            .next()
            .await
            .ok_or_else(|| Failure::driver("the watch is over"))??;
        let (name, said) = notation(&event);
        seen += u64::from(name == "change");
        let is_told = match name {
            "progress" => false,
            // How often they come depends on how often a connection broke.
            "opened" | "caught_up" => changes.is_none(),
            _ => true,
        };
        if is_told {
            events.push(said);
        }
        if until.as_deref() == Some(name) {
            break;
        }
    }
    Ok(events)
}

fn notation(event: &WatchEvent) -> (&'static str, Value) {
    let (name, mut said) = match event {
        WatchEvent::Opened(_) => ("opened", json!({})),
        WatchEvent::Change(change) => {
            let said = output::object([
                ("kind", change.kind.to_string().into()),
                ("snapshot", output::snapshot(&change.snapshot)),
                ("content_gone", set(change.content_gone)),
                ("initial", set(change.initial)),
            ]);
            ("change", said)
        }
        WatchEvent::InitialStateEnd {
            execution_count, ..
        } => (
            "initial_state_end",
            json!({"execution_count": output::number(*execution_count)}),
        ),
        WatchEvent::CaughtUp { .. } => ("caught_up", json!({})),
        WatchEvent::Progress { .. } => ("progress", json!({})),
        WatchEvent::Restarted { reason, .. } => ("restarted", json!({"reason": reason})),
        _ => ("unknown", json!({})),
    };
    said["event"] = name.into();
    if !event.resume_token().is_empty() {
        said["resume_token"] = event.resume_token().into();
    }
    (name, said)
}

/// True where it is; left out where it is not.
fn set(flag: bool) -> Value {
    flag.then_some(true).into()
}
