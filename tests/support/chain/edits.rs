//! What changes from one version of a chain to the next.
#![allow(
    clippy::format_push_string,
    clippy::needless_for_each,
    clippy::unnecessary_wraps,
    reason = "one line for one thing"
)]

#[path = "edits/fields.rs"]
mod fields;
#[path = "edits/nesting.rs"]
mod nesting;
#[path = "edits/rules.rs"]
mod rules;
#[path = "edits/words.rs"]
mod words;

use std::collections::HashSet;
use std::fmt::Write as _;

use fastrand::Rng;

use super::model::{Field, Version};

/// A step on its way.
pub(crate) struct Editor<'a> {
    old: &'a Version,
    new: Version,
    /// By the message's index.
    rules: Vec<(usize, String)>,
    tables: String,
    renames: [Vec<String>; 3],
    loss: Option<String>,
    /// Fields of the older version that have been changed, by the index of the message and the name.
    touched: HashSet<(usize, String)>,
    touched_enums: HashSet<usize>,
    fresh: usize,
}

impl<'a> Editor<'a> {
    pub(crate) fn new(old: &'a Version) -> Self {
        let fresh = old.messages.iter().map(|message| message.fields.len() + message.freed.len()).sum::<usize>() * 10;
        Self {
            old,
            new: old.clone(),
            rules: Vec::new(),
            tables: String::new(),
            renames: Default::default(),
            loss: None,
            touched: HashSet::new(),
            touched_enums: HashSet::new(),
            fresh,
        }
    }

    /// The newer version, and what the step says.
    pub(crate) fn finish(self, from: &str) -> (Version, String) {
        let mut text = format!("from = \"{from}\"\n");
        text.extend(self.loss.iter().map(|loss| format!("loss = {loss}\n")));
        for (what, renames) in ["messages", "enums", "values"].iter().zip(&self.renames) {
            if !renames.is_empty() {
                let _ = writeln!(text, "[rename.{what}]\n{}", renames.join("\n"));
            }
        }
        text.push_str(&self.tables);
        for index in 0..self.new.messages.len() {
            let rules: Vec<&str> =
                self.rules.iter().filter(|(message, _)| *message == index).map(|(_, rule)| rule.as_str()).collect();
            if !rules.is_empty() {
                let message = self.old.messages.get(index).unwrap_or(&self.new.messages[index]);
                let _ = writeln!(text, "[messages.\"p.{}\"]\nrules = [", message.name);
                rules.iter().for_each(|rule| text.push_str(&format!("    {{ {rule} }},\n")));
                text.push_str("]\n");
            }
        }
        (self.new, text)
    }

    /// Something changes.
    pub(crate) fn change(&mut self, random: &mut Rng) {
        // Names must differ whatever else changes in the step.
        self.fresh += 1;
        let _ = match random.usize(..28) {
            0..3 => self.rename(random),
            3..5 => self.renumber(random),
            5..9 => self.retype(random),
            9..11 => self.relabel(random),
            11..14 => self.nest(random),
            14..16 => self.flatten(random),
            16 => self.oneof(random),
            17..19 => self.add(random),
            19..21 => self.remove(random),
            21 => self.rename_message(random),
            22..24 => self.change_enum(random),
            24 => self.condition(random),
            25 => self.expression(random),
            26 => self.join(random),
            _ => self.policy(random),
        };
    }

    fn name(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.fresh)
    }

    /// A field that nothing has happened to yet.
    fn field(&mut self, random: &mut Rng, fits: impl Fn(&Field) -> bool) -> Option<(usize, usize)> {
        let mut found = Vec::new();
        for (index, message) in self.old.messages.iter().enumerate() {
            for field in &message.fields {
                let place = self.new.messages[index].fields.iter().position(|new| new.name == field.name);
                let untouched = !self.touched.contains(&(index, field.name.clone()));
                found.extend(place.filter(|_| untouched && fits(field)).map(|place| (index, place)));
            }
        }
        let chosen = *found.get(random.usize(..found.len().max(1)))?;
        self.touched.insert((chosen.0, self.new.messages[chosen.0].fields[chosen.1].name.clone()));
        Some(chosen)
    }

    fn rule(&mut self, message: usize, rule: impl Into<String>) {
        self.rules.push((message, rule.into()));
    }

    /// A number that is free; at times one that meant something else before.
    fn number(&mut self, random: &mut Rng, message: usize) -> u32 {
        let message = &mut self.new.messages[message];
        if !message.freed.is_empty() && random.usize(..3) == 0 {
            let number = message.freed.swap_remove(random.usize(..message.freed.len()));
            message.reserved.retain(|reserved| *reserved != number);
            return number;
        }
        message.fresh_number()
    }

    /// Takes a field out of the newer version.
    fn take(&mut self, message: usize, field: usize) -> Field {
        let taken = self.new.messages[message].fields.remove(field);
        self.new.messages[message].freed.push(taken.number);
        taken
    }
}
