//! A protocol that is not right is told so: with the file, the line, the element, and what to do.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use folder::folder;
use straddle::Protocol;
use straddle::protocol::resume::Token;

const NAMED: (&str, &str) = ("protocol.toml", "name = \"shop\"\n");
const SHOP: &str = "syntax = \"proto3\";\npackage shop.v1;\nmessage Item { string sku = 1; }\nservice Shop { rpc Get(Item) returns (Item); }\n";
const TWO: &str = "syntax = \"proto3\";\npackage shop.v1;\nmessage Item { string sku = 1; }\nservice Shop { rpc Get(Item) returns (Item); }\nservice Stall { rpc Get(Item) returns (Item); }\n";
const FIRST: (&str, &str) = ("1.0.0/shop.proto", SHOP);
const SECOND: (&str, &str) = ("2.0.0/shop.proto", SHOP);

const WATCHED: (&str, &str) = (
    "1.0.0/shop.proto",
    r#"syntax = "proto3";
package shop.v1;
message Query { uint64 after = 1; }
message Head { string cursor = 1; }
message Event {
  uint64 revision = 1;
  Head head = 2;
  bool last = 3;
  repeated uint64 pages = 4;
  map<string, uint64> by_name = 5;
  oneof what { uint64 mark = 6; Head other = 7; }
}
service Shop {
  rpc Get(Query) returns (Event);
  rpc Watch(Query) returns (stream Event);
  rpc Talk(stream Query) returns (stream Event);
}
"#,
);

