//! Each scheduling function, and what several say at once.

use straddle::Version;
use straddle::control::v1_0_0::Way;
use straddle::coordinator::view::View;

use crate::fleet::{Is, SECOND, START, ask, calls, fleet, goes, new, node, view, why};

const FREE: &str = "[rolling]\nat_once = '100%'\n";

fn free(rest: &str) -> String {
    // What stands above the first table comes first.
    format!("{rest}\n{FREE}")
}

/// The same fleet, going back: all that were to go are there, and the others have to go.
fn back(mut view: View) -> View {
    view.back = true;
    view
}

// Rolling.

#[test]
fn one_node_goes_at_a_time_where_nothing_is_said() {
    assert_eq!(goes("", &fleet(3), 0), ["n00"]);
    assert_eq!(goes("", &view([node("a").moving(), node("b")]), 0), [""; 0]);
}

#[test]
fn so_many_nodes_go_at_once() {
    assert_eq!(goes("[rolling]\nat_once = 2", &fleet(4), 0), ["n00", "n01"]);
    assert_eq!(goes("[rolling]\nat_once = '50%'", &fleet(5), 0), ["n00", "n01"]);
}

#[test]
fn a_share_is_one_node_at_least() {
    assert_eq!(goes("[rolling]\nat_once = '1%'", &fleet(5), 0), ["n00"]);
}

#[test]
fn a_node_that_came_keeps_its_place_until_it_serves() {
    let fleet = view([node("a").came(5).unhealthy(), node("b")]);
    assert_eq!(
        why("", &fleet, 9, "b"),
        "one node goes at a time, and the place is taken (of a, which has come and does not serve yet)"
    );
    assert_eq!(goes("", &view([node("a").came(5), node("b")]), 9), ["b"]);
}

#[test]
fn a_node_that_was_there_before_keeps_no_place() {
    let mut there = node("a").unhealthy();
    there.version = new();
    assert_eq!(goes("", &view([there, node("b")]), 9), ["b"]);
}

#[test]
fn a_failure_keeps_its_place_and_only_it_may_go_again() {
    let fleet = view([node("a"), node("b").failed("no space"), node("c")]);
    let said = ask("", &fleet, 9);
    assert_eq!(said.goes, ["b"]);
    assert!(said.why("a").ends_with("(of b, which failed: no space)"), "{}", said.why("a"));
}

#[test]
fn failures_keep_no_place_on_the_way_back() {
    let fleet = back(view([node("a").came(1).failed("no space"), node("b").came(2)]));
    assert_eq!(goes("", &fleet, 9), ["a"]);
    assert_eq!(goes("", &back(view([node("a").came(1).moving(), node("b").came(2)])), 9), [""; 0]);
}

// Canary.

const CANARY: &str = "[canary]\nstages = [1, '50%']\nbake = '10m'\n";

#[test]
fn the_first_stage_goes_and_no_more() {
    let said = ask(&free(CANARY), &fleet(6), 0);
    assert_eq!(said.goes, ["n00"]);
    assert_eq!(said.why("n01"), "stage 1 of 3 is 1 node, 0 of which have come");
}

#[test]
fn a_stage_bakes_from_when_its_last_node_came() {
    let fleet = view([node("a").came(60), node("b"), node("c"), node("d")]);
    let said = ask(&free(CANARY), &fleet, 120);
    assert_eq!(said.why("b"), "stage 1 of 3 bakes for another 9m");
    assert_eq!(said.until("b"), Some(660));
    assert_eq!(said.marks["canary.1"], (START + 60) * SECOND);
    assert_eq!(goes(&free(CANARY), &fleet, 659), [""; 0]);
    assert_eq!(goes(&free(CANARY), &fleet, 660), ["b"]);
}

#[test]
fn a_mark_that_is_kept_goes_before_what_is_seen() {
    let mut fleet = view([node("a").came(500), node("b"), node("c"), node("d")]);
    fleet.marks.insert("canary.1".to_owned(), (START + 60) * SECOND);
    assert_eq!(goes(&free(CANARY), &fleet, 660), ["b"]);
}

#[test]
fn a_stage_whose_node_nobody_saw_come_bakes_from_now() {
    let mut came = node("a").came(0);
    came.moved = 0;
    assert_eq!(ask(&free(CANARY), &view([came, node("b")]), 100).until("b"), Some(700));
}

#[test]
fn a_clock_that_jumped_back_lets_a_stage_bake_once_more_at_most() {
    let mut fleet = view([node("a").came(5000), node("b")]);
    fleet.marks.insert("canary.1".to_owned(), (START + 5000) * SECOND);
    let said = ask(&free(CANARY), &fleet, 100);
    assert_eq!((said.until("b"), said.marks["canary.1"]), (Some(700), (START + 100) * SECOND));
}

