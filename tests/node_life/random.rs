//! Random lives: calls of all versions, moves there and back, faults and crashes, against a model.
//!
//! A life is a plan, made before it is lived: so it can be lived again, and cut down to what fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;
use straddle::Version;
use straddle::node::{MoveError, Moved, Node, Rollback};
use straddle::state::{Files, Phase};

use crate::faulty::{FAULTS, Fault, Faulty};
use crate::kinds::{KINDS, Kind, builder};
use crate::matrix::{fast_folder, in_a_program};
use crate::model::{At, Model, Word};
use crate::seed::{rounds, seed_or};
use crate::shop::add;

/// Acts of a life.
const LONG: usize = 60;
/// Operations on files within which a fault comes; a move has some twenty.
const SOON: usize = 30;
/// How many shorter lives are tried to tell a fault with.
const TRIED: usize = 300;

/// Something that is done with a node.
#[derive(Clone, Debug)]
enum Act {
    Write(Word),
    /// A move, and calls beside it.
    Move(Move, Vec<Word>),
    /// A fault so many operations from here, or from the start of the program that comes next.
    Break(usize, Fault),
    /// The program ends, with or without ceremony, and is started again.
    Restart {
        stopped: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Upgrade,
    Rollback { accept_loss: bool },
    DryRun,
    Finalize,
}

#[test]
fn whatever_is_done_and_wherever_it_crashes_a_node_is_that_of_the_model() {
    let first = seed_or(1);
    let (mut moves, mut crashes) = (0, 0);
    for seed in first..first + rounds(6) as u64 {
        for kind in KINDS.into_iter().map(Some).chain([None, None]) {
            let mut random = Rng::with_seed(seed);
            let plan: Vec<Act> = (0..LONG).scan(0, |number, _| Some(act(&mut random, number, kind))).collect();
            match lived(kind, &plan) {
                Ok(life) => (moves, crashes) = (moves + life.moves, crashes + life.crashes),
                Err((reached, why)) => {
                    let (plan, why) = shorter(kind, plan[..reached].to_vec(), why);
                    let plan: Vec<String> = plan.iter().map(|act| format!("  {act:?}")).collect();
                    panic!("seed {seed}, {kind:?}: {why}\nthe shortest life found that fails:\n{}", plan.join("\n"));
                }
            }
        }
    }
    println!("{moves} moves came to their end, {crashes} programs crashed");
    if std::env::var_os("STRADDLE_ROUNDS").is_none() {
        assert!(moves > 60 && crashes > 20, "lives in which little happens tell nothing: {moves}, {crashes}");
    }
}

fn act(random: &mut Rng, number: &mut usize, kind: Option<Kind>) -> Act {
    let mut word = |random: &mut Rng, may_be_new| {
        *number += 1;
        let version = random.u32(1..4);
        // What 2.0.0 cannot be told of 3.0.0.
        let new = may_be_new && kind.is_none() && version == 3 && random.u8(..4) == 0;
        Word {
            text: format!("{}{version}-{number}", if new { "new " } else { "" }),
            urgent: version == 3 && random.bool(),
            version,
        }
    };
    match random.u8(..16) {
        0..5 => Act::Write(word(random, true)),
        5..11 => {
            let how = match random.u8(..10) {
                0..4 => Move::Upgrade,
                4..6 => Move::Rollback { accept_loss: random.bool() },
                6 => Move::DryRun,
                _ => Move::Finalize,
            };
            Act::Move(how, (0..random.usize(..4)).map(|_| word(random, false)).collect())
        }
        11..14 => Act::Break(random.usize(..SOON), FAULTS[random.usize(..FAULTS.len())]),
        _ => Act::Restart { stopped: random.bool() },
    }
}

/// Lives a plan in programs one after the other; how far it came, and why no further.
fn lived(kind: Option<Kind>, plan: &[Act]) -> Result<Life, (usize, String)> {
    let (state, beside) = (fast_folder(), fast_folder());
    let mut life = Life { kind, model: Model::new(), next: 0, moves: 0, crashes: 0, faults: Vec::new() };
    let came = catch_unwind(AssertUnwindSafe(|| {
        while life.next < plan.len() {
            in_a_program(life.program(plan, state.path(), &beside.path().join("lost")));
        }
        // Whatever is left over is gone when it is started on files that never fail.
        in_a_program(life.program(&[], state.path(), &beside.path().join("lost")));
    }));
    match came {
        Ok(()) => Ok(life),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let why = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
            Err(((life.next + 1).min(plan.len()), why))
        }
    }
}

/// Leaves out of a life that fails what it fails without.
fn shorter(kind: Option<Kind>, mut plan: Vec<Act>, mut why: String) -> (Vec<Act>, String) {
    let mut at = plan.len();
    for _ in 0..TRIED {
        let Some(index) = at.checked_sub(1) else { break };
        at = index;
        let mut without = plan.clone();
        without.remove(index);
        if let Err((reached, told)) = lived(kind, &without) {
            without.truncate(reached);
            at = at.min(without.len());
            (plan, why) = (without, told);
        }
    }
    (plan, why)
}

struct Life {
    kind: Option<Kind>,
    model: Model,
    /// The act that comes next.
    next: usize,
    moves: usize,
    crashes: usize,
    /// Those that no program has met yet.
    faults: Vec<(usize, Fault)>,
}

