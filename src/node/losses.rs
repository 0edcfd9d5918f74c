//! What cannot be carried over, and where it is written before it is given up.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::state::RefusedRecord;

/// How many of them are told; all are counted.
pub(super) const TOLD: usize = 100;

/// What one making of an epoch has lost.
pub(super) struct Losses {
    count: u64,
    first: Vec<RefusedRecord>,
    export: Option<BufWriter<File>>,
    /// Told at the end: a function has no way to hear of it.
    failed: Option<io::Error>,
}

impl Losses {
    /// Of an attempt that has lost `before` already; they are written into `export`, if they are accepted.
    pub(super) fn new(before: u64, export: Option<&Path>) -> io::Result<Self> {
        let open = |file: &Path| OpenOptions::new().append(true).create(true).open(file).map(BufWriter::new);
        Ok(Self { count: before, first: Vec::new(), export: export.map(open).transpose()?, failed: None })
    }

    pub(super) fn add(&mut self, lost: RefusedRecord) {
        self.count += 1;
        if let Some(export) = &mut self.export
            && self.failed.is_none()
        {
            let line = record(&lost.table, &lost.key, &lost.value, &lost.why);
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

/// A record that is lost or would be, wherever it is told; its key and value as base64, and its key as text, too, where it
/// is one.
pub(crate) fn record(table: &str, key: &[u8], value: &[u8], why: &str) -> Value {
    let mut told = json!({
        "table": table,
        "key_base64": BASE64_STANDARD.encode(key),
        "value_base64": BASE64_STANDARD.encode(value),
        "why": why,
    });
    if let Ok(key) = std::str::from_utf8(key) {
        told["key"] = key.into();
    }
    told
}

impl fmt::Debug for Losses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Losses").field("count", &self.count).finish_non_exhaustive()
    }
}
