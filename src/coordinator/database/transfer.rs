//! A whole database as lines of JSON, and back.
//!
//! The first line says what it is: `{"straddle-database":1,"revision":7,"entries":2}`. Then there is one line a key, in the
//! order of keys. A record in an envelope is written in its own words:
//!
//! ```json
//! {"key":"straddle/active/shop","type":"straddle.control.v1.ActiveVersion","version":"1.0.0","record":{"protocol":"shop","version":"2.0.0"}}
//! ```
//!
//! where `type` and `version` are those of the protocol `straddle`, and `record` is the JSON form of protobuf. What could not be
//! made again of that (no envelope, a version or fields that this program does not know) is written as its bytes: `base64`
//! instead of these three. So is a key that is not text, as `key_base64` instead of `key`.
//!
//! What goes away with a lease is left out: it says who is there now.

mod error;
mod line;

use std::io::{BufRead, Read, Write};

use self::error::Kind;
pub use self::error::TransferError;
use self::line::{Head, Line};
use super::store::NotReplaced;
use super::{Database, Keys, Query, Revision, Store};
use crate::control;
use crate::protocol::Protocol;

/// The format of the lines. Another number: another form.
const FORMAT: u32 = 1;

/// The longest line that is read, in bytes: the largest value, where JSON needs six bytes for one.
const LONGEST_LINE: u64 = 8 * super::LARGEST_VALUE as u64;

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The revision that it is of.
    pub revision: Revision,
    /// How many keys were written.
    pub entries: u64,
    /// How many keys were left out, since they go away with a lease.
    pub left_out: u64,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The revision that wrote it all.
    pub revision: Revision,
    /// How many keys were written.
    pub entries: u64,
    /// How many keys there were before, which are gone.
    pub replaced: u64,
}

/// Writes all that a database keeps, as of one revision.
///
/// # Errors
/// When the database cannot be read or `out` not be written.
pub async fn export(database: &dyn Database, out: &mut (dyn Write + Send)) -> Result<Exported, TransferError> {
    let protocol = control::protocol();
    // The first line says how many there are, so that what comes after can be missed.
    let mut exported = Exported { revision: Revision(0), entries: 0, left_out: 0 };
    let mut pages = Pages::new(database, None);
    while let Some(page) = pages.next().await? {
        exported.revision = page.revision;
        let left_out = page.entries.iter().filter(|entry| entry.lease.is_some()).count() as u64;
        exported.left_out += left_out;
        exported.entries += page.entries.len() as u64 - left_out;
    }
    let head = Head { format: FORMAT, revision: exported.revision.0, entries: exported.entries };
    put(out, &head)?;
    let mut pages = Pages::new(database, Some(exported.revision));
    while let Some(page) = pages.next().await? {
        for entry in page.entries.iter().filter(|entry| entry.lease.is_none()) {
            put(out, &Line::of(&entry.key, &entry.value, &protocol))?;
        }
    }
    out.flush().map_err(Kind::Write)?;
    Ok(exported)
}

/// Fills a database that is empty, or with `replace` any, with what [`export`] wrote: all of it or nothing. `name` is what
/// errors call the input.
///
/// Every record has a new revision, higher than those of both databases; nothing before it is remembered.
///
/// # Errors
/// When a line is not what [`export`] writes, with its number; when the database is not empty; when the input cannot be
/// read or the database not be written.
pub fn import(store: &Store, input: impl BufRead, name: &str, replace: bool) -> Result<Imported, TransferError> {
    let mut lines = Lines { input, number: 0 };
    let protocol = control::protocol();
    let told = |line: u64, what: String| Kind::Line { name: name.to_owned(), line, what };
    let head = lines.next_line().and_then(|line| line.ok_or_else(|| Bad::Line("it is empty".to_owned())));
    let head = head.and_then(|line| Head::parse(&line).map_err(Bad::Line));
    let head = head.map_err(|bad| bad.named(name, lines.number))?;
    let mut entries = 0;
    let records = std::iter::from_fn(|| {
        let line = match lines.next_line() {
            Ok(line) => line?,
            Err(bad) => return Some(Err(bad)),
        };
        entries += 1;
        Some(parsed(&line, entries, head.entries, &protocol).map_err(Bad::Line))
    });
    // A file that was cut off is told when it ends, before anything is written.
    let whole = End { records, wanted: head.entries, seen: 0, ended: false };
    let replaced = store.replace(Revision(head.revision), replace, whole).map_err(|why| match why {
        NotReplaced::Taken(keys) => Kind::Taken(keys),
        NotReplaced::Refused(what) => told(lines.number, what),
        NotReplaced::Source(bad) => bad.named(name, lines.number),
        NotReplaced::Database(error) => Kind::Database(error),
    })?;
    Ok(Imported { revision: replaced.revision, entries: replaced.keys, replaced: replaced.before })
}

