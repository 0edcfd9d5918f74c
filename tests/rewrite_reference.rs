//! The reference interpreter itself, over plans that are written by hand.
#![allow(clippy::similar_names, reason = "tests and peers say things plainly")]
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use straddle::protocol::plan::{
    Beyond, Cell, Change, Check, Condition, Container, Conversion, Drop, Encoding, Form, Loss, Made, Make, MessagePlan,
    Move, Open, Origin, Path, Policies, Policy, Rounding, ScalarConversion, Table, Unknown, Use, ValueConversion,
};
use straddle::verify::reference::{self, Cause, Refused, Side};

const PROTO: &str = r#"
    syntax = "proto3";
    package old;
    import "google/protobuf/any.proto";
    import "google/protobuf/timestamp.proto";
    import "google/protobuf/duration.proto";
    import "google/protobuf/wrappers.proto";
    message Scalars {
        bool b = 1; int32 i32 = 2; int64 i64 = 3; uint64 u64 = 4; float f = 5; double d = 6; string s = 7; bytes y = 8;
        E e = 9;
        google.protobuf.Timestamp t = 10;
        google.protobuf.Duration u = 11;
        google.protobuf.Int64Value w = 12;
        optional int32 o = 13;
    }
    enum E { ZERO = 0; ONE = 1; TWO = 2; }
    message From {
        string name = 1;
        optional int32 count = 2;
        repeated int32 list = 3;
        map<string, int32> map = 4;
        Inner inner = 5;
        repeated Inner inners = 6;
        oneof choice { string left = 7; int32 right = 8; }
        google.protobuf.Any any = 9;
        string second = 10;
        From self = 12;
    }
    message Inner { string key = 1; int32 value = 2; }
    message To {
        string name = 11;
        optional int32 count = 12;
        repeated int64 list = 13;
        map<string, int64> map = 14;
        Entry inner = 15;
        repeated Entry inners = 16;
        oneof choice { string left = 17; int32 right = 18; int32 later = 40; }
        google.protobuf.Any any = 19;
        int64 number = 20;
        To self = 22;
    }
    message Entry { string key = 1; int64 value = 2; }
"#;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let folder = folder::folder(&[("test.proto", PROTO)]);
    let files = protox::compile(["test.proto"], [folder.path()]).expect("a proto");
    DescriptorPool::decode(files.encode_to_vec().as_slice()).expect("its descriptors")
});

fn message(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(&format!("old.{name}")).expect(name)
}

fn path(of: &str, names: &str) -> Path {
    let mut within = Some(message(of));
    let mut fields = Vec::new();
    for name in names.split('.') {
        let field = within.take().and_then(|message| message.get_field_by_name(name)).expect(names);
        within = field.kind().as_message().cloned();
        fields.push(field);
    }
    Path::new(fields)
}

fn leaf(of: &str, name: &str) -> FieldDescriptor {
    path(of, name).leaf().clone()
}

/// A step that was written by hand: each source has one counterpart, and numbers below 100 are taken.
struct Hand(Vec<MessagePlan>);

impl Side for Hand {
    fn plan(&self, source: &str, target: &str, _: Use) -> Option<&MessagePlan> {
        self.0.iter().find(|plan| plan.source.full_name() == source && plan.target.full_name() == target)
    }

    fn counterpart(&self, source: &str) -> Option<&str> {
        self.0.iter().find(|plan| plan.source.full_name() == source).map(|plan| plan.target.full_name())
    }

    fn number_is_free(&self, _: &str, number: u32, _: Option<&FieldDescriptor>) -> bool {
        number == 40 || number >= 100
    }

    fn declared(&self, name: &str) -> Option<MessageDescriptor> {
        POOL.get_message_by_name(name)
    }

    fn mask_path(&self, _: Use, _: (&str, &str), path: &str, _: &HashSet<&str>) -> Result<Vec<String>, String> {
        Ok(vec![format!("new_{path}")])
    }
}

