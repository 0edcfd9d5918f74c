//! Code of protocols that are as awkward as they may be: it parses, and holds what it should.
#![cfg(feature = "codegen")]

#[path = "support/folder.rs"]
mod folder;

use std::fs;

use folder::folder;
use syn::ext::IdentExt;
use syn::{Ident, Item, ItemMod, ReturnType, Type};

const NO_PACKAGE: &str = r#"
syntax = "proto3";
message Plain { string type = 1; }
service Bare { rpc Get(Plain) returns (Plain); }
"#;

/// Packages, messages and fields that are words of Rust, and messages inside messages.
const KEYWORDS: &str = r#"
syntax = "proto3";
package type.v1.async;
message Box { Option option = 1; message Option { repeated Box self = 1; oneof match { Result result = 2; } } }
message Result { map<string, Box> map = 1; Option fn = 2; enum Option { NONE = 0; SOME = 1; } }
service Move {
  rpc Yield(Box) returns (stream Result) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Loop(stream Box) returns (Result);
}
service HTTPServer { rpc Get(Box) returns (Box); }
"#;

const ELSEWHERE: &str = r#"
syntax = "proto3";
package other;
import "google/protobuf/timestamp.proto";
import "keywords.proto";
message When { google.protobuf.Timestamp at = 1; type.v1.async.Box box = 2; }
service Clock { rpc Read(When) returns (When); }
"#;

const STEP: &str = "# \"quoted\", {braced}, \\ and ünïcödé \u{301}: \"#\r\nfrom = \"1.0.0\"\n[[past.refuse]]\nmethod = \"Bare\"\nreason = 'he said \"no\" {} — \\n'\n";

struct Generated {
    code: String,
    file: syn::File,
    names: Vec<String>,
}

fn generate() -> Generated {
    let source = folder(&[
        ("protocol.toml", "name = \"odd-shop_2\"\nunlabelled = \"1.0.0\"\n"),
        ("1.0.0/bare.proto", NO_PACKAGE),
        ("1.0.0/deep/keywords.proto", "syntax = \"proto3\"; package unused;"),
        ("2.0.0-beta.3/bare.proto", NO_PACKAGE),
        ("2.0.0-beta.3/keywords.proto", KEYWORDS),
        ("2.0.0-beta.3/elsewhere.proto", ELSEWHERE),
        ("2.0.0-beta.3/step.toml", STEP),
    ]);
    let out = tempfile::tempdir().expect("a folder for the code");
    let configured = straddle::codegen::configure().out_dir(out.path()).emit_rerun_if_changed(false);
    configured.compile(source.path()).unwrap_or_else(|error| panic!("{error}"));
    let mut names: Vec<String> = fs::read_dir(out.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let code = fs::read_to_string(out.path().join("odd-shop_2.rs")).expect("the code");
    let file = syn::parse_file(&code).unwrap_or_else(|error| panic!("{error}\n{code}"));
    Generated { code, file, names }
}

/// The items of the module that a path leads to.
fn module<'a>(items: &'a [Item], path: &[String]) -> Option<&'a [Item]> {
    let Some((first, rest)) = path.split_first() else { return Some(items) };
    items.iter().find_map(|item| match item {
        Item::Mod(ItemMod { ident, content: Some((_, inner)), .. }) if same(ident, first) => module(inner, rest),
        _ => None,
    })
}

fn declares(items: &[Item], name: &str) -> bool {
    items.iter().any(|item| match item {
        Item::Struct(item) => same(&item.ident, name),
        Item::Enum(item) => same(&item.ident, name),
        Item::Trait(item) => same(&item.ident, name),
        Item::Const(item) => same(&item.ident, name),
        Item::Fn(item) => same(&item.sig.ident, name),
        _ => false,
    })
}

/// Whether these are one identifier, written with `r#` or without.
fn same(one: &Ident, other: &str) -> bool {
    one.unraw() == other.trim_start_matches("r#")
}

fn path(text: &str) -> Vec<String> {
    text.split("::").map(str::to_owned).collect()
}

#[test]
fn each_version_has_a_module_with_its_packages_and_a_descriptor_set() {
    let Generated { code, file, names } = generate();
    assert_eq!(names, ["odd-shop_2-1.0.0.binpb", "odd-shop_2-2.0.0-beta.3.binpb", "odd-shop_2.rs"]);
    assert!(declares(&file.items, "protocol"));
    for (place, names) in [
        ("v1_0_0", &["Plain", "LABEL", "bare_client"][..]),
        ("v1_0_0::bare_server", &["Bare", "BareServer"]),
        ("v2_0_0_beta_3", &["Plain", "LABEL", "bare_client", "move_client", "http_server_client", "clock_client"]),
        ("v2_0_0_beta_3::r#type::v1::r#async", &["Box", "Result"]),
        ("v2_0_0_beta_3::r#type::v1::r#async::r#box", &["Option"]),
        ("v2_0_0_beta_3::r#type::v1::r#async::move_server", &["Move", "MoveServer"]),
        ("v2_0_0_beta_3::other", &["When"]),
    ] {
        let items = module(&file.items, &path(place)).unwrap_or_else(|| panic!("no module {place} in\n{code}"));
        for name in names {
            assert!(declares(items, name), "{name} is missing from {place}");
        }
    }
    for named in ["2.0.0-beta.3", "/type.v1.async.Move/Yield"] {
        assert!(code.contains(&format!("{named:?}")), "{named}");
    }
}

