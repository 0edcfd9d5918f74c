//! The text of a drafted `step.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::finding::{Finding, Place, Sure};
use super::point::Opened;
use crate::version::Version;

/// How long a line of a comment gets.
const WIDTH: usize = 120;

/// The text, and for each of its lines (from 1) that is a guess the index of the finding.
pub(super) struct Written {
    pub(super) text: String,
    pub(super) guesses: BTreeMap<usize, usize>,
}

/// What is known once the findings are resolved.
#[derive(Default)]
pub(super) struct Top<'a> {
    pub(super) open: Option<&'a Opened>,
    /// Whether it says what becomes of what gets lost.
    pub(super) pinned: bool,
}

/// Writes all findings.
pub(super) fn write(from: &Version, to: &Version, findings: &[Finding], top: &Top<'_>) -> Written {
    let mut page = Page { text: String::new(), guesses: BTreeMap::new() };
    page.comment(&format!(
        "How {to} relates to {from}: a draft. Read each guess before you keep it, and take its comment away when you have."
    ));
    if let Some(open) = top.open {
        page.checklist(open);
    }
    page.line("");
    page.line(&format!("from = \"{from}\""));
    page.undecided(findings);
    if top.pinned {
        page.line("");
        page.comment(
            "By its number the step is a minor one, yet it changes more than it adds. What the other version cannot express \
             is refused in requests, and not passed over, whatever else changes.",
        );
        page.line("loss = { request = \"refuse\" }");
    }
    if let Some(open) = top.open {
        page.late(open);
    }
    page.methods(findings);
    for (table, what) in TABLES {
        page.table(table, what, findings);
    }
    let messages: BTreeSet<&String> = findings
        .iter()
        .filter_map(|finding| if let Place::Message(name) = &finding.place { Some(name) } else { None })
        .collect();
    for message in messages {
        page.message(message, findings);
    }
    Written { text: page.text, guesses: page.guesses }
}

const TABLES: [(&str, &str); 6] = [
    ("packages", "package"),
    ("services", "service"),
    ("methods", "method"),
    ("messages", "message"),
    ("enums", "enum"),
    ("values", "value"),
];

struct Page {
    text: String,
    guesses: BTreeMap<usize, usize>,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A comment, broken where it gets long.
    fn comment(&mut self, text: &str) {
        self.indented("", text);
    }

    fn indented(&mut self, indent: &str, text: &str) {
        for line in text.split('\n') {
            let mut written = format!("{indent}#");
            for word in line.split(' ').filter(|word| !word.is_empty()) {
                if written.chars().count() + word.chars().count() >= WIDTH && written.trim_start().len() > 1 {
                    self.line(&written);
                    written = format!("{indent}#  ");
                }
                // Writing to a string cannot fail.
                let _ = write!(written, " {word}");
            }
            self.line(&written);
        }
    }

    /// Code that is not in force.
    fn commented(&mut self, indent: &str, code: &str) {
        for line in code.lines() {
            self.line(&format!("{indent}# {line}"));
        }
    }

    /// A line that is in force, of which a finding is the cause.
    fn guess(&mut self, line: &str, finding: usize) {
        self.line(line);
        self.guesses.insert(self.text.lines().count(), finding);
    }

    fn checklist(&mut self, open: &Opened) {
        if open.points.is_empty() {
            return self.comment("Nothing is open.");
        }
        self.comment("\nOpen points, the most important first; `straddle check` fails until each is decided:\n");
        for point in &open.points {
            self.comment(&format!("- [ ] {}", point.told()));
        }
    }

    fn late(&mut self, open: &Opened) {
        if open.late.is_empty() {
            return;
        }
        self.line("");
        self.comment(
            "Responses of these methods may be refused when the call has changed something already. Accept that by name, or \
             say what becomes of what cannot be expressed.",
        );
        self.line("# accept_refused_responses = [");
        for method in &open.late {
            self.line(&format!("#     \"{method}\","));
        }
        self.line("# ]");
    }

    fn undecided(&mut self, findings: &[Finding]) {
        let elements: BTreeSet<&String> = findings
            .iter()
            .filter_map(|finding| if let Sure::Undecided(elements) = &finding.sure { Some(elements) } else { None })
            .flatten()
            .collect();
        if elements.is_empty() {
            return;
        }
        self.line("");
        self.comment("What only you can know. Whatever reaches these stays open: say below what becomes of each, then remove it here.");
        self.line("undecided = [");
        for element in elements {
            self.line(&format!("    \"{element}\","));
        }
        self.line("]");
    }

    fn methods(&mut self, findings: &[Finding]) {
        for finding in findings.iter().filter(|finding| finding.place == Place::Method) {
            self.line("");
            self.comment(&finding.because);
            self.commented("", &finding.line);
        }
    }

    fn table(&mut self, table: &'static str, what: &str, findings: &[Finding]) {
        let of: Vec<(usize, &Finding)> =
            findings.iter().enumerate().filter(|(_, finding)| finding.place == Place::Rename(table)).collect();
        if of.is_empty() {
            return;
        }
        self.line("");
        for (_, finding) in of.iter().filter(|(_, finding)| finding.sure == Sure::Note) {
            self.comment(&finding.because);
        }
        if of.iter().all(|(_, finding)| finding.sure == Sure::Note) {
            return;
        }
        let active = of.iter().any(|(_, finding)| finding.sure == Sure::Guess);
        self.line(&format!("{}[rename.{table}]", if active { "" } else { "# " }));
        for (index, finding) in &of {
            match finding.sure {
                Sure::Guess => {
                    self.comment(&format!("guess: the same {what}, because {}", finding.because));
                    self.guess(&finding.line, *index);
                }
                Sure::Undecided(_) => {
                    self.comment(&format!("undecided: perhaps the same {what}, because {}", finding.because));
                    self.commented("", &finding.line);
                }
                Sure::Note => {}
            }
        }
    }

    fn message(&mut self, name: &str, findings: &[Finding]) {
        let of: Vec<(usize, &Finding)> = findings
            .iter()
            .enumerate()
            .filter(|(_, finding)| matches!(&finding.place, Place::Message(message) if message == name))
            .collect();
        let (notes, rules): (Vec<_>, Vec<_>) = of.into_iter().partition(|(_, finding)| finding.sure == Sure::Note);
        self.line("");
        for (_, finding) in &notes {
            self.comment(&format!("{name}: {}", finding.because));
        }
        if rules.is_empty() {
            return;
        }
        let active = rules.iter().any(|(_, finding)| finding.sure == Sure::Guess);
        let off = if active { "" } else { "# " };
        self.line(&format!("{off}[messages.\"{name}\"]"));
        self.line(&format!("{off}rules = ["));
        for (index, finding) in rules {
            match finding.sure {
                Sure::Guess => {
                    self.indented("    ", &format!("guess: because {}", finding.because));
                    self.guess(&format!("    {},", finding.line), index);
                }
                Sure::Undecided(_) | Sure::Note => {
                    let indent = if active { "    " } else { "" };
                    self.indented(indent, &format!("undecided: perhaps, because {}", finding.because));
                    let within = if active { "" } else { "    " };
                    self.line(&format!("{indent}# {within}{},", finding.line));
                }
            }
        }
        self.line(&format!("{off}]"));
    }
}
