//! The driver of the Rust client: carries out the commands that tests/polyglot/README.md describes.

mod args;
mod calls;
mod failure;
mod handles;
mod input;
mod output;
mod watches;

use std::collections::HashMap;

use serde::Deserialize as _;
use serde_json::{Value, json};
use stillframe::{Client, Execution, Saver, Watch};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::args::Args;
use crate::failure::{Failure, Outcome};

/// What the commands have opened.
pub struct Session {
    client: Client,
    handles: HashMap<String, Execution>,
    savers: HashMap<String, Saver>,
    watches: HashMap<String, Watch>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut session = Session {
        client: open(std::env::args().skip(1).collect())?,
        handles: HashMap::new(),
        savers: HashMap::new(),
        watches: HashMap::new(),
    };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut output = tokio::io::stdout();
    while let Some(line) = lines.next_line().await? {
        let answer = match carry_out(&mut session, &line).await {
            Ok(answer) => json!({"ok": answer}),
            Err(failure) => json!({"error": failure.to_json()}),
        };
        output.write_all(format!("{answer}\n").as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

fn open(arguments: Vec<String>) -> Result<Client, Box<dyn std::error::Error>> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [target, tenant] => Ok(Client::open(target, tenant)?),
        [target, tenant, "--tls-ca", file] => Ok(Client::builder(target, tenant)
            .tls_roots(std::fs::read(file)?)
            .open()?),
        _ => Err("usage: driver TARGET TENANT [--tls-ca FILE]".into()),
    }
}

async fn carry_out(session: &mut Session, line: &str) -> Outcome {
    let command = parse(line)?;
    let args = Args::new(command.get("args"));
    let Some(call) = command.get("call").and_then(Value::as_str) else {
        return Err(Failure::driver("the command has no call"));
    };
    if call.starts_with("watch_") {
        watches::carry_out(session, call, &args).await
    } else if call == "open" || call.starts_with("handle_") || call.starts_with("saver_") {
        handles::carry_out(session, call, &args).await
    } else {
        let timeout = args.seconds("timeout")?.unwrap_or(session.client.timeout());
        calls::carry_out(&session.client.with_timeout(timeout), call, &args).await
    }
}

fn parse(line: &str) -> Result<Value, Failure> {
    let mut parser = serde_json::Deserializer::from_str(line);
    // A value that is nested 200 deep is 400 deep in the notation.
    parser.disable_recursion_limit();
    Value::deserialize(&mut parser).map_err(|error| {
        let message = error.to_string();
        // Rust's text holds no lone surrogate: here is where such a value is refused.
        if message.contains("surrogate") || message.contains("hex escape") {
            return stillframe::Error::value_encode(message).into();
        }
        Failure::driver(message)
    })
}
