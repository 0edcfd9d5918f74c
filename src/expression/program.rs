//! Expressions as they run: the tree that CEL evaluates, and what it reads of a message.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, OnceLock};
use std::thread;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::common::traits::Indexer;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelString, DYN_TYPE, INT_TYPE, STRING_TYPE, Type as CelType,
};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{Context, Env, ExecutionError};
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage, Value};
use regex::Regex;

use super::budget::{self, Budget};
use super::types::Type;
use super::value::{Kept, Known, MessageValue, Messages, is_kept, present, read, value_of};

/// The most elements that a comprehension runs over.
pub(super) const ELEMENTS: usize = 10_000;

/// How deep a tree is evaluated on the stack of the caller. CEL takes up to 50 KiB of it for each level where it is built
/// without optimisation, and Tokio's threads have 2 MiB. Conditions of people are not half as deep.
const SHALLOW: usize = 16;
/// The stack for deeper ones, in bytes: enough for what the checker lets pass, several times over.
const STACK: usize = 32 << 20;

/// What a checked expression has become.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) text: String,
    pub(super) message: MessageDescriptor,
    pub(super) expression: IdedExpr,
    /// See [`depth`](super::depth::depth).
    pub(super) depth: usize,
    pub(super) slots: Vec<Slot>,
    pub(super) reads: Vec<Vec<String>>,
    pub(super) gives: Type,
}

/// What the tree reads under a number: paths are looked up once, when the expression is compiled.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    /// The value at a path of fields, all but the last singular messages; the message itself where it is empty.
    Value(Vec<FieldDescriptor>),
    /// Whether the last field of a path is there.
    Presence(Vec<FieldDescriptor>),
    /// How many elements the list or map at a path has.
    Size(Vec<FieldDescriptor>),
    /// The pattern of a `matches`.
    Pattern(Arc<Regex>),
    /// What the run may still take.
    Budget,
}

/// The name under which the tree finds the slots. No variable can be called so.
const SLOTS: &str = "@";
const BOUNDED: &str = "@bounded";
const MATCHES: &str = "@matches";
const SPEND: &str = "@spend";
const FINITE: &str = "@finite";

/// The tree that reads a slot.
pub(super) fn reading(slot: usize) -> Expr {
    let number = i64::try_from(slot).unwrap_or(i64::MAX);
    let slots = IdedExpr { id: 0, expr: Expr::Ident(SLOTS.to_owned()) };
    let number = IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::Int(number.into())) };
    call(operators::INDEX, vec![slots, number])
}

/// The tree that gives the elements to run over, and fails where they are too many. Keys of maps come in order.
pub(super) fn bounded(range: IdedExpr) -> Expr {
    call(BOUNDED, vec![range])
}

/// The tree that matches a text with the pattern of a slot.
pub(super) fn matching(text: IdedExpr, slot: usize) -> Expr {
    call(MATCHES, vec![text, IdedExpr { id: 0, expr: reading(slot) }])
}

/// The tree that charges the budget in a slot with a value, so many times, and gives the value on.
pub(super) fn charging(value: IdedExpr, times: usize, slot: usize) -> Expr {
    let times = i64::try_from(times).unwrap_or(i64::MAX);
    let times = IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::Int(times.into())) };
    call(SPEND, vec![IdedExpr { id: 0, expr: reading(slot) }, value, times])
}

/// The tree that fails where a value is a double, and not a finite one.
pub(super) fn finite(value: IdedExpr) -> Expr {
    call(FINITE, vec![value])
}

fn call(function: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args })
}

/// All functions of CEL, once for all expressions.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::default().with_optional_support(false).with_stdlib();
    // Names that are declared twice would fail here; each is declared once. Were one not, calls of it would fail.
    let declared = cel::extensions::strings(&mut environment)
        .and_then(|()| environment.add_overload(BOUNDED, BOUNDED, vec![DYN_TYPE], bound))
        .and_then(|()| environment.add_overload(MATCHES, MATCHES, vec![STRING_TYPE, PATTERN], matches_pattern))
        .and_then(|()| environment.add_overload(FINITE, FINITE, vec![DYN_TYPE], is_finite))
        .and_then(|()| environment.add_overload(SPEND, SPEND, vec![budget::TYPE, DYN_TYPE, INT_TYPE], budget::spend));
    debug_assert!(declared.is_ok(), "{declared:?}");
    Arc::new(environment)
});