impl Life {
    /// Lives on until the program ends.
    async fn program(&mut self, plan: &[Act], state: &Path, lost: &Path) {
        while let Some(Act::Break(after, fault)) = plan.get(self.next) {
            self.next += 1;
            self.faults.push((*after, *fault));
        }
        let files = Arc::new(Faulty::new(self.faults.pop()));
        let Some(node) = self.start(state, files.clone()).await else {
            self.crashes += 1;
            return;
        };
        self.model.is_at(&node.status(), lost);
        self.model.reads(&node.service(), "when it was started").await;
        while let Some(act) = plan.get(self.next) {
            let told = format!("{act:?}");
            self.next += 1;
            match act {
                Act::Break(after, fault) => files.fails_in(*after, *fault),
                Act::Write(word) => {
                    add(&node.service(), word.version, &word.text, word.urgent).await.expect(&told);
                    self.model.has(word.clone());
                }
                Act::Restart { stopped } => {
                    if *stopped {
                        node.stop().await;
                    }
                    return;
                }
                Act::Move(how, beside) => {
                    let goes_on = self.moved(&node, &files, *how, beside, lost).await;
                    if !goes_on {
                        self.crashes += 1;
                        return;
                    }
                }
            }
            self.model.is_at(&node.status(), lost);
            self.model.reads(&node.service(), &told).await;
        }
        node.stop().await;
    }

    /// A node, once it does nothing by itself any more.
    async fn start(&self, state: &Path, files: Arc<Faulty>) -> Option<Node> {
        let builder = || match self.kind {
            Some(kind) => builder(kind, state, files.clone()),
            None => crate::shop(state).files(files.clone() as Arc<dyn Files>),
        };
        let mut node = builder().start().await;
        if node.is_err() && !files.is_dead() {
            // A fault comes once.
            node = builder().start().await;
        }
        let node = match node {
            Ok(node) => node,
            Err(error) => {
                assert!(files.is_dead(), "{error}");
                return None;
            }
        };
        loop {
            let status = node.status();
            if files.is_dead() || status.stuck.is_some() {
                assert!(files.has_failed(), "{status:?}");
                return None;
            }
            if status.under_way.is_none() || status.phase == Phase::Learned {
                return Some(node);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Moves, while others call; whether the program goes on.
    async fn moved(&mut self, node: &Node, files: &Faulty, how: Move, beside: &[Word], lost: &Path) -> bool {
        let before = self.model.at();
        let news = if before.version == 3 { self.model.news() } else { 0 };
        let after = match how {
            Move::Upgrade => At { version: before.version + 1, back: Some(before.version), ..before },
            Move::Rollback { accept_loss } => {
                At { version: before.back.unwrap_or(0), back: None, given_up: accept_loss && news > 0 }
            }
            Move::DryRun => before,
            Move::Finalize => At { back: None, ..before },
        };
        let newest = if self.kind.is_some() { 2 } else { 3 };
        let refuses = news > 0 && matches!(how, Move::Rollback { accept_loss: false } | Move::DryRun);
        let possible = match how {
            Move::Upgrade => before.back.is_none() && before.version < newest,
            _ => before.back.is_some(),
        };
        let (service, failed) = (node.service(), node.status().failure);
        let calls = async {
            let mut answered = Vec::new();
            for word in beside {
                tokio::task::yield_now().await;
                let written = add(&service, word.version, &word.text, word.urgent).await;
                answered.push((word.clone(), written));
            }
            answered
        };
        let (moved, answered) = tokio::join!(call(node, how, before.version, lost), calls);
        for (word, written) in answered {
            match written {
                Ok(()) => self.model.has(word),
                Err(status) => {
                    assert!(files.has_failed(), "{how:?}: {word:?}: {status:?}");
                    self.model.may_have(word);
                }
            }
        }
        let gone = files.is_dead() || matches!(moved, Err(MoveError::Stuck { .. }));
        if gone {
            assert!(files.has_failed(), "{how:?}: {moved:?}");
            self.model.is_one_of(if possible && !refuses { vec![before, after] } else { vec![before] });
            return false;
        }
        match moved {
            Ok(moved) => {
                assert!(possible && !refuses, "{how:?}: {moved:?}");
                let given_up = if after.given_up { news as u64 } else { 0 };
                assert_eq!(moved.map_or(given_up, |moved| moved.lost), given_up, "{how:?}");
                // That the move before has failed may still be told after what is none.
                let stays = matches!(how, Move::DryRun | Move::Finalize);
                let failure = node.status().failure;
                assert!(failure.is_none() || stays && failure == failed, "{how:?}: {failure:?}");
                self.model.is_one_of(vec![after]);
                self.moves += 1;
            }
            Err(MoveError::NoWay { .. }) => assert!(!possible, "{how:?} from {before:?}"),
            Err(MoveError::Refused { count, .. }) => assert!(possible && refuses && count == news as u64, "{how:?}"),
            Err(MoveError::Failed { .. }) => assert!(files.has_failed(), "{how:?}: {moved:?}"),
            Err(error) => panic!("{how:?}: {error}"),
        }
        true
    }
}

async fn call(node: &Node, how: Move, version: u32, lost: &Path) -> Result<Option<Moved>, MoveError> {
    match how {
        Move::Upgrade => node.upgrade(&Version::new(u64::from(version) + 1, 0, 0)).await.map(Some),
        Move::Rollback { accept_loss } => {
            let accept_loss = accept_loss.then(|| lost.to_owned());
            node.rollback(Rollback { dry_run: false, accept_loss }).await.map(Some)
        }
        Move::DryRun => node.rollback(Rollback { dry_run: true, accept_loss: None }).await.map(Some),
        Move::Finalize => node.finalize().await.map(|()| None),
    }
}