fn empty_plan(source: &str, target: &str) -> MessagePlan {
    MessagePlan {
        source: message(source),
        target: message(target),
        checks: Vec::new(),
        drops: Vec::new(),
        containers: Vec::new(),
        moves: Vec::new(),
        makes: Vec::new(),
        losses: Vec::new(),
        open: Vec::new(),
    }
}

fn moved(from: &str, to: &str, conversion: Conversion) -> Move {
    Move { from: path("From", from), to: path("To", to), conversion, when: None, origin: Origin::Name }
}

fn copied(from: &str, to: &str) -> Move {
    moved(from, to, Conversion::One(ValueConversion::Copy))
}

fn plan(moves: Vec<Move>) -> MessagePlan {
    MessagePlan { moves, ..empty_plan("From", "To") }
}

fn loss(names: &str, policy: Policy) -> Loss {
    let policies = Policies { request: policy, response: policy, stored: policy };
    Loss { path: path("From", names), policies, reason: None, advice: None, origin: Origin::Schema }
}

fn parse(name: &str, json: &str) -> DynamicMessage {
    let mut json = serde_json::Deserializer::from_str(json);
    DynamicMessage::deserialize(message(name), &mut json).expect(name)
}

/// A message with unknown fields, which JSON cannot say.
fn with_unknown(json: &str, unknown: &[u8]) -> DynamicMessage {
    let mut message = parse("From", json);
    message.merge(unknown).expect("fields");
    message
}

fn cross(plans: Vec<MessagePlan>, message: &DynamicMessage, used: Use) -> Result<DynamicMessage, Refused> {
    reference::cross(&Hand(plans), message, used)
}

#[track_caller]
fn becomes(plan: MessagePlan, input: &str, output: &str) {
    becomes_by(vec![plan], input, output);
}

#[track_caller]
fn becomes_by(plans: Vec<MessagePlan>, input: &str, output: &str) {
    let target = plans[0].target.name().to_owned();
    let found =
        cross(plans, &parse("From", input), Use::Request).unwrap_or_else(|refused| panic!("{input}: {refused}"));
    assert!(found == parse(&target, output), "{input} became {found}");
}

#[track_caller]
fn refused(plan: MessagePlan, input: &str, path: &str) {
    let found = cross(vec![plan], &parse("From", input), Use::Request);
    assert_eq!(found.map_err(|refused| (refused.path, refused.cause)), Err((path.to_owned(), Cause::Value)), "{input}");
}

