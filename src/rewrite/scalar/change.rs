//! The changes of a scalar, one at a time.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::{Datum, form, money, text};
use crate::protocol::plan::{Cell, Change, Rounding, Table, Unknown};

/// A change that is ready to run.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A value of a table.
    Look(Lookup),
    /// All else needs no preparation.
    Plain(Change),
}

/// A table, by what it maps.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    numbers: FxHashMap<i64, Cell>,
    texts: FxHashMap<String, Cell>,
    names: FxHashMap<i64, String>,
    unknown: Unknown,
}

/// What one change made of a value.
#[derive(Debug, PartialEq)]
pub(super) enum Changed<'a> {
    To(Datum<'a>),
    Settled,
}

impl Step {
    pub(super) fn new(change: &Change) -> Self {
        match change {
            Change::Table(table) => Self::Look(Lookup::new(table)),
            other => Self::Plain(other.clone()),
        }
    }

    pub(super) fn take<'a>(&self, datum: Datum<'a>) -> Result<Changed<'a>, String> {
        let change = match self {
            Self::Look(lookup) => return lookup.take(datum).map(Changed::To),
            Self::Plain(change) => change,
        };
        let changed = match (change, datum) {
            (Change::Settle, datum) if datum.is_zero() => return Ok(Changed::Settled),
            (Change::NotZero, datum) if datum.is_zero() => {
                return Err("its zero means something of its own to a version in between".to_owned());
            }
            (Change::Settle | Change::NotZero, datum) => datum,
            (Change::Fit(kind), Datum::Integer(integer)) => {
                form::fit(kind, integer)?;
                Datum::Integer(integer)
            }
            (Change::Within { least, most }, Datum::Integer(integer)) => {
                if !(*least..=*most).contains(&integer) {
                    return Err(format!("{integer} is out of the range of a version in between"));
                }
                Datum::Integer(integer)
            }
            (Change::Scale { numerator, denominator, rounding }, Datum::Integer(integer)) => {
                Datum::Integer(scale(integer, i128::from(*numerator), i128::from(*denominator), *rounding)?)
            }
            #[expect(clippy::cast_precision_loss, reason = "floats are just multiplied and divided")]
            (Change::Scale { numerator, denominator, .. }, Datum::Float(float)) => {
                Datum::Float(float * *numerator as f64 / *denominator as f64)
            }
            (Change::IntegerToFloat, Datum::Integer(integer)) => Datum::Float(exact_float(integer)?),
            (Change::FloatToInteger(rounding), Datum::Float(float)) => Datum::Integer(whole(float, *rounding)?),
            (Change::ToSingle, Datum::Float(float)) => Datum::Float(f64::from(form::single(float)?)),
            (Change::Utf8, Datum::Bytes(bytes)) => Datum::Text(utf8(bytes)?),
            (Change::AsBytes, Datum::Text(text)) => Datum::Bytes(match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
            (Change::Encode(encoding), Datum::Bytes(bytes)) => Datum::Text(text::encode(*encoding, &bytes).into()),
            (Change::Decode(encoding), Datum::Text(text)) => Datum::Bytes(text::decode(*encoding, &text)?.into()),
            (Change::ParseInteger, Datum::Text(text)) => Datum::Integer(text::parse_integer(&text)?),
            (Change::ParseFloat { single }, Datum::Text(text)) => Datum::Float(text::parse_float(&text, *single)?),
            (Change::FormatInteger, Datum::Integer(integer)) => {
                // Most are small, and wide ones take far longer to divide.
                let text = i64::try_from(integer).map_or_else(|_| integer.to_string(), |small| small.to_string());
                Datum::Text(text.into())
            }
            (Change::FormatFloat { single }, Datum::Float(float)) => {
                Datum::Text(text::format_float(float, *single).into())
            }
            (Change::ParseTime, Datum::Text(text)) => Datum::Integer(text::parse_time(&text)?),
            (Change::FormatTime, Datum::Integer(integer)) => Datum::Text(text::format_time(integer)?.into()),
            (Change::FloatToBillionths { single }, Datum::Float(float)) => {
                Datum::Integer(money::of_float(float, *single)?)
            }
            (Change::BillionthsToFloat { single }, Datum::Integer(integer)) => {
                Datum::Float(money::to_float(integer, *single)?)
            }
            (Change::ParseBillionths, Datum::Text(text)) => Datum::Integer(money::parse(&text)?),
            (Change::FormatBillionths, Datum::Integer(integer)) => Datum::Text(money::format(integer).into()),
            (_, datum) => return Err(format!("{} is not of the type that the rule is for", show(&datum))),
        };
        Ok(Changed::To(changed))
    }
}