impl Program {
    /// Runs it over a message, and hands its value to `use_value`.
    pub(super) fn run<T: Send>(
        &self,
        message: &DynamicMessage,
        use_value: impl FnOnce(&dyn Val, &Messages<'_>) -> Result<T, String> + Send,
    ) -> Result<T, String> {
        if message.descriptor() != self.message {
            return Err(format!(
                "it reads {}, and was given another {} to read",
                self.message.full_name(),
                message.descriptor().full_name()
            ));
        }
        // CEL is not ours, and a message must not bring down more than its call. All that is used here is dropped.
        let run = || {
            catch_unwind(AssertUnwindSafe(|| self.run_here(message, use_value)))
                .unwrap_or_else(|_| Err("it panicked".to_owned()))
        };
        if self.depth <= SHALLOW {
            return run();
        }
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("expression".to_owned()).stack_size(STACK);
            match thread.spawn_scoped(scope, run).map(thread::ScopedJoinHandle::join) {
                Ok(Ok(done)) => done,
                Ok(Err(_)) => Err("it panicked".to_owned()),
                Err(error) => Err(format!("no thread could be started to run it: {error}")),
            }
        })
    }

    fn run_here<T>(
        &self,
        message: &DynamicMessage,
        use_value: impl FnOnce(&dyn Val, &Messages<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let messages = Messages::default();
        let slots =
            Slots { all: &self.slots, message, messages: &messages, read: Kept::default(), budget: OnceLock::new() };
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.add_variable_as_val(SLOTS, Box::new(slots));
        let value = cel::Value::resolve_val(&self.expression, &context).map_err(|error| describe(&error))?;
        use_value(value.as_ref(), &messages)
    }
}

/// What went wrong, without the values: they may be long, or secret.
fn describe(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no key `{key}`"),
        ExecutionError::IndexOutOfBounds(_) => "an index is out of bounds".to_owned(),
        ExecutionError::Overflow(operator, ..) => format!("`{operator}` is out of range"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "division by zero".to_owned(),
        ExecutionError::UnsupportedBinaryOperator(operator, one, other) => {
            format!("`{operator}` takes no {} and {}", one.type_of(), other.type_of())
        }
        ExecutionError::ValuesNotComparable(one, other) => {
            format!("{} and {} do not compare", one.type_of(), other.type_of())
        }
        ExecutionError::DuplicateKey(_) => "a map has a key twice".to_owned(),
        ExecutionError::FunctionError { function, message } => {
            let message: String = message.chars().take(200).collect();
            format!("`{function}` failed: {message}")
        }
        ExecutionError::UnexpectedType { got, want } => format!("a value is {got} and not {want}"),
        ExecutionError::NoSuchOverload(error) => {
            format!("`{}` takes no {}", super::operators::sign(error.function()), error.argument_types().join(" and "))
        }
        ExecutionError::UndeclaredReference(name) => format!("there is no `{name}`"),
        _ => "CEL could not evaluate it".to_owned(),
    }
}

/// The slots of a run, as a value that the tree indexes.
struct Slots<'a, 'm> {
    all: &'a [Slot],
    message: &'m DynamicMessage,
    messages: &'a Messages<'m>,
    read: Kept<'a>,
    budget: OnceLock<Budget>,
}

impl<'a, 'm: 'a> Slots<'a, 'm> {
    /// The value of a path.
    fn value(&self, path: &[FieldDescriptor]) -> Result<Box<dyn Val + 'a>, ExecutionError> {
        if let Some((last, before)) = path.split_last() {
            return read(walk(self.message, before), last, self.messages);
        }
        let known = Known { descriptor: self.message.descriptor(), message: Some(self.message) };
        Ok(Box::new(MessageValue::new(known, self.messages)))
    }
}

/// The message at a path; nothing where one on the way is absent.
fn walk<'m>(message: &'m DynamicMessage, path: &[FieldDescriptor]) -> Option<&'m DynamicMessage> {
    path.iter().try_fold(message, |message, field| value_of(message, field)?.as_message())
}

