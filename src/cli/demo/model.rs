//! What the auditor knows of a node: what every answer is held against.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use tokio::sync::{Mutex, RwLock};

use super::caller::{Hold, Version};
use super::crew::Called;
use super::item::Item;
use super::standing::{Met, Standing};

/// How many groups of items a node owns.
const GROUPS: usize = 12;

/// An item that only 2.0.0 and later can express.
pub(super) const EUROS: &str = "priced-in-euros";
/// An item that everybody reserves at once.
pub(super) const CONTESTED: &str = "contested";
/// How much of it there is at first: little enough to run out.
pub(super) const CONTESTED_STOCK: i64 = 40;

/// What calls are counted by, beside their caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cells {
    /// The node that they went to.
    Nodes,
    /// The version that it ran.
    Versions,
}

/// One node, as it has to be.
pub(super) struct Model {
    /// Its name.
    node: &'static str,
    cells: Cells,
    /// The version that it began at.
    begins_at: &'static str,
    /// What it may be now.
    pub(super) standing: Arc<Standing>,
    /// Whether it goes from version to version.
    pub(super) moves: bool,
    /// Whether it has yet to go somewhere.
    pub(super) moving: AtomicBool,
    /// Whether there is an item in euros. Who has the lock may write it; who reads what it would keep from being read
    /// shares the lock.
    pub(super) euros: RwLock<()>,
    pub(super) has_euros: AtomicBool,
    /// Each group is one caller's at a time, so that each answer about it is known beforehand.
    pub(super) groups: Vec<Mutex<Group>>,
    /// The highest revision that any answer told of.
    pub(super) revision: AtomicU64,
    /// What acknowledged calls, many at a time, have left of the contested item.
    pub(super) contested: AtomicI64,
}

/// Items that share the beginning of their SKUs, and the reservations of them.
pub(super) struct Group {
    pub(super) prefix: String,
    pub(super) items: BTreeMap<String, Option<Known>>,
    pub(super) reservations: Vec<Reserved>,
}

/// An item as it was last written.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) item: Item,
    /// Whether the last answer told the revision; else it is at least this one.
    pub(super) exact: bool,
}

/// Stock that was taken.
#[derive(Clone, Debug)]
pub(super) struct Reserved {
    pub(super) id: String,
    pub(super) sku: String,
    pub(super) quantity: i64,
    pub(super) by: Version,
    pub(super) state: Hold,
}

impl Model {
    pub(super) fn of(called: &Called, cells: Cells) -> Self {
        let &Called { name, begins_at, moves, .. } = called;
        let group = |number| {
            let prefix = format!("group-{number:02}/");
            let items = ["bolts", "nuts"].map(|name| (format!("{prefix}{name}"), None));
            Mutex::new(Group { prefix, items: BTreeMap::from(items), reservations: Vec::new() })
        };
        Self {
            node: name,
            cells,
            begins_at,
            standing: Arc::new(Standing::at(begins_at)),
            moves,
            moving: AtomicBool::new(moves),
            euros: RwLock::default(),
            has_euros: AtomicBool::new(false),
            groups: (0..GROUPS).map(group).collect(),
            revision: AtomicU64::new(0),
            contested: AtomicI64::new(CONTESTED_STOCK),
        }
    }

    /// What its calls are counted under, the last of which met `met`.
    pub(super) fn cell(&self, met: &Met) -> &'static str {
        match self.cells {
            Cells::Nodes => self.node,
            // What nobody answered is counted where it was due.
            Cells::Versions => met.last().unwrap_or_else(|| self.standing.newest()),
        }
    }

    /// Whether it is at 3.0.0, and stays there.
    pub(super) fn is_newest(&self) -> bool {
        self.begins_at == "3.0.0" && !self.moves
    }

    pub(super) fn saw(&self, revision: u64) {
        self.revision.fetch_max(revision, Ordering::Relaxed);
    }
}

impl Group {
    /// The SKU of the item that nobody discontinues: callers that cannot say otherwise always have something to reserve.
    pub(super) fn staple(&self) -> &str {
        self.items.keys().next_back().map_or("", String::as_str)
    }

    pub(super) fn known(&self, sku: &str) -> Option<&Known> {
        self.items.get(sku).and_then(Option::as_ref)
    }

    /// Notes a write: how the item is now, and its revision where the answer told it.
    pub(super) fn wrote(&mut self, item: Item, exact: bool) {
        self.items.insert(item.sku.clone(), Some(Known { item, exact }));
    }

    /// Notes that stock was taken or given back; which revision that made was not told.
    pub(super) fn moved(&mut self, sku: &str, by: i64) {
        if let Some(Some(known)) = self.items.get_mut(sku) {
            known.item.stock += by;
            known.exact = false;
        }
    }

    /// Notes that an answer told the revision.
    pub(super) fn learned(&mut self, sku: &str, revision: u64) {
        if let Some(Some(known)) = self.items.get_mut(sku) {
            known.item.revision = revision;
            known.exact = true;
        }
    }

    /// The reservations that `caller` can give back: those of a hold on an older node go by a name that only callers of
    /// 3.0.0 know. `newest` says that the node stays at 3.0.0.
    pub(super) fn in_reach(&self, caller: Version, newest: bool) -> Vec<usize> {
        let reaches = |reserved: &Reserved| {
            reserved.state != Hold::Held && (newest || reserved.by != Version::Fourth || caller == Version::Fourth)
        };
        (0..self.reservations.len()).filter(|index| reaches(&self.reservations[*index])).collect()
    }
}
