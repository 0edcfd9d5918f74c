//! Small pairs of messages, what a step says of them, and the plans of both directions.

use straddle::protocol::plan::Direction::{Down, Up};
use straddle::protocol::plan::Use;

use crate::load;
use crate::show::{lines, plan, plan_for};

/// What it shows; the messages of both versions; the rules of `p.M` (or the step, where it starts with a table); the
/// plans of `p.M` up and down, a line a part.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const ADDRESS: &str = "message M { string name = 1; Spec spec = 2; } message Spec { string a = 1; string b = 2; }";

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("names meet whatever their numbers", "message M { string a = 1; int32 b = 2; }", "message M { int32 b = 1; string a = 2; }", "",
        &["a -> a", "b -> b"], &["b -> b", "a -> a"]),
    ("what only one side has is lost", "message M { string a = 1; string b = 2; }", "message M { string a = 1; string c = 3; }", "",
        &["a -> a", "loss b RpR"], &["a -> a", "loss c RpR"]),
    ("a rename", "message M { string qty = 1; }", "message M { string quantity = 4; }", r#"{ old = "qty", new = "quantity" }"#,
        &["qty -> quantity @2"], &["quantity -> qty @2"]),
    ("a rename in its table", "message M { string qty = 1; }", "message M { string quantity = 1; }", "[rename.fields]\n\"p.M.qty\" = \"quantity\"",
        &["qty -> quantity @2"], &["quantity -> qty @2"]),
    ("two names change places", "message M { string a = 1; string b = 2; }", "message M { string a = 1; string b = 2; }", r#"{ old = "a", new = "b" }, { old = "b", new = "a" }"#,
        &["a -> b @2", "b -> a @2"], &["b -> a @2", "a -> b @2"]),
    ("a number under another name is open", "message M { string a = 1; }", "message M { string b = 1; }", "",
        &["loss a RpR", "open p.M.a: 2.0.0 calls number 1 `b`: say whether that is a rename ({ old = …, new = … }), or what becomes of each"],
        &["loss b RpR", "open p.M.b: 1.0.0 calls number 1 `a`: say whether that is a rename ({ old = …, new = … }), or what becomes of each"]),
    ("a number under another name is none of the same type", "message M { string a = 1; }", "message M { bytes b = 1; }", "",
        &["loss a RpR"], &["loss b RpR"]),
    ("a word about one of the two is enough", "message M { string a = 1; }", "message M { string b = 1; }", r#"{ old = "a", drop = true }"#,
        &["loss a ddd @2"], &["loss b RpR"]),
    ("numbers count where the message says so", "message M { string a = 1; }", "message M { string b = 1; }", "[messages.\"p.M\"]\nmatch = \"number\"",
        &["a -> b #"], &["b -> a #"]),
    ("numbers count where the step says so, but names go first", "message M { string a = 1; string c = 2; }", "message M { string b = 1; string c = 3; }", "match = \"number\"",
        &["c -> c", "a -> b #"], &["c -> c", "b -> a #"]),
    ("nest and flatten", "message M { string warehouse = 1; }", "message M { Location location = 2; } message Location { string warehouse = 1; string shelf = 2; }", r#"{ old = "warehouse", new = "location.warehouse" }"#,
        &["warehouse -> location.warehouse @2"], &["location.warehouse -> warehouse @2", "loss location RpR"]),
    ("a container of both sides is taken apart", ADDRESS, "message M { string name = 1; Spec spec = 2; string a = 3; } message Spec { string b = 2; }", r#"{ old = "spec.a", new = "a" }"#,
        &["container spec -> spec", "name -> name", "spec.b -> spec.b", "spec.a -> a @2"],
        &["container spec -> spec", "name -> name", "spec.b -> spec.b", "a -> spec.a @2"]),
    ("a container under another name is taken apart", ADDRESS, "message M { string name = 1; Spec body = 2; string a = 3; } message Spec { string b = 2; }", r#"{ old = "spec", new = "body" }, { old = "spec.a", new = "a" }"#,
        &["container spec -> body", "name -> name", "spec.b -> body.b", "spec.a -> a @2"],
        &["container body -> spec", "name -> name", "body.b -> spec.b", "a -> spec.a @2"]),
    ("what is lost within a container is listed there", ADDRESS, "message M { string name = 1; Spec spec = 2; string a = 3; } message Spec { string c = 3; }", r#"{ old = "spec.a", new = "a" }"#,
        &["container spec -> spec", "name -> name", "spec.a -> a @2", "loss spec.b RpR"],
        &["container spec -> spec", "name -> name", "a -> spec.a @2", "loss spec.c RpR"]),
    ("a container brings the rules of its message along", ADDRESS, "message M { string name = 1; Spec spec = 2; string a = 3; } message Spec { string bee = 2; }", "[messages.\"p.M\"]\nrules = [{ old = \"spec.a\", new = \"a\" }]\n[messages.\"p.Spec\"]\nrules = [{ old = \"b\", new = \"bee\" }]",
        &["container spec -> spec", "name -> name", "spec.a -> a @2", "spec.b -> spec.bee @4"],
        &["container spec -> spec", "name -> name", "a -> spec.a @2", "spec.bee -> spec.b @4"]),
    ("a constant", "message M { string a = 1; }", "message M { string a = 1; Kind kind = 2; } enum Kind { KIND_NONE = 0; KIND_GOOD = 1; }", r#"{ new = "kind", value = "KIND_GOOD" }"#,
        &["a -> a", "kind = 1 @2"], &["drop kind is 1 @2", "a -> a", "loss kind RpR"]),
    ("a constant of the older side", "message M { string a = 1; bool b = 2; }", "message M { string a = 1; }", r#"{ old = "b", value = true }"#,
        &["drop b is true @2", "a -> a", "loss b RpR"], &["a -> a", "b = true @2"]),
    ("a constant in a message that something else makes", "message M { string a = 1; }", "message M { N n = 1; } message N { string a = 1; bool b = 2; }", r#"{ old = "a", new = "n.a" }, { new = "n.b", value = true }"#,
        &["a -> n.a @2", "n.b = true if there @2"], &["drop n.b is true @2", "n.a -> a @2", "loss n RpR"]),
    ("a constant in a message that nothing else makes", "message M { string a = 1; }", "message M { string a = 1; N n = 2; } message N { bool b = 2; }", r#"{ new = "n.b", value = true }"#,
        &["a -> a", "n.b = true @2"], &["drop n.b is true @2", "a -> a", "loss n RpR"]),
    ("an expression consumes what it reads", "message M { string name = 1; string sku = 2; string x = 3; }", "message M { string title = 9; }", r#"{ new = "title", up = "old.name + old.sku" }, { old = "name", down = "new.title" }"#,
        &["title = old.name + old.sku @2", "loss x RpR"], &["name = new.title @2"]),
    ("an expression under a condition does not always consume", "message M { string name = 1; }", "message M { string title = 9; }", r#"{ new = "title", up = "old.name", when = "old.name != 'x'" }"#,
        &["title = old.name when old.name != 'x' @2", "loss name RpR"], &["loss title RpR"]),
    ("an expression that reads into a message", ADDRESS, "message M { string name = 1; Spec spec = 2; string a = 3; } message Spec { string b = 2; }", r#"{ new = "a", up = "old.spec.a" }"#,
        &["container spec -> spec", "name -> name", "spec.b -> spec.b", "a = old.spec.a @2"],
        &["name -> name", "spec -> spec p.Spec as p.Spec", "loss a RpR"]),
    ("a condition", "message M { string a = 1; string b = 2; }", "message M { string c = 3; string b = 2; }", r#"{ old = "a", new = "c", when = { up = "old.b == 'x'", down = "new.b == 'x'" } }"#,
        &["b -> b", "a -> c when old.b == 'x' @2", "loss a RpR"], &["b -> b", "c -> a when new.b == 'x' @2", "loss c RpR"]),
    ("one direction only", "message M { string a = 1; }", "message M { string b = 2; }", r#"{ old = "a", new = "b", direction = "up" }"#,
        &["a -> b @2"], &["loss b RpR"]),
    ("what may go when it says nothing", "message M { N n = 1; } message N {}", "message M {}", r#"{ old = "n", drop = "empty" }"#,
        &["drop n empty @2", "loss n RpR"], &[]),
    ("what may go under a condition goes first", "message M { int32 a = 1; }", "message M { int32 a = 1; }", r#"{ new = "a", drop = true, when = "new.a > 3" }"#,
        &["a -> a"], &["drop a if new.a > 3 @2", "a -> a"]),
    ("what is refused", "message M { string a = 1; }", "message M { string a = 1; string b = 2; }", r#"{ new = "b", refuse = "no", advice = "leave it" }"#,
        &["a -> a"], &["a -> a", "loss b RRR: no @2"]),
    ("what is refused under a condition", "message M { string a = 1; }", "message M { string a = 1; int32 b = 2; }", r#"{ new = "b", refuse = "no", when = "new.b > 1" }, { refuse = "never", direction = "up", when = "old.a == ''" }"#,
        &["check message if old.a == '': never @2", "a -> a"], &["check b if new.b > 1: no @2", "a -> a", "loss b RpR"]),
    ("a field that is refused goes nowhere by its name", "message M { string a = 1; }", "message M { string a = 1; }", r#"{ old = "a", refuse = "no" }"#,
        &["loss a RRR: no @2"], &["a -> a"]),
    ("loss of a field before its message before the step", "message M { int32 a = 1; int32 b = 2; }", "message M {}", "loss = { request = \"pass\", response = \"drop\" }\n[messages.\"p.M\"]\nloss = { request = \"drop\", up = { stored = \"pass\" } }\nrules = [{ old = \"b\", loss = { response = \"refuse\" } }]",
        &["loss a ddp", "loss b dRp @4"], &[]),
    ("loss of one direction", "message M { int32 a = 1; }", "message M { int32 b = 2; }", "loss = { request = \"drop\", down = { request = \"refuse\" } }",
        &["loss a dpR"], &["loss b RpR"]),
    ("drop of a message speaks of what no rule moves", "message M { string a = 1; }", "message M { N n = 2; } message N { string a = 1; string b = 2; }", r#"{ old = "a", new = "n.a" }, { new = "n", drop = true }"#,
        &["a -> n.a @2"], &["n.a -> a @2", "loss n ddd @2"]),
    ("a part of what is lost may have a policy of its own", "message M { string a = 1; }", "message M { string a = 1; N n = 2; } message N { string b = 1; }", r#"{ new = "n.b", drop = true }"#,
        &["a -> a"], &["a -> a", "loss n RpR", "loss n.b ddd @2"]),
    ("a policy reaches into a message of both", "message M { N n = 1; } message N { string a = 1; string b = 2; }", "message M { N n = 1; } message N { string a = 1; }", r#"{ old = "n", loss = { request = "drop" } }"#,
        &["container n -> n", "n.a -> n.a", "loss n.b dpR @2"], &["n -> n p.N as p.N"]),
    ("join and split", "message M { string first = 1; string last = 2; }", "message M { string name = 3; }", r#"{ old = ["first", "last"], new = "name", join = " ", missing = "empty" }"#,
        &["name = join first,last \" \" true @2"], &["first = split name \" \" 0/2 true @2", "last = split name \" \" 1/2 true @2"]),
    ("one of several", "message M { string a = 1; }", "message M { repeated string b = 2; }", r#"{ old = "a", new = "b", beyond = "last" }"#,
        &["a -> b into list @2"], &["b -> a from list Last @2"]),
    ("one of several without a word is open", "message M { string a = 1; }", "message M { repeated string a = 1; }", "",
        &["loss a RpR", "open p.M.a: "], &["loss a RpR", "open p.M.a: "]),
    ("a rule that does not say it all leaves it open", "message M { bool a = 1; }", "message M { string b = 2; }", r#"{ old = "a", new = "b" }"#,
        &["loss a RpR", "open p.M.a: the rule of line 3 does not say it all: "], &["loss b RpR", "open p.M.b: the rule of line 3 does not say it all: "]),
    ("messages that did not change are copied", "message M { N n = 1; map<string, N> m = 2; } message N { N n = 1; string a = 2; }", "message M { N n = 3; map<string, N> m = 4; } message N { N n = 1; string a = 2; }", "",
        &["n -> n", "m -> m map"], &["n -> n", "m -> m map"]),
    ("messages that contain themselves and changed are not", "message M { M m = 1; }", "message M { M m = 1; int32 a = 2; }", "",
        &["m -> m p.M as p.M"], &["m -> m p.M as p.M", "loss a RpR"]),
    ("messages that have no counterpart meet where fields do", "message M { N n = 1; } message N { string a = 1; int32 b = 2; }", "message M { O n = 1; } message O { string a = 1; }", "",
        &["n -> n p.N as p.O"], &["n -> n p.O as p.N"]),
    ("a mask speaks of the only message beside it", "message M { N n = 1; google.protobuf.FieldMask mask = 2; } message N { string a = 1; }", "message M { N n = 1; google.protobuf.FieldMask mask = 2; } message N { string a = 3; string b = 4; }", "",
        &["n -> n p.N as p.N", "mask -> mask mask p.N as p.N"], &["n -> n p.N as p.N", "mask -> mask mask p.N as p.N"]),
    ("a mask of what a rule says", "message M { N n = 1; O o = 2; google.protobuf.FieldMask mask = 3; } message N { string a = 1; } message O { string a = 1; }", "message M { N n = 1; O o = 2; google.protobuf.FieldMask mask = 3; } message N { string b = 1; } message O { string a = 1; }", "[rename.fields]\n\"p.N.a\" = \"b\"\n[messages.\"p.M\"]\nrules = [{ old = \"mask\", new = \"mask\", mask = \"n\" }]",
        &["n -> n p.N as p.N", "o -> o", "mask -> mask mask p.N as p.N @4"], &["n -> n p.N as p.N", "o -> o", "mask -> mask mask p.N as p.N @4"]),
    ("a mask that may speak of several is open", "message M { N n = 1; O o = 2; google.protobuf.FieldMask mask = 3; } message N { string a = 1; } message O { string a = 1; }", "message M { N n = 1; O o = 2; google.protobuf.FieldMask mask = 3; } message N { string b = 1; } message O { string a = 1; }", "[rename.fields]\n\"p.N.a\" = \"b\"",
        &["n -> n p.N as p.N", "o -> o", "loss mask RpR", "open p.M.mask: a mask, but of what?"], &["n -> n p.N as p.N", "o -> o", "loss mask RpR", "open p.M.mask: a mask, but of what?"]),
    ("a required field without a source is open", "message M { required int32 a = 1; }", "message M { required int32 a = 1; required int32 b = 2; }", "",
        &["a -> a", "open p.M.b: is required, but may not come out of this step"], &["a -> a", "loss b RpR"]),
    ("a required field with a constant", "message M { required int32 a = 1; }", "message M { required int32 a = 1; required int32 b = 2; }", r#"{ new = "b", value = 7 }"#,
        &["a -> a", "b = 7 @2"], &["drop b is 7 @2", "a -> a", "loss b RpR"]),
    ("a field that becomes required", "message M { required int32 b = 1; optional int32 a = 2; }", "message M { required int32 b = 1; required int32 a = 2; }", "",
        &["b -> b", "a -> a", "open p.M.a: is required, but may not come out of this step"], &["b -> b", "a -> a"]),
    ("a message that is renamed takes along what is nested in it", "message M { N.Inner i = 1; } message N { message Inner { string a = 1; } }", "message M { O.Inner i = 1; } message O { message Inner { string a = 1; string b = 2; } }", "[rename.messages]\n\"p.N\" = \"p.O\"",
        &["i -> i p.N.Inner as p.O.Inner"], &["i -> i p.O.Inner as p.N.Inner"]),
    ("rules that reach into a message that contains itself", "message M { string a = 1; M m = 2; }", "message M { string a = 1; M m = 2; string b = 3; }", r#"{ old = "m.a", new = "b" }"#,
        &["a -> a", "m.a -> b @2", "loss m RpR", "open p.M.m: rules reach into this field, which leads into `p.M` again"],
        &["a -> a", "b -> m.a @2", "loss m RpR", "open p.M.m: rules reach into this field, which leads into `p.M` again"]),
    ("a rename that is taken apart, of a message that contains itself", "message M { string x = 1; M child = 2; }", "message M { string y = 1; M kid = 2; }", r#"{ old = "child", new = "kid" }, { old = "child.x", new = "y" }"#,
        &["child.x -> y @2", "loss x RpR", "loss child RpR", "open p.M.child: rules reach into this field, which leads into `p.M` again"],
        &["y -> child.x @2", "loss kid RpR", "open p.M.kid: rules reach into this field, which leads into `p.M` again"]),
    ("fields that become arms of a oneof", "message M { string a = 1; int32 b = 2; N n = 3; } message N {}", "message M { oneof o { string a = 1; int32 b = 2; N n = 3; } } message N {}", "",
        &["check message if size([has(old.a), has(old.b), has(old.n)].filter(set, set)) > 1: `a` and `b` and `n` exclude each other in 2.0.0", "a -> a", "b -> b", "n -> n"],
        &["a -> a", "b -> b", "n -> n"]),
    ("arms that stay arms", "message M { oneof o { string a = 1; string b = 2; } }", "message M { oneof p { string a = 1; string b = 2; } }", "", &["a -> a", "b -> b"], &["a -> a", "b -> b"]),
    ("two oneofs that become one", "message M { oneof o { string a = 1; string b = 2; } oneof p { string c = 3; } }", "message M { oneof o { string a = 1; string b = 2; string c = 3; } }", "",
        &["check message if size([has(old.a), has(old.b), has(old.c)].filter(set, set)) > 1: `a` and `b` and `c` exclude each other in 2.0.0", "a -> a", "b -> b", "c -> c"],
        &["a -> a", "b -> b", "c -> c"]),
    ("a part that brings an arm along with its message", "message M { oneof o { N n = 1; string a = 2; } } message N { string x = 1; string y = 2; }", "message M { oneof o { N n = 1; string a = 2; } string x = 3; } message N { string y = 2; }", r#"{ old = "n.x", new = "x" }"#,
        &["container n -> n", "n.y -> n.y", "a -> a", "n.x -> x @2"],
        &["check message if size([has(new.n) || has(new.x), has(new.a)].filter(set, set)) > 1: `n` or `x` and `a` exclude each other in 1.0.0", "container n -> n", "n.y -> n.y", "a -> a", "x -> n.x @2"]),
    ("a constant beside what is carried into its oneof", "message M { string a = 1; }", "message M { oneof o { string b = 2; string c = 3; } }", r#"{ old = "a", new = "b" }, { new = "c", value = "x" }"#,
        &["check message if size([has(old.a), true].filter(set, set)) > 1: `a` and what line 3 makes exclude each other in 2.0.0", "a -> b @2", "c = \"x\" @2"],
        &["drop c is \"x\" @2", "b -> a @2", "loss c RpR"]),
    ("two conditions that may both hold", "message M { string a = 1; string b = 2; }", "message M { string c = 3; }", r#"{ old = "a", new = "c", direction = "up", when = "old.a != 'x'" }, { old = "b", new = "c", direction = "up", when = "old.b != 'x'" }"#,
        &["check message if size([has(old.a) && (old.a != 'x'), has(old.b) && (old.b != 'x')].filter(set, set)) > 1: `a` and `b` exclude each other in 2.0.0", "a -> c when old.a != 'x' @2", "b -> c when old.b != 'x' @2", "loss a RpR", "loss b RpR"],
        &["loss c RpR"]),
    ("a message of the same form may be another one", "message M { L l = 1; } message L { N n = 1; } message N { string a = 1; }", "message M { L l = 1; } message L { N n = 1; } message N { string a = 1; } message K { string a = 1; }", "[rename.messages]\n\"p.N\" = \"p.K\"",
        &["l -> l p.L as p.L"], &["l -> l p.L as p.L"]),
];