#[test]
fn a_stage_waits_for_the_node_that_failed() {
    let fleet = view([node("a").failed("no space"), node("b")]);
    assert_eq!(
        why(&free(CANARY), &fleet, 9, "b"),
        "stage 1 of 3 is 1 node, 0 of which have come; it waits for a, which failed: no space"
    );
}

#[test]
fn no_stage_holds_a_rollback_up() {
    let fleet = back(view([node("a").came(60), node("b").came(61), node("c")]));
    assert_eq!(goes(&free(CANARY), &fleet, 62), ["a", "b"]);
}

#[test]
fn stages_are_counted_in_each_domain_where_that_is_said() {
    let toml = free("[domains]\n[canary]\nstages = [1]\nbake = '10s'\nin_each_domain = true\n");
    let zones = |a0: u64| {
        let of = |name: &str, zone: &str| node(name).labelled("zone", zone);
        let first = if a0 > 0 { of("a0", "a").came(a0) } else { of("a0", "a") };
        view([first, of("a1", "a"), of("b0", "b"), of("b1", "b")])
    };
    assert_eq!(goes(&toml, &zones(0), 0), ["a0"]);
    assert_eq!(why(&toml, &zones(5), 6, "a1"), "stage 1 of 2 of zone a bakes for another 9s");
    assert_eq!(goes(&toml, &zones(5), 15), ["a1"]);
}

#[test]
fn a_larger_fleet_does_not_undo_a_stage() {
    let mut fleet = fleet(40);
    fleet.nodes[0] = node("n00").came(10);
    fleet.marks.insert("canary.1".to_owned(), (START + 10) * SECOND);
    let toml = free("[canary]\nstages = ['1%', '50%']\nbake = '1s'\n");
    fleet.nodes.extend((0..100).map(|number| node(&format!("o{number:03}"))));
    assert_eq!(goes(&toml, &fleet, 20).len(), 69);
}

// Domains and roles.

fn zones() -> View {
    let of = |name: &str, zone: &str| node(name).labelled("zone", zone);
    view([of("a", "x"), node("b"), of("c", "z"), of("d", "y"), of("e", "x")])
}

#[test]
fn domains_go_in_the_order_of_their_names() {
    let said = ask(&free("[domains]"), &zones(), 0);
    assert_eq!(said.goes, ["a", "e"]);
    assert_eq!(said.why("d"), "zone y comes after zone x, where 2 of 2 nodes have yet to come");
    assert_eq!(said.why("b"), "zone (others) comes after zone x, where 2 of 2 nodes have yet to come");
}

#[test]
fn domains_that_are_named_go_first() {
    assert_eq!(goes(&free("[domains]\norder = ['z']"), &zones(), 0), ["c"]);
}

#[test]
fn a_domain_waits_for_a_node_that_is_away_or_failed() {
    let mut fleet = zones();
    fleet.nodes[0] = node("a").labelled("zone", "x").came(1);
    fleet.nodes[4] = node("e").labelled("zone", "x").away();
    assert_eq!(
        why(&free("[domains]"), &fleet, 9, "d"),
        "zone y comes after zone x, where 1 of 2 nodes have yet to come; it waits for e, which is away"
    );
}

#[test]
fn a_domain_bakes_where_that_is_said() {
    let of = |name: &str, zone: &str| node(name).labelled("zone", zone);
    let fleet = view([of("a", "x").came(5), of("b", "y")]);
    let toml = free("[domains]\nbake = '1m'");
    assert_eq!(ask(&toml, &fleet, 10).why("b"), "zone y comes after zone x, which bakes for another 55s");
    assert_eq!(ask(&toml, &fleet, 10).marks["domains.x"], (START + 5) * SECOND);
    assert_eq!(goes(&toml, &fleet, 65), ["b"]);
}

#[test]
fn domains_go_back_in_the_opposite_order_and_wait_for_nobody_who_is_away() {
    let of = |name: &str, zone: &str| node(name).labelled("zone", zone);
    let fleet = back(view([of("a", "x").came(1), of("b", "y").came(2), of("c", "z")]));
    assert_eq!(goes(&free("[domains]"), &fleet, 9), ["b"]);
    let fleet = back(view([of("a", "x").came(1), of("b", "y").came(2).away(), of("c", "z")]));
    assert_eq!(goes(&free("[domains]"), &fleet, 9), ["b", "a"]);
}

