//! Stage 4: moves, and what becomes of values on the way.

use std::collections::{HashMap, HashSet};

use crate::protocol::plan::{Beyond, Conversion, Move, ScalarConversion, Use, ValueConversion};
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value};

use super::{Cause, Hop, Refused, place, scalar};

impl Hop<'_> {
    /// Carries one value over; `there` is what the target has come to before.
    pub(super) fn carry(
        &self,
        moved: &Move,
        source: &DynamicMessage,
        target: &mut DynamicMessage,
        there: Option<&DynamicMessage>,
    ) -> Result<(), Refused> {
        let to = moved.to.leaf();
        let found = place::read(source, &moved.from);
        let Some(found) = found else {
            // What stands for an absent value is no reason for a message to come into being whose counterpart is absent.
            let wanted = place::parents_are_present(source, &moved.from)
                || there.is_some_and(|there| place::parents_are_present(there, &moved.to))
                || place::parents_are_present(target, &moved.to);
            let Some(scalar) = scalar_of(&moved.conversion).filter(|_| wanted) else { return Ok(()) };
            if scalar.refuse_absent && !moved.from.leaf().supports_presence() {
                return Err(Refused::value("", "holds its zero, which stands for nothing on the other side"));
            }
            if let Some(value) = &scalar.absent {
                place::write(target, &moved.to, value.clone());
            }
            return Ok(());
        };
        let value = match (&moved.conversion, found) {
            (Conversion::One(conversion), value) => self.value(conversion, value, &to.kind())?,
            (Conversion::Each(conversion), Value::List(values)) => {
                Some(Value::List(self.elements(conversion, values, &to.kind())?))
            }
            (Conversion::IntoList(conversion), value) => {
                self.value(conversion, value, &to.kind())?.map(|value| Value::List(vec![value]))
            }
            (Conversion::FromList { value, beyond }, Value::List(mut values)) => {
                if values.len() > 1 && *beyond == Beyond::Refuse {
                    return Err(Refused::value("", format!("has {} elements where one can be", values.len())));
                }
                let chosen = if *beyond == Beyond::Last { values.pop() } else { Some(values.swap_remove(0)) };
                self.value(value, chosen.expect("a list that is set has elements"), &to.kind())?
            }
            (Conversion::Map { key, value }, Value::Map(entries)) => {
                Some(Value::Map(self.entries(key, value, entries, to)?))
            }
            (Conversion::MapToList { key_field, value_field, key, value }, Value::Map(entries)) => {
                let element = message_of(&to.kind());
                let mut elements = Vec::new();
                for (from_key, from_value) in sorted(entries) {
                    let mut made = DynamicMessage::new(element.clone());
                    let within = format!("[{from_key:?}]");
                    let pair = [(key_field, key, Value::from(from_key)), (value_field, value, from_value)];
                    for (field, conversion, value) in pair {
                        let value = self.value(conversion, value, &field.kind()).map_err(|why| why.within(&within))?;
                        if let Some(value) = value {
                            place::put(&mut made, field, value);
                        }
                    }
                    elements.push(Value::Message(made));
                }
                Some(Value::List(elements))
            }
            (
                Conversion::ListToMap { key_field, value_field, key, value, refuse_duplicates },
                Value::List(elements),
            ) => {
                let mut entries = HashMap::new();
                for (index, element) in elements.into_iter().enumerate() {
                    let Value::Message(element) = element else { panic!("{} is no list of messages", moved.from) };
                    let within = format!("[{index}]");
                    let entry = self.entry([(key_field, key), (value_field, value)], &element, to);
                    let (new_key, new_value) = entry.map_err(|refused| refused.within(&within))?;
                    if entries.insert(new_key, new_value).is_some() && *refuse_duplicates {
                        return Err(Refused::value(within, "has a key that comes twice"));
                    }
                }
                Some(Value::Map(entries))
            }
            (Conversion::Mask { source, target }, Value::Message(mask)) => {
                Some(Value::Message(self.mask(source, target, &mask, &message_of(&to.kind()))?))
            }
            (conversion, found) => panic!("{} cannot be carried by {conversion:?}: {found:?}", moved.from),
        };
        if let Some(value) = value {
            place::write(target, &moved.to, value);
        }
        Ok(())
    }

    /// Each of these, in order.
    fn elements(&self, conversion: &ValueConversion, values: Vec<Value>, to: &Kind) -> Result<Vec<Value>, Refused> {
        let mut converted = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let value = self.value(conversion, value, to).map_err(|refused| refused.within(format!("[{index}]")))?;
            // An element cannot be absent.
            converted.push(value.unwrap_or_else(|| zero(to)));
        }
        Ok(converted)
    }

    fn entries(
        &self,
        key: &ValueConversion,
        value: &ValueConversion,
        entries: HashMap<MapKey, Value>,
        to: &FieldDescriptor,
    ) -> Result<HashMap<MapKey, Value>, Refused> {
        let (key_kind, value_kind) = entry_kinds(to);
        let mut converted = HashMap::new();
        for (from_key, from_value) in sorted(entries) {
            let within = format!("[{from_key:?}]");
            let new_key = self.value(key, Value::from(from_key), &key_kind).map_err(|why| why.within(&within))?;
            let new_value = self.value(value, from_value, &value_kind).map_err(|why| why.within(&within))?;
            let new_key = map_key(new_key.unwrap_or_else(|| zero(&key_kind)));
            if converted.insert(new_key, new_value.unwrap_or_else(|| zero(&value_kind))).is_some() {
                return Err(Refused::value(within, "becomes a key that another entry becomes too"));
            }
        }
        Ok(converted)
    }

    /// What an element of a list is as an entry of the map `to`; an absent field is its zero.
    fn entry(
        &self,
        fields: [(&FieldDescriptor, &ValueConversion); 2],
        element: &DynamicMessage,
        to: &FieldDescriptor,
    ) -> Result<(MapKey, Value), Refused> {
        let (key_kind, value_kind) = entry_kinds(to);
        for (field, _) in element.fields() {
            if !fields.iter().any(|(known, _)| **known == field) {
                return Err(Refused::value(field.name(), "is neither key nor value"));
            }
        }
        self.no_unknown_fields(element)?;
        let part = |(field, conversion): (&FieldDescriptor, &ValueConversion), kind: &Kind| {
            let value = element.get_field(field).into_owned();
            let value = self.value(conversion, value, kind).map_err(|why| why.within(field.name()))?;
            Ok::<_, Refused>(value.unwrap_or_else(|| zero(kind)))
        };
        Ok((map_key(part(fields[0], &key_kind)?), part(fields[1], &value_kind)?))
    }

    /// Refuses what has no place on the other side and is not declared; a response goes without it.
    fn no_unknown_fields(&self, message: &DynamicMessage) -> Result<(), Refused> {
        match message.unknown_fields().next() {
            Some(field) if self.used != Use::Response => {
                Err(Refused::value(format!("#{}", field.number()), "has no place on the other side"))
            }
            _ => Ok(()),
        }
    }

    /// What becomes of one value in a place of kind `to`; nothing where it settles as absent.
    fn value(&self, conversion: &ValueConversion, value: Value, to: &Kind) -> Result<Option<Value>, Refused> {
        match (conversion, value) {
            (ValueConversion::Copy, value) => copy(value, to).map(Some),
            (ValueConversion::Message { source, target }, Value::Message(message)) => {
                Ok(Some(Value::Message(self.by_names(source, target, &message)?)))
            }
            (ValueConversion::Any, Value::Message(any)) => Ok(Some(Value::Message(self.any(&any, &message_of(to))?))),
            (ValueConversion::Scalar(conversion), value) => {
                let converted = scalar::convert(conversion, &value, to)?;
                if let Value::Message(message) = &value {
                    self.no_unknown_fields(message)?;
                }
                Ok(converted)
            }
            (conversion, value) => panic!("{value:?} cannot be converted by {conversion:?}"),
        }
    }

    /// The content follows the plan of its type, the URL the new name.
    fn any(&self, any: &DynamicMessage, to: &MessageDescriptor) -> Result<DynamicMessage, Refused> {
        let mut target = transcode(any, to)?;
        let url = any.get_field_by_number(1).expect("an Any").as_str().expect("an URL").to_owned();
        let content = any.get_field_by_number(2).expect("an Any").as_bytes().expect("its content").clone();
        let (prefix, name) = url.rsplit_once('/').map_or(("", url.as_str()), |(prefix, name)| (prefix, name));
        let known = self.side.declared(name);
        let Some(known) = known.filter(|_| !name.starts_with("google.protobuf.")) else { return Ok(target) };
        let content = DynamicMessage::decode(known, content)
            .map_err(|error| Refused::new(Cause::Malformed, "value", format!("is no `{name}`: {error}")))?;
        let content = self.counterpart(&content).map_err(|refused| refused.within("value"))?;
        self.no_unknown_fields(any)?;
        target.take_unknown_fields().for_each(std::mem::drop);
        let slash = &url[prefix.len()..url.len() - name.len()];
        let new_url = format!("{prefix}{slash}{}", content.descriptor().full_name());
        target.set_field_by_number(1, Value::String(new_url));
        target.set_field_by_number(2, Value::Bytes(content.encode_to_vec().into()));
        Ok(target)
    }

    /// The paths of a mask follow the fields of the message that they speak of.
    fn mask(
        &self,
        source: &str,
        target: &str,
        mask: &DynamicMessage,
        to: &MessageDescriptor,
    ) -> Result<DynamicMessage, Refused> {
        let mut target_mask = transcode(mask, to)?;
        let paths = mask.get_field_by_number(1).expect("a mask").into_owned();
        let paths: Vec<&str> =
            paths.as_list().expect("paths").iter().map(|path| path.as_str().expect("a path")).collect();
        let all: HashSet<&str> = paths.iter().copied().collect();
        let mut translated = Vec::new();
        for path in paths {
            let known = self.side.mask_path(self.used, (source, target), path, &all);
            for path in known.map_err(|why| Refused::value("paths", why))? {
                if !translated.contains(&Value::String(path.clone())) {
                    translated.push(Value::String(path));
                }
            }
        }
        target_mask.set_field_by_number(1, Value::List(translated));
        Ok(target_mask)
    }
}