impl Lookup {
    fn new(table: &Table) -> Self {
        let mut numbers = FxHashMap::default();
        let mut texts = FxHashMap::default();
        // The first entry for a value counts, as in a search from the front.
        for (from, to) in table.entries.iter().rev() {
            match from {
                Cell::Number(number) => drop(numbers.insert(*number, to.clone())),
                Cell::Text(text) => drop(texts.insert(text.clone(), to.clone())),
            }
        }
        let names = table.names.iter().rev().cloned().collect();
        Self { numbers, texts, names, unknown: table.unknown.clone() }
    }

    fn take<'a>(&self, datum: Datum<'a>) -> Result<Datum<'a>, String> {
        let (found, name) = match &datum {
            Datum::Integer(integer) => {
                let number = i64::try_from(*integer).ok();
                let found = number.and_then(|number| self.numbers.get(&number));
                (found, number.and_then(|number| self.names.get(&number)))
            }
            Datum::Text(text) => (self.texts.get(text.as_ref()), None),
            _ => (None, None),
        };
        match (found, &self.unknown) {
            (Some(cell), _) | (None, Unknown::To(cell)) => Ok(match cell {
                Cell::Number(number) => Datum::Integer(i128::from(*number)),
                Cell::Text(text) => Datum::Text(Cow::Owned(text.clone())),
            }),
            (None, Unknown::Pass) if name.is_none() => Ok(datum),
            (None, _) => Err(match name {
                Some(name) => format!("`{name}` has no counterpart"),
                None => format!("{} has no counterpart", show(&datum)),
            }),
        }
    }
}

/// A value, for people.
pub(super) fn show(datum: &Datum<'_>) -> String {
    match datum {
        Datum::Integer(integer) => integer.to_string(),
        Datum::Float(float) => float.to_string(),
        Datum::Text(text) if text.chars().count() > 40 => {
            format!("{:?}…", text.chars().take(40).collect::<String>())
        }
        Datum::Text(text) => format!("{text:?}"),
        Datum::Bytes(bytes) => format!("{} bytes", bytes.len()),
    }
}

fn scale(integer: i128, numerator: i128, denominator: i128, rounding: Rounding) -> Result<i128, String> {
    let product = integer.checked_mul(numerator).ok_or_else(|| format!("{integer} is too large to scale"))?;
    let (quotient, rest) = (product.div_euclid(denominator), product.rem_euclid(denominator));
    // `quotient` is the floor, for the denominator is above 0.
    Ok(match rounding {
        _ if rest == 0 => quotient,
        Rounding::Refuse => return Err(format!("{integer} × {numerator}/{denominator} is no whole number")),
        Rounding::Floor => quotient,
        Rounding::Ceiling => quotient + 1,
        Rounding::Zero => quotient + i128::from(product < 0),
        Rounding::Nearest if product < 0 => quotient + i128::from(rest > denominator - rest),
        Rounding::Nearest => quotient + i128::from(rest >= denominator - rest),
    })
}

fn exact_float(integer: i128) -> Result<f64, String> {
    #[expect(clippy::cast_precision_loss, reason = "whether it loses something is checked next")]
    let float = integer as f64;
    #[expect(clippy::cast_possible_truncation, reason = "a float that was made of an integer is one")]
    let same = float as i128 == integer;
    if same { Ok(float) } else { Err(format!("no floating-point number is {integer}")) }
}

fn whole(float: f64, rounding: Rounding) -> Result<i128, String> {
    if !float.is_finite() || float.abs() >= 1e38 {
        return Err(format!("{float} is no integer"));
    }
    let rounded = match rounding {
        Rounding::Refuse if float.fract() != 0.0 => return Err(format!("{float} is no whole number")),
        Rounding::Refuse | Rounding::Zero => float.trunc(),
        Rounding::Floor => float.floor(),
        Rounding::Ceiling => float.ceil(),
        Rounding::Nearest => float.round(),
    };
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and below 2^127")]
    Ok(rounded as i128)
}

fn utf8(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, String> {
    let refused = "the bytes are no UTF-8";
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| refused.to_owned()),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| refused.to_owned()),
    }
}
