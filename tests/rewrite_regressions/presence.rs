//! Messages that come into being, or do not: constants, defaults, zeros.

use straddle::protocol::plan::Use;

use super::{Case, agree, becomes};

#[test]
fn a_value_that_becomes_zero_on_the_way_brings_no_message_into_being() {
    let enums = "enum E { ZERO = 0; TWO = 2; }";
    let before = "message M { E f = 1; } enum E { ZERO = 0; ONE = 1; TWO = 2; }";
    let between = format!("message M {{ E f = 1; }} {enums}");
    let after = format!("message M {{ N n = 2; }} message N {{ E f = 1; }} {enums}");
    let versions = &[
        (before, ""),
        (between.as_str(), "[enums.\"p.E\"]\nup = { ONE = \"ZERO\" }\nunknown = \"pass\""),
        (after.as_str(), "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"n.f\" }]"),
    ];
    agree(&Case { versions, from: 0, to: 2, used: Use::Request, bytes: &[0x08, 1], refused: false });
}

#[test]
fn a_zero_that_is_set_brings_its_message_into_being_before_it_vanishes() {
    let nest = "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"n.f\" }]";
    let unit = "[messages.\"p.N\"]\nrules = [{ old = \"f\", new = \"f\", unit = \"s\" }]";
    let versions = &[
        ("message M { oneof o { int64 f = 1; } }", ""),
        ("message M { N n = 2; } message N { int64 f = 1; }", nest),
        ("message M { N n = 2; } message N { google.protobuf.Duration f = 1; }", unit),
    ];
    agree(&Case { versions, from: 0, to: 2, used: Use::Request, bytes: &[0x08, 0], refused: false });
}

