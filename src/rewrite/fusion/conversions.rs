//! What two conversions of one value come to.

use prost_reflect::{FieldDescriptor, Kind};

use super::Chain;
use crate::protocol::plan::{Beyond, Change, Conversion, Form, ScalarConversion, ValueConversion};
use crate::rewrite::scalar;

/// The field that lies between two conversions, and those before and after.
pub(super) struct Between<'a> {
    pub(super) chain: Chain<'a>,
    /// The hop that the second conversion belongs to.
    pub(super) hop: usize,
    pub(super) from: &'a FieldDescriptor,
    /// As the first hop writes it.
    pub(super) middle: &'a FieldDescriptor,
    pub(super) to: &'a FieldDescriptor,
    /// Whether messages come into being for a value that is written, which are not there in the middle.
    pub(super) nested: bool,
}

impl Between<'_> {
    /// What a value comes to that `first` writes and `second` reads; nothing if one conversion cannot say it.
    pub(super) fn conversion(&self, first: &Conversion, second: &Conversion) -> Option<Conversion> {
        Some(match (first, second) {
            (Conversion::One(first), Conversion::One(second)) => Conversion::One(self.value(first, second, true)?),
            (Conversion::Each(first), Conversion::Each(second)) => Conversion::Each(self.value(first, second, false)?),
            (Conversion::One(first), Conversion::IntoList(second)) => {
                let value = self.value(first, second, true)?;
                // A zero without presence in the middle is an empty list; a zero of the source with presence is not.
                let settles = self.middle.supports_presence() || !self.from.supports_presence();
                (settles && plain(first)).then_some(Conversion::IntoList(value))?
            }
            (Conversion::IntoList(first), Conversion::Each(second)) => {
                Conversion::IntoList(self.value(first, second, false)?)
            }
            // All elements are converted before one is taken: only where none of them can refuse is it the same.
            (Conversion::Each(ValueConversion::Copy), Conversion::FromList { value, beyond }) => {
                let value = self.value(&ValueConversion::Copy, value, false)?;
                Conversion::FromList { value, beyond: *beyond }
            }
            (Conversion::FromList { value: first, beyond }, Conversion::One(second))
                if *beyond == Beyond::Refuse && plain(first) && plain(second) =>
            {
                Conversion::FromList { value: self.value(first, second, true)?, beyond: *beyond }
            }
            (
                Conversion::Map { key: ValueConversion::Copy, value: first },
                Conversion::Map { key: ValueConversion::Copy, value: second },
            ) => {
                let value = self.value(first, second, false)?;
                Conversion::Map { key: ValueConversion::Copy, value }
            }
            _ => return None,
        })
    }

    /// `through_field`: whether the value lies in a singular field in the middle, where a zero without presence is absent.
    fn value(&self, first: &ValueConversion, second: &ValueConversion, through_field: bool) -> Option<ValueConversion> {
        let vanishes = through_field && !self.middle.supports_presence();
        match (first, second) {
            (ValueConversion::Copy, ValueConversion::Copy) => {
                let appears = vanishes && self.from.supports_presence() && self.shows();
                (!appears).then_some(ValueConversion::Copy)
            }
            (ValueConversion::Copy, ValueConversion::Through { .. }) => Some(second.clone()),
            (ValueConversion::Through { first, messages }, second) => self.through(*first, messages, second),
            (ValueConversion::Scalar(first), ValueConversion::Copy) => {
                let mut scalar = first.clone();
                if vanishes && self.shows() {
                    // What a zero comes to, which is nothing, and what an absent source comes to may differ.
                    let alike = scalar.absent.is_none() && !scalar.refuse_absent;
                    scalar.changes.push(if alike { Change::Settle } else { Change::NotZero });
                }
                Some(ValueConversion::Scalar(scalar))
            }
            // What is absent at first is a zero in the middle, and refused as such.
            (_, ValueConversion::Scalar(second))
                if vanishes && second.refuse_absent && self.from.supports_presence() =>
            {
                None
            }
            (ValueConversion::Copy, ValueConversion::Scalar(second)) => {
                let mut scalar = second.clone();
                if vanishes && self.from.supports_presence() {
                    scalar.changes.insert(0, if scalar.refuse_absent { Change::NotZero } else { Change::Settle });
                }
                Some(ValueConversion::Scalar(scalar))
            }
            (ValueConversion::Scalar(first), ValueConversion::Scalar(second)) => {
                scalars(first, second, vanishes, self.to).map(ValueConversion::Scalar)
            }
            _ => None,
        }
    }

    /// Whether a zero that is written differs from nothing.
    fn shows(&self) -> bool {
        self.nested || self.to.supports_presence()
    }

    /// A message that crossed hops before, and crosses one more.
    fn through(&self, first: usize, messages: &[String], second: &ValueConversion) -> Option<ValueConversion> {
        let reached = messages.last()?;
        let next = match second {
            ValueConversion::Through { messages: next, .. } if next.first() == Some(reached) => next.last()?.clone(),
            ValueConversion::Copy => match self.to.kind() {
                Kind::Message(message) => message.full_name().to_owned(),
                _ => return None,
            },
            _ => return None,
        };
        let contiguous = first + messages.len() - 1 == self.hop;
        let known = self.chain.plans(self.hop).get(reached, &next, self.chain.used).is_some();
        (contiguous && known)
            .then(|| ValueConversion::Through { first, messages: messages.iter().cloned().chain([next]).collect() })
    }
}

