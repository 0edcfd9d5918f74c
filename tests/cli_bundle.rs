//! `straddle bundle`, `straddle inspect` and `straddle keygen`, as a person or a script meets them.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "support/repository.rs"]
mod repository;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use program::{Run, straddle};
use repository::Repository;
use serde_json::{Value, json};
use straddle::bundle::Bundle;
use tempfile::TempDir;

const INVENTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory");

/// A folder to write into.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Bundles the inventory.
    fn bundle(&self, name: &str, more: &[&str]) -> Run {
        straddle(&[&["bundle", INVENTORY, "-o", &self.path(name)], more].concat())
    }

    fn inspect(&self, name: &str, more: &[&str]) -> Run {
        straddle(&[&["inspect", &self.path(name)], more].concat())
    }

    fn keygen(&self, name: &str) -> Run {
        straddle(&["keygen", &self.path(name)]).ended(0, &[])
    }

    /// The names of all files.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("the folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing from\n{text}");
    }
}

#[test]
fn a_protocol_is_bundled_signed_and_inspected() {
    let place = Place::new();
    let made = place.keygen("release.key");
    let fingerprint = made.out.lines().find_map(|line| line.strip_prefix("fingerprint  ")).expect("a fingerprint");
    let (secret, public) = (place.path("release.key"), place.path("release.key.pub"));
    let wrote = place.bundle("inventory.bundle", &["--sign", &secret]).ended(0, &[]);
    let read = Bundle::read(fs::read(place.file("inventory.bundle")).expect("the file")).expect("a bundle");
    let head = ["the whole protocol, of 4 versions", &read.digest(), "unlabelled 1.0.0", "version    3.0.0"];
    says(&wrote.out, &head);
    says(&wrote.out, &["wrote ", "signature  by ", fingerprint]);
    let inspected = place.inspect("inventory.bundle", &["--trust", &public]).ended(0, &[]);
    says(&inspected.out, &head);
    says(
        &inspected.out,
        &[
            &format!("by {fingerprint}, verified"),
            "step 1.1.0 -> 2.0.0, breaking",
            "  past     2 same, 7 by rules, 0 by code, 0 refused",
            "  by code  inventory.v2.Inventory.Reserve (past): needs the program of 3.0.0",
        ],
    );
    let asked = place.inspect("inventory.bundle", &[]).ended(0, &[]);
    says(&asked.out, &[&format!("by {fingerprint}; whether to trust that key, --trust KEY says")]);
    assert_eq!(place.names(), ["inventory.bundle", "release.key", "release.key.pub"], "nothing else is left behind");
}

#[test]
fn scripts_are_told_the_same_in_json() {
    let place = Place::new();
    place.keygen("key");
    let wrote = place.bundle("step", &["--step", "2.0.0..3.0.0", "--sign", &place.path("key"), "--json"]).ended(0, &[]);
    let size = fs::metadata(place.file("step")).expect("the file").len();
    let wrote = wrote.value();
    assert_eq!(wrote["bytes"], json!(size));
    let inspected = place.inspect("step", &["--json", "--trust", &place.path("key.pub")]).ended(0, &[]).value();
    for same in ["kind", "protocol", "unlabelled", "bytes", "digest", "signer", "versions"] {
        assert_eq!(inspected[same], wrote[same], "{same}");
    }
    assert_eq!((&inspected["kind"], &inspected["protocol"]), (&json!("step"), &json!("inventory")));
    assert_eq!((&inspected["signature"], &inspected["error"]), (&json!("verified"), &Value::Null));
    assert_eq!(inspected["versions"][0]["step_bytes"], Value::Null);
    let step = &inspected["steps"][0];
    assert_eq!((&step["from"], &step["to"], &step["breaking"]), (&json!("2.0.0"), &json!("3.0.0"), &json!(true)));
    let methods = |side: &str| {
        ["same", "rules", "code", "refused"].iter().filter_map(|kind| step[side][kind].as_u64()).sum::<u64>()
    };
    assert!(methods("past") > 5 && methods("future") > 5, "{step}");
    let codes = step["code"].as_array().expect("a list");
    let counted = ["past", "future"].iter().filter_map(|side| step[side]["code"].as_u64()).sum::<u64>();
    assert_eq!(codes.len() as u64, counted);
    assert!(counted > 0 && codes.iter().all(|code| code["program"] == "3.0.0"), "{step}");
}