#[test]
fn what_stands_for_an_absent_value_is_written_into_a_message_that_comes_into_being_later() {
    let old = "message M { C c = 1; int32 f = 2; } message C { optional int32 x = 1; }";
    let new = "message M { C c = 1; } message C { optional int32 x = 1; int32 g = 2; }";
    let rules = "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"c.g\" }]
        [messages.\"p.C\"]\nrules = [{ old = \"x\", new = \"x\", default = { up = 9 } }]";
    let versions = &[(old, ""), (new, rules)];
    let case = Case { versions, from: 0, to: 1, used: Use::Request, bytes: &[0x10, 5], refused: false };
    becomes(&case, &[0x0a, 4, 0x08, 9, 0x10, 5]);
    becomes(&Case { bytes: &[], ..case }, &[]);
}

#[test]
fn a_zero_that_stands_for_nothing_refuses_the_message_that_comes_into_being_later() {
    let old = "message M { C c = 1; int32 f = 2; } message C { E x = 1; } enum E { ZERO = 0; ONE = 1; }";
    let new = "message M { C c = 1; } message C { string x = 1; int32 g = 2; }";
    let rules = "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"c.g\" }]
        [messages.\"p.C\"]\nrules = [{ old = \"x\", new = \"x\", values = { ONE = \"one\" } }]";
    let versions = &[(old, ""), (new, rules)];
    let case = Case { versions, from: 0, to: 1, used: Use::Request, bytes: &[0x10, 5], refused: true };
    agree(&case);
    agree(&Case { bytes: &[0x0a, 0], ..case });
    agree(&Case { bytes: &[], refused: false, ..case });
    agree(&Case { bytes: &[0x0a, 2, 0x08, 1, 0x10, 5], refused: false, ..case });
}

#[test]
fn a_zero_that_stands_for_nothing_is_refused_though_it_was_absent_a_hop_before() {
    let state = "enum E { ZERO = 0; ONE = 1; }";
    let (old, between) =
        (format!("message M {{ E f = 1; }} {state}"), format!("message M {{ string f = 1; }} {state}"));
    let new = format!("message M {{ optional string f = 1; }} {state}");
    let rules = "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"f\", text = \"decimal\" }]";
    let versions = &[(old.as_str(), ""), (between.as_str(), rules), (new.as_str(), "")];
    for bytes in [&[][..], &[0x0a, 0]] {
        agree(&Case { versions, from: 2, to: 0, used: Use::Request, bytes, refused: true });
    }
    let bytes = &[0x0a, 3, b'O', b'N', b'E'];
    agree(&Case { versions, from: 2, to: 0, used: Use::Request, bytes, refused: false });
}

#[test]
fn a_constant_of_a_message_that_comes_into_being_on_the_way_brings_none_into_being() {
    let nest = "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"n.g\" }]";
    let constant = "[messages.\"p.N\"]\nrules = [{ new = \"x\", value = true }]";
    let versions = &[
        ("message M { optional int32 f = 1; }", ""),
        ("message M { N n = 2; } message N { optional int32 g = 1; }", nest),
        ("message M { N n = 2; } message N { optional int32 g = 1; bool x = 3; }", constant),
    ];
    let case = Case { versions, from: 0, to: 2, used: Use::Request, bytes: &[], refused: false };
    becomes(&case, &[]);
    becomes(&Case { bytes: &[0x08, 0], ..case }, &[0x12, 4, 0x08, 0, 0x18, 1]);
}

#[test]
fn a_constant_is_written_into_a_message_that_something_later_is_written_into_too() {
    let versions = &[
        ("message M { int32 a = 1; string s = 2; }", ""),
        (
            "message M { N n = 1; } message N { C c = 1; int32 x = 2; } message C { int32 y = 1; string z = 2; }",
            "[messages.\"p.M\"]\nrules = [{ old = \"a\", new = \"n.c.y\" }, { new = \"n.x\", value = 5 },
                { new = \"n.c.z\", up = \"old.s\", when = { up = \"old.s != ''\" } }]",
        ),
    ];
    let case = Case { versions, from: 0, to: 1, used: Use::Response, bytes: &[0x08, 3], refused: false };
    becomes(&case, &[0x0a, 6, 0x0a, 2, 0x08, 3, 0x10, 5]);
    becomes(&Case { bytes: &[], ..case }, &[]);
    becomes(&Case { bytes: &[0x12, 1, b'z'], ..case }, &[0x0a, 7, 0x0a, 3, 0x12, 1, b'z', 0x10, 5]);
}

#[test]
fn a_zero_that_vanishes_in_a_message_brings_none_into_being_within_it() {
    let nest = |from: &str, to: &str| format!("rules = [{{ old = \"{from}\", new = \"{to}\" }}]");
    let (first, second) = (nest("f", "n.g"), nest("g", "i.h"));
    let (first, second) = (format!("[messages.\"p.M\"]\n{first}"), format!("[messages.\"p.N\"]\n{second}"));
    let versions = &[
        ("message M { optional int32 f = 1; }", ""),
        ("message M { N n = 2; } message N { int32 g = 1; }", first.as_str()),
        ("message M { N n = 2; } message N { I i = 3; } message I { int32 h = 1; }", second.as_str()),
    ];
    let case = Case { versions, from: 0, to: 2, used: Use::Stored, bytes: &[0x08, 0], refused: false };
    becomes(&case, &[0x12, 0]);
    becomes(&Case { bytes: &[0x08, 1], ..case }, &[0x12, 4, 0x1a, 2, 0x08, 1]);
}

#[test]
fn a_message_that_is_there_for_a_value_that_goes_on_elsewhere_stays() {
    let into = "[messages.\"p.M\"]\nrules = [{ old = \"a\", new = \"f.a\" }]";
    let out = "[messages.\"p.M\"]\nrules = [{ old = \"f.a\", new = \"b\" }]";
    let versions = &[
        ("message M { F f = 3; repeated string a = 1; } message F { int32 z = 1; }", ""),
        ("message M { F f = 3; } message F { int32 z = 1; repeated string a = 5; }", into),
        ("message M { F f = 3; repeated string b = 4; } message F { int32 z = 1; repeated string a = 5; }", out),
    ];
    let bytes = &[0x0a, 1, b'x'];
    let case = Case { versions, from: 0, to: 2, used: Use::Request, bytes, refused: false };
    becomes(&case, &[0x1a, 0, 0x22, 1, b'x']);
}

#[test]
fn what_stands_for_an_absent_arm_is_written_though_another_arm_came() {
    let rules = "[messages.\"p.M\"]\nrules = [{ old = \"a\", new = \"a\", default = { up = 9 } }, { old = \"b\", drop = true }]";
    let versions =
        &[("message M { oneof o { int32 a = 1; int32 b = 2; } }", ""), ("message M { int32 a = 3; }", rules)];
    let case = Case { versions, from: 0, to: 1, used: Use::Request, bytes: &[0x10, 1], refused: false };
    becomes(&case, &[0x18, 9]);
    becomes(&Case { bytes: &[0x08, 4], ..case }, &[0x18, 4]);
    becomes(&Case { bytes: &[0x08, 4, 0x10, 1], ..case }, &[0x18, 9]);
}

#[test]
fn a_constant_within_a_message_is_taken_back_with_the_message() {
    let rules = "[messages.\"p.M\"]\nrules = [{ new = \"s.t.k\", value = \"K\" }, { new = \"z.n\", value = 0 }]\nloss = { request = \"refuse\" }";
    let inner = "message S { T t = 1; int32 more = 2; } message T { string k = 1; }";
    let new = format!("message M {{ int32 a = 1; S s = 2; Z z = 3; }} message Z {{ int32 n = 1; }} {inner}");
    let versions = &[("message M { int32 a = 1; }", ""), (new.as_str(), rules)];
    let there = Case { versions, from: 0, to: 1, used: Use::Request, bytes: &[0x08, 1], refused: false };
    let made = [0x08, 1, 0x12, 5, 0x0a, 3, 0x0a, 1, b'K', 0x1a, 0];
    becomes(&there, &made);
    let back = Case { from: 1, to: 0, bytes: &made, ..there };
    becomes(&back, &[0x08, 1]);
    // Another value, and what else is there, are losses.
    agree(&Case { bytes: &[0x12, 5, 0x0a, 3, 0x0a, 1, b'L'], refused: true, ..back });
    agree(&Case { bytes: &[0x12, 7, 0x0a, 3, 0x0a, 1, b'K', 0x10, 1], refused: true, ..back });
    agree(&Case { bytes: &[0x12, 0], refused: true, ..back });
}

#[test]
fn what_stands_for_an_absent_value_of_a_message_that_is_absent_goes_nowhere() {
    let text = "[messages.\"p.I\"]\nrules = [{ old = \"a\", new = \"b\", text = \"decimal\" }]";
    let out = "[messages.\"p.M\"]\nrules = [{ old = \"f.b\", new = \"h\" }]";
    let versions = &[
        ("message M { I f = 1; } message I { fixed32 a = 1; }", ""),
        ("message M { I f = 1; } message I { string b = 2; }", text),
        ("message M { I f = 1; string h = 3; } message I { string b = 2; }", out),
    ];
    let case = Case { versions, from: 0, to: 2, used: Use::Request, bytes: &[], refused: false };
    becomes(&case, &[]);
    becomes(&Case { bytes: &[0x0a, 0], ..case }, &[0x0a, 0, 0x1a, 1, b'0']);
}

#[test]
fn a_constant_of_a_message_brings_none_into_being_within_another_message() {
    let nest = "[messages.\"p.K\"]\nrules = [{ old = \"f\", new = \"n.g\" }]";
    let constant = "[messages.\"p.N\"]\nrules = [{ new = \"a\", value = 9 }]";
    let versions = &[
        ("message M { K k = 3; } message K { optional sint32 f = 1; }", ""),
        ("message M { K k = 3; } message K { N n = 5; } message N { optional sint32 g = 1; }", nest),
        ("message M { K k = 3; } message K { N n = 5; } message N { optional sint32 g = 1; sint32 a = 2; }", constant),
    ];
    for used in Use::ALL {
        let case = |bytes| Case { versions, from: 0, to: 2, used, bytes, refused: false };
        becomes(&case(&[0x1a, 0]), &[0x1a, 0]);
        becomes(&case(&[0x1a, 2, 0x08, 2]), &[0x1a, 6, 0x2a, 4, 0x08, 2, 0x10, 18]);
    }
}

#[test]
fn a_zero_that_passes_is_nothing_that_is_left_of_a_message() {
    let nest = "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"n.g\" }]";
    for (lost, zero, other) in [
        ("int32", &[0x3a, 4, 0x10, 0, 0x0a, 0][..], &[0x3a, 4, 0x10, 1, 0x0a, 0][..]),
        ("repeated int32", &[0x3a, 4, 0x12, 0, 0x0a, 0], &[0x3a, 5, 0x12, 1, 0, 0x0a, 0]),
        ("optional int32", &[0x3a, 2, 0x0a, 0], &[0x3a, 4, 0x10, 0, 0x0a, 0]),
    ] {
        let newest = format!("message M {{ N n = 7; }} message N {{ K g = 1; {lost} a = 2; }} message K {{}}");
        let versions = &[
            ("message M { K f = 4; } message K {}", ""),
            ("message M { N n = 7; } message N { K g = 1; } message K {}", nest),
            (newest.as_str(), ""),
        ];
        for used in Use::ALL {
            let case = |bytes, refused| Case { versions, from: 2, to: 0, used, bytes, refused };
            becomes(&case(zero, false), &[0x22, 0]);
            agree(&case(other, used != Use::Response));
        }
    }
}
