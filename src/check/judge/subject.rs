//! What a difference is about, by the names that both versions have for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, MessageDescriptor};

use super::Judge;
use super::reach::Reach;
use crate::check::Difference;
use crate::protocol::Schema;
use crate::protocol::plan::Direction;

/// A message and one of its fields.
pub(super) type Field = (String, String);

/// What a difference is about.
#[derive(Debug, Default)]
pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) old: Side,
    pub(super) new: Side,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file, a package, or something that is no element of messages or methods.
    #[default]
    Nothing,
    /// Methods.
    Methods,
    /// A field, or those of a oneof.
    Field,
    /// A message as a whole.
    Message,
    /// An enum, or this value of it.
    Enum(Option<String>),
}

/// What one version has of it.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// The indices of methods.
    pub(super) methods: BTreeSet<usize>,
    /// The full names of the messages or enums that are to be reached.
    pub(super) types: BTreeSet<String>,
    /// The fields that plans speak of when they speak of it.
    pub(super) fields: BTreeSet<Field>,
}

impl Side {
    /// Whether `element`, as plans write it (a message, a dot and a path), lies in one of these.
    pub(super) fn covers(&self, element: &str) -> bool {
        self.fields.iter().any(|(message, field)| {
            let rest = element.strip_prefix(message.as_str()).and_then(|rest| rest.strip_prefix('.'));
            let rest = rest.and_then(|rest| rest.strip_prefix(field.as_str()));
            !field.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// Methods by the names that an element may have: their own, those of their services and of their packages.
pub(super) type Names = HashMap<String, BTreeSet<usize>>;

/// The methods of a version by name. A comparison names those of the older version as they would be called now, so there
/// `renamed` says what goes by another name.
pub(super) fn names(schema: &Schema, renamed: &[(String, String)]) -> Names {
    let renamed: BTreeMap<&str, &str> = renamed.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
    let mut names = Names::new();
    for (index, method) in schema.methods().iter().enumerate() {
        for name in [method.full_name(), method.service(), method.package()] {
            names.entry(name.to_owned()).or_default().insert(index);
            names.entry(now(name, &renamed)).or_default().insert(index);
        }
    }
    names
}

/// What an element of the older version is called in the newer one, by the most exact rename.
fn now(name: &str, renamed: &BTreeMap<&str, &str>) -> String {
    let mut known = name;
    loop {
        if let Some(new) = renamed.get(known) {
            return format!("{new}{}", &name[known.len()..]);
        }
        let Some((parent, _)) = known.rsplit_once('.') else { return name.to_owned() };
        known = parent;
    }
}

impl Judge<'_> {
    /// What a difference is about. The newer version's name goes first; where both versions have the name, both are meant.
    pub(super) fn subject(&self, difference: &Difference) -> Subject {
        self.subject_of(&difference.element)
    }

    fn subject_of(&self, element: &str) -> Subject {
        let (old_pool, new_pool) = (self.old.pool(), self.new.pool());
        if let Some(subject) = self.methods(element) {
            return subject;
        }
        let parent = element.rsplit_once('.').map_or("", |(parent, _)| parent);
        if let Some(map) = self.map_field(element).or_else(|| self.map_field(parent)) {
            return self.subject_of(&map);
        }
        let (old_message, new_message) = (old_pool.get_message_by_name(element), new_pool.get_message_by_name(element));
        if old_message.is_some() || new_message.is_some() {
            return self.message(old_message, new_message);
        }
        let (old_enum, new_enum) = (old_pool.get_enum_by_name(element), new_pool.get_enum_by_name(element));
        if old_enum.is_some() || new_enum.is_some() {
            return self.declared_enum(old_enum, new_enum, None);
        }
        let Some((parent, name)) = element.rsplit_once('.') else { return Subject::default() };
        let (old_enum, new_enum) = (old_pool.get_enum_by_name(parent), new_pool.get_enum_by_name(parent));
        if old_enum.is_some() || new_enum.is_some() {
            return self.declared_enum(old_enum, new_enum, Some(name.to_owned()));
        }
        let (old_message, new_message) = (old_pool.get_message_by_name(parent), new_pool.get_message_by_name(parent));
        if old_message.is_some() || new_message.is_some() {
            return self.field(old_message, new_message, name);
        }
        self.extension(element)
    }

    /// Methods, by their own name, that of their service or that of their package.
    fn methods(&self, element: &str) -> Option<Subject> {
        let find = |names: &Names| names.get(element).cloned().unwrap_or_default();
        let (old, new) = (find(&self.old_names), find(&self.new_names));
        if old.is_empty() && new.is_empty() {
            return None;
        }
        let side = |methods| Side { methods, ..Side::default() };
        Some(Subject { kind: Kind::Methods, old: side(old), new: side(new) })
    }

    /// What a map's entry is to plans: the field that is the map.
    fn map_field(&self, entry: &str) -> Option<String> {
        [self.new, self.old].into_iter().find_map(|schema| {
            let entry = schema.pool().get_message_by_name(entry).filter(MessageDescriptor::is_map_entry)?;
            let holder = entry.parent_message()?;
            let is_map = |field: &FieldDescriptor| super::reach::type_of(field).as_deref() == Some(entry.full_name());
            let field = holder.fields().find(is_map)?;
            Some(format!("{}.{}", holder.full_name(), field.name()))
        })
    }

    /// A message that both versions may have, under one name or two.
    fn pair(
        &self,
        old: Option<MessageDescriptor>,
        new: Option<MessageDescriptor>,
    ) -> (Option<MessageDescriptor>, Option<MessageDescriptor>) {
        let counterpart = |direction, message: &MessageDescriptor, pool: &DescriptorPool| {
            let name = self.step.plans(direction).counterpart(message.full_name())?;
            pool.get_message_by_name(name)
        };
        let before = new.as_ref().and_then(|new| counterpart(Direction::Down, new, self.old.pool()));
        let after = old.as_ref().and_then(|old| counterpart(Direction::Up, old, self.new.pool()));
        (before.or(old), new.or(after))
    }

    fn message(&self, old: Option<MessageDescriptor>, new: Option<MessageDescriptor>) -> Subject {
        let (old, new) = self.pair(old, new);
        let side = |message: Option<MessageDescriptor>, reach: &Reach| {
            let Some(message) = message else { return Side::default() };
            let name = message.full_name().to_owned();
            let fields = reach.fields_of_type(&name).into_iter().collect();
            Side { types: BTreeSet::from([name]), fields, ..Side::default() }
        };
        Subject { kind: Kind::Message, old: side(old, &self.of_old), new: side(new, &self.of_new) }
    }

    fn declared_enum(
        &self,
        old: Option<EnumDescriptor>,
        new: Option<EnumDescriptor>,
        value: Option<String>,
    ) -> Subject {
        let (old, new) = (old.map(|old| old.full_name().to_owned()), new.map(|new| new.full_name().to_owned()));
        let moved = self.step.moved();
        let before =
            new.as_ref().and_then(|new| moved.iter().find(|(_, other)| other == new).map(|(old, _)| old.clone()));
        let after =
            old.as_ref().and_then(|old| moved.iter().find(|(other, _)| other == old).map(|(_, new)| new.clone()));
        let side = |name: Option<String>, reach: &Reach| {
            let Some(name) = name else { return Side::default() };
            let fields = reach.fields_of_type(&name).into_iter().collect();
            Side { types: BTreeSet::from([name]), fields, ..Side::default() }
        };
        let (old, new) = (side(before.or(old), &self.of_old), side(new.or(after), &self.of_new));
        Subject { kind: Kind::Enum(value), old, new }
    }

    /// A field or a oneof. Both versions' fields of that name are meant, and the older one's of the newer one's number.
    fn field(&self, old: Option<MessageDescriptor>, new: Option<MessageDescriptor>, name: &str) -> Subject {
        let (old, new) = self.pair(old, new);
        let named = |message: Option<&MessageDescriptor>| -> Vec<FieldDescriptor> {
            let Some(message) = message else { return Vec::new() };
            let of_oneof = message
                .oneofs()
                .filter(|oneof| oneof.name() == name)
                .flat_map(|oneof| oneof.fields().collect::<Vec<_>>());
            message.get_field_by_name(name).into_iter().chain(of_oneof).collect()
        };
        let (mut before, mut after) = (named(old.as_ref()), named(new.as_ref()));
        if let Some(old) = &old {
            before.extend(after.iter().filter_map(|field| old.get_field(field.number())));
        }
        if let (Some(new), true) = (&new, after.is_empty()) {
            after.extend(before.iter().filter_map(|field| new.get_field(field.number())));
        }
        let side = |message: Option<MessageDescriptor>, fields: Vec<FieldDescriptor>| {
            let Some(message) = message else { return Side::default() };
            let name = message.full_name().to_owned();
            let fields = fields.iter().map(|field| (name.clone(), field.name().to_owned())).collect();
            Side { types: BTreeSet::from([name]), fields, ..Side::default() }
        };
        Subject { kind: Kind::Field, old: side(old, before), new: side(new, after) }
    }

    /// An extension: the message that it extends is what methods reach; plans name it by its own name.
    fn extension(&self, element: &str) -> Subject {
        let side = |pool: &DescriptorPool| {
            let extension = pool.all_extensions().find(|one| one.full_name() == element);
            let Some(extension) = extension else { return Side::default() };
            let types = BTreeSet::from([extension.containing_message().full_name().to_owned()]);
            let own = element.rsplit_once('.').map(|(scope, name)| (scope.to_owned(), name.to_owned()));
            Side { types, fields: own.into_iter().collect(), ..Side::default() }
        };
        let (old, new) = (side(self.old.pool()), side(self.new.pool()));
        let kind = if old.types.is_empty() && new.types.is_empty() { Kind::Nothing } else { Kind::Field };
        Subject { kind, old, new }
    }
}
