//! Fusion: the plans of consecutive hops become one, so that ten versions apart costs about what one costs.
//!
//! Two plans compose where each value that the first one writes is read by the second one in a way that can be said in
//! one move. Where that is not so (a condition over the message in between, a value whose check would be left out, …)
//! they do not, and that message alone runs hop by hop; the messages within it may still be fused.
//!
//! What comes of it equals the chain in presence, defaults and refusals.

mod compose;
mod conversions;
mod expand;

use std::sync::Arc;

use self::compose::Composer;
use crate::protocol::Protocol;
use crate::protocol::plan::{Conversion, Direction, MessagePlan, Plans, Use, ValueConversion};

/// The hops from one version to another.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a> {
    pub(super) protocol: &'a Protocol,
    /// Index of the version at which the chain starts.
    pub(super) from: usize,
    pub(super) direction: Direction,
    pub(super) used: Use,
    /// How many messages that were taken apart this one lies within.
    pub(super) depth: usize,
}

/// Rules lead through so many messages at most: those of a message that contains itself would be taken apart forever.
const DEEPEST: usize = 8;

impl Chain<'_> {
    /// The same, for a message within the one that is fused; nothing where that lies too deep.
    fn within(self) -> Option<Self> {
        (self.depth < DEEPEST).then_some(Self { depth: self.depth + 1, ..self })
    }

    /// Index of the version before this hop.
    pub(super) fn version(&self, hop: usize) -> usize {
        match self.direction {
            Direction::Up => self.from + hop,
            Direction::Down => self.from - hop,
        }
    }

    /// What this hop does with messages.
    pub(super) fn plans(&self, hop: usize) -> &Plans {
        let step = match self.direction {
            Direction::Up => self.version(hop),
            Direction::Down => self.version(hop) - 1,
        };
        self.protocol.steps()[step].plans(self.direction)
    }
}

/// A message on its way over some hops of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    /// Index of the first hop.
    pub(super) first: usize,
    /// Full names: before the first hop, and after each.
    pub(super) messages: Vec<String>,
}

impl Key {
    /// How many hops it crosses.
    pub(super) fn hops(&self) -> usize {
        self.messages.len() - 1
    }

    fn part(&self, start: usize, end: usize) -> Self {
        Self { first: self.first + start, messages: self.messages[start..=end].to_vec() }
    }
}

/// What comes of a message's plans.
pub(super) enum Fused {
    /// One plan; messages within it are [`ValueConversion::Through`].
    One(Box<MessagePlan>),
    /// These, one after the other.
    Sequence(Vec<Key>),
    /// A hop has no plan for the message.
    Missing {
        /// Which hop of the chain.
        hop: usize,
    },
}

/// Fuses the plans of `key` as far as they compose.
pub(super) fn fuse(chain: Chain<'_>, key: &Key) -> Fused {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut whole: Option<MessagePlan> = None;
    for hop in 0..key.hops() {
        let Some(plan) = plan(chain, key, hop) else { return Fused::Missing { hop: key.first + hop } };
        let composed = match &whole {
            None => Some(lift(&plan, key.first + hop)),
            Some(first) => Composer { chain, hop: key.first + hop }.compose(first, &plan),
        };
        whole = Some(composed.unwrap_or_else(|| {
            parts.push(key.part(start, hop));
            start = hop;
            lift(&plan, key.first + hop)
        }));
    }
    match whole {
        Some(plan) if parts.is_empty() => Fused::One(Box::new(plan)),
        _ => {
            parts.push(key.part(start, key.hops()));
            Fused::Sequence(parts)
        }
    }
}

fn plan(chain: Chain<'_>, key: &Key, hop: usize) -> Option<Arc<MessagePlan>> {
    chain.plans(key.first + hop).get(&key.messages[hop], &key.messages[hop + 1]).cloned()
}

/// The plan of one hop, with the messages within it named as those of that hop.
fn lift(plan: &MessagePlan, hop: usize) -> MessagePlan {
    let mut lifted = plan.clone();
    for one in &mut lifted.moves {
        lift_conversion(&mut one.conversion, hop);
    }
    lifted
}

fn lift_conversion(conversion: &mut Conversion, hop: usize) {
    let lift = |value: &mut ValueConversion| {
        if let ValueConversion::Message { source, target } = value {
            let messages = vec![std::mem::take(source), std::mem::take(target)];
            *value = ValueConversion::Through { first: hop, messages };
        }
    };
    match conversion {
        Conversion::One(value)
        | Conversion::Each(value)
        | Conversion::IntoList(value)
        | Conversion::FromList { value, .. } => lift(value),
        Conversion::Map { key, value }
        | Conversion::MapToList { key, value, .. }
        | Conversion::ListToMap { key, value, .. } => {
            lift(key);
            lift(value);
        }
        Conversion::Mask { .. } => {}
    }
}
