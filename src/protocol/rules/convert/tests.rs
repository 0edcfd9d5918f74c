use prost_reflect::{DescriptorPool, EnumDescriptor, ReflectMessage, Value};

mod cases;

use self::cases::{Case, no, word};
use super::*;
use crate::protocol::plan::{Cell, Change, Form, Table, Unknown};

const IMPORTS: &str = r#"
    import "google/protobuf/any.proto";
    import "google/protobuf/duration.proto";
    import "google/protobuf/field_mask.proto";
    import "google/protobuf/timestamp.proto";
    import "google/protobuf/wrappers.proto";
"#;
/// What both sides declare, but for the enum that grew, that which shifted, and that whose aliases part ways.
const SOURCE: &str = "
    message Same { string text = 1; } message Changed { string text = 1; } message Gone {}
    message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }
    message Entry { string name = 1; int64 amount = 2; } message Wide { string name = 1; int64 amount = 2; bool more = 3; }
    enum Kind { NONE = 0; ONE = 1; TWO = 2; }
    enum Grown { GROWN_A = 0; GROWN_B = 1; }
    enum Shifted { DRY = 0; KILL = 1; }
    enum Aliased { option allow_alias = true; ALIASED_ZERO = 0; FIRST = 1; SECOND = 1; }
";
const TARGET: &str = "
    message Same { string text = 1; } message Changed { string text = 2; } message Other {}
    message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }
    message MuchMoney { string currency_code = 1; int64 units = 2; int64 nanos = 3; }
    message Entry { string name = 1; int64 amount = 2; } message Wide { string name = 1; int64 amount = 2; bool more = 3; }
    enum Kind { NONE = 0; ONE = 1; TWO = 2; }
    enum Grown { GROWN_A = 0; GROWN_B = 1; GROWN_C = 2; }
    enum Shifted { NOTHING = 0; DRY = 1; KILL = 2; }
    enum Aliased { ALIASED_ZERO = 0; FIRST = 1; SECOND = 2; }
";

#[test]
fn what_a_step_says_of_enums_goes_before_equal_names() {
    let pool = |syntax, declared| pool(syntax, declared, "Kind f = 1; Shifted g = 2;");
    let (source, target) = (pool("proto3", TARGET), pool("proto3", SOURCE));
    let field = |pool: &DescriptorPool, name: &str| {
        pool.get_message_by_name("M")
            .and_then(|message| message.get_field_by_name(name))
            .expect("the field was declared")
    };
    let convert = |name: &str, rules: EnumRules| {
        let made = conversion(&field(&source, name), &field(&target, name), Direction::Down, &no(), &Same(rules));
        made.map_or_else(|error| format!("open: {error}"), |made| shown(&made))
    };
    let pairs = |pairs: &[(&str, &str)], unknown| EnumRules {
        pairs: pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect(),
        unknown,
    };
    assert_eq!(convert("g", pairs(&[], None)), "one Shifted [1=0 2=1 else refuse] Shifted absent refused");
    let named = pairs(&[("NOTHING", "DRY")], None);
    assert_eq!(convert("g", named), "one Shifted [0=0 1=0 2=1 else refuse] Shifted");
    let to = |name: &str| Some(UnknownValue::To(word(name)));
    let silent = convert("g", pairs(&[], to("KILL")));
    assert!(silent.starts_with("open: Shifted has nothing for NOTHING of Shifted, and `unknown`"), "{silent}");
    assert_eq!(convert("g", pairs(&[("NOTHING", "DRY")], to("KILL"))), "one Shifted [0=0 1=0 2=1 else 1] Shifted");
    assert_eq!(convert("f", pairs(&[("ONE", "TWO")], None)), "one Kind [0=0 1=2 2=2 else pass] Kind");
    assert_eq!(convert("f", pairs(&[], Some(UnknownValue::Refuse))), "one Kind [0=0 1=1 2=2 else refuse] Kind");
    assert_eq!(convert("f", pairs(&[("ONE", "TW")], None)), "open: Kind has no value `TW`; did you mean `TWO`?");
}

