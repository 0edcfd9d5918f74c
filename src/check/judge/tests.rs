//! Verdicts on differences that are made by hand, each with its reasons.

use std::fs;

use super::*;
use crate::check::{Category, Effect, Place, Rule, Side, Verdict};

static WIRE: Rule = Rule { id: "A_WIRE_RULE", categories: &[Category::Wire, Category::WireJson], purpose: "" };
static JSON: Rule = Rule { id: "A_JSON_RULE", categories: &[Category::WireJson], purpose: "" };
static FILE: Rule = Rule { id: "A_FILE_RULE", categories: &[Category::File], purpose: "" };

/// A protocol of two versions, written down and read.
struct Shop {
    _folder: tempfile::TempDir,
    protocol: Protocol,
    old: Image,
    new: Image,
    step_file: PathBuf,
}

impl Shop {
    fn new(to: &str, old: &str, new: &str, step: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("protocol.toml"), "name = \"shop\"").unwrap();
        for (version, text) in [("1.0.0", old), (to, new)] {
            fs::create_dir(root.join(version)).unwrap();
            let text = format!("syntax = \"proto3\";\npackage shop;\n{text}");
            fs::write(root.join(version).join("shop.proto"), text).unwrap();
        }
        let step_file = root.join(to).join("step.toml");
        if !step.is_empty() {
            fs::write(&step_file, format!("from = \"1.0.0\"\n{step}")).unwrap();
        }
        let protocol = Protocol::load(root).unwrap();
        let [old, new] = ["1.0.0", to].map(|version| Image::of_folder(&root.join(version)).unwrap());
        Self { _folder: folder, protocol, old, new, step_file }
    }

    fn judged(&self, differences: Vec<Difference>) -> Judged {
        let names = ("1.0.0".to_owned(), self.protocol.versions()[1].version().to_string());
        let step_file = Some(self.step_file.clone());
        step(
            &Pair {
                protocol: &self.protocol,
                index: 0,
                old: &self.old,
                new: &self.new,
                names,
                guessed: Vec::new(),
                step_file,
            },
            differences,
            Vec::new(),
        )
    }
}

fn difference(rule: &'static Rule, element: &str) -> Difference {
    let place = Place { file: "shop.proto".to_owned(), line: 3, column: 1, end: None, side: Side::New };
    let group = element.rsplit_once('.').map_or(element, |(group, _)| group).to_owned();
    let (what, effect) = ("differs".to_owned(), Effect::default());
    Difference { rule, place: Some(place), element: element.to_owned(), group, what, effect }
}

fn words(finding: &Finding) -> (&'static str, String) {
    match finding.verdict.clone().unwrap() {
        Verdict::Compatible => ("compatible", finding.notes.join("; ")),
        Verdict::Bridged { by, at } => {
            ("bridged", format!("{by} at {}", at.map_or(String::new(), |(_, line)| line.to_string())))
        }
        Verdict::Refused { reason } => ("refused", reason),
        Verdict::Open { advice } => ("open", advice),
    }
}

const GET: &str = "service Shop { rpc Get(Item) returns (Item) { option idempotency_level = NO_SIDE_EFFECTS; } }";
const PUT: &str = "service Shop { rpc Put(Item) returns (Item); }";
const OTHER: &str = "message Other { string a = 1; } service Shop { rpc Get(Other) returns (Other); }";

