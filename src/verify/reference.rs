//! What rewrites mean, said as plainly as possible: plans, read as they are, over messages that were decoded.
//!
//! It is slow, fuses nothing and shares no code with the engine, so that each can be held against the other. The seven
//! stages of a message are those at the top of `src/protocol/plan.rs`, in their order.

mod convert;
mod loss;
mod place;
mod scalar;
mod text;

use std::collections::HashSet;
use std::fmt;

use crate::Protocol;
use crate::expression::{Expression, Failed};
use crate::protocol::mask;
use crate::protocol::plan::{Condition, Direction, Made, Make, MessagePlan, Path, Plans, ScalarConversion, Use};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value};

/// Why a message does not become one of the other version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The field, from the outermost message on; empty for the message itself.
    pub path: String,
    /// What happened.
    pub why: String,
    /// Whose fault it is.
    pub cause: Cause,
}

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The message says what the other version cannot say, or the step refuses it.
    Value,
    /// Bytes within it are no message of their type.
    Malformed,
    /// The other version has no such message.
    Absent,
    /// The step leaves something open.
    Open,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} at `{}`: {}", self.cause, self.path, self.why)
    }
}

impl Refused {
    fn new(cause: Cause, path: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self { path: path.to_string(), why: why.to_string(), cause }
    }

    /// Of a value at `path`.
    fn value(path: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::new(Cause::Value, path, why)
    }

    /// The same, seen from a message around.
    fn within(mut self, outer: impl fmt::Display) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{outer}{dot}{}", self.path);
        self
    }
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        Self::value("", failed)
    }
}

/// Turns a message of the version at index `from` into one of the version at index `to`, one step after another.
pub fn rewrite(
    protocol: &Protocol,
    from: usize,
    to: usize,
    message: &DynamicMessage,
    used: Use,
) -> Result<DynamicMessage, Refused> {
    let mut message = message.clone();
    let mut version = from;
    while version != to {
        let (direction, step, next) = if to > version {
            (Direction::Up, version, version + 1)
        } else {
            (Direction::Down, version - 1, version - 1)
        };
        message = cross(&Crossing { protocol, version, step, direction }, &message, used)?;
        version = next;
    }
    Ok(message)
}

/// Turns a message of the version at index `from` into each of the next `messages` in turn, one step further each; the
/// first of them is what the message is.
pub fn along(
    protocol: &Protocol,
    from: usize,
    direction: Direction,
    messages: &[String],
    message: &DynamicMessage,
    used: Use,
) -> Result<DynamicMessage, Refused> {
    let mut message = message.clone();
    for (hop, pair) in messages.windows(2).enumerate() {
        let (version, step) = match direction {
            Direction::Up => (from + hop, from + hop),
            Direction::Down => (from - hop, from - hop - 1),
        };
        let side = Crossing { protocol, version, step, direction };
        message = Hop { side: &side, used }.by_names(&pair[0], &pair[1], &message)?;
    }
    Ok(message)
}

/// What becomes of one scalar in a place of kind `to`; nothing where it settles as absent.
pub fn scalar(conversion: &ScalarConversion, value: &Value, to: &Kind) -> Result<Option<Value>, Refused> {
    scalar::convert(conversion, value, to)
}

/// Turns a message into its counterpart on the other side of one step.
pub fn cross(side: &dyn Side, message: &DynamicMessage, used: Use) -> Result<DynamicMessage, Refused> {
    Hop { side, used }.counterpart(message)
}

/// What the interpreter asks about a step in one direction.
pub trait Side {
    /// The plan that turns a message `source` into a message `target`.
    fn plan(&self, source: &str, target: &str, used: Use) -> Option<&MessagePlan>;
    /// The full name of the message that `source` is on the other side.
    fn counterpart(&self, source: &str) -> Option<&str>;
    /// What [`Protocol::number_is_free`] says for the source version.
    fn number_is_free(&self, message: &str, number: u32, field: Option<&FieldDescriptor>) -> bool;
    /// The message of this name in the source version.
    fn declared(&self, name: &str) -> Option<MessageDescriptor>;
    /// The path of a mask of these, as the other side names it; `messages` are the names of source and target.
    fn mask_path(
        &self,
        used: Use,
        messages: (&str, &str),
        path: &str,
        mask: &HashSet<&str>,
    ) -> Result<Vec<String>, String>;
}

/// A step of a protocol, in one direction.
struct Crossing<'a> {
    protocol: &'a Protocol,
    /// Index of the version that messages come from.
    version: usize,
    /// Index of the step.
    step: usize,
    direction: Direction,
}

impl Crossing<'_> {
    fn plans(&self) -> &Plans {
        self.protocol.steps()[self.step].plans(self.direction)
    }
}