/// What is wrong, the files, and what the message has to say: the place first.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("no protocol.toml", &[FIRST], &["protocol.toml: is missing", "name another folder"]),
    ("a folder of several protocols", &[("a/protocol.toml", "name = \"a\"\n"), ("b/protocol.toml", "name = \"b\"\n"), ("c/x.proto", SHOP)], &["protocol.toml: is missing", "there are 2 in it", "name one of them: ", "/a, ", "/b"]),
    ("no name", &[("protocol.toml", "unlabelled = \"1.0.0\"\n"), FIRST], &["protocol.toml", "missing field `name`"]),
    ("bad name", &[("protocol.toml", "\nname = \"My Shop\"\n"), FIRST], &["protocol.toml:2:", "`My Shop`", "lower-case"]),
    ("unknown key", &[("protocol.toml", "name = \"shop\"\nunlabeled = \"1.0.0\"\n"), FIRST], &["protocol.toml:2:", "unknown field `unlabeled`"]),
    ("broken TOML", &[("protocol.toml", "name = \"shop\"\nunlabelled =\n"), FIRST], &["protocol.toml:2:"]),
    ("unlabelled names no version", &[("protocol.toml", "name = \"shop\"\nunlabelled = \"9.0.0\"\n"), FIRST], &["protocol.toml:2:", "9.0.0", "names no version"]),
    ("no versions", &[NAMED], &["the protocol has no versions", "add a folder"]),
    ("bad semver", &[NAMED, ("v1/shop.proto", SHOP)], &["v1: `v1` is not a version", "major.minor.patch"]),
    ("build metadata", &[NAMED, ("1.0.0+b/shop.proto", SHOP)], &["build metadata"]),
    ("two folders of one version", &[NAMED, FIRST, ("1.0.1/shop.proto", SHOP)], &["1.0.1: two folders of one version", "keep one of the two"]),
    ("protos here and elsewhere", &[("protocol.toml", "name = \"shop\"\n[protos]\n\"1.0.0\" = \"other\"\n"), FIRST], &["1.0.0: two folders of one version", "lie elsewhere"]),
    ("a step that nobody reads", &[("protocol.toml", "name = \"shop\"\n[protos]\n\"1.0.0\" = \".other\"\n"), (".other/shop.proto", SHOP), (".other/step.toml", "from = \"0.1.0\"\n")], &[".other/step.toml: a step.toml beside protos that lie elsewhere", "move it into the folder 1.0.0"]),
    ("no protos", &[NAMED, ("1.0.0/README", "")], &["1.0.0: version 1.0.0 has no .proto files"]),
    ("a proto that does not compile", &[NAMED, ("1.0.0/shop.proto", "syntax = \"proto3\";\nmessage Item {\n  strin sku = 1;\n}\nservice Shop { rpc Get(Item) returns (Item); }\n")], &["1.0.0/shop.proto:3:", "strin", "correct the proto"]),
    ("a proto that does not parse", &[NAMED, ("1.0.0/shop.proto", "syntax = \"proto3\";\n\nmessage Item { string sku = ; }\n")], &["1.0.0/shop.proto:3:"]),
    ("missing import", &[NAMED, ("1.0.0/shop.proto", "syntax = \"proto3\";\nimport \"money.proto\";\n")], &["1.0.0/shop.proto:2:", "money.proto", "only import root"]),
    ("an edition", &[NAMED, ("1.0.0/shop.proto", "// a comment\n\n/* and\nanother */ edition = \"2023\";\n")], &["1.0.0/shop.proto:4:", "edition, which is not supported yet"]),
    ("not a descriptor set", &[NAMED, ("1.0.0/shop.binpb", "not a set")], &["1.0.0: is not a descriptor set"]),
    ("a set beside protos", &[NAMED, FIRST, ("1.0.0/shop.binpb", "")], &["shop.binpb: a descriptor set lies beside other schemas"]),
    ("a step before the first version", &[NAMED, FIRST, ("1.0.0/step.toml", "from = \"0.9.0\"\n")], &["1.0.0/step.toml: 1.0.0 is the oldest version"]),
    ("a gap in the chain", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "# moved\nfrom = \"1.5.0\"\n")], &["2.0.0/step.toml:2: a gap in the chain", "1.5.0", "1.0.0"]),
    ("a from that is no version", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "from = \"1.0\"\n")], &["2.0.0/step.toml:1: `from` is \"1.0\", which is no version", "from = \"1.0.0\""]),
    ("a step from itself", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "from = \"2.0.0\"\n")], &["2.0.0/step.toml:1: the step to 2.0.0 cannot come from itself"]),
    ("a name of the other side", &[NAMED, FIRST, ("2.0.0/shop.proto", "syntax = \"proto3\";\npackage shop.v2;\nmessage Item { string sku = 1; }\nservice Shop { rpc Get(Item) returns (Item); }\n"), ("2.0.0/step.toml", "from = \"1.0.0\"\n[past]\ncode = [\"shop.v2.Shop.Get\"]\n")], &["2.0.0/step.toml:3:", "2.0.0 declares it, but the names here are those of 1.0.0"]),
    ("a step without from", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "[past]\ncode = []\n")], &["2.0.0/step.toml:1: `from` is missing", "write `from = \"1.0.0\"`"]),
    ("a step with an unknown key", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "from = \"1.0.0\"\n[passed]\ncode = []\n")], &["2.0.0/step.toml:2: unknown field `passed`"]),
    ("a step that names what is not there", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "from = \"1.0.0\"\n[past]\ncode = [\"shop.v1.Shop.Got\"]\n")], &["2.0.0/step.toml:3:", "1.0.0 declares no method or service `shop.v1.Shop.Got`", "did you mean `shop.v1.Shop.Get`?"]),
    ("a rename of what is not there", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "from = \"1.0.0\"\n[rename.methods]\n\"shop.v1.Shop.Get\" = \"shop.v1.Shop.Fetch\"\n")], &["2.0.0/step.toml:3:", "2.0.0 declares no method or service `shop.v1.Shop.Fetch`"]),
    ("a method renamed to a service", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "from = \"1.0.0\"\n[rename.methods]\n\"shop.v1.Shop.Get\" = \"shop.v1.Shop\"\n")], &["2.0.0/step.toml:3:", "not both methods or both services"]),
    ("two methods renamed to one", &[NAMED, ("1.0.0/shop.proto", TWO), SECOND, ("2.0.0/step.toml", "from = \"1.0.0\"\r\n# ä\r\n[rename.methods]\r\n\"shop.v1.Shop.Get\" = \"shop.v1.Shop.Get\"\r\n\"shop.v1.Stall.Get\" = \"shop.v1.Shop.Get\"\r\n")], &["2.0.0/step.toml:5:", "`shop.v1.Shop.Get` and `shop.v1.Stall.Get` are both renamed to `shop.v1.Shop.Get`"]),
    ("two services renamed to one", &[NAMED, ("1.0.0/shop.proto", TWO), SECOND, ("2.0.0/step.toml", "from = \"1.0.0\"\n[rename.methods]\n\"shop.v1.Shop\" = \"shop.v1.Shop\"\n\"shop.v1.Stall\" = \"shop.v1.Shop\"\n")], &["2.0.0/step.toml:4:", "are both renamed to `shop.v1.Shop.Get`"]),
    ("a version that is a file", &[NAMED, FIRST, ("1.1.0", "")], &["1.1.0: is named after a version", "restore the folder"]),
    ("one version twice, with another between", &[NAMED, ("1.0.0-rc/shop.proto", SHOP), FIRST, ("1.0.1-rc/shop.proto", SHOP)], &["1.0.1-rc: two folders of one version"]),
    ("code and refused at once", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "from = \"1.0.0\"\n[past]\ncode = [\"shop.v1.Shop.Get\"]\n[[past.refuse]]\nmethod = \"shop.v1.Shop.Get\"\nreason = \"no\"\n")], &["2.0.0/step.toml:5:", "declared twice under `past`"]),
    ("same that is not", &[NAMED, FIRST, ("2.0.0/shop.proto", "syntax = \"proto3\";\npackage shop.v1;\nmessage Item { bytes sku = 1; }\nservice Shop { rpc Get(Item) returns (Item); }\n"), ("2.0.0/step.toml", "from = \"1.0.0\"\n[future]\nsame = [\"shop.v1.Shop.Get\"]\n")], &["2.0.0/step.toml:3:", "differs in more than new fields: shop.v1.Item.sku: was string, is bytes", "declare it under code"]),
    ("same on the past side", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "from = \"1.0.0\"\n[past]\nsame = [\"shop.v1.Shop.Get\"]\n")], &["2.0.0/step.toml:3: unknown field `same`"]),
    ("resume of no method", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Wotch\" = { from = \"revision\", into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "`shop.v1.Shop.Wotch` is no method of any version", "did you mean `shop.v1.Shop.Watch`?"]),
    ("resume of one response", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Get\" = { from = \"revision\", into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "`shop.v1.Shop.Get` of 1.0.0 streams no responses", "remove the entry"]),
    ("resume of streamed requests", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Talk\" = { from = \"revision\", into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "`shop.v1.Shop.Talk` of 1.0.0 streams its requests"]),
    ("resume from a field that is not there", &[("protocol.toml", "name = \"shop\"\n[resume.\"shop.v1.Shop.Watch\"]\nfrom = \"revison\"\ninto = \"after\"\n"), WATCHED], &["protocol.toml:3:", "from = \"revison\" of `shop.v1.Shop.Watch`, in 1.0.0: `shop.v1.Event` has no field `revison`", "did you mean `revision`?"]),
    ("resume into a field that is not there", &[("protocol.toml", "name = \"shop\"\n[resume.\"shop.v1.Shop.Watch\"]\nfrom = \"revision\"\ninto = \"options.after\"\n"), WATCHED], &["protocol.toml:4:", "`shop.v1.Query` has no field `options`", "name one of its fields"]),
    ("resume through no message", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { from = \"revision.number\", into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "`revision` is uint64, and no message with fields"]),
    ("resume from a message", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { from = \"head\", into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "`head` is shop.v1.Head, which is no token"]),
    ("resume from a truth", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { from = \"last\", into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "`last` is bool, which is no token"]),
    ("resume from a list", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { from = \"pages\", into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "`pages` is repeated", "name a path of singular fields"]),
    ("resume through a map", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { from = \"by_name.value\", into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "`by_name` is repeated"]),
    ("resume from a oneof", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { from = \"mark\", into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "`mark` is in a oneof", "name a field outside of oneofs"]),
    ("resume with two kinds", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { from = \"head.cursor\", into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "`shop.v1.Shop.Watch`, in 1.0.0: `head.cursor` is string and cannot be put into `after`, which is uint64", "name two fields of one type"]),
    ("resume in one version only", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { from = \"revision\", into = \"after\" }\n"), WATCHED, ("2.0.0/shop.proto", "syntax = \"proto3\";\npackage shop.v1;\nmessage Query {}\nmessage Event { uint64 revision = 1; }\nservice Shop { rpc Watch(Query) returns (stream Event); }\n")], &["protocol.toml:3:", "into = \"after\" of `shop.v1.Shop.Watch`, in 2.0.0: `shop.v1.Query` has no field `after`"]),
    ("resume from nowhere", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { into = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "missing field `from`"]),
    ("resume with a word too much", &[("protocol.toml", "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { from = \"revision\", to = \"after\" }\n"), WATCHED], &["protocol.toml:3:", "unknown field `to`"]),
    ("a refusal without a reason", &[NAMED, FIRST, SECOND, ("2.0.0/step.toml", "from = \"1.0.0\"\n[[past.refuse]]\nmethod = \"shop.v1.Shop.Get\"\n")], &["2.0.0/step.toml:2:", "missing field `reason`"]),
];

#[test]
fn each_fault_says_where_it_is_and_what_to_do() {
    for (name, files, expected) in CASES {
        let folder = folder(files);
        let error = Protocol::load(folder.path()).map(|_| ()).expect_err(name).to_string();
        for part in *expected {
            assert!(error.contains(part), "{name}: {part:?} is missing from\n{error}");
        }
        assert!(error.contains("help: "), "{name}: says nothing to do:\n{error}");
        let place = folder.path().to_string_lossy();
        assert!(error.starts_with(&*place), "{name}: does not lead with the place:\n{error}");
    }
}

#[test]
fn all_faults_of_resume_are_told_at_once() {
    let entries = "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Get\" = { from = \"revision\", into = \"after\" }\n\
                   \"shop.v1.Shop.Watch\" = { from = \"last\", into = \"after\" }\n";
    let error = Protocol::load(folder(&[("protocol.toml", entries), WATCHED]).path()).expect_err("two faults");
    let lines: Vec<_> = error.faults().iter().map(straddle::protocol::Fault::line).collect();
    assert_eq!(lines, [Some(3), Some(4)]);
}

#[test]
fn what_resumes_is_told_by_field_numbers_of_each_version_that_has_the_method() {
    let entries =
        "name = \"shop\"\n[resume]\n\"shop.v1.Shop.Watch\" = { from = \"head.cursor\", into = \"start.after\" }\n";
    let proto = |cursor: &str| {
        format!(
            "syntax = \"proto3\";\npackage shop.v1;\nmessage Start {{ oneof at {{ string after = 3; bool now = 4; }} }}\n\
             message Query {{ Start start = 2; }}\nmessage Head {{ {cursor} }}\nmessage Event {{ Head head = 100; }}\n\
             service Shop {{ rpc Watch(Query) returns (stream Event); }}\n"
        )
    };
    let (one, two) = (proto("string cursor = 1;"), proto("optional string cursor = 9;"));
    let files = [
        ("protocol.toml", entries),
        ("1.0.0/shop.proto", one.as_str()),
        ("2.0.0/shop.proto", two.as_str()),
        ("3.0.0/shop.proto", SHOP),
    ];
    let protocol = Protocol::load(folder(&files).path()).unwrap_or_else(|error| panic!("{error}"));
    let told = |version: usize| {
        let resume = protocol.versions()[version].methods()[0].resume()?;
        Some((resume.from().to_vec(), resume.into().to_vec(), resume.token(), resume.zero_counts()))
    };
    assert_eq!(told(0), Some((vec![100, 1], vec![2, 3], Token::Bytes, false)));
    assert_eq!(told(1), Some((vec![100, 9], vec![2, 3], Token::Bytes, true)));
    assert_eq!(told(2), None);
    let [entry] = protocol.resume() else { panic!("one entry") };
    assert_eq!((entry.method(), entry.from(), entry.into()), ("shop.v1.Shop.Watch", "head.cursor", "start.after"));
}

#[test]
fn all_faults_of_a_step_are_told_at_once() {
    let step = "from = \"0.1.0\"\n[past]\ncode = [\"a.B\", \"c.D\"]\n";
    let folder = folder(&[NAMED, FIRST, SECOND, ("2.0.0/step.toml", step)]);
    let error = Protocol::load(folder.path()).expect_err("three faults");
    let lines: Vec<_> = error.faults().iter().map(straddle::protocol::Fault::line).collect();
    assert_eq!(lines, [Some(1), Some(3), Some(3)]);
}

#[test]
fn editions_and_unknown_syntaxes_in_a_descriptor_set_are_told_before_anything_panics() {
    for (syntax, expected) in
        [("editions", "`e.proto` is written in an edition"), ("prouo3", "`e.proto` says that its syntax is \"prouo3\"")]
    {
        let folder = folder(&[NAMED]);
        // FileDescriptorSet { file { name: "e.proto" syntax: … edition: EDITION_2023 } }
        let mut file = Vec::from(*b"\x0a\x07e.proto");
        file.extend([0x62, u8::try_from(syntax.len()).expect("a short word")]);
        file.extend(syntax.as_bytes());
        file.extend([0x70, 0xe8, 0x07]);
        let mut set = vec![0x0a, u8::try_from(file.len()).expect("a short file")];
        set.extend(file);
        folder::write(folder.path(), "1.0.0/shop.binpb", &set);
        let error = Protocol::load(folder.path()).expect_err("a syntax that is not read").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Elsewhere the right to make links is one that few accounts have.
#[cfg(not(unix))]
#[test]
fn links_are_tried_on_unix() {
    use std::io::Write as _;
    let _ =
        writeln!(std::io::stderr(), "SKIPPED: symbolic links are tried on Unix only, where everybody may make them");
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_circles_end_in_an_error_soon() {
    let folder = folder(&[NAMED, FIRST]);
    for name in ["here", "there", "everywhere"] {
        let link = folder.path().join("1.0.0").join(name);
        std::os::unix::fs::symlink(folder.path().join("1.0.0"), link).expect("a link");
    }
    let error = Protocol::load(folder.path()).expect_err("a folder without end").to_string();
    assert!(error.contains("folders nest more than 32 deep"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_meant_is_not_read_to_its_end() {
    let folder = folder(&[NAMED, FIRST]);
    for number in 0..10_000 {
        folder::write(folder.path(), &format!("1.0.0/{number}"), b"");
    }
    let error = Protocol::load(folder.path()).expect_err("a crowded folder").to_string();
    assert!(error.contains("more than 10000 files and folders"), "{error}");
}

#[test]
fn hidden_files_are_passed_over() {
    let folder = folder(&[NAMED, FIRST, ("1.0.0/.#shop.proto", "half written"), (".1.1.0", "")]);
    let protocol = Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(protocol.versions().len(), 1);
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_or_in_circles_are_told() {
    use std::os::unix::fs::symlink;
    let told = |link: &dyn Fn(&std::path::Path)| {
        let folder = folder(&[NAMED, FIRST, SECOND]);
        link(folder.path());
        Protocol::load(folder.path()).expect_err("a bad link").to_string()
    };
    let version = told(&|folder| symlink("nowhere", folder.join("1.1.0")).expect("a link"));
    assert!(version.contains("1.1.0: is named after a version"), "{version}");
    let step = told(&|folder| symlink("nowhere", folder.join("2.0.0/step.toml")).expect("a link"));
    assert!(step.contains("2.0.0/step.toml: cannot be read"), "{step}");
    let circle = told(&|folder| {
        for name in ["a", "b"] {
            symlink(".", folder.join("2.0.0").join(name)).expect("a link");
        }
    });
    assert!(circle.contains("remove the link that leads in a circle"), "{circle}");
}