fn parsed(line: &str, number: u64, wanted: u64, protocol: &Protocol) -> Result<(bytes::Bytes, bytes::Bytes), String> {
    if number > wanted {
        return Err(format!("the first line says that there are {wanted} keys, and this is one more"));
    }
    Line::parse(line)?.entry(protocol)
}

fn put(out: &mut (dyn Write + Send), line: &impl serde::Serialize) -> Result<(), Kind> {
    let mut text = serde_json::to_string(line).map_err(|error| Kind::Write(error.into()))?;
    text.push('\n');
    out.write_all(text.as_bytes()).map_err(Kind::Write)
}

/// All pages of all keys, as of one revision.
struct Pages<'a> {
    database: &'a dyn Database,
    next: Option<Query>,
}

impl<'a> Pages<'a> {
    fn new(database: &'a dyn Database, at: Option<Revision>) -> Self {
        Self { database, next: Some(Query { keys: Keys::all(), limit: 0, at }) }
    }

    async fn next(&mut self) -> Result<Option<super::Page>, Kind> {
        let Some(query) = self.next.take() else { return Ok(None) };
        let page = self.database.range(query).await.map_err(Kind::Database)?;
        if let (true, Some(last)) = (page.more, page.entries.last()) {
            let keys = Keys::all().after(last.key.clone());
            self.next = Some(Query { keys, limit: 0, at: Some(page.revision) });
        }
        Ok(Some(page))
    }
}

/// Why the input is refused.
#[derive(Debug)]
enum Bad {
    Line(String),
    Read(std::io::Error),
}

impl Bad {
    fn named(self, name: &str, line: u64) -> Kind {
        let name = name.to_owned();
        match self {
            Self::Line(what) => Kind::Line { name, line: line.max(1), what },
            Self::Read(error) => Kind::Read { name, error },
        }
    }
}

struct Lines<R> {
    input: R,
    /// Of the line that was read last, from 1.
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn next_line(&mut self) -> Result<Option<String>, Bad> {
        let mut line = Vec::new();
        self.input.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line).map_err(Bad::Read)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if line.len() as u64 > LONGEST_LINE {
            return Err(Bad::Line(format!("it is longer than {LONGEST_LINE} bytes")));
        }
        if line.pop_if(|last| *last == b'\n').is_none() {
            return Err(Bad::Line("it does not end: the file was cut off".to_owned()));
        }
        String::from_utf8(line).map(Some).map_err(|error| Bad::Line(format!("it is no text: {error}")))
    }
}

/// The records, and at their end whether they are all.
struct End<I> {
    records: I,
    wanted: u64,
    seen: u64,
    ended: bool,
}

impl<T, I: Iterator<Item = Result<T, Bad>>> Iterator for End<I> {
    type Item = Result<T, Bad>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(record) = self.records.next() {
            self.seen += 1;
            return Some(record);
        }
        let missing = self.seen < self.wanted && !std::mem::replace(&mut self.ended, true);
        missing.then(|| {
            let Self { wanted, seen, .. } = self;
            Err(Bad::Line(format!("the file ends behind it, with {seen} of {wanted} keys: it was cut off")))
        })
    }
}