impl Side for Crossing<'_> {
    fn plan(&self, source: &str, target: &str, used: Use) -> Option<&MessagePlan> {
        self.plans().get(source, target, used).map(AsRef::as_ref)
    }

    fn counterpart(&self, source: &str) -> Option<&str> {
        self.plans().counterpart(source)
    }

    fn number_is_free(&self, message: &str, number: u32, field: Option<&FieldDescriptor>) -> bool {
        self.protocol.number_is_free(self.version, message, number, field)
    }

    fn declared(&self, name: &str) -> Option<MessageDescriptor> {
        self.protocol.versions()[self.version].pool().get_message_by_name(name)
    }

    fn mask_path(
        &self,
        used: Use,
        (source, target): (&str, &str),
        path: &str,
        mask: &HashSet<&str>,
    ) -> Result<Vec<String>, String> {
        let is_named = |path: &str| mask.contains(path);
        mask::translate_among(self.plans(), used, source, target, path, &is_named).map_err(|error| error.to_string())
    }
}

/// A message on its way across a step.
struct Hop<'a> {
    side: &'a dyn Side,
    used: Use,
}

impl Hop<'_> {
    /// The message that `message` is on the other side.
    fn counterpart(&self, message: &DynamicMessage) -> Result<DynamicMessage, Refused> {
        let descriptor = message.descriptor();
        let source = descriptor.full_name();
        let Some(target) = self.side.counterpart(source) else {
            return Err(Refused::new(Cause::Absent, "", format!("`{source}` has no counterpart")));
        };
        self.by_names(source, target, message)
    }

    fn by_names(&self, source: &str, target: &str, message: &DynamicMessage) -> Result<DynamicMessage, Refused> {
        let Some(plan) = self.side.plan(source, target, self.used) else {
            return Err(Refused::new(Cause::Absent, "", format!("no plan turns `{source}` into `{target}`")));
        };
        self.message(plan, message)
    }

    /// All seven stages. `came` is the message as it came, `source` what is left of it after stage 2.
    fn message(&self, plan: &MessagePlan, came: &DynamicMessage) -> Result<DynamicMessage, Refused> {
        if let Some(open) = plan.open.first() {
            return Err(Refused::new(Cause::Open, &open.element, &open.what));
        }
        check(plan, came)?;
        let (source, consumed) = drop_fields(plan, came)?;
        let (mut target, mut carried) = self.write(plan, came, &source, None)?;
        // What stands for absent values, and constants that bring nothing into being, count in each message that is there in
        // the end, whatever brought it into being.
        let made_there = |make: &Make| matches!(make.value, Made::Constant { into_absent: false, .. });
        if plan.moves.iter().any(convert::speaks_for_absent) || plan.makes.iter().any(made_there) {
            (target, carried) = self.write(plan, came, &source, Some(&target))?;
        }
        carried.consumed = consumed;
        self.lose(plan, &source, &mut target, &carried)?;
        self.pass_unknown_fields(plan, &source, &mut target)?;
        Ok(target)
    }

    /// Stages 3 to 5; `there` is what they came to before, if they did.
    fn write(
        &self,
        plan: &MessagePlan,
        came: &DynamicMessage,
        source: &DynamicMessage,
        there: Option<&DynamicMessage>,
    ) -> Result<(DynamicMessage, Carried), Refused> {
        let mut target = DynamicMessage::new(plan.target.clone());
        for container in &plan.containers {
            if place::read(source, &container.from).is_some() {
                place::message_at(&mut target, &container.to);
            }
        }
        let mut carried = Carried::default();
        for moved in &plan.moves {
            if applies(moved.when.as_ref(), came)? {
                carried.path(&moved.from);
                self.carry(moved, source, &mut target, there).map_err(|refused| refused.within(&moved.from))?;
            }
        }
        for make in &plan.makes {
            if applies(make.when.as_ref(), came)? {
                carried.made(&make.value);
                write_made(&make.value, &make.to, source, &mut target, there)?;
            }
        }
        Ok((target, carried))
    }
}

/// What was carried out of the source: paths, as the names of their fields.
#[derive(Default)]
struct Carried {
    paths: Vec<Vec<String>>,
    /// Constants that were taken back.
    consumed: Vec<Vec<String>>,
}

impl Carried {
    fn path(&mut self, path: &Path) {
        self.paths.push(names(path));
    }

    fn made(&mut self, made: &Made) {
        match made {
            Made::Constant { .. } => {}
            Made::Expression(expression) => self.paths.extend(expression.reads().iter().cloned()),
            Made::Join { from, .. } => from.iter().for_each(|path| self.path(path)),
            Made::Split { from, .. } => self.path(from),
        }
    }
}

fn names(path: &Path) -> Vec<String> {
    path.fields().iter().map(|field| field.name().to_owned()).collect()
}

/// Stage 1.
fn check(plan: &MessagePlan, came: &DynamicMessage) -> Result<(), Refused> {
    for check in &plan.checks {
        if holds(&check.condition, check.path.as_ref(), came)? {
            let path = check.path.as_ref().map(Path::to_string).unwrap_or_default();
            return Err(Refused::value(path, &check.reason));
        }
    }
    Ok(())
}

