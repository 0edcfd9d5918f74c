//! What cannot be carried over, and where it is written before it is given up.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::state::{Accepted, Files, RefusedRecord};
use crate::version::Version;

/// How many of them are told; all are counted.
pub(super) const TOLD: usize = 100;

/// What one making of an epoch has lost.
pub(super) struct Losses {
    /// The version whose records are lost, where they do not say it themselves.
    version: Version,
    count: u64,
    first: Vec<RefusedRecord>,
    export: Option<BufWriter<File>>,
    /// Told at the end: a function has no way to hear of it.
    failed: Option<io::Error>,
}

impl Losses {
    /// Of an attempt that has lost `before` already, of the state of `version`; they are written down, if
    /// they are accepted, by which attempt this is.
    pub(super) fn new(
        files: &dyn Files,
        before: u64,
        accepted: Option<(&Accepted, u32)>,
        version: &Version,
    ) -> io::Result<Self> {
        let export = accepted.map(|(accepted, attempt)| open(files, accepted, before, attempt)).transpose()?;
        Ok(Self { version: version.clone(), count: before, first: Vec::new(), export, failed: None })
    }

    pub(super) fn add(&mut self, mut lost: RefusedRecord) {
        self.count += 1;
        lost.version.get_or_insert_with(|| self.version.clone());
        if let Some(export) = &mut self.export
            && self.failed.is_none()
        {
            let version = lost.version.as_ref().map(ToString::to_string);
            let line =
                record(&lost.table, &lost.key, &lost.value, (version.as_deref(), lost.message.as_deref()), &lost.why);
            self.failed = writeln!(export, "{line}").err();
        }
        if self.first.len() < TOLD {
            self.first.push(lost);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether it is exported and given up.
    pub(super) fn accepted(&self) -> bool {
        self.export.is_some()
    }

    pub(super) fn first(&self) -> &[RefusedRecord] {
        &self.first
    }

    /// Makes durable what was exported.
    pub(super) fn make_durable(&mut self) -> io::Result<()> {
        if let Some(failed) = &self.failed {
            return Err(io::Error::new(failed.kind(), failed.to_string()));
        }
        let Some(export) = &mut self.export else { return Ok(()) };
        export.flush()?;
        export.get_ref().sync_all()
    }
}

/// Opens the file of losses, behind what counts of it.
fn open(files: &dyn Files, accepted: &Accepted, before: u64, attempt: u32) -> io::Result<BufWriter<File>> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(&accepted.file)?;
    // What an attempt has written behind its last checkpoint, and perhaps only in part, is lost anew.
    if attempt > 1 {
        let there = file.metadata()?.len();
        let counts = counting(&mut file, accepted.from, before)?;
        if there > counts {
            file.set_len(counts)?;
        }
    }
    let folder = accepted.file.parent().filter(|folder| !folder.as_os_str().is_empty());
    files.sync_folder(folder.unwrap_or(Path::new(".")))?;
    Ok(BufWriter::new(file))
}

/// Where so many lines behind `from` end.
fn counting(file: &mut File, from: u64, lines: u64) -> io::Result<u64> {
    file.seek(SeekFrom::Start(from))?;
    let (mut reader, mut end, mut line) = (BufReader::new(file), from, Vec::new());
    for _ in 0..lines {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        end += read as u64;
    }
    Ok(end)
}

/// A record that is lost or would be, wherever it is told; its key and value as base64, its key as text, too, where it is
/// one, and what the value is, as far as that is known: its version, and its type.
pub(crate) fn record(
    table: &str,
    key: &[u8],
    value: &[u8],
    (version, message): (Option<&str>, Option<&str>),
    why: &str,
) -> Value {
    let mut told = json!({
        "table": table,
        "key_base64": BASE64_STANDARD.encode(key),
        "value_base64": BASE64_STANDARD.encode(value),
        "why": why,
    });
    if let Ok(key) = std::str::from_utf8(key) {
        told["key"] = key.into();
    }
    for (name, known) in [("version", version), ("type", message)] {
        if let Some(known) = known {
            told[name] = known.into();
        }
    }
    told
}

impl fmt::Debug for Losses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Losses").field("count", &self.count).finish_non_exhaustive()
    }
}
