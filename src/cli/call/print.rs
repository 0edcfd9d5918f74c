//! What a person or a script sees of a call.

use std::collections::BTreeMap;
use std::io::{self, Write};

use prost_reflect::{DynamicMessage, SerializeOptions};
use serde::{Serialize, Serializer};
use tonic::Code;
use tonic::metadata::MetadataMap;

use super::exchange::Ending;
use super::status::{self, RefusalReport, StatusReport};
use crate::version::Version;

/// Prints a call while it runs.
///
/// For people, responses go to standard output, all else to standard error. For scripts all goes to standard output:
/// one object for a call with one response; else one a line, the first with the headers and the last with the status.
#[derive(Debug)]
pub(super) struct Printer {
    json: bool,
    streams: bool,
    pretty: bool,
    options: SerializeOptions,
    label: Option<Version>,
    headers: Option<MetadataMap>,
    /// The one response, until the rest of its object is known.
    response: Option<DynamicMessage>,
    count: u64,
}

impl Printer {
    pub(super) fn new(
        json: bool,
        streams: bool,
        pretty: bool,
        options: SerializeOptions,
        label: Option<Version>,
    ) -> Self {
        Self { json, streams, pretty, options, label, headers: None, response: None, count: 0 }
    }

    /// Prints what came ahead of the responses.
    pub(super) fn headers(&mut self, headers: MetadataMap) -> io::Result<()> {
        if !self.json {
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
        if !self.json {
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
        if !self.json {
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
        eprintln!("label {label}{answered}, node {node}{schema}");
    }

    fn versions(&self, headers: &MetadataMap) -> Versions {
        Versions {
            label: self.label.as_ref().map(ToString::to_string),
            version: text(headers, "straddle-version"),
            node: text(headers, "straddle-node"),
            schema: text(headers, "straddle-schema"),
        }
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

/// A message in proto3's JSON.
struct Json<'a> {
    message: &'a DynamicMessage,
    options: &'a SerializeOptions,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.message.serialize_with_options(serializer, self.options)
    }
}

/// What a script gets: all of it at once, or a part a line.
#[derive(Default, Serialize)]
struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<Versions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Json<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trailers: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalReport>,
    /// Why this side ended the call, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<&'static str>,
}

#[derive(Serialize)]
struct Versions {
    label: Option<String>,
    version: Option<String>,
    node: Option<String>,
    schema: Option<String>,
}

/// Metadata by name; a name may have several values, and a binary one is in base64.
type Metadata = BTreeMap<String, Vec<String>>;

fn map(metadata: &MetadataMap) -> Metadata {
    let mut map = Metadata::new();
    for (name, value) in metadata.as_ref() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        map.entry(name.as_str().to_owned()).or_default().push(value);
    }
    map
}

fn text(metadata: &MetadataMap, name: &str) -> Option<String> {
    metadata.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
}
