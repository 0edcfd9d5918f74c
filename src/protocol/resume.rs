//! Streams that go on where they ended: what `[resume]` in `protocol.toml` says of methods.
//!
//! ```toml
//! [resume]
//! "shop.v1.Shop.Watch" = { from = "revision", into = "after_revision" }
//! ```
//!
//! `from` is a field of each response message: how far the caller has come once it has that message. `into` is a field of
//! the request: where to begin. A stream that broke off is asked for again, with the last `from` seen in `into`.
//!
//! **What the author promises** with an entry: the method may be called again with another `into`, whatever its
//! `idempotency_level` says, because the entry speaks of just this; a call with `into` set goes on behind the message whose
//! `from` that was, leaves nothing out and says nothing twice; a message without a token (absent, or 0 or empty in a field
//! without presence) does not count as a place to go on from; and tokens mean the same after an upgrade.
//!
//! **What is checked** when the protocol is loaded, in each version that declares the method: its responses are a stream
//! and its request is not; both paths lead through singular messages to singular fields of one type, an integer, a string
//! or bytes; and `from` is in no oneof, whose other arms would take its value away unseen.

use std::path::PathBuf;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use super::digest::kind_name;
use super::error::{Fault, ProtocolError};
use super::schema::Schema;
use super::text;

/// An entry of `[resume]`, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    method: String,
    from: String,
    into: String,
    place: Place,
}

/// Where an entry is written, for errors: the file, and the lines of its parts where there are lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) method: Option<usize>,
    pub(crate) from: Option<usize>,
    pub(crate) into: Option<usize>,
}

/// How the streams of one version's method go on where they ended, by field numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumption {
    from: Vec<u32>,
    into: Vec<u32>,
    token: Token,
    zero_counts: bool,
}

/// How a token lies on the wire (<https://protobuf.dev/programming-guides/encoding/#structure>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A varint.
    Varint,
    /// Four bytes.
    Fixed32,
    /// Eight bytes.
    Fixed64,
    /// A length and as many bytes.
    Bytes,
}

impl Resume {
    pub(crate) fn new(method: &str, from: &str, into: &str, place: Place) -> Self {
        Self { method: method.to_owned(), from: from.to_owned(), into: into.to_owned(), place }
    }

    /// The full name of the method, `package.Service.Method`; the entry holds for each version that declares it.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path of the token in a response message, such as `revision` or `header.revision`.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The path of the token in the request.
    #[must_use]
    pub fn into(&self) -> &str {
        &self.into
    }
}

impl Place {
    /// A place without lines.
    pub(crate) fn within(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), method: None, from: None, into: None }
    }
}

impl Resumption {
    /// The numbers of the fields that lead to the token of a response message, from the outermost in.
    #[must_use]
    pub fn from(&self) -> &[u32] {
        &self.from
    }

    /// The numbers of the fields that lead to the token of the request.
    #[must_use]
    pub fn into(&self) -> &[u32] {
        &self.into
    }

    /// How the token lies on the wire, on both sides.
    #[must_use]
    pub fn token(&self) -> Token {
        self.token
    }

    /// Whether a token of 0, or an empty one, is a token where it is written: its field has presence.
    #[must_use]
    pub fn zero_counts(&self) -> bool {
        self.zero_counts
    }
}

/// Notes in each version what the entries say of its methods.
///
/// # Errors
/// With all that is wrong with the entries.
pub(super) fn declare(entries: &[Resume], versions: &mut [Schema]) -> Result<(), ProtocolError> {
    let mut faults = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        if entries[..index].iter().any(|other| other.method == entry.method) {
            let what = format!("`{}` is declared twice under `resume`", entry.method);
            faults.push(entry.fault(entry.place.method, what, "keep one of the two"));
        } else {
            declare_one(entry, versions, &mut faults);
        }
    }
    Fault::none_of(faults)
}

fn declare_one(entry: &Resume, versions: &mut [Schema], faults: &mut Vec<Fault>) {
    let mut found = false;
    for schema in versions.iter_mut() {
        let version = schema.version().to_string();
        let Some(method) = schema.method_mut(&entry.method) else { continue };
        found = true;
        match entry.resolve(method.descriptor(), &version) {
            Ok(resumption) => method.set_resume(resumption),
            // What is wrong in one version most likely is in others: once is enough.
            Err(fault) => return faults.push(fault),
        }
    }
    if !found {
        // Who wrote it in a file may have misspelt it; any other reader would only pay for the search.
        let names = versions.iter().flat_map(Schema::methods).map(super::Method::full_name);
        let near = entry.place.method.and_then(|_| text::nearest(&entry.method, names));
        let advice = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a method of one of its versions, as package.Service.Method".to_owned(),
        };
        let what = format!("`{}` is no method of any version of this protocol", entry.method);
        faults.push(entry.fault(entry.place.method, what, advice));
    }
}

