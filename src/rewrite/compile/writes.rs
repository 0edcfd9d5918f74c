//! What is written when a message has been read: a tree that follows the messages of the target.

use prost_reflect::{FieldDescriptor, MessageDescriptor};

use super::numbers::{Lost, real_oneof};
use super::plan::{Planner, numbers};
use crate::protocol::plan::{self, Conversion, Made, Move, ScalarConversion, ValueConversion};
use crate::rewrite::run::encode;
use crate::rewrite::table::{Carried, Carry, MadeOf, MapCarry, Node, Part, Passing, Target, Write};

impl Planner<'_> {
    /// All that is written late; `late` says so for the field of a slot.
    pub(super) fn writes(&self, late: &dyn Fn(usize) -> bool) -> Vec<Write> {
        let mut root = Building::new(&self.plan.target);
        for container in &self.plan.containers {
            if let Some(slot) = self.shape.find(&container.from) {
                let passing = self.container_passing(container, slot);
                let node = root.enter(container.to.fields());
                node.containers.push(slot);
                node.unknown.extend(passing);
            }
        }
        for (index, moved) in self.plan.moves.iter().enumerate() {
            let Some(slot) = self.shape.find(&moved.from).filter(|slot| late(*slot)) else { continue };
            let to = moved.to.leaf();
            root.enter(moved.to.parents()).children.push(Child::Write(
                to.clone(),
                Write::Carried(Carried {
                    slot,
                    when: self.moves_when[index],
                    carry: self.carry(moved),
                    target: target_of(to),
                    absent: absent(moved).map(|value| encode(to, value)),
                    refuse_absent: refuses_absent(moved),
                }),
            ));
        }
        for (index, make) in self.plan.makes.iter().enumerate() {
            let to = make.to.leaf();
            let Some(value) = self.made(make) else { continue };
            let made = crate::rewrite::table::Made { target: target_of(to), when: self.makes_when[index], value };
            root.enter(make.to.parents()).children.push(Child::Write(to.clone(), Write::Made(made)));
        }
        for loss in &self.plan.losses {
            let Some(slot) = self.shape.find(&loss.path).filter(|slot| late(*slot)) else { continue };
            if !matches!(self.lost(loss), Lost::Pass) {
                continue;
            }
            let landing = match loss.path.parents() {
                [] => Some(&mut root),
                parents => {
                    let container = self.plan.containers.iter().find(|container| container.from.fields() == parents);
                    container.map(|container| root.enter(container.to.fields()))
                }
            };
            if let Some(landing) = landing {
                landing.children.push(Child::Pass(slot));
            }
        }
        let passing =
            self.compiler.passing(self.version(), (&self.plan.source, &self.plan.target), self.written(&[]), None);
        root.finish(&passing).children
    }

    fn container_passing(&self, container: &plan::Container, slot: usize) -> Option<(usize, Passing)> {
        let node = self.shape.slots[slot].node?;
        let source = container.from.leaf().kind();
        let target = container.to.leaf().kind();
        let unknown = self.shape.nodes[node].unknown;
        let (source, target) = (source.as_message()?, target.as_message()?);
        let written = self.written(&numbers(&container.to)).collect::<Vec<_>>().into_iter();
        let passing = self.compiler.passing(self.version(), (source, target), written, Some(unknown));
        Some((unknown, passing))
    }

    /// What becomes of a value that waits.
    fn carry(&self, moved: &Move) -> Carry {
        let same_frame = moved.from.leaf().is_group() == moved.to.leaf().is_group();
        let map =
            |key: &ValueConversion, value: &ValueConversion, fields: [FieldDescriptor; 4]| self.map(key, value, fields);
        match &moved.conversion {
            Conversion::One(value) | Conversion::Each(value) if self.is_raw(value, same_frame) => Carry::Raw,
            Conversion::Map { key, value } if self.is_raw(key, true) && self.is_raw(value, true) => Carry::Raw,
            Conversion::One(value) => Carry::One(self.convert(value, same_frame)),
            Conversion::Each(value) => Carry::Each(self.convert(value, same_frame)),
            Conversion::IntoList(value) => Carry::IntoList(self.convert(value, same_frame)),
            Conversion::FromList { value, beyond } => Carry::FromList(self.convert(value, same_frame), *beyond),
            Conversion::Map { key, value } => match entry_fields(moved.from.leaf(), moved.to.leaf()) {
                Some(fields) => Carry::Map(map(key, value, fields)),
                None => Carry::Raw,
            },
            Conversion::MapToList { key_field, value_field, key, value } => match entry_of(moved.from.leaf()) {
                Some([from_key, from_value]) => {
                    Carry::MapToList(map(key, value, [from_key, from_value, key_field.clone(), value_field.clone()]))
                }
                None => Carry::Raw,
            },
            Conversion::ListToMap { key_field, value_field, key, value, refuse_duplicates } => {
                match entry_of(moved.to.leaf()) {
                    Some([to_key, to_value]) => Carry::ListToMap {
                        map: map(key, value, [key_field.clone(), value_field.clone(), to_key, to_value]),
                        refuse_duplicates: *refuse_duplicates,
                    },
                    None => Carry::Raw,
                }
            }
            Conversion::Mask { source, target } => {
                let plans = self.compiler.plans_of(self.draft.key.first);
                Carry::Mask { source: source.clone(), target: target.clone(), plans, used: self.compiler.used }
            }
        }
    }

    /// Key and value of a map; the fields are key and value of the source, and then of the target.
    pub(super) fn map(
        &self,
        key: &ValueConversion,
        value: &ValueConversion,
        [from_key, from_value, to_key, to_value]: [FieldDescriptor; 4],
    ) -> MapCarry {
        let same_frame = from_value.is_group() == to_value.is_group();
        MapCarry {
            key: Part { source: from_key, target: to_key, convert: self.convert(key, true) },
            value: Part { source: from_value, target: to_value, convert: self.convert(value, same_frame) },
        }
    }

    /// Whether the bytes of a value stay.
    pub(super) fn is_raw(&self, value: &ValueConversion, same_frame: bool) -> bool {
        match value {
            ValueConversion::Copy => true,
            ValueConversion::Message { .. } | ValueConversion::Through { .. } => {
                same_frame && self.table(value).is_some_and(|table| self.identities[table])
            }
            ValueConversion::Any | ValueConversion::Scalar(_) => false,
        }
    }

    fn made(&self, make: &plan::Make) -> Option<MadeOf> {
        Some(match &make.value {
            Made::Constant { value, into_absent } => {
                MadeOf::Constant { field: encode(make.to.leaf(), value.clone()), into_absent: *into_absent }
            }
            Made::Expression(expression) => {
                MadeOf::Expression { expression: expression.clone(), field: make.to.leaf().clone() }
            }
            Made::Join { from, separator, may_miss } => MadeOf::Join {
                from: from.iter().map(|path| self.shape.find(path)).collect::<Option<_>>()?,
                separator: separator.clone(),
                may_miss: *may_miss,
            },
            Made::Split { from, separator, part, parts, may_miss } => MadeOf::Split {
                from: self.shape.find(from)?,
                separator: separator.clone(),
                part: *part,
                parts: *parts,
                may_miss: *may_miss,
            },
        })
    }
}

