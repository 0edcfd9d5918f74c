//! Which methods are *same* in two adjacent versions, and which are not.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use folder::folder;
use straddle::Protocol;
use straddle::protocol::plan::{Direction, Policy};
use straddle::protocol::{Cause, Hop};

/// What changed, the messages of the old version, those of the new one, and what makes them differ; nothing when same.
///
/// With the difference goes what becomes of callers of the old version and of those of the new one, when the step says
/// nothing: `b` where rules bridge it by themselves, `o` where it stays open.
type Case = (&'static str, &'static str, &'static str, Option<(&'static str, &'static str)>);

#[rustfmt::skip]
const PROTO3: &[Case] = &[
    ("nothing", "message M { string a = 1; }", "message M { string a = 1; }", None),
    ("a field is added", "message M { string a = 1; }", "message M { string a = 1; int32 b = 2; }", None),
    ("a field is added deep inside", "message M { N n = 1; } message N {}", "message M { N n = 1; } message N { int32 b = 1; }", None),
    ("a message that contains itself", "message M { repeated M m = 1; }", "message M { repeated M m = 1; string b = 2; }", None),
    ("two messages that contain each other", "message M { N n = 1; } message N { M m = 1; int32 a = 2; }", "message M { N n = 1; } message N { M m = 1; int64 a = 2; }", Some(("p.N.a: was int32, is int64", "ob"))),
    ("a field is gone", "message M { string a = 1; int32 b = 2; }", "message M { string a = 1; }", Some(("p.M.b: number 2 is gone", "bb"))),
    ("a field is gone and reserved", "message M { string a = 1; int32 b = 2; }", "message M { string a = 1; reserved 2; }", Some(("p.M.b: number 2 is gone", "bb"))),
    ("a field is renamed", "message M { string a = 1; }", "message M { string b = 1; }", Some(("p.M.a: number 1 is named `b` now", "oo"))),
    ("a field is renumbered", "message M { string a = 1; }", "message M { string a = 2; }", Some(("p.M.a: number 1 is gone", "bb"))),
    ("two fields change places", "message M { string a = 1; string b = 2; }", "message M { string b = 1; string a = 2; }", Some(("p.M.a: number 1 is named `b` now", "bb"))),
    ("a type is widened", "message M { int32 a = 1; }", "message M { int64 a = 1; }", Some(("p.M.a: was int32, is int64", "ob"))),
    ("a type is signed differently", "message M { int32 a = 1; }", "message M { sint32 a = 1; }", Some(("p.M.a: was int32, is sint32", "bb"))),
    ("a string becomes bytes", "message M { string a = 1; }", "message M { bytes a = 1; }", Some(("p.M.a: was string, is bytes", "ob"))),
    ("a field becomes repeated", "message M { string a = 1; }", "message M { repeated string a = 1; }", Some(("cardinality was", "oo"))),
    ("packing changes", "message M { repeated int32 a = 1; }", "message M { repeated int32 a = 1 [packed = false]; }", Some(("packing was true, is false", "bb"))),
    ("presence appears", "message M { int32 a = 1; }", "message M { optional int32 a = 1; }", Some(("presence was false, is true", "bb"))),
    ("a map's value changes", "message M { map<string, int32> a = 1; }", "message M { map<string, int64> a = 1; }", Some(("p.M.AEntry.value: was int32, is int64", "ob"))),
    ("a oneof appears with new fields", "message M { string a = 1; }", "message M { string a = 1; oneof o { int32 b = 2; int32 c = 3; } }", None),
    ("a oneof gains an arm", "message M { oneof o { string a = 1; } }", "message M { oneof o { string a = 1; string b = 2; } }", Some(("p.M.b: is a new arm of the oneof `o`", "bb"))),
    ("a field moves into a oneof", "message M { string a = 1; }", "message M { oneof o { string a = 1; } }", Some(("oneof was none, is o", "bb"))),
    ("a number comes back that was reserved", "message M { reserved 2; }", "message M { int32 b = 2; }", Some(("p.M.b: is new, but number 2 was reserved in 1.0.0", "bb"))),
    ("a name comes back that was reserved", "message M { reserved \"b\"; }", "message M { int32 b = 2; }", Some(("p.M.b: is new, but number 2 had its name reserved in 1.0.0", "bb"))),
    ("an enum gains a value", "message M { E e = 1; } enum E { Z = 0; }", "message M { E e = 1; } enum E { Z = 0; Y = 1; }", None),
    ("an enum loses a value", "message M { E e = 1; } enum E { Z = 0; Y = 1; }", "message M { E e = 1; } enum E { Z = 0; }", Some(("p.E.Y: number 1 is gone", "bo"))),
    ("enum values shift", "message M { E e = 1; } enum E { Z = 0; Y = 1; }", "message M { E e = 1; } enum E { Z = 0; X = 1; Y = 2; }", Some(("p.E.Y: number 1 is named `X` now", "ob"))),
    ("an enum value's number was reserved", "message M { E e = 1; } enum E { Z = 0; reserved 1; }", "message M { E e = 1; } enum E { Z = 0; Y = 1; }", Some(("p.E.Y: is new, but number 1 was reserved", "ob"))),
    ("a message moves, with the same fields", "message M { N n = 1; } message N { int32 a = 1; }", "message M { O n = 1; } message O { int32 a = 1; }", None),
    ("a well-known type is replaced", "import \"google/protobuf/timestamp.proto\"; message M { google.protobuf.Timestamp t = 1; }", "import \"google/protobuf/duration.proto\"; message M { google.protobuf.Duration t = 1; }", Some(("google.protobuf.Timestamp: became google.protobuf.Duration", "oo"))),
    ("a map becomes a list of its entries", "message M { map<string, int32> a = 1; }", "message M { repeated AEntry a = 1; message AEntry { string key = 1; int32 value = 2; } }", Some(("p.M.a: map was true, is false", "oo"))),
    ("a JSON name changes", "message M { string a = 1; }", "message M { string a = 1 [json_name = \"b\"]; }", Some(("p.M.a: JSON name was `a`, is `b`", "bb"))),
    ("a JSON name is spelled out", "message M { string a_b = 1; }", "message M { string a_b = 1 [json_name = \"aB\"]; }", None),
    ("a field lies beyond a reserved range", "message M { reserved 2 to 4; }", "message M { reserved 2 to 4; int32 a = 5; }", None),
    ("all numbers were reserved", "message M { reserved 2 to max; }", "message M { int32 a = 536870911; }", Some(("number 536870911 was reserved in 1.0.0", "bb"))),
    ("all values were reserved", "message M { E e = 1; } enum E { Z = 0; reserved 1 to max; }", "message M { E e = 1; } enum E { Z = 0; Y = 2147483647; }", Some(("number 2147483647 was reserved in 1.0.0", "ob"))),
    ("an Any may hold what differs", "import \"google/protobuf/any.proto\"; message M { google.protobuf.Any a = 1; } message N { int32 a = 1; }", "import \"google/protobuf/any.proto\"; message M { google.protobuf.Any a = 1; } message N { string a = 1; }", Some(("p.N.a: was int32, is string", "oo"))),
    ("an Any may hold more", "import \"google/protobuf/any.proto\"; message M { google.protobuf.Any a = 1; } message N {}", "import \"google/protobuf/any.proto\"; message M { google.protobuf.Any a = 1; } message N { int32 b = 1; } message O {}", None),
    ("an Any may hold what is gone", "import \"google/protobuf/any.proto\"; message M { google.protobuf.Any a = 1; } message N {}", "import \"google/protobuf/any.proto\"; message M { google.protobuf.Any a = 1; }", Some(("may hold p.N, which is gone", "bo"))),
];

#[rustfmt::skip]
const PROTO2: &[Case] = &[
    ("a required field is added", "message M { optional string a = 1; }", "message M { optional string a = 1; required string b = 2; }", Some(("p.M.b: is new and required", "oo"))),
    ("a default changes", "message M { optional int32 a = 1 [default = 1]; }", "message M { optional int32 a = 1 [default = 2]; }", Some(("default was 1, is 2", "bb"))),
    ("a closed enum gains a value", "message M { optional E e = 1; } enum E { Z = 0; }", "message M { optional E e = 1; } enum E { Z = 0; Y = 1; }", Some(("p.E.Y: is new in a closed enum", "ob"))),
    ("an extension is gone", "message M { extensions 100 to 199; } extend M { optional int32 x = 100; }", "message M { extensions 100 to 199; }", Some(("p.x: extension 100 is gone", "oo"))),
    ("an extension is added", "message M { extensions 100 to 199; }", "message M { extensions 100 to 199; } extend M { optional int32 x = 100; }", None),
    ("an extension takes a reserved number", "message M { reserved 100; }", "message M { extensions 100 to 199; } extend M { optional int32 x = 100; }", Some(("p.x: is a new extension, but number 100 was reserved in 1.0.0", "oo"))),
    ("an extension's default changes", "message M { extensions 100 to 199; } extend M { optional int32 x = 100 [default = 1]; }", "message M { extensions 100 to 199; } extend M { optional int32 x = 100 [default = 2]; }", Some(("p.x: default was 1, is 2", "oo"))),
    ("a group becomes a message", "message M { optional group G = 1 { optional int32 a = 1; } }", "message M { optional G g = 1; message G { optional int32 a = 1; } }", Some(("group encoding was true, is false", "bb"))),
    ("a number that was left to extensions is taken", "message M { extensions 100 to 199; }", "message M { optional int32 x = 100; }", Some(("number 100 was left to extensions", "bb"))),
    ("a field becomes required", "message M { optional int32 a = 1; }", "message M { required int32 a = 1; }", Some(("cardinality was", "oo"))),
];

fn proto(syntax: &str, messages: &str) -> String {
    let (imports, messages) = match messages.rsplit_once("proto\";") {
        Some((import, rest)) => (format!("{import}proto\";"), rest),
        None => (String::new(), messages),
    };
    format!("syntax = \"{syntax}\";\npackage p;\n{imports}\n{messages}\nservice S {{ rpc Call(M) returns (M); }}\n")
}

fn load(versions: &[(&str, String)]) -> Protocol {
    let mut files = vec![("protocol.toml".to_owned(), "name = \"p\"\n".to_owned())];
    files.extend(versions.iter().map(|(version, proto)| (format!("{version}/p.proto"), proto.clone())));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"))
}

fn check(syntax: &str, cases: &[Case]) {
    let mut wrong = Vec::new();
    for (name, old, new, expected) in cases {
        let (old, new) = (proto(syntax, old), proto(syntax, new));
        let protocol = load(&[("1.0.0", old.clone()), ("1.1.0", new.clone())]);
        let step = &protocol.steps()[0];
        let fates: String = [&step.past()[0], &step.future()[0]]
            .iter()
            .map(|hop| match hop {
                Hop::Same { .. } => 's',
                Hop::Rules { .. } => 'b',
                Hop::Refused(Cause::Open(open)) => {
                    assert!(!open.is_empty(), "{name}: nothing is open");
                    'o'
                }
                hop => panic!("{name}: {hop:?}"),
            })
            .collect();
        let expected_fates = expected.map_or("ss", |(_, fates)| fates);
        if fates != expected_fates {
            wrong.push(format!("{name}: expected {expected_fates}, found {fates}: {:?}", step.past()[0]));
        }
        // Code says why it is needed, whatever rules could do.
        let step = "from = \"1.0.0\"\n[past]\ncode = [\"p.S\"]\n[future]\ncode = [\"p.S\"]\n";
        let files = [
            ("protocol.toml", "name = \"p\"\n"),
            ("1.0.0/p.proto", &old),
            ("1.1.0/p.proto", &new),
            ("1.1.0/step.toml", step),
        ];
        let protocol = Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"));
        let Hop::Code { differences } = &protocol.steps()[0].past()[0] else { panic!("{name}: code is declared") };
        let told = differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        match expected {
            Some((expected, _)) if !told.contains(expected) => {
                wrong.push(format!("{name}: {expected:?} is missing from\n{told}"));
            }
            None if !told.is_empty() => wrong.push(format!("{name}: is the same, but\n{told}")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Why a hop is not *same*, where rules bridge it.
fn bridged(hop: &Hop) -> Vec<String> {
    let Hop::Rules { differences, .. } = hop else { panic!("rules bridge it: {hop:?}") };
    differences.iter().map(ToString::to_string).collect()
}

#[test]
fn proto3_methods_are_same_only_where_nothing_can_be_misread() {
    check("proto3", PROTO3);
}

#[test]
fn proto2_methods_are_same_only_where_nothing_can_be_misread() {
    check("proto2", PROTO2);
}

#[test]
fn a_number_that_an_earlier_version_used_is_not_free() {
    let protocol = load(&[
        ("1.0.0", proto("proto3", "message M { string a = 1; int32 old = 2; }")),
        ("2.0.0", proto("proto3", "message M { string a = 1; }")),
        ("3.0.0", proto("proto3", "message M { string a = 1; string fresh = 2; }")),
    ]);
    let told = bridged(&protocol.steps()[1].past()[0]);
    assert_eq!(told, ["p.M.fresh: is new, but number 2 was `old` in 1.0.0"]);
}

#[test]
fn a_number_is_not_free_because_its_message_was_renamed() {
    let protocol = load(&[
        ("1.0.0", proto("proto3", "message M { N n = 1; } message N { string a = 1; int32 old = 2; }")),
        ("2.0.0", proto("proto3", "message M { N n = 1; } message N { string a = 1; }")),
        ("3.0.0", proto("proto3", "message M { O n = 1; } message O { string a = 1; }")),
        ("4.0.0", proto("proto3", "message M { O n = 1; } message O { string a = 1; string fresh = 2; }")),
    ]);
    assert!(matches!(protocol.steps()[1].past()[0], Hop::Same { .. }), "a name alone changes nothing");
    let told = bridged(&protocol.steps()[2].past()[0]);
    assert_eq!(told, ["p.O.fresh: is new, but number 2 was `old` in 1.0.0"]);
}

#[test]
fn a_number_is_free_whoever_used_it_in_a_message_of_the_same_name_elsewhere() {
    let other = "syntax = \"proto3\"; package q; message M { int32 other = 2; }";
    let file = |messages: &str| proto("proto3", messages);
    let (one, two) = (file("message M { string a = 1; }"), file("message M { string a = 1; string b = 2; }"));
    let files = [
        ("protocol.toml", "name = \"p\"\n"),
        ("1.0.0/p.proto", one.as_str()),
        ("1.0.0/q.proto", other),
        ("2.0.0/p.proto", two.as_str()),
        ("2.0.0/q.proto", other),
    ];
    let protocol = Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(protocol.steps()[0].past()[0], Hop::Same { .. }), "{:?}", protocol.steps()[0].past());
}

#[test]
fn an_open_enum_is_closed_in_a_field_of_proto2() {
    let holder = "syntax = \"proto2\"; package p; import \"e.proto\"; message M { optional E e = 1; } service S { rpc Call(M) returns (M); }";
    let values = |values: &str| format!("syntax = \"proto3\"; package p; enum E {{ Z = 0; {values} }}");
    let (one, two) = (values(""), values("Y = 1;"));
    let files = [
        ("protocol.toml", "name = \"p\"\n"),
        ("1.0.0/p.proto", holder),
        ("1.0.0/e.proto", one.as_str()),
        ("2.0.0/p.proto", holder),
        ("2.0.0/e.proto", two.as_str()),
    ];
    let protocol = Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"));
    let step = &protocol.steps()[0];
    assert_eq!(
        bridged(&step.future()[0]),
        ["p.E.Y: is new in a closed enum", "p.E.Y: is new; the older side passes over it"]
    );
    let Hop::Refused(Cause::Open(open)) = &step.past()[0] else { panic!("C++ and Java lose it") };
    assert_eq!(elements(open), ["p.M.e"], "a response that says it would be refused");
}

#[test]
fn an_enum_number_that_an_earlier_version_used_is_not_free() {
    let version = |values: &str| proto("proto3", &format!("message M {{ E e = 1; }} enum E {{ Z = 0; {values} }}"));
    let protocol = load(&[("1.0.0", version("OLD = 1;")), ("2.0.0", version("")), ("3.0.0", version("FRESH = 1;"))]);
    let step = &protocol.steps()[1];
    let told =
        ["p.E.FRESH: is new, but number 1 was `OLD` in 1.0.0", "p.E.FRESH: is new; the older side passes over it"];
    assert_eq!(bridged(&step.future()[0]), told);
    let Hop::Refused(Cause::Open(open)) = &step.past()[0] else { panic!("2.0.0 has no name for 1") };
    assert_eq!(elements(open), ["p.M.e"], "a response that says it would be refused");
}

#[test]
fn a_streaming_kind_that_differs_is_a_difference() {
    let streaming = proto("proto3", "message M {}").replace("returns (M)", "returns (stream M)");
    let protocol = load(&[("1.0.0", proto("proto3", "message M {}")), ("2.0.0", streaming)]);
    let Hop::Refused(Cause::Open(differences)) = &protocol.steps()[0].past()[0] else { panic!("it streams now") };
    assert_eq!(differences[0].to_string(), "p.S.Call: was unary, is server-streaming");
}

#[test]
fn methods_are_mapped_by_name_by_service_and_by_themselves() {
    let old = "syntax = \"proto3\"; package a; message M {} service S { rpc Get(M) returns (M); rpc Put(M) returns (M); rpc Gone(M) returns (M); rpc Hard(M) returns (M); }";
    let new = "syntax = \"proto3\"; package b; message M {} service S { rpc Get(M) returns (M); rpc Upsert(M) returns (M); rpc Hard(M) returns (M); rpc New(M) returns (M); }";
    let step = "from = \"1.0.0\"\n[rename.methods]\n\"a.S\" = \"b.S\"\n\"a.S.Put\" = \"b.S.Upsert\"\n[past]\ncode = [\"a.S.Hard\"]\n[[future.refuse]]\nmethod = \"b.S.Hard\"\nreason = \"too hard\"\nadvice = \"wait\"\n";
    let files = [
        ("protocol.toml", "name = \"p\"\n"),
        ("1.0.0/p.proto", old),
        ("2.0.0/p.proto", new),
        ("2.0.0/step.toml", step),
    ];
    let protocol = Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"));
    let step = &protocol.steps()[0];
    assert!(
        matches!(
            step.past(),
            [
                Hop::Same { counterpart: 0, .. },
                Hop::Same { counterpart: 1, .. },
                Hop::Refused(Cause::Absent),
                Hop::Code { .. },
            ]
        ),
        "{:?}",
        step.past()
    );
    let [
        Hop::Same { counterpart: 0, .. },
        Hop::Same { counterpart: 1, .. },
        Hop::Refused(Cause::Declared { reason, advice }),
        Hop::Refused(Cause::Absent),
    ] = step.future()
    else {
        panic!("{:?}", step.future())
    };
    assert_eq!((reason.as_str(), advice.as_deref()), ("too hard", Some("wait")));
}

/// The counterparts of the older version's methods, by name; all messages are alike.
fn counterparts(old: &str, new: &str, renames: &str) -> Vec<(String, Option<String>)> {
    let proto = |services: &str| format!("syntax = \"proto3\"; package p; message M {{}} {services}");
    let (old, new) = (proto(old), proto(new));
    let step = format!("from = \"1.0.0\"\n[rename.methods]\n{renames}\n");
    let files = [
        ("protocol.toml", "name = \"p\"\n"),
        ("1.0.0/p.proto", old.as_str()),
        ("2.0.0/p.proto", new.as_str()),
        ("2.0.0/step.toml", step.as_str()),
    ];
    let protocol = Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"));
    let (step, versions) = (&protocol.steps()[0], protocol.versions());
    let named = |index: usize| versions[1].methods()[index].full_name().to_owned();
    let past = versions[0].methods().iter().zip(step.past()).enumerate().map(|(index, (method, hop))| {
        let Hop::Same { counterpart, .. } = hop else { return (method.full_name().to_owned(), None) };
        let back = &step.future()[*counterpart];
        assert!(
            matches!(back, Hop::Same { counterpart, .. } if *counterpart == index),
            "the way back is another: {back:?}"
        );
        (method.full_name().to_owned(), Some(named(*counterpart)))
    });
    past.collect()
}

#[test]
fn two_names_may_change_places() {
    let services = "service S { rpc A(M) returns (M); rpc B(M) returns (M); } service T { rpc A(M) returns (M); }";
    let found = |renames| {
        let pairs = counterparts(services, services, renames);
        pairs.into_iter().map(|(_, to)| to.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(found("\"p.S.A\" = \"p.S.B\"\n\"p.S.B\" = \"p.S.A\""), ["p.S.B", "p.S.A", "p.T.A"]);
    assert_eq!(found("\"p.S\" = \"p.T\"\n\"p.T\" = \"p.S\""), ["p.T.A", "", "p.S.A"]);
}

#[test]
fn a_service_that_is_renamed_takes_the_place_of_one_that_kept_its_name() {
    let old = "service S { rpc A(M) returns (M); } service T { rpc A(M) returns (M); rpc B(M) returns (M); }";
    let new = "service T { rpc A(M) returns (M); rpc B(M) returns (M); }";
    let found = counterparts(old, new, "\"p.S\" = \"p.T\"");
    let found: Vec<Option<&str>> = found.iter().map(|(_, to)| to.as_deref()).collect();
    assert_eq!(found, [Some("p.T.A"), None, Some("p.T.B")]);
}

#[test]
fn callers_without_a_label_get_the_version_that_their_package_names() {
    let version = |package: &str| {
        format!("syntax = \"proto3\"; package {package}; message M {{}} service S {{ rpc Get(M) returns (M); }}")
    };
    let manifest = "name = \"p\"\nunlabelled = \"1.1.0\"\n";
    let (one, two) = (version("p.v1"), version("p.v2"));
    let only = version("p.only");
    let files = [
        ("protocol.toml", manifest),
        ("1.0.0/p.proto", one.as_str()),
        ("1.1.0/p.proto", one.as_str()),
        ("2.0.0/p.proto", two.as_str()),
        ("2.1.0/p.proto", two.as_str()),
        ("3.0.0/p.proto", only.as_str()),
    ];
    let protocol = Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"));
    let taken_for = |package: &str| protocol.version_for_unlabelled(package).map(ToString::to_string);
    assert_eq!(taken_for("p.only").as_deref(), Some("3.0.0"), "only one version has it");
    assert_eq!(taken_for("p.v1").as_deref(), Some("1.1.0"), "the unlabelled version has it");
    assert_eq!(taken_for("p.v2").as_deref(), Some("2.0.0"), "the oldest that has it");
    assert_eq!(taken_for("elsewhere"), None);
}

#[test]
fn the_digest_follows_the_schema_and_not_its_layout() {
    let digest = |proto: &str| {
        let files = [("protocol.toml", "name = \"p\"\n"), ("1.0.0/p.proto", proto)];
        Protocol::load(folder(&files).path()).expect("a protocol").versions()[0].digest().to_owned()
    };
    let plain = "syntax = \"proto3\"; package p; message M { string a = 1; } service S { rpc Get(M) returns (M); }";
    let laid_out = "// About.\nsyntax = \"proto3\";\npackage p;\nservice S {\n  rpc Get(M) returns (M);\n}\nmessage M {\n  string a = 1; // A.\n}\n";
    let renamed = plain.replace("string a", "string b");
    assert_eq!(digest(plain), digest(laid_out));
    assert_ne!(digest(plain), digest(&renamed));
    assert_eq!(digest(plain).len(), 32);
}

#[test]
fn a_descriptor_set_is_as_good_as_protos_and_keeps_custom_options() {
    let proto = "syntax = \"proto3\"; package p; import \"google/protobuf/descriptor.proto\"; extend google.protobuf.MessageOptions { string owner = 50001; } message M { option (owner) = \"stock\"; string a = 1; } service S { rpc Get(M) returns (M); }";
    let from_protos = load(&[("1.0.0", proto.to_owned())]);
    let set = from_protos.versions()[0].descriptor_set().clone();
    let other = folder(&[("protocol.toml", "name = \"p\"\n")]);
    folder::write(other.path(), "1.0.0/p.binpb", &set);
    let from_set = Protocol::load(other.path()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(from_set.versions()[0].digest(), from_protos.versions()[0].digest());
    for protocol in [&from_protos, &from_set] {
        let pool = protocol.versions()[0].pool();
        let option = pool.get_extension_by_name("p.owner").expect("the option");
        let message = pool.get_message_by_name("p.M").expect("the message");
        assert_eq!(message.options().get_extension(&option).as_str(), Some("stock"));
    }
}

/// A request that gains a field and an enum value, and a response that gains one; with what the step says of it.
fn gaining(version: &str, step: &str) -> Protocol {
    let old = "syntax = \"proto3\"; package p; message Q { E e = 1; } message R { string a = 1; } enum E { Z = 0; } service S { rpc Call(Q) returns (R); }";
    let new = "syntax = \"proto3\"; package p; message Q { E e = 1; bool only_new = 2; } message R { string a = 1; string b = 2; } enum E { Z = 0; Y = 1; } service S { rpc Call(Q) returns (R); }";
    let folder = folder(&[("protocol.toml", "name = \"p\"\n"), ("1.0.0/p.proto", old)]);
    folder::write(folder.path(), &format!("{version}/p.proto"), new.as_bytes());
    if !step.is_empty() {
        folder::write(folder.path(), &format!("{version}/step.toml"), step.as_bytes());
    }
    Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

fn elements(differences: &[straddle::protocol::Difference]) -> Vec<&str> {
    differences.iter().map(|difference| difference.element.as_str()).collect()
}

#[test]
fn across_a_minor_step_what_only_a_new_request_says_is_passed_over_and_listed() {
    let protocol = gaining("1.1.0", "");
    let step = &protocol.steps()[0];
    assert!(!step.is_breaking());
    assert!(matches!(&step.past()[0], Hop::Same { unheard, .. } if unheard.is_empty()));
    let Hop::Same { unheard, .. } = &step.future()[0] else { panic!("{:?}", step.future()) };
    assert_eq!(elements(unheard), ["p.E.Y", "p.Q.only_new"], "a response that gains a field loses nothing");
}

#[test]
fn across_a_breaking_step_what_only_a_new_request_says_is_a_difference() {
    for version in ["2.0.0", "1.1.0-rc.1"] {
        let protocol = gaining(version, "");
        let step = &protocol.steps()[0];
        assert!(step.is_breaking(), "{version}");
        assert!(matches!(&step.past()[0], Hop::Same { .. }), "an old request says nothing new");
        let Hop::Rules { differences, .. } = &step.future()[0] else { panic!("{:?}", step.future()) };
        assert_eq!(elements(differences), ["p.E.Y", "p.Q.only_new"], "what is said of it is refused");
        let plan = step.plans(Direction::Down).get("p.Q", "p.Q").expect("a plan of the request");
        let [loss] = plan.losses.as_slice() else { panic!("{:?}", plan.losses) };
        assert_eq!((loss.path.to_string().as_str(), loss.policies.request), ("only_new", Policy::Refuse));
    }
}

#[test]
fn a_step_may_say_that_what_is_new_in_requests_may_be_passed_over() {
    let protocol = gaining("2.0.0", "from = \"1.0.0\"\n[future]\nsame = [\"p.S\"]\n");
    let Hop::Same { unheard, .. } = &protocol.steps()[0].future()[0] else { panic!("{:?}", protocol.steps()) };
    assert_eq!(elements(unheard), ["p.E.Y", "p.Q.only_new"]);
}

#[test]
fn why_code_is_needed_is_known() {
    let protocol = gaining("2.0.0", "from = \"1.0.0\"\n[future]\ncode = [\"p.S\"]\n");
    let Hop::Code { differences } = &protocol.steps()[0].future()[0] else { panic!("{:?}", protocol.steps()) };
    assert_eq!(elements(differences), ["p.E.Y", "p.Q.only_new"]);
}