#[test]
fn roles_go_in_their_order_and_the_others_together_after_them() {
    let of = |name: &str, role: &str| node(name).labelled("role", role);
    let toml = free("[roles]\norder = ['storage', 'gateway']");
    let storage = view([of("a", "gateway"), of("b", "storage"), of("c", "batch"), node("d")]);
    assert_eq!(goes(&toml, &storage, 0), ["b"]);
    let others = view([of("a", "gateway").came(2), of("b", "storage").came(1), of("c", "batch"), node("d")]);
    assert_eq!(goes(&toml, &others, 9), ["c", "d"]);
}

#[test]
fn domains_lie_within_roles() {
    let of = |name: &str, role: &str, zone: &str| node(name).labelled("role", role).labelled("zone", zone);
    let toml = free("[roles]\norder = ['storage']\n[domains]\nbake = '1m'");
    let fleet = view([of("a", "gateway", "x"), of("b", "storage", "y"), of("c", "storage", "x").came(5)]);
    let said = ask(&toml, &fleet, 10);
    assert_eq!(said.marks["domains.storage/x"], (START + 5) * SECOND);
    assert_eq!(said.why("b"), "role storage, zone y comes after role storage, zone x, which bakes for another 55s");
    assert_eq!(goes(&toml, &fleet, 65), ["b"]);
}

// Conditions.

#[test]
fn nodes_go_after_those_of_another_protocol() {
    let toml = free("[after]\nbilling = '2.1.0'");
    let mut fleet = fleet(1);
    assert_eq!(why(&toml, &fleet, 0, "n00"), "billing has to be at 2.1.0 first, and no node of it is known");
    let versions = [(Version::new(2, 0, 0), 2), (Version::new(2, 1, 0), 1)];
    fleet.others.insert("billing".to_owned(), versions.into_iter().collect());
    assert_eq!(why(&toml, &fleet, 0, "n00"), "billing has to be at 2.1.0 first, and 2 of its 3 nodes are not");
    fleet.others.insert("billing".to_owned(), [(Version::new(3, 0, 0), 3)].into_iter().collect());
    assert_eq!(goes(&toml, &fleet, 0), ["n00"]);
}

#[test]
fn a_node_goes_when_few_calls_run_on_it() {
    let mut fleet = fleet(2);
    fleet.nodes[0].running = 10;
    let said = ask(&free("[idle]\nbelow = 10"), &fleet, 0);
    assert_eq!(said.goes, ["n01"]);
    assert_eq!(said.why("n00"), "10 calls run on it, and fewer than 10 have to");
}

#[test]
fn a_node_goes_when_few_calls_come() {
    let fleet = view([node("a").calls("1.0.0", calls(600, 0, 1)), node("b").calls("1.0.0", calls(60, 0, 1))]);
    let said = ask(&free("[load]\nnode_below = 10"), &fleet, 0);
    assert_eq!(said.goes, ["b"]);
    assert_eq!(said.why("a"), "it answers 10 calls a second, and fewer than 10 have to be asked");
    let said = ask(&free("[load]\nfleet_below = 11.0"), &fleet, 0);
    assert_eq!(said.why("b"), "all nodes together answer 11 calls a second, and fewer than 11 have to be asked");
}

#[test]
fn a_time_of_nothing_is_no_load() {
    let mut none = calls(600, 0, 1);
    none.over = std::time::Duration::ZERO;
    assert_eq!(goes(&free("[load]\nnode_below = 1"), &view([node("a").calls("1.0.0", none)]), 0), ["a"]);
}

#[test]
fn an_operator_lets_nodes_go_by_name() {
    let mut fleet = fleet(3);
    fleet.let_go = vec!["n01".to_owned()];
    let said = ask(&free("manual = true"), &fleet, 0);
    assert_eq!(said.goes, ["n01"]);
    assert_eq!(said.why("n00"), "it goes when an operator lets it go by its name");
}

#[test]
fn conditions_do_not_hold_a_rollback_up() {
    let toml = free(
        "manual = true\nwindow = ['Mon 09:00-09:01 UTC']\n[after]\nx = '1.0.0'\n[idle]\nbelow = 1\n[load]\nfleet_below = 0.1\n[random]\njitter = '1h'",
    );
    let mut busy = node("a").came(1).calls("1.0.0", calls(600, 0, 1));
    busy.running = 5;
    assert_eq!(goes(&toml, &back(view([busy])), 9), ["a"]);
}

// Chance.

