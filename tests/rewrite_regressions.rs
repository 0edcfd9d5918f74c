//! Small protocols on which several hops, or the engine and the reference, once came to different things.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/judge.rs"]
mod judge;
#[path = "support/reference.rs"]
mod reference;
#[path = "support/same.rs"]
#[expect(dead_code, reason = "these tests compare what is unknown, too")]
mod same;

use judge::{Known, Trial, Verdict};
use straddle::Protocol;
use straddle::protocol::plan::Use;
use straddle::rewrite::Rewrite;

/// Versions as (the messages of the proto, the rules of the step), the message, from which version to which, its bytes,
/// and whether it is refused.
struct Case<'a> {
    versions: &'a [(&'a str, &'a str)],
    from: usize,
    to: usize,
    used: Use,
    bytes: &'a [u8],
    refused: bool,
}

fn agree(case: &Case<'_>) {
    let mut files = vec![("protocol.toml".to_owned(), "name = \"p\"\n".to_owned())];
    for (index, (proto, rules)) in case.versions.iter().enumerate() {
        let version = format!("1.{index}.0");
        let imports = "import \"google/protobuf/duration.proto\";";
        files.push((format!("{version}/p.proto"), format!("syntax = \"proto3\"; package p; {imports} {proto}")));
        if index > 0 {
            files.push((format!("{version}/step.toml"), format!("from = \"1.{}.0\"\n{rules}", index - 1)));
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = folder::folder(&files);
    let protocol = Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{error}"));
    let rewrite =
        Rewrite::new(&protocol, case.from, case.to, "p.M", case.used).unwrap_or_else(|error| panic!("{error}"));
    let message = |version: usize| protocol.versions()[version].pool().get_message_by_name("p.M").expect("the message");
    let known = Known::new(&protocol, case.to);
    let trial = Trial {
        protocol: &protocol,
        from: case.from,
        to: case.to,
        used: case.used,
        source: message(case.from),
        target: message(case.to),
        rewrite,
        known: &known,
    };
    match trial.judge(case.bytes) {
        Verdict::Accepted => assert!(!case.refused, "it is to be refused"),
        Verdict::Refused => assert!(case.refused, "it is refused"),
        Verdict::Unreadable => panic!("the bytes are no message"),
        Verdict::Wrong(_) => panic!("{}", trial.told(case.bytes)),
    }
}

#[test]
fn a_join_refuses_whichever_part_is_missing() {
    let rules =
        "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = [\"a\", \"b\"], join = \" \", missing = \"refuse\" }]";
    let versions = &[("message M { string f = 1; }", ""), ("message M { string a = 2; string b = 3; }", rules)];
    for bytes in [&[0x12, 1, b'x'][..], &[0x1a, 1, b'x']] {
        agree(&Case { versions, from: 1, to: 0, used: Use::Request, bytes, refused: true });
    }
}

#[test]
fn a_condition_sees_only_the_last_arm_of_a_oneof() {
    let proto = "message M { oneof o { M a = 1; int32 b = 2; } }";
    let rules = "[messages.\"p.M\"]\nrules = [{ refuse = \"no\", direction = \"up\", when = \"has(old.a)\" }]";
    let versions = &[(proto, ""), (proto, rules)];
    agree(&Case { versions, from: 0, to: 1, used: Use::Request, bytes: &[0x0a, 0, 0x10, 1], refused: false });
    agree(&Case { versions, from: 0, to: 1, used: Use::Request, bytes: &[0x10, 1, 0x0a, 0], refused: true });
}

#[test]
fn what_lies_in_an_arm_goes_with_it() {
    let inner = "message I { int32 other = 2;";
    let old = format!("message M {{ oneof o {{ I a = 1; I b = 2; }} }} {inner} repeated string inner = 1; }}");
    let new = format!(
        "message M {{ oneof o {{ I a = 1; I b = 2; }} repeated string c = 3; repeated string d = 4; }} {inner} }}"
    );
    let rules = "[messages.\"p.M\"]\nrules = [{ old = \"a.inner\", new = \"c\" }, { old = \"b.inner\", new = \"d\" }]";
    let versions = &[(old.as_str(), ""), (new.as_str(), rules)];
    let bytes = &[0x0a, 3, 0x0a, 1, b'x', 0x12, 0];
    agree(&Case { versions, from: 0, to: 1, used: Use::Request, bytes, refused: false });
}

#[test]
fn an_unknown_number_that_means_something_else_is_refused_beside_an_arm_too() {
    let versions = &[
        ("message M { oneof o { int32 a = 1; int32 b = 2; } }", ""),
        ("message M { oneof o { int32 a = 7; int32 b = 2; } }", ""),
        ("message M { oneof o { int32 a = 7; int32 b = 2; } string c = 1; }", ""),
    ];
    agree(&Case { versions, from: 1, to: 0, used: Use::Request, bytes: &[0x38, 1, 0x08, 1], refused: true });
}

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
fn what_passed_within_a_message_passes_with_it_or_not_at_all() {
    let nest = "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"n.g\" }]";
    let versions = &[
        ("message M { fixed32 f = 4; }", ""),
        ("message M { N n = 5; } message N { fixed32 g = 1; }", nest),
        ("message M { N n = 5; } message N { fixed32 g = 1; double more = 2; }", ""),
    ];
    let bytes = &[0x2a, 9, 0x11, 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f];
    agree(&Case { versions, from: 2, to: 0, used: Use::Response, bytes, refused: false });
}

#[test]
fn messages_that_lead_into_arms_exclude_each_other() {
    let rules = "[messages.\"p.M\"]\nrules = [{ old = \"a.x\", new = \"x\" }]";
    let versions = &[
        ("message M { oneof o { I a = 1; int32 b = 2; } } message I { int32 x = 1; }", ""),
        ("message M { int32 b = 2; int32 x = 3; } message I { int32 x = 1; }", rules),
    ];
    agree(&Case { versions, from: 1, to: 0, used: Use::Stored, bytes: &[0x10, 1, 0x18, 1], refused: true });
    agree(&Case { versions, from: 1, to: 0, used: Use::Stored, bytes: &[0x18, 1], refused: false });
}

#[test]
fn what_is_dropped_within_a_message_leaves_it_empty() {
    let nest = "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"n.g\" }]";
    let drop = "[messages.\"p.N\"]\nrules = [{ new = \"more\", drop = true }]";
    let versions = &[
        ("message M { fixed32 f = 4; }", ""),
        ("message M { N n = 5; reserved 4; } message N { fixed32 g = 1; }", nest),
        ("message M { N n = 5; reserved 4; } message N { fixed32 g = 1; double more = 2; }", drop),
    ];
    let bytes = &[0x2a, 9, 0x11, 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f];
    agree(&Case { versions, from: 2, to: 0, used: Use::Stored, bytes, refused: true });
}

#[test]
fn what_goes_out_of_a_message_leaves_it_empty() {
    let nest = "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"n.g\" }]";
    let more = "[messages.\"p.M\"]\nrules = [{ old = \"h\", new = \"n.h\" }]";
    let versions = &[
        ("message M { fixed32 f = 4; int32 h = 6; }", ""),
        ("message M { N n = 5; int32 h = 6; reserved 4; } message N { fixed32 g = 1; }", nest),
        ("message M { N n = 5; reserved 4; } message N { fixed32 g = 1; int32 h = 2; }", more),
    ];
    for bytes in [&[0x2a, 2, 0x10, 1][..], &[0x2a, 7, 0x10, 1, 0x0d, 1, 0, 0, 0]] {
        let refused = bytes.len() == 4;
        agree(&Case { versions, from: 2, to: 0, used: Use::Stored, bytes, refused });
    }
}

#[test]
fn a_zero_of_32_bits_is_one_however_it_is_written() {
    // Above the 32 bits that count, there is something.
    for bytes in [&[0x08, 0x80, 0x80, 0x80, 0x80, 0x10][..], &[0x08, 0x80, 0x00], &[0x08, 0x00]] {
        let versions = [("message M { int32 a = 1; }", ""), ("message M { optional int32 a = 1; }", "")];
        agree(&Case { versions: &versions, from: 0, to: 1, used: Use::Request, bytes, refused: false });
    }
}

#[test]
fn arms_that_are_messages_push_each_other_out_where_only_numbers_change() {
    let rules = "[messages.\"p.M\"]\nrules = [{ old = \"c\", new = \"d\" }]\n";
    let arms = "oneof o { M a = 1; M b = 2; }";
    let (old, new) = (format!("message M {{ {arms} int32 c = 3; }}"), format!("message M {{ {arms} int32 d = 4; }}"));
    // `a` with a number in it, and then `b`; and `a` in two pieces.
    for bytes in [&[0x0a, 0x02, 0x18, 0x05, 0x12, 0x00][..], &[0x0a, 0x02, 0x18, 0x05, 0x0a, 0x02, 0x18, 0x06]] {
        let versions = [(old.as_str(), ""), (new.as_str(), rules)];
        agree(&Case { versions: &versions, from: 0, to: 1, used: Use::Request, bytes, refused: false });
    }
}
