//! What becomes of the value of one field in another: the table of conversions in the documentation of rules.

mod absence;
mod constant;
mod enums;
mod keys;
mod kinds;
mod literals;
mod options;
mod scalars;
mod tables;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use self::absence::Absence;
use self::kinds::{Class, told};
pub(super) use self::literals::literal;
pub(super) use self::options::{
    Counterparts, Entries, EnumRules, Literal, Options, TextEncoding, TextForm, Unit, UnknownValue, Values,
};
use crate::protocol::plan::{Beyond, Conversion, Direction, ScalarConversion, ValueConversion};

/// What becomes of `source` in `target`.
///
/// # Errors
/// What is open or wrong, and what to write; for the author of the step.
pub(super) fn conversion(
    source: &FieldDescriptor,
    target: &FieldDescriptor,
    direction: Direction,
    options: &Options,
    names: &dyn Counterparts,
) -> Result<Conversion, String> {
    let pair = Pair { source, target, direction, options, names };
    keys::check(&pair)?;
    match (Shape::of(source), Shape::of(target)) {
        (Shape::Map, Shape::Map) => {
            let (key, value) = pair.entries(&entry(source)?, &entry(target)?)?;
            Ok(Conversion::Map { key, value })
        }
        (Shape::Map, Shape::List) => pair.map_to_list(),
        (Shape::List, Shape::Map) => pair.list_to_map(),
        (Shape::Map, Shape::One) | (Shape::One, Shape::Map) => Err(format!(
            "{} and {} do not meet: give an expression, or say what becomes of each",
            told(source),
            told(target)
        )),
        (Shape::List, Shape::List) => Ok(Conversion::Each(pair.value(Absence::Never)?)),
        (Shape::One, Shape::One) => Ok(Conversion::One(pair.value(Absence::Field)?)),
        (Shape::One, Shape::List) => {
            pair.several()?;
            Ok(Conversion::IntoList(pair.value(Absence::Never)?))
        }
        (Shape::List, Shape::One) => {
            pair.several()?;
            let beyond = options.beyond.unwrap_or(Beyond::Refuse);
            Ok(Conversion::FromList { value: pair.value(Absence::List)?, beyond })
        }
    }
}

/// How many values a field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    One,
    List,
    Map,
}

impl Shape {
    fn of(field: &FieldDescriptor) -> Self {
        if field.is_map() {
            Self::Map
        } else if field.is_list() {
            Self::List
        } else {
            Self::One
        }
    }
}

/// Two fields, and all that counts for what one becomes in the other.
struct Pair<'a> {
    source: &'a FieldDescriptor,
    target: &'a FieldDescriptor,
    direction: Direction,
    options: &'a Options,
    names: &'a dyn Counterparts,
}

