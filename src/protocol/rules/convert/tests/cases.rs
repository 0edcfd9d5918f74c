//! Two fields, what a rule says, and what becomes of one in the other: one line a case.

use super::*;
use crate::protocol::plan::Rounding;

/// Both sides' field `f`, what a rule says, and what becomes of one in the other.
pub(super) type Case = (&'static str, &'static str, Options, &'static str);

pub(super) fn no() -> Options {
    Options::default()
}

fn said(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

fn text() -> Options {
    said(|options| options.text = Some(TextForm::Decimal))
}

fn time() -> Options {
    said(|options| options.text = Some(TextForm::Rfc3339))
}

fn number() -> Options {
    said(|options| options.number = true)
}

fn scale(numerator: i64, denominator: i64) -> Options {
    said(|options| options.scale = Some((numerator, denominator)))
}

fn rounding(rounding: Rounding) -> Options {
    said(|options| options.rounding = Some(rounding))
}

fn unit(unit: Unit) -> Options {
    said(|options| options.unit = Some(unit))
}

fn money(currency: &str) -> Options {
    said(|options| options.money = Some(currency.to_owned()))
}

/// In the older version, rounded down.
fn cents() -> Options {
    Options { scale: Some((1, 100)), rounding: Some(Rounding::Floor), ..money("USD") }
}

fn encoding(encoding: TextEncoding) -> Options {
    said(|options| options.encoding = Some(encoding))
}

fn beyond(beyond: Beyond) -> Options {
    said(|options| options.beyond = Some(beyond))
}

fn entries(key: &str, value: &str) -> Options {
    let (key, value) = (key.to_owned(), value.to_owned());
    said(|options| options.entries = Some(Entries { key, value, refuse_duplicates: true }))
}

fn default(literal: Literal) -> Options {
    said(|options| options.default = Some(literal))
}

pub(super) fn word(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn values(pairs: &[(&str, Literal)], unknown: UnknownValue) -> Options {
    let pairs = pairs.iter().map(|(from, to)| (word(from), to.clone())).collect();
    said(|options| options.values = Some(Values { pairs, unknown }))
}

#[test]
#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "a table: one line a case")]
fn each_pair_of_fields_comes_to_its_conversion() {
    use Literal::{Bool, Integer};
    use UnknownValue::{Pass, Refuse, To};
    let cases: Vec<Case> = vec![
        // Integers.
        ("int32 f = 1;", "int32 f = 1;", no(), "one copy"),
        ("int32 f = 1;", "int64 f = 1;", no(), "one int32 [] int64"),
        ("int64 f = 1;", "int32 f = 1;", no(), "one int64 [fit int32] int32"),
        ("uint64 f = 1;", "int64 f = 1;", no(), "one uint64 [fit int64] int64"),
        ("uint32 f = 1;", "sint64 f = 1;", no(), "one uint32 [] sint64"),
        ("int32 f = 1;", "uint64 f = 1;", no(), "one int32 [fit uint64] uint64"),
        ("sint32 f = 1;", "optional sfixed32 f = 9;", no(), "one sint32 [] sfixed32"),
        ("bool f = 1;", "bool f = 1;", no(), "one copy"),
        ("bool f = 1;", "int32 f = 1;", no(), "open: `bool f` and `int32 f` do not meet by themselves: write `values = { false = …"),
        // Presence, oneofs.
        ("int32 f = 1;", "optional int32 f = 1;", no(), "one copy"),
        ("optional int32 f = 1;", "int32 f = 1;", no(), "one copy"),
        ("oneof o { int32 f = 1; int32 g = 2; }", "int32 f = 1;", no(), "one copy"),
        ("int32 f = 1;", "oneof o { int32 f = 1; int32 g = 2; }", no(), "one copy"),
        // Floats.
        ("float f = 1;", "double f = 1;", no(), "one float [] double"),
        ("double f = 1;", "float f = 1;", no(), "one double [single] float"),
        ("int32 f = 1;", "double f = 1;", no(), "open: `int32 f` and `double f` do not meet by themselves: write `rounding"),
        ("double f = 1;", "int32 f = 1;", no(), "open: `double f` and `int32 f` do not meet by themselves: write `rounding"),
        ("double f = 1;", "int32 f = 1;", rounding(Rounding::Floor), "one double [integer Floor, fit int32] int32"),
        ("int64 f = 1;", "double f = 1;", rounding(Rounding::Floor), "one int64 [float] double"),
        ("int64 f = 1;", "float f = 1;", scale(1, 1), "one int64 [float, single] float"),
        // Strings and bytes.
        ("string f = 1;", "bytes f = 1;", no(), "one string [as bytes] bytes"),
        ("bytes f = 1;", "string f = 1;", no(), "one bytes [utf8] string"),
        ("string f = 1;", "bytes f = 1;", encoding(TextEncoding::Hex), "one string [decode Hex] bytes"),
        ("bytes f = 1;", "string f = 1;", encoding(TextEncoding::Base64), "one bytes [encode Base64] string"),
        ("bytes f = 1;", "string f = 1;", encoding(TextEncoding::Utf8), "one bytes [utf8] string"),
        ("string f = 1;", "string f = 1;", encoding(TextEncoding::Hex), "open: `encoding` says nothing about `string f` and `string f`"),
        ("string f = 1;", "int32 f = 1;", no(), "open: `string f` and `int32 f` do not meet by themselves: write `text = \"decimal\"`"),
        // Text.
        ("string f = 1;", "int32 f = 1;", text(), "one string [parse, fit int32] int32 absent refused"),
        ("string f = 1;", "optional int32 f = 1;", text(), "one string [parse, fit int32] int32"),
        ("optional string f = 1;", "int32 f = 1;", text(), "one string [parse, fit int32] int32"),
        ("int32 f = 1;", "string f = 1;", text(), "one int32 [format] string absent String(\"0\")"),
        ("int32 f = 1;", "optional string f = 1;", text(), "one int32 [format] string absent String(\"0\")"),
        ("optional int32 f = 1;", "string f = 1;", text(), "one int32 [format] string"),
        ("double f = 1;", "string f = 1;", text(), "one double [format float] string absent String(\"0\")"),
        ("float f = 1;", "string f = 1;", text(), "one float [format single] string absent String(\"0\")"),
        ("optional string f = 1;", "float f = 1;", text(), "one string [parse single] float"),
        ("optional string f = 1;", "double f = 1;", text(), "one string [parse float] double"),
        ("bool f = 1;", "string f = 1;", text(), "one bool [0=false 1=true else refuse] string absent String(\"false\")"),
        ("optional string f = 1;", "bool f = 1;", text(), "one string [false=0 true=1 else refuse] bool"),
        ("Kind f = 1;", "string f = 1;", text(), "one Kind [0=NONE 1=ONE 2=TWO else refuse] string absent String(\"NONE\")"),
        ("string f = 1;", "Kind f = 1;", text(), "one string [NONE=0 ONE=1 TWO=2 else refuse] Kind absent refused"),
        ("string f = 1;", "google.protobuf.Timestamp f = 1;", time(), "one string [parse time] Timestamp"),
        ("google.protobuf.Timestamp f = 1;", "string f = 1;", time(), "one Timestamp [format time] string"),
        ("int64 f = 1;", "google.protobuf.Timestamp f = 1;", time(), "open: `text` says nothing about"),
        // Scales.
        ("int32 f = 1;", "int64 f = 1;", scale(1000, 1), "one int32 [scale 1000/1 Refuse, fit int64] int64"),
        ("double f = 1;", "double f = 1;", scale(1, 100), "one double [scale 1/100 Refuse] double"),
        ("double f = 1;", "int64 f = 1;", scale(100, 1), "one double [scale 100/1 Refuse, integer Refuse, fit int64] int64"),
        ("optional int32 f = 1;", "string f = 1;", said(|o| { o.scale = Some((10, 1)); o.text = Some(TextForm::Decimal); }), "one int32 [scale 10/1 Refuse, format] string"),
        ("string f = 1;", "string f = 1;", scale(10, 1), "open: `scale` says nothing about"),
        ("int32 f = 1;", "int32 f = 1;", scale(0, 1), "open: `scale` cannot be zero"),
        ("int32 f = 1;", "int32 f = 1;", rounding(Rounding::Zero), "open: `rounding` says nothing about"),
        // Wrappers.
        ("int64 f = 1;", "google.protobuf.Int64Value f = 1;", no(), "one int64 [] wrapped int64"),
        ("google.protobuf.Int32Value f = 1;", "int64 f = 1;", no(), "one wrapped int32 [] int64"),
        ("google.protobuf.Int64Value f = 1;", "google.protobuf.Int32Value f = 1;", no(), "one wrapped int64 [fit int32] wrapped int32"),
        ("google.protobuf.StringValue f = 1;", "google.protobuf.StringValue f = 1;", no(), "one copy"),
        ("google.protobuf.StringValue f = 1;", "bytes f = 1;", no(), "one wrapped string [as bytes] bytes"),
        ("bool f = 1;", "google.protobuf.StringValue f = 1;", text(), "one bool [0=false 1=true else refuse] wrapped string absent google.protobuf.StringValue{value: String(\"false\")}"),
        // Time.
        ("int64 f = 1;", "google.protobuf.Timestamp f = 1;", unit(Unit::Millis), "one int64 [scale 1000000/1 Refuse] Timestamp"),
        ("google.protobuf.Duration f = 1;", "int32 f = 1;", unit(Unit::Seconds), "one Duration [scale 1/1000000000 Refuse, fit int32] int32"),
        ("google.protobuf.Duration f = 1;", "int64 f = 1;", unit(Unit::Nanos), "one Duration [fit int64] int64"),
        ("google.protobuf.Timestamp f = 1;", "google.protobuf.Timestamp f = 1;", no(), "one copy"),
        ("google.protobuf.Timestamp f = 1;", "google.protobuf.Duration f = 1;", no(), "open: `google.protobuf.Timestamp f` and"),
        ("int64 f = 1;", "google.protobuf.Duration f = 1;", no(), "open: `int64 f` and `google.protobuf.Duration f` do not meet by themselves: write `unit"),
        ("int64 f = 1;", "int64 f = 1;", unit(Unit::Nanos), "open: `unit` says nothing about"),
        // Money.
        ("double f = 1;", "Money f = 1;", money("USD"), "one double [billionths of float] USD [1, 2, 3]"),
        ("float f = 1;", "Money f = 1;", money("USD"), "one float [billionths of single] USD [1, 2, 3]"),
        ("Money f = 1;", "double f = 1;", money("USD"), "one USD [1, 2, 3] [float of billionths] double"),
        ("optional double f = 1;", "Money f = 1;", money("USD"), "one double [billionths of float] USD [1, 2, 3]"),
        ("repeated double f = 1;", "repeated Money f = 1;", money("USD"), "each double [billionths of float] USD [1, 2, 3]"),
        ("int64 f = 1;", "Money f = 1;", money("USD"), "one int64 [scale 1000000000/1 Refuse] USD [1, 2, 3]"),
        ("int64 f = 1;", "Money f = 1;", cents(), "one int64 [scale 10000000/1 Floor] USD [1, 2, 3]"),
        ("Money f = 1;", "int32 f = 1;", cents(), "one USD [1, 2, 3] [scale 1/100000000000 Floor, fit int32] int32"),
        ("string f = 1;", "Money f = 1;", money("USD"), "one string [parse billionths] USD [1, 2, 3]"),
        ("Money f = 1;", "string f = 1;", money("USD"), "one USD [1, 2, 3] [format billionths] string"),
        ("Money f = 1;", "Money f = 1;", money("USD"), "open: `money` says nothing about"),
        ("bool f = 1;", "Money f = 1;", money("USD"), "open: `money` says nothing about"),
        ("double f = 1;", "int64 f = 1;", money("USD"), "open: `money` says nothing about"),
        ("double f = 1;", "google.protobuf.Timestamp f = 1;", money("USD"), "open: `money` says nothing about"),
        ("double f = 1;", "Same f = 1;", money("USD"), "open: `Same f` is no money"),
        ("double f = 1;", "MuchMoney f = 1;", money("USD"), "open: `MuchMoney f` is no money"),
        ("double f = 1;", "Money f = 1;", no(), "open: `double f` and `Money f` do not meet by themselves: write `money = \"USD\"`"),
        ("double f = 1;", "Money f = 1;", said(|o| { o.money = Some("USD".to_owned()); o.scale = Some((2, 1)); }), "open: `scale` says nothing about"),
        // Enums.
        ("Kind f = 1;", "Kind f = 1;", no(), "one copy"),
        ("Grown f = 1;", "Grown f = 1;", no(), "one Grown [0=0 1=1 else refuse] Grown"),
        ("Shifted f = 1;", "Shifted f = 1;", no(), "one Shifted [0=1 1=2 else refuse] Shifted absent EnumNumber(1)"),
        ("repeated Shifted f = 1;", "repeated Shifted f = 1;", no(), "each Shifted [0=1 1=2 else refuse] Shifted"),
        ("optional Shifted f = 1;", "Shifted f = 1;", no(), "one Shifted [0=1 1=2 else refuse] Shifted absent EnumNumber(1)"),
        ("optional Shifted f = 1;", "optional Shifted f = 1;", no(), "one Shifted [0=1 1=2 else refuse] Shifted"),
        ("oneof o { Shifted f = 1; int32 g = 2; }", "oneof o { Shifted f = 1; int32 g = 2; }", no(), "one Shifted [0=1 1=2 else refuse] Shifted"),
        ("Shifted f = 1;", "oneof o { Shifted f = 1; int32 g = 2; }", no(), "open: `Shifted f` has no presence, so its zero would always choose"),
        ("Aliased f = 1;", "Aliased f = 1;", no(), "open: FIRST and SECOND of Aliased are one number, and several of Aliased"),
        ("Aliased f = 1;", "Aliased f = 1;", values(&[("SECOND", word("SECOND"))], Refuse), "one Aliased [0=0 1=2 else refuse] Aliased"),
        ("Kind f = 1;", "Kind f = 1;", values(&[("ONE", word("TWO"))], Refuse), "one Kind [0=0 1=2 2=2 else refuse] Kind"),
        ("Kind f = 1;", "Kind f = 1;", values(&[], Pass), "one copy"),
        ("Kind f = 1;", "Kind f = 1;", values(&[], To(word("NONE"))), "one Kind [0=0 1=1 2=2 else 0] Kind"),
        ("Kind f = 1;", "Kind f = 1;", values(&[("ON", word("TWO"))], Refuse), "open: Kind has no value `ON`; did you mean `ONE`?"),
        ("Kind f = 1;", "Kind f = 1;", values(&[("ONE", word("TWO")), ("ONE", word("NONE"))], Refuse), "open: two values stand for \"ONE\""),
        ("Kind f = 1;", "int32 f = 1;", number(), "one Kind [] int32"),
        ("Kind f = 1;", "uint32 f = 1;", number(), "one Kind [fit uint32] uint32"),
        ("int64 f = 1;", "Kind f = 1;", number(), "one int64 [fit int32] Kind"),
        ("Kind f = 1;", "int32 f = 1;", no(), "open: `Kind f` and `int32 f` do not meet by themselves: write `number"),
        ("string f = 1;", "int32 f = 1;", number(), "open: `number` says nothing about"),
        // Tables of values.
        ("bool f = 1;", "Kind f = 1;", values(&[("false", word("ONE")), ("true", word("TWO"))], Refuse), "one bool [0=1 1=2 else refuse] Kind absent EnumNumber(1)"),
        ("Kind f = 1;", "bool f = 1;", values(&[("ONE", Bool(false)), ("TWO", Bool(true))], Refuse), "one Kind [1=0 2=1 else refuse] bool absent refused"),
        ("string f = 1;", "int32 f = 1;", values(&[("", Integer(0)), ("a", Integer(7))], To(Integer(9))), "one string [=0 a=7 else 9] int32"),
        ("string f = 1;", "string f = 1;", values(&[("a", word("b"))], Pass), "one string [a=b else pass] string"),
        ("string f = 1;", "int32 f = 1;", values(&[("a", Integer(7))], Pass), "open: `unknown = \"pass\"` cannot pass text"),
        ("uint32 f = 1;", "string f = 1;", values(&[("-1", word("a"))], Refuse), "open: \"-1\" is out of range"),
        ("bytes f = 1;", "int32 f = 1;", values(&[("a", Integer(7))], Refuse), "open: `values` says nothing about"),
        ("int32 f = 1;", "int32 f = 1;", said(|o| { o.scale = Some((2, 1)); o.values = Some(Values { pairs: vec![], unknown: Pass }); }), "open: `values` and `scale` exclude each other"),
        // Lists.
        ("repeated int32 f = 1;", "repeated int32 f = 1 [packed = false];", no(), "each copy"),
        ("repeated int32 f = 1;", "repeated int64 f = 1;", no(), "each int32 [] int64"),
        ("int32 f = 1;", "repeated int32 f = 1;", no(), "open: `int32 f` becomes `repeated int32 f`: write a rule"),
        ("int32 f = 1;", "repeated int32 f = 1;", said(|o| o.ruled = true), "into list copy"),
        ("repeated int32 f = 1;", "int32 f = 1;", said(|o| o.ruled = true), "from list Refuse copy"),
        ("repeated int32 f = 1;", "int64 f = 1;", beyond(Beyond::Last), "from list Last int32 [] int64"),
        ("int32 f = 1;", "int32 f = 1;", beyond(Beyond::Last), "open: `beyond` says nothing about"),
        ("repeated int32 f = 1;", "int32 f = 1;", said(|o| { o.ruled = true; o.default = Some(Integer(5)); }), "from list Refuse int32 [] int32 absent I32(5)"),
        // Defaults.
        ("int32 f = 1;", "int32 f = 1;", default(Integer(5)), "one int32 [] int32 absent I32(5)"),
        ("int32 f = 1;", "int32 f = 1;", default(word("x")), "open: `int32 f`: \"x\" is no int32"),
        ("Kind f = 1;", "Kind f = 1;", default(word("TWO")), "one Kind [] Kind absent EnumNumber(2)"),
        ("repeated int32 f = 1;", "repeated int32 f = 1;", default(Integer(5)), "open: `default` says nothing about"),
        ("Same f = 1;", "Same f = 1;", default(Integer(5)), "open: `default` is no message"),
        ("optional int32 f = 1;", "oneof o { int32 f = 1; int32 g = 2; }", default(Integer(5)), "open: `default` would always choose"),
        // Messages.
        ("Same f = 1;", "Same f = 1;", no(), "one copy"),
        ("Changed f = 1;", "Changed f = 1;", no(), "one message Changed Changed"),
        ("repeated Changed f = 1;", "repeated Changed f = 1;", no(), "each message Changed Changed"),
        ("Gone f = 1;", "Other f = 1;", no(), "open: Gone is not Other: if they are the same, say so in [rename.messages]"),
        ("Same f = 1;", "string f = 1;", no(), "open: `Same f` and `string f` do not meet by themselves: write an expression"),
        ("google.protobuf.Any f = 1;", "google.protobuf.Any f = 1;", no(), "one any"),
        ("google.protobuf.FieldMask f = 1;", "google.protobuf.FieldMask f = 1;", no(), "one copy"),
        ("google.protobuf.Any f = 1;", "google.protobuf.FieldMask f = 1;", no(), "open: "),
        // Maps.
        ("map<string, int32> f = 1;", "map<string, int32> f = 1;", no(), "map copy copy"),
        ("map<int32, Changed> f = 1;", "map<int64, Changed> f = 1;", no(), "map int32 [] int64 message Changed Changed"),
        ("map<string, Shifted> f = 1;", "map<string, Shifted> f = 1;", no(), "map copy Shifted [0=1 1=2 else refuse] Shifted absent EnumNumber(1)"),
        ("map<string, int64> f = 1;", "repeated Entry f = 1;", entries("name", "amount"), "map to list name amount copy copy"),
        ("repeated Entry f = 1;", "map<string, int64> f = 1;", entries("name", "amount"), "list to map name amount copy copy"),
        ("repeated Entry f = 1;", "map<string, int64> f = 1;", no(), "open: `repeated Entry f` and `map<string, int64> f` do not meet by themselves: write `key"),
        ("repeated Entry f = 1;", "map<string, int64> f = 1;", entries("name", "amuont"), "open: Entry has no field `amuont`; did you mean `amount`?"),
        ("repeated Wide f = 1;", "map<string, int64> f = 1;", entries("name", "amount"), "open: an entry of a map cannot hold `more` of Wide"),
        ("map<string, int64> f = 1;", "repeated Wide f = 1;", entries("name", "amount"), "map to list name amount copy copy"),
        ("map<int32, int64> f = 1;", "map<string, int64> f = 1;", no(), "open: keys: "),
        ("map<int32, int64> f = 1;", "int64 f = 1;", no(), "open: `map<int32, int64> f` and `int64 f` do not meet"),
        ("int32 f = 1;", "int32 f = 1;", entries("a", "b"), "open: `key` says nothing about"),
    ];
    run("proto3", "proto3", Direction::Up, &cases);
}

#[test]
#[rustfmt::skip]
fn proto2_defaults_that_differ_are_written_out() {
    let cases: Vec<Case> = vec![
        ("optional int32 f = 1 [default = 5];", "optional int32 f = 1 [default = 5];", no(), "one copy"),
        ("optional int32 f = 1 [default = 5];", "optional int32 f = 1;", no(), "one int32 [] int32 absent I32(5)"),
        ("optional int32 f = 1;", "optional int64 f = 1 [default = 5];", no(), "one int32 [] int64 absent I64(0)"),
        ("optional Kind f = 1 [default = TWO];", "optional Kind f = 1;", no(), "one Kind [] Kind absent EnumNumber(2)"),
        ("optional bytes f = 1 [default = \"a\"];", "optional string f = 1;", no(), "one bytes [utf8] string absent String(\"a\")"),
        ("optional string f = 1 [default = \"aa\"];", "optional bytes f = 1;", encoding(TextEncoding::Hex), "open: the default of `string f` would have to be written"),
        ("optional int32 f = 1 [default = 5];", "repeated int32 f = 1;", beyond(Beyond::First), "into list copy"),
        ("optional int64 f = 1 [default = 5000000000];", "optional int32 f = 1;", no(), "one int64 [fit int32] int32"),
        ("required int32 f = 1;", "optional int32 f = 1;", no(), "one copy"),
        ("optional group F = 1 { }", "optional group F = 1 { }", no(), "one message M.F M.F"),
        ("optional int64 f = 1;", "optional Kind f = 1;", number(), "one int64 [0=0 1=1 2=2 else refuse] Kind"),
    ];
    run("proto2", "proto2", Direction::Up, &cases);
}

#[test]
#[rustfmt::skip]
fn syntaxes_differ_in_presence_and_in_numbers_without_a_name() {
    let cases: Vec<Case> = vec![
        ("optional int32 f = 1 [default = 5];", "int32 f = 1;", no(), "one int32 [] int32 absent I32(5)"),
        ("optional Kind f = 1;", "Kind f = 1;", no(), "one Kind [0=0 1=1 2=2 else refuse] Kind"),
    ];
    run("proto2", "proto3", Direction::Up, &cases);
    let cases: Vec<Case> = vec![
        ("int32 f = 1;", "optional int32 f = 1 [default = 5];", no(), "one int32 [] int32 absent I32(0)"),
        ("string f = 1;", "optional string f = 1;", no(), "one copy"),
    ];
    run("proto3", "proto2", Direction::Up, &cases);
}

#[test]
#[rustfmt::skip]
fn scales_turn_round_on_the_way_down() {
    let cases: Vec<Case> = vec![
        ("int64 f = 1;", "int32 f = 1;", scale(1000, 1), "one int64 [scale 1/1000 Refuse, fit int32] int32"),
        ("int64 f = 1;", "int32 f = 1;", scale(-1, 100), "one int64 [scale -100/1 Refuse, fit int32] int32"),
        ("int64 f = 1;", "int32 f = 1;", scale(-100, 1), "one int64 [scale -1/100 Refuse, fit int32] int32"),
    ];
    run("proto3", "proto3", Direction::Down, &cases);
}
