//! What is done when a field comes by.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::numbers::{Lost, real_oneof};
use super::plan::Planner;
use super::writes::{absent, entry_fields, refuses_absent, writes_alone};
use crate::protocol::plan::{Conversion, Move, ValueConversion};
use crate::rewrite::run::encode;
use crate::rewrite::scalar::Scalar;
use crate::rewrite::table::{Act, Layout, NONE, Numbers, Op, Zero};
use crate::rewrite::wire::LENGTH;

/// What a layout is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As hasty, and each message that is taken apart has to hold something.
    Swift,
    Hasty,
    Careful,
}

impl Planner<'_> {
    /// The layout for one way through the table.
    pub(super) fn layout(&mut self, way: Way) -> Layout {
        let hasty = way != Way::Careful;
        let slots = self.shape.slots.len();
        let note = |slot: usize| Act::Note { slot: index(slot) };
        let mut acts: Vec<Act> = (0..slots).map(note).collect();
        for node in 0..self.shape.nodes.len() {
            for (_, slot) in self.shape.nodes[node].fields.clone() {
                if let Some(act) = self.at_once(slot, node == 0, way) {
                    acts[slot] = act;
                }
            }
        }
        let mut guards = Guards::default();
        let mut of_slot = vec![NONE; slots];
        let mut pieces = Vec::new();
        if hasty {
            let mut of_target: BTreeMap<u32, u8> = BTreeMap::new();
            for (slot, mut piece) in self.pieces() {
                // There are fewer pieces than would need all guards.
                let (Some(guard), Some(unused)) = (guards.next(), guards.peek()) else { break };
                of_slot[slot] = guard;
                piece.guard = *of_target.entry(piece.into).or_insert(unused);
                if piece.guard == unused {
                    guards.next();
                }
                acts[slot] = Act::Gather { piece: index(pieces.len()) };
                pieces.push(piece);
            }
        }
        let groups = self.exclusive();
        for slot in groups.iter().flatten() {
            // A guard that others share does not tell whether the field itself has come.
            if let (Act::Scalar { .. }, [moved]) = (acts[*slot], &self.users[*slot].moves[..]) {
                let moved = &self.plan.moves[*moved];
                if refuses_absent(moved) || absent(moved).is_some() {
                    acts[*slot] = note(*slot);
                }
            }
        }
        for group in &groups {
            if self.is_plain(group, &acts) {
                continue;
            }
            // What lies within an arm goes with it.
            let within = |slot: usize| slot..self.shape.slots[slot].end;
            let mut inner = group.iter().flat_map(|slot| within(*slot));
            let at_once = inner.any(|slot| !matches!(acts[slot], Act::Note { .. }));
            match hasty.then(|| guards.next()).flatten() {
                Some(guard) if at_once => group.iter().for_each(|slot| of_slot[*slot] = guard),
                Some(_) => {}
                // What is noted needs no guard.
                None => {
                    for slot in group.iter().flat_map(|slot| within(*slot)) {
                        acts[slot] = note(slot);
                    }
                }
            }
        }
        let mut absents = Vec::new();
        for slot in 0..slots {
            let goes_in = self.shape.slots[slot].node.is_some();
            let needs = goes_in && hasty || self.needs_guard(slot, acts[slot]);
            if needs && of_slot[slot] == NONE {
                match guards.next() {
                    Some(guard) => of_slot[slot] = guard,
                    None if goes_in => {
                        // Without a guard nothing inside may be written at once.
                        let end = self.shape.slots[slot].end;
                        (slot + 1..end).for_each(|inner| acts[inner] = note(inner));
                    }
                    None => acts[slot] = note(slot),
                }
            }
            if let (Act::Scalar { .. }, [moved]) = (acts[slot], &self.users[slot].moves[..]) {
                let moved = &self.plan.moves[*moved];
                if refuses_absent(moved) {
                    absents.push((of_slot[slot], None));
                } else if let Some(value) = absent(moved) {
                    absents.push((of_slot[slot], Some(encode(moved.to.leaf(), value))));
                }
            }
        }
        let mut layout = self.assemble(hasty, &acts, &of_slot, absents);
        layout.pieces = pieces;
        layout
    }

    fn assemble(&self, hasty: bool, acts: &[Act], guards: &[u8], absents: Vec<(u8, Option<Vec<u8>>)>) -> Layout {
        let writes = self.writes(&|slot| matches!(acts[slot], Act::Note { .. }));
        let mut layout = Layout { oneofs: self.shape.oneofs.clone(), absents, writes, ..Layout::default() };
        for (index, node) in self.shape.nodes.iter().enumerate() {
            let mut numbers = Numbers::default();
            for (number, slot) in &node.fields {
                let op = Op { act: acts[*slot], guard: guards[*slot] };
                numbers.set(*number, op);
            }
            for detour in self.detours(index) {
                numbers.set(detour, Op { act: Act::Stop, guard: NONE });
            }
            if index == 0 {
                let slot = (!hasty).then_some(node.unknown);
                let messages = (&node.message, &self.plan.target);
                numbers.unknown = self.compiler.passing(self.version(), messages, self.written(&[]), slot);
            } else {
                numbers.unknown.slot = Some(node.unknown);
            }
            layout.nodes.push(numbers);
        }
        let root_notes = self.shape.nodes[0].fields.iter().any(|(_, slot)| matches!(acts[*slot], Act::Note { .. }));
        layout.noting = !hasty
            || root_notes
            || !layout.writes.is_empty()
            || !self.plan.checks.is_empty()
            || !self.plan.drops.is_empty();
        layout
    }

    /// The numbers in a node that are not for this table.
    fn detours(&self, node: usize) -> Vec<u32> {
        let of_node = |path: &&Vec<u32>| match path.split_last() {
            Some((_, [])) => node == 0,
            Some((_, parents)) => self.shape.node_at(parents) == Some(node),
            None => false,
        };
        self.draft.detours.iter().filter(of_node).filter_map(|path| path.last().copied()).collect()
    }

    /// What can be done with a field as soon as it comes by; nothing where it has to wait.
    fn at_once(&mut self, slot: usize, at_root: bool, way: Way) -> Option<Act> {
        let hasty = way != Way::Careful;
        let users = self.users[slot].clone();
        let info = &self.shape.slots[slot];
        let in_use = |slot: &usize| {
            let users = &self.users[*slot];
            // The swift way knows without notes that nothing of the message around is lost.
            users.others || !users.moves.is_empty() || !users.losses.is_empty() && way != Way::Swift
        };
        if users.others || info.node.is_some() || info.parents.iter().any(in_use) {
            return None;
        }
        let has_conditions = info.carried.iter().any(Option::is_some);
        match (&users.moves[..], &users.losses[..]) {
            ([moved], _) if !has_conditions && (at_root || hasty) => {
                let moved = &self.plan.moves[*moved];
                if !writes_alone(self, moved) || !at_root && (absent(moved).is_some() || refuses_absent(moved)) {
                    return None;
                }
                let act = self.move_at_once(slot, moved)?;
                let plain = matches!(act, Act::Copy | Act::Renumber(_));
                (hasty || plain).then_some(act)
            }
            ([], []) if at_root && info.oneof.is_none() => Some(Act::Drop),
            ([], [loss]) if at_root && info.carried.is_empty() => match self.lost(&self.plan.losses[*loss]) {
                Lost::Pass if self.compiler.passes_only_if_set(&self.draft.key, &info.field) => None,
                Lost::Pass => Some(Act::Copy),
                Lost::Drop => Some(Act::Drop),
                Lost::Refuse => hasty.then_some(Act::Stop),
            },
            _ => None,
        }
    }

    pub(super) fn move_at_once(&mut self, slot: usize, moved: &Move) -> Option<Act> {
        let (from, to) = (moved.from.leaf(), moved.to.leaf());
        let number = to.number();
        let same_frame = from.is_group() == to.is_group();
        let raw = if from.number() == number { Act::Copy } else { Act::Renumber(number) };
        match &moved.conversion {
            Conversion::One(value) if self.is_raw(value, same_frame) => {
                if !same_frame {
                    return None;
                }
                let may_be_zero = !from.supports_presence() && to.supports_presence();
                Some(if may_be_zero { Act::Nonzero { number, slot: index(slot) } } else { raw })
            }
            Conversion::Each(value) if same_frame && self.is_raw(value, same_frame) => Some(raw),
            Conversion::Map { key, value } if self.is_raw(key, true) && self.is_raw(value, true) => Some(raw),
            Conversion::One(value @ (ValueConversion::Message { .. } | ValueConversion::Through { .. }))
            | Conversion::Each(value @ (ValueConversion::Message { .. } | ValueConversion::Through { .. }))
                if !from.is_group() && !to.is_group() =>
            {
                Some(Act::Message { table: index(self.table(value)?), number })
            }
            Conversion::One(ValueConversion::Scalar(conversion)) => {
                let scalar = Scalar::for_use(conversion, self.compiler.used);
                let zero = Zero {
                    of_source: !from.supports_presence(),
                    of_target: !to.supports_presence() && !scalar.writes_message(),
                };
                Some(Act::Scalar { scalar: self.add(scalar), number, zero })
            }
            Conversion::Each(ValueConversion::Scalar(conversion)) => {
                let scalar = Scalar::for_use(conversion, self.compiler.used);
                let packed = to.is_packed() && scalar.write_wire() != LENGTH;
                Some(Act::Scalars { scalar: self.add(scalar), number, packed })
            }
            Conversion::Map { key, value } => {
                // Two keys that become one have to be found out.
                if !self.is_raw(key, true) {
                    return None;
                }
                let map = self.map(key, value, entry_fields(from, to)?);
                self.maps.push(map);
                Some(Act::Entry { map: index(self.maps.len() - 1), number })
            }
            _ => None,
        }
    }

    fn add(&mut self, scalar: Scalar) -> u32 {
        self.scalars.push(scalar);
        index(self.scalars.len() - 1)
    }

    /// Whether the field may come only once for what is done at once.
    fn needs_guard(&self, slot: usize, act: Act) -> bool {
        let list = self.shape.slots[slot].list;
        match act {
            Act::Nonzero { .. } | Act::Scalar { .. } => true,
            Act::Message { .. } => !list,
            _ => false,
        }
    }

    /// Fields that may push each other out: the arms of oneofs of the source, and what goes into one of the target.
    fn exclusive(&self) -> Vec<Vec<usize>> {
        let mut group_of: Vec<usize> = (0..self.shape.slots.len()).collect();
        let mut join = |slots: &[usize]| {
            if let Some((first, rest)) = slots.split_first() {
                for other in rest {
                    let (keep, gone) = (group_of[*first], group_of[*other]);
                    group_of.iter_mut().filter(|group| **group == gone).for_each(|group| *group = keep);
                }
            }
        };
        for arms in &self.shape.oneofs {
            join(arms);
        }
        let into = self.moved_into_oneofs();
        for slots in into.values() {
            join(slots);
        }
        let mut groups: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        let in_oneof =
            |slot: &usize| self.shape.slots[*slot].oneof.is_some() || into.values().any(|slots| slots.contains(slot));
        for slot in (0..self.shape.slots.len()).filter(in_oneof) {
            groups.entry(group_of[slot]).or_default().push(slot);
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort();
        groups
    }

    /// The slots that are moved into each oneof of the target itself.
    fn moved_into_oneofs(&self) -> BTreeMap<String, Vec<usize>> {
        let mut into: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for moved in &self.plan.moves {
            if let (Some(slot), Some(oneof)) = (self.shape.find(&moved.from), real_oneof(&moved.to.fields()[0])) {
                into.entry(oneof.full_name().to_owned()).or_default().push(slot);
            }
        }
        into
    }

    /// Whether fields that push each other out may just go over: the arms of one oneof of the source, all of them, as
    /// they are, into one of the target, which nothing else goes into and which has no arms that the source does not know.
    fn is_plain(&self, group: &[usize], acts: &[Act]) -> bool {
        let Some(arms) = group.first().and_then(|slot| self.shape.slots[*slot].oneof) else { return false };
        let mut into = Vec::new();
        for slot in group {
            let [moved] = self.users[*slot].moves[..] else { return false };
            let oneof = real_oneof(self.plan.moves[moved].to.leaf());
            match (acts[*slot], oneof) {
                (Act::Copy | Act::Renumber(_), Some(oneof)) => into.push(oneof),
                _ => return false,
            }
        }
        let Some(target) = into.first() else { return false };
        let made = |make: &crate::protocol::plan::Make| real_oneof(&make.to.fields()[0]).as_ref() == Some(target);
        group.len() == self.shape.oneofs[arms].len()
            && group.iter().all(|slot| self.shape.slots[*slot].oneof == Some(arms))
            && into.iter().all(|other| other == target)
            && !self.plan.makes.iter().any(made)
            && target.fields().all(|arm| self.plan.source.get_field(arm.number()).is_some())
    }
}

/// Guards, as long as there are some.
#[derive(Default)]
struct Guards(u8);

impl Guards {
    fn next(&mut self) -> Option<u8> {
        let guard = self.peek()?;
        self.0 += 1;
        Some(guard)
    }

    /// The one that comes next.
    fn peek(&self) -> Option<u8> {
        (self.0 < 128).then_some(self.0)
    }
}

/// An index of a plan's own parts, of which there are never as many as there are numbers.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
