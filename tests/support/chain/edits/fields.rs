//! What becomes of a field where it is.

use std::fmt::Write as _;

use fastrand::Rng;

use super::Editor;
use super::words::{constant, gone};
use crate::chain::first::random_field;
use crate::chain::model::{Kind, Label};
use crate::chain::retype::{pick, retype};

impl Editor<'_> {
    pub(super) fn rename(&mut self, random: &mut Rng) -> Option<()> {
        let (message, field) = self.field(random, |_| true)?;
        let (name, renumbered) = (self.name("r"), random.usize(..3) == 0);
        let number = renumbered.then(|| self.number(random, message));
        let field = &mut self.new.messages[message].fields[field];
        let rule = format!("old = \"{}\", new = \"{name}\"", field.name);
        field.name = name;
        if let Some(number) = number {
            let freed = std::mem::replace(&mut field.number, number);
            self.new.messages[message].freed.push(freed);
        }
        self.rule(message, rule);
        Some(())
    }

    pub(super) fn renumber(&mut self, random: &mut Rng) -> Option<()> {
        let (message, field) = self.field(random, |_| true)?;
        let number = self.number(random, message);
        let freed = std::mem::replace(&mut self.new.messages[message].fields[field].number, number);
        self.new.messages[message].freed.push(freed);
        Some(())
    }

    pub(super) fn retype(&mut self, random: &mut Rng) -> Option<()> {
        let (message, field) = self.field(random, |_| true)?;
        let enums = self.old.enums.len();
        let name = self.name("t");
        let field = &mut self.new.messages[message].fields[field];
        let (kind, mut options) = retype(random, &field.kind, enums)?;
        let (old, number) = (field.name.clone(), field.number);
        field.kind = kind;
        field.default = None;
        if random.usize(..3) == 0 {
            field.name = name;
        }
        let new = field.name.clone();
        if random.usize(..8) == 0
            && let Kind::Scalar(scalar) = field.kind
        {
            let value = constant(scalar);
            let _ = write!(options, "{}default = {{ up = {value} }}", if options.is_empty() { "" } else { ", " });
        }
        if random.usize(..3) == 0 {
            let other = self.number(random, message);
            let field = self.new.messages[message].fields.iter_mut().find(|field| field.number == number)?;
            field.number = other;
            self.new.messages[message].freed.push(number);
        }
        if old != new || !options.is_empty() {
            let options = if options.is_empty() { String::new() } else { format!(", {options}") };
            self.rule(message, format!("old = \"{old}\", new = \"{new}\"{options}"));
        }
        Some(())
    }

    /// Presence, or one and several.
    pub(super) fn relabel(&mut self, random: &mut Rng) -> Option<()> {
        let (message, field) =
            self.field(random, |field| field.oneof.is_none() && !matches!(field.label, Label::Map(_)))?;
        let beyond = pick(random, &["refuse", "first", "last"]);
        let field = &mut self.new.messages[message].fields[field];
        let name = field.name.clone();
        field.label = match field.label {
            Label::Repeated => Label::Plain,
            _ if random.bool() => Label::Repeated,
            Label::Plain => Label::Optional,
            _ => Label::Plain,
        };
        field.default = None;
        let listed =
            self.old.messages[message].fields.iter().any(|old| old.name == name && old.label == Label::Repeated);
        if listed || field.label == Label::Repeated {
            self.rule(message, format!("old = \"{name}\", new = \"{name}\", beyond = \"{beyond}\""));
        }
        Some(())
    }

    /// Into a oneof, or out of it.
    pub(super) fn oneof(&mut self, random: &mut Rng) -> Option<()> {
        let (message, field) = self.field(random, |field| field.is_singular() && field.label != Label::Required)?;
        let name = pick(random, &["choice", "other"]);
        let field = &mut self.new.messages[message].fields[field];
        field.default = None;
        field.oneof = if field.oneof.is_some() { None } else { Some(name.to_owned()) };
        Some(())
    }

    pub(super) fn add(&mut self, random: &mut Rng) -> Option<()> {
        let message = random.usize(..self.old.messages.len());
        let (name, number) = (self.name("a"), self.number(random, message));
        let sizes = (self.old.messages.len(), self.old.enums.len());
        let mut field = random_field(random, name.clone(), number, sizes, false);
        field.oneof = field.oneof.filter(|_| random.usize(..3) == 0);
        match (&field.kind, random.usize(..6)) {
            (Kind::Scalar(scalar), 0) if field.is_singular() => {
                let value = constant(scalar);
                self.rule(message, format!("new = \"{name}\", value = {value}"));
            }
            (_, 1) => self.rule(message, format!("new = \"{name}\", {}", gone(random))),
            _ => {}
        }
        self.new.messages[message].fields.push(field);
        Some(())
    }

    pub(super) fn remove(&mut self, random: &mut Rng) -> Option<()> {
        let (message, field) = self.field(random, |_| true)?;
        let taken = self.take(message, field);
        if random.usize(..4) == 0 {
            self.new.messages[message].reserved.push(taken.number);
        }
        if random.bool() {
            self.rule(message, format!("old = \"{}\", {}", taken.name, gone(random)));
        }
        Some(())
    }
}
