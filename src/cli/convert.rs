//! `straddle convert`: messages of one version to another, without a node.
//!
//! ```text
//!   file or standard input -> format -> job (a compiled rewrite) -> format -> standard output or file
//! ```

mod explain;
mod failure;
mod files;
mod format;
mod job;
mod lines;
pub(super) mod names;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use bytes::Bytes;

use self::failure::{Failure, REFUSED};
use self::files::Output;
pub(super) use self::format::{Format, UsedAs};
use self::format::{Style, Writer};
use self::job::Job;
use super::arguments::ConvertArguments;
use super::{BadArguments, Outcome};
use crate::protocol::Protocol;
use crate::protocol::plan::Use;
use crate::rewrite::Envelope;

pub(super) fn run(arguments: &ConvertArguments) -> Outcome {
    check(arguments)?;
    let protocol = names::protocol(&arguments.folder)?;
    if arguments.lines {
        return lines::run(arguments, &Job::new(protocol, &wanted(arguments)?)?);
    }
    match one(arguments, protocol) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Failure::Refused(refusal)) => {
            eprintln!("{}", failure::text(&refusal));
            Ok(ExitCode::from(REFUSED))
        }
        Err(Failure::Other(error)) => Err(error),
    }
}

/// What clap cannot know of how arguments go together.
fn check(arguments: &ConvertArguments) -> Result<(), BadArguments> {
    let binary = arguments.output_format.is_binary();
    if arguments.lines && (arguments.input_format, arguments.output_format) != (Format::Json, Format::Json) {
        return Err(BadArguments("--lines reads and writes JSON; leave --in and --out away".to_owned()));
    }
    if binary && !arguments.explain && arguments.output.is_none() && io::stdout().is_terminal() {
        return Err(BadArguments("binary output would garble the terminal; say --output FILE".to_owned()));
    }
    Ok(())
}

/// One message: all that there is to read.
fn one(arguments: &ConvertArguments, protocol: Protocol) -> Result<(), Failure> {
    let source = files::source(arguments.file.as_deref())?;
    let name = source.name.clone();
    let input = source.read()?;
    let (job, message) = if arguments.input_format == Format::Envelope {
        opened(arguments, protocol, input)?
    } else {
        let job = Job::new(protocol, &wanted(arguments)?)?;
        let message = format::read(arguments.input_format, input, &job.source)
            .map_err(|fault| Failure::bad(format!("{name}: {fault}")))?;
        (job, message)
    };
    let converted = job.convert(&message);
    if arguments.explain {
        explain::print(&job, &message, &converted, arguments)?;
    }
    let converted = converted?;
    // With an explanation on standard output, the message goes to a file or nowhere.
    if !arguments.explain || arguments.output.is_some() {
        let text = writer(arguments).write(&job, &converted)?;
        let mut output = Output::create(arguments.output.as_deref())?;
        output.write_all(&text)?;
        output.flush()?;
    }
    Ok(())
}

/// What an envelope says of itself; what the arguments say besides has to agree.
fn opened(arguments: &ConvertArguments, protocol: Protocol, input: Vec<u8>) -> Result<(Job, Bytes), Failure> {
    let bad = |error: crate::rewrite::EnvelopeError| Failure::bad(error.to_string());
    let opened = protocol.open(Envelope::decode(input).map_err(bad)?).map_err(bad)?;
    let envelope = opened.envelope();
    let (version, message) = (envelope.version().clone(), envelope.message().clone());
    if let Some(from) = arguments.from.as_ref().filter(|from| !from.same_schema(&version)) {
        return Err(Failure::bad(format!("the envelope is of {version}, not of {from}; leave --from away")));
    }
    let wanted = job::Wanted {
        from: version,
        to: arguments.to.clone(),
        message: envelope.message_type().to_owned(),
        used: arguments.used.map_or(Use::Stored, Use::from),
    };
    let job = Job::new(protocol, &wanted)?;
    if let Some(named) = &arguments.message
        && names::message(job.from(), named).map_err(Failure::bad)? != job.source
    {
        let what = format!("the envelope holds a {}, not a {named}; leave --message away", job.source.full_name());
        return Err(Failure::bad(what));
    }
    Ok((job, message))
}

/// What is asked for, where the input does not say it itself.
fn wanted(arguments: &ConvertArguments) -> Result<job::Wanted, BadArguments> {
    let missing = |what: &str| BadArguments(format!("{what}; only an envelope says so itself (--in envelope)"));
    Ok(job::Wanted {
        from: arguments.from.clone().ok_or_else(|| missing("--from VERSION is missing: what the input is in"))?,
        to: arguments.to.clone(),
        message: arguments.message.clone().ok_or_else(|| missing("--message NAME is missing: what the input is"))?,
        used: arguments.used.map_or(Use::Request, Use::from),
    })
}

fn writer(arguments: &ConvertArguments) -> Writer {
    let terminal = arguments.output.is_none() && io::stdout().is_terminal();
    Writer::new(Style {
        format: arguments.output_format,
        pretty: arguments.pretty || (terminal && !arguments.compact),
        emit_defaults: arguments.emit_defaults,
    })
}