impl Pair<'_> {
    /// One value meets several only where somebody means it.
    fn several(&self) -> Result<(), String> {
        if self.options.ruled || self.options.beyond.is_some() {
            return Ok(());
        }
        let (source, target) = (told(self.source), told(self.target));
        Err(format!(
            "{source} becomes {target}: write a rule that says which element counts, such as `beyond = \"refuse\"`"
        ))
    }

    fn value(&self, absence: Absence) -> Result<ValueConversion, String> {
        let (source, target) = (Class::of(self.source), Class::of(self.target));
        match (&source, &target) {
            (Class::Any, Class::Any) => self.no_default().map(|()| ValueConversion::Any),
            (Class::Timestamp, Class::Timestamp) | (Class::Duration, Class::Duration)
                if self.options.default.is_none() =>
            {
                Ok(ValueConversion::Copy)
            }
            (Class::Fixed(one), Class::Fixed(other)) if one == other => {
                self.no_default().map(|()| ValueConversion::Copy)
            }
            (Class::Message(one), Class::Message(other)) => self.messages(one, other),
            _ => {
                let (read, write) = (kinds::form(self.source), kinds::form(self.target));
                let (Some(read), Some(write)) = (read, write) else { return Err(self.open(None)) };
                let changes = scalars::changes(self, &source, &target)?;
                let meant = absence::meant(self, absence, &read, &changes, &write)?;
                let plain = meant.value.is_none() && !meant.refused && changes.is_empty();
                if plain && kinds::same_bytes(&read, &write) {
                    return Ok(ValueConversion::Copy);
                }
                let scalar =
                    ScalarConversion { read, changes, write, absent: meant.value, refuse_absent: meant.refused };
                Ok(ValueConversion::Scalar(scalar))
            }
        }
    }

    fn messages(&self, source: &MessageDescriptor, target: &MessageDescriptor) -> Result<ValueConversion, String> {
        self.no_default()?;
        let well_known = source.package_name() == "google.protobuf" && source.full_name() == target.full_name();
        if well_known && self.source.is_group() == self.target.is_group() {
            return Ok(ValueConversion::Copy);
        }
        if self.names.message(source.full_name()).as_deref() != Some(target.full_name()) {
            let (source, target) = (source.full_name(), target.full_name());
            let advice =
                "if they are the same, say so in [rename.messages]; else give an expression or a rule for each";
            return Err(format!("{source} is not {target}: {advice}"));
        }
        // A group has other bytes around it, which only a message that is looked at changes.
        if self.source.is_group() == self.target.is_group() && self.names.is_copy(source, target) {
            return Ok(ValueConversion::Copy);
        }
        Ok(ValueConversion::Message { source: source.full_name().to_owned(), target: target.full_name().to_owned() })
    }

    fn no_default(&self) -> Result<(), String> {
        match self.options.default {
            None => Ok(()),
            Some(_) => Err(format!("`default` is no message: write an expression for `{}`", self.target.name())),
        }
    }

    /// That nothing is known of how the two meet.
    fn open(&self, write: Option<&str>) -> String {
        let (source, target) = (told(self.source), told(self.target));
        match write {
            Some(write) => format!("{source} and {target} do not meet by themselves: write {write}, or an expression"),
            None => format!("{source} and {target} do not meet by themselves: write an expression, or a rule for each"),
        }
    }

    fn entries(
        &self,
        (source_key, source_value): &(FieldDescriptor, FieldDescriptor),
        (target_key, target_value): &(FieldDescriptor, FieldDescriptor),
    ) -> Result<(ValueConversion, ValueConversion), String> {
        let nothing = Options::default();
        let of = |source, target, options| {
            let pair = Pair { source, target, direction: self.direction, options, names: self.names };
            pair.value(Absence::Entry)
        };
        let key = of(source_key, target_key, &nothing).map_err(|error| format!("keys: {error}"))?;
        Ok((key, of(source_value, target_value, self.options)?))
    }

    fn map_to_list(&self) -> Result<Conversion, String> {
        let (source, target) = (entry(self.source)?, self.element(self.target)?);
        let (key, value) = self.entries(&source, &target)?;
        Ok(Conversion::MapToList { key_field: target.0, value_field: target.1, key, value })
    }

    fn list_to_map(&self) -> Result<Conversion, String> {
        let (source, target) = (self.element(self.source)?, entry(self.target)?);
        let others = source.0.parent_message().fields().find(|field| *field != source.0 && *field != source.1);
        if let Some(other) = others {
            let message = source.0.parent_message().full_name().to_owned();
            return Err(format!("an entry of a map cannot hold `{}` of {message}: give an expression", other.name()));
        }
        let (key, value) = self.entries(&source, &target)?;
        let refuse_duplicates = self.options.entries.as_ref().is_none_or(|entries| entries.refuse_duplicates);
        Ok(Conversion::ListToMap { key_field: source.0, value_field: source.1, key, value, refuse_duplicates })
    }

    /// The fields of a list's message that hold key and value.
    fn element(&self, list: &FieldDescriptor) -> Result<(FieldDescriptor, FieldDescriptor), String> {
        let Some(entries) = &self.options.entries else {
            return Err(self.open(Some("`key = \"…\", value = \"…\"` with the fields that hold them")));
        };
        let Kind::Message(message) = list.kind() else {
            return Err(format!("{} holds no messages whose fields could be keys and values", told(list)));
        };
        let find = |name: &str| {
            let Some(field) = message.get_field_by_name(name) else {
                return Err(literals::lacking(
                    message.full_name(),
                    "field",
                    name,
                    message.fields().map(|field| field.name().to_owned()),
                ));
            };
            let alone = field.containing_oneof().is_none_or(|oneof| oneof.is_synthetic());
            if Shape::of(&field) == Shape::One && alone {
                return Ok(field);
            }
            Err(format!(
                "`{}` of {} cannot stand for a part of an entry: it is repeated, or in a oneof",
                name,
                message.full_name()
            ))
        };
        if entries.key == entries.value {
            return Err(format!("`{}` cannot hold both key and value", entries.key));
        }
        Ok((find(&entries.key)?, find(&entries.value)?))
    }
}

/// Key and value of a map.
fn entry(map: &FieldDescriptor) -> Result<(FieldDescriptor, FieldDescriptor), String> {
    match map.kind() {
        Kind::Message(entry) if entry.is_map_entry() => {
            Ok((entry.map_entry_key_field(), entry.map_entry_value_field()))
        }
        _ => Err(format!("{} is no map", told(map))),
    }
}

#[cfg(all(test, feature = "compile"))]
mod tests;
