//! Scalars: read, changed step by step, written.

mod change;
mod form;
mod money;
mod quick;
mod text;

use std::borrow::Cow;

use prost_reflect::{FieldDescriptor, Kind, Value};

use self::change::{Changed, Step};
pub(super) use self::form::{wire_of, wire_of_kind};
pub(super) use self::quick::{Quick, Quickly, ROOM};
use super::buffer::Buffer;
use crate::protocol::plan::{Change, Form, ScalarConversion, Use};

/// A scalar between two forms.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum<'a> {
    /// Integers, bools and numbers of enums; nanoseconds.
    Integer(i128),
    /// `float` and `double`.
    Float(f64),
    /// `string`.
    Text(Cow<'a, str>),
    /// `bytes`.
    Bytes(Cow<'a, [u8]>),
}

impl Datum<'_> {
    /// Whether a field without presence that holds it counts as absent.
    pub(super) fn is_zero(&self) -> bool {
        match self {
            Self::Integer(integer) => *integer == 0,
            // Minus zero is none, as on the wire.
            Self::Float(float) => float.to_bits() == 0,
            Self::Text(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }
}

/// What a scalar came to.
#[derive(Debug, PartialEq)]
pub(super) enum Converted<'a> {
    /// This value, for the form that is written.
    To(Datum<'a>),
    /// It was settled on the way: what is absent comes to.
    Settled,
}

/// Why a scalar cannot be read.
#[derive(Debug, PartialEq)]
pub(super) enum Unread {
    /// With what is wrong.
    Malformed(&'static str),
    /// Its bytes are read, but say what the form does not mean.
    Refused {
        /// The field of its message that does.
        part: Option<Cow<'static, str>>,
        why: String,
    },
}

impl From<&'static str> for Unread {
    fn from(what: &'static str) -> Self {
        Self::Malformed(what)
    }
}

/// A scalar conversion that is ready to run.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    read: Form,
    steps: Vec<Step>,
    write: Form,
    read_wire: u8,
    write_wire: u8,
    /// Whether fields of a message that is read, and that its form does not know, refuse it: nothing carries them.
    strict: bool,
    /// The same in a quicker way, where there is one.
    quick: Option<Quick>,
    /// What is written where the source is absent.
    pub(super) absent: Option<Value>,
}

impl Scalar {
    pub(super) fn new(conversion: &ScalarConversion) -> Self {
        let steps = conversion.changes.iter().map(Step::new).collect();
        let ScalarConversion { read, write, absent, .. } = conversion.clone();
        let quick = Quick::new(&read, &conversion.changes, &write);
        let (read_wire, write_wire) = (wire_of(&read), wire_of(&write));
        Self { read, steps, write, read_wire, write_wire, strict: false, quick, absent }
    }

    /// The same for messages of one use. Of a response goes what no form knows; all else is refused with it.
    pub(super) fn for_use(conversion: &ScalarConversion, used: Use) -> Self {
        let scalar = Self::new(conversion);
        Self { strict: used != Use::Response && scalar.reads_message(), ..scalar }
    }

    /// The wire type of what is read.
    pub(super) fn read_wire(&self) -> u8 {
        self.read_wire
    }

    /// The wire type of what is written.
    pub(super) fn write_wire(&self) -> u8 {
        self.write_wire
    }

    /// A quicker way for what is usual.
    #[inline]
    pub(super) fn quick(&self) -> Option<&Quick> {
        self.quick.as_ref()
    }

    /// Whether what is written is a message: a wrapper, a time.
    pub(super) fn writes_message(&self) -> bool {
        !matches!(self.write, Form::Plain(_))
    }

    /// Whether what is read is a message: a wrapper, a time.
    pub(super) fn reads_message(&self) -> bool {
        !matches!(self.read, Form::Plain(_))
    }

    /// Reads the value that lies in `bytes`: a varint or a fixed number as it is, what follows a length without it.
    ///
    /// # Errors
    /// With what is malformed, or cannot be said in the form.
    #[inline]
    pub(super) fn read<'a>(&self, bytes: &'a [u8]) -> Result<Datum<'a>, Unread> {
        let datum = form::read(&self.read, bytes)?;
        if self.strict
            && let Some(number) = form::unknown(&self.read, bytes)?
        {
            let part = Some(Cow::Owned(format!("#{number}")));
            return Err(Unread::Refused { part, why: "has no place on the other side".to_owned() });
        }
        Ok(datum)
    }

    /// What stands where a value settled, and a value has to be: an element, a key.
    pub(super) fn settled(&self) -> Datum<'static> {
        let absent = self.absent.as_ref().and_then(|value| form::of_value(&self.write, value));
        absent.unwrap_or_else(|| form::zero(&self.write))
    }

    /// Whether a zero may settle; for those whose steps keep a zero what it is.
    pub(super) fn settles(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Plain(Change::Settle)))
    }

    /// Whether it makes a `float` of a `double`, or refuses.
    pub(super) fn is_narrowing(&self) -> bool {
        matches!((&self.read, &self.write), (Form::Plain(Kind::Double), Form::Plain(Kind::Float)))
            && self.steps.iter().all(|step| matches!(step, Step::Plain(Change::ToSingle | Change::Settle)))
    }

    /// Whether it makes a `double` of a `float`.
    pub(super) fn is_widening(&self) -> bool {
        matches!((&self.read, &self.write), (Form::Plain(Kind::Float), Form::Plain(Kind::Double)))
            && self.steps.iter().all(|step| matches!(step, Step::Plain(Change::ToSingle | Change::Settle)))
    }

    /// Whether it hands UTF-8 on as it is, and refuses other bytes.
    pub(super) fn is_utf8(&self) -> bool {
        let is_text = |form: &Form| matches!(form, Form::Plain(Kind::String | Kind::Bytes));
        let checks = |step: &Step| matches!(step, Step::Plain(Change::Utf8 | Change::AsBytes | Change::Settle));
        is_text(&self.read) && is_text(&self.write) && !self.steps.is_empty() && self.steps.iter().all(checks)
    }

    /// Whether it reads a `bool`.
    pub(super) fn is_bool(&self) -> bool {
        matches!(self.read, Form::Plain(Kind::Bool))
    }

    /// The zero of what is read.
    pub(super) fn zero(&self) -> Datum<'static> {
        form::zero(&self.read)
    }

    /// Takes a value through all changes.
    ///
    /// # Errors
    /// With what cannot be expressed.
    #[inline]
    pub(super) fn convert<'a>(&self, mut datum: Datum<'a>) -> Result<Converted<'a>, String> {
        for step in &self.steps {
            datum = match step.take(datum)? {
                Changed::To(datum) => datum,
                Changed::Settled => return Ok(Converted::Settled),
            };
        }
        Ok(Converted::To(datum))
    }

    /// Writes a value behind its tag, with its length where it needs one.
    ///
    /// # Errors
    /// With what the form cannot hold.
    #[inline]
    pub(super) fn write(&self, datum: &Datum<'_>, buffer: &mut Buffer) -> Result<(), String> {
        form::write(&self.write, datum, buffer)
    }
}

