//! A line of a file with a caret under what is meant, and colours where a terminal shows them.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use crate::check::judge::Spot;

/// Whether to paint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    colours: bool,
}

/// What to paint with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Paint {
    Bold,
    Red,
    Yellow,
    Green,
    Blue,
}

impl Style {
    /// For standard output.
    pub(super) fn of_stdout() -> Self {
        Self { colours: may_paint(io::stdout().is_terminal(), &|name| std::env::var(name).ok()) }
    }

    /// For standard error.
    pub(super) fn of_stderr() -> Self {
        Self { colours: may_paint(io::stderr().is_terminal(), &|name| std::env::var(name).ok()) }
    }

    pub(super) fn paint(self, paint: Paint, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Bold => "1",
            Paint::Red => "1;31",
            Paint::Yellow => "1;33",
            Paint::Green => "32",
            Paint::Blue => "34",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Colours are for terminals, and for nobody who set `NO_COLOR` (<https://no-color.org>).
fn may_paint(is_terminal: bool, variable: &dyn Fn(&str) -> Option<String>) -> bool {
    let unwanted = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    is_terminal && !unwanted && variable("TERM").as_deref() != Some("dumb")
}

/// The files that snippets were taken from.
#[derive(Default)]
pub(super) struct Snippets {
    files: HashMap<PathBuf, Vec<String>>,
}

/// Nobody reads on beyond this.
const LONGEST: usize = 160;

impl Snippets {
    /// The place and its line, with a caret under what is meant: from the spot's column to its end where these are known,
    /// else under `named` if the line has it, else under all of the line. Without the line where the file has none such.
    pub(super) fn of(&mut self, spot: &Spot, shown: &str, named: Option<&str>, style: Style) -> String {
        let Spot { file, line, column, end } = spot;
        let Some(line) = line else { return format!("{} {shown}\n", style.paint(Paint::Blue, "-->")) };
        let known = self.line(file, *line).map(str::to_owned);
        let at = if *column > 1 { format!("{shown}:{line}:{column}") } else { format!("{shown}:{line}") };
        let arrow = style.paint(Paint::Blue, "-->");
        let mut text = format!("{arrow} {at}\n");
        let Some(source) = known.filter(|source| !source.trim().is_empty()) else { return text };
        let (start, length) = underlined(&source, *column, *end, named);
        let width = line.to_string().len();
        let bar = style.paint(Paint::Blue, "|");
        let number = style.paint(Paint::Blue, &line.to_string());
        let shortened: String = source.chars().take(LONGEST).collect();
        // Tabs stay tabs, so that the caret stands where the eye sees the element.
        let before: String =
            source.chars().take(start.min(LONGEST)).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
        let carets = "^".repeat(length.min(LONGEST.saturating_sub(start)).max(1));
        let carets = style.paint(Paint::Red, &carets);
        // Writing to a string cannot fail.
        let _ = write!(text, "{:width$} {bar}\n{number} {bar} {shortened}\n{:width$} {bar} {before}{carets}\n", "", "");
        text
    }

    fn line(&mut self, file: &Path, line: usize) -> Option<&str> {
        if !self.files.contains_key(file) {
            let text = fs::read_to_string(file).unwrap_or_default();
            self.files.insert(file.to_owned(), text.lines().map(str::to_owned).collect());
        }
        self.files.get(file)?.get(line.checked_sub(1)?).map(String::as_str)
    }
}

/// What to underline, in characters: where it starts, and how long it is.
fn underlined(source: &str, column: usize, end: Option<usize>, named: Option<&str>) -> (usize, usize) {
    let letters = source.chars().count();
    let first = source.chars().take_while(|letter| letter.is_whitespace()).count();
    let last = source.trim_end().chars().count();
    if column <= 1 && end.is_none() {
        let found = named.filter(|name| !name.is_empty()).and_then(|name| Some((name, source.find(name)?)));
        return match found {
            Some((name, offset)) => (source[..offset].chars().count(), name.chars().count()),
            None => (first, last.saturating_sub(first).max(1)),
        };
    }
    let start = (column - 1).min(letters.saturating_sub(1)).max(first);
    let end = end.map_or(last, |end| (end - 1).min(last));
    (start, end.saturating_sub(start).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { colours: false };

    #[test]
    fn the_caret_stands_under_what_is_meant() {
        for (source, column, end, named, carets) in [
            ("  string name = 1;", 3, Some(20), None, "  ^^^^^^^^^^^^^^^^"),
            ("  string name = 1;", 10, Some(14), None, "         ^^^^"),
            ("\tstring name = 1;", 2, None, None, "\t^^^^^^^^^^^^^^^^"),
            ("code = [\"a.B.C\"]", 1, None, Some("a.B.C"), "         ^^^^^"),
            ("code = [\"a.B.C\"]", 1, None, Some("other"), "^^^^^^^^^^^^^^^^"),
            ("message Ä { Ü x = 1; }", 13, Some(21), None, "            ^^^^^^^^"),
            ("short", 90, Some(99), None, "    ^"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("a.proto");
            fs::write(&file, format!("first\n{source}\n")).unwrap();
            let spot = Spot { file, line: Some(2), column, end };
            let text = Snippets::default().of(&spot, "a.proto", named, PLAIN);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines[2], format!("2 | {source}"));
            assert_eq!(lines[3], format!("  | {carets}"), "{source}");
        }
    }

    #[test]
    fn a_file_that_is_gone_has_a_place_and_no_line() {
        let spot = Spot { file: "/nowhere/a.proto".into(), line: Some(7), column: 3, end: None };
        assert_eq!(Snippets::default().of(&spot, "a.proto", None, PLAIN), "--> a.proto:7:3\n");
    }

    #[test]
    fn colours_are_for_terminals_of_those_who_want_them() {
        for (is_terminal, variables, painted) in [
            (true, &[][..], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "")], true),
            (true, &[("TERM", "dumb")], false),
        ] {
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(may_paint(is_terminal, &variable), painted, "{variables:?}");
        }
    }
}
