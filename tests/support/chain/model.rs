//! Versions of a random protocol, and how they are written down.

use std::fmt::Write as _;

/// One version.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) proto2: bool,
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
}

/// A message; it is the same in all versions that have its index.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    /// Numbers of fields that are gone.
    pub(crate) freed: Vec<u32>,
    pub(crate) reserved: Vec<u32>,
}

#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) label: Label,
    pub(crate) oneof: Option<String>,
    /// Only in proto2.
    pub(crate) default: Option<&'static str>,
}

#[derive(Clone, PartialEq)]
pub(crate) enum Kind {
    Scalar(&'static str),
    /// By its index.
    Enum(usize),
    /// By its index.
    Message(usize),
    /// One of `google.protobuf`.
    Known(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Label {
    Plain,
    Optional,
    Required,
    Repeated,
    /// With keys of this type.
    Map(&'static str),
}

#[derive(Clone)]
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) values: Vec<(String, i32)>,
}

impl Version {
    /// The `.proto` file.
    pub(crate) fn proto(&self) -> String {
        let mut text = format!("syntax = \"proto{}\";\npackage p;\n", if self.proto2 { 2 } else { 3 });
        for known in ["any", "duration", "field_mask", "timestamp", "wrappers"] {
            let _ = writeln!(text, "import \"google/protobuf/{known}.proto\";");
        }
        for Enum { name, values } in &self.enums {
            let _ = writeln!(text, "enum {name} {{");
            for (value, number) in values {
                let _ = writeln!(text, "  {value} = {number};");
            }
            text.push_str("}\n");
        }
        for message in &self.messages {
            let _ = writeln!(text, "message {} {{", message.name);
            for number in &message.reserved {
                let _ = writeln!(text, "  reserved {number};");
            }
            let mut oneofs: Vec<&String> = Vec::new();
            for field in &message.fields {
                match &field.oneof {
                    None => text.push_str(&self.field(field)),
                    Some(oneof) if oneofs.contains(&oneof) => {}
                    Some(oneof) => {
                        oneofs.push(oneof);
                        let _ = writeln!(text, "  oneof {oneof} {{");
                        let arms = message.fields.iter().filter(|arm| arm.oneof.as_ref() == Some(oneof));
                        arms.for_each(|arm| text.push_str(&self.field(arm)));
                        text.push_str("  }\n");
                    }
                }
            }
            text.push_str("}\n");
        }
        text
    }

    fn field(&self, field: &Field) -> String {
        let Field { name, number, .. } = field;
        let kind = self.kind(&field.kind);
        let default = field.default.map(|value| format!(" [default = {value}]")).unwrap_or_default();
        let label = match field.label {
            _ if field.oneof.is_some() => "",
            Label::Map(key) => return format!("  map<{key}, {kind}> {name} = {number};\n"),
            Label::Repeated => "repeated ",
            Label::Required if self.proto2 => "required ",
            Label::Plain | Label::Required if !self.proto2 => "",
            Label::Plain | Label::Required | Label::Optional => "optional ",
        };
        format!("  {label}{kind} {name} = {number}{default};\n")
    }

    fn kind(&self, kind: &Kind) -> String {
        match kind {
            Kind::Scalar(scalar) => (*scalar).to_owned(),
            Kind::Enum(index) => self.enums[*index].name.clone(),
            Kind::Message(index) => self.messages[*index].name.clone(),
            Kind::Known(name) => format!("google.protobuf.{name}"),
        }
    }
}

impl Message {
    /// A number that no field has.
    pub(crate) fn fresh_number(&self) -> u32 {
        let mut number = 1;
        while self.fields.iter().any(|field| field.number == number)
            || self.freed.contains(&number)
            || self.reserved.contains(&number)
        {
            number += 1;
        }
        number
    }
}

impl Field {
    pub(crate) fn is_singular(&self) -> bool {
        !matches!(self.label, Label::Repeated | Label::Map(_))
    }
}