/// Whether an absent value comes to something within a message.
pub(super) fn speaks_for_absent(moved: &Move) -> bool {
    let scalar = scalar_of(&moved.conversion).filter(|_| !moved.to.parents().is_empty());
    scalar.is_some_and(|scalar| scalar.absent.is_some() || scalar.refuse_absent)
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

/// The same bytes, in a place of kind `to`.
fn copy(value: Value, to: &Kind) -> Result<Value, Refused> {
    let not_the_same = |value: &Value| format!("the plan copies {value:?} into a place of kind {to:?}");
    Ok(match (value, to) {
        (Value::Message(message), Kind::Message(descriptor)) => Value::Message(transcode(&message, descriptor)?),
        (value, to) if value.is_valid(to) => value,
        (Value::String(text), Kind::Bytes) => Value::Bytes(text.into()),
        (Value::Bytes(bytes), Kind::String) => Value::String(
            String::from_utf8(bytes.to_vec()).map_err(|_| Refused::value("", "holds bytes that are no UTF-8"))?,
        ),
        (
            value @ (Value::I32(_)
            | Value::I64(_)
            | Value::U32(_)
            | Value::U64(_)
            | Value::Bool(_)
            | Value::EnumNumber(_)),
            _,
        ) => {
            let number = scalar::integer(&value).expect("an integer");
            scalar::integer_value(number, to).unwrap_or_else(|| panic!("{}", not_the_same(&value)))
        }
        (value, _) => panic!("{}", not_the_same(&value)),
    })
}

/// The same bytes, read by another descriptor.
fn transcode(message: &DynamicMessage, to: &MessageDescriptor) -> Result<DynamicMessage, Refused> {
    let mut same = DynamicMessage::decode(to.clone(), message.encode_to_vec().as_slice())
        .map_err(|error| Refused::new(Cause::Malformed, "", error))?;
    keep_minus_zeros(message, &mut same);
    Ok(same)
}

/// Dynamic messages take minus zero for a zero when they are encoded; on the wire it is none.
fn keep_minus_zeros(from: &DynamicMessage, to: &mut DynamicMessage) {
    for field in from.descriptor().fields().filter(|field| place::is_set(from, field)) {
        let value = from.get_field(&field);
        match &*value {
            Value::F32(_) | Value::F64(_) => to.set_field_by_number(field.number(), value.into_owned()),
            Value::Message(inner) => {
                if let Some(Value::Message(to)) = to.get_field_by_number_mut(field.number()) {
                    keep_minus_zeros(inner, to);
                }
            }
            Value::List(elements) => {
                let Some(Value::List(same)) = to.get_field_by_number_mut(field.number()) else { continue };
                for pair in elements.iter().zip(same) {
                    if let (Value::Message(from), Value::Message(to)) = pair {
                        keep_minus_zeros(from, to);
                    }
                }
            }
            _ => {}
        }
    }
}

fn message_of(kind: &Kind) -> MessageDescriptor {
    kind.as_message().unwrap_or_else(|| panic!("{kind:?} is no message")).clone()
}

fn entry_kinds(map: &FieldDescriptor) -> (Kind, Kind) {
    let entry = message_of(&map.kind());
    (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind())
}

fn map_key(value: Value) -> MapKey {
    let said = format!("{value:?}");
    value.into_map_key().unwrap_or_else(|| panic!("{said} is no key"))
}

/// The zero of a kind; the empty message.
fn zero(kind: &Kind) -> Value {
    if matches!(kind, Kind::Enum(_)) { Value::EnumNumber(0) } else { Value::default_value(kind) }
}

/// In an order that is the same each time.
fn sorted(entries: HashMap<MapKey, Value>) -> Vec<(MapKey, Value)> {
    let mut entries: Vec<(MapKey, Value)> = entries.into_iter().collect();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    entries
}
