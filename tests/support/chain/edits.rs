//! The first version of a chain, and what changes from one to the next.
#![allow(
    clippy::format_push_string,
    clippy::needless_for_each,
    clippy::unnecessary_wraps,
    reason = "one line for one thing"
)]

use std::collections::HashSet;
use std::fmt::Write as _;

use fastrand::Rng;

use super::model::{Enum, Field, Kind, Label, Message, Version};
use super::retype::{INTEGERS, pick, retype};

const SCALARS: [&str; 14] = [
    "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "sfixed64", "bool", "string", "string",
    "bytes", "float", "double",
];
const KNOWN: [&str; 6] = ["Timestamp", "Duration", "Int32Value", "StringValue", "Any", "FieldMask"];
const KEYS: [&str; 4] = ["string", "int32", "uint64", "bool"];

impl Version {
    /// A few messages that may hold each other, and themselves.
    pub(crate) fn random(random: &mut Rng) -> Self {
        let (messages, enums) = (random.usize(2..5), random.usize(1..3));
        let proto2 = random.usize(..5) == 0;
        let mut version = Self { proto2, messages: Vec::new(), enums: Vec::new() };
        for index in 0..enums {
            let count = i32::try_from(random.usize(2..6)).expect("few");
            let values = (0..count).map(|value| (format!("E{index}_V{value}"), value)).collect();
            version.enums.push(Enum { name: format!("E{index}"), values });
        }
        for index in 0..messages {
            let mut message =
                Message { name: format!("M{index}"), fields: Vec::new(), freed: Vec::new(), reserved: Vec::new() };
            for number in 0..random.usize(2..9) {
                let field =
                    random_field(random, format!("f{number}"), message.fresh_number(), (messages, enums), proto2);
                message.fields.push(field);
            }
            version.messages.push(message);
        }
        version
    }
}

fn random_kind(random: &mut Rng, (messages, enums): (usize, usize)) -> Kind {
    match random.usize(..12) {
        0..7 => Kind::Scalar(pick(random, &SCALARS)),
        7 => Kind::Enum(random.usize(..enums)),
        8..11 => Kind::Message(random.usize(..messages)),
        _ => Kind::Known(pick(random, &KNOWN)),
    }
}

