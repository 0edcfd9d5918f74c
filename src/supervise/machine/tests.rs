//! The machine against a small world of programs and one state.

mod world;

use std::time::Duration;

use self::world::{Way, World};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn limits() -> Limits {
    let (first_wait, longest_wait) = (SECOND / 10, SECOND * 30);
    Limits { ready: SECOND * 60, stop: SECOND * 30, crashes: 3, window: SECOND * 60, first_wait, longest_wait }
}

fn run(release: u64, version: u64) -> Run {
    Run { release: Version::new(release, 0, 0), version: Version::new(version, 0, 0) }
}

fn upgrade() -> Move {
    Move { from: run(1, 1), to: run(2, 2), back: false, accept_loss: false }
}

fn rollback() -> Move {
    Move { from: run(2, 2), to: run(1, 1), back: true, accept_loss: false }
}

fn record(stage: Stage) -> Record {
    Record { at: run(1, 1), good: Some(run(1, 1)), before: None, stage, failure: None }
}

/// A machine whose old program serves, as program 1.
fn serving() -> Machine {
    let mut machine = Machine::begin(record(Stage::Run), None, limits(), 7, Time::ZERO);
    let launch = Launch { release: Version::new(1, 0, 0), told: Told::Run(Version::new(1, 0, 0)) };
    assert_eq!(machine.on(Event::Tick, Time::ZERO), [Action::Start(1, launch)]);
    assert_eq!(machine.on(Event::Ready(1, Version::new(1, 0, 0)), Time::ZERO), []);
    machine
}

fn started(actions: &[Action]) -> Option<(Id, Launch)> {
    actions.iter().find_map(|action| match action {
        Action::Start(id, launch) => Some((*id, launch.clone())),
        _ => None,
    })
}

fn told(actions: &[Action]) -> Option<Outcome> {
    actions.iter().find_map(|action| match action {
        Action::Tell(outcome) => Some(outcome.clone()),
        _ => None,
    })
}

/// Up to where the new program, 2, has the state.
fn taking() -> Machine {
    let mut machine = serving();
    let begun = machine.on(Event::Move(upgrade()), Time::ZERO);
    assert_eq!(started(&begun).unwrap().1.told, Told::Run(Version::new(2, 0, 0)));
    assert_eq!(machine.on(Event::Prepared(2), Time::ZERO), [Action::HandOver(1, upgrade())]);
    assert_eq!(machine.record().stage, Stage::Handing(upgrade()));
    assert_eq!(machine.on(Event::HandedOver(1), Time::ZERO), []);
    assert_eq!(machine.record().stage, Stage::Take(upgrade()));
    assert_eq!(machine.on(Event::Exited(1, Exit::Code(0)), Time::ZERO), []);
    machine
}

#[test]
fn an_upgrade_prepares_beside_the_old_program_and_then_takes_over() {
    let mut machine = taking();
    let arrived = machine.on(Event::Ready(2, Version::new(2, 0, 0)), Time::ZERO);
    assert_eq!(told(&arrived), Some(Ok(run(2, 2))));
    assert_eq!((machine.at(), machine.before(), machine.good()), (&run(2, 2), Some(&run(1, 1)), Some(&run(1, 1))));
    assert_eq!(machine.deadline(), Some(SECOND * 60), "it is on probation");
    machine.on(Event::Tick, SECOND * 60);
    assert_eq!((machine.good(), machine.deadline()), (Some(&run(2, 2)), None));
}

#[test]
fn a_new_program_that_cannot_be_prepared_changes_nothing() {
    for (exit, how) in [
        (Exit::Code(78), How::Cannot),
        (Exit::Code(1), How::NotBegun),
        (Exit::NotStarted("its digest is another".to_owned()), How::NotBegun),
    ] {
        let mut machine = serving();
        machine.on(Event::Move(upgrade()), Time::ZERO);
        let actions = machine.on(Event::Exited(2, exit), Time::ZERO);
        assert_eq!(told(&actions).unwrap().unwrap_err().how, how);
        assert_eq!((machine.serving(), machine.record().stage), (Some(1), Stage::Run));
    }
    let mut machine = serving();
    machine.on(Event::Move(upgrade()), Time::ZERO);
    machine.on(Event::Progress(2, None), SECOND * 30);
    assert_eq!(machine.on(Event::Tick, SECOND * 60), [], "it goes on");
    let late = machine.on(Event::Tick, SECOND * 90);
    assert_eq!((late[0].clone(), told(&late).unwrap().unwrap_err().how), (Action::Kill(2), How::NotBegun));
    assert!(!machine.is_idle(), "the next move waits until it is gone");
}