#[test]
fn literals_become_values_of_their_fields() {
    let cases = [
        ("Kind f = 1;", word("ONE"), "EnumNumber(1)"),
        ("Kind f = 1;", word("Kind.ONE"), "EnumNumber(1)"),
        ("Kind f = 1;", Literal::Integer(2), "EnumNumber(2)"),
        ("Kind f = 1;", Literal::Integer(7), "Kind has no value `7`; it has NONE, ONE, TWO"),
        ("uint32 f = 1;", Literal::Integer(-1), "-1 is out of range"),
        ("float f = 1;", Literal::Float(0.1), "F32(0.1)"),
        ("double f = 1;", Literal::Integer(1), "F64(1.0)"),
        ("bool f = 1;", Literal::Bool(true), "Bool(true)"),
        ("bool f = 1;", Literal::Integer(1), "1 is no bool"),
        ("bytes f = 1;", word("a"), "Bytes(b\"a\")"),
        ("repeated bool f = 1;", Literal::Bool(true), "holds several values"),
        ("google.protobuf.BoolValue f = 1;", Literal::Bool(true), "google.protobuf.BoolValue{value: Bool(true)}"),
        (
            "google.protobuf.Duration f = 1;",
            word("1.5s"),
            "google.protobuf.Duration{seconds: I64(1), nanos: I32(500000000)}",
        ),
        ("google.protobuf.Timestamp f = 1;", word("1970-01-01T00:00:01Z"), "google.protobuf.Timestamp{seconds: I64(1)"),
        ("google.protobuf.Timestamp f = 1;", word("soon"), "\"soon\" is no RFC 3339 time"),
        ("Same f = 1;", word("soon"), "write an expression"),
    ];
    for (declared, value, expected) in cases {
        let field = field("proto3", TARGET, declared);
        let told = literal(&value, &field).map_or_else(|error| error, |value| value_shown(&value));
        assert!(told.contains(expected), "{declared} {value:?}: {told}");
    }
}

struct Same(EnumRules);

impl Counterparts for Same {
    fn message(&self, source: &str) -> Option<String> {
        Some(source.to_owned()).filter(|source| source != "Gone")
    }

    fn enum_rules(&self, _: &EnumDescriptor, _: &EnumDescriptor) -> EnumRules {
        self.0.clone()
    }

    fn is_copy(&self, source: &MessageDescriptor, _: &MessageDescriptor) -> bool {
        source.full_name() == "Same"
    }
}