#[test]
fn what_nobody_trusts_is_not_looked_at_further() {
    let place = Place::new();
    place.keygen("author");
    place.keygen("stranger");
    place.bundle("unsigned", &[]).ended(0, &[]);
    place.bundle("signed", &["--sign", &place.path("author")]).ended(0, &[]);
    let (author, stranger) = (place.path("author.pub"), place.path("stranger.pub"));
    let refused = [("unsigned", &author, "is not signed"), ("signed", &stranger, "whom nobody here trusts")];
    for (bundle, trust, said) in refused {
        let run = place.inspect(bundle, &["--trust", trust]).ended(1, &[said]);
        says(&run.out, &["NOT verified"]);
        assert!(!run.out.contains("step 1.0.0"), "{}", run.out);
        let told = place.inspect(bundle, &["--trust", trust, "--json"]).ended(1, &[said]).value();
        assert_eq!((&told["signature"], &told["steps"]), (&json!("not verified"), &Value::Null));
        says(told["error"].as_str().expect("an error"), &[said]);
    }
    place.inspect("signed", &["--trust", &stranger, "--trust", &author]).ended(0, &[]);
    says(&place.inspect("unsigned", &[]).ended(0, &[]).out, &["signature  none"]);
}

#[test]
fn the_same_folder_gives_the_same_file_and_the_old_one_is_replaced() {
    let place = Place::new();
    place.bundle("one", &[]).ended(0, &[]);
    fs::write(place.file("other"), "what was there before").expect("a file");
    place.bundle("other", &[]).ended(0, &[]);
    let read = |name| fs::read(place.file(name)).expect("the file");
    assert_eq!(read("one"), read("other"));
}

/// A step with a method that nobody bridges: its request streams now.
const OPEN: &[(&str, &str)] = &[
    ("protocol.toml", "name = \"shop\"\n"),
    (
        "1.0.0/shop.proto",
        "syntax = \"proto3\"; package shop; service Shop { rpc Buy(Order) returns (Order); }
         message Order { string sku = 1; }",
    ),
    (
        "1.1.0/shop.proto",
        "syntax = \"proto3\"; package shop; service Shop { rpc Buy(Order) returns (Order); }
         message Order { string sku = 1; string note = 2; }",
    ),
    (
        "2.0.0/shop.proto",
        "syntax = \"proto3\"; package shop; service Shop { rpc Buy(stream Order) returns (Order); }
         message Order { string sku = 1; string note = 2; }",
    ),
];

#[test]
fn what_nobody_decided_is_bundled_only_where_that_is_said() {
    let (place, shop) = (Place::new(), folder::folder(OPEN));
    let shop = shop.path().display().to_string();
    let bundle = |more: &[&str]| straddle(&[&["bundle", &shop, "-o", &place.path("shop")], more].concat());
    let open = ["2 points are open in shop", "1.1.0 -> 2.0.0, past: shop.Shop.Buy", "--allow-open"];
    bundle(&[]).ended(1, &open);
    bundle(&["--step", "1.1.0..2.0.0"]).ended(1, &open);
    assert_eq!(place.names(), [""; 0], "nothing was written");
    bundle(&["--step", "1.0.0..1.1.0"]).ended(0, &[]);
    bundle(&["--allow-open"]).ended(0, &["warning: 2 points are open"]);
    says(&place.inspect("shop", &[]).ended(0, &[]).out, &["0 by code, 1 refused (1 of them open)"]);
}

#[test]
fn what_cannot_be_bundled_or_read_is_told_with_what_to_do() {
    let (place, broken) = (Place::new(), folder::folder(&[("protocol.toml", "name = \"shop\"\n")]));
    let out = place.path("out");
    straddle(&["bundle", &broken.path().display().to_string(), "-o", &out]).ended(1, &["the protocol has no versions"]);
    place.bundle("out", &["--step", "1.0.0..3.0.0"]).ended(2, &["its steps are 1.0.0..1.1.0, 1.1.0..2.0.0"]);
    place.bundle("out", &["--step", "1.0.0"]).ended(2, &["write FROM..TO"]);
    place.bundle("out", &["--sign", &place.path("gone")]).ended(2, &["gone cannot be read"]);
    place.bundle("no/such/folder", &[]).ended(1, &["cannot be written"]);
    place.inspect("gone", &[]).ended(2, &["gone cannot be read"]);
    assert_eq!(place.names(), [""; 0], "nothing was written");
    place.keygen("key");
    place
        .bundle("out", &["--sign", &place.path("key.pub")])
        .ended(2, &["key.pub: this is no secret key", "without .pub"]);
    place.bundle("out", &[]).ended(0, &[]);
    place.inspect("out", &["--trust", &place.path("key")]).ended(2, &["this is no public key", "ends with .pub"]);
    place.inspect("key", &[]).ended(1, &["this is no bundle"]);
    let mut bytes = fs::read(&out).expect("the file");
    bytes.truncate(1000);
    fs::write(&out, &bytes).expect("a part");
    place.inspect("out", &[]).ended(1, &["out: the bundle is damaged: it ends after 1000 bytes"]);
}