#[test]
fn an_old_program_that_stays_serves_on() {
    let mut machine = serving();
    machine.on(Event::Move(upgrade()), Time::ZERO);
    machine.on(Event::Prepared(2), Time::ZERO);
    let actions = machine.on(Event::Stays(1), Time::ZERO);
    assert_eq!((actions[0].clone(), told(&actions).unwrap().unwrap_err().how), (Action::Kill(2), How::Stayed));
    assert_eq!(machine.serving(), Some(1));
}

#[test]
fn an_old_program_that_crashes_meanwhile_has_handed_over() {
    for prepared in [false, true] {
        let mut machine = serving();
        machine.on(Event::Move(upgrade()), Time::ZERO);
        if prepared {
            machine.on(Event::Prepared(2), Time::ZERO);
        }
        machine.on(Event::Exited(1, Exit::Signal(9)), Time::ZERO);
        assert_eq!(told(&machine.on(Event::Ready(2, Version::new(2, 0, 0)), Time::ZERO)), Some(Ok(run(2, 2))));
    }
}

#[test]
fn an_old_program_that_does_not_come_to_its_end_is_killed() {
    let mut machine = serving();
    machine.on(Event::Move(upgrade()), Time::ZERO);
    machine.on(Event::Prepared(2), Time::ZERO);
    assert_eq!(machine.on(Event::Tick, SECOND * 60), [Action::Kill(1)]);
    machine.on(Event::Exited(1, Exit::Signal(9)), SECOND * 60);
    assert_eq!(told(&machine.on(Event::Ready(2, Version::new(2, 0, 0)), SECOND * 61)), Some(Ok(run(2, 2))));
}

#[test]
fn what_fails_while_it_takes_over_is_followed_by_the_old_program() {
    let old = Some(Launch { release: Version::new(1, 0, 0), told: Told::Run(Version::new(1, 0, 0)) });
    for exit in [Exit::Code(75), Exit::Code(78)] {
        let mut machine = taking();
        machine.on(Event::Complains(2, "the disk hums".to_owned()), Time::ZERO);
        let (id, launch) = started(&machine.on(Event::Exited(2, exit), Time::ZERO)).unwrap();
        assert_eq!(Some(launch), old);
        let failed = told(&machine.on(Event::Ready(id, Version::new(1, 0, 0)), Time::ZERO)).unwrap().unwrap_err();
        assert!(failed.how == How::Back && failed.why.starts_with("the disk hums: "), "{failed:?}");
    }
    // Ready with another version: asked to end, and gone before the old one starts.
    let mut machine = taking();
    assert_eq!(machine.on(Event::Ready(2, Version::new(1, 0, 0)), Time::ZERO), [Action::Terminate(2)]);
    assert_eq!(started(&machine.on(Event::Exited(2, Exit::Signal(9)), Time::ZERO)).map(|(_, launch)| launch), old);
    // Never ready.
    let mut machine = taking();
    assert_eq!(machine.on(Event::Tick, SECOND * 60), [Action::Kill(2)]);
    assert_eq!(started(&machine.on(Event::Exited(2, Exit::Signal(9)), SECOND * 61)).map(|(_, launch)| launch), old);
}

/// Lets the program that runs crash until another one than before is started: what that is told.
fn crash_until(machine: &mut Machine, mut id: Id, ready: Option<&Version>) -> (usize, Id, Launch) {
    let mut now = Time::ZERO;
    let mut last = None;
    for crashes in 1..10 {
        let mut actions = machine.on(Event::Exited(id, Exit::Signal(11)), now);
        if let Some(until) = machine.restarts_at().filter(|_| started(&actions).is_none()) {
            now = until;
            actions = machine.on(Event::Tick, now);
        }
        let (next, launch) = started(&actions).expect("something is started");
        if last.replace(launch.clone()).is_some_and(|last| last != launch) {
            return (crashes, next, launch);
        }
        if let Some(version) = ready {
            machine.on(Event::Ready(next, version.clone()), now);
        }
        id = next;
    }
    panic!("nothing else was started");
}

