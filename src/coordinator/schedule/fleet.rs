//! What several schedules ask of nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::coordinator::view::{NodeView, View};

/// What a node is to an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has come, and serves; or it was there before the upgrade began.
    Came,
    /// It has come, and does not serve yet.
    Settling,
    /// It moves, or may.
    Moves,
    /// It has tried, and is where it was.
    Failed,
    /// It has yet to go.
    Waits,
}

/// What a node is to the upgrade. A failure is remembered for as long as the upgrade goes forward only: nobody is to wait for
/// it when all go back.
pub(super) fn standing(view: &View, node: &NodeView) -> Standing {
    if node.moving {
        Standing::Moves
    } else if view.is_there(node) {
        let came = node.moved >= view.started;
        if came && !node.serving { Standing::Settling } else { Standing::Came }
    } else if node.failure.is_some() && !view.back {
        Standing::Failed
    } else {
        Standing::Waits
    }
}

/// What a node that others wait for does, in words.
pub(super) fn doing(standing: Standing, node: &NodeView) -> String {
    let NodeView { name, .. } = node;
    match standing {
        Standing::Failed => {
            format!("{name}, which failed: {}", node.failure.as_deref().unwrap_or("it did not say why"))
        }
        _ if !node.connected => format!("{name}, which is away"),
        Standing::Settling => format!("{name}, which has come and does not serve yet"),
        Standing::Moves => format!("{name}, which moves"),
        Standing::Came | Standing::Waits => name.clone(),
    }
}

/// How urgently an operator wants to hear of it.
pub(super) fn urgency(standing: Standing, node: &NodeView) -> u8 {
    match standing {
        Standing::Failed => 3,
        Standing::Settling | Standing::Moves if !node.connected => 2,
        Standing::Settling => 1,
        _ => 0,
    }
}

/// The values that nodes have under some labels.
pub(super) struct Values<'a> {
    /// Each of them, in the order in which nodes have them first. None: nodes without the label.
    pub(super) all: Vec<Option<&'a str>>,
    /// The place there of each node's.
    pub(super) of: Vec<usize>,
}

/// The values of these labels. All labels are looked at for one node, and then for the next one: fetching a node's labels from
/// memory is most of the work in a large fleet.
pub(super) fn values<'a>(view: &'a View, labels: &[&str]) -> Vec<Values<'a>> {
    let mut gathered: Vec<Gathered> = labels.iter().map(|_| Gathered::new(view)).collect();
    for node in &view.nodes {
        for (gathered, label) in gathered.iter_mut().zip(labels) {
            gathered.add(node, label);
        }
    }
    gathered.into_iter().map(|gathered| gathered.values).collect()
}

struct Gathered<'a> {
    values: Values<'a>,
    places: BTreeMap<Option<&'a str>, usize>,
    /// The same by where texts lie in memory: equal ones are one, mostly.
    texts: FxHashMap<*const u8, usize>,
    /// Where the label's own name lies in memory.
    name: *const u8,
}

impl<'a> Gathered<'a> {
    fn new(view: &View) -> Self {
        let values = Values { all: Vec::new(), of: Vec::with_capacity(view.nodes.len()) };
        Self { values, places: BTreeMap::new(), texts: FxHashMap::default(), name: std::ptr::null() }
    }

    fn add(&mut self, node: &'a NodeView, label: &str) {
        let value = self.value(node, label);
        let text = value.map_or(std::ptr::null(), |value| value.as_ptr());
        let Self { values, places, texts, .. } = self;
        let place = *texts.entry(text).or_insert_with(|| {
            let value = value.map(|value| &**value);
            *places.entry(value).or_insert_with(|| {
                values.all.push(value);
                values.all.len() - 1
            })
        });
        values.of.push(place);
    }

    /// The value of a label. Its name is looked for by where it lies, and compared only where that is not known.
    fn value(&mut self, node: &'a NodeView, label: &str) -> Option<&'a Arc<str>> {
        let known = node.labels.iter().find(|(name, _)| name.as_ptr() == self.name);
        let (name, value) = known.or_else(|| node.labels.get_key_value(label))?;
        self.name = name.as_ptr();
        Some(value)
    }
}

/// `node` or `nodes`.
pub(super) fn nodes(count: usize) -> &'static str {
    if count == 1 { "node" } else { "nodes" }
}

/// A number made of a seed and bytes that looks like chance (FNV-1a, then the finalizer of `SplitMix64`).
pub(super) fn chance(seed: u64, bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut mixed =
        bytes.iter().fold(start, |mixed, byte| (mixed ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