#[test]
fn what_a_release_had_is_bundled_out_of_git() {
    let (repository, place) = (Repository::new(), Place::new());
    repository.write("schemas/p/protocol.toml", "name = \"p\"\n");
    repository.write("schemas/p/1.0.0/p.proto", "syntax = \"proto3\";\npackage p;\nmessage M { string a = 1; }\n");
    repository.commit("v1");
    fs::remove_dir_all(repository.path().join("schemas")).expect("the work tree goes on");
    let bundle = |from: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_straddle"));
        command.args(["bundle", from, "-o", &place.path("out")]).current_dir(repository.path()).env_remove("GIT_DIR");
        let output = command.output().expect("the program");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(bundle("git:v1:schemas/p"), (Some(0), String::new()));
    let read = Bundle::read(fs::read(place.file("out")).expect("a bundle")).expect("it is one");
    assert_eq!((read.name(), read.versions().len()), ("p", 1));
    let (code, said) = bundle("git:v1:schemas/q");
    assert_eq!(code, Some(1));
    says(&said, &["no folder `schemas/q`", "did you mean `schemas/p`?"]);
    // Faults name files as the user named the folder.
    repository.write("schemas/p/1.0.0/p.proto", "syntax = \"proto3\";\nmessage M { strin a = 1; }\n");
    repository.write("schemas/p/protocol.toml", "name = \"p\"\n");
    repository.commit("v2");
    says(&bundle("git:v2:schemas/p").1, &["git:v2:schemas/p/1.0.0/p.proto:2:"]);
}

#[test]
fn keys_are_for_their_owner_and_never_replaced_unasked() {
    let place = Place::new();
    place.keygen("key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name| fs::metadata(place.file(name)).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode("key"), 0o600);
        assert_ne!(mode("key.pub") & 0o400, 0);
        fs::set_permissions(place.file("key"), fs::Permissions::from_mode(0o644)).expect("other permissions");
        place.bundle("out", &["--sign", &place.path("key")]).ended(0, &["others can read the secret key"]);
    }
    let read = |name: &str| fs::read_to_string(place.file(name)).expect("a key");
    let first = (read("key"), read("key.pub"));
    straddle(&["keygen", &place.path("key")]).ended(1, &["key is there already", "--force"]);
    fs::remove_file(place.file("key")).expect("the secret key goes");
    straddle(&["keygen", &place.path("key")]).ended(1, &["key.pub is there already"]);
    assert_eq!(read("key.pub"), first.1);
    straddle(&["keygen", &place.path("key"), "--force"]).ended(0, &[]);
    assert_ne!(read("key"), first.0);
    assert_ne!(read("key.pub"), first.1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(place.file("key")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "replaced keys are for their owner, too");
    }
}

#[test]
fn openssl_makes_and_reads_the_same_keys_and_signatures() {
    let openssl = |arguments: &[&str]| Command::new("openssl").args(arguments).output();
    let Ok(known) = openssl(&["version"]) else {
        eprintln!("SKIPPED: there is no openssl");
        return;
    };
    if !String::from_utf8_lossy(&known.stdout).starts_with("OpenSSL 3") {
        eprintln!("SKIPPED: openssl is no OpenSSL 3, which verifies signatures of whole texts");
        return;
    }
    let openssl = |arguments: &[&str]| {
        let output = openssl(arguments).expect("openssl runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let place = Place::new();
    place.keygen("ours");
    let public = openssl(&["pkey", "-in", &place.path("ours"), "-pubout"]);
    assert_eq!(public, fs::read(place.file("ours.pub")).expect("the public key"));
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", &place.path("theirs")]);
    fs::write(place.file("theirs.pub"), openssl(&["pkey", "-in", &place.path("theirs"), "-pubout"])).expect("a key");
    place.bundle("out", &["--sign", &place.path("theirs")]).ended(0, &[]);
    place.inspect("out", &["--trust", &place.path("theirs.pub")]).ended(0, &[]);
    // The signature, checked with nothing of ours.
    let bundle = fs::read(place.file("out")).expect("the bundle");
    let (signed, signature) = bundle.split_at(bundle.len() - 64);
    let digest = &signed[signed.len() - 33 - 32..signed.len() - 33];
    fs::write(place.file("text"), [b"straddle bundle signature 1\n", digest].concat()).expect("what was signed");
    fs::write(place.file("signature"), signature).expect("the signature");
    let (key, text, signature) = (place.path("theirs.pub"), place.path("text"), place.path("signature"));
    openssl(&["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", &key, "-in", &text, "-sigfile", &signature]);
}