#[test]
fn a_difference_is_judged_by_what_becomes_of_it_where_it_is_reached() {
    let item = "message Item { string sku = 1; int32 price = 2; }";
    #[rustfmt::skip]
    let cases = [
        // Fields of messages that a method exchanges.
        (item, GET, "message Item { string sku = 1; int64 price = 2; }", GET, "", "shop.Item.price", "bridged", "another type at "),
        (item, GET, "message Item { string sku = 1; int32 price = 7; }", GET, "", "shop.Item.price", "bridged", "another number at "),
        (item, GET, "message Item { string sku = 1; }", GET, "", "shop.Item.price", "bridged", "a request with it is refused"),
        (item, GET, "message Item { string sku = 1; string price = 2; }", GET, "", "shop.Item.price", "open", "do not meet by themselves"),
        (item, GET, "message Item { string sku = 1; string price = 2; }", GET, "[messages.\"shop.Item\"]\nrules = [{ old = \"price\", new = \"price\", text = \"decimal\" }]", "shop.Item.price", "bridged", "rules (step.toml:3) at 3"),
        (item, GET, "message Item { string sku = 1; int32 cost = 2; }", GET, "", "shop.Item.cost", "open", "step.toml"),
        (item, GET, "message Item { string sku = 1; int32 cost = 2; }", GET, "[rename.fields]\n\"shop.Item.price\" = \"cost\"", "shop.Item.cost", "bridged", "step.toml:3"),
        (item, GET, "message Item { string sku = 1; }", GET, "[messages.\"shop.Item\"]\nrules = [{ old = \"price\", drop = true }]", "shop.Item.price", "bridged", "rules (step.toml:3) at 3"),
        (item, GET, "message Item { string sku = 1; optional int32 price = 2; }", GET, "", "shop.Item.price", "bridged", "presence"),
        ("message Item { map<string, int32> counts = 1; }", GET, "message Item { map<string, int64> counts = 1; }", GET, "", "shop.Item.CountsEntry.value", "bridged", "another type"),
        ("message Item { map<string, int32> counts = 1; }", GET, "message Item { map<string, string> counts = 1; }", GET, "", "shop.Item.CountsEntry.value", "open", "do not meet by themselves"),
        // The old number is taken, so what is lost cannot pass.
        (item, GET, "message Item { string sku = 1; string cost = 2; }", GET, "", "shop.Item.cost", "bridged", "its number is taken, so a response goes without it"),
        // Code and refusals go before rules.
        (item, GET, "message Item { string sku = 1; string price = 2; }", GET, "[past]\ncode = [\"shop.Shop.Get\"]\n[future]\ncode = [\"shop.Shop\"]", "shop.Item.price", "bridged", "code of shop.Shop.Get at 3"),
        (item, GET, "message Item { string sku = 1; string price = 2; }", GET, "[[past.refuse]]\nmethod = \"shop.Shop.Get\"\nreason = \"prices are words now\"\n[[future.refuse]]\nmethod = \"shop.Shop.Get\"\nreason = \"prices were numbers\"", "shop.Item.price", "refused", "prices are words now"),
        // Messages that no method reaches.
        (item, OTHER, "message Item { string sku = 1; string price = 2; }", OTHER, "", "shop.Item.price", "open", "do not meet by themselves"),
        (item, OTHER, "message Item { string sku = 1; int64 price = 2; }", OTHER, "", "shop.Item.price", "bridged", "another type"),
        (item, OTHER, "", OTHER, "", "shop.Item", "compatible", "no method reaches it"),
        // Files and what else never travels.
        (item, GET, item, GET, "", "shop.proto", "compatible", "generated code only"),
        // Methods.
        (item, GET, item, "", "", "shop.Shop.Get", "open", "[[past.refuse]]"),
        (item, GET, item, "", "", "shop.Shop", "open", "what becomes of its calls: "),
        (item, GET, item, "", "[[past.refuse]]\nmethod = \"shop.Shop.Get\"\nreason = \"nobody called it\"", "shop.Shop.Get", "refused", "nobody called it"),
        (item, GET, item, "", "", "shop.Item.sku", "refused", "goes with shop.Shop.Get"),
        (item, GET, item, "service Shop { rpc Get(Item) returns (stream Item); }", "", "shop.Shop.Get", "open", "was unary, is server-streaming"),
        (item, GET, "message Item { string sku = 1; int32 price = 2; string note = 3; }", GET, "", "shop.Shop.Get", "compatible", ""),
    ];
    for (old, old_service, new, new_service, step, element, verdict, part) in cases {
        let to = if new.contains("note") { "1.1.0" } else { "2.0.0" };
        let shop = Shop::new(to, &format!("{old}\n{old_service}"), &format!("{new}\n{new_service}"), step);
        let rule = if element == "shop.proto" { &FILE } else { &WIRE };
        let judged = shop.judged(vec![difference(rule, element)]);
        let found = judged.findings.iter().find(|finding| finding.rule.id == rule.id).unwrap();
        let (word, told) = words(found);
        assert_eq!(word, verdict, "{element}, {old} -> {new} with {step}: {told}");
        assert!(told.contains(part), "{element}, {old} -> {new} with {step}: {part:?} is missing from {told}");
    }
}

