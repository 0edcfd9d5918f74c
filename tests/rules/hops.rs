//! Which methods rules bridge, and what keeps them from it.

use straddle::protocol::{Cause, Hop};

use crate::{load, load_versions};

/// What it shows; the declarations of both versions, with a service `S` and its method `Call`; the step; how callers of
/// the older and of the newer version fare: `same`, `rules`, or what is open.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const CALL: &str = "service S { rpc Call(Q) returns (R); }";
const READ: &str = "service S { rpc Call(Q) returns (R) { option idempotency_level = NO_SIDE_EFFECTS; } }";

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("a type that widens", "message Q { int32 a = 1; } message R {} CALL", "message Q { int64 a = 1; } message R {} CALL", "", "rules", "rules"),
    ("a response that narrows comes too late", "message Q {} message R { int32 a = 1; } CALL", "message Q {} message R { int64 a = 1; } CALL", "",
        "p.R.a: a value may be out of the range of int32, so a response may be refused after the call has run", "rules"),
    ("a response that narrows, of a method that changes nothing", "message Q {} message R { int32 a = 1; } READ", "message Q {} message R { int64 a = 1; } READ", "", "rules", "rules"),
    ("a response that narrows, accepted by name", "message Q {} message R { int32 a = 1; } CALL", "message Q {} message R { int64 a = 1; } CALL", "accept_refused_responses = [\"p.S.Call\"]", "rules", "rules"),
    ("a response that narrows, accepted for a service", "message Q {} message R { int32 a = 1; } CALL", "message Q {} message R { int64 a = 1; } CALL", "accept_refused_responses = [\"p.S\"]", "rules", "rules"),
    ("a response that loses passes", "message Q {} message R { int32 a = 1; } CALL", "message Q {} message R {} CALL", "", "rules", "rules"),
    ("a response whose loss is refused", "message Q {} message R { int32 a = 1; } CALL", "message Q {} message R {} CALL", "loss = { response = \"refuse\" }",
        "rules", "p.R.a: has no counterpart, and its loss is refused"),
    ("a response that a rule refuses", "message Q {} message R { int32 a = 1; } CALL", "message Q {} message R { int32 a = 1; int32 b = 2; } CALL", "[messages.\"p.R\"]\nrules = [{ new = \"b\", refuse = \"no b\" }]",
        "p.R.b: no b, so a response may be refused", "same"),
    ("a response that an expression makes", "message Q {} message R { string a = 1; } CALL", "message Q {} message R { string b = 2; } CALL", "[messages.\"p.R\"]\nrules = [{ old = \"a\", down = \"new.b\" }, { old = \"a\", new = \"b\", direction = \"up\" }]",
        "p.R: the expression `new.b` may fail", "rules"),
    ("an enum that gains a value in a response", "message Q {} message R { E e = 1; } enum E { Z = 0; } CALL", "message Q {} message R { E e = 1; int32 a = 2; } enum E { Z = 0; Y = 1; } CALL", "[messages.\"p.Q\"]\nloss = { request = \"drop\" }",
        "same", "same"),
    ("an enum whose values shift, in a response", "message Q {} message R { E e = 1; } enum E { Z = 0; Y = 1; } CALL", "message Q {} message R { E e = 1; } enum E { Z = 0; X = 1; Y = 2; } CALL", "",
        "p.R.e: the value X has no counterpart", "rules"),
    ("an enum whose values shift, with a word for each", "message Q {} message R { E e = 1; } enum E { Z = 0; Y = 1; } CALL", "message Q {} message R { E e = 1; } enum E { Z = 0; X = 1; Y = 2; } CALL", "[enums.\"p.E\"]\ndown = { X = \"Z\" }",
        "rules", "rules"),
    ("a conversion that nobody knows", "message Q { bool a = 1; } message R {} CALL", "message Q { string a = 1; } message R {} CALL", "", "p.Q.a: ", "p.Q.a: "),
    ("what is open deep inside", "message Q { N n = 1; } message N { bool a = 1; } message R {} CALL", "message Q { N n = 1; } message N { string a = 1; } message R {} CALL", "", "p.N.a: ", "p.N.a: "),
    ("a new field of a request", "message Q {} message R {} CALL", "message Q { int32 a = 1; } message R {} CALL", "", "same", "rules"),
    ("a new field of a request, vouched for", "message Q {} message R {} CALL", "message Q { int32 a = 1; } message R {} CALL", "[future]\nsame = [\"p.S\"]", "same", "same"),
    ("a rule for a message that did not change", "message Q { int32 a = 1; } message R {} CALL", "message Q { int32 a = 1; } message R {} CALL", "[messages.\"p.Q\"]\nrules = [{ refuse = \"no\", direction = \"down\", when = \"new.a > 1\" }]", "same", "rules"),
    ("a request under another name", "message Q { int32 a = 1; } message R {} CALL", "message Request { int64 a = 1; } message R {} service S { rpc Call(Request) returns (R); }", "", "rules", "rules"),
    ("a response that was nothing", "message Q {} message Nothing {} service S { rpc Call(Q) returns (Nothing); }", "message Q {} message Nothing {} message R { int32 a = 1; } CALL", "", "same", "same"),
    ("a method that streams now", "message Q {} message R {} CALL", "message Q {} message R {} service S { rpc Call(Q) returns (stream R); }", "", "p.S.Call: was unary, is server-streaming", "p.S.Call: was unary, is server-streaming"),
    ("a oneof that gains an arm", "message Q { oneof o { int32 a = 1; } } message R {} CALL", "message Q { oneof o { int32 a = 1; int32 b = 2; } } message R {} CALL", "", "rules", "rules"),
    ("an Any that may hold what is gone, in a request", "message Q { google.protobuf.Any a = 1; } message R {} message N {} CALL", "message Q { google.protobuf.Any a = 1; } message R {} CALL", "", "rules", "rules"),
    ("an Any that may hold what is gone, in a response", "message Q {} message R { google.protobuf.Any a = 1; } message N {} CALL", "message Q {} message R { google.protobuf.Any a = 1; } CALL", "",
        "rules", "google.protobuf.Any: may hold p.N, which is gone"),
    ("an Any that may hold what a rule speaks of", "message Q { google.protobuf.Any a = 1; } message R {} message N { int32 a = 1; } CALL", "message Q { google.protobuf.Any a = 1; } message R {} message N { int32 a = 1; } CALL", "[messages.\"p.N\"]\nrules = [{ old = \"a\", refuse = \"no\" }]", "rules", "same"),
    ("a field that is undecided", "message Q { int32 a = 1; } message R {} CALL", "message Q { int32 b = 2; } message R {} CALL", "undecided = [\"p.Q.a\"]", "p.Q.a: is left undecided by line 2 of step.toml", "p.Q.a: is left undecided by line 2 of step.toml"),
    ("a field of the newer version that is undecided, deep inside", "message Q { N n = 1; } message N {} message R {} CALL", "message Q { N n = 1; } message N { int32 a = 1; } message R {} CALL", "undecided = [\"p.N.a\"]", "p.N.a: is left undecided", "p.N.a: is left undecided"),
    ("a message that is undecided though nothing changed", "message Q { N n = 1; } message N {} message R {} CALL", "message Q { N n = 1; } message N {} message R {} CALL", "undecided = [\"p.N\"]", "p.N: is left undecided", "p.N: is left undecided"),
    ("a message without a counterpart that is undecided", "message Q { N n = 1; } message N {} message R {} CALL", "message Q {} message O {} message R {} CALL", "undecided = [\"p.N\"]", "p.Q.n: `p.N` is left undecided by line 2", "p.Q.n: `p.N` is left undecided by line 2"),
    ("a value of an enum that is undecided, in a map", "message Q { map<int32, E> e = 1; } enum E { Z = 0; Y = 1; } message R {} CALL", "message Q { map<int32, E> e = 1; } enum E { Z = 0; Y = 1; } message R {} CALL", "undecided = [\"p.E.Y\"]", "p.Q.e: `p.E.Y` is left undecided by line 2", "p.Q.e: `p.E.Y` is left undecided by line 2"),
    ("what is undecided elsewhere", "message Q { int32 a = 1; } message N { int32 a = 1; } message R {} CALL", "message Q { int32 a = 1; } message N { int32 a = 1; } message R {} CALL", "undecided = [\"p.N.a\"]", "same", "same"),
    ("what is undecided in an Any", "message Q { google.protobuf.Any a = 1; } message N { int32 a = 1; } message R {} CALL", "message Q { google.protobuf.Any a = 1; } message N { int32 a = 1; } message R {} CALL", "undecided = [\"p.N.a\"]", "rules", "rules"),
    ("what is undecided, and code", "message Q { int32 a = 1; } message R {} CALL", "message Q { int32 a = 1; } message R {} CALL", "undecided = [\"p.Q.a\"]\n[past]\ncode = [\"p.S\"]", "code", "p.Q.a: is left undecided"),
    ("code goes first", "message Q { int32 a = 1; } message R {} CALL", "message Q { int64 a = 1; } message R {} CALL", "[past]\ncode = [\"p.S\"]", "code", "rules"),
];

