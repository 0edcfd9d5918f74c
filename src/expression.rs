//! Expressions over messages: CEL, checked against descriptors when they are compiled.
//!
//! See <https://cel.dev> for the language, and *Expressions* in the documentation of rules for what is here of it.

use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value};

/// A compiled expression over one message. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Expression {}

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
        let _ = (text, variable, message);
        todo!()
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        todo!()
    }

    /// The fields that it reads, as paths of field names from the message on (`["spec", "ports"]`); a path stops at
    /// the first repeated field or map. Empty paths stand for the message as a whole.
    #[must_use]
    pub fn reads(&self) -> &[Vec<String>] {
        todo!()
    }

    /// Whether it is a condition, so far as can be known before it runs: its result may be a bool.
    #[must_use]
    pub fn may_be_bool(&self) -> bool {
        todo!()
    }

    /// Whether it holds for `message`.
    ///
    /// # Errors
    /// When it fails, or its result is no bool.
    pub fn holds(&self, message: &DynamicMessage) -> Result<bool, Failed> {
        let _ = message;
        todo!()
    }

    /// Its value for `message`, as a value of `target`; nothing where it is `null`.
    ///
    /// # Errors
    /// When it fails, or its result is no value of the field's type (out of range, another type, an unknown field of a
    /// message that is written as a map).
    pub fn evaluate(&self, message: &DynamicMessage, target: &FieldDescriptor) -> Result<Option<Value>, Failed> {
        let _ = (message, target);
        todo!()
    }
}
