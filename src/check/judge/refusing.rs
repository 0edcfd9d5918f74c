//! Values that rules refuse, though they bridge their fields: those that the other version cannot say.

use std::collections::{BTreeMap, BTreeSet};

use super::losses::each_plan;
use crate::protocol::plan::{Direction, Origin, Use};
use crate::protocol::{Protocol, refusals_of_plan};

/// Why values of one thing are refused, by the way that they go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MayRefuse {
    /// On the way to the newer version.
    pub(crate) up: BTreeSet<String>,
    /// On the way to the older one.
    pub(crate) down: BTreeSet<String>,
}

impl MayRefuse {
    pub(super) fn note(&mut self, direction: Direction, why: String) {
        match direction {
            Direction::Up => self.up.insert(why),
            Direction::Down => self.down.insert(why),
        };
    }

    pub(super) fn add(&mut self, other: Self) {
        self.up.extend(other.up);
        self.down.extend(other.down);
    }
}

/// A field of which some values are refused, or a message whose expressions may fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusing {
    /// Whether it goes up, to the newer version, or down.
    pub(crate) direction: Direction,
    /// The full name, as its own version has it.
    pub(crate) element: String,
    /// Why.
    pub(crate) whys: BTreeSet<String>,
    /// In requests, in responses, in stored data.
    pub(crate) uses: BTreeSet<&'static str>,
    /// The first line of `step.toml` that leads to it.
    pub(crate) line: Option<usize>,
}

/// All that the rules of a step may refuse for its value, by direction and element. What has no counterpart at all is a
/// loss, and not told here.
pub(super) fn of(protocol: &Protocol, index: usize) -> Vec<Refusing> {
    let mut found: BTreeMap<(Direction, String), Refusing> = BTreeMap::new();
    each_plan(protocol, index, |plan, direction, used| {
        if !plan.open.is_empty() {
            return;
        }
        for one in refusals_of_plan(plan, used).into_iter().filter(|one| !one.is_loss) {
            let refusing = found.entry((direction, one.element.clone())).or_insert_with(|| Refusing {
                direction,
                element: one.element,
                whys: BTreeSet::new(),
                uses: BTreeSet::new(),
                line: None,
            });
            refusing.whys.insert(one.why);
            refusing.uses.insert(match used {
                Use::Request => "request",
                Use::Response => "response",
                Use::Stored => "stored",
            });
            if let Origin::Line(line) = one.origin {
                refusing.line = Some(refusing.line.map_or(line, |known| known.min(line)));
            }
        }
    });
    found.into_values().collect()
}