#[test]
fn an_order_by_chance_is_the_same_for_the_same_seed() {
    let order = goes(&free("[random]"), &fleet(20), 0);
    assert_eq!(order, goes(&free("[random]"), &fleet(20), 0));
    let mut sorted = order.clone();
    sorted.sort();
    assert_ne!(order, sorted);
    assert_eq!(sorted, goes(FREE, &fleet(20), 0));
}

#[test]
fn a_jitter_lies_between_two_nodes() {
    let toml = free("[random]\norder = false\njitter = '10m'");
    let mut fleet = fleet(3);
    let said = ask(&toml, &fleet, 0);
    assert_eq!(said.goes, ["n00"]);
    let next = said.marks["random.next"];
    assert!((START * SECOND..(START + 600) * SECOND).contains(&next));
    fleet.marks.extend(said.marks.clone());
    fleet.nodes[0] = node("n00").came(0);
    assert_eq!(ask(&toml, &fleet, 0).waits["n01"].1, Some(next));
    assert_eq!(goes(&toml, &fleet, 600), ["n01"]);
}

#[test]
fn a_clock_that_jumped_back_makes_nobody_wait_longer_than_one_jitter() {
    let mut fleet = fleet(1);
    fleet.marks.insert("random.next".to_owned(), (START + 1_000_000) * SECOND);
    assert_eq!(ask(&free("[random]\njitter = '10m'"), &fleet, 0).until("n00"), Some(600));
}

// Together.

#[test]
fn all_go_at_one_word() {
    let said = ask("together = true", &fleet(3), 0);
    assert_eq!((said.together.len(), said.goes.len()), (3, 0));
}

#[test]
fn all_wait_for_one_that_cannot() {
    let with = |last| ask("together = true", &view([node("a"), last]), 0).why("a").to_owned();
    assert_eq!(with(node("b").away()), "all go together, and b is away");
    let mut held = node("b");
    held.held = Some("a backup runs".to_owned());
    assert_eq!(with(held), "all go together, and b holds its upgrade back: a backup runs");
    let mut soft = node("b");
    soft.ways = vec![Way::Soft];
    assert_eq!(with(soft), "all go together, and b has no way to switch at a word (BARRIER)");
}

#[test]
fn one_domain_goes_at_one_word_whatever_the_others_do() {
    let of = |name: &str, zone: &str| node(name).labelled("zone", zone);
    let fleet = view([of("a", "x"), of("b", "x"), of("c", "y").away()]);
    let said = ask("together = true\n[domains]", &fleet, 0);
    assert_eq!(said.together, ["a", "b"]);
    assert!(said.why("c").starts_with("zone y comes after zone x"));
}

#[test]
fn all_that_go_together_wait_for_the_one_that_is_busy() {
    let mut fleet = fleet(2);
    fleet.nodes[1].running = 3;
    let said = ask("together = true\n[idle]\nbelow = 3", &fleet, 0);
    assert_eq!(said.why("n00"), "all go together, and n01 waits: 3 calls run on it, and fewer than 3 have to");
    assert_eq!(said.together, [""; 0]);
}

#[test]
fn nobody_waits_for_the_others_on_the_way_back() {
    let fleet = back(view([node("a").came(1), node("b").came(1).away()]));
    assert_eq!(goes("together = true", &fleet, 9), ["a", "b"]);
}

// Several at once.

#[test]
fn all_of_several_have_to_let_a_node_go_and_their_order_is_one() {
    let of = |name: &str, zone: &str| node(name).labelled("zone", zone);
    let fleet = view([of("a", "y"), of("b", "x"), of("c", "x"), of("d", "x")]);
    let toml = "[domains]\n[canary]\nstages = [1]\n[rolling]\nat_once = 2";
    assert_eq!(goes(toml, &fleet, 0), ["b"]);
}

#[test]
fn of_several_reasons_the_most_useful_comes_first() {
    let mut fleet = view([node("a").moving(), node("b")]);
    fleet.let_go = vec!["a".to_owned()];
    assert_eq!(
        why("manual = true\n[canary]\nstages = [1]", &fleet, 0, "b"),
        "it goes when an operator lets it go by its name; also, stage 1 of 2 is 1 node, 0 of which have come; it waits for a, \
         which moves; also, one node goes at a time, and the place is taken (of a, which moves)"
    );
}

#[test]
fn of_several_times_the_last_one_counts() {
    let toml = free("window = ['Sun 00:00-24:00 UTC']\n[canary]\nstages = [1]\nbake = '1m'");
    // It is noon of a Saturday.
    let fleet = view([node("a").came(1), node("b")]);
    assert_eq!(ask(&toml, &fleet, 9).until("b"), Some(12 * 3600));
}
