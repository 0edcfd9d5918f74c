//! Fields that go into messages, and come out of them.

use fastrand::Rng;

use super::Editor;
use crate::chain::model::{Field, Kind, Label, Message};

impl Editor<'_> {
    /// Fields go into a message, which is new or was there.
    pub(super) fn nest(&mut self, random: &mut Rng) -> Option<()> {
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
    pub(super) fn flatten(&mut self, random: &mut Rng) -> Option<()> {
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
}