/// Stage 2, and the paths of constants that were taken back.
fn drop_fields(plan: &MessagePlan, came: &DynamicMessage) -> Result<(DynamicMessage, Vec<Vec<String>>), Refused> {
    let (mut source, mut consumed) = (came.clone(), Vec::new());
    for dropped in &plan.drops {
        if holds(&dropped.condition, Some(&dropped.path), came)? {
            place::remove(&mut source, &dropped.path);
            if matches!(dropped.condition, Condition::Is(_)) {
                consumed.push(names(&dropped.path));
            }
        }
    }
    Ok((source, consumed))
}

fn applies(when: Option<&Expression>, came: &DynamicMessage) -> Result<bool, Refused> {
    Ok(match when {
        Some(when) => when.holds(came)?,
        None => true,
    })
}

fn holds(condition: &Condition, path: Option<&Path>, came: &DynamicMessage) -> Result<bool, Refused> {
    let value = path.and_then(|path| place::read(came, path));
    Ok(match condition {
        Condition::Always => path.is_none() || value.is_some(),
        Condition::Empty => value.is_none_or(|value| says_nothing(&value)),
        Condition::Is(wanted) => match (value, path) {
            (Some(value), _) => value == *wanted,
            // A field without presence always holds something.
            (None, Some(path)) => {
                place::reads_as_zero(came, path) && Value::default_value_for_field(path.leaf()) == *wanted
            }
            (None, None) => false,
        },
        Condition::Holds(expression) => expression.holds(came)?,
    })
}

/// An empty message (unknown fields count), list or map, a zero or empty scalar.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::I32(value) | Value::EnumNumber(value) => *value == 0,
        Value::I64(value) => *value == 0,
        Value::U32(value) => *value == 0,
        Value::U64(value) => *value == 0,
        Value::F32(value) => value.to_bits() == 0,
        Value::F64(value) => value.to_bits() == 0,
        Value::String(value) => value.is_empty(),
        Value::Bytes(value) => value.is_empty(),
        Value::Message(value) => prost::Message::encoded_len(value) == 0,
        Value::List(value) => value.is_empty(),
        Value::Map(value) => value.is_empty(),
    }
}

/// Stage 5.
fn write_made(
    made: &Made,
    to: &Path,
    source: &DynamicMessage,
    target: &mut DynamicMessage,
    there: Option<&DynamicMessage>,
) -> Result<(), Refused> {
    let value = match made {
        Made::Constant { value, into_absent } => {
            let is_there = place::parents_are_present(target, to)
                || there.is_some_and(|there| place::parents_are_present(there, to));
            (*into_absent || is_there).then(|| value.clone())
        }
        Made::Expression(expression) => expression.evaluate(source, to.leaf())?,
        Made::Join { from, separator, may_miss } => join(from, separator, *may_miss, source)?.map(Value::String),
        Made::Split { from, separator, part, parts, may_miss } => {
            split(from, separator, *part, *parts, *may_miss, source)?.map(Value::String)
        }
    };
    if let Some(value) = value {
        place::write(target, to, value);
    }
    Ok(())
}

fn join(from: &[Path], separator: &str, may_miss: bool, source: &DynamicMessage) -> Result<Option<String>, Refused> {
    let parts: Vec<String> = from.iter().map(|path| text_at(source, path)).collect();
    if parts.iter().all(String::is_empty) {
        return Ok(None);
    }
    for (path, part) in from.iter().zip(&parts) {
        if part.is_empty() && !may_miss {
            return Err(Refused::value(path, "is missing, while others are there to be joined with it"));
        }
    }
    let joined = put_together(&parts, separator);
    let mut again: Vec<String> = joined.splitn(from.len(), separator).map(str::to_owned).collect();
    again.resize(from.len(), String::new());
    for (path, (part, again)) in from.iter().zip(parts.iter().zip(&again)) {
        if part != again {
            return Err(Refused::value(path, format!("{joined:?} would be split into others")));
        }
    }
    Ok(Some(joined))
}

/// The parts up to the last one that says something, with the separator between them.
fn put_together(parts: &[String], separator: &str) -> String {
    let mut parts = parts.to_vec();
    while parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    parts.join(separator)
}

fn split(
    from: &Path,
    separator: &str,
    part: usize,
    parts: usize,
    may_miss: bool,
    source: &DynamicMessage,
) -> Result<Option<String>, Refused> {
    let text = text_at(source, from);
    if text.is_empty() {
        return Ok(None);
    }
    let pieces: Vec<String> = text.splitn(parts, separator).map(str::to_owned).collect();
    let present = pieces.iter().filter(|piece| !piece.is_empty()).count();
    if present < parts && !may_miss {
        return Err(Refused::value(from, format!("has {present} parts of {parts}")));
    }
    let again = put_together(&pieces, separator);
    if again != text {
        return Err(Refused::value(from, format!("would come back as {again:?}")));
    }
    Ok(pieces.get(part).cloned())
}

/// The text at the path; empty where there is none.
fn text_at(source: &DynamicMessage, path: &Path) -> String {
    match place::read(source, path) {
        Some(Value::String(text)) => text,
        Some(other) => panic!("{path} is to be joined or split, but is no string: {other:?}"),
        None => String::new(),
    }
}
