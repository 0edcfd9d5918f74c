//! Names, enums, and rules of their own kinds.

use std::fmt::Write as _;

use fastrand::Rng;

use super::Editor;
use super::words::{holds, policies};
use crate::chain::model::{Field, Kind, Label};
use crate::chain::retype::pick;

impl Editor<'_> {
    pub(super) fn rename_message(&mut self, random: &mut Rng) -> Option<()> {
        let message = random.usize(..self.old.messages.len());
        let name = self.name("R");
        if self.new.messages[message].name == self.old.messages[message].name {
            self.renames[0].push(format!("\"p.{}\" = \"p.{name}\"", self.old.messages[message].name));
            self.new.messages[message].name = name;
        }
        Some(())
    }

    pub(super) fn change_enum(&mut self, random: &mut Rng) -> Option<()> {
        let index = random.usize(..self.old.enums.len());
        if !self.touched_enums.insert(index) {
            return None;
        }
        let (name, fresh) = (self.old.enums[index].name.clone(), self.name(&format!("E{index}_W")));
        let values = &mut self.new.enums[index].values;
        let (place, first) = (random.usize(..values.len()), values[0].0.clone());
        let mut table = String::new();
        match random.usize(..4) {
            0 => {
                self.renames[2].push(format!("\"p.{name}.{}\" = \"{fresh}\"", values[place].0));
                values[place].0 = fresh;
            }
            1 if values.len() > 2 && place > 0 => {
                let gone = values.remove(place).0;
                let _ = writeln!(table, "up = {{ {gone} = \"{first}\" }}");
            }
            2 => {
                let renamed = self.name("Q");
                self.renames[1].push(format!("\"p.{name}\" = \"p.{renamed}\""));
                self.new.enums[index].name = renamed;
            }
            _ => {
                // Those behind it move on by one.
                values.iter_mut().skip(place + 1).for_each(|(_, number)| *number += 1);
                let number = values[place].1 + 1;
                values.insert(place + 1, (fresh.clone(), number));
                let _ = writeln!(table, "down = {{ {fresh} = \"{first}\" }}");
            }
        }
        if random.usize(..3) == 0 {
            let unknown = pick(random, &["refuse", "pass"]);
            let _ = writeln!(table, "unknown = \"{unknown}\"");
        }
        if !table.is_empty() {
            let _ = writeln!(self.tables, "[enums.\"p.{name}\"]\n{table}");
        }
        Some(())
    }

    /// A condition on a field, of whatever kind of rule.
    pub(super) fn condition(&mut self, random: &mut Rng) -> Option<()> {
        let (message, field) = self.field(random, |field| holds("old", field).is_some())?;
        let field = self.new.messages[message].fields[field].clone();
        let (up, down) = (holds("old", &field)?, holds("new", &field)?);
        let name = &field.name;
        let rule = match random.usize(..5) {
            0 => format!("refuse = \"no\", direction = \"up\", when = \"{up}\""),
            1 => format!("old = \"{name}\", refuse = \"no\", when = \"{up}\""),
            2 => format!("new = \"{name}\", drop = true, when = \"{down}\""),
            _ => format!("old = \"{name}\", new = \"{name}\", when = {{ up = \"{up}\", down = \"{down}\" }}"),
        };
        self.rule(message, rule);
        Some(())
    }

    pub(super) fn expression(&mut self, random: &mut Rng) -> Option<()> {
        let (message, field) =
            self.field(random, |field| field.kind == Kind::Scalar("string") && field.is_singular())?;
        let old = self.new.messages[message].fields[field].name.clone();
        let (name, number) = (self.name("x"), self.number(random, message));
        let made = Field {
            name: name.clone(),
            number,
            kind: Kind::Scalar("string"),
            label: Label::Plain,
            oneof: None,
            default: None,
        };
        self.new.messages[message].fields.push(made);
        self.rule(message, format!("new = \"{name}\", up = \"old.{old} + '!'\""));
        Some(())
    }

    pub(super) fn join(&mut self, random: &mut Rng) -> Option<()> {
        let text = |field: &Field| {
            field.kind == Kind::Scalar("string")
                && field.is_singular()
                && field.oneof.is_none()
                && field.label != Label::Required
        };
        let (message, field) = self.field(random, text)?;
        let name = self.name("j");
        let field = self.take(message, field);
        for part in ["a", "b"] {
            let number = self.number(random, message);
            let part = Field { name: format!("{name}{part}"), number, default: None, ..field.clone() };
            self.new.messages[message].fields.push(part);
        }
        let missing = pick(random, &["refuse", "empty"]);
        let parts = format!("[\"{name}a\", \"{name}b\"]");
        self.rule(message, format!("old = \"{}\", new = {parts}, join = \" \", missing = \"{missing}\"", field.name));
        Some(())
    }

    pub(super) fn policy(&mut self, random: &mut Rng) -> Option<()> {
        self.loss = Some(policies(random));
        Some(())
    }
}
