//! What has to be so for a node to go, whichever node it is: another protocol, the load, an operator's word.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fleet::nodes;
use super::{Clock, Decision, Round, Schedule};
use crate::coordinator::view::{NodeView, View};
use crate::version::Version;

/// The nodes of another protocol have to be at a version first. Going back does not wait.
#[derive(Clone, Debug)]
pub(super) struct After {
    pub(super) protocol: String,
    /// This one, or a newer one.
    pub(super) version: Version,
}

impl Schedule for After {
    fn round<'a>(&'a self, view: &'a View, _clock: Clock, _seed: u64) -> Box<dyn Round + 'a> {
        Box::new(Same(self.wait(view)))
    }
}

impl After {
    fn wait(&self, view: &View) -> Option<Arc<str>> {
        if view.back {
            return None;
        }
        let Self { protocol, version } = self;
        let Some(versions) = view.others.get(protocol).filter(|versions| versions.values().any(|nodes| *nodes > 0))
        else {
            return Some(format!("{protocol} has to be at {version} first, and no node of it is known").into());
        };
        let all: usize = versions.values().sum();
        let behind: usize = versions.range(..version).map(|(_, nodes)| nodes).sum();
        let why = format!("{protocol} has to be at {version} first, and {behind} of its {all} {} are not", nodes(all));
        (behind > 0).then(|| why.into())
    }
}

/// Fewer than so many calls run on the node. Going back does not wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idle {
    pub(super) below: u64,
}

impl Schedule for Idle {
    fn round<'a>(&'a self, view: &'a View, _clock: Clock, _seed: u64) -> Box<dyn Round + 'a> {
        let below = self.below;
        let mut told = Told::default();
        Box::new(Each(move |_at: usize, node: &NodeView| {
            let running = node.running;
            (!view.back && running >= below)
                .then(|| told.of(running, || format!("{running} calls run on it, and fewer than {below} have to")))
        }))
    }
}

/// Calls in a second are fewer than so many, on the node and on all nodes together. Going back does not wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) node: Option<f64>,
    pub(super) fleet: Option<f64>,
}

impl Schedule for Load {
    fn round<'a>(&'a self, view: &'a View, _clock: Clock, _seed: u64) -> Box<dyn Round + 'a> {
        let Self { node: of_node, fleet } = *self;
        if view.back {
            return Box::new(Same(None));
        }
        let rates: Vec<f64> = view.nodes.iter().map(rate).collect();
        let all: f64 = rates.iter().sum();
        if let Some(below) = fleet.filter(|below| all >= *below) {
            let why =
                format!("all nodes together answer {all:.0} calls a second, and fewer than {below} have to be asked");
            return Box::new(Same(Some(why.into())));
        }
        let mut told = Told::default();
        Box::new(Each(move |at: usize, _node: &NodeView| {
            let (below, rate) = (of_node?, *rates.get(at)?);
            let why = |rate| format!("it answers {rate} calls a second, and fewer than {below} have to be asked");
            (rate >= below).then(|| told.of(whole(rate), || why(whole(rate))))
        }))
    }
}

/// Calls in a second.
#[expect(clippy::cast_precision_loss, reason = "nobody counts calls of a minute beyond 2^53")]
fn rate(node: &NodeView) -> f64 {
    let of = |calls: &crate::coordinator::view::CallsView| {
        let seconds = calls.over.as_secs_f64();
        let count = calls.answered.saturating_add(calls.failed).saturating_add(calls.refused);
        if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
    };
    node.calls.values().map(of).sum()
}

/// As it is told; nobody is asked more often than fits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "calls in a second, which are not below zero"
)]
fn whole(rate: f64) -> u64 {
    rate.round() as u64
}

/// Reasons by the number in them. Most nodes of a large fleet share theirs with others, and to write one takes longer than to
/// decide.
#[derive(Default)]
struct Told(BTreeMap<u64, Arc<str>>);

impl Told {
    fn of(&mut self, number: u64, why: impl FnOnce() -> String) -> Arc<str> {
        Arc::clone(self.0.entry(number).or_insert_with(|| why().into()))
    }
}

/// An operator lets each node go by name. Going back does not wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manual;

impl Schedule for Manual {
    fn round<'a>(&'a self, view: &'a View, _clock: Clock, _seed: u64) -> Box<dyn Round + 'a> {
        let named: BTreeSet<&str> = view.let_go.iter().map(String::as_str).collect();
        let why: Arc<str> = "it goes when an operator lets it go by its name".into();
        Box::new(Each(move |_at: usize, node: &NodeView| {
            (!view.back && !named.contains(node.name.as_str())).then(|| Arc::clone(&why))
        }))
    }
}

/// All nodes wait for the same, or none does.
pub(super) struct Same(pub(super) Option<Arc<str>>);

impl Round for Same {
    fn decide(&mut self, _at: usize, _node: &NodeView) -> Decision {
        self.0.as_ref().map_or(Decision::Go, |why| Decision::wait(Arc::clone(why)))
    }
}

/// Each node by itself.
struct Each<F>(F);

impl<F: FnMut(usize, &NodeView) -> Option<Arc<str>>> Round for Each<F> {
    fn decide(&mut self, at: usize, node: &NodeView) -> Decision {
        (self.0)(at, node).map_or(Decision::Go, Decision::wait)
    }
}
