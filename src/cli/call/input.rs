//! The requests of a call: JSON from the arguments, a file, or standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde::de::IgnoredAny;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;

use crate::cli::{BadArguments, json};

/// Lines that may be read ahead of what the node takes.
const READ_AHEAD: usize = 16;

/// The requests, and where a line is told of that is none.
pub(super) fn open(
    method: &MethodDescriptor,
    data: Option<&str>,
) -> Result<(Requests, oneshot::Receiver<String>), BadArguments> {
    let descriptor = method.input();
    let (tell, fault) = oneshot::channel();
    let requests = match (method.is_client_streaming(), data) {
        (true, None) => {
            if io::stdin().is_terminal() {
                eprintln!("{}: one request a line, in JSON; Ctrl-D ends them", descriptor.full_name());
            }
            Requests::Read { lines: lines(Source::standard_input(), descriptor), tell: Some(tell) }
        }
        (true, Some(data)) => match Source::named(data)? {
            Some(source) => Requests::Read { lines: lines(source, descriptor), tell: Some(tell) },
            None => Requests::Ready(all(data, &descriptor)?.into_iter()),
        },
        (false, data) => Requests::Ready(vec![one(data.unwrap_or("{}"), &descriptor)?].into_iter()),
    };
    Ok((requests, fault))
}

/// The stream of a call's requests.
#[derive(Debug)]
pub(super) enum Requests {
    Ready(std::vec::IntoIter<DynamicMessage>),
    /// Read while the call runs.
    Read {
        lines: mpsc::Receiver<Result<DynamicMessage, String>>,
        tell: Option<oneshot::Sender<String>>,
    },
}

impl Stream for Requests {
    type Item = DynamicMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<DynamicMessage>> {
        match &mut *self {
            Self::Ready(requests) => Poll::Ready(requests.next()),
            // A bad line was told of: the call is about to be cancelled. To end it here would tell the node that these
            // were all its requests.
            Self::Read { tell: None, .. } => Poll::Pending,
            Self::Read { lines, tell } => match lines.poll_recv(context) {
                Poll::Ready(Some(Err(fault))) => {
                    if let Some(tell) = tell.take() {
                        let _ = tell.send(fault);
                    }
                    Poll::Pending
                }
                Poll::Ready(request) => Poll::Ready(request.and_then(Result::ok)),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

/// Something that is read, and its name for people.
struct Source {
    name: String,
    reader: Box<dyn Read + Send>,
}

impl Source {
    fn standard_input() -> Self {
        Self { name: "standard input".to_owned(), reader: Box::new(io::stdin()) }
    }

    /// What `-` and `@FILE` name; `None` when the data are the argument itself.
    fn named(data: &str) -> Result<Option<Self>, BadArguments> {
        if data == "-" {
            return Ok(Some(Self::standard_input()));
        }
        let Some(path) = data.strip_prefix('@') else { return Ok(None) };
        match File::open(path) {
            Ok(file) => Ok(Some(Self { name: path.to_owned(), reader: Box::new(file) })),
            Err(error) => Err(BadArguments(format!("{path} cannot be read: {error}"))),
        }
    }
}

/// The one request of a call that streams none.
fn one(data: &str, descriptor: &MessageDescriptor) -> Result<DynamicMessage, BadArguments> {
    let (name, text) = match Source::named(data)? {
        None => ("the data".to_owned(), data.to_owned()),
        Some(Source { name, mut reader }) => {
            let mut text = String::new();
            reader
                .read_to_string(&mut text)
                .map_err(|error| BadArguments(format!("{name} cannot be read: {error}")))?;
            (name, text)
        }
    };
    let text = if text.trim().is_empty() { "{}" } else { &text };
    json::read(text, descriptor).map_err(|fault| BadArguments(format!("{name}: {fault}")))
}

/// The requests in an argument: one, over as many lines as it likes, or one a line.
fn all(data: &str, descriptor: &MessageDescriptor) -> Result<Vec<DynamicMessage>, BadArguments> {
    if serde_json::from_str::<IgnoredAny>(data).is_ok() {
        return Ok(vec![one(data, descriptor)?]);
    }
    let lines = data.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| json::read(line, descriptor).map_err(|fault| bad_line("the data", index, &fault)))
        .collect::<Result<_, _>>()
        .map_err(BadArguments)
}

/// Reads lines as they come. On a thread of its own, because standard input blocks; it ends with the program.
fn lines(source: Source, descriptor: MessageDescriptor) -> mpsc::Receiver<Result<DynamicMessage, String>> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    std::thread::spawn(move || {
        for (index, line) in BufReader::new(source.reader).lines().enumerate() {
            let request = match line {
                Ok(line) if line.trim().is_empty() => continue,
                Ok(line) => json::read(&line, &descriptor).map_err(|fault| bad_line(&source.name, index, &fault)),
                Err(error) => Err(format!("{} cannot be read: {error}", source.name)),
            };
            let last = request.is_err();
            if sender.blocking_send(request).is_err() || last {
                return;
            }
        }
    });
    receiver
}

fn bad_line(name: &str, index: usize, fault: &str) -> String {
    format!("line {} of {name}: {fault}", index + 1)
}
