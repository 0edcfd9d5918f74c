//! Expressions over messages: CEL, checked against descriptors when they are compiled.
//!
//! See <https://cel.dev> for the language, and *Expressions* in the documentation of rules for what is here of it.
//!
//! [CEL]: an expression is parsed once (`parse`), checked against the descriptors (`check`), and becomes a tree that reads
//! fields where they are, in the message (`value`, `program`); what it comes to is made a value of a field (`output`).
//! Values that are compared or combined must be of types that go together: CEL would find out at run time, or take `1 ==
//! "1"` for false. Besides the standard functions there are those of CEL's extension of strings. A pattern of `matches` is
//! written out. An expression has at most 16 KiB of text, nests brackets at most 32 deep, and makes at most 64 MiB of
//! texts and lists in a run.
//!
//! [CEL]: https://github.com/google/cel-spec/blob/master/doc/langdef.md

mod budget;
mod check;
mod copy;
mod depth;
mod fits;
mod functions;
mod names;
mod numbers;
mod operators;
mod output;
mod parse;
mod program;
mod types;
mod value;
mod well_known;

#[cfg(all(test, feature = "compile", feature = "runtime"))]
mod tests;

use std::sync::Arc;

use cel::common::types::CelBool;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value};

use self::check::Checker;
use self::output::Output;
use self::program::Program;
use self::types::Type;

/// A compiled expression over one message. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Expression {
    program: Arc<Program>,
}

/// Why an expression cannot be compiled; for the author of the step.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}")]
pub struct ExpressionError {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub advice: String,
    /// Where in the expression's text, in bytes.
    pub offset: Option<usize>,
}

/// Why an expression failed over a message; such a message is refused.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{expression}`: {what}")]
pub struct Failed {
    /// The expression.
    pub expression: String,
    /// What went wrong.
    pub what: String,
}

impl Expression {
    /// Compiles `text` over `message`, which it calls `variable`.
    ///
    /// # Errors
    /// When the text is no CEL, names a field that the message does not have, calls an unknown function, or nests
    /// comprehensions.
    pub fn compile(text: &str, variable: &str, message: &MessageDescriptor) -> Result<Self, ExpressionError> {
        Self::compile_with(text, Some(variable), message)
    }

    /// Compiles `text` over `message`, whose fields are variables by their own names. Doubles that are calculated have to be
    /// finite: a division by zero fails, as that of integers does, instead of coming to what compares with nothing.
    ///
    /// # Errors
    /// As those of [`compile`](Self::compile).
    #[cfg(feature = "coordinator")]
    pub(crate) fn over_fields(text: &str, message: &MessageDescriptor) -> Result<Self, ExpressionError> {
        Self::compile_with(text, None, message)
    }

    fn compile_with(text: &str, variable: Option<&str>, message: &MessageDescriptor) -> Result<Self, ExpressionError> {
        let program = parse::on_deep_stack(text, || {
            let (mut expression, source) = parse::parse(text)?;
            let mut checker = Checker::new(text, &source, variable, message);
            let gives = checker.value(&mut expression)?;
            let slots = checker.slots;
            let mut reads: Vec<Vec<String>> = Vec::new();
            for path in slots.iter().filter_map(program::Slot::path) {
                if !reads.contains(&path) {
                    reads.push(path);
                }
            }
            let depth = depth::depth(&expression);
            Ok(Program { text: text.to_owned(), message: message.clone(), expression, depth, slots, reads, gives })
        })?;
        Ok(Self { program: Arc::new(program) })
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.program.text
    }

    /// The fields that it reads, as paths of field names from the message on (`["spec", "ports"]`); a path stops at
    /// the first repeated field or map. Empty paths stand for the message as a whole.
    #[must_use]
    pub fn reads(&self) -> &[Vec<String>] {
        &self.program.reads
    }

    /// Whether it is a condition, so far as can be known before it runs: its result may be a bool.
    #[must_use]
    pub fn may_be_bool(&self) -> bool {
        self.program.gives == Type::Bool || self.program.gives.is_open()
    }

    /// What it comes to, where no value of it can be a value of `target`, so far as that can be known before it runs; in
    /// words.
    #[must_use]
    pub fn misfit(&self, target: &FieldDescriptor) -> Option<String> {
        let gives = &self.program.gives;
        (!fits::may_fill(gives, target)).then(|| types::with_article(gives))
    }

    /// Whether it holds for `message`.
    ///
    /// # Errors
    /// When it fails, or its result is no bool.
    pub fn holds(&self, message: &DynamicMessage) -> Result<bool, Failed> {
        let value = self.program.run(message, |value, _| match value.downcast_ref::<CelBool>() {
            Some(value) => Ok(*value.inner()),
            None => Err(format!("it came to {}, and not to a bool", types::with_article(value.get_type().name()))),
        });
        value.map_err(|what| self.failed(what))
    }

    /// Its value for `message`, as a value of `target`; nothing where it is `null`.
    ///
    /// # Errors
    /// When it fails, or its result is no value of the field's type (out of range, another type, an unknown field of a
    /// message that is written as a map).
    pub fn evaluate(&self, message: &DynamicMessage, target: &FieldDescriptor) -> Result<Option<Value>, Failed> {
        let value = self.program.run(message, |value, messages| Output::new(messages).field(value, target));
        value.map_err(|what| self.failed(what))
    }

    fn failed(&self, what: String) -> Failed {
        Failed { expression: self.program.text.clone(), what }
    }
}
