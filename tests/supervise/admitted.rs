//! A supervisor's program that its coordinator has to admit.

use serde_json::json;

use crate::coordinator::Coordinator;
use crate::place::{Place, Supervised};
use crate::ports::Port;
use crate::program::straddle;

#[test]
fn a_program_whose_coordinator_is_away_says_why_it_answers_nobody_and_serves_once_it_is_there() {
    let (place, at) = (Place::new(), Port::free());
    let mut command = place.command(&[]);
    command.args(["--listen", "127.0.0.1:0"]).env("STRADDLE_ATTEND", at.address());
    let mut supervised = Supervised::begin(command, &place.pattern());
    supervised.serves("1.1.0");
    let why = "answers nobody yet: its coordinator has not admitted this node yet";
    assert_eq!(supervised.status()["progress"]["what"], json!(why));
    let doing = &supervised.status()["program"]["doing"];
    assert!(doing.as_str().is_some_and(|doing| doing.ends_with(why)), "{doing}");
    let data = place.path("coordinator");
    std::fs::create_dir(&data).expect("a folder");
    let _coordinator = Coordinator::start_on(&at.address(), &data, &["--allow-unsigned"]);
    straddle(&["call", &supervised.callers, "inventory@1.1.0", "ListItems"]).ended(0, &["label 1.1.0, node 1.1.0"]);
    assert!(supervised.status()["progress"].is_null());
}