impl<'a, 'm: 'a> Indexer for Slots<'a, 'm> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let number = index.downcast_ref::<CelInt>().and_then(|number| u32::try_from(*number.inner()).ok());
        let slot = number.and_then(|number| Some((number, self.all.get(usize::try_from(number).ok()?)?)));
        let Some((number, slot)) = slot else {
            return Err(ExecutionError::no_such_key(SLOTS));
        };
        match slot {
            Slot::Value(path) => {
                let worth = path.last().is_none_or(is_kept);
                self.read.get_or(number, worth, || self.value(path))
            }
            Slot::Presence(path) => {
                let there = path.split_last().is_some_and(|(last, path)| present(walk(self.message, path), last));
                Ok(CowVal::owned(CelBool::from(there)))
            }
            Slot::Size(path) => {
                let value = path.split_last().and_then(|(last, path)| value_of(walk(self.message, path)?, last));
                let size = match value {
                    Some(Value::List(values)) => values.len(),
                    Some(Value::Map(entries)) => entries.len(),
                    _ => 0,
                };
                Ok(CowVal::owned(CelInt::from(i64::try_from(size).unwrap_or(i64::MAX))))
            }
            Slot::Pattern(pattern) => Ok(CowVal::owned(Pattern(Arc::clone(pattern)))),
            Slot::Budget => Ok(CowVal::owned(self.budget.get_or_init(Budget::default).clone())),
        }
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

static SLOTS_TYPE: CelType = CelType::new_unspecified_type("slots");

impl<'a, 'm: 'a> Val for Slots<'a, 'm> {
    fn get_type(&self) -> &CelType {
        &SLOTS_TYPE
    }

    fn cel_type() -> &'static CelType {
        &SLOTS_TYPE
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        let Self { all, message, messages, .. } = *self;
        Box::new(Self { all, message, messages, read: Kept::default(), budget: self.budget.clone() })
    }
}

impl fmt::Debug for Slots<'_, '_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} slots", self.all.len())
    }
}

/// A regular expression as a value, so that it is compiled once.
#[derive(Clone, Debug)]
struct Pattern(Arc<Regex>);

const PATTERN: CelType = CelType::new_unspecified_type("pattern");
static PATTERN_TYPE: CelType = PATTERN;

impl Val for Pattern {
    fn get_type(&self) -> &CelType {
        &PATTERN_TYPE
    }

    fn cel_type() -> &'static CelType {
        &PATTERN_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

#[expect(clippy::needless_pass_by_value, reason = "CEL calls functions so")]
fn matches_pattern<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [text, pattern] = arguments.as_slice() else {
        return Err(ExecutionError::invalid_argument_count(2, arguments.len()));
    };
    match (text.downcast_ref::<CelString>(), pattern.downcast_ref::<Pattern>()) {
        (Some(text), Some(pattern)) => Ok(CowVal::owned(CelBool::from(pattern.0.is_match(text.inner())))),
        _ => Err(ExecutionError::function_error("matches", "it takes a string")),
    }
}

fn is_finite<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = arguments.pop().ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))?;
    match value.downcast_ref::<CelDouble>() {
        Some(number) if !number.inner().is_finite() => {
            Err(ExecutionError::function_error("arithmetic", "a division by zero, or a number out of range"))
        }
        _ => Ok(value),
    }
}

/// What a comprehension runs over: the elements of a list, or the keys of a map. CEL leaves the order of keys open; they
/// are sorted here, so that the same message always comes to the same.
fn bound<'b, 'v>(mut arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let range = arguments.pop().ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))?;
    let size = range.as_sizer().map_or(0, |range| *range.size().inner());
    if usize::try_from(size).is_ok_and(|size| size > ELEMENTS) {
        let message = format!("{size} elements are more than the {ELEMENTS} that a comprehension runs over");
        return Err(ExecutionError::function_error("comprehension", message));
    }
    let Some(map) = range.downcast_ref::<CelMap>() else { return Ok(range) };
    let mut keys: Vec<CelMapKey<'v>> = map.inner().keys().cloned().collect();
    keys.sort();
    let keys: Vec<Box<dyn Val + 'v>> = keys
        .into_iter()
        .map(|key| -> Box<dyn Val + 'v> {
            match key {
                CelMapKey::Bool(key) => Box::new(key),
                CelMapKey::Int(key) => Box::new(key),
                CelMapKey::UInt(key) => Box::new(key),
                CelMapKey::String(key) => Box::new(key),
            }
        })
        .collect();
    Ok(CowVal::owned(CelList::from(keys)))
}
