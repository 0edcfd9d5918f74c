//! What scheduling functions remember is kept with the upgrade, and no longer than a record is.

use straddle::control::v1_0_0 as wire;
use straddle::control::v1_0_0::UpgradeState;
use straddle::coordinator::core::{Ask, Settings};
use straddle::coordinator::database::LARGEST_VALUE;
use straddle::coordinator::schedule::{Clock, Decision, Round, Schedule};
use straddle::coordinator::view::{NodeView, View};

use super::bench::Bench;
use super::start;

/// Lets all go, and remembers so many bytes.
struct Remembering {
    bytes: usize,
}

impl Schedule for Remembering {
    fn round<'a>(&'a self, _: &'a View, _: Clock, _: u64) -> Box<dyn Round + 'a> {
        Box::new(Remembered(self.bytes))
    }
}

struct Remembered(usize);

impl Round for Remembered {
    fn decide(&mut self, _: usize, _: &NodeView) -> Decision {
        Decision::Go
    }

    fn marks(&self) -> Vec<(String, u64)> {
        vec![("m".repeat(self.0), 1)]
    }
}

#[test]
fn a_schedule_that_wants_to_remember_more_than_a_record_holds_lets_nobody_go_and_can_be_taken_back() {
    let mut settings = Settings::default();
    for (name, bytes) in [("modest", 80 << 10), ("boundless", 2 << 20)] {
        settings.schedules = settings.schedules.with(name, Remembering { bytes });
    }
    let schedule = |own: &str| {
        format!("own = ['{own}']\n[rolling]\nat_once = 2\n[gates]\nstandard = false\n[limits]\nminimum_serving = 0\n")
    };
    for (own, goes) in [("modest", true), ("boundless", false)] {
        let mut bench = Bench::with(settings.clone());
        bench.publish(0);
        (1..=2).for_each(|node| bench.hello(node, &format!("node-{node}"), "1.0.0"));
        let number = bench.start(start("2.0.0", &schedule(own))).expect("it starts");
        bench.request(1, 1, number, "1.0.0", "2.0.0");
        assert_eq!(bench.permit(1).is_some(), goes, "{own}");
        assert!(bench.largest() <= LARGEST_VALUE, "{own}: {}", bench.largest());
        if !goes {
            let status = bench.status(number);
            let told = status.waits_for.first().expect("it waits");
            assert_eq!(told.rule, "schedule-size", "{status:#?}");
            assert!(told.what.contains("wants to remember 2097168 bytes"), "{}", told.what);
            bench
                .ask(Ask::RollBack(wire::RollBackUpgradeRequest { number, ..Default::default() }))
                .expect("nobody went");
            assert_eq!(bench.state(number), UpgradeState::RolledBack);
        }
    }
}