#[test]
fn crashes_lead_back_once_there_were_too_many() {
    let mut machine = taking();
    let (crashes, _, launch) = crash_until(&mut machine, 2, None);
    assert_eq!((crashes, launch.told), (3, Told::Run(Version::new(1, 0, 0))), "nobody was answered");

    let mut machine = taking();
    machine.on(Event::Ready(2, Version::new(2, 0, 0)), Time::ZERO);
    let (crashes, id, launch) = crash_until(&mut machine, 2, Some(&Version::new(2, 0, 0)));
    assert_eq!((crashes, &launch.release), (3, &Version::new(2, 0, 0)));
    assert_eq!(launch.told, Told::Back(Version::new(1, 0, 0)), "callers were answered: the newer program goes back");
    let (id, launch) = started(&machine.on(Event::Exited(id, Exit::Code(0)), SECOND)).unwrap();
    assert_eq!(launch.told, Told::Run(Version::new(1, 0, 0)));
    machine.on(Event::Ready(id, Version::new(1, 0, 0)), SECOND);
    assert_eq!((machine.at(), machine.good(), machine.before()), (&run(1, 1), Some(&run(1, 1)), None));
    assert!(machine.failure().is_some());
}

#[test]
fn a_program_that_was_good_is_started_again_and_again() {
    let mut machine = serving();
    let (mut id, mut now, mut waits) = (1, Time::ZERO, Vec::new());
    for _ in 0..20 {
        machine.on(Event::Exited(id, Exit::Code(1)), now);
        let until = machine.restarts_at().unwrap();
        waits.push(until.saturating_sub(now));
        now = until;
        id = started(&machine.on(Event::Tick, now)).unwrap().0;
    }
    assert!(waits[0] <= SECOND / 10 && waits[19] >= SECOND * 15 && waits[19] <= SECOND * 30, "{waits:?}");
}

#[test]
fn a_state_that_cannot_go_back_keeps_its_program() {
    let back = Back { from: run(2, 2), to: run(1, 1), why: "it crashed".to_owned() };
    let mut machine = Machine::begin(record(Stage::Back(back)), None, limits(), 7, Time::ZERO);
    let (id, _) = started(&machine.on(Event::Tick, Time::ZERO)).unwrap();
    let failed = told(&machine.on(Event::Exited(id, Exit::Code(75)), Time::ZERO)).unwrap().unwrap_err();
    assert_eq!((failed.how, machine.at(), machine.good()), (How::NoWayBack, &run(2, 2), Some(&run(2, 2))));
}

#[test]
fn what_moves_by_itself_is_started_again_where_it_is() {
    let mut machine = serving();
    machine.on(Event::Moved(1, Version::new(2, 0, 0)), Time::ZERO);
    assert_eq!((machine.at(), machine.before()), (&run(1, 2), Some(&run(1, 1))));
    machine.on(Event::Exited(1, Exit::Signal(9)), Time::ZERO);
    let (_, launch) = started(&machine.on(Event::Tick, SECOND)).unwrap();
    assert_eq!(launch.told, Told::Run(Version::new(2, 0, 0)));
}

