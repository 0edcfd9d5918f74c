//! Scalars: values at the edges, and values that mean something.

use prost_reflect::Kind;

use super::{Content, Generator};

pub(super) const INTEGERS: [i64; 24] = [
    0,
    0,
    1,
    1,
    2,
    3,
    5,
    7,
    10,
    60,
    80,
    100,
    1000,
    -1,
    -2,
    i32::MAX as i64,
    i32::MIN as i64,
    i32::MAX as i64 + 1,
    u32::MAX as i64,
    u32::MAX as i64 + 1,
    (1 << 53) - 1,
    (1 << 53) + 1,
    i64::MAX,
    i64::MIN,
];

pub(super) const FLOATS: [f64; 15] = [
    // Not the negative zero: what decodes messages for the reference takes it for no value at all.
    0.0,
    1.0,
    -1.0,
    0.5,
    0.1,
    2.5,
    100.0,
    16_777_217.0,
    9_007_199_254_740_993.0,
    1e19,
    1e300,
    f64::MIN_POSITIVE,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

pub(super) const TEXTS: [&str; 20] = [
    "",
    "",
    "a",
    "name",
    "a/b",
    "a/b/c",
    "first last",
    "Grüße, 世界 🌍",
    "\u{0}",
    "12",
    "-7",
    "1.5",
    "NaN",
    "true",
    "2024-02-29T12:00:00.5Z",
    "1970-01-01T00:00:00+01:00",
    "AQID",
    "cafe",
    "500Mi",
    "80%",
];

impl Generator {
    fn float(&mut self) -> f64 {
        let value = *self.pick(&FLOATS).expect("some");
        if self.packed > 0 { value + 0.0 } else { value }
    }

    pub(super) fn scalar(&mut self, kind: &Kind) -> Content {
        match kind {
            Kind::Bool => {
                // Any varint but zero is true.
                let value = if self.one_in(12) { self.random.u64(..) } else { self.random.u64(..2) };
                self.varint(value)
            }
            Kind::Int32 => {
                // Bits beyond 32 are cut off by those who read.
                let value = if self.one_in(12) { self.integer() } else { i64::from(self.narrow()) };
                self.varint(value.cast_unsigned())
            }
            Kind::Int64 => {
                let value = self.integer();
                self.varint(value.cast_unsigned())
            }
            Kind::Uint32 => {
                let value = if self.one_in(12) {
                    self.integer().cast_unsigned()
                } else {
                    u64::from(self.narrow().cast_unsigned())
                };
                self.varint(value)
            }
            Kind::Uint64 => {
                let value = self.integer().cast_unsigned();
                self.varint(value)
            }
            Kind::Sint32 => {
                let value = self.narrow();
                self.varint(u64::from(((value << 1) ^ (value >> 31)).cast_unsigned()))
            }
            Kind::Sint64 => {
                let value = self.integer();
                self.varint(((value << 1) ^ (value >> 63)).cast_unsigned())
            }
            Kind::Fixed32 | Kind::Sfixed32 => Content::Fixed32(self.narrow().cast_unsigned()),
            Kind::Fixed64 | Kind::Sfixed64 => Content::Fixed64(self.integer().cast_unsigned()),
            Kind::Float => {
                let value = self.float();
                #[expect(clippy::cast_possible_truncation, reason = "any float will do")]
                Content::Fixed32((value as f32).to_bits())
            }
            Kind::Double => Content::Fixed64(self.float().to_bits()),
            Kind::String => Content::Bytes(self.text().into_bytes()),
            Kind::Bytes => {
                Content::Bytes(if self.random.bool() { self.random_bytes() } else { self.text().into_bytes() })
            }
            Kind::Enum(declared) => {
                let numbers: Vec<i32> = declared.values().map(|value| value.number()).collect();
                let unknown = if self.one_in(10) { self.pick(&[-1, 77, i32::MAX, i32::MIN]) } else { None };
                let number = unknown.or_else(|| self.pick(&numbers)).copied().unwrap_or_default();
                self.varint(i64::from(number).cast_unsigned())
            }
            Kind::Message(_) => unreachable!("messages are no scalars"),
        }
    }

    fn varint(&mut self, value: u64) -> Content {
        if self.one_in(30) { Content::LongVarint(value) } else { Content::Varint(value) }
    }

    fn integer(&mut self) -> i64 {
        if self.one_in(6) { self.random.i64(..) } else { *self.pick(&INTEGERS).expect("some") }
    }

    fn narrow(&mut self) -> i32 {
        let value = self.integer();
        i32::try_from(value).unwrap_or(if value > 0 { i32::MAX } else { i32::MIN })
    }

    fn text(&mut self) -> String {
        match self.random.usize(..40) {
            0 => "long ".repeat(self.random.usize(20..1000)),
            1..24 if !self.words.is_empty() => self.words[self.random.usize(..self.words.len())].clone(),
            _ => (*self.pick(&TEXTS).expect("some")).to_owned(),
        }
    }

    pub(super) fn random_bytes(&mut self) -> Vec<u8> {
        let length = if self.one_in(20) { self.random.usize(..5000) } else { self.random.usize(..8) };
        (0..length).map(|_| self.random.u8(..)).collect()
    }
}