/// What a known value comes to by `conversion`, as a value of the field `target`; nothing where the field stays absent.
///
/// # Errors
/// With what cannot be expressed; such a value always refuses.
pub(super) fn fold(
    conversion: &ScalarConversion,
    value: &Value,
    target: &FieldDescriptor,
) -> Result<Option<Value>, String> {
    let scalar = Scalar::new(conversion);
    let datum = form::of_value(&conversion.read, value).ok_or("the value is of another type")?;
    match scalar.convert(datum)? {
        Converted::Settled => Ok(conversion.absent.clone()),
        Converted::To(datum) => form::to_value(&conversion.write, &datum, target).map(Some),
    }
}

/// Whether `value` is the zero of a field of `kind` without presence.
pub(super) fn is_zero(kind: &Kind, bytes: &[u8]) -> bool {
    match kind {
        Kind::String | Kind::Bytes => bytes.is_empty(),
        Kind::Message(_) => false,
        // The most frequent value that is none.
        _ if matches!(bytes, [1..=0x7f]) => false,
        _ => form::read_plain(kind, bytes).is_ok_and(|datum| datum.is_zero()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::protocol::plan::{Cell, Encoding, Rounding, Table, Unknown};

    fn run(read: Form, changes: Vec<Change>, write: Form, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let scalar = Scalar::new(&ScalarConversion { read, changes, write, absent: None, refuse_absent: false });
        match scalar.convert(scalar.read(bytes).map_err(|why| format!("{why:?}"))?)? {
            Converted::Settled => Err("settled".to_owned()),
            Converted::To(datum) => {
                let mut buffer = Buffer::default();
                scalar.write(&datum, &mut buffer).map(|()| buffer.take())
            }
        }
    }

    fn plain(kind: Kind) -> Form {
        Form::Plain(kind)
    }

    /// What is converted to what, the bytes before, and those after unless it refuses.
    type Case<'a> = (Kind, Kind, &'a [u8], Option<&'a [u8]>);

    #[test]
    fn integers_keep_their_value_or_refuse() {
        let minus_one = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        let cases: [Case<'_>; 8] = [
            (Kind::Int32, Kind::Sint64, &minus_one, Some(&[1])),
            (Kind::Int64, Kind::Int32, &minus_one, Some(&minus_one)),
            (Kind::Int64, Kind::Uint32, &minus_one, None),
            (Kind::Uint64, Kind::Int64, &minus_one, None),
            (Kind::Sint32, Kind::Fixed32, &[4], Some(&[2, 0, 0, 0])),
            (Kind::Fixed64, Kind::Uint32, &[0, 0, 0, 0, 1, 0, 0, 0], None),
            (Kind::Uint32, Kind::Bool, &[1], Some(&[1])),
            (Kind::Uint32, Kind::Bool, &[2], None),
        ];
        for (from, to, bytes, expected) in cases {
            let result = run(plain(from.clone()), vec![], plain(to.clone()), bytes);
            assert_eq!(result.ok().as_deref(), expected, "{from:?} {to:?}");
        }
    }

    #[test]
    fn scales_round_as_they_are_told() {
        let cases = [
            (Rounding::Refuse, 150, None),
            (Rounding::Refuse, -200, Some(-2)),
            (Rounding::Floor, -150, Some(-2)),
            (Rounding::Ceiling, -150, Some(-1)),
            (Rounding::Nearest, -150, Some(-2)),
            (Rounding::Nearest, 149, Some(1)),
            (Rounding::Zero, -199, Some(-1)),
        ];
        for (rounding, value, expected) in cases {
            let scale = Change::Scale { numerator: 1, denominator: 100, rounding };
            let step = Step::new(&scale);
            let result = step.take(Datum::Integer(value)).ok();
            assert_eq!(result, expected.map(|value| Changed::To(Datum::Integer(value))), "{rounding:?} {value}");
        }
    }

    #[test]
    fn times_texts_and_tables_convert() {
        let table = Table {
            entries: vec![(Cell::Number(1), Cell::Text("one".to_owned()))],
            unknown: Unknown::Refuse,
            names: vec![(2, "TWO".to_owned())],
        };
        let table = vec![Change::Table(Arc::new(table))];
        assert_eq!(run(plain(Kind::Int32), table.clone(), plain(Kind::String), &[1]).unwrap(), b"\x03one");
        let refused = run(plain(Kind::Int32), table, plain(Kind::String), &[2]).unwrap_err();
        assert!(refused.contains("TWO"), "{refused}");

        let milliseconds = vec![Change::Scale { numerator: 1, denominator: 1_000_000, rounding: Rounding::Refuse }];
        // 1.5 seconds.
        let bytes = [0x08, 1, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01];
        let result = run(Form::Timestamp, milliseconds.clone(), plain(Kind::Int64), &bytes);
        assert_eq!(result.unwrap(), [0xdc, 0x0b]);
        let time = run(Form::Timestamp, vec![Change::FormatTime], plain(Kind::String), &bytes).unwrap();
        assert_eq!(&time[1..], b"1970-01-01T00:00:01.500Z");
        let again = run(plain(Kind::String), vec![Change::ParseTime], Form::Timestamp, &time[1..]).unwrap();
        assert_eq!(&again[1..], bytes);

        let hex = vec![Change::Decode(Encoding::Hex)];
        assert_eq!(run(plain(Kind::String), hex.clone(), plain(Kind::Bytes), b"0aFf").unwrap(), [2, 0x0a, 0xff]);
        assert!(run(plain(Kind::String), hex, plain(Kind::Bytes), b"0aF").is_err());
        assert_eq!(
            run(plain(Kind::Bytes), vec![Change::Utf8], Form::Wrapper(Kind::String), b"a").unwrap(),
            [3, 0x0a, 1, b'a']
        );
        assert!(run(plain(Kind::Bytes), vec![Change::Utf8], plain(Kind::String), &[0xff]).is_err());
        assert_eq!(run(plain(Kind::Int32), vec![Change::Settle], plain(Kind::Int32), &[0]).unwrap_err(), "settled");
    }

    #[test]
    fn a_constant_comes_to_what_its_value_would() {
        let pool = prost_reflect::DescriptorPool::global();
        let wrapper = |name: &str| pool.get_message_by_name(&format!("google.protobuf.{name}")).unwrap();
        let target = wrapper("StringValue").get_field(1).unwrap();
        let text = |change: Change| ScalarConversion {
            read: plain(Kind::Int64),
            changes: vec![change],
            write: plain(Kind::String),
            absent: Some(Value::String("none".to_owned())),
            refuse_absent: false,
        };
        let folded = |change, value| fold(&text(change), &Value::I64(value), &target);
        assert_eq!(folded(Change::FormatInteger, -5), Ok(Some(Value::String("-5".to_owned()))));
        assert_eq!(folded(Change::Settle, 0), Ok(Some(Value::String("none".to_owned()))));
        assert!(folded(Change::Fit(Kind::Bool), 2).is_err());
        assert!(folded(Change::ParseInteger, 2).is_err(), "of another type");
    }

    #[test]
    fn floats_stay_what_they_are_or_refuse() {
        let half = 0.5f64.to_le_bytes();
        assert_eq!(run(plain(Kind::Double), vec![], plain(Kind::Float), &half).unwrap(), 0.5f32.to_le_bytes());
        assert!(run(plain(Kind::Double), vec![], plain(Kind::Float), &0.1f64.to_le_bytes()).is_err());
        let nan = run(plain(Kind::Double), vec![], plain(Kind::Float), &f64::NAN.to_le_bytes()).unwrap();
        assert!(f32::from_le_bytes(nan.try_into().unwrap()).is_nan());
        let text = vec![Change::FormatFloat { single: false }];
        assert_eq!(run(plain(Kind::Double), text, plain(Kind::String), &half).unwrap(), b"\x030.5");
        assert!(is_zero(&Kind::Double, &0.0f64.to_le_bytes()));
        assert!(!is_zero(&Kind::Double, &(-0.0f64).to_le_bytes()));
    }
}