#[test]
fn a_program_that_says_no_more_that_it_is_alive_is_killed_and_started_again() {
    let within = SECOND * 10;
    let mut machine = serving();
    assert_eq!(machine.on(Event::Tick, SECOND * 3600), [], "one that has never said so need not");
    let begun = SECOND * 3600;
    for said in 0..5 {
        machine.on(Event::Alive(1, within), begun + SECOND * 9 * said);
    }
    let silent = begun + SECOND * 46;
    assert_eq!(machine.deadline(), Some(silent));
    assert_eq!(machine.on(Event::Tick, begun + SECOND * 45), []);
    assert_eq!(machine.on(Event::Tick, silent), [Action::Kill(1)]);
    assert!(!machine.is_idle() && machine.on(Event::Tick, silent).is_empty(), "once is enough");
    machine.on(Event::Exited(1, Exit::Signal(9)), silent);
    assert_eq!(
        machine.failure(),
        Some("release 1.0.0: it did not say for 10s that it is alive: it was ended by signal 9")
    );
    assert_eq!((machine.crashes(), started(&machine.on(Event::Tick, silent + SECOND)).map(|(id, _)| id)), (1, Some(2)));

    // An old one that hangs while it hands over.
    let mut machine = serving();
    machine.on(Event::Alive(1, within), Time::ZERO);
    machine.on(Event::Move(upgrade()), Time::ZERO);
    machine.on(Event::Prepared(2), Time::ZERO);
    machine.on(Event::Progress(2, None), SECOND * 9);
    assert_eq!(machine.on(Event::Tick, within), [Action::Kill(1)]);
    machine.on(Event::Exited(1, Exit::Signal(9)), within);
    assert_eq!(told(&machine.on(Event::Ready(2, Version::new(2, 0, 0)), within)), Some(Ok(run(2, 2))));
    // Who has handed over has time to end, and says nothing more.
    let mut machine = serving();
    machine.on(Event::Alive(1, within), Time::ZERO);
    machine.on(Event::Move(upgrade()), Time::ZERO);
    machine.on(Event::Prepared(2), Time::ZERO);
    machine.on(Event::HandedOver(1), Time::ZERO);
    assert_eq!(machine.on(Event::Tick, within), []);
}

#[test]
fn a_supervisor_that_was_held_up_itself_kills_nobody_for_it() {
    let mut machine = serving();
    machine.on(Event::Alive(1, SECOND * 10), Time::ZERO);
    assert_eq!(machine.on(Event::Tick, SECOND * 12), []);
    assert_eq!(machine.on(Event::Tick, SECOND * 22), [Action::Kill(1)], "its time begins anew");
}

#[test]
fn a_rollback_that_fails_ends_where_it_began() {
    let mut machine = taking();
    machine.on(Event::Ready(2, Version::new(2, 0, 0)), Time::ZERO);
    let (new, _) = started(&machine.on(Event::Move(rollback()), Time::ZERO)).unwrap();
    machine.on(Event::Prepared(new), Time::ZERO);
    machine.on(Event::Exited(2, Exit::Signal(9)), Time::ZERO);
    let (id, launch) = started(&machine.on(Event::Exited(new, Exit::Code(78)), Time::ZERO)).unwrap();
    assert_eq!((launch.release, launch.told), (Version::new(2, 0, 0), Told::Run(Version::new(2, 0, 0))));
    let failed = told(&machine.on(Event::Ready(id, Version::new(2, 0, 0)), Time::ZERO));
    assert_eq!((failed.unwrap().unwrap_err().how, machine.at()), (How::Back, &run(2, 2)));
}

#[test]
fn a_move_that_is_given_up_leaves_the_old_program_or_starts_it_again() {
    let mut beside = serving();
    beside.on(Event::Move(upgrade()), Time::ZERO);
    let given_up = beside.on(Event::Abort, Time::ZERO);
    assert_eq!((given_up[0].clone(), told(&given_up).unwrap().unwrap_err().how), (Action::Kill(2), How::NotBegun));
    assert_eq!((beside.serving(), beside.record().stage), (Some(1), Stage::Run));

    let mut handing = serving();
    handing.on(Event::Move(upgrade()), Time::ZERO);
    handing.on(Event::Prepared(2), Time::ZERO);
    assert_eq!(handing.on(Event::Abort, Time::ZERO), [Action::Kill(2)]);
    handing.on(Event::Exited(2, Exit::Signal(9)), Time::ZERO);
    let (_, launch) = started(&handing.on(Event::HandedOver(1), Time::ZERO)).unwrap();
    assert_eq!(launch.told, Told::Run(Version::new(1, 0, 0)));

    let mut taking = taking();
    assert!(taking.can_abort());
    assert_eq!(taking.on(Event::Abort, Time::ZERO), [Action::Kill(2)]);
    assert!(!taking.can_abort(), "it goes back");
    assert_eq!(taking.on(Event::Abort, Time::ZERO), []);
    let (id, launch) = started(&taking.on(Event::Exited(2, Exit::Signal(9)), Time::ZERO)).unwrap();
    assert_eq!((launch.release, launch.told), (Version::new(1, 0, 0), Told::Run(Version::new(1, 0, 0))));
    let back = told(&taking.on(Event::Ready(id, Version::new(1, 0, 0)), Time::ZERO)).unwrap().unwrap_err();
    assert_eq!((back.how, back.why.as_str()), (How::Back, "somebody has given the move up"));
    assert_eq!(taking.failure(), Some("release 2.0.0: somebody has given the move up"));
    assert!(!taking.can_abort());
}

