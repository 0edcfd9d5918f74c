//! Where messages come from, and where they go.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::Path;

use super::failure::Failure;
use crate::cli::BadArguments;

/// Most bytes of one message as it is read: JSON takes a few times what the message itself does.
pub(super) const LONGEST: u64 = 256 << 20;

/// Something that is read, and its name for people.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) reader: Box<dyn Read>,
    /// Its length in bytes, where that is known.
    pub(super) length: Option<u64>,
}

/// The file, or standard input if there is none, or its name is `-`.
pub(super) fn source(file: Option<&Path>) -> Result<Source, BadArguments> {
    let Some(file) = file.filter(|file| *file != Path::new("-")) else {
        if io::stdin().is_terminal() {
            eprintln!("reading standard input; Ctrl-D ends it");
        }
        return Ok(Source { name: "standard input".to_owned(), reader: Box::new(io::stdin()), length: None });
    };
    let opened = File::open(file).and_then(|opened| Ok((opened.metadata()?, opened)));
    let (metadata, opened) =
        opened.map_err(|error| BadArguments(format!("{} cannot be read: {error}", file.display())))?;
    let length = metadata.is_file().then_some(metadata.len());
    Ok(Source { name: file.display().to_string(), reader: Box::new(opened), length })
}

impl Source {
    /// All that there is.
    pub(super) fn read(self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let read = self.reader.take(LONGEST + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::bad(format!("{} cannot be read: {error}", self.name)))?;
        if bytes.len() as u64 > LONGEST {
            let what = format!("{} is longer than {} MiB, which no message is", self.name, LONGEST >> 20);
            return Err(Failure::bad(format!("{what}; many messages are read with --lines")));
        }
        Ok(bytes)
    }
}

/// Standard output or a file, buffered.
pub(super) struct Output {
    name: Option<String>,
    writer: BufWriter<Box<dyn Write>>,
}

impl Output {
    /// Creates the file, or empties it.
    pub(super) fn create(file: Option<&Path>) -> Result<Self, BadArguments> {
        let Some(file) = file else {
            return Ok(Self { name: None, writer: BufWriter::new(Box::new(io::stdout())) });
        };
        let name = file.display().to_string();
        let created = File::create(file).map_err(|error| BadArguments(format!("{name} cannot be written: {error}")))?;
        Ok(Self { name: Some(name), writer: BufWriter::new(Box::new(created)) })
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes).map_err(|error| self.named(error))
    }

    /// Hands on what was written.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush().map_err(|error| self.named(error))
    }

    /// The error with the file's name; its kind stays, because a broken pipe is no error.
    fn named(&self, error: io::Error) -> io::Error {
        match &self.name {
            Some(name) => io::Error::new(error.kind(), format!("{name} cannot be written: {error}")),
            None => error,
        }
    }
}

/// Whether both names lead to one file: what is written would be gone before it is read.
pub(super) fn is_same(one: Option<&Path>, other: Option<&Path>) -> bool {
    let real = |file: Option<&Path>| file.and_then(|file| fs::canonicalize(file).ok());
    real(one).is_some_and(|one| real(other) == Some(one))
}
