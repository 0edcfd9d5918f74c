//! A shop against fleets that are made by hand.

use std::fs;

use super::*;
use crate::check::judge::Level;

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

/// A shop of three versions: 2.0.0 refuses Legacy and can lose a note, 3.0.0 refuses Sell, has code for Get both ways, and Audit, which
/// older nodes refuse.
struct Shop {
    _folder: tempfile::TempDir,
    protocol: Protocol,
}

fn shop() -> Shop {
    let proto = |methods: &[&str], fields: &str| {
        let methods: Vec<String> =
            methods.iter().map(|name| format!("rpc {name}({name}Item) returns ({name}Item);\n")).collect();
        let names = ["Get", "Put", "Legacy", "Sell", "Audit"];
        let messages: Vec<String> = names.iter().map(|name| format!("message {name}Item {{ {fields} }}\n")).collect();
        format!("syntax = \"proto3\";\npackage shop;\nservice Shop {{\n{}}}\n{}", methods.concat(), messages.concat())
    };
    let (one, two) = ("string name = 1; string note = 2;", "string name = 1;");
    let files = [
        ("protocol.toml", "name = \"shop\"\n".to_owned()),
        ("1.0.0/shop.proto", proto(&["Get", "Put", "Legacy", "Sell"], one)),
        ("2.0.0/shop.proto", proto(&["Get", "Put", "Sell"], two)),
        ("3.0.0/shop.proto", proto(&["Get", "Put", "Audit"], two)),
        (
            "2.0.0/step.toml",
            "from = \"1.0.0\"\nloss = { request = \"drop\", response = \"drop\" }\n[[past.refuse]]\nmethod = \
             \"shop.Shop.Legacy\"\nreason = \"it is old\"\n"
                .to_owned(),
        ),
        (
            "3.0.0/step.toml",
            "from = \"2.0.0\"\n[past]\ncode = [\"shop.Shop.Get\"]\n[[past.refuse]]\nmethod = \"shop.Shop.Sell\"\nreason = \
             \"nothing is sold\"\n[future]\ncode = [\"shop.Shop.Get\"]\n[[future.refuse]]\nmethod = \
             \"shop.Shop.Audit\"\nreason = \"no trail\"\n"
                .to_owned(),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Shop { protocol: Protocol::load(folder.path()).unwrap(), _folder: folder }
}

impl Shop {
    /// A fleet in which these versions are published as they are, with nodes that run these; calls have been counted for long.
    fn fleet(&self, published: &[&str], nodes: &[&str]) -> Fleet {
        let schema = |version: &Version| self.protocol.schema(version).map_or("?", |schema| schema.digest()).to_owned();
        let published = published.iter().map(|text| {
            let version = version(text);
            let published = Published { schema: schema(&version), since: 100 * DAY };
            (version, published)
        });
        let node = |(number, runs): (usize, &&str)| Node {
            name: format!("node-{number}"),
            version: version(runs),
            built: None,
            knows: None,
        };
        Fleet {
            by: "here".to_owned(),
            published: published.collect(),
            nodes: nodes.iter().enumerate().map(node).collect(),
            within: 30 * DAY,
            counted_for: Some(90 * DAY),
            ..Fleet::default()
        }
    }

    fn told(&self, fleet: Fleet) -> Vec<(&'static str, Level, String)> {
        let (_, findings) = judge(&self.protocol, fleet);
        findings.into_iter().map(|finding| (finding.rule.id, finding.level, finding.what)).collect()
    }
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn called(of: &str, method: &str, ago: Duration) -> Called {
    let caller = |name: &str, calls, error| Caller { name: name.to_owned(), calls, error };
    Called {
        version: version(of),
        method: format!("shop.Shop.{method}"),
        calls: 12,
        unlabelled: 2,
        ago,
        callers: vec![caller("billing", 7, 0), caller("till", 3, 1)],
        others: 1,
    }
}

const REFUSED: &str = "FLEET_CALL_REFUSED";
const UNUSED: &str = "FLEET_REFUSAL_UNUSED";
const UNKNOWN: &str = "FLEET_CALLS_UNKNOWN";

/// The ids and levels.
fn ids(told: &[(&'static str, Level, String)]) -> Vec<(&'static str, Level)> {
    told.iter().map(|(id, level, _)| (*id, *level)).collect()
}

#[test]
fn a_call_that_is_made_and_would_be_refused_is_an_error_that_names_who_makes_it() {
    let shop = shop();
    let calls = vec![called("1.0.0", "Legacy", 3 * MINUTE)];
    let fleet = Fleet { calls, ..shop.fleet(&["1.0.0"], &["1.0.0", "1.0.0"]) };
    let (judged, findings) = judge(&shop.protocol, fleet);
    assert_eq!(judged.proposed, [version("2.0.0"), version("3.0.0")]);
    assert_eq!(judged.outcomes, [[Some("refused"), Some("refused")]]);
    let refused: Vec<&Finding> = findings.iter().filter(|finding| finding.rule.id == REFUSED).collect();
    let [finding] = refused.as_slice() else { panic!("told once: {findings:#?}") };
    assert_eq!(
        (finding.level, finding.what.as_str()),
        (
            Level::Error,
            "callers of 1.0.0 would lose shop.Shop.Legacy at 2.0.0: the step between 1.0.0 and 2.0.0 refuses it: it is old"
        )
    );
    assert_eq!(
        finding.notes,
        [
            "12 calls (2 without a label) since they are counted, the last one 3 min ago",
            "by billing (7), till (3 to 4); others have made at most 1 each"
        ]
    );
    assert!(finding.advice.as_ref().unwrap().contains("--accept 1.0.0:shop.Shop.Legacy"), "{:?}", finding.advice);
    assert_eq!(finding.place.as_ref().unwrap().line, Some(4));
    assert_eq!(finding.step, Some(("1.0.0".to_owned(), "2.0.0".to_owned())));
}

#[test]
fn how_long_ago_a_call_was_and_who_answers_it_now_say_how_much_its_refusal_weighs() {
    let shop = shop();
    for (ago, nodes, level) in [
        (MINUTE, ["1.0.0", "2.0.0"], Level::Error),
        (30 * DAY, ["1.0.0", "2.0.0"], Level::Error),
        (31 * DAY, ["1.0.0", "2.0.0"], Level::Warning),
        // No node answers it: there is nothing to lose.
        (MINUTE, ["2.0.0", "2.0.0"], Level::Note),
    ] {
        let calls = vec![called("1.0.0", "Legacy", ago)];
        let told = shop.told(Fleet { calls, ..shop.fleet(&["1.0.0", "2.0.0"], &nodes) });
        let found: Vec<Level> = told.iter().filter(|(id, ..)| *id == REFUSED).map(|(_, level, _)| *level).collect();
        assert_eq!(found, [level], "{ago:?} {nodes:?} {told:#?}");
    }
}

#[test]
fn a_refusal_that_nobody_runs_into_is_a_note_with_since_when_that_is_known() {
    let shop = shop();
    let (_, findings) = judge(&shop.protocol, shop.fleet(&["1.0.0"], &["1.0.0"]));
    let unused: Vec<&Finding> = findings.iter().filter(|finding| finding.rule.id == UNUSED).collect();
    let at_two = "2.0.0 refuses callers of 1.0.0 shop.Shop.Legacy, and nobody has called it since calls are counted";
    assert_eq!((unused[0].level, unused[0].what.as_str()), (Level::Note, at_two));
    assert_eq!(unused[0].notes[0], "calls of it are counted for 90 days");
    assert!(unused[1].what.starts_with("3.0.0 refuses callers of 1.0.0 shop.Shop.Sell, and"), "{}", unused[1].what);
    assert_eq!((findings.len(), unused.len()), (2, 2), "{findings:#?}");
    // A version is not called before it is there.
    let mut young = shop.fleet(&["1.0.0"], &["1.0.0"]);
    young.published.values_mut().for_each(|published| published.since = 2 * DAY);
    let (_, findings) = judge(&shop.protocol, young);
    assert_eq!(findings[0].notes[0], "calls of it are counted for 2 days, and 30 days were asked for");
}

#[test]
fn what_is_not_known_is_never_taken_for_nobody_calls() {
    let shop = shop();
    let gap = "of node-0 nothing is known: it crashed".to_owned();
    let fleet = || shop.fleet(&["1.0.0"], &["1.0.0"]);
    let unpublished = vec![(version("2.0.0"), "node-0".to_owned())];
    for (fleet, words, why) in [
        (Fleet { unknown: vec![gap.clone()], ..fleet() }, "not all calls are known", gap.as_str()),
        (
            Fleet { counted_for: None, ..fleet() },
            "is not known: no calls are counted yet",
            "no node has told yet who calls it",
        ),
        (
            Fleet { uncounted: unpublished, ..fleet() },
            "not all calls are known",
            "node-0 serves 2.0.0, which nobody has published: its calls are not counted",
        ),
    ] {
        let (_, findings) = judge(&shop.protocol, fleet);
        assert!(findings.iter().all(|finding| finding.level == Level::Warning), "{findings:#?}");
        assert!(
            findings.iter().any(|finding| finding.rule.id == UNUSED && finding.what.contains(words)),
            "{findings:#?}"
        );
        let unknown = findings.iter().find(|finding| finding.rule.id == UNKNOWN).expect("it is told");
        assert_eq!(unknown.notes, [why]);
    }
    // Where nothing hangs on it, it is told all the same; and of callers of the newest version nothing can be lost.
    let there = || shop.fleet(&["1.0.0", "2.0.0", "3.0.0"], &["3.0.0"]);
    let told = shop.told(Fleet { unknown: vec![gap], ..there() });
    assert_eq!(ids(&told), [(UNKNOWN, Level::Note)]);
    let told = shop.told(Fleet { uncounted: vec![(version("3.0.0"), "node-0".to_owned())], ..there() });
    assert_eq!(ids(&told), []);
}

#[test]
fn a_call_that_can_lose_something_is_a_warning_at_the_step_that_no_node_has_taken() {
    let shop = shop();
    let calls = || vec![called("1.0.0", "Put", MINUTE)];
    let told = shop.told(Fleet { calls: calls(), ..shop.fleet(&["1.0.0"], &["1.0.0"]) });
    let lossy: Vec<&str> =
        told.iter().filter(|(id, ..)| *id == "FLEET_CALL_LOSSY").map(|(.., what)| what.as_str()).collect();
    let [what] = lossy.as_slice() else { panic!("told once: {told:#?}") };
    let expected = "calls of shop.Shop.Put by callers of 1.0.0 can lose something at 2.0.0: shop.PutItem.note: dropped in a request";
    assert!(what.starts_with(expected), "{what}");
    // Where a node answers it so already, nothing changes.
    let told = shop.told(Fleet { calls: calls(), ..shop.fleet(&["1.0.0", "2.0.0"], &["2.0.0"]) });
    assert!(told.iter().all(|(id, ..)| *id != "FLEET_CALL_LOSSY"), "{told:#?}");
}

#[test]
fn callers_that_go_ahead_of_the_nodes_are_told_what_these_refuse_them() {
    let shop = shop();
    let calls = vec![called("2.0.0", "Get", MINUTE)];
    let mut fleet = Fleet { calls, ..shop.fleet(&["1.0.0", "2.0.0"], &["2.0.0"]) };
    let ahead = |fleet: &Fleet| {
        let told = shop.told(fleet.clone());
        let ahead = told.into_iter().filter(|(id, ..)| *id == "FLEET_CALLERS_AHEAD");
        ahead.map(|(_, level, what)| (level, what)).collect::<Vec<_>>()
    };
    let what = "callers that take 3.0.0 before the nodes do are refused shop.Shop.Get at nodes that run 2.0.0: it takes a program that \
                was built with 3.0.0";
    assert_eq!(ahead(&fleet), [(Level::Warning, what.to_owned())]);
    fleet.nodes[0].built = Some((version("1.0.0"), version("3.0.0")));
    assert_eq!(ahead(&fleet), []);
}

/// Which programs have the code of a simulation object is not always known.
#[test]
fn a_node_that_may_have_the_code_that_answers_counts_as_one_that_answers() {
    let shop = shop();
    let course = |node| Course::new(&shop.protocol, 0, 0, node);
    assert_eq!((course(1).word(), course(2).word()), ("rules", "code"));
    let range = |first, last| Some((version(first), version(last)));
    let all = [
        (None, false),
        (range("1.0.0", "3.0.0"), true),
        (range("0.9.0", "4.0.0"), true),
        (range("2.1.0", "4.0.0"), false),
    ];
    for (knows, answers) in all {
        let mut fleet = shop.fleet(&["1.0.0"], &["3.0.0"]);
        fleet.nodes[0].knows = knows;
        let against = Against::new(&shop.protocol, &fleet);
        assert_eq!(against.is_answered(1, 0), answers, "callers of 2.0.0 are answered by code at nodes that run 3.0.0");
    }
}

#[test]
fn what_is_retired_is_served_to_nobody_and_missed_by_nobody() {
    let shop = shop();
    let calls = vec![called("1.0.0", "Sell", MINUTE)];
    let fleet = Fleet { calls, ..shop.fleet(&["1.0.0", "2.0.0"], &["2.0.0"]) };
    assert_eq!(ids(&shop.told(fleet.clone())), [(REFUSED, Level::Error), (UNUSED, Level::Note)]);
    let told = shop.told(Fleet { retired: Some(version("1.0.0")), ..fleet });
    assert_eq!(ids(&told), [(UNUSED, Level::Note)]);
    assert!(told[0].2.starts_with("3.0.0 refuses callers of 2.0.0 shop.Shop.Sell"), "{}", told[0].2);
}

#[test]
fn a_version_that_was_published_is_in_the_folder_as_it_was() {
    let shop = shop();
    let fleet = || shop.fleet(&["1.0.0", "2.0.0", "3.0.0"], &["3.0.0"]);
    assert_eq!(ids(&shop.told(fleet())), []);
    let mut other = fleet();
    other.published.get_mut(&version("2.0.0")).unwrap().schema = "another".to_owned();
    assert_eq!(ids(&shop.told(other)), [("VERSION_CHANGED", Level::Error)]);

    let with = |nodes: &[&str]| shop.fleet(&["1.0.0", "2.0.0", "3.0.0", "3.1.0"], nodes);
    assert_eq!(ids(&shop.told(with(&["3.0.0"]))), [("VERSION_GONE", Level::Warning)]);
    let told = shop.told(with(&["3.0.0", "3.1.0"]));
    assert_eq!(ids(&told), [("VERSION_GONE", Level::Error)]);
    assert_eq!(told[0].2, "3.1.0 was published at here, and this folder does not have it");
    let calls = vec![called("3.1.0", "Get", MINUTE)];
    assert_eq!(ids(&shop.told(Fleet { calls, ..with(&["3.0.0"]) })), [("VERSION_GONE", Level::Error)]);

    let told = shop.told(shop.fleet(&["1.0.0", "2.0.0", "3.0.0"], &["9.0.0", "3.0.0"]));
    assert_eq!(told[0].2, "node-0 runs 9.0.0 at here, and this folder does not have it");
    let told = shop.told(shop.fleet(&["1.0.0", "2.0.0"], &["3.0.0"]));
    assert_eq!(ids(&told), [(UNKNOWN, Level::Warning)]);
}

#[test]
fn a_fleet_that_nobody_has_begun_has_nothing_to_lose() {
    let shop = shop();
    let fleet = Fleet { counted_for: None, ..shop.fleet(&["1.0.0"], &[]) };
    let told = shop.told(fleet);
    assert_eq!(ids(&told), [(UNKNOWN, Level::Note)]);
}
