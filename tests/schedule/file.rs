//! `schedule.toml`: all that it may say, and what is told of what it may not.

use straddle::coordinator::schedule::{self, OnFailedGate, Own, Share};

use crate::fleet::{fleet, goes};

const EXAMPLE: &str = include_str!("../../src/coordinator/schedule/example.toml");

#[test]
fn the_example_with_every_option_is_read() {
    let scheduling = schedule::parse(EXAMPLE).unwrap_or_else(|error| panic!("{}", error.shown(EXAMPLE)));
    assert_eq!(scheduling.on_failed_gate, Some(OnFailedGate::RollBack));
    assert_eq!(scheduling.gates.names(), ["errors", "latency", "payments", "gate-4"]);
    assert_eq!(scheduling.limits.minimum_serving.least, Some(Share::Percent(80)));
    assert_eq!(scheduling.limits.minimum_serving.by.as_deref(), Some("zone"));
    assert_eq!((scheduling.limits.versions, scheduling.limits.apart), (Some(2), Some(1)));
}

#[test]
fn the_example_has_every_option() {
    let file = include_str!("../../src/coordinator/schedule/file.rs");
    let mut options = 0;
    let tables =
        &file[file.find("struct File").expect("the tables")..file.find("pub(super) fn read").expect("their end")];
    for line in tables.lines().filter(|line| line.starts_with("    ") && line.contains(": ") && !line.contains('#')) {
        let name = line.trim().split(':').next().expect("a name");
        let there = [format!("{name} = "), format!("[{name}]"), format!("[[{name}]]")]
            .iter()
            .any(|form| EXAMPLE.contains(form));
        assert!(there, "{name} is not in example.toml");
        options += 1;
    }
    assert!(options > 35, "only {options} options were found");
}

#[test]
fn every_default_that_the_example_names_is_the_one() {
    // Each of these says what is the default, and so changes nothing.
    let fleet = fleet(10);
    for same in ["manual = false", "together = false", "[rolling]", "[rolling]\nat_once = 1", "[random]\norder = false"]
    {
        assert_eq!(goes(same, &fleet, 0), goes("", &fleet, 0), "{same}");
    }
}

/// The place, what is wrong, and what to do.
fn fault(toml: &str) -> String {
    schedule::parse(toml).expect_err(toml).to_string()
}

#[test]
fn what_it_may_not_say_is_told_with_its_place() {
    for (toml, told) in [
        ("rollling = 2", "1:1: there is no option `rollling`; did you mean `rolling`?"),
        ("\n[rolling]\n  at_onse = 2", "3:3: there is no option `at_onse`; did you mean `at_once`?"),
        ("[idle]\nsurprise = 2", "2:1: there is no option `surprise`; these are known here: below"),
        ("[rolling]\nat_once = 0", "2:11: no node would ever go; write 1 or more"),
        ("[rolling]\nat_once = '0%'", "2:11: no node would ever go; write 1 or more"),
        ("[rolling]\nat_once = '101%'", "2:11: 101% is more than all; write at most 100%"),
        ("[rolling]\nat_once = -1", "2:11: there are no fewer nodes than none"),
        ("[rolling]\nat_once = 'two'", "2:11: `two` is neither a count nor a share; write `2` or `10%`"),
        ("[rolling]\nat_once = 1.5", "2:11: invalid type: floating point `1.5`, expected a count of nodes"),
        ("[canary]\nstages = []", "2:10: it has no stages"),
        ("[canary]\nstages = [5, 2]", "2:10: the stage of 2 comes after that of 5"),
        ("[canary]\nstages = ['50%', '10%']", "2:10: the stage of 10% comes after that of 50%"),
        ("[canary]\nstages = [0, 2]", "2:10: a stage has no nodes"),
        ("[canary]\nstages = [1]\nbake = 'soon'", "3:8: `soon` is no time"),
        ("[canary]\nbake = '1m'", "1:1: missing field `stages`"),
        ("[canary]\nstages = [1]\nin_each_domain = true", "3:18: there are no domains"),
        ("[roles]\norder = []", "2:9: it names no role"),
        ("[domains]\norder = ['a', 'b', 'a']", "2:9: `a` is named twice"),
        ("[after]\nbilling = 'newest'", "2:11: "),
        ("[load]", "1:1: it says nothing"),
        ("[load]\nnode_below = nan", "1:1: fewer calls than none are never answered"),
        ("[idle]\nbelow = 0", "2:9: fewer calls than none never run"),
        ("window = []", "1:10: no window ever opens"),
        ("window = ['Mon 09:00-17:00']", "1:12: `Mon 09:00-17:00` names no time zone; write one after"),
        ("on_failed_gate = 'rollback'", "1:18: unknown variant `rollback`, expected `pause` or `roll-back`"),
        ("[limits]\nversions = 1", "2:12: an upgrade runs two versions at once"),
        ("[limits]\napart = 0", "2:9: an upgrade is one step at least"),
        (
            "own = ['quarter-end']",
            "1:8: this coordinator has no scheduling function `quarter-end`; it has none of its own",
        ),
        ("[[gate]]\nholds = 'erors < 0.1'", "2:10: there is no `erors`; did you mean `errors`?"),
        ("[[gate]]\nholds = 'errors < 0.1 &&& 1'", "2:25: the expression is no CEL"),
        ("[[gate]]\nname = 'a'", "1:1: missing field `holds`"),
        (
            "[[gate]]\nname = 'a'\nholds = 'errors < 1.0'\n[[gate]]\nname = 'a'\nholds = 'errors < 1.0'",
            "5:8: another gate is called `a`",
        ),
        ("manual = yes", "1:10: "),
    ] {
        let fault = fault(toml);
        assert!(fault.starts_with(&format!("schedule.toml:{told}")), "{toml}\n{fault}");
    }
}

#[test]
fn a_fault_is_shown_in_its_line_with_a_caret_under_it() {
    let toml = "# mine\n[[gate]]\nholds = \"errors < baseline.eror\"\n";
    let shown = schedule::parse(toml).expect_err("a fault").shown(toml);
    let lines: Vec<&str> = shown.lines().skip(1).collect();
    assert_eq!(lines, ["3 | holds = \"errors < baseline.eror\"", &format!("{}^", " ".repeat(31))]);
}

#[test]
fn a_file_of_any_length_or_depth_is_told() {
    assert!(fault(&"#".repeat(300_000)).contains("300000 bytes"));
    assert!(fault(&"[[gate]]\nholds = 'errors < 1.0'\n".repeat(101)).contains("more than 100 gates"));
    let deep = format!("[[gate]]\nholds = '{}'", "(".repeat(100));
    assert!(fault(&deep).contains("brackets nest deeper"));
}

#[test]
fn a_name_that_is_near_one_of_ones_own_is_told() {
    struct Never;
    impl schedule::Schedule for Never {
        fn round<'a>(
            &'a self,
            _: &'a straddle::coordinator::view::View,
            _: schedule::Clock,
            _: u64,
        ) -> Box<dyn schedule::Round + 'a> {
            unreachable!("nobody asks")
        }
    }
    let own = Own::new().with("quarter-end", Never);
    let error = schedule::parse_with("own = ['quarter-and']", &own).expect_err("a fault");
    assert_eq!(error.advice, "did you mean `quarter-end`?");
    assert!(schedule::parse_with("own = ['quarter-end']", &own).is_ok());
}
