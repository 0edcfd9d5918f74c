//! Copies of whole messages, from one version's descriptor to another's.

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value};

use super::budget::MOST;
use super::numbers::{float, integer};
use super::output::set;

/// How deep messages nest at most; what protobuf's parsers take.
pub(super) const DEPTH: usize = 100;

/// Copies, and counts what they take.
pub(super) struct Copy {
    left: usize,
    depth: usize,
}

impl Default for Copy {
    fn default() -> Self {
        Self { left: MOST, depth: 0 }
    }
}

impl Copy {
    /// Takes from what may still be written.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| format!("it came to more than {MOST} bytes"))?;
        Ok(())
    }

    /// A message as one of `target`: the same where the descriptor is, else field by field, by name. What does not fit
    /// is an error. Fields that the source does not know go with it where the target does not know them either.
    pub(super) fn message(
        &mut self,
        source: &DynamicMessage,
        target: &MessageDescriptor,
    ) -> Result<DynamicMessage, String> {
        if source.descriptor() == *target {
            self.spend(source.encoded_len())?;
            return Ok(source.clone());
        }
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("messages nest deeper than {DEPTH}"));
        }
        let mut message = DynamicMessage::new(target.clone());
        for (field, value) in source.fields() {
            if !source.has_field(&field) {
                continue;
            }
            let Some(counterpart) = target.get_field_by_name(field.name()) else {
                return Err(format!("{} has no field `{}` to copy to", target.full_name(), field.name()));
            };
            let value =
                self.field(value, &field, &counterpart).map_err(|error| format!("{}: {error}", field.name()))?;
            set(&mut message, &counterpart, value)?;
        }
        if source.extensions().next().is_some() {
            return Err(format!("the extensions of {} cannot be copied", target.full_name()));
        }
        self.unknown(source, &mut message)?;
        self.depth -= 1;
        Ok(message)
    }

    fn unknown(&mut self, source: &DynamicMessage, message: &mut DynamicMessage) -> Result<(), String> {
        let mut bytes = Vec::new();
        for field in source.unknown_fields() {
            if message.descriptor().get_field(field.number()).is_some() {
                return Err(format!(
                    "field {} of {} is unknown to the one version and known to the other: it cannot be copied",
                    field.number(),
                    message.descriptor().full_name()
                ));
            }
            self.spend(field.encoded_len())?;
            field.encode(&mut bytes);
        }
        message.merge(bytes.as_slice()).map_err(|error| format!("unknown fields cannot be copied: {error}"))
    }

    fn field(&mut self, value: &Value, source: &FieldDescriptor, target: &FieldDescriptor) -> Result<Value, String> {
        if source.is_list() != target.is_list() || source.is_map() != target.is_map() {
            return Err("the field repeats in one of the two only".to_owned());
        }
        match (value, source.kind(), target.kind()) {
            (Value::List(values), from, to) => {
                let values: Result<Vec<_>, _> = values.iter().map(|value| self.singular(value, &from, &to)).collect();
                values.map(Value::List)
            }
            (Value::Map(entries), Kind::Message(from), Kind::Message(to)) => {
                let (from, to) = (
                    from.map_entry_value_field().kind(),
                    (to.map_entry_key_field().kind(), to.map_entry_value_field().kind()),
                );
                let entries: Result<_, String> = entries
                    .iter()
                    .map(|(key, value)| Ok((map_key(key, &to.0)?, self.singular(value, &from, &to.1)?)))
                    .collect();
                entries.map(Value::Map)
            }
            (value, from, to) => self.singular(value, &from, &to),
        }
    }

    fn singular(&mut self, value: &Value, from: &Kind, to: &Kind) -> Result<Value, String> {
        self.spend(16)?;
        match (value, to) {
            (Value::Message(message), Kind::Message(to)) => self.message(message, to).map(Value::Message),
            (Value::EnumNumber(number), Kind::Enum(to)) => {
                let name = from.as_enum().and_then(|from| from.get_value(*number));
                let counterpart = match &name {
                    Some(value) => to.get_value_by_name(value.name()).map(|value| value.number()),
                    None => Some(*number).filter(|number| to.get_value(*number).is_none()),
                };
                counterpart
                    .map(Value::EnumNumber)
                    .ok_or_else(|| format!("{} has no counterpart of the enum's value {number}", to.full_name()))
            }
            (Value::String(text), Kind::String) => {
                self.spend(text.len())?;
                Ok(value.clone())
            }
            (Value::Bytes(bytes), Kind::Bytes) => {
                self.spend(bytes.len())?;
                Ok(value.clone())
            }
            (Value::Bool(_), Kind::Bool) => Ok(value.clone()),
            (Value::F32(number), Kind::Double | Kind::Float) => float(f64::from(*number), to),
            (Value::F64(number), Kind::Double) => float(*number, to),
            (Value::I32(number), to) if is_integer(to) => integer(i128::from(*number), to),
            (Value::I64(number), to) if is_integer(to) => integer(i128::from(*number), to),
            (Value::U32(number), to) if is_integer(to) => integer(i128::from(*number), to),
            (Value::U64(number), to) if is_integer(to) => integer(i128::from(*number), to),
            _ => Err("the field is of another type in the message to copy to".to_owned()),
        }
    }
}

fn is_integer(kind: &Kind) -> bool {
    !matches!(
        kind,
        Kind::Double | Kind::Float | Kind::Bool | Kind::String | Kind::Bytes | Kind::Message(_) | Kind::Enum(_)
    )
}

fn map_key(key: &MapKey, kind: &Kind) -> Result<MapKey, String> {
    let whole = match key {
        MapKey::I32(key) => i128::from(*key),
        MapKey::I64(key) => i128::from(*key),
        MapKey::U32(key) => i128::from(*key),
        MapKey::U64(key) => i128::from(*key),
        MapKey::Bool(_) | MapKey::String(_) if key.is_valid(kind) => return Ok(key.clone()),
        MapKey::Bool(_) | MapKey::String(_) => return Err("a key is of another type in the map to copy to".to_owned()),
    };
    integer(whole, kind)?.into_map_key().ok_or_else(|| "an integer is no key of the map".to_owned())
}