fn told(hop: &Hop) -> String {
    match hop {
        Hop::Same { .. } => "same".to_owned(),
        Hop::Rules { .. } => "rules".to_owned(),
        Hop::Code { .. } => "code".to_owned(),
        Hop::Refused(Cause::Open(open)) => open.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        other => format!("{other:?}"),
    }
}

#[test]
fn each_method_is_bridged_or_says_what_is_open() {
    let mut wrong = Vec::new();
    for (name, old, new, step, past, future) in CASES {
        let [old, new] = [old, new].map(|text| text.replace("CALL", CALL).replace("READ", READ));
        let protocol = load(&old, &new, step);
        let step = &protocol.steps()[0];
        for (side, hop, expected) in [("past", &step.past()[0], past), ("future", &step.future()[0], future)] {
            let found = told(hop);
            let fits = if expected.contains(' ') { found.contains(expected) } else { found == *expected };
            if !fits {
                wrong.push(format!("{name} ({side}):\n  expected {expected}\n  found {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_rules_bridge_still_says_why_it_is_not_the_same() {
    let (old, new) = ("message Q { int32 a = 1; }", "message Q { int64 a = 1; bool b = 2; }");
    let [old, new] = [old, new].map(|text| format!("{text} message R {{}} {CALL}"));
    let protocol = load(&old, &new, "");
    let Hop::Rules { counterpart: 0, differences } = &protocol.steps()[0].future()[0] else {
        panic!("rules bridge it")
    };
    let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["p.Q.a: was int32, is int64", "p.Q.b: is new; the older side passes over it"]);
}

#[test]
fn a_loss_that_a_step_refuses_counts_across_a_minor_step_too() {
    let old = format!("message Q {{}} message R {{}} {CALL}");
    let new = old.replace("Q {}", "Q { int32 a = 1; }");
    let hop = |step: &str| {
        let protocol = load_versions("1.1.0", &old, &new, step).unwrap_or_else(|error| panic!("{error}"));
        told(&protocol.steps()[0].future()[0])
    };
    assert_eq!(hop(""), "same");
    assert_eq!(hop("loss = { request = \"refuse\" }"), "rules");
}

#[test]
fn packages_and_services_take_their_methods_along() {
    let of = |package: &str, service: &str| {
        format!("package {package}; message Q {{}} message R {{}} service {service} {{ rpc Call(Q) returns (R); }}")
    };
    let by_package = load(&of("a", "S"), &of("b", "S"), "[rename.packages]\n\"a\" = \"b\"");
    let by_service = load(&of("p", "S"), &of("p", "T"), "[rename.services]\n\"p.S\" = \"p.T\"");
    let by_both =
        load(&of("a", "S"), &of("b", "T"), "[rename.packages]\n\"a\" = \"b\"\n[rename.services]\n\"a.S\" = \"b.T\"");
    for protocol in [by_package, by_service, by_both] {
        let step = &protocol.steps()[0];
        assert_eq!([told(&step.past()[0]), told(&step.future()[0])], ["same", "same"]);
    }
}
