//! What an absent field reads as.

use prost_types::field_descriptor_proto::{Label, Type};

use super::field::Field;

/// A default, comparable across types as far as a value stays the same value.
pub(super) enum Default {
    Text(String),
    Number(f64),
    /// Whole numbers, which may be beyond what a fraction can tell apart.
    Whole(i128),
    /// The number of an enum's value, and its name.
    Value(i32, String),
}

/// The default of a field, if it can have one.
pub(super) fn of(field: &Field<'_>) -> Option<Default> {
    if field.item.label() == Label::Repeated {
        return None;
    }
    let said = field.item.default_value.as_deref();
    match field.kind() {
        Type::Message | Type::Group => None,
        Type::String | Type::Bytes => Some(Default::Text(said.unwrap_or_default().to_owned())),
        Type::Bool => Some(Default::Whole(i128::from(said == Some("true")))),
        Type::Float => Some(Default::Number(f64::from(said.unwrap_or("0").parse::<f32>().ok()?))),
        Type::Double => Some(Default::Number(said.unwrap_or("0").parse().ok()?)),
        Type::Enum => {
            let values = &field.holds_enum()?.item.value;
            let value = match said {
                Some(name) => values.iter().find(|value| value.name() == name)?,
                None => values.first()?,
            };
            Some(Default::Value(value.number(), value.name().to_owned()))
        }
        _ => Some(Default::Whole(said.unwrap_or("0").parse().ok()?)),
    }
}

impl Default {
    /// Whether absent means another value; the values of enums count by their numbers, as `FIELD_SAME_DEFAULT` has it.
    pub(super) fn differs(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(another)) => one != another,
            // A text without a default against a number without one: nobody asked for a default.
            (Self::Text(text), number) | (number, Self::Text(text)) => !(text.is_empty() && number.is_zero()),
            (one, another) => {
                if let (Some(one), Some(another)) = (one.whole(), another.whole()) {
                    return one != another;
                }
                let (one, another) = (one.number(), another.number());
                !(one.is_nan() && another.is_nan()) && narrow(one) != narrow(another)
            }
        }
    }

    /// How to name it to people.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Number(number) => number.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Value(_, name) => name.clone(),
        }
    }

    fn is_zero(&self) -> bool {
        self.whole() == Some(0) || matches!(self, Self::Number(number) if *number == 0.0)
    }

    fn whole(&self) -> Option<i128> {
        match self {
            Self::Whole(number) => Some(*number),
            Self::Value(number, _) => Some(i128::from(*number)),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "against fractions, only what a fraction can tell apart counts")]
    fn number(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            other => other.whole().map_or(f64::NAN, |number| number as f64),
        }
    }
}

/// A float that became a double has the digits of the float.
#[expect(clippy::cast_possible_truncation, reason = "the truncation is what is asked for")]
fn narrow(number: f64) -> u32 {
    (number as f32 + 0.0).to_bits()
}
