//! Faults of a step file, gathered as they are found.

use std::ops::Range;

use toml::Spanned;

use crate::protocol::error::Fault;
use crate::protocol::step_file::StepText;
use crate::protocol::text;

/// The faults of one step file; none where there is no file.
pub(in crate::protocol) struct Faults<'a> {
    source: Option<StepText<'a>>,
    found: Vec<Fault>,
}

impl<'a> Faults<'a> {
    pub(in crate::protocol) fn new(source: Option<StepText<'a>>) -> Self {
        Self { source, found: Vec::new() }
    }

    /// Notes a fault at `offset` of the file's text.
    pub(in crate::protocol) fn add(&mut self, offset: usize, what: impl Into<String>, advice: impl Into<String>) {
        let line = self.line(offset);
        self.add_at_line(line, what, advice);
    }

    /// Notes a fault at a line of the file; a fault that is known already is not told twice.
    pub(in crate::protocol) fn add_at_line(&mut self, line: usize, what: impl Into<String>, advice: impl Into<String>) {
        let Some(StepText { file, .. }) = self.source else { return };
        let fault = Fault::new(file, what, advice).at_line(line);
        if !self.found.iter().any(|known| known.to_string() == fault.to_string()) {
            self.found.push(fault);
        }
    }

    /// The line of a place in the file, from 1.
    pub(in crate::protocol) fn line(&self, offset: usize) -> usize {
        self.source.map_or(1, |StepText { text, .. }| text::line_of(text, offset))
    }

    /// The line of what was read from the file, from 1.
    pub(in crate::protocol) fn line_of<T>(&self, read: &Spanned<T>) -> usize {
        let Range { start, .. } = read.span();
        self.line(start)
    }

    /// All faults, in the order of their lines.
    pub(in crate::protocol) fn into_vec(mut self) -> Vec<Fault> {
        self.found.sort_by_key(Fault::line);
        self.found
    }
}
