//! What a field means that is absent, and whether that is said by leaving the other one out.

use prost_reflect::{FieldDescriptor, Value};

use super::Pair;
use super::constant::{Constant, Outcome, convert};
use super::kinds::{is_arm, told};
use super::literals::literal;
use crate::protocol::plan::{Change, Form};

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// In a singular field.
    Field,
    /// In a list, where no value is absent.
    Never,
    /// One of a list becomes a singular field: an empty list is absent.
    List,
    /// The key or value of a map's entry: absent is its zero, whatever the field is.
    Entry,
}

/// What absence means in the target.
#[derive(Debug, Default)]
pub(super) struct Meant {
    pub(super) value: Option<Value>,
    pub(super) refused: bool,
}

impl Meant {
    fn value(value: Value) -> Self {
        Self { value: Some(value), refused: false }
    }
}

/// What an absent source comes to, if leaving out the target does not say it (rules.md, *Enums*; the defaults of proto2
/// in the same way).
///
/// # Errors
/// When it cannot be said; what to write.
pub(super) fn meant(
    pair: &Pair<'_>,
    absence: Absence,
    read: &Form,
    changes: &[Change],
    write: &Form,
) -> Result<Meant, String> {
    let target = pair.target;
    match (&pair.options.default, absence) {
        (Some(_), Absence::Field | Absence::List) if is_shared_arm(target) => {
            let advice = "write an expression that says when it is chosen";
            return Err(format!("`default` would always choose {} of its oneof: {advice}", told(target)));
        }
        (Some(default), Absence::Field | Absence::List) => return Ok(Meant::value(literal(default, target)?)),
        (_, Absence::Never | Absence::List) => return Ok(Meant::default()),
        _ => {}
    }
    let entry = absence == Absence::Entry;
    let present = pair.source.supports_presence() && !entry;
    let Form::Plain(kind) = read else { return Ok(Meant::default()) };
    let spelled = pair.options.text.is_some() || pair.options.money.is_some();
    if present && (is_arm(pair.source) || is_arm(target) || spelled) {
        return Ok(Meant::default());
    }
    // That nobody said anything is said by both in the same way, unless proto2 gives silence a meaning.
    if present && target.supports_presence() && !declares_default(pair.source) && !declares_default(target) {
        return Ok(Meant::default());
    }
    let default = if entry { kind.default_value() } else { pair.source.default_value() };
    let Some(default) = Constant::of(&default) else { return Ok(Meant::default()) };
    // Text has a value that says nothing; so has a field with presence.
    let silent = spelled && default == Constant::Text(String::new());
    if silent && target.supports_presence() && !entry {
        return Ok(Meant::default());
    }
    match convert(&default, changes, write) {
        Outcome::Value(value) if value.is_default_of(target, write, entry) => Ok(Meant::default()),
        Outcome::Value(_) if !present && is_shared_arm(target) => Err(arm(pair)),
        Outcome::Value(value) => Ok(value.into_value(target, write).map(Meant::value).unwrap_or_default()),
        // Nobody said what is refused.
        Outcome::Refused if present => Ok(Meant::default()),
        Outcome::Refused => Ok(Meant { value: None, refused: true }),
        Outcome::Unknown => {
            let what = format!("the default of {} would have to be written to {}", told(pair.source), told(target));
            Err(format!("{what}: say what it is there with `default = …`"))
        }
    }
}

/// Whether the field says `[default = …]`.
fn declares_default(field: &FieldDescriptor) -> bool {
    field.field_descriptor_proto().default_value.is_some()
}

/// Whether writing the target would take the place of something else.
fn is_shared_arm(target: &FieldDescriptor) -> bool {
    is_arm(target) && target.containing_oneof().is_some_and(|oneof| oneof.fields().len() > 1)
}

fn arm(pair: &Pair<'_>) -> String {
    let (source, target) = (told(pair.source), told(pair.target));
    let advice = "write an expression that says when it is chosen, such as `up = \"…\"` with `when`";
    format!("{source} has no presence, so its zero would always choose {target} of its oneof: {advice}")
}
