//! Messages as values of CEL: read where they are, field by field, when an expression asks.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelDuration, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelTimestamp,
    CelUInt, Kind as CelKind, Type as CelType,
};
use cel::common::value::{CowVal, Val};
use chrono::{DateTime, TimeDelta};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value};

use super::well_known::{self, WellKnown};

/// Put before a field's name, asks for its presence. No field's name can begin so.
pub(super) const PRESENCE: char = '?';
/// The key under which a message says which one it is, see [`Messages::find`].
const NUMBER: &str = "@number";

static MESSAGE: CelType = CelType::new_struct_type("message");

/// The messages that were asked during a run which ones they are.
///
/// CEL has values that borrow, but no way back from such a value to its Rust type. So a message hands out a number, and
/// this table leads from the number to the message.
#[derive(Debug, Default)]
pub(super) struct Messages<'m>(Mutex<Vec<Known<'m>>>);

/// A message, or one that is absent and reads as an empty one.
#[derive(Clone, Debug)]
pub(super) struct Known<'m> {
    pub(super) descriptor: MessageDescriptor,
    pub(super) message: Option<&'m DynamicMessage>,
}

impl<'m> Messages<'m> {
    /// The message that a value is, if it is one.
    pub(super) fn find(&self, value: &dyn Val) -> Option<Known<'m>> {
        if value.get_type().kind() != CelKind::Struct {
            return None;
        }
        let number = value.as_indexer()?.get(&CelString::from(NUMBER)).ok()?;
        let number = usize::try_from(*number.downcast_ref::<CelInt>()?.inner()).ok()?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(number).cloned()
    }

    fn keep(&self, known: Known<'m>) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(known);
        all.len() - 1
    }
}

/// A message as a value of CEL.
pub(super) struct MessageValue<'a, 'm> {
    known: Known<'m>,
    messages: &'a Messages<'m>,
    read: Kept<'a>,
}

impl<'a, 'm: 'a> MessageValue<'a, 'm> {
    pub(super) fn new(known: Known<'m>, messages: &'a Messages<'m>) -> Self {
        Self { known, messages, read: Kept::default() }
    }

    fn field(&self, name: &str) -> Result<FieldDescriptor, ExecutionError> {
        self.known.descriptor.get_field_by_name(name).ok_or_else(|| ExecutionError::no_such_key(name))
    }
}

/// The value of a field, as [`has`](present) it or not.
pub(super) fn read<'a, 'm: 'a>(
    message: Option<&'m DynamicMessage>,
    field: &FieldDescriptor,
    messages: &'a Messages<'m>,
) -> Result<Box<dyn Val + 'a>, ExecutionError> {
    match message.and_then(|message| value_of(message, field)) {
        Some(value) => of_value(value, messages),
        None => of_default(field, messages),
    }
}

/// Whether a field is there: set, where it has presence; else not its default; not empty, where it repeats.
pub(super) fn present(message: Option<&DynamicMessage>, field: &FieldDescriptor) -> bool {
    message.is_some_and(|message| message.has_field(field))
}

/// The value of a field that is there.
pub(super) fn value_of<'m>(message: &'m DynamicMessage, field: &FieldDescriptor) -> Option<&'m Value> {
    match message.has_field(field).then(|| message.get_field(field))? {
        std::borrow::Cow::Borrowed(value) => Some(value),
        std::borrow::Cow::Owned(_) => None,
    }
}

fn of_value<'a, 'm: 'a>(value: &'m Value, messages: &'a Messages<'m>) -> Result<Box<dyn Val + 'a>, ExecutionError> {
    Ok(match value {
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::I32(value) | Value::EnumNumber(value) => Box::new(CelInt::from(i64::from(*value))),
        Value::I64(value) => Box::new(CelInt::from(*value)),
        Value::U32(value) => Box::new(CelUInt::from(u64::from(*value))),
        Value::U64(value) => Box::new(CelUInt::from(*value)),
        Value::F32(value) => Box::new(CelDouble::from(f64::from(*value))),
        Value::F64(value) => Box::new(CelDouble::from(*value)),
        Value::String(value) => Box::new(CelString::from(value.as_str())),
        Value::Bytes(value) => Box::new(CelBytes::from(&value[..])),
        Value::Message(message) => of_message(message, messages)?,
        Value::List(values) => {
            let values: Result<Vec<_>, _> = values.iter().map(|value| of_value(value, messages)).collect();
            Box::new(CelList::from(values?))
        }
        Value::Map(entries) => {
            let entries: Result<std::collections::HashMap<_, _>, ExecutionError> =
                entries.iter().map(|(key, value)| Ok((of_key(key), of_value(value, messages)?))).collect();
            Box::new(CelMap::from(entries?))
        }
    })
}

fn of_key(key: &MapKey) -> CelMapKey<'_> {
    match key {
        MapKey::Bool(key) => (*key).into(),
        MapKey::I32(key) => i64::from(*key).into(),
        MapKey::I64(key) => (*key).into(),
        MapKey::U32(key) => u64::from(*key).into(),
        MapKey::U64(key) => (*key).into(),
        MapKey::String(key) => key.as_str().into(),
    }
}