#[test]
fn an_old_program_that_stays_after_the_move_was_given_up_can_move_again() {
    let mut machine = serving();
    machine.on(Event::Move(upgrade()), Time::ZERO);
    machine.on(Event::Prepared(2), Time::ZERO);
    machine.on(Event::Abort, Time::ZERO);
    assert_eq!(told(&machine.on(Event::Stays(1), Time::ZERO)).unwrap().unwrap_err().how, How::Stayed);
    machine.on(Event::Exited(2, Exit::Signal(9)), Time::ZERO);
    let (new, _) = started(&machine.on(Event::Move(upgrade()), Time::ZERO)).unwrap();
    machine.on(Event::Prepared(new), Time::ZERO);
    machine.on(Event::HandedOver(1), Time::ZERO);
    assert_eq!(machine.record().stage, Stage::Take(upgrade()), "that move is wanted");
}

#[test]
fn stopping_asks_first_and_enforces_later() {
    let mut machine = serving();
    machine.on(Event::Move(upgrade()), Time::ZERO);
    assert_eq!(machine.on(Event::Stop, Time::ZERO), [Action::Kill(2), Action::Terminate(1)]);
    machine.on(Event::Exited(2, Exit::Signal(9)), Time::ZERO);
    assert_eq!(machine.on(Event::Tick, SECOND * 30), [Action::Kill(1)]);
    assert!(!machine.is_stopped());
    machine.on(Event::Exited(1, Exit::Signal(9)), SECOND * 30);
    assert!(machine.is_stopped());
}

#[test]
fn a_supervisor_that_was_killed_goes_on_from_what_it_wrote() {
    for (stage, serving, expected) in [
        (Stage::Beside(upgrade()), None, Some(Told::Run(Version::new(1, 0, 0)))),
        (Stage::Handing(upgrade()), None, Some(Told::Run(Version::new(2, 0, 0)))),
        (Stage::Take(upgrade()), None, Some(Told::Run(Version::new(2, 0, 0)))),
        (Stage::Beside(upgrade()), Some(5), None),
        (Stage::Handing(upgrade()), Some(5), None),
    ] {
        let mut machine = Machine::begin(record(stage.clone()), serving, limits(), 7, Time::ZERO);
        let told = started(&machine.on(Event::Tick, Time::ZERO)).map(|(_, launch)| launch.told);
        assert_eq!(told, expected, "{stage:?}");
        assert_eq!(machine.serving(), serving);
    }
}

/// Whatever happens, in whatever order: never two programs that may have the state, and in the end one that serves.
#[test]
fn any_order_of_events_ends_at_a_program_that_serves() {
    let rounds = std::env::var("STRADDLE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3000);
    let mut ends = [0_u64; 2];
    for seed in 0..rounds {
        let mut world = World::new(seed);
        for _ in 0..world.steps() {
            world.step(Way::Wild);
        }
        world.calm();
        let at = world.machine.at().clone();
        assert!(world.machine.serving().is_some(), "seed {seed}: {:?}\n{}", world.machine.record(), world.story());
        assert_eq!(world.version(), &at.version, "seed {seed}\n{}", world.story());
        ends[usize::from(at == run(2, 2))] += 1;
    }
    assert!(ends.iter().all(|end| *end > rounds / 20), "both ends are seen: {ends:?}");
}
