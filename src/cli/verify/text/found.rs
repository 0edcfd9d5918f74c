//! A counterexample.

use super::Page;
use crate::verify::{Counterexample, direction_name, use_name};

/// How much of a message is shown.
const SHOWN: usize = 600;

impl Page<'_> {
    pub(super) fn counterexample(&mut self, found: &Counterexample) {
        let subject = &found.subject;
        let (from, to) = (self.version(subject.from), self.version(subject.to));
        let title = self.coloured(31, "counterexample");
        self.line(&format!(
            "\n{title}: {} {from} -> {to} ({}, {})",
            subject.message(),
            direction_name(subject.direction()),
            use_name(subject.used)
        ));
        self.line(&format!("  {}", found.fault.kind.told()));
        self.line(&format!("  where     {}", shortened(found.fault.what.trim_start_matches([':', ' ']))));
        let json = found.json(self.protocol);
        for name in ["input", "expected", "got"] {
            if !json[name].is_null() {
                self.line(&format!("  {name:<9} {}", shortened(&json[name].to_string())));
            }
            if let Some(binary) = json[format!("{name}_base64")].as_str() {
                self.line(&format!("  {:<9} {} (base64)", "", shortened(binary)));
            }
        }
        if !found.also.is_empty() {
            let also: Vec<&str> = found.also.iter().map(String::as_str).collect();
            self.line(&format!("  also in   {}", shortened(&also.join(", "))));
        }
        self.line(&format!(
            "  again     straddle verify {} --step {from}..{to} --message {} --seed {} --messages {}",
            self.arguments.folder.display(),
            subject.message(),
            found.seed,
            found.index + 1
        ));
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes; --json has all)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
