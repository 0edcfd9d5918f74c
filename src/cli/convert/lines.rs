//! Messages in JSON, one a line in and one a line out.

use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::failure::{self, Failure, REFUSED};
use super::files::{self, LONGEST, Output, Source};
use super::format::{self, Format, Style, Writer};
use super::job::Job;
use crate::cli::arguments::ConvertArguments;
use crate::cli::{BadArguments, Outcome};

pub(super) fn run(arguments: &ConvertArguments, job: &Job) -> Outcome {
    if files::is_same(arguments.file.as_deref(), arguments.output.as_deref()) {
        return Err(BadArguments("--output is the input: it would be empty before it is read".to_owned()).into());
    }
    let source = files::source(arguments.file.as_deref())?;
    let output = Output::create(arguments.output.as_deref())?;
    let progress = progress(&source, arguments);
    let style = Style { format: Format::Json, pretty: false, emit_defaults: arguments.emit_defaults };
    let mut lines = Lines { job, output, writer: Writer::new(style), counts: Counts::default() };
    let done = lines.all(&source.name, BufReader::new(progress.wrap_read(source.reader)), &progress);
    progress.finish_and_clear();
    done?;
    Ok(lines.counts.told())
}

/// What came of the lines.
#[derive(Default)]
struct Counts {
    converted: u64,
    refused: u64,
    bad: u64,
}

impl Counts {
    fn told(&self) -> ExitCode {
        let Self { converted, refused, bad } = self;
        if refused + bad > 0 {
            eprintln!("{converted} converted, {refused} refused, {bad} that are no messages");
        }
        match (*bad, *refused) {
            (0, 0) => ExitCode::SUCCESS,
            (0, _) => ExitCode::from(REFUSED),
            _ => ExitCode::FAILURE,
        }
    }
}

struct Lines<'a> {
    job: &'a Job,
    output: Output,
    writer: Writer,
    counts: Counts,
}

impl Lines<'_> {
    fn all(&mut self, name: &str, mut reader: impl Buffered, progress: &ProgressBar) -> io::Result<()> {
        let unreadable = |error: io::Error| io::Error::new(error.kind(), format!("{name} cannot be read: {error}"));
        let mut number = 0_u64;
        loop {
            // Whoever feeds us line by line wants to see what came of each; whoever has more in store does not care.
            if reader.is_drained() {
                self.output.flush()?;
            }
            let line = match next(&mut reader, LONGEST).map_err(unreadable)? {
                Line::None => return self.output.flush(),
                Line::Some(line) => Ok(line),
                Line::TooLong => Err(format!("the line is longer than {} MiB", LONGEST >> 20)),
            };
            number += 1;
            if line.as_ref().is_ok_and(|line| line.trim_ascii().is_empty()) {
                continue;
            }
            let answer = line.map_err(Failure::bad).and_then(|line| self.one(line));
            let answer = self.counted(number, answer)?;
            self.output.write_all(&answer)?;
            if number.is_multiple_of(1024) {
                progress.set_message(format!("{number} lines, {} refused", self.counts.refused));
            }
        }
    }

    fn one(&mut self, line: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let message = format::read(Format::Json, line, &self.job.source).map_err(Failure::bad)?;
        let converted = self.job.convert(&message)?;
        self.writer.write(self.job, &converted)
    }

    fn counted(&mut self, number: u64, answer: Result<Vec<u8>, Failure>) -> io::Result<Vec<u8>> {
        let told: Value = match answer {
            Ok(message) => {
                self.counts.converted += 1;
                return Ok(message);
            }
            Err(Failure::Refused(refusal)) => {
                self.counts.refused += 1;
                let mut told = failure::json(&refusal);
                told["line"] = number.into();
                json!({ "refuse": told })
            }
            Err(Failure::Other(error)) => {
                self.counts.bad += 1;
                json!({ "error": { "line": number, "what": error.to_string() } })
            }
        };
        let mut line = serde_json::to_vec(&told)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// A reader that knows whether it has read ahead.
trait Buffered: BufRead {
    fn is_drained(&self) -> bool;
}

impl<R: Read> Buffered for BufReader<R> {
    fn is_drained(&self) -> bool {
        self.buffer().is_empty()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Line {
    None,
    Some(Vec<u8>),
    /// Passed over.
    TooLong,
}

/// The next line of at most `longest` bytes, its end not counted; no more than that is held of a longer one.
fn next(reader: &mut impl BufRead, longest: u64) -> io::Result<Line> {
    let mut line = Vec::new();
    if reader.by_ref().take(longest + 1).read_until(b'\n', &mut line)? == 0 {
        return Ok(Line::None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Line::Some(line));
    }
    if line.len() as u64 <= longest {
        return Ok(Line::Some(line));
    }
    reader.skip_until(b'\n')?;
    Ok(Line::TooLong)
}

/// A bar on a terminal, unless messages go there, too.
fn progress(source: &Source, arguments: &ConvertArguments) -> ProgressBar {
    let crowded = arguments.output.is_none() && io::stdout().is_terminal();
    if crowded || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match source.length {
        Some(length) => (ProgressBar::new(length), "{bar:40} {bytes}/{total_bytes}  {msg}"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}  {msg}"),
    };
    // The templates are constants; if one did not parse, the default bar would do.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_one_is_read() {
        let mut reader = BufReader::with_capacity(2, "1234\n12345\n123456789\n\n12345".as_bytes());
        let mut line = || next(&mut reader, 4).expect("a line");
        let some = |text: &str| Line::Some(text.as_bytes().to_vec());
        assert_eq!([line(), line(), line()], [some("1234"), Line::TooLong, Line::TooLong]);
        assert_eq!([line(), line(), line()], [some(""), Line::TooLong, Line::None]);
    }
}
