//! Values of CEL as values of fields.

use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelDuration, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelTimestamp,
    CelUInt,
};
use cel::common::value::Val;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use super::copy::{Copy, DEPTH};
use super::numbers::{float, integer};
use super::types::with_article;
use super::value::Messages;
use super::well_known::{self, WellKnown};

/// Makes values of fields out of what an expression came to.
pub(super) struct Output<'o, 'm> {
    messages: &'o Messages<'m>,
    copy: Copy,
    depth: usize,
}

impl<'o, 'm> Output<'o, 'm> {
    pub(super) fn new(messages: &'o Messages<'m>) -> Self {
        Self { messages, copy: Copy::default(), depth: 0 }
    }

    /// The value of a field; nothing for `null`.
    pub(super) fn field(&mut self, value: &dyn Val, field: &FieldDescriptor) -> Result<Option<Value>, String> {
        if is_null(value) {
            return Ok(None);
        }
        let of_field = |error| format!("{}: {error}", field.name());
        let made = match field.kind() {
            Kind::Message(entry) if field.is_map() => self.map(value, &entry),
            kind if field.is_list() => self.list(value, &kind),
            kind => self.singular(value, &kind),
        };
        made.map(Some).map_err(of_field)
    }

    fn list(&mut self, value: &dyn Val, kind: &Kind) -> Result<Value, String> {
        let list = value.downcast_ref::<CelList>().ok_or_else(|| mismatch(value, "a list"))?;
        let elements: Result<Vec<_>, _> = list.inner().iter().map(|element| self.singular(&**element, kind)).collect();
        elements.map(Value::List)
    }

    fn map(&mut self, value: &dyn Val, entry: &MessageDescriptor) -> Result<Value, String> {
        let map = value.downcast_ref::<CelMap>().ok_or_else(|| mismatch(value, "a map"))?;
        let (key_kind, value_kind) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        let entries: Result<_, String> = map
            .inner()
            .iter()
            .map(|(key, value)| Ok((map_key(key, &key_kind)?, self.singular(&**value, &value_kind)?)))
            .collect();
        entries.map(Value::Map)
    }

    fn singular(&mut self, value: &dyn Val, kind: &Kind) -> Result<Value, String> {
        self.copy.spend(16)?;
        match kind {
            Kind::Message(message) => self.message(value, message).map(Value::Message),
            Kind::Enum(of) => {
                if let Some(name) = value.downcast_ref::<CelString>() {
                    let named = of.get_value_by_name(name.inner());
                    let unknown = || format!("{} has no value of the name that was given", of.full_name());
                    return named.map(|value| Value::EnumNumber(value.number())).ok_or_else(unknown);
                }
                integer(whole(value).ok_or_else(|| mismatch(value, "an int or the name of an enum's value"))?, kind)
            }
            Kind::Bool => match value.downcast_ref::<CelBool>() {
                Some(value) => Ok(Value::Bool(*value.inner())),
                None => Err(mismatch(value, "a bool")),
            },
            Kind::String => match value.downcast_ref::<CelString>() {
                Some(value) => {
                    self.copy.spend(value.inner().len())?;
                    Ok(Value::String(value.inner().to_owned()))
                }
                None => Err(mismatch(value, "a string")),
            },
            Kind::Bytes => match value.downcast_ref::<CelBytes>() {
                Some(value) => {
                    self.copy.spend(value.inner().len())?;
                    Ok(Value::Bytes(value.inner().to_vec().into()))
                }
                None => Err(mismatch(value, "bytes")),
            },
            Kind::Double | Kind::Float => match (value.downcast_ref::<CelDouble>(), whole(value)) {
                (Some(value), _) => float(*value.inner(), kind),
                (None, Some(whole)) => whole_float(whole).and_then(|value| float(value, kind)),
                (None, None) => Err(mismatch(value, "a double")),
            },
            kind => integer(whole(value).ok_or_else(|| mismatch(value, "an int or a uint"))?, kind),
        }
    }