fn run(from: &str, to: &str, direction: Direction, cases: &[Case]) {
    let mut wrong = Vec::new();
    for (source, target, options, expected) in cases {
        let fields = (field(from, SOURCE, source), field(to, TARGET, target));
        let made = conversion(&fields.0, &fields.1, direction, options, &Same(EnumRules::default()));
        let told = made.map_or_else(|error| format!("open: {error}"), |made| shown(&made));
        let met = if expected.starts_with("open") { told.starts_with(expected) } else { told == *expected };
        if !met {
            wrong.push(format!("{source} -> {target}\n  expected {expected}\n  came to  {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn field(syntax: &str, declared: &str, body: &str) -> FieldDescriptor {
    let message = pool(syntax, declared, body).get_message_by_name("M").expect("the message was declared");
    message.get_field_by_name("f").expect("the field was declared")
}

fn pool(syntax: &str, declared: &str, body: &str) -> DescriptorPool {
    let proto2 = ["string ", "int64 ", "bool "].map(|kind| (format!("{{ {kind}"), format!("{{ optional {kind}")));
    let mut declared = declared.to_owned();
    if syntax == "proto2" {
        for (from, to) in proto2 {
            declared = declared.replace(&from, &to);
        }
        declared = declared
            .replace("; int64", "; optional int64")
            .replace("; bool", "; optional bool")
            .replace("; int32", "; optional int32");
    }
    let text = format!("syntax = \"{syntax}\";\n{IMPORTS}\n{declared}\nmessage M {{ {body} }}");
    crate::protocol::compiled::pool(&text)
}

fn shown(conversion: &Conversion) -> String {
    match conversion {
        Conversion::One(value) => format!("one {}", value_conversion(value)),
        Conversion::Each(value) => format!("each {}", value_conversion(value)),
        Conversion::IntoList(value) => format!("into list {}", value_conversion(value)),
        Conversion::FromList { value, beyond } => format!("from list {beyond:?} {}", value_conversion(value)),
        Conversion::Map { key, value } => format!("map {} {}", value_conversion(key), value_conversion(value)),
        Conversion::MapToList { key_field, value_field, key, value } => {
            let fields = format!("{} {}", key_field.name(), value_field.name());
            format!("map to list {fields} {} {}", value_conversion(key), value_conversion(value))
        }
        Conversion::ListToMap { key_field, value_field, key, value, refuse_duplicates: true } => {
            let fields = format!("{} {}", key_field.name(), value_field.name());
            format!("list to map {fields} {} {}", value_conversion(key), value_conversion(value))
        }
        other => format!("{other:?}"),
    }
}

fn value_conversion(conversion: &ValueConversion) -> String {
    match conversion {
        ValueConversion::Copy => "copy".to_owned(),
        ValueConversion::Any => "any".to_owned(),
        ValueConversion::Message { source, target } => format!("message {source} {target}"),
        ValueConversion::Through { messages, .. } => format!("through {}", messages.join(" ")),
        ValueConversion::Scalar(scalar) => {
            let changes: Vec<String> = scalar.changes.iter().map(change).collect();
            let absent = match (&scalar.absent, scalar.refuse_absent) {
                (None, false) => String::new(),
                (None, true) => " absent refused".to_owned(),
                (Some(value), false) => format!(" absent {}", value_shown(value)),
                (Some(_), true) => " absent both".to_owned(),
            };
            format!("{} [{}] {}{absent}", form(&scalar.read), changes.join(", "), form(&scalar.write))
        }
    }
}

fn form(form: &Form) -> String {
    let name = |kind: &Kind| match kind {
        Kind::Enum(declared) => declared.name().to_owned(),
        kind => format!("{kind:?}"),
    };
    match form {
        Form::Plain(kind) => name(kind),
        Form::Wrapper(kind) => format!("wrapped {}", name(kind)),
        Form::Money { currency, numbers } => format!("{currency} {numbers:?}"),
        other => format!("{other:?}"),
    }
}

fn change(change: &Change) -> String {
    match change {
        Change::Fit(kind) => format!("fit {kind:?}"),
        Change::NotZero => "not zero".to_owned(),
        Change::Within { least, most } => format!("within {least} to {most}"),
        Change::Scale { numerator, denominator, rounding } => format!("scale {numerator}/{denominator} {rounding:?}"),
        Change::Table(declared) => table(declared),
        Change::IntegerToFloat => "float".to_owned(),
        Change::FloatToInteger(rounding) => format!("integer {rounding:?}"),
        Change::ToSingle => "single".to_owned(),
        Change::Utf8 => "utf8".to_owned(),
        Change::AsBytes => "as bytes".to_owned(),
        Change::Encode(encoding) => format!("encode {encoding:?}"),
        Change::Decode(encoding) => format!("decode {encoding:?}"),
        Change::ParseInteger => "parse".to_owned(),
        Change::ParseFloat { single } => format!("parse {}", if *single { "single" } else { "float" }),
        Change::FormatInteger => "format".to_owned(),
        Change::FormatFloat { single } => format!("format {}", if *single { "single" } else { "float" }),
        Change::ParseTime => "parse time".to_owned(),
        Change::FormatTime => "format time".to_owned(),
        Change::FloatToBillionths { single } => format!("billionths of {}", if *single { "single" } else { "float" }),
        Change::BillionthsToFloat { single } => format!("{} of billionths", if *single { "single" } else { "float" }),
        Change::ParseBillionths => "parse billionths".to_owned(),
        Change::FormatBillionths => "format billionths".to_owned(),
        Change::Settle => "settle".to_owned(),
    }
}

fn table(table: &Table) -> String {
    let cell = |cell: &Cell| match cell {
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
    };
    let entries: Vec<String> = table.entries.iter().map(|(from, to)| format!("{}={}", cell(from), cell(to))).collect();
    let unknown = match &table.unknown {
        Unknown::Refuse => "refuse".to_owned(),
        Unknown::Pass => "pass".to_owned(),
        Unknown::To(to) => cell(to),
    };
    format!("{} else {unknown}", entries.join(" "))
}

fn value_shown(value: &Value) -> String {
    let Value::Message(message) = value else { return format!("{value:?}") };
    let fields: Vec<String> = message.fields().map(|(field, value)| format!("{}: {value:?}", field.name())).collect();
    format!("{}{{{}}}", message.descriptor().full_name(), fields.join(", "))
}