/// Whether a value never becomes another, so that presence and zeros stay what they are.
fn plain(value: &ValueConversion) -> bool {
    matches!(value, ValueConversion::Copy | ValueConversion::Through { .. })
}

const SECOND: i128 = 1_000_000_000;
/// 0001-01-01T00:00:00Z, in nanoseconds (google/protobuf/timestamp.proto).
const EARLIEST: i128 = -62_135_596_800 * SECOND;
/// The last nanosecond of the year 9999.
const LATEST: i128 = 253_402_300_800 * SECOND - 1;
/// Plus or minus 315,576,000,000 seconds and a fraction (google/protobuf/duration.proto).
const LONGEST: i128 = 315_576_000_001 * SECOND - 1;

/// All billionths that `units` and `nanos` can hold (google/type/money.proto).
const LEAST_MONEY: i128 = i64::MIN as i128 * SECOND - (SECOND - 1);
const MOST_MONEY: i128 = i64::MAX as i128 * SECOND + SECOND - 1;

fn scalars(
    first: &ScalarConversion,
    second: &ScalarConversion,
    vanishes: bool,
    to: &FieldDescriptor,
) -> Option<ScalarConversion> {
    let (absent, refuse_absent) = match &first.absent {
        // What an absent source comes to goes through the second conversion as well.
        Some(value) => (scalar::fold(second, value, to).ok()?, false),
        None if first.refuse_absent => (None, true),
        None => (second.absent.clone(), second.refuse_absent),
    };
    // Where a value that vanishes in the middle comes to what an absent source does not, it goes hop by hop.
    let alike = absent == second.absent && !refuse_absent && !second.refuse_absent;
    let settle = vanishes.then_some(if alike { Change::Settle } else { Change::NotZero });
    let check = match (&first.write, &second.read) {
        (Form::Plain(written), Form::Plain(read)) if number(written) == number(read) => check(written),
        (Form::Wrapper(written), Form::Wrapper(read)) if written == read => check(written),
        (Form::Timestamp, Form::Timestamp) => vec![Change::Within { least: EARLIEST, most: LATEST }],
        (Form::Duration, Form::Duration) => vec![Change::Within { least: -LONGEST, most: LONGEST }],
        (Form::Money { currency, .. }, Form::Money { currency: other, .. }) if currency == other => {
            vec![Change::Within { least: LEAST_MONEY, most: MOST_MONEY }]
        }
        _ => return None,
    };
    let changes = [&first.changes[..], &check[..], settle.as_slice(), &second.changes[..]].concat();
    Some(ScalarConversion { read: first.read.clone(), changes, write: second.write.clone(), absent, refuse_absent })
}

/// An enum is its number.
fn number(kind: &Kind) -> Kind {
    match kind {
        Kind::Enum(_) => Kind::Int32,
        kind => kind.clone(),
    }
}

/// What writing a scalar of this kind checks.
fn check(kind: &Kind) -> Vec<Change> {
    match number(kind) {
        Kind::String | Kind::Bytes | Kind::Double => Vec::new(),
        Kind::Float => vec![Change::ToSingle],
        kind => vec![Change::Fit(kind)],
    }
}
