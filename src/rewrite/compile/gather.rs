//! Fields of the message itself that go into messages of the target, and may be written there as they come by.

use std::collections::BTreeMap;

use super::numbers::real_oneof;
use super::plan::{Planner, numbers};
use super::writes::{absent, refuses_absent};
use crate::protocol::plan::{Change, Conversion, Move, ValueConversion};
use crate::rewrite::table::{Act, Piece};

/// With more slots than this there may not be a guard for each, and for what they go into.
const MOST_SLOTS: usize = 60;

impl Planner<'_> {
    /// What goes into messages of the target piece by piece, by slot; the guards are still to be chosen.
    pub(super) fn pieces(&mut self) -> BTreeMap<usize, Piece> {
        let mut pieces = BTreeMap::new();
        if self.shape.slots.len() > MOST_SLOTS {
            return pieces;
        }
        let mut targets: Vec<u32> = self.plan.moves.iter().map(|moved| moved.to.fields()[0].number()).collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            if let Some(slots) = self.gathered_into(target) {
                for (slot, moved) in slots {
                    // It was found out before that all of them can be.
                    if let Some(piece) = self.piece(slot, moved, target) {
                        pieces.insert(slot, piece);
                    }
                }
            }
        }
        pieces
    }

    /// The slots and moves into a message of the target, where it can be put together as its fields come by: they are all
    /// that is written there, and an encoder writes them one after the other.
    fn gathered_into(&mut self, target: u32) -> Option<Vec<(usize, usize)>> {
        let writes_there = |path: &&Vec<u32>| path.first() == Some(&target);
        let all: Vec<(usize, &Move)> = self.plan.moves.iter().enumerate().collect();
        let into: Vec<(usize, &Move)> =
            all.into_iter().filter(|(_, moved)| moved.to.fields()[0].number() == target).collect();
        let field = into.first()?.1.to.fields()[0].clone();
        let containers = &self.plan.containers;
        if real_oneof(&field).is_some()
            || field.is_group()
            || self.writers.keys().filter(writes_there).count() != into.len()
            || self.writers.iter().any(|(path, count)| path.first() == Some(&target) && *count > 1)
            || containers.iter().any(|container| container.to.fields()[0].number() == target)
        {
            return None;
        }
        let mut slots = Vec::new();
        for (index, moved) in into {
            let slot = self.shape.find(&moved.from)?;
            self.is_piece(slot, index, moved).then(|| slots.push((slot, index)))?;
        }
        let fields = &self.shape.nodes[0].fields;
        let places = slots.iter().map(|(slot, _)| fields.iter().position(|(_, other)| other == slot));
        let mut places: Vec<usize> = places.collect::<Option<_>>()?;
        places.sort_unstable();
        let follow = places.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let can = follow && slots.iter().all(|(slot, moved)| self.piece(*slot, *moved, target).is_some());
        can.then_some(slots)
    }

    /// Whether a field, and what becomes of it, has to do with nothing else.
    fn is_piece(&self, slot: usize, index: usize, moved: &Move) -> bool {
        let (users, info) = (&self.users[slot], &self.shape.slots[slot]);
        let (from, to) = (moved.from.leaf(), moved.to.leaf());
        let settles = match &moved.conversion {
            Conversion::One(ValueConversion::Scalar(scalar)) => {
                scalar.changes.iter().any(|change| matches!(change, Change::Settle))
            }
            Conversion::One(_) => false,
            _ => true,
        };
        !settles
            && numbers(&moved.to).len() == 2
            && users.moves == [index]
            && !users.others
            && info.parents.is_empty()
            && info.node.is_none()
            && info.oneof.is_none()
            && info.carried.iter().all(Option::is_none)
            && !(from.is_list() || from.is_map() || to.is_list() || to.is_map())
            && !(from.is_group() || to.is_group())
            && real_oneof(to).is_none()
            && absent(moved).is_none()
            && !refuses_absent(moved)
    }

    fn piece(&mut self, slot: usize, moved: usize, into: u32) -> Option<Piece> {
        let moved = &self.plan.moves[moved];
        let number = moved.to.leaf().number();
        let act = match self.move_at_once(slot, moved)? {
            Act::Copy | Act::Renumber(_) | Act::Nonzero { .. } => Act::Renumber(number),
            act @ (Act::Scalar { .. } | Act::Message { .. }) => act,
            _ => return None,
        };
        let from = moved.from.leaf();
        let zero_of = (!from.supports_presence()).then(|| from.kind());
        Some(Piece { into, guard: 0, act, zero_of })
    }
}
