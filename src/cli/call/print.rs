//! What a person or a script sees of a call.

use std::io::{self, Write};

use prost_reflect::{DynamicMessage, SerializeOptions};
use serde::Serialize;
use tonic::Code;
use tonic::metadata::MetadataMap;

use super::exchange::Ending;
use super::report::{Json, Report, Versions, map, text};
use super::status;
use crate::cli::unknown;
use crate::dispatch::SIMULATED;
use crate::version::Version;

/// Who reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A person.
    Text,
    /// A script.
    Json,
}

/// Prints a call while it runs.
///
/// For people, responses go to standard output, all else to standard error. For scripts all goes to standard output:
/// one object for a call with one response; else one a line, the first with the headers and the last with the status.
#[derive(Debug)]
pub(super) struct Printer {
    form: Form,
    streams: bool,
    pretty: bool,
    options: SerializeOptions,
    label: Option<Version>,
    headers: Option<MetadataMap>,
    /// The one response, until the rest of its object is known.
    response: Option<DynamicMessage>,
    count: u64,
    /// Whether it was told, once, that there are fields which are not shown.
    told_unknown: bool,
}

impl Printer {
    pub(super) fn new(
        form: Form,
        streams: bool,
        pretty: bool,
        options: SerializeOptions,
        label: Option<Version>,
    ) -> Self {
        Self { form, streams, pretty, options, label, headers: None, response: None, count: 0, told_unknown: false }
    }

    /// Prints what came ahead of the responses.
    pub(super) fn headers(&mut self, headers: MetadataMap) -> io::Result<()> {
        if self.form == Form::Text {
            self.tell_versions(&headers);
        } else if self.streams {
            self.write(&Report {
                versions: Some(self.versions(&headers)),
                headers: Some(map(&headers)),
                ..Report::default()
            })?;
        }
        self.headers = Some(headers);
        Ok(())
    }

    /// Prints one response.
    pub(super) fn message(&mut self, response: DynamicMessage) -> io::Result<()> {
        self.count += 1;
        if self.form == Form::Text {
            self.tell_unknown(&response);
            let response = Json { message: &response, options: &self.options };
            return self.write(&response);
        }
        if self.streams {
            let response = Some(Json { message: &response, options: &self.options });
            return self.write(&Report { response, ..Report::default() });
        }
        self.response = Some(response);
        Ok(())
    }

    /// Prints how it ended.
    pub(super) fn end(mut self, ending: &Ending) -> io::Result<()> {
        let headers = self.headers.take();
        if self.form == Form::Text {
            self.tell(ending, headers.is_some());
            return Ok(());
        }
        let ahead = match (&headers, ending) {
            // A status without headers of its own brought those of the response along.
            (None, Ending::Status { status, .. }) => Some(status.metadata().clone()),
            (Some(headers), _) if !self.streams => Some(headers.clone()),
            _ => None,
        };
        let (status, refusal, ended) = match ending {
            Ending::Status { status, .. } => {
                let (status, refusal) = status::report(status);
                (Some(status), refusal, None)
            }
            Ending::Limit => (None, None, Some("limit")),
            Ending::Interrupted => (None, None, Some("interrupted")),
        };
        let trailers = match ending {
            Ending::Status { status, .. } if headers.is_some() && status.code() != Code::Ok => {
                Some(map(status.metadata()))
            }
            Ending::Status { trailers, .. } => Some(map(trailers)),
            Ending::Limit | Ending::Interrupted => None,
        };
        self.write(&Report {
            versions: ahead.as_ref().map(|headers| self.versions(headers)),
            response: self.response.as_ref().map(|message| Json { message, options: &self.options }),
            headers: ahead.as_ref().map(map),
            trailers,
            status,
            refusal,
            ended,
        })
    }

    fn tell(&self, ending: &Ending, told_versions: bool) {
        match ending {
            Ending::Status { status, .. } if status.code() == Code::Ok => {}
            Ending::Status { status, .. } => {
                if !told_versions && text(status.metadata(), "straddle-node").is_some() {
                    self.tell_versions(status.metadata());
                }
                eprintln!("{}", status::text(status));
            }
            Ending::Limit => eprintln!("stopped after {}", self.responses()),
            Ending::Interrupted if self.streams => eprintln!("interrupted after {}", self.responses()),
            Ending::Interrupted => eprintln!("interrupted; the call was cancelled, but may have run"),
        }
    }

    /// JSON has no place for fields without a name, and to say nothing would be to say that there are none.
    fn tell_unknown(&mut self, response: &DynamicMessage) {
        let unknown = unknown::fields(response);
        if !self.told_unknown && !unknown.is_empty() {
            self.told_unknown = true;
            eprintln!("not shown, because this version does not declare them: fields {}", unknown.join(", "));
        }
    }

    fn responses(&self) -> String {
        if self.count == 1 { "1 response".to_owned() } else { format!("{} responses", self.count) }
    }

    fn tell_versions(&self, headers: &MetadataMap) {
        let label = self.label.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        let Some(node) = text(headers, "straddle-node") else {
            eprintln!("label {label}; the node says no straddle-node: it is none of Straddle's, or a proxy dropped it");
            return;
        };
        let answered = match (&self.label, text(headers, "straddle-version")) {
            (None, Some(version)) => format!(", answered in {version}"),
            _ => String::new(),
        };
        let schema = text(headers, "straddle-schema").map(|schema| format!(", schema {schema}")).unwrap_or_default();
        let simulated = text(headers, SIMULATED.as_str());
        let simulated = simulated.map(|version| format!(", simulated here in {version}")).unwrap_or_default();
        eprintln!("label {label}{answered}, node {node}{schema}{simulated}");
    }

    fn versions(&self, headers: &MetadataMap) -> Versions {
        Versions::new(self.label.as_ref(), headers)
    }

    fn write(&self, value: &impl Serialize) -> io::Result<()> {
        let mut line = if self.pretty { serde_json::to_vec_pretty(value) } else { serde_json::to_vec(value) }
            .map_err(|error| io::Error::other(format!("the response cannot be said in JSON: {error}")))?;
        line.push(b'\n');
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        // Whoever reads a stream wants each response when it comes.
        out.flush()
    }
}