    fn message(&mut self, value: &dyn Val, target: &MessageDescriptor) -> Result<DynamicMessage, String> {
        match well_known::of(target) {
            Some(WellKnown::Timestamp) => {
                let time = value.downcast_ref::<CelTimestamp>().ok_or_else(|| mismatch(value, "a timestamp"))?;
                return well_known::timestamp_message(time.inner(), target)
                    .ok_or_else(|| "the timestamp is out of protobuf's range".to_owned());
            }
            Some(WellKnown::Duration) => {
                let duration = value.downcast_ref::<CelDuration>().ok_or_else(|| mismatch(value, "a duration"))?;
                return well_known::duration_message(*duration.inner(), target)
                    .ok_or_else(|| "the duration is out of protobuf's range".to_owned());
            }
            Some(WellKnown::Wrapper) => {
                let field = target.get_field(1).ok_or_else(|| format!("{} has no value", target.full_name()))?;
                let mut wrapper = DynamicMessage::new(target.clone());
                let value = self.singular(value, &field.kind())?;
                set(&mut wrapper, &field, value)?;
                return Ok(wrapper);
            }
            None => {}
        }
        if let Some(known) = self.messages.find(value) {
            return match known.message {
                Some(message) => self.copy.message(message, target),
                None => Ok(DynamicMessage::new(target.clone())),
            };
        }
        let map = value.downcast_ref::<CelMap>().ok_or_else(|| mismatch(value, "a message, or a map of its fields"))?;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("messages nest deeper than {DEPTH}"));
        }
        let message = self.fields(map, target);
        self.depth -= 1;
        message
    }

    fn fields(&mut self, map: &CelMap<'_>, target: &MessageDescriptor) -> Result<DynamicMessage, String> {
        if well_known::is_opaque(target) {
            return Err(format!("a {} cannot be written as a map", target.full_name()));
        }
        let mut message = DynamicMessage::new(target.clone());
        let mut written: Vec<FieldDescriptor> = Vec::new();
        for (key, value) in map.inner() {
            let CelMapKey::String(name) = key else {
                return Err(format!("a map of the fields of {} has texts as keys", target.full_name()));
            };
            let name = name.inner();
            let field = target.get_field_by_name(name).or_else(|| target.get_field_by_json_name(name));
            let Some(field) = field else {
                return Err(format!("{} has no field `{name}`", target.full_name()));
            };
            let Some(value) = self.field(&**value, &field)? else { continue };
            let rival = written.iter().find(|other| {
                **other == field
                    || (field.containing_oneof().is_some() && other.containing_oneof() == field.containing_oneof())
            });
            if let Some(rival) = rival {
                return Err(format!("`{}` and `{name}` exclude each other", rival.name()));
            }
            set(&mut message, &field, value)?;
            written.push(field);
        }
        Ok(message)
    }
}

/// Sets a field to a value that was made for it.
pub(super) fn set(message: &mut DynamicMessage, field: &FieldDescriptor, value: Value) -> Result<(), String> {
    message.try_set_field(field, value).map_err(|error| format!("`{}` cannot be set: {error}", field.name()))
}

pub(super) fn is_null(value: &dyn Val) -> bool {
    value.downcast_ref::<CelNull>().is_some()
}

fn mismatch(value: &dyn Val, wanted: &str) -> String {
    format!("it came to {}, and not to {wanted}", with_article(value.get_type().name()))
}

fn whole(value: &dyn Val) -> Option<i128> {
    let signed = value.downcast_ref::<CelInt>().map(|value| i128::from(*value.inner()));
    signed.or_else(|| value.downcast_ref::<CelUInt>().map(|value| i128::from(*value.inner())))
}

/// An integer as a double, if one equals it.
fn whole_float(value: i128) -> Result<f64, String> {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "it is checked that nothing is lost"
    )]
    let (float, back) = (value as f64, value as f64 as i128);
    if back == value { Ok(float) } else { Err("no floating-point number equals the integer".to_owned()) }
}

fn map_key(key: &CelMapKey<'_>, kind: &Kind) -> Result<MapKey, String> {
    let whole = match key {
        CelMapKey::Int(key) => Some(i128::from(*key.inner())),
        CelMapKey::UInt(key) => Some(i128::from(*key.inner())),
        CelMapKey::Bool(_) | CelMapKey::String(_) => None,
    };
    match (kind, key, whole) {
        (Kind::Bool, CelMapKey::Bool(key), _) => Ok(MapKey::Bool(*key.inner())),
        (Kind::String, CelMapKey::String(key), _) => Ok(MapKey::String(key.inner().to_owned())),
        (Kind::Bool | Kind::String, ..) | (.., None) => Err("a key is of another type than the map's".to_owned()),
        (kind, _, Some(whole)) => {
            integer(whole, kind)?.into_map_key().ok_or_else(|| "an integer is no key of the map".to_owned())
        }
    }
}