#[test]
fn what_moved_with_its_package_is_known_by_both_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let item = "message Item { string sku = 1; }";
    let both = "service Shop { rpc Get(Item) returns (Item); rpc Put(Item) returns (Item); }";
    let one = "service Shop { rpc Get(Item) returns (Item); }";
    fs::write(root.join("protocol.toml"), "name = \"shop\"").unwrap();
    for (version, package, service) in [("1.0.0", "shop.v1", both), ("2.0.0", "shop.v2", one)] {
        fs::create_dir(root.join(version)).unwrap();
        let text = format!("syntax = \"proto3\"; package {package}; {item} {service}");
        fs::write(root.join(version).join("shop.proto"), text).unwrap();
    }
    let step_file = root.join("2.0.0/step.toml");
    fs::write(&step_file, "from = \"1.0.0\"\n[rename.packages]\n\"shop.v1\" = \"shop.v2\"\n").unwrap();
    let protocol = Protocol::load(root).unwrap();
    let [old, new] = ["1.0.0", "2.0.0"].map(|version| Image::of_folder(&root.join(version)).unwrap());
    let shop = Shop { _folder: folder, protocol, old, new, step_file };
    assert!(renamed(&shop.protocol, 0).contains(&("shop.v1".to_owned(), "shop.v2".to_owned())));
    for (element, verdict) in [
        ("shop.v2.Shop.Put", "open"),
        ("shop.v1.Shop.Put", "open"),
        ("shop.v2.Shop.Get", "compatible"),
        ("shop.v2.Item.sku", "compatible"),
        ("shop.v1.Item", "compatible"),
    ] {
        let judged = shop.judged(vec![difference(&WIRE, element)]);
        let found = judged.findings.iter().find(|finding| finding.rule.id == WIRE.id).unwrap();
        assert_eq!(words(found).0, verdict, "{element}: {}", words(found).1);
    }
}

#[test]
fn values_of_enums_are_judged_by_the_fields_that_hold_them() {
    let old = "enum State { UNKNOWN = 0; ACTIVE = 1; GONE = 2; } message Item { State state = 1; }";
    let new = "enum State { UNKNOWN = 0; ACTIVE = 1; DELETED = 3; } message Item { State state = 1; }";
    for (step, verdict, part) in [
        ("", "bridged", "enum values that meet by their names at "),
        ("[enums.\"shop.State\"]\nvalues = { GONE = \"DELETED\" }", "bridged", "rules (step.toml:3)"),
        ("[rename.values]\n\"shop.State.GONE\" = \"DELETED\"", "bridged", "rules (step.toml:3)"),
    ] {
        let shop = Shop::new("2.0.0", &format!("{old}{GET}"), &format!("{new}{GET}"), step);
        let judged = shop.judged(vec![difference(&WIRE, "shop.State.GONE")]);
        let (word, told) = words(&judged.findings[0]);
        assert_eq!(word, verdict, "{step}: {told}");
        assert!(told.contains(part), "{step}: {told}");
    }
}

#[test]
fn what_is_open_beyond_any_difference_is_found_once_for_all_its_methods() {
    let old = "message Item { string sku = 1; int32 price = 2; }";
    let new = "message Item { string sku = 1; string price = 2; }";
    let both = "service Shop { rpc Get(Item) returns (Item) { option idempotency_level = NO_SIDE_EFFECTS; } \
                rpc Find(Item) returns (Item) { option idempotency_level = NO_SIDE_EFFECTS; } }";
    let shop = Shop::new("2.0.0", &format!("{old}{both}"), &format!("{new}{both}"), "");
    let ids = |judged: &Judged| judged.findings.iter().map(|finding| finding.rule.id).collect::<Vec<_>>();
    let alone = shop.judged(Vec::new());
    assert_eq!(ids(&alone), ["METHOD_OPEN"]);
    let found = &alone.findings[0];
    assert_eq!((found.element.as_str(), found.group.as_str()), ("shop.Item.price", "shop.Item"));
    for part in
        ["shop.Shop.Find, shop.Shop.Get by callers of 1.0.0", "shop.Shop.Find, shop.Shop.Get by callers of 2.0.0"]
    {
        assert!(found.what.contains(part), "{}", found.what);
    }
    assert!(found.level == Level::Error && found.place.is_some());
    // A difference that tells of it already is enough.
    assert_eq!(ids(&shop.judged(vec![difference(&WIRE, "shop.Item.price")])), ["A_WIRE_RULE"]);
    // One about something else is not.
    assert_eq!(ids(&shop.judged(vec![difference(&JSON, "shop.Item.sku")])), ["METHOD_OPEN", "A_JSON_RULE"]);
    let gone = Shop::new("2.0.0", &format!("{old}{both}"), old, "");
    assert_eq!(ids(&gone.judged(Vec::new())), ["METHOD_GONE", "METHOD_GONE"]);
    assert_eq!(ids(&gone.judged(vec![difference(&FILE, "shop.Shop.Get")])), ["METHOD_GONE", "A_FILE_RULE"]);
}

