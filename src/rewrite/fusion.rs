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

use std::cell::Cell;
use std::sync::Arc;

use self::compose::Composer;
use super::compile::{FreeNumbers, Hop, Key};
use crate::protocol::plan::{Conversion, MessagePlan, Plans, Use, ValueConversion};

/// The hops from one version to another.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a> {
    pub(super) hops: &'a [Hop<'a>],
    pub(super) numbers: &'a dyn FreeNumbers,
    pub(super) used: Use,
    /// How many messages that were taken apart this one lies within.
    pub(super) depth: usize,
    /// How many messages may still be taken apart.
    pub(super) budget: &'a Cell<usize>,
}

/// Rules lead through so many messages at most: those of a message that contains itself would be taken apart forever.
const DEEPEST: usize = 8;
/// So many messages are taken apart for one table: where messages contain each other, there is no end to it.
pub(super) const MOST_EXPANSIONS: usize = 256;

impl<'a> Chain<'a> {
    /// The same, for a message within the one that is fused; nothing where that lies too deep.
    fn within(self) -> Option<Self> {
        (self.depth < DEEPEST).then_some(Self { depth: self.depth + 1, ..self })
    }

    /// Whether one more message may be taken apart.
    fn spend(&self) -> bool {
        let left = self.budget.get().checked_sub(1);
        self.budget.set(left.unwrap_or_default());
        left.is_some()
    }

    /// What this hop does with messages.
    fn plans(&self, hop: usize) -> &'a Plans {
        self.hops[hop].plans
    }
}

/// Several plans as one.
#[derive(Clone)]
pub(super) struct Joined {
    /// Messages within it are [`ValueConversion::Through`].
    pub(super) plan: MessagePlan,
    /// Numbers, each after those of the messages that lead to it, that the source does not declare while a version in
    /// between does. A message that holds one has to go hop by hop: what is unknown at first is known on the way.
    pub(super) detours: Vec<Vec<u32>>,
}

/// What comes of a message's plans.
pub(super) enum Fused {
    /// One plan.
    One(Box<Joined>),
    /// These, one after the other.
    Sequence(Vec<Key>),
    /// A hop has no plan for the message.
    Missing,
}

/// Fuses the plans of `key` as far as they compose.
pub(super) fn fuse(chain: Chain<'_>, key: &Key) -> Fused {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut whole: Option<Joined> = None;
    let hops = key.messages.len() - 1;
    for hop in 0..hops {
        let Some(plan) = plan(chain, key, hop) else { return Fused::Missing };
        let composed = match &whole {
            None => Some(lift(&plan, key.first + hop)),
            Some(first) => Composer { chain, hop: key.first + hop, first: key.first + start }.compose(first, &plan),
        };
        whole = Some(composed.unwrap_or_else(|| {
            parts.push(part(key, start, hop));
            start = hop;
            lift(&plan, key.first + hop)
        }));
    }
    match whole {
        Some(plan) if parts.is_empty() => Fused::One(Box::new(plan)),
        _ => {
            parts.push(part(key, start, hops));
            Fused::Sequence(parts)
        }
    }
}

fn part(key: &Key, start: usize, end: usize) -> Key {
    Key { first: key.first + start, messages: key.messages[start..=end].to_vec() }
}

fn plan(chain: Chain<'_>, key: &Key, hop: usize) -> Option<Arc<MessagePlan>> {
    chain.plans(key.first + hop).get(&key.messages[hop], &key.messages[hop + 1], chain.used).cloned()
}

/// The plan of one hop, with the messages within it named as those of that hop.
fn lift(plan: &MessagePlan, hop: usize) -> Joined {
    let mut lifted = plan.clone();
    for one in &mut lifted.moves {
        lift_conversion(&mut one.conversion, hop);
    }
    Joined { plan: lifted, detours: Vec::new() }
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
