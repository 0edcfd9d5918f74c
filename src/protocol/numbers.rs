//! Which field numbers are free for what one side does not know.

use prost_reflect::{ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use super::plan::{Conversion, Direction, MessagePlan, Plans, Use, ValueConversion};
use super::{Protocol, Schema, Step};

/// What protobuf keeps for itself (protobuf.dev, *Assigning Field Numbers*).
const OF_PROTOBUF: std::ops::RangeInclusive<u32> = 19_000..=19_999;
const GREATEST: u32 = 536_870_911;

impl Protocol {
    /// Whether a field with this number may pass, as an unknown field, through every version of the protocol: none
    /// declares or reserves the number of this message with another meaning.
    ///
    /// `version` is the index of the version whose `message` it is; `field` what that version knows the number as, if
    /// it does. One meaning means: the same field, as the rules of the steps relate it, copied as it is or by the plan
    /// of its message, in all versions that declare the number, without one between them that does not.
    #[must_use]
    pub fn number_is_free(&self, version: usize, message: &str, number: u32, field: Option<&FieldDescriptor>) -> bool {
        if number == 0 || number > GREATEST || OF_PROTOBUF.contains(&number) {
            return false;
        }
        let Some((first, messages)) = self.over_all_versions(version, message) else { return false };
        let reserved = |message: &MessageDescriptor| message.reserved_ranges().any(|range| range.contains(&number));
        if messages.iter().any(reserved) {
            return false;
        }
        let declared: Vec<Option<Declared>> = messages.iter().map(|message| Declared::of(message, number)).collect();
        let said = field.map(FieldDescriptor::name);
        let mut names = declared.iter().flatten().map(Declared::name).chain(said);
        if names.any(|name| messages.iter().any(|message| message.reserved_names().any(|reserved| reserved == name))) {
            return false;
        }
        let contradicted = field.is_some_and(|field| {
            let own = version.checked_sub(first).and_then(|index| declared.get(index));
            !matches!(own, Some(Some(Declared::Field(known))) if known.name() == field.name())
        });
        if contradicted {
            return false;
        }
        if field.is_none() && self.has_another_place(version, first, number, &messages) {
            return false;
        }
        let mut gone = false;
        for (index, pair) in declared.windows(2).enumerate() {
            match (&pair[0], &pair[1]) {
                // It is taken up again, and nobody says by what.
                (None, Some(_)) if gone => return false,
                (Some(_), None) => gone = true,
                (Some(old), Some(new)) => {
                    let Some(step) = self.steps().get(first + index) else { return false };
                    if !old.is_same(new, step) {
                        return false;
                    }
                }
                (None, _) => {}
            }
        }
        true
    }

    /// Whether the next version that declares the number, above or below, means by it what `version` has another place
    /// for: there a value under this number would take the place of what is carried over.
    fn has_another_place(&self, version: usize, first: usize, number: u32, messages: &[MessageDescriptor]) -> bool {
        let own = version - first;
        let declares = |index: &usize| messages[*index].get_field(number).is_some();
        let carried = |direction: Direction, step: usize, source: usize, target: usize| {
            let plans = self.steps().get(step).map(|step| step.plans(direction));
            let (source, target) = (messages[source].full_name(), messages[target].full_name());
            let kept = |plan: &MessagePlan| {
                plan.losses.iter().all(|loss| !loss.path.parents().is_empty() || loss.path.leaf().number() != number)
            };
            Use::ALL
                .into_iter()
                .any(|used| plans.and_then(|plans| plans.get(source, target, used)).is_some_and(|plan| kept(plan)))
        };
        if declares(&own) {
            return false;
        }
        let above = (own + 1..messages.len()).find(declares);
        let below = (0..own).rev().find(declares);
        above.is_some_and(|index| carried(Direction::Down, first + index - 1, index, index - 1))
            || below.is_some_and(|index| carried(Direction::Up, first + index, index, index + 1))
    }

    /// The message in each version that has it, and the first of these versions; versions beyond one that lacks it say
    /// nothing about it.
    fn over_all_versions(&self, version: usize, message: &str) -> Option<(usize, Vec<MessageDescriptor>)> {
        let own = self.versions().get(version)?.pool().get_message_by_name(message)?;
        let mut older = Vec::new();
        let mut at = own.clone();
        for index in (0..version).rev() {
            let Some(next) = self.met(index, Direction::Down, &at) else { break };
            older.push(next.clone());
            at = next;
        }
        let first = version - older.len();
        let mut messages: Vec<MessageDescriptor> = older.into_iter().rev().chain([own.clone()]).collect();
        at = own;
        for index in version..self.steps().len() {
            let Some(next) = self.met(index, Direction::Up, &at) else { break };
            messages.push(next.clone());
            at = next;
        }
        Some((first, messages))
    }

    /// The message on the other side of the step at `index`.
    fn met(&self, index: usize, direction: Direction, message: &MessageDescriptor) -> Option<MessageDescriptor> {
        let step = self.steps().get(index)?;
        let target: &Schema = match direction {
            Direction::Up => self.versions().get(index + 1)?,
            Direction::Down => self.versions().get(index)?,
        };
        let name = message.full_name();
        let moved = || match direction {
            Direction::Up => step.moved.new_names(name).next(),
            Direction::Down => step.moved.old_names(name).next(),
        };
        let name = step.plans(direction).counterpart(name).or_else(moved).unwrap_or(name);
        target.pool().get_message_by_name(name)
    }
}

/// What a version knows a number as.
enum Declared {
    Field(FieldDescriptor),
    Extension(ExtensionDescriptor),
}

impl Declared {
    fn of(message: &MessageDescriptor, number: u32) -> Option<Self> {
        let field = message.get_field(number).map(Self::Field);
        field.or_else(|| message.get_extension(number).map(Self::Extension))
    }

    fn name(&self) -> &str {
        match self {
            Self::Field(field) => field.name(),
            Self::Extension(extension) => extension.name(),
        }
    }

    /// Whether this field of the older version is that one of the newer one, both ways.
    fn is_same(&self, new: &Self, step: &Step) -> bool {
        match (self, new) {
            (Self::Field(old), Self::Field(new)) => {
                carries(step.plans(Direction::Up), old, new) && carries(step.plans(Direction::Down), new, old)
            }
            (Self::Extension(old), Self::Extension(new)) => {
                old.full_name() == new.full_name()
                    && old.cardinality() == new.cardinality()
                    && type_name(&old.kind()) == type_name(&new.kind())
            }
            _ => false,
        }
    }
}

/// Whether the plans carry the one to the other as it is, whatever the use: what passed in one may come back in another.
fn carries(plans: &Plans, source: &FieldDescriptor, target: &FieldDescriptor) -> bool {
    Use::ALL.into_iter().all(|used| carries_in(plans, used, source, target))
}

/// For one use; without a plan, whether name and type are the same.
fn carries_in(plans: &Plans, used: Use, source: &FieldDescriptor, target: &FieldDescriptor) -> bool {
    let (from, to) = (source.parent_message(), target.parent_message());
    let Some(plan) = plans.get(from.full_name(), to.full_name(), used) else {
        return source.name() == target.name()
            && source.cardinality() == target.cardinality()
            && source.is_group() == target.is_group()
            && type_name(&source.kind()) == type_name(&target.kind());
    };
    plan.moves.iter().any(|one| {
        one.when.is_none()
            && one.from.parents().is_empty()
            && one.to.parents().is_empty()
            && one.from.leaf().number() == source.number()
            && one.to.leaf().number() == target.number()
            && is_kept(&one.conversion)
    })
}

fn is_kept(conversion: &Conversion) -> bool {
    let kept = |value: &ValueConversion| !matches!(value, ValueConversion::Scalar(_));
    match conversion {
        Conversion::One(value) | Conversion::Each(value) => kept(value),
        Conversion::Map { key, value } => kept(key) && kept(value),
        _ => false,
    }
}

fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(declared) => declared.full_name().to_owned(),
        kind => format!("{kind:?}"),
    }
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::protocol::plan::{MessagePlan, Move, Origin, Path};
    use crate::protocol::{Source, compiled};

    #[test]
    fn a_number_is_free_where_all_versions_mean_one_thing_by_it() {
        // What M declares in each version; a version; a number; whether it is free.
        let cases: &[(&[&str], usize, u32, bool)] = &[
            (&["", "", ""], 1, 7, true),
            (&["", "string a = 7;", "string a = 7;"], 0, 7, true),
            (&["", "string a = 7;", "string a = 7;"], 2, 7, true),
            (&["string a = 7;", "", ""], 2, 7, true),
            (&["string a = 7;", "string b = 7;"], 0, 7, false),
            (&["string a = 7;", "bytes a = 7;"], 1, 7, false),
            (&["string a = 7;", "repeated string a = 7;"], 1, 7, false),
            (&["string a = 7;", "", "string a = 7;"], 0, 7, false),
            (&["", "reserved 5 to 8;"], 0, 7, false),
            (&["", "reserved 5 to 8;"], 0, 9, true),
            (&["string a = 7;", "reserved \"a\";"], 0, 7, false),
            (&["", ""], 0, 19_000, false),
            (&["", ""], 0, 19_999, false),
            (&["", ""], 0, 20_000, true),
            (&["", ""], 0, 0, false),
            (&["", ""], 0, GREATEST + 1, false),
        ];
        for (bodies, version, number, free) in cases {
            let protocol = protocol("proto3", bodies, "");
            let own =
                protocol.versions()[*version].pool().get_message_by_name("p.M").and_then(|m| m.get_field(*number));
            let told = protocol.number_is_free(*version, "p.M", *number, own.as_ref());
            assert_eq!(told, *free, "{bodies:?} {version} {number}");
        }
    }

    #[test]
    fn a_number_left_to_extensions_is_used_only_where_one_is_known() {
        let body = "extensions 100 to 200;";
        let known = protocol("proto2", &[body, body], "extend M { optional string known = 100; }");
        assert!(known.number_is_free(0, "p.M", 101, None));
        assert!(known.number_is_free(0, "p.M", 100, None));
        let taken = protocol("proto2", &["optional string other = 100;", body], "");
        assert!(taken.number_is_free(
            0,
            "p.M",
            100,
            taken.versions()[0].pool().get_message_by_name("p.M").and_then(|m| m.get_field(100)).as_ref()
        ));
        let sets = [("optional string other = 100;", ""), (body, "extend M { optional string known = 100; }")];
        let clash = assembled(&sets.map(|(body, more)| proto("proto2", body, more)));
        assert!(!clash.number_is_free(0, "p.M", 100, None));
        assert!(!clash.number_is_free(1, "p.M", 100, None));
    }

    #[test]
    fn what_plans_relate_goes_before_names() {
        let kept = || Conversion::One(ValueConversion::Copy);
        let renamed = &["string a = 7;", "string b = 7;"];
        assert!(!protocol("proto3", renamed, "").number_is_free(0, "p.M", 7, None));
        assert!(planned(renamed, Some(kept()), Some(kept())).number_is_free(0, "p.M", 7, None));
        assert!(planned(renamed, Some(kept()), Some(kept())).number_is_free(1, "p.M", 7, None));
        // One way only, or not as it is.
        assert!(!planned(renamed, Some(kept()), None).number_is_free(0, "p.M", 7, None));
        assert!(
            !planned(renamed, Some(Conversion::IntoList(ValueConversion::Copy)), Some(kept()))
                .number_is_free(0, "p.M", 7, None)
        );
        // The same name and type, and the plan does not relate them.
        let same = &["string a = 7;", "string a = 7;"];
        assert!(!planned(same, None, None).number_is_free(0, "p.M", 7, None));
    }

    #[test]
    fn messages_that_a_version_lacks_say_nothing_beyond_it() {
        let texts = ["message M { string a = 7; }", "message Other {}", "message M { int32 b = 7; }"];
        let protocol = assembled(&texts.map(|text| format!("syntax = \"proto3\"; package p; {text}")));
        assert!(protocol.number_is_free(0, "p.M", 7, None));
        assert!(!protocol.number_is_free(1, "p.M", 7, None));
        assert!(!protocol.number_is_free(5, "p.M", 7, None));
    }

    #[test]
    fn a_number_is_not_free_where_its_field_has_another() {
        let protocol = protocol("proto3", &["string a = 1;", "string a = 7;", ""], "");
        let free = |version, number| protocol.number_is_free(version, "p.M", number, None);
        assert!(!free(0, 7) && !free(1, 1));
        // What 3.0.0 does not know comes back from there.
        assert!(free(2, 7) && free(0, 8) && free(1, 8));
    }

    fn proto(syntax: &str, body: &str, more: &str) -> String {
        format!("syntax = \"{syntax}\"; package p; message M {{ {body} }} {more}")
    }

    fn protocol(syntax: &str, bodies: &[&str], more: &str) -> Protocol {
        assembled(&bodies.iter().map(|body| proto(syntax, body, more)).collect::<Vec<_>>())
    }

    fn assembled(texts: &[String]) -> Protocol {
        let sources = texts.iter().enumerate().map(|(index, text)| Source {
            version: format!("{}.0.0", index + 1).parse().expect("a version"),
            origin: "test".into(),
            descriptor_set: compiled::pool(text).encode_to_vec().into(),
            step: None,
        });
        let declared = super::super::Declared::default();
        Protocol::assemble("p".to_owned(), declared, sources.collect(), "test".into())
            .expect("the versions fit together")
    }

    /// Two versions with plans that carry number 7 in these ways.
    fn planned(bodies: &[&str], up: Option<Conversion>, down: Option<Conversion>) -> Protocol {
        let mut protocol = protocol("proto3", bodies, "");
        let messages: Vec<MessageDescriptor> =
            protocol.versions().iter().map(|schema| schema.pool().get_message_by_name("p.M").expect("M")).collect();
        let plans = |source: &MessageDescriptor, target: &MessageDescriptor, conversion: Option<Conversion>| {
            let path = |message: &MessageDescriptor| Path::new(vec![message.get_field(7).expect("number 7")]);
            let moves = conversion.into_iter().map(|conversion| Move {
                from: path(source),
                to: path(target),
                conversion,
                when: None,
                origin: Origin::Name,
            });
            let plan = MessagePlan {
                source: source.clone(),
                target: target.clone(),
                checks: Vec::new(),
                drops: Vec::new(),
                containers: Vec::new(),
                moves: moves.collect(),
                makes: Vec::new(),
                losses: Vec::new(),
                open: Vec::new(),
            };
            let names = ("p.M".to_owned(), "p.M".to_owned());
            Plans::of_all_uses([(names.clone(), Arc::new(plan))].into(), [names].into())
        };
        let inner = Arc::get_mut(&mut protocol.0).expect("nobody else holds it");
        inner.steps[0].up = plans(&messages[0], &messages[1], up);
        inner.steps[0].down = plans(&messages[1], &messages[0], down);
        protocol
    }
}
