//! What is wrong with a protocol, where, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why a protocol could not be loaded: one fault or several, each with its place.
#[derive(thiserror::Error)]
#[error("{}", .faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ProtocolError {
    faults: Vec<Fault>,
}

/// One fault of a protocol.
#[derive(Debug)]
pub struct Fault {
    file: PathBuf,
    line: Option<usize>,
    column: Option<usize>,
    what: String,
    advice: String,
}

/// As its display: a program that ends in it shows nothing else.
impl fmt::Debug for ProtocolError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl ProtocolError {
    /// The faults, at least one.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl From<Fault> for ProtocolError {
    fn from(fault: Fault) -> Self {
        Self { faults: vec![fault] }
    }
}

impl Fault {
    pub(crate) fn new(file: impl Into<PathBuf>, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, column: None, what: what.into(), advice: advice.into() }
    }

    pub(super) fn at_line(mut self, line: impl Into<Option<usize>>) -> Self {
        self.line = line.into();
        self
    }

    #[cfg(feature = "compile")]
    pub(super) fn at_column(mut self, column: impl Into<Option<usize>>) -> Self {
        self.column = column.into();
        self
    }

    #[cfg(feature = "compile")]
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::new(path, format!("cannot be read: {error}"), "check that it exists and that you may read it")
    }

    /// `Ok` when there are no faults.
    pub(super) fn none_of(faults: Vec<Self>) -> Result<(), ProtocolError> {
        if faults.is_empty() { Ok(()) } else { Err(ProtocolError { faults }) }
    }

    /// The file or folder at fault.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line at fault, from 1, where there is one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The column at fault, from 1, where it is known.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.column
    }

    /// What is wrong, with the element that it is about.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.advice
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        write!(formatter, ": {}\n  help: {}", self.what, self.advice)
    }
}