#[test]
fn each_pair_of_messages_has_the_plan_that_its_rules_say() {
    let mut wrong = Vec::new();
    for (name, old, new, said, up, down) in CASES {
        let step = match said.chars().next() {
            Some('{') => format!("[messages.\"p.M\"]\nrules = [{said}]"),
            _ => (*said).to_owned(),
        };
        let protocol = load(old, new, &step);
        for (way, direction, expected) in [("up", Up, up), ("down", Down, down)] {
            let found = lines(plan(&protocol, direction, "p.M"));
            let fits = found.len() == expected.len()
                && found.iter().zip(*expected).all(|(line, expected)| {
                    line == expected || expected.starts_with("open ") && line.starts_with(expected)
                });
            if !fits {
                wrong.push(format!("{name} ({way}):\n  expected {expected:#?}\n  found {found:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_rule_for_one_use_is_not_there_for_another() {
    let old = "message M { string a = 1; int64 time = 2; string gone = 3; }";
    let new = "message M { string a = 1; google.protobuf.Timestamp time = 4; Kind kind = 5; } enum Kind { NONE = 0; GOOD = 1; }";
    let rules = r#"[messages."p.M"]
rules = [
    { old = "time", new = "time", unit = "s", rounding = "floor", use = ["response", "stored"] },
    { old = "time", drop = true, use = "request" },
    { new = "kind", value = "GOOD", use = "response" },
    { new = "kind", drop = true, when = "new.kind == p.Kind.GOOD", use = "stored" },
    { old = "gone", refuse = "no", use = "stored" },
]"#;
    let protocol = load(old, new, rules);
    let told = |direction, used| lines(plan_for(&protocol, direction, used, "p.M"));
    let open = "open p.M.time: `google.protobuf.Timestamp time` and `int64 time` do not meet by themselves: write `unit = \"s\"` or another unit, or an expression";
    assert_eq!(told(Up, Use::Request), ["a -> a", "loss time ddd @4", "loss gone RpR"]);
    assert_eq!(told(Up, Use::Response), ["a -> a", "time -> time scalar @3", "kind = 1 @5", "loss gone RpR"]);
    assert_eq!(told(Up, Use::Stored), ["a -> a", "time -> time scalar @3", "loss gone RRR: no @7"]);
    // Nothing is said of requests that come down.
    assert_eq!(told(Down, Use::Request), ["a -> a", "loss time RpR", "loss kind RpR", open]);
    let response = ["drop kind is 1 @5", "a -> a", "time -> time scalar @3", "loss kind RpR"];
    assert_eq!(told(Down, Use::Response), response);
    let stored = ["drop kind if new.kind == p.Kind.GOOD @6", "a -> a", "time -> time scalar @3", "loss kind RpR"];
    assert_eq!(told(Down, Use::Stored), stored);
}

#[test]
fn a_package_takes_its_messages_along_and_the_more_exact_name_goes_first() {
    let old = "package a; message M { N n = 1; } message N { string x = 1; } message K { string k = 1; }";
    let new = "package b; message M { N n = 1; } message N { string x = 1; } message L { string k = 1; }";
    let protocol = load(old, new, "[rename.packages]\n\"a\" = \"b\"\n[rename.messages]\n\"a.K\" = \"b.L\"");
    let step = &protocol.steps()[0];
    for (source, target) in [("a.M", "b.M"), ("a.N", "b.N"), ("a.K", "b.L")] {
        assert_eq!(step.plans(Up).counterpart(source), Some(target));
        assert_eq!(step.plans(Down).counterpart(target), Some(source));
    }
    assert_eq!(lines(plan(&protocol, Up, "a.M")), ["n -> n"]);
}

#[test]
fn two_messages_that_change_names_are_not_taken_for_those_that_had_them() {
    let old = "message M { A a = 1; B b = 2; } message A { string x = 1; } message B { string x = 1; int32 y = 2; }";
    let new = "message M { B a = 1; A b = 2; } message B { string x = 1; } message A { string x = 1; int32 y = 2; bool z = 3; }";
    let protocol = load(old, new, "[rename.messages]\n\"p.A\" = \"p.B\"\n\"p.B\" = \"p.A\"");
    assert_eq!(lines(plan(&protocol, Up, "p.M")), ["a -> a", "b -> b p.B as p.A"]);
    assert_eq!(lines(plan(&protocol, Down, "p.M")), ["a -> a", "b -> b p.A as p.B"]);
}

#[test]
fn what_gets_lost_in_requests_passes_across_a_step_that_only_adds() {
    let (old, new) = ("message M { string a = 1; }", "message M { string a = 1; string b = 2; }");
    let protocol = crate::load_versions("1.1.0", old, new, "").unwrap_or_else(|error| panic!("{error}"));
    assert!(!protocol.steps()[0].is_breaking());
    assert_eq!(lines(plan(&protocol, Down, "p.M")), ["a -> a", "loss b ppR"]);
}

#[test]
fn a_step_is_breaking_where_its_schemas_are_whatever_its_number() {
    let (old, new) = ("message M { string a = 1; }", "message M { bytes a = 1; string b = 2; }");
    let protocol = crate::load_versions("1.1.0", old, new, "").unwrap_or_else(|error| panic!("{error}"));
    assert!(protocol.steps()[0].is_breaking());
    assert_eq!(lines(plan(&protocol, Down, "p.M")), ["a -> a scalar", "loss b RpR"]);
}