#[test]
fn responses_that_come_too_late_are_found_whether_they_are_accepted_or_not() {
    let old = "message Item { string sku = 1; int64 price = 2; }";
    let new = "message Item { string sku = 1; int32 price = 2; }";
    let [old, new] = [old, new].map(|item| format!("{item}{PUT}"));
    let open = Shop::new("2.0.0", &old, &new, "").judged(Vec::new());
    let late: Vec<_> = open.findings.iter().map(|finding| (finding.rule.id, finding.level)).collect();
    assert_eq!(late, [("LATE_REFUSAL", Level::Error)]);
    assert!(words(&open.findings[0]).1.contains("accept_refused_responses"));
    let step = "accept_refused_responses = [\"shop.Shop.Put\"]";
    let accepted = Shop::new("2.0.0", &old, &new, step).judged(Vec::new());
    let late: Vec<_> = accepted.findings.iter().map(|finding| (finding.rule.id, finding.level)).collect();
    assert_eq!(late, [("LATE_REFUSAL", Level::Note)]);
    assert_eq!(
        words(&accepted.findings[0]),
        ("bridged", "accept_refused_responses, for shop.Shop.Put at 2".to_owned())
    );
}

#[test]
fn numbers_of_versions_are_held_against_what_changed() {
    let item = "message Item { string sku = 1; }";
    #[rustfmt::skip]
    let cases = [
        ("1.1.0", "message Item { string sku = 1; string note = 2; }", &[][..], Change::Minor, true),
        ("2.0.0", "message Item { string sku = 1; string note = 2; }", &[], Change::Minor, true),
        ("1.1.0", "message Item { bytes sku = 1; }", &[&WIRE], Change::Major, false),
        ("2.0.0", "message Item { bytes sku = 1; }", &[&WIRE], Change::Major, true),
        ("1.1.0", "message Item { bytes sku = 1; }", &[], Change::Major, false),
        ("1.1.0", item, &[&FILE], Change::Minor, true),
        ("1.1.0-rc.1", "message Item { bytes sku = 1; }", &[&WIRE], Change::Major, true),
        ("1.1.0", item, &[], Change::Patch, true),
    ];
    for (to, new, rules, needed, enough) in cases {
        let shop = Shop::new(to, &format!("{item}{GET}"), &format!("{new}{GET}"), "");
        let element =
            |rule: &&'static Rule| difference(rule, if rule.id == FILE.id { "shop.proto" } else { "shop.Item.sku" });
        let judged = shop.judged(rules.iter().map(element).collect());
        assert_eq!(judged.bump.needed, needed, "{to} {new}: {}", judged.bump.why);
        assert_eq!(!judged.bump.is_too_small(), enough, "{to} {new}");
        assert_eq!(!judged.findings.iter().any(|finding| finding.rule.id == "VERSION_BUMP"), enough, "{to} {new}");
    }
}

#[test]
fn losses_are_listed_by_direction_and_use() {
    let old = "message Item { string sku = 1; string note = 2; string tag = 3; }";
    let new = "message Item { string sku = 1; string code = 4; }";
    let step = "[messages.\"shop.Item\"]\nrules = [{ old = \"tag\", loss = { request = \"drop\" } }]";
    let shop = Shop::new("2.0.0", &format!("{old}{GET}"), &format!("{new}{GET}"), step);
    let told: Vec<String> = shop.judged(Vec::new()).losses.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "shop.Item.note: refused in a request, passed in a response, refused in stored data",
            "shop.Item.tag: dropped in a request, passed in a response, refused in stored data (step.toml:3)",
            "shop.Item.code: refused in a request, passed in a response, refused in stored data",
        ]
    );
}

#[test]
fn the_worst_group_comes_first_and_the_worst_within_it() {
    let old = "message Item { string sku = 1; int32 price = 2; int32 count = 3; } message Box { string a = 1; }";
    let new = "message Item { string sku = 1; string price = 2; int64 count = 3; } message Box { bytes a = 1; }";
    let shop = Shop::new("2.0.0", &format!("{old}{GET}"), &format!("{new}{GET}"), "");
    let elements = ["shop.Box.a", "shop.Item.count", "shop.Item.price"].map(|element| difference(&WIRE, element));
    let judged = shop.judged(elements.to_vec());
    let order: Vec<&str> = judged.findings.iter().map(|finding| finding.element.as_str()).collect();
    assert_eq!(order, ["shop.Item.price", "shop.Item.count", "shop.Box.a"]);
}