/// A message of the target that is being put together.
struct Building {
    message: MessageDescriptor,
    children: Vec<Child>,
    containers: Vec<usize>,
    unknown: Vec<(usize, Passing)>,
}

#[expect(clippy::large_enum_variant, reason = "made once, when tables are compiled")]
enum Child {
    Write(FieldDescriptor, Write),
    Node(FieldDescriptor, Building),
    Pass(usize),
}

impl Building {
    fn new(message: &MessageDescriptor) -> Self {
        Self { message: message.clone(), children: Vec::new(), containers: Vec::new(), unknown: Vec::new() }
    }

    /// The message at a path. It is written where the last thing is written into it.
    fn enter(&mut self, path: &[FieldDescriptor]) -> &mut Self {
        let Some((first, rest)) = path.split_first() else { return self };
        let found = self.children.iter().position(|child| matches!(child, Child::Node(field, _) if field == first));
        let child = match (found, first.kind()) {
            (Some(index), _) => self.children.remove(index),
            (None, prost_reflect::Kind::Message(message)) => Child::Node(first.clone(), Self::new(&message)),
            // Paths lead through messages.
            (None, _) => return self,
        };
        self.children.push(child);
        match self.children.last_mut() {
            Some(Child::Node(_, building)) => building.enter(rest),
            // It was pushed just now.
            _ => unreachable!("a message was entered"),
        }
    }

