//! Small protocols on which several hops, or the engine and the reference, once came to different things.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

#[path = "rewrite_regressions/presence.rs"]
mod presence;
#[path = "rewrite_regressions/swift.rs"]
mod swift;

use prost_reflect::DynamicMessage;
use straddle::Protocol;
use straddle::protocol::plan::Use;
use straddle::rewrite::{Limits, Rewrite};
use straddle::verify::judge::{Known, Trial, Verdict};
use straddle::verify::same;

/// Versions as (the messages of the proto, the rules of the step), the message, from which version to which, its bytes,
/// and whether it is refused.
#[derive(Clone, Copy)]
struct Case<'a> {
    versions: &'a [(&'a str, &'a str)],
    from: usize,
    to: usize,
    used: Use,
    bytes: &'a [u8],
    refused: bool,
}

/// A protocol of these versions.
fn protocol(versions: &[(&str, &str)]) -> Protocol {
    let mut files = vec![("protocol.toml".to_owned(), "name = \"p\"\n".to_owned())];
    for (index, (proto, rules)) in versions.iter().enumerate() {
        let version = format!("1.{index}.0");
        let imports = "import \"google/protobuf/any.proto\"; import \"google/protobuf/duration.proto\"; import \"google/protobuf/field_mask.proto\";";
        files.push((format!("{version}/p.proto"), format!("syntax = \"proto3\"; package p; {imports} {proto}")));
        if index > 0 {
            files.push((format!("{version}/step.toml"), format!("from = \"1.{}.0\"\n{rules}", index - 1)));
        }
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = folder::folder(&files);
    Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

fn agree(case: &Case<'_>) {
    let protocol = protocol(case.versions);
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
    assert_eq!(trial.swift_fault(case.bytes), None);
    match trial.judge(case.bytes) {
        Verdict::Accepted => assert!(!case.refused, "it is to be refused"),
        Verdict::Refused => assert!(case.refused, "it is refused"),
        Verdict::Unreadable => panic!("the bytes are no message"),
        Verdict::Wrong(_) => panic!("{}", trial.told(case.bytes)),
    }
}

/// The engine and the reference agree on what comes of it, which is this.
fn becomes(case: &Case<'_>, expected: &[u8]) {
    agree(case);
    let protocol = protocol(case.versions);
    let rewrite = Rewrite::new(&protocol, case.from, case.to, "p.M", case.used);
    let rewrite = rewrite.unwrap_or_else(|error| panic!("{error}"));
    let message = protocol.versions()[case.to].pool().get_message_by_name("p.M").expect("the message");
    let read = |bytes: &[u8]| DynamicMessage::decode(message.clone(), bytes).expect("a message");
    let rewritten =
        rewrite.apply(&case.bytes.to_vec().into(), &Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    let (found, expected) = (read(&rewritten.into_bytes()), read(expected));
    assert_eq!(same::difference(&expected, &found, &same::Plain), None, "{}", same::shown(&found));
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
fn what_an_entry_has_no_place_for_is_refused_or_left_out_of_responses() {
    let rules = "[messages.\"p.M\"]\nrules = [{ old = \"l\", new = \"l\", key = \"k\", value = \"v\" }]";
    let versions = &[
        ("message M { repeated E l = 1; } message E { string k = 1; int32 v = 2; }", ""),
        ("message M { map<string, int32> l = 1; }", rules),
    ];
    for (used, refused) in [(Use::Request, true), (Use::Stored, true), (Use::Response, false)] {
        agree(&Case { versions, from: 0, to: 1, used, bytes: &[0x0a, 5, 0x0a, 1, b'x', 0x38, 1], refused });
        agree(&Case { versions, from: 0, to: 1, used, bytes: &[0x0a, 3, 0x0a, 1, b'x'], refused: false });
    }
}

#[test]
fn what_stands_beside_a_message_in_an_any_is_refused_or_left_out_of_responses() {
    let rules = "[messages.\"p.N\"]\nrules = [{ old = \"a\", new = \"b\" }]";
    let versions = &[
        ("message M { google.protobuf.Any a = 1; } message N { int32 a = 1; }", ""),
        ("message M { google.protobuf.Any a = 1; } message N { int32 b = 2; }", rules),
    ];
    let any = |name: &[u8]| [&[0x0a, 12, 0x0a, 4][..], name, &[0x12, 2, 0x08, 1, 0x38, 1]].concat();
    for (used, refused) in [(Use::Request, true), (Use::Stored, true), (Use::Response, false)] {
        agree(&Case { versions, from: 0, to: 1, used, bytes: &any(b"/p.N"), refused });
        // Of a type that the protocol does not declare it passes as it is.
        agree(&Case { versions, from: 0, to: 1, used, bytes: &any(b"/q.N"), refused: false });
    }
}

#[test]
fn what_is_lost_does_not_overwrite_what_is_moved_to_its_number() {
    let proto = "message M { C c = 1; } message C { int32 a = 1; int32 b = 2; }";
    let versions =
        &[(proto, ""), (proto, "[messages.\"p.M\"]\nrules = [{ old = \"c.b\", new = \"c.a\", direction = \"up\" }]")];
    for bytes in [&[0x0a, 4, 0x08, 3, 0x10, 4][..], &[0x0a, 4, 0x10, 4, 0x08, 3]] {
        let case = |used, refused| Case { versions, from: 0, to: 1, used, bytes, refused };
        becomes(&case(Use::Response, false), &[0x0a, 2, 0x08, 4]);
        agree(&case(Use::Request, true));
    }
}

#[test]
fn what_a_later_hop_refuses_to_lose_is_refused_though_an_expression_reads_it() {
    let made = "[messages.\"p.M\"]\nrules = [{ new = \"x\", up = \"old.f + '!'\" }]";
    let versions = &[
        ("message M { string f = 1; }", ""),
        ("message M { string f = 1; string x = 2; }", made),
        ("message M { string x = 2; }", "loss = { request = \"refuse\", response = \"drop\", stored = \"refuse\" }"),
    ];
    let case = Case { versions, from: 0, to: 2, used: Use::Request, bytes: &[0x0a, 1, b'a'], refused: true };
    agree(&case);
    becomes(&Case { used: Use::Response, refused: false, ..case }, &[0x12, 2, b'a', b'!']);
}

#[test]
fn a_message_that_stays_one_is_not_lost_with_what_is_around_it() {
    let f = "message F { int32 z = 1;";
    let texts = [
        format!("message M {{ F f = 3; int32 a = 1; }} {f} }}"),
        format!("message M {{ F f = 3; }} {f} int32 a = 5; }}"),
        format!("message M {{ N n = 7; }} message N {{ F g = 2; }} {f} int32 a = 5; }}"),
        format!("message M {{ F f = 3; int32 a = 1; }} {f} int32 a = 5; }}"),
    ];
    let into = "[messages.\"p.M\"]\nrules = [{ old = \"a\", new = \"f.a\" }]";
    let nest = "[messages.\"p.M\"]\nrules = [{ old = \"f\", new = \"n.g\" }]";
    let apart = "[messages.\"p.M\"]\nrules = [{ old = \"n.g\", new = \"f\" }, { old = \"n.g.a\", new = \"a\" }]";
    let two_hops = &[(texts[0].as_str(), ""), (texts[1].as_str(), into), (texts[2].as_str(), nest)];
    let one_hop = &[(texts[2].as_str(), ""), (texts[3].as_str(), apart)];
    for (versions, from, to) in [(&two_hops[..], 2, 0), (&one_hop[..], 0, 1)] {
        for used in Use::ALL {
            let case = |bytes| Case { versions, from, to, used, bytes, refused: false };
            becomes(&case(&[0x3a, 2, 0x12, 0]), &[0x1a, 0]);
            becomes(&case(&[0x3a, 4, 0x12, 2, 0x78, 1]), &[0x1a, 2, 0x78, 1]);
            becomes(&case(&[0x3a, 4, 0x12, 2, 0x28, 1]), &[0x1a, 0, 0x08, 1]);
        }
    }
}

#[test]
fn a_mask_of_all_parts_that_are_joined_is_one_of_what_they_become() {
    let rules = "[messages.\"p.M\"]\nrules = [{ old = [\"x.a\", \"x.b\"], new = \"c\", join = \" \" }, { old = \"m\", new = \"m\", mask = \".\" }]";
    let old = "message M { google.protobuf.FieldMask m = 1; X x = 2; } message X { string a = 1; string b = 2; }";
    let versions = &[(old, ""), ("message M { google.protobuf.FieldMask m = 1; string c = 2; }", rules)];
    let length = |length: usize| u8::try_from(length).expect("a short text");
    let mask = |paths: &[&str]| {
        let paths: Vec<u8> =
            paths.iter().flat_map(|path| [&[0x0a, length(path.len())][..], path.as_bytes()].concat()).collect();
        [&[0x0a, length(paths.len())][..], &paths].concat()
    };
    for (paths, expected) in [
        (&["x.a", "x.b"][..], Some(&["c"][..])),
        (&["x"], Some(&["c"])),
        (&["x", "x.a"], Some(&["c"])),
        (&["x.a"], None),
        (&["x.b", "x.b"], None),
    ] {
        let bytes = mask(paths);
        let case = Case { versions, from: 0, to: 1, used: Use::Request, bytes: &bytes, refused: expected.is_none() };
        match expected {
            Some(expected) => becomes(&case, &mask(expected)),
            None => agree(&case),
        }
    }
}

#[test]
fn an_unknown_number_that_a_later_hop_writes_is_refused_there() {
    let f = "message F { int32 z = 1;";
    let texts = [
        format!("message M {{ F f = 3; int32 a = 1; }} {f} }}"),
        format!("message M {{ F f = 3; int32 a = 1; string new = 2; }} {f} }}"),
        format!("message M {{ F f = 3; }} {f} string g = 4; int32 h = 5; }}"),
    ];
    let into = "[messages.\"p.M\"]\nrules = [{ old = \"new\", new = \"f.g\" }, { old = \"a\", new = \"f.h\" }]";
    let versions = &[(texts[0].as_str(), ""), (texts[1].as_str(), ""), (texts[2].as_str(), into)];
    let case = Case { versions, from: 0, to: 2, used: Use::Stored, bytes: &[0x1a, 3, 0x22, 1, b'x'], refused: true };
    agree(&case);
    agree(&Case { bytes: &[0x1a, 2, 0x08, 1], refused: false, ..case });
}

#[test]
fn what_a_message_holds_beside_the_value_that_it_becomes_is_not_lost_in_silence() {
    // A duration of one second, and what no version declares beside it, under number 5.
    let bytes = b"\x0a\x04\x08\x01\x28\x07";
    let versions = [
        ("message M { google.protobuf.Duration wait = 1; }", ""),
        (
            "message M { int64 wait_seconds = 1; }",
            "[messages.\"p.M\"]\nrules = [{ old = \"wait\", new = \"wait_seconds\", unit = \"s\" }]\n",
        ),
    ];
    for (used, refused) in [(Use::Request, true), (Use::Stored, true), (Use::Response, false)] {
        agree(&Case { versions: &versions, from: 0, to: 1, used, bytes, refused });
    }
    becomes(&Case { versions: &versions, from: 0, to: 1, used: Use::Response, bytes, refused: false }, b"\x08\x01");
}
