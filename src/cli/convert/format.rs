//! The formats that messages are read and written in.

use bytes::Bytes;
use clap::ValueEnum;
use prost::Message;
use prost_reflect::text_format::FormatOptions;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};

use super::failure::Failure;
use super::job::Job;
use crate::cli::{json, unknown};
use crate::protocol::plan::Use;
use crate::rewrite::Envelope;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// The JSON mapping of protobuf
    Json,
    /// Protobuf's own bytes
    Binary,
    /// The text format of protobuf
    Text,
    /// Bytes of a straddle.v1.Envelope, which says protocol, version and type itself
    Envelope,
}

impl Format {
    pub(super) fn is_binary(self) -> bool {
        matches!(self, Self::Binary | Self::Envelope)
    }
}

/// What a message is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum UsedAs {
    /// A caller's message
    Request,
    /// A node's answer
    Response,
    /// What was kept: in a state, a queue, a log, a file
    Stored,
}

impl From<UsedAs> for Use {
    fn from(used: UsedAs) -> Self {
        match used {
            UsedAs::Request => Self::Request,
            UsedAs::Response => Self::Response,
            UsedAs::Stored => Self::Stored,
        }
    }
}

/// Messages within messages, in text; more than any rewrite takes.
const DEEPEST: usize = 200;

/// The bytes of the message that the input says. What is in an envelope is not read here.
pub(super) fn read(format: Format, input: Vec<u8>, descriptor: &MessageDescriptor) -> Result<Bytes, String> {
    if format.is_binary() {
        return Ok(input.into());
    }
    let text = String::from_utf8(input).map_err(|_| "this is no text in UTF-8; is it --in binary?".to_owned())?;
    let message =
        if format == Format::Json { json::read(&text, descriptor)? } else { from_text_format(&text, descriptor)? };
    Ok(message.encode_to_vec().into())
}

fn from_text_format(text: &str, descriptor: &MessageDescriptor) -> Result<DynamicMessage, String> {
    // The parser calls itself for each message within a message, and has no limit of its own.
    if depth(text) > DEEPEST {
        return Err(format!("more than {DEEPEST} messages lie within each other"));
    }
    DynamicMessage::parse_text_format(descriptor.clone(), text)
        .map_err(|error| format!("this is no {} in text format: {error}", descriptor.full_name()))
}

/// The most brackets that are open at once, those in strings and comments left out.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest, mut letters) = (0_usize, 0, text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '{' | '<' | '[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            '}' | '>' | ']' => open = open.saturating_sub(1),
            '#' => {
                letters.by_ref().find(|letter| *letter == '\n');
            }
            '"' | '\'' => {
                while let Some(inner) = letters.next().filter(|inner| *inner != letter) {
                    if inner == '\\' {
                        letters.next();
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// How messages are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) format: Format,
    /// Over several lines.
    pub(super) pretty: bool,
    pub(super) emit_defaults: bool,
}

/// Writes messages of the version that a job leads to.
#[derive(Debug)]
pub(super) struct Writer {
    style: Style,
    /// Whether it was told, once, that there are fields which are not shown.
    told_unknown: bool,
}

impl Writer {
    pub(super) fn new(style: Style) -> Self {
        Self { style, told_unknown: false }
    }

    /// What `message` looks like; with a newline behind it where it is text.
    pub(super) fn write(&mut self, job: &Job, message: &Bytes) -> Result<Vec<u8>, Failure> {
        let mut written = match self.style.format {
            Format::Binary => return Ok(message.to_vec()),
            Format::Envelope => {
                let (version, message_type) = (job.to().version().to_string(), job.target.full_name());
                let envelope = Envelope::seal(&job.protocol, &version, message_type, message.clone());
                return Ok(envelope.map_err(|error| Failure::bad(error.to_string()))?.encode_to_vec());
            }
            Format::Json => {
                let message = self.decode(job, message)?;
                self.json(&message)?
            }
            Format::Text => {
                let options = FormatOptions::new().pretty(self.style.pretty);
                let options = options.skip_default_fields(!self.style.emit_defaults);
                self.decode(job, message)?.to_text_format_with_options(&options).into_bytes()
            }
        };
        written.push(b'\n');
        Ok(written)
    }

    fn json(&self, message: &DynamicMessage) -> Result<Vec<u8>, Failure> {
        let options = SerializeOptions::new().skip_default_fields(!self.style.emit_defaults);
        let mut written = Vec::new();
        let serialized = if self.style.pretty {
            message.serialize_with_options(&mut serde_json::Serializer::pretty(&mut written), &options)
        } else {
            message.serialize_with_options(&mut serde_json::Serializer::new(&mut written), &options)
        };
        serialized.map_err(|error| {
            Failure::bad(format!("what came of the message cannot be said in JSON: {error}; take --out binary"))
        })?;
        Ok(written)
    }

    fn decode(&mut self, job: &Job, message: &Bytes) -> Result<DynamicMessage, Failure> {
        let message = DynamicMessage::decode(job.target.clone(), message.clone()).map_err(|error| {
            Failure::bad(format!("what came of the message is no {}: {error}", job.target.full_name()))
        })?;
        // Neither format has a place for fields without a name, and to say nothing would be to say that there are none.
        let unknown = unknown::fields(&message);
        if !self.told_unknown && !unknown.is_empty() {
            self.told_unknown = true;
            let (version, unknown) = (job.to().version(), unknown.join(", "));
            eprintln!("not shown, because {version} does not declare them: fields {unknown} (--out binary has them)");
        }
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_brackets_that_count_are_counted() {
        for (text, deepest) in [
            ("", 0),
            ("a { b < c: [1, 2] > } d {}", 3),
            (r#"a: "{{{{" b: '<"<' c: "\"{{""#, 0),
            ("# {{{{\na {}", 1),
            ("}}}} a {", 1),
            (r#"a: "unfinished {{{"#, 0),
        ] {
            assert_eq!(depth(text), deepest, "{text}");
        }
    }
}
