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
use tokio::time::timeout;
use tonic::{Code, Status};

pub(super) use self::argument::{Header, LabelledProtocol};
use self::exchange::Ending;
use self::method::Kind;
use self::print::{Form, Printer};
use self::schema::CallSchema;
use super::arguments::CallArguments;
use super::node::say_aside;
use super::{BadArguments, Outcome};
use crate::node::admin::wire::StatusRequest;
use crate::node::admin::wire::node_client::NodeClient;
use crate::transport::Channel;

/// How long it may take to find out what else is there.
const LOOK: Duration = Duration::from_secs(2);
/// How long a call may take that streams nothing, unless the caller says otherwise.
const UNARY_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn run(arguments: &CallArguments) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(call(arguments))
}

async fn call(arguments: &CallArguments) -> Outcome {
    let mut channel = Channel::owner(&arguments.address).connect_timeout(arguments.wait).wait_limit(arguments.wait);
    if let Some(caller) = &arguments.caller {
        channel = channel.caller(caller);
    }
    let channel = channel.build().map_err(|error| BadArguments(error.to_string()))?;
    let schema = match &arguments.schemas {
        Some(folder) => CallSchema::load(folder, &arguments.protocol)?,
        None => match reflect(&channel, arguments).await {
            Ok(schema) => schema,
            Err(status) => {
                let admin = is_admin(&channel, status.code()).await;
                return failed_before_the_call(arguments, status).inspect(|_| tell_of_admin(admin));
            }
        },
    };
    if arguments.list {
        return describe::list(&schema, arguments.json);
    }
    if let Some(wanted) = &arguments.describe {
        return describe::method(&schema.method(wanted)?);
    }
    // clap asks for it when there is neither of the two above.
    let method = schema.method(arguments.method.as_deref().unwrap_or_default());
    if method.is_err() && arguments.schemas.is_none() {
        tell_of_admin(is_admin(&channel, Code::Unimplemented).await);
    }
    let method = method?;
    let kind = Kind::of(&method);
    let (requests, fault) = input::open(&method, arguments.data.as_deref())?;
    // The schema may have come from disk, and a call with a deadline would wait for the node until then.
    if let Err(status) = channel.connect().await {
        return failed_before_the_call(arguments, status);
    }
    let timeout = arguments.timeout.or((kind == Kind::Unary).then_some(UNARY_TIMEOUT));
    let request = exchange::request(requests, &method, &schema, &arguments.headers, timeout);
    let mut printer = printer(arguments, kind.streams_responses());
    let admin = channel.clone();
    let ending = exchange::run(channel, request, &method, &schema, fault, &mut printer, arguments.limit).await?;
    let code = match &ending {
        Ending::Status { status, .. } if status.code() != tonic::Code::Ok => ExitCode::FAILURE,
        // Whoever watches a stream ends it so; anything else was not done.
        Ending::Interrupted if !kind.streams_responses() => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    };
    printer.end(&ending)?;
    if let Ending::Status { status, .. } = &ending {
        tell_of_admin(is_admin(&admin, status.code()).await);
    }
    Ok(code)
}

/// Whether what has no such method, or no such version, is the admin service of a node.
async fn is_admin(channel: &Channel, code: Code) -> bool {
    let mut client = NodeClient::new(channel.clone());
    code == Code::Unimplemented && matches!(timeout(LOOK, client.status(StatusRequest {})).await, Ok(Ok(_)))
}

fn tell_of_admin(admin: bool) {
    if admin {
        say_aside(
            "help: this is the address of a node's admin service, which `straddle node` asks; callers have another one, which the \
             node prints when it starts",
        );
    }
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