fn of_message<'a, 'm: 'a>(
    message: &'m DynamicMessage,
    messages: &'a Messages<'m>,
) -> Result<Box<dyn Val + 'a>, ExecutionError> {
    let descriptor = message.descriptor();
    Ok(match well_known::of(&descriptor) {
        Some(WellKnown::Timestamp) => Box::new(CelTimestamp::from(well_known::timestamp(message)?)),
        Some(WellKnown::Duration) => Box::new(CelDuration::from(well_known::duration(message)?)),
        Some(WellKnown::Wrapper) => match descriptor.get_field(1) {
            Some(value) => read(Some(message), &value, messages)?,
            None => Box::new(CelNull),
        },
        None => Box::new(MessageValue::new(Known { descriptor, message: Some(message) }, messages)),
    })
}

fn of_default<'a, 'm: 'a>(
    field: &FieldDescriptor,
    messages: &'a Messages<'m>,
) -> Result<Box<dyn Val + 'a>, ExecutionError> {
    if field.is_list() {
        return Ok(Box::new(CelList::default()));
    }
    if field.is_map() {
        return Ok(Box::new(CelMap::default()));
    }
    if let Kind::Message(descriptor) = field.kind() {
        return Ok(match well_known::of(&descriptor) {
            Some(WellKnown::Timestamp) => Box::new(CelTimestamp::from(DateTime::UNIX_EPOCH.fixed_offset())),
            Some(WellKnown::Duration) => Box::new(CelDuration::from(TimeDelta::zero())),
            Some(WellKnown::Wrapper) => Box::new(CelNull),
            None => Box::new(MessageValue::new(Known { descriptor, message: None }, messages)),
        });
    }
    Ok(match field.default_value() {
        Value::Bool(value) => Box::new(CelBool::from(value)),
        Value::I32(value) | Value::EnumNumber(value) => Box::new(CelInt::from(i64::from(value))),
        Value::I64(value) => Box::new(CelInt::from(value)),
        Value::U32(value) => Box::new(CelUInt::from(u64::from(value))),
        Value::U64(value) => Box::new(CelUInt::from(value)),
        Value::F32(value) => Box::new(CelDouble::from(f64::from(value))),
        Value::F64(value) => Box::new(CelDouble::from(value)),
        Value::String(value) => Box::new(CelString::from(value)),
        Value::Bytes(value) => Box::new(CelBytes::from(value.to_vec())),
        other @ (Value::Message(_) | Value::List(_) | Value::Map(_)) => {
            return Err(ExecutionError::function_error("default", format!("{other} is no scalar")));
        }
    })
}

impl fmt::Debug for MessageValue<'_, '_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "message {}", self.known.descriptor.full_name())
    }
}

impl<'a, 'm: 'a> Val for MessageValue<'a, 'm> {
    fn get_type(&self) -> &CelType {
        &MESSAGE
    }

    fn cel_type() -> &'static CelType {
        &MESSAGE
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        self.messages.find(other).is_some_and(|other| self.known.equals(&other))
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(Self::new(self.known.clone(), self.messages))
    }
}

impl Known<'_> {
    fn equals(&self, other: &Self) -> bool {
        match (self.message, other.message) {
            _ if self.descriptor != other.descriptor => false,
            (Some(one), Some(other)) => one == other,
            (Some(message), None) | (None, Some(message)) => *message == DynamicMessage::new(message.descriptor()),
            (None, None) => true,
        }
    }
}

impl<'a, 'm: 'a> Indexer for MessageValue<'a, 'm> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let Some(name) = index.downcast_ref::<CelString>() else {
            return Err(ExecutionError::no_such_overload("_[_]", vec!["message".to_owned()]));
        };
        if let Some(name) = name.inner().strip_prefix(PRESENCE) {
            return Ok(CowVal::owned(CelBool::from(present(self.known.message, &self.field(name)?))));
        }
        if name.inner() == NUMBER {
            let number = self.messages.keep(self.known.clone());
            return Ok(CowVal::owned(CelInt::from(i64::try_from(number).unwrap_or(i64::MAX))));
        }
        let field = self.field(name.inner())?;
        self.read.get_or(field.number(), is_kept(&field), || read(self.known.message, &field, self.messages))
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

/// Whether a value is worth keeping: lists, maps and messages, which expressions reach into.
pub(super) fn is_kept(field: &FieldDescriptor) -> bool {
    field.is_list() || matches!(field.kind(), Kind::Message(_))
}

/// Values of fields that have been read, so that a list is made once and not for each of its elements.
///
/// A chain rather than a table: an expression names few fields, and what is kept can be lent while more is added.
#[derive(Default)]
pub(super) struct Kept<'a>(OnceLock<Box<Link<'a>>>);

struct Link<'a> {
    number: u32,
    value: Box<dyn Val + 'a>,
    next: Kept<'a>,
}

impl<'a> Kept<'a> {
    /// The value under `number`; made, and kept if it is `worth` it, where there is none yet.
    pub(super) fn get_or<'b, 'v>(
        &'b self,
        number: u32,
        worth: bool,
        make: impl FnOnce() -> Result<Box<dyn Val + 'a>, ExecutionError>,
    ) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        'a: 'v,
    {
        if !worth {
            return make().map(CowVal::Owned);
        }
        let mut value = None;
        let mut make = Some(make);
        let mut end = self;
        loop {
            if let Some(link) = end.0.get() {
                if link.number == number {
                    return Ok(CowVal::Borrowed(&*link.value));
                }
                end = &link.next;
                continue;
            }
            if let Some(make) = make.take() {
                value = Some(make()?);
            }
            let Some(new) = value.take() else {
                // It was made and given to this very chain, where the next turn finds it.
                continue;
            };
            if let Err(link) = end.0.set(Box::new(Link { number, value: new, next: Kept::default() })) {
                // Somebody else was quicker: go on with what we made.
                value = Some(link.value);
            }
        }
    }
}
