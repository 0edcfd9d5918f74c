//! Two programs under one name: who is there stays.

use straddle::control::v1_0_0 as wire;

use crate::bench::{self, Bench, SECOND};
use crate::{FREE, start};

/// A program of the node `a`.
fn comes(bench: &mut Bench, session: u64, instance: &str) {
    let (instance, address) = (instance.to_owned(), format!("{instance}:7000"));
    let hello = wire::Hello { instance, address, ..bench::hello("a", 0, bench::report("1.0.0")) };
    bench.say_hello(session, hello);
}

fn contested(bench: &Bench) -> Option<String> {
    bench.core.nodes(&wire::ListNodesRequest::default(), bench.now).nodes[0].contested.clone()
}

fn told(bench: &Bench) -> usize {
    bench.events.iter().filter(|event| event.kind == "name-contested").count()
}

#[test]
fn a_program_is_not_admitted_under_the_name_of_one_that_is_heard() {
    let mut bench = Bench::new();
    bench.publish(0);
    comes(&mut bench, 1, "first");
    let number = bench.start(start("2.0.0", FREE)).expect("it starts");
    bench.request(1, 1, number, "1.0.0", "2.0.0");
    let permit = bench.permit(1).expect("a permit");
    for session in 2..6 {
        comes(&mut bench, session, "second");
        assert_eq!(bench.ended.get(&session), Some(&"NAME_TAKEN"), "{session}");
        assert_eq!(bench.told(session), []);
        bench.pass(SECOND / 2);
    }
    assert!(!bench.ended.contains_key(&1), "who is there stays");
    assert_eq!(bench.status(number).nodes[0].permit, permit.permit, "and keeps its permit");
    let event = bench.events.iter().find(|event| event.kind == "name-contested").expect("an event");
    assert_eq!(event.node, "a");
    assert!(event.why.contains("from first:7000") && event.why.contains("from second:7000"), "{event:?}");
    assert_eq!(told(&bench), 1, "it is told once");
    let warned = contested(&bench).expect("a warning");
    assert!(warned.contains("second:7000"), "{warned}");
    assert_eq!(bench.status(number).warnings, [warned]);
    // Once it has not come for a while it is over, and told anew when it begins anew.
    for _ in 0..7 {
        bench.pass(5 * SECOND);
        bench.report(1, wire::Report { permit: permit.permit, ..bench::report("1.0.0") });
    }
    assert_eq!(contested(&bench), None);
    for session in 6..9 {
        comes(&mut bench, session, "second");
        bench.pass(SECOND);
    }
    assert_eq!(told(&bench), 2);
    assert!(contested(&bench).is_some());
    bench.close(1);
    comes(&mut bench, 9, "second");
    assert!(!bench.ended.contains_key(&9), "the name is free");
    assert_eq!(contested(&bench), None);
}

#[test]
fn a_program_that_is_started_again_has_its_name_at_once() {
    let mut bench = Bench::new();
    bench.publish(0);
    comes(&mut bench, 1, "first");
    bench.close(1);
    comes(&mut bench, 2, "second");
    assert!(!bench.ended.contains_key(&2));
    // The stream of one that has ended may end a moment after the next one has come.
    comes(&mut bench, 3, "third");
    assert_eq!(bench.ended.get(&3), Some(&"NAME_TAKEN"));
    bench.close(2);
    comes(&mut bench, 4, "third");
    assert!(!bench.ended.contains_key(&4));
    // Nobody is told that a machine is gone: its stream stays, and nothing comes of it.
    bench.pass(16 * SECOND);
    comes(&mut bench, 5, "fourth");
    assert_eq!(bench.ended.get(&4), Some(&"REPLACED"));
    assert!(!bench.ended.contains_key(&5));
    // A program that has lost its stream makes another one.
    comes(&mut bench, 6, "fourth");
    assert_eq!(bench.ended.get(&5), Some(&"REPLACED"));
    assert!(!bench.ended.contains_key(&6));
    assert_eq!((told(&bench), contested(&bench)), (0, None));
}
