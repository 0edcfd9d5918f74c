//! `straddle call`: a method of any version, called with JSON.
//!
//! ```text
//!   schema (the node's reflection, or a folder) -> method -> input (JSON lines) -> exchange -> print
//! ```

mod argument;
mod codec;
mod describe;
mod exchange;
mod input;
mod method;
mod print;
mod reflection;
mod report;
mod schema;
mod status;

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use prost_reflect::SerializeOptions;
use tonic::Status;

pub(super) use self::argument::{Header, LabelledProtocol};
use self::exchange::Ending;
use self::method::Kind;
use self::print::{Form, Printer};
use self::schema::CallSchema;
use super::arguments::CallArguments;
use super::{BadArguments, Outcome};
use crate::transport::Channel;

/// How long a call may take that streams nothing, unless the caller says otherwise.
const UNARY_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn run(arguments: &CallArguments) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(call(arguments))
}

async fn call(arguments: &CallArguments) -> Outcome {
    let channel = Channel::owner(&arguments.address)
        .connect_timeout(arguments.wait)
        .wait_limit(arguments.wait)
        .build()
        .map_err(|error| BadArguments(error.to_string()))?;
    let schema = match &arguments.schemas {
        Some(folder) => CallSchema::load(folder, &arguments.protocol)?,
        None => match reflect(&channel, arguments).await {
            Ok(schema) => schema,
            Err(status) => return failed_before_the_call(arguments, status),
        },
    };
    if arguments.list {
        return describe::list(&schema, arguments.json);
    }
    if let Some(wanted) = &arguments.describe {
        return describe::method(&schema.method(wanted)?);
    }
    // clap asks for it when there is neither of the two above.
    let method = schema.method(arguments.method.as_deref().unwrap_or_default())?;
    let kind = Kind::of(&method);
    let (requests, fault) = input::open(&method, arguments.data.as_deref())?;
    // The schema may have come from disk, and a call with a deadline would wait for the node until then.
    if let Err(status) = channel.connect().await {
        return failed_before_the_call(arguments, status);
    }
    let timeout = arguments.timeout.or((kind == Kind::Unary).then_some(UNARY_TIMEOUT));
    let request = exchange::request(requests, &method, &schema, &arguments.headers, timeout);
    let mut printer = printer(arguments, kind.streams_responses());
    let ending = exchange::run(channel, request, &method, &schema, fault, &mut printer, arguments.limit).await?;
    let code = match &ending {
        Ending::Status { status, .. } if status.code() != tonic::Code::Ok => ExitCode::FAILURE,
        // Whoever watches a stream ends it so; anything else was not done.
        Ending::Interrupted if !kind.streams_responses() => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    };
    printer.end(&ending)?;
    Ok(code)
}

async fn reflect(channel: &Channel, arguments: &CallArguments) -> Result<CallSchema, Status> {
    channel.connect().await?;
    reflection::read(channel.clone(), arguments).await
}

fn printer(arguments: &CallArguments, streams_responses: bool) -> Printer {
    let terminal = !streams_responses && io::stdout().is_terminal();
    Printer::new(
        if arguments.json { Form::Json } else { Form::Text },
        streams_responses,
        arguments.pretty || (terminal && !arguments.compact),
        SerializeOptions::new().skip_default_fields(!arguments.emit_defaults),
        arguments.protocol.label.clone(),
    )
}

/// Tells of a status that came before the call itself could be made.
fn failed_before_the_call(arguments: &CallArguments, status: Status) -> Outcome {
    let trailers = tonic::metadata::MetadataMap::new();
    printer(arguments, false).end(&Ending::Status { status, trailers })?;
    Ok(ExitCode::FAILURE)
}