#[test]
fn what_is_absent_stays_absent_and_what_is_present_stays_present() {
    let names = || plan(vec![copied("name", "name"), copied("count", "count")]);
    becomes(names(), "{}", "{}");
    becomes(names(), r#"{"name": "x", "count": 0}"#, r#"{"name": "x", "count": 0}"#);
    // A zero without presence is nothing to write where presence is told.
    becomes(plan(vec![copied("inner.value", "count")]), r#"{"inner": {}}"#, "{}");
    becomes(plan(vec![copied("inner.value", "count")]), r#"{"inner": {"value": 1}}"#, r#"{"count": 1}"#);
}

#[test]
fn a_present_zero_brings_the_message_around_it_into_being() {
    let nested = || plan(vec![moved("count", "inner.value", one(&[], "i32", "i64"))]);
    becomes(nested(), r#"{"count": 0}"#, r#"{"inner": {}}"#);
    becomes(nested(), "{}", "{}");
    let nested = || plan(vec![copied("name", "inner.key")]);
    becomes(nested(), "{}", "{}");
    becomes(nested(), r#"{"name": "a"}"#, r#"{"inner": {"key": "a"}}"#);
}

#[test]
fn an_arm_that_is_set_stays_set_though_it_holds_its_zero() {
    let arms = || plan(vec![copied("left", "left"), copied("right", "right")]);
    becomes(arms(), r#"{"right": 0}"#, r#"{"right": 0}"#);
    becomes(arms(), r#"{"left": ""}"#, r#"{"left": ""}"#);
}

#[test]
fn messages_follow_their_plans_also_within_themselves() {
    let conversion = || ValueConversion::Message { source: "old.From".to_owned(), target: "old.To".to_owned() };
    let own = || plan(vec![copied("name", "name"), moved("self", "self", Conversion::One(conversion()))]);
    becomes(own(), r#"{"self": {"self": {"name": "x"}}}"#, r#"{"self": {"self": {"name": "x"}}}"#);
    becomes(own(), r#"{"self": {}}"#, r#"{"self": {}}"#);
    let lossy = || MessagePlan { losses: vec![loss("second", Policy::Refuse)], ..own() };
    refused(lossy(), r#"{"self": {"self": {"second": "x"}}}"#, "self.self.second");
    let elements = ValueConversion::Message { source: "old.Inner".to_owned(), target: "old.Entry".to_owned() };
    let open = vec![Open { element: "Inner.value".to_owned(), what: "is open".to_owned() }];
    let plans = vec![
        plan(vec![moved("inners", "inners", Conversion::Each(elements))]),
        MessagePlan { open, ..empty_plan("Inner", "Entry") },
    ];
    becomes_by(plans.clone(), "{}", "{}");
    let found = cross(plans, &parse("From", r#"{"inners": [{}]}"#), Use::Request).expect_err("an open point");
    assert_eq!((found.path.as_str(), found.cause), ("inners[0].Inner.value", Cause::Open));
}

#[test]
fn a_message_without_a_counterpart_is_absent() {
    let found = cross(Vec::new(), &parse("From", "{}"), Use::Request).expect_err("no plan");
    assert_eq!(found.cause, Cause::Absent);
}

#[test]
fn checks_see_the_message_as_it_came_and_drops_take_fields_out() {
    let check =
        |condition, path| Check { condition, path, reason: "no".to_owned(), advice: None, origin: Origin::Line(1) };
    let dropped = |names, condition| Drop { path: path("From", names), condition, origin: Origin::Line(1) };
    let guarded = || MessagePlan {
        checks: vec![check(Condition::Is(Value::I32(7)), Some(path("From", "count")))],
        drops: vec![
            dropped("count", Condition::Is(Value::I32(3))),
            dropped("inner", Condition::Empty),
            dropped("second", Condition::Always),
        ],
        losses: vec![loss("inner", Policy::Refuse), loss("second", Policy::Refuse)],
        ..plan(vec![copied("count", "count")])
    };
    becomes(guarded(), r#"{"count": 3, "inner": {}, "second": "x"}"#, "{}");
    becomes(guarded(), r#"{"count": 4}"#, r#"{"count": 4}"#);
    refused(guarded(), r#"{"count": 7}"#, "count");
    refused(guarded(), r#"{"inner": {"value": 1}}"#, "inner");
    let always = MessagePlan { checks: vec![check(Condition::Always, None)], ..plan(Vec::new()) };
    refused(always, "{}", "");
    let set = || MessagePlan { checks: vec![check(Condition::Always, Some(path("From", "name")))], ..plan(Vec::new()) };
    becomes(set(), "{}", "{}");
    refused(set(), r#"{"name": "x"}"#, "name");
}

#[test]
fn what_is_left_of_a_message_whose_fields_part_ways_is_lost() {
    let parting =
        |policy| MessagePlan { losses: vec![loss("inner", policy)], ..plan(vec![copied("inner.key", "name")]) };
    becomes(parting(Policy::Refuse), r#"{"inner": {"key": "x"}}"#, r#"{"name": "x"}"#);
    becomes(parting(Policy::Drop), r#"{"inner": {"key": "x", "value": 1}}"#, r#"{"name": "x"}"#);
    refused(parting(Policy::Refuse), r#"{"inner": {"key": "x", "value": 1}}"#, "inner");
    refused(parting(Policy::Refuse), r#"{"inner": {}}"#, "inner");
    // 5 is taken: only a response may go without it.
    refused(parting(Policy::Pass), r#"{"inner": {"value": 1}}"#, "inner");
    let response = cross(vec![parting(Policy::Pass)], &parse("From", r#"{"inner": {"value": 1}}"#), Use::Response);
    assert_eq!(response, Ok(parse("To", "{}")));
}

#[test]
fn containers_stay_and_hand_on_what_nobody_knows() {
    let container = Container { from: path("From", "inner"), to: path("To", "inner") };
    let contained = MessagePlan { containers: vec![container], ..plan(vec![copied("inner.key", "name")]) };
    becomes(contained.clone(), r#"{"inner": {"key": "x"}}"#, r#"{"name": "x", "inner": {}}"#);
    becomes(contained.clone(), "{}", "{}");
    // Field 5, with number 100 as 1 in it.
    let found = cross(vec![contained], &with_unknown("{}", &[0x2a, 3, 0xa0, 6, 1]), Use::Stored).expect("a message");
    assert_eq!(found.encode_to_vec(), [0x7a, 3, 0xa0, 6, 1]);
}

#[test]
fn unknown_fields_pass_where_their_number_is_free() {
    let plain = || vec![plan(vec![copied("left", "left")])];
    let free = [0xa0, 6, 1];
    let found = cross(plain(), &with_unknown("{}", &free), Use::Request).expect("a message");
    assert_eq!(found.encode_to_vec(), free);
    let taken = with_unknown("{}", &[0xf0, 1, 1]);
    let found = cross(plain(), &taken, Use::Request).expect_err("30 is taken");
    assert_eq!((found.path.as_str(), found.cause), ("#30", Cause::Value));
    assert_eq!(cross(plain(), &taken, Use::Stored).expect_err("30 is taken").path, "#30");
    assert_eq!(cross(plain(), &taken, Use::Response), Ok(parse("To", "{}")));
    // The target declares 40, an arm that the source does not know: the arm that it knows goes first.
    let unknown_arm = [0xc0, 2, 9];
    assert_eq!(cross(plain(), &with_unknown("{}", &unknown_arm), Use::Request), Ok(parse("To", r#"{"later": 9}"#)));
    let both = with_unknown(r#"{"left": "x"}"#, &unknown_arm);
    assert_eq!(cross(plain(), &both, Use::Request), Ok(parse("To", r#"{"left": "x"}"#)));
}

#[test]
fn lists_singular_fields_and_maps_become_each_other() {
    let wide = || value(&[], "i32", "i64");
    becomes(plan(vec![moved("list", "list", Conversion::Each(wide()))]), r#"{"list": [1, 0]}"#, r#"{"list": [1, 0]}"#);
    let into = || plan(vec![moved("count", "list", Conversion::IntoList(wide()))]);
    becomes(into(), r#"{"count": 0}"#, r#"{"list": [0]}"#);
    becomes(into(), "{}", "{}");
    let out = |beyond| plan(vec![moved("list", "number", Conversion::FromList { value: wide(), beyond })]);
    becomes(out(Beyond::Refuse), r#"{"list": [1]}"#, r#"{"number": 1}"#);
    becomes(out(Beyond::First), r#"{"list": [1, 2, 3]}"#, r#"{"number": 1}"#);
    becomes(out(Beyond::Last), r#"{"list": [1, 2, 3]}"#, r#"{"number": 3}"#);
    refused(out(Beyond::Refuse), r#"{"list": [1, 2]}"#, "list");
    let map = Conversion::Map { key: ValueConversion::Copy, value: wide() };
    becomes(plan(vec![moved("map", "map", map)]), r#"{"map": {"a": 0}}"#, r#"{"map": {"a": 0}}"#);
    let (key_field, value_field) = (leaf("Entry", "key"), leaf("Entry", "value"));
    let to_list = Conversion::MapToList { key_field, value_field, key: ValueConversion::Copy, value: wide() };
    becomes(plan(vec![moved("map", "inners", to_list)]), r#"{"map": {"": 1}}"#, r#"{"inners": [{"value": 1}]}"#);
    let to_map = |refuse_duplicates| {
        let (key_field, value_field) = (leaf("Inner", "key"), leaf("Inner", "value"));
        let key = ValueConversion::Copy;
        plan(vec![moved(
            "inners",
            "map",
            Conversion::ListToMap { key_field, value_field, key, value: wide(), refuse_duplicates },
        )])
    };
    becomes(to_map(true), r#"{"inners": [{"key": "a"}, {"value": 1}]}"#, r#"{"map": {"a": 0, "": 1}}"#);
    becomes(to_map(false), r#"{"inners": [{"value": 1}, {"value": 2}]}"#, r#"{"map": {"": 2}}"#);
    refused(to_map(true), r#"{"inners": [{}, {}]}"#, "inners[1]");
}

#[test]
fn strings_are_joined_and_split() {
    let make = |to, value| Make { to: path("To", to), value, when: None, origin: Origin::Line(1) };
    let join = |may_miss| {
        let from = vec![path("From", "name"), path("From", "second")];
        let made = Made::Join { from, separator: "/".to_owned(), may_miss };
        MessagePlan {
            makes: vec![make("name", made)],
            losses: vec![loss("second", Policy::Refuse)],
            ..plan(Vec::new())
        }
    };
    becomes(join(false), r#"{"name": "a", "second": "b/c"}"#, r#"{"name": "a/b/c"}"#);
    becomes(join(false), "{}", "{}");
    becomes(join(true), r#"{"name": "a"}"#, r#"{"name": "a"}"#);
    becomes(join(true), r#"{"second": "a"}"#, r#"{"name": "/a"}"#);
    refused(join(false), r#"{"name": "a"}"#, "second");
    refused(join(true), r#"{"name": "a/b"}"#, "name");
    refused(join(false), r#"{"second": "a"}"#, "name");
    let split = |may_miss| {
        let part =
            |part| Made::Split { from: path("From", "name"), separator: "/".to_owned(), part, parts: 2, may_miss };
        MessagePlan { makes: vec![make("name", part(0)), make("left", part(1))], ..plan(Vec::new()) }
    };
    becomes(split(false), r#"{"name": "a/b/c"}"#, r#"{"name": "a", "left": "b/c"}"#);
    becomes(split(true), r#"{"name": "a"}"#, r#"{"name": "a"}"#);
    becomes(split(false), "{}", "{}");
    becomes(split(true), r#"{"name": "/a"}"#, r#"{"left": "a"}"#);
    refused(split(false), r#"{"name": "a"}"#, "name");
    // What would not come back when the parts are joined.
    for (text, may_miss) in [("a/", true), ("/", true), ("a/", false), ("/a", false)] {
        refused(split(may_miss), &format!(r#"{{"name": "{text}"}}"#), "name");
    }
}

#[test]
fn constants_enter_messages_that_are_there() {
    let made = |into_absent| {
        let value = Made::Constant { value: Value::I64(5), into_absent };
        let make = Make { to: path("To", "inner.value"), value, when: None, origin: Origin::Line(1) };
        MessagePlan { makes: vec![make], ..plan(vec![copied("name", "inner.key")]) }
    };
    becomes(made(false), "{}", "{}");
    becomes(made(true), "{}", r#"{"inner": {"value": 5}}"#);
    becomes(made(false), r#"{"name": "x"}"#, r#"{"inner": {"key": "x", "value": 5}}"#);
}

#[test]
fn the_content_of_an_any_follows_the_plan_of_its_type() {
    let any = || plan(vec![copied("name", "name"), moved("any", "any", Conversion::One(ValueConversion::Any))]);
    let wrapped = |name: &str, content: DynamicMessage| {
        let url = format!("https://example.org/{name}");
        let any = prost_types::Any { type_url: url, value: content.encode_to_vec() };
        any.encode_to_vec()
    };
    let with_any = |target: &str, any: &[u8]| {
        let field = leaf(target, "any");
        let any = DynamicMessage::decode(field.kind().as_message().expect("an Any").clone(), any).expect("an Any");
        let mut message = DynamicMessage::new(message(target));
        message.set_field(&field, Value::Message(any));
        message
    };
    let came = with_any("From", &wrapped("old.From", parse("From", r#"{"name": "x"}"#)));
    let becomes = with_any("To", &wrapped("old.To", parse("To", r#"{"name": "x"}"#)));
    assert_eq!(cross(vec![any()], &came, Use::Request), Ok(becomes));
    let foreign = wrapped("elsewhere.Type", parse("From", r#"{"name": "x"}"#));
    assert_eq!(cross(vec![any()], &with_any("From", &foreign), Use::Request), Ok(with_any("To", &foreign)));
    let unmatched = with_any("From", &wrapped("old.Inner", parse("Inner", "{}")));
    assert_eq!(cross(vec![any()], &unmatched, Use::Request).expect_err("no counterpart").cause, Cause::Absent);
}

fn form(name: &str) -> Form {
    match leaf("Scalars", name).kind() {
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => Form::Timestamp,
            "google.protobuf.Duration" => Form::Duration,
            _ => Form::Wrapper(Kind::Int64),
        },
        kind => Form::Plain(kind),
    }
}

/// From the kind of one field of `Scalars` to that of another.
fn value(changes: &[Change], from: &str, to: &str) -> ValueConversion {
    let changes = changes.to_vec();
    ValueConversion::Scalar(ScalarConversion {
        read: form(from),
        changes,
        write: form(to),
        absent: None,
        refuse_absent: false,
    })
}

fn one(changes: &[Change], from: &str, to: &str) -> Conversion {
    Conversion::One(value(changes, from, to))
}

/// What becomes of the field `from` of `Scalars`, in JSON, when it goes to the field `to` by `changes`.
fn scalar(from: &str, changes: &[Change], to: &str, absent: Option<Value>, input: &str) -> String {
    let conversion =
        ScalarConversion { read: form(from), changes: changes.to_vec(), write: form(to), absent, refuse_absent: false };
    let step = Move {
        from: path("Scalars", from),
        to: path("Scalars", to),
        conversion: Conversion::One(ValueConversion::Scalar(conversion)),
        when: None,
        origin: Origin::Line(1),
    };
    let plan = MessagePlan { moves: vec![step], ..empty_plan("Scalars", "Scalars") };
    let input = if input.is_empty() { "{}".to_owned() } else { format!("{{\"{from}\": {input}}}") };
    match cross(vec![plan], &parse("Scalars", &input), Use::Request) {
        Err(refused) => {
            assert_eq!((refused.path.as_str(), refused.cause), (from, Cause::Value), "{refused}");
            "refused".to_owned()
        }
        Ok(message) => {
            let json = serde_json::to_value(&message).expect("JSON");
            json.get(to).map_or_else(|| "absent".to_owned(), ToString::to_string)
        }
    }
}

#[track_caller]
fn scalars(from: &str, changes: &[Change], to: &str, cases: &[(&str, &str)]) {
    for (input, output) in cases {
        assert_eq!(scalar(from, changes, to, None, input), *output, "{from} {input} to {to} by {changes:?}");
    }
}

#[test]
fn integers_stay_in_the_range_of_what_they_become() {
    scalars(
        "i64",
        &[],
        "i32",
        &[("2147483647", "2147483647"), ("2147483648", "refused"), ("-2147483648", "-2147483648")],
    );
    scalars("i64", &[], "u64", &[("-1", "refused"), ("1", "\"1\"")]);
    scalars("i32", &[], "b", &[("1", "true"), ("2", "refused")]);
    scalars("i64", &[Change::Fit(Kind::Int32)], "d", &[("2147483648", "refused")]);
    scalars("e", &[], "i32", &[("\"TWO\"", "2"), ("77", "77")]);
    scalars("i64", &[], "w", &[("5", "\"5\""), ("", "absent")]);
    scalars("w", &[], "i64", &[("5", "\"5\""), ("0", "absent")]);
}

#[test]
fn remainders_go_where_the_rounding_says() {
    let tenth = |rounding| [Change::Scale { numerator: 1, denominator: 10, rounding }];
    let whole = |rounding| [Change::FloatToInteger(rounding)];
    for (rounding, outputs) in [
        (Rounding::Refuse, ["\"2\"", "refused", "refused"]),
        (Rounding::Floor, ["\"2\"", "\"2\"", "\"-3\""]),
        (Rounding::Ceiling, ["\"2\"", "\"3\"", "\"-2\""]),
        (Rounding::Nearest, ["\"2\"", "\"3\"", "\"-3\""]),
        (Rounding::Zero, ["\"2\"", "\"2\"", "\"-2\""]),
    ] {
        for ((integer, float), output) in [("20", "2"), ("25", "2.5"), ("-25", "-2.5")].into_iter().zip(outputs) {
            scalars("i64", &tenth(rounding), "i64", &[(integer, output)]);
            scalars("d", &whole(rounding), "i64", &[(float, output)]);
        }
    }
    scalars("i64", &tenth(Rounding::Nearest), "i64", &[("-24", "\"-2\""), ("-26", "\"-3\"")]);
    scalars("d", &whole(Rounding::Zero), "i64", &[("\"NaN\"", "refused"), ("1e300", "refused"), ("1e19", "refused")]);
    scalars("d", &[Change::Scale { numerator: 3, denominator: 2, rounding: Rounding::Refuse }], "d", &[("3", "4.5")]);
}

#[test]
fn floats_are_exact_or_refused() {
    let big = "9007199254740993";
    scalars("i64", &[Change::IntegerToFloat], "d", &[("9007199254740992", "9007199254740992.0"), (big, "refused")]);
    scalars("d", &[], "f", &[("0.5", "0.5"), ("0.1", "refused"), ("\"NaN\"", "\"NaN\""), ("1e300", "refused")]);
    scalars("d", &[Change::ToSingle], "d", &[("0.1", "refused"), ("\"-Infinity\"", "\"-Infinity\"")]);
    scalars("f", &[], "d", &[("0.5", "0.5")]);
}

#[test]
fn tables_say_what_stands_for_what() {
    let table = |unknown| {
        let entries = vec![(Cell::Number(0), Cell::Number(5)), (Cell::Number(1), Cell::Text("one".to_owned()))];
        let names = vec![(0, "ZERO".to_owned()), (1, "ONE".to_owned()), (2, "TWO".to_owned())];
        [Change::Table(Arc::new(Table { entries, unknown, names }))]
    };
    scalars("o", &table(Unknown::Refuse), "i32", &[("0", "5"), ("2", "refused"), ("9", "refused"), ("", "absent")]);
    scalars("o", &table(Unknown::Pass), "i32", &[("0", "5"), ("2", "refused"), ("9", "9")]);
    scalars("o", &table(Unknown::To(Cell::Number(8))), "i32", &[("0", "5"), ("2", "8"), ("9", "8")]);
    scalars("o", &table(Unknown::Refuse), "s", &[("1", "\"one\"")]);
    // Where an absent field means its zero, what becomes of the zero is written out.
    assert_eq!(scalar("i32", &table(Unknown::Refuse), "i32", Some(Value::I32(5)), ""), "5");
    assert_eq!(scalar("i32", &[Change::Settle], "i32", Some(Value::I32(5)), "3"), "3");
    assert_eq!(scalar("o", &[Change::Settle], "i32", Some(Value::I32(5)), "0"), "5");
}

#[test]
fn text_stands_for_bytes() {
    let both = |encoding, cases: &[(&str, &str)]| {
        for (bytes, text) in cases {
            scalars("y", &[Change::Encode(encoding)], "s", &[(bytes, text)]);
            scalars("s", &[Change::Decode(encoding)], "y", &[(text, bytes)]);
        }
    };
    both(Encoding::Base64, &[("\"+/8=\"", "\"+/8=\""), ("\"AQID\"", "\"AQID\"")]);
    both(Encoding::Base64Url, &[("\"+/8=\"", "\"-_8\"")]);
    both(Encoding::Hex, &[("\"+/8=\"", "\"fbff\"")]);
    let decode = |encoding, text| scalars("s", &[Change::Decode(encoding)], "y", &[(text, "refused")]);
    for text in ["\"+/9=\"", "\"+\"", "\"+/8==\"", "\"-_8\"", "\"a b\""] {
        decode(Encoding::Base64, text);
    }
    decode(Encoding::Hex, "\"0\"");
    decode(Encoding::Hex, "\"0g\"");
    scalars("s", &[Change::Decode(Encoding::Base64)], "y", &[("\"+/8\"", "\"+/8=\"")]);
    scalars("s", &[Change::Decode(Encoding::Hex)], "y", &[("\"FBff\"", "\"+/8=\"")]);
    scalars("y", &[Change::Utf8], "s", &[("\"+/8=\"", "refused"), ("\"w6Q=\"", "\"ä\"")]);
    scalars("s", &[Change::AsBytes], "y", &[("\"ä\"", "\"w6Q=\"")]);
}

#[test]
fn text_stands_for_numbers() {
    scalars("s", &[Change::ParseInteger], "i64", &[("\"-12\"", "\"-12\""), ("\"007\"", "\"7\"")]);
    for text in ["\"+1\"", "\" 1\"", "\"1.0\"", "\"-\"", "\"9223372036854775808\"", "\"1e3\"", "\"٣\""] {
        scalars("s", &[Change::ParseInteger], "i64", &[(text, "refused")]);
    }
    scalars("i64", &[Change::FormatInteger], "s", &[("-12", "\"-12\"")]);
    scalars(
        "s",
        &[Change::ParseFloat { single: false }],
        "d",
        &[("\"1e3\"", "1000.0"), ("\"-Infinity\"", "\"-Infinity\"")],
    );
    for text in ["\"inf\"", "\"1e999\"", "\"+1\"", "\".5\"", "\"1 \"", "\"01\"", "\"0x1\"", "\"nan\""] {
        scalars("s", &[Change::ParseFloat { single: false }], "d", &[(text, "refused")]);
    }
    scalars(
        "d",
        &[Change::FormatFloat { single: false }],
        "s",
        &[("0.1", "\"0.1\""), ("3", "\"3\""), ("1e300", "\"1e300\"")],
    );
    scalars("d", &[Change::FormatFloat { single: false }], "s", &[("\"NaN\"", "\"NaN\"")]);
    scalars("f", &[Change::FormatFloat { single: true }], "s", &[("0.1", "\"0.1\"")]);
}

#[test]
fn times_are_nanoseconds() {
    let second = Change::Scale { numerator: 1, denominator: 1_000_000_000, rounding: Rounding::Refuse };
    let back = Change::Scale { numerator: 1_000_000_000, denominator: 1, rounding: Rounding::Refuse };
    let time = "\"1969-12-31T23:59:59.500Z\"";
    scalars("t", &[], "i64", &[(time, "\"-500000000\"")]);
    scalars("i64", &[], "t", &[("-500000000", time)]);
    scalars("t", &[second], "i64", &[("\"2001-09-09T01:46:40Z\"", "\"1000000000\""), (time, "refused")]);
    scalars("i64", &[back], "t", &[("1000000000", "\"2001-09-09T01:46:40Z\""), ("253402300800", "refused")]);
    scalars("u", &[], "i64", &[("\"-1.5s\"", "\"-1500000000\"")]);
    scalars("i64", &[], "u", &[("-1500000000", "\"-1.500s\"")]);
    scalars("t", &[Change::FormatTime], "s", &[(time, time)]);
    scalars(
        "s",
        &[Change::ParseTime],
        "t",
        &[(time, time), ("\"1970-01-01t01:00:00+01:00\"", "\"1970-01-01T00:00:00Z\"")],
    );
    for text in
        ["1970-01-01", "1970-01-01 00:00:00Z", "1970-01-01T00:00:00", "1970-02-30T00:00:00Z", "1970-01-01T00:00:60Z"]
    {
        scalars("s", &[Change::ParseTime], "t", &[(&format!("\"{text}\""), "refused")]);
    }
    scalars("s", &[Change::ParseTime], "t", &[("\"1970-01-01T00:00:00.0000000001Z\"", "refused")]);
}