impl Resume {
    fn fault(&self, line: Option<usize>, what: impl Into<String>, advice: impl Into<String>) -> Fault {
        Fault::new(&self.place.file, what, advice).at_line(line)
    }

    fn resolve(&self, method: &MethodDescriptor, version: &str) -> Result<Resumption, Fault> {
        let streams = match (method.is_server_streaming(), method.is_client_streaming()) {
            (true, false) => None,
            (true, true) => Some("streams its requests: they cannot be sent again"),
            (false, _) => Some("streams no responses: there is nothing to go on with"),
        };
        if let Some(why) = streams {
            let what = format!("`{}` of {version} {why}", self.method);
            return Err(self.fault(self.place.method, what, "remove the entry"));
        }
        let of = |key: &str, path: &str, message: MessageDescriptor, line: Option<usize>| {
            walk(message, path, key == "from").map_err(|(what, advice)| {
                let what = format!("{key} = \"{path}\" of `{}`, in {version}: {what}", self.method);
                self.fault(line, what, advice)
            })
        };
        let (from, read) = of("from", &self.from, method.output(), self.place.from)?;
        let (into, written) = of("into", &self.into, method.input(), self.place.into)?;
        if read.kind() != written.kind() {
            let what = format!(
                "`{}`, in {version}: `{}` is {} and cannot be put into `{}`, which is {}",
                self.method,
                self.from,
                kind_name(&read.kind()),
                self.into,
                kind_name(&written.kind())
            );
            return Err(self.fault(self.place.into, what, "name two fields of one type"));
        }
        // `walk` ends at nothing else.
        let token = token(&read.kind()).unwrap_or(Token::Bytes);
        Ok(Resumption { from, into, token, zero_counts: read.supports_presence() })
    }
}

/// The numbers on the way, and the field that the path leads to; or what is wrong, and what to do.
fn walk(
    mut message: MessageDescriptor,
    path: &str,
    no_oneof: bool,
) -> Result<(Vec<u32>, FieldDescriptor), (String, String)> {
    let mut numbers = Vec::new();
    let mut segments = path.split('.').peekable();
    while let Some(name) = segments.next() {
        let Some(field) = message.get_field_by_name(name) else {
            let names: Vec<String> = message.fields().map(|field| field.name().to_owned()).collect();
            let near = text::nearest(name, names.iter().map(String::as_str));
            let advice = near.map_or("name one of its fields".to_owned(), |near| format!("did you mean `{near}`?"));
            return Err((format!("`{}` has no field `{name}`", message.full_name()), advice));
        };
        let singular = "name a path of singular fields to an integer, a string or bytes".to_owned();
        if field.is_list() || field.is_map() {
            return Err((format!("`{name}` is repeated"), singular));
        }
        if no_oneof && field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic()) {
            let what = format!("`{name}` is in a oneof, whose other arms take its value away");
            return Err((what, "name a field outside of oneofs".to_owned()));
        }
        numbers.push(field.number());
        match (segments.peek(), field.kind()) {
            (Some(_), Kind::Message(inner)) if !field.is_group() => message = inner,
            (None, kind) if token(&kind).is_some() => return Ok((numbers, field)),
            (Some(_), kind) => {
                let what = format!("`{name}` is {}, and no message with fields", kind_name(&kind));
                return Err((what, singular));
            }
            (None, kind) => return Err((format!("`{name}` is {}, which is no token", kind_name(&kind)), singular)),
        }
    }
    // A split gives at least one segment, and each of them returns or goes on to the next.
    Err(("is empty".to_owned(), "name a field".to_owned()))
}

fn token(kind: &Kind) -> Option<Token> {
    match kind {
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Sint32 | Kind::Sint64 => Some(Token::Varint),
        Kind::Fixed32 | Kind::Sfixed32 => Some(Token::Fixed32),
        Kind::Fixed64 | Kind::Sfixed64 => Some(Token::Fixed64),
        Kind::String | Kind::Bytes => Some(Token::Bytes),
        Kind::Double | Kind::Float | Kind::Bool | Kind::Message(_) | Kind::Enum(_) => None,
    }
}