#[test]
fn each_labelled_client_is_one_that_is_there() {
    let Generated { code, file, .. } = generate();
    let mut clients = 0;
    for version in ["v1_0_0", "v2_0_0_beta_3"] {
        let items = module(&file.items, &path(version)).expect("the version's module");
        for item in items {
            let Item::Fn(function) = item else { continue };
            let ReturnType::Type(_, returned) = &function.sig.output else {
                panic!("{} gives nothing", function.sig.ident)
            };
            let Type::Path(returned) = &**returned else { panic!("{} gives no path", function.sig.ident) };
            let mut parts: Vec<String> =
                returned.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            assert_eq!(parts.remove(0), "self");
            let client = parts.pop().expect("a client");
            let place = module(items, &parts).unwrap_or_else(|| panic!("no module {} in\n{code}", parts.join("::")));
            assert!(declares(place, &client), "{client} is not in {}", parts.join("::"));
            clients += 1;
        }
    }
    assert_eq!(clients, 5);
}

#[test]
fn a_step_is_carried_word_for_word() {
    let Generated { code, .. } = generate();
    assert!(code.contains(&format!("{STEP:?}")), "{code}");
}

#[test]
fn what_another_version_may_not_repeat_is_not_repeated() {
    let version = |put: &str| {
        format!(
            "syntax = \"proto3\"; package p; message M {{}} service S {{\n\
             rpc Get(M) returns (M) {{ option idempotency_level = NO_SIDE_EFFECTS; }}\n\
             rpc Put(M) returns (M) {{ {put} }}\n}}"
        )
    };
    let (idempotent, not) = (version("option idempotency_level = IDEMPOTENT;"), version(""));
    let source =
        folder(&[("protocol.toml", "name = \"p\"\n"), ("1.0.0/p.proto", &not), ("2.0.0/p.proto", &idempotent)]);
    let out = tempfile::tempdir().expect("a folder for the code");
    let configured = straddle::codegen::configure().out_dir(out.path()).emit_rerun_if_changed(false);
    configured.compile(source.path()).unwrap_or_else(|error| panic!("{error}"));
    let code = fs::read_to_string(out.path().join("p.rs")).expect("the code");
    // A node that runs 1.0.0 answers 2.0.0's Put as it is, and has not promised that.
    assert_eq!(code.matches("idempotent: &[\"/p.S/Get\"]").count(), 2, "{code}");
}

#[test]
fn what_another_version_does_not_go_on_with_is_not_gone_on_with() {
    let version = |name: &str| {
        format!(
            "syntax = \"proto3\"; package p; message M {{ string at = 7; }}\n\
             service S {{ rpc {name}(M) returns (stream M); }}"
        )
    };
    let entry = |name: &str| format!("\"p.S.{name}\" = {{ from = \"at\", into = \"at\" }}\n");
    let code = |entries: &str| {
        let source = folder(&[
            ("protocol.toml", &format!("name = \"p\"\n[resume]\n{entries}")),
            ("1.0.0/p.proto", &version("Watch")),
            ("2.0.0/p.proto", &version("Follow")),
            ("2.0.0/step.toml", "from = \"1.0.0\"\n[rename.methods]\n\"p.S.Watch\" = \"p.S.Follow\"\n"),
        ]);
        let out = tempfile::tempdir().expect("a folder for the code");
        let configured = straddle::codegen::configure().out_dir(out.path()).emit_rerun_if_changed(false);
        configured.compile(source.path()).unwrap_or_else(|error| panic!("{error}"));
        fs::read_to_string(out.path().join("p.rs")).expect("the code")
    };
    let both = code(&(entry("Watch") + &entry("Follow")));
    for part in ["path: \"/p.S/Watch\"", "path: \"/p.S/Follow\"", "Token::Bytes", "method: \"p.S.Follow\""] {
        assert!(both.contains(part), "{part} is not in\n{both}");
    }
    assert_eq!(both.matches("transport::Resumable").count(), 2, "{both}");
    // A node that runs 2.0.0 answers Watch by Follow, of which nobody has said that it goes on.
    let one = code(&entry("Watch"));
    assert_eq!(one.matches("transport::Resumable").count(), 0, "{one}");
}