fn random_field(random: &mut Rng, name: String, number: u32, sizes: (usize, usize), proto2: bool) -> Field {
    let kind = random_kind(random, sizes);
    let label = match random.usize(..20) {
        0..3 => Label::Repeated,
        3..5 => Label::Map(pick(random, &KEYS)),
        5..9 => Label::Optional,
        9 if proto2 && !matches!(kind, Kind::Message(_)) => Label::Required,
        _ => Label::Plain,
    };
    let singular = !matches!(label, Label::Repeated | Label::Map(_));
    let oneof = (singular && label != Label::Required && random.usize(..5) == 0).then(|| "choice".to_owned());
    let default = match &kind {
        Kind::Scalar(scalar) if proto2 && singular && oneof.is_none() && random.usize(..4) == 0 => match *scalar {
            "string" => Some("\"dd\""),
            integer if INTEGERS.contains(&integer) => Some("7"),
            _ => None,
        },
        _ => None,
    };
    Field { name, number, kind, label, oneof, default }
}

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

    fn rename(&mut self, random: &mut Rng) -> Option<()> {
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

    fn renumber(&mut self, random: &mut Rng) -> Option<()> {
        let (message, field) = self.field(random, |_| true)?;
        let number = self.number(random, message);
        let freed = std::mem::replace(&mut self.new.messages[message].fields[field].number, number);
        self.new.messages[message].freed.push(freed);
        Some(())
    }

    fn retype(&mut self, random: &mut Rng) -> Option<()> {
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
    fn relabel(&mut self, random: &mut Rng) -> Option<()> {
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

    /// Fields go into a message, which is new or was there.
    fn nest(&mut self, random: &mut Rng) -> Option<()> {
        let (message, first) = self.field(random, |field| field.label != Label::Required)?;
        let first = self.take(message, first);
        let mut taken = vec![first];
        for _ in 0..random.usize(..3) {
            let fits = |field: &Field| field.label != Label::Required;
            let more = self.new.messages[message].fields.iter().position(|field| {
                fits(field)
                    && !self.touched.contains(&(message, field.name.clone()))
                    && self.old.messages[message].fields.iter().any(|old| old.name == field.name)
            });
            let Some(more) = more else { break };
            let field = self.take(message, more);
            self.touched.insert((message, field.name.clone()));
            taken.push(field);
        }
        let existing = self.new.messages[message].fields.iter().find_map(|field| match field.kind {
            Kind::Message(inner)
                if field.is_singular()
                    && field.oneof.is_none()
                    && inner != message
                    && !self.touched.contains(&(message, field.name.clone()))
                    && self.old.messages[message].fields.iter().any(|old| old.name == field.name) =>
            {
                Some((field.name.clone(), inner))
            }
            _ => None,
        });
        let (container, inner) = if let Some(existing) = existing.filter(|_| random.bool()) {
            self.touched.insert((message, existing.0.clone()));
            existing
        } else {
            let (name, number) = (self.name("n"), self.number(random, message));
            let inner = self.new.messages.len();
            self.new.messages.push(Message {
                name: self.name("N"),
                fields: Vec::new(),
                freed: Vec::new(),
                reserved: Vec::new(),
            });
            let field = Field {
                name: name.clone(),
                number,
                kind: Kind::Message(inner),
                label: Label::Plain,
                oneof: None,
                default: None,
            };
            self.new.messages[message].fields.push(field);
            (name, inner)
        };
        for (index, mut field) in taken.into_iter().enumerate() {
            let (old, name) = (field.name.clone(), format!("{}_{index}", self.name("g")));
            field.number = self.number(random, inner);
            field.oneof = None;
            field.name.clone_from(&name);
            self.new.messages[inner].fields.push(field);
            self.rule(message, format!("old = \"{old}\", new = \"{container}.{name}\""));
        }
        Some(())
    }

    /// Fields come out of a message.
    fn flatten(&mut self, random: &mut Rng) -> Option<()> {
        let (message, place) =
            self.field(random, |field| matches!(field.kind, Kind::Message(_)) && field.is_singular())?;
        let container = self.new.messages[message].fields[place].clone();
        let Kind::Message(inner) = container.kind else { return None };
        let within = self.old.messages.get(inner).filter(|_| inner != message)?.fields.clone();
        let stays = random.usize(..4) == 0;
        if !stays {
            self.take(message, place);
        }
        for (index, field) in within.iter().enumerate() {
            if random.usize(..5) == 0 || field.label == Label::Required {
                continue;
            }
            let name = format!("{}_{index}", self.name("h"));
            let rule = format!("old = \"{}.{}\", new = \"{name}\"", container.name, field.name);
            let number = self.number(random, message);
            self.new.messages[message].fields.push(Field { name, number, oneof: None, ..field.clone() });
            self.rule(message, rule);
        }
        if !stays && random.bool() {
            self.rule(message, format!("old = \"{}\", drop = true", container.name));
        }
        Some(())
    }

    /// Into a oneof, or out of it.
    fn oneof(&mut self, random: &mut Rng) -> Option<()> {
        let (message, field) = self.field(random, |field| field.is_singular() && field.label != Label::Required)?;
        let name = pick(random, &["choice", "other"]);
        let field = &mut self.new.messages[message].fields[field];
        field.default = None;
        field.oneof = if field.oneof.is_some() { None } else { Some(name.to_owned()) };
        Some(())
    }

    fn add(&mut self, random: &mut Rng) -> Option<()> {
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

    fn remove(&mut self, random: &mut Rng) -> Option<()> {
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

    fn rename_message(&mut self, random: &mut Rng) -> Option<()> {
        let message = random.usize(..self.old.messages.len());
        let name = self.name("R");
        if self.new.messages[message].name == self.old.messages[message].name {
            self.renames[0].push(format!("\"p.{}\" = \"p.{name}\"", self.old.messages[message].name));
            self.new.messages[message].name = name;
        }
        Some(())
    }

    fn change_enum(&mut self, random: &mut Rng) -> Option<()> {
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
    fn condition(&mut self, random: &mut Rng) -> Option<()> {
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

    fn expression(&mut self, random: &mut Rng) -> Option<()> {
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

    fn join(&mut self, random: &mut Rng) -> Option<()> {
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

    fn policy(&mut self, random: &mut Rng) -> Option<()> {
        self.loss = Some(policies(random));
        Some(())
    }
}

fn policies(random: &mut Rng) -> String {
    let mut policy = || pick(random, &["refuse", "pass", "drop"]);
    format!("{{ request = \"{}\", response = \"{}\", stored = \"{}\" }}", policy(), policy(), policy())
}

/// What becomes of a field that goes nowhere.
fn gone(random: &mut Rng) -> String {
    match random.usize(..5) {
        0 => "drop = true".to_owned(),
        1 => "drop = \"empty\"".to_owned(),
        2 => "refuse = \"not any more\"".to_owned(),
        _ => format!("loss = {}", policies(random)),
    }
}

/// A value as a step writes it.
fn constant(scalar: &str) -> &'static str {
    match scalar {
        "string" => "\"made\"",
        "bytes" => "\"bWFkZQ==\"",
        "bool" => "true",
        "float" | "double" => "1.5",
        _ => "9",
    }
}

fn holds(side: &str, field: &Field) -> Option<String> {
    let path = format!("{side}.{}", field.name);
    Some(match (&field.kind, field.label) {
        (_, Label::Repeated | Label::Map(_)) => format!("size({path}) < 2"),
        (Kind::Scalar("string"), _) => format!("{path} != 'a'"),
        (Kind::Scalar("bool"), _) => path,
        (Kind::Scalar("int32" | "int64" | "sint32" | "sint64" | "sfixed32" | "sfixed64"), _) => format!("{path} < 3"),
        (Kind::Scalar("uint32" | "uint64" | "fixed32" | "fixed64"), _) => format!("{path} < 3u"),
        (Kind::Message(_), _) => format!("has({path})"),
        _ => return None,
    })
}