    /// Finds out which writes exclude each other, and which arms shut unknown ones out.
    fn finish(self, passing: &Passing) -> Node {
        let fields: Vec<Option<FieldDescriptor>> = self
            .children
            .iter()
            .map(|child| match child {
                Child::Write(field, _) | Child::Node(field, _) => Some(field.clone()),
                Child::Pass(_) => None,
            })
            .collect();
        let oneof_of = |field: &FieldDescriptor| {
            let oneof = real_oneof(field)?;
            self.message.oneofs().position(|other| other == oneof)
        };
        let mut children = Vec::new();
        for child in self.children {
            let target = |field: &FieldDescriptor| {
                let same = fields.iter().flatten().filter(|other| other.number() == field.number()).count();
                let oneof = oneof_of(field);
                let arms = fields.iter().flatten().filter(|other| oneof.is_some() && oneof_of(other) == oneof).count();
                let conflict = match oneof {
                    Some(oneof) if arms > 1 => Some(oneof),
                    _ if same > 1 => Some((1 << 29) + field.number() as usize),
                    _ => None,
                };
                let arm = oneof.filter(|oneof| passing.late.iter().any(|(_, other)| *other == Some(*oneof)));
                Target { conflict, arm, ..target_of(field) }
            };
            children.push(match child {
                Child::Pass(slot) => Write::Pass { slot },
                Child::Write(field, Write::Carried(carried)) => {
                    Write::Carried(Carried { target: target(&field), ..carried })
                }
                Child::Write(field, Write::Made(mut made)) => {
                    made.target = target(&field);
                    Write::Made(made)
                }
                Child::Write(_, other) => other,
                Child::Node(field, building) => {
                    let passing = building.unknown.first().map(|(_, passing)| passing.clone()).unwrap_or_default();
                    let mut node = building.finish(&passing);
                    // What is written into a message adds to the message as a whole.
                    let same = fields.iter().flatten().filter(|other| other.number() == field.number()).count();
                    node.target = target(&field);
                    if same > 1 && oneof_of(&field).is_none() {
                        node.target.conflict = None;
                    }
                    Write::Node(node)
                }
            });
        }
        Node { target: Target::message(0), children, containers: self.containers, unknown: self.unknown }
    }
}

/// How a field is written.
pub(super) fn target_of(field: &FieldDescriptor) -> Target {
    Target {
        number: field.number(),
        presence: field.supports_presence(),
        packed: field.is_packed(),
        group: field.is_group(),
        conflict: None,
        arm: None,
    }
}

/// What is written where a move finds nothing.
pub(super) fn absent(moved: &Move) -> Option<prost_reflect::Value> {
    scalar_of(&moved.conversion)?.absent.clone()
}

/// Whether a move that finds nothing refuses.
pub(super) fn refuses_absent(moved: &Move) -> bool {
    let refuses = scalar_of(&moved.conversion).is_some_and(|scalar| scalar.refuse_absent);
    refuses && !moved.from.leaf().supports_presence()
}

/// The conversion of a scalar, where the value may be absent.
fn scalar_of(conversion: &Conversion) -> Option<&ScalarConversion> {
    match conversion {
        Conversion::One(ValueConversion::Scalar(scalar))
        | Conversion::IntoList(ValueConversion::Scalar(scalar))
        | Conversion::FromList { value: ValueConversion::Scalar(scalar), .. } => Some(scalar),
        _ => None,
    }
}

/// Key and value of a map on both sides.
pub(super) fn entry_fields(from: &FieldDescriptor, to: &FieldDescriptor) -> Option<[FieldDescriptor; 4]> {
    let ([from_key, from_value], [to_key, to_value]) = (entry_of(from)?, entry_of(to)?);
    Some([from_key, from_value, to_key, to_value])
}

/// Key and value of a map.
fn entry_of(map: &FieldDescriptor) -> Option<[FieldDescriptor; 2]> {
    let kind = map.kind();
    let entry = kind.as_message().filter(|entry| entry.is_map_entry())?;
    Some([entry.map_entry_key_field(), entry.map_entry_value_field()])
}

/// Whether nothing but one move writes to a field of the target itself.
pub(super) fn writes_alone(planner: &Planner<'_>, moved: &Move) -> bool {
    let path = numbers(&moved.to);
    let inside = |other: &Vec<u32>| other.len() > path.len() && other.starts_with(&path);
    path.len() == 1
        && planner.writers.get(&path) == Some(&1)
        && !planner.writers.keys().any(inside)
        && !planner.plan.containers.iter().any(|container| container.to.fields()[0] == *moved.to.leaf())
}
