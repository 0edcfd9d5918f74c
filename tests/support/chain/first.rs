//! The first version of a chain, and fields that come later.

use fastrand::Rng;

use super::model::{Enum, Field, Kind, Label, Message, Version};
use super::retype::{INTEGERS, pick};

const SCALARS: [&str; 14] = [
    "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "sfixed64", "bool", "string", "string",
    "bytes", "float", "double",
];
const KNOWN: [&str; 6] = ["Timestamp", "Duration", "Int32Value", "StringValue", "Any", "FieldMask"];
const KEYS: [&str; 4] = ["string", "int32", "uint64", "bool"];

impl Version {
    /// A few messages that may hold each other, and themselves.
    pub(crate) fn random(random: &mut Rng) -> Self {
        let (messages, enums) = (random.usize(2..5), random.usize(1..3));
        let proto2 = random.usize(..5) == 0;
        let mut version = Self { proto2, messages: Vec::new(), enums: Vec::new() };
        for index in 0..enums {
            let count = i32::try_from(random.usize(2..6)).expect("few");
            let values = (0..count).map(|value| (format!("E{index}_V{value}"), value)).collect();
            version.enums.push(Enum { name: format!("E{index}"), values });
        }
        for index in 0..messages {
            let mut message =
                Message { name: format!("M{index}"), fields: Vec::new(), freed: Vec::new(), reserved: Vec::new() };
            for number in 0..random.usize(2..9) {
                let field =
                    random_field(random, format!("f{number}"), message.fresh_number(), (messages, enums), proto2);
                message.fields.push(field);
            }
            version.messages.push(message);
        }
        version
    }
}

fn random_kind(random: &mut Rng, (messages, enums): (usize, usize)) -> Kind {
    match random.usize(..12) {
        0..7 => Kind::Scalar(pick(random, &SCALARS)),
        7 => Kind::Enum(random.usize(..enums)),
        8..11 => Kind::Message(random.usize(..messages)),
        _ => Kind::Known(pick(random, &KNOWN)),
    }
}

pub(crate) fn random_field(random: &mut Rng, name: String, number: u32, sizes: (usize, usize), proto2: bool) -> Field {
    let kind = random_kind(random, sizes);
    let label = match random.usize(..20) {
        0..3 => Label::Repeated,
        3..5 => Label::Map(pick(random, &KEYS)),
        5..9 => Label::Optional,
        9 if proto2 && !matches!(kind, Kind::Message(_)) => Label::Required,
        _ => Label::Plain,
    };
    let singular = !matches!(label, Label::Repeated | Label::Map(_));
    let oneof = (singular && label != Label::Required && random.usize(..5) == 0).then(|| "choice".to_owned());
    let default = match &kind {
        Kind::Scalar(scalar) if proto2 && singular && oneof.is_none() && random.usize(..4) == 0 => match *scalar {
            "string" => Some("\"dd\""),
            integer if INTEGERS.contains(&integer) => Some("7"),
            _ => None,
        },
        _ => None,
    };
    Field { name, number, kind, label, oneof, default }
}
