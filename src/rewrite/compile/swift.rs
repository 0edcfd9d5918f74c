//! The swift way through a table, where it has one.

use prost_reflect::{FieldDescriptor, Kind};

use super::acts::Way;
use super::plan::Planner;
use crate::rewrite::patch::{self, Patches};
use crate::rewrite::scalar::{self, Scalar};
use crate::rewrite::swift::{Looks, Op, Swift, What, Whole, Zeros};
use crate::rewrite::table::{Act, Action, Compiled, Layout, Made, MadeOf, NONE, Piece, Table, Target, Write, Zero};
use crate::rewrite::wire::{FIXED32, FIXED64, LENGTH, VARINT, varint_length};

impl Planner<'_> {
    /// Nothing where messages have to be noted, or looked at as a whole.
    pub(super) fn swift(&mut self) -> Option<Swift> {
        let layout = self.layout(Way::Swift);
        let plan = self.plan;
        if !(plan.checks.is_empty() && plan.drops.is_empty() && self.conditions.is_empty()) {
            return None;
        }
        let mut swift = Swift::default();
        for (guard, field) in &layout.absents {
            swift.absents.push((bit(*guard)?, field.clone()));
        }
        for write in &layout.writes {
            match write {
                // No guard: whatever came.
                Write::Made(Made {
                    target: Target { conflict: None, arm: None, .. },
                    when: None,
                    value: MadeOf::Constant { field, .. },
                }) => swift.absents.push((0, Some(field.clone()))),
                // What is left of a message that was taken apart: nothing.
                Write::Pass { slot } if self.shape.slots[*slot].node.is_some() => {}
                _ => return None,
            }
        }
        for piece in &layout.pieces {
            let op = tagged(What::Message, piece.into, LENGTH)?;
            if !swift.pieces.iter().any(|whole| whole.op.tag == op.tag) {
                swift.pieces.push(Whole { op, guard: bit(piece.guard)? });
            }
        }
        swift.unknown = Some(layout.nodes[0].unknown.clone());
        self.fill(&mut swift, &layout, 0)?;
        Some(swift)
    }

    /// The ops of a message, or of one that is taken apart.
    fn fill(&self, swift: &mut Swift, layout: &Layout, node: usize) -> Option<()> {
        for (number, slot) in &self.shape.nodes[node].fields {
            let info = &self.shape.slots[*slot];
            if info.field.is_group() {
                return None;
            }
            let op = *layout.nodes[node].op(*number);
            let made = self.op(swift, layout, op.act, *slot, node)?;
            let guard = if op.guard == NONE { 0 } else { bit(op.guard)? };
            for wire in 0..6 {
                swift.set(*number, wire, Op::of(What::Stop));
            }
            for (wire, mut op) in made {
                op.guard = guard;
                if node > 0 {
                    // Of a field without presence a zero is not set, and then maybe nothing is; so of an empty list.
                    op.zero.stops = if info.list { wire == LENGTH && is_packable(&info.kind) } else { !info.presence };
                }
                let is_zero_looked_at = op.zero.stops || op.zero.skips;
                op.looks = Looks::new(guard != 0, is_zero_looked_at, !swift.pieces.is_empty());
                swift.set(*number, wire, op);
            }
        }
        let declared = |number: u32| self.shape.nodes[node].fields.iter().any(|(other, _)| *other == number);
        for (number, op) in layout.nodes[node].all() {
            // Detours, and nothing else, are set without being declared.
            if !declared(number) || matches!(op.act, Act::Stop) {
                (0..8).for_each(|wire| swift.set(number, wire, Op::of(What::Stop)));
            }
        }
        Some(())
    }

    /// What an act comes to, by the wire type.
    fn op(&self, swift: &mut Swift, layout: &Layout, act: Act, slot: usize, node: usize) -> Option<Vec<(u8, Op)>> {
        let info = &self.shape.slots[slot];
        Some(match act {
            Act::Copy => wires(&info.field).into_iter().map(|wire| (wire, Op::of(kept(wire)))).collect(),
            Act::Renumber(number) => raw(&info.field, number, Zeros::default())?,
            Act::Nonzero { number, .. } => {
                let skips = !info.list && !matches!(info.kind, Kind::Message(_));
                raw(&info.field, number, Zeros { skips, ..Zeros::default() })?
            }
            Act::Drop => wires(&info.field).into_iter().map(|wire| (wire, Op::of(What::Drop))).collect(),
            Act::Stop => Vec::new(),
            // What becomes of the table is settled when all are there.
            Act::Message { table, number } => {
                vec![(LENGTH, Op { index: table, ..tagged(What::Table, number, LENGTH)? })]
            }
            Act::Scalar { scalar, number, zero } => {
                vec![self.scalar(swift, scalar, number, zero)?]
            }
            Act::Scalars { scalar, number, packed } => {
                let scalar = self.scalars[scalar as usize].clone();
                let (read, write) = (scalar.read_wire(), scalar.write_wire());
                let index = add(&mut swift.scalars, scalar)?;
                let what = if packed { What::PackedScalars } else { What::Scalars };
                let op = Op { index, ..tagged(what, number, if packed { LENGTH } else { write })? };
                if read == LENGTH { vec![(LENGTH, op)] } else { vec![(read, op), (LENGTH, op)] }
            }
            Act::Gather { piece } => self.piece_op(swift, layout, &layout.pieces[piece as usize], slot, node)?,
            Act::Note { .. } => {
                let inner = self.taken_apart(layout, slot)?;
                vec![(LENGTH, Op { index: add(&mut swift.nodes, inner)?, ..Op::of(What::Node) })]
            }
            Act::Unknown | Act::Entry { .. } => return None,
        })
    }

    /// A field that goes into a message of the target.
    fn piece_op(
        &self,
        swift: &mut Swift,
        layout: &Layout,
        piece: &Piece,
        slot: usize,
        node: usize,
    ) -> Option<Vec<(u8, Op)>> {
        let tag = tagged(What::Message, piece.into, LENGTH)?.tag;
        let whole = swift.pieces.iter().position(|whole| whole.op.tag == tag)?;
        let mut ops = self.op(swift, layout, piece.act, slot, node)?;
        for (_, op) in &mut ops {
            op.piece = u32::try_from(whole + 1).ok()?;
            // An explicit zero brings no message into being.
            op.zero.skips = piece.zero_of.is_some();
        }
        Some(ops)
    }

    /// A message whose fields all go somewhere else, and nothing but these.
    fn taken_apart(&self, layout: &Layout, slot: usize) -> Option<Swift> {
        let (info, users) = (&self.shape.slots[slot], &self.users[slot]);
        if users.others || !users.moves.is_empty() || info.list || info.oneof.is_some() || info.is_container {
            return None;
        }
        let node = info.node?;
        let fields = &self.shape.nodes[node].fields;
        let goes = |slot: usize| self.users[slot].moves.len() == 1 || self.shape.slots[slot].node.is_some();
        if fields.is_empty() || !fields.iter().all(|(_, slot)| goes(*slot)) {
            return None;
        }
        let mut inner = Swift::default();
        self.fill(&mut inner, layout, node)?;
        Some(inner)
    }

    fn scalar(&self, swift: &mut Swift, scalar: u32, number: u32, zero: Zero) -> Option<(u8, Op)> {
        let scalar: &Scalar = &self.scalars[scalar as usize];
        let (read, write) = (scalar.read_wire(), scalar.write_wire());
        let mut zeros = Zeros { of_source: zero.of_source, of_target: zero.of_target, ..Zeros::default() };
        let (what, index) = if let Some(quick) = scalar.quick() {
            // A number that is written as text is never empty.
            zeros.of_target &= write == VARINT;
            (What::Number, add(&mut swift.numbers, quick.clone())?)
        } else if scalar.is_utf8() {
            zeros.of_source |= scalar.settles();
            (What::Text, 0)
        } else if scalar.is_narrowing() {
            zeros.of_source |= scalar.settles();
            (What::ToSingle, 0)
        } else if scalar.is_widening() {
            zeros.of_source |= scalar.settles();
            (What::ToDouble, 0)
        } else {
            (What::Scalar, add(&mut swift.scalars, scalar.clone())?)
        };
        Some((read, Op { index, zero: zeros, ..tagged(what, number, write)? }))
    }
}

/// Settles for each table how messages go through it that lie in others; gives back those that only write over tags.
pub(super) fn link(tables: &mut [Table]) -> Patches {
    let ways: Vec<What> = tables
        .iter()
        .map(|table| match &table.action {
            Action::Plan(plan) if plan.swift.is_some() => What::Message,
            Action::Identity => What::Length,
            _ => What::Table,
        })
        .collect();
    let mut patches = Patches::new();
    for table in tables {
        let Action::Plan(plan) = &mut table.action else {
            patches.push(None);
            continue;
        };
        if let Compiled { swift: Some(swift), .. } = &mut **plan {
            link_in(swift, &ways);
        }
        patches.push(plan.swift.as_deref().and_then(patch::patch));
    }
    patch::settle(&mut patches);
    patches
}

fn link_in(swift: &mut Swift, ways: &[What]) {
    for op in swift.ops().filter(|op| op.what == What::Table) {
        op.what = ways.get(op.index as usize).copied().unwrap_or(What::Table);
    }
    swift.nodes.iter_mut().for_each(|node| link_in(node, ways));
}

/// Ops that give a field another number.
fn raw(field: &FieldDescriptor, number: u32, zero: Zeros) -> Option<Vec<(u8, Op)>> {
    let op = |wire: u8| {
        let what = match wire {
            VARINT => What::Varint,
            FIXED32 => What::Fixed32,
            FIXED64 => What::Fixed64,
            _ => What::Length,
        };
        Some((wire, Op { zero, ..tagged(what, number, wire)? }))
    };
    wires(field).into_iter().map(op).collect()
}

/// Nothing where the tag has five bytes.
fn tagged(what: What, number: u32, wire: u8) -> Option<Op> {
    let mut tag = number << 3 | u32::from(wire);
    let length = varint_length(tag.into());
    let mut bytes = [0; 4];
    for byte in bytes.get_mut(..length)? {
        // The lowest seven bits.
        *byte = (tag & 0x7f) as u8 | 0x80;
        tag >>= 7;
    }
    bytes[length - 1] &= 0x7f;
    Some(Op { tag: u32::from_le_bytes(bytes), tag_length: u8::try_from(length).ok()?, ..Op::of(what) })
}

fn kept(wire: u8) -> What {
    match wire {
        VARINT => What::KeepVarint,
        FIXED32 => What::KeepFixed32,
        FIXED64 => What::KeepFixed64,
        _ => What::KeepLength,
    }
}

/// The wire types that a field may come with.
fn wires(field: &FieldDescriptor) -> Vec<u8> {
    let own = scalar::wire_of_kind(&field.kind());
    if field.is_list() && own != LENGTH { vec![own, LENGTH] } else { vec![own] }
}

fn is_packable(kind: &Kind) -> bool {
    scalar::wire_of_kind(kind) != LENGTH
}

/// Nothing where there are more guards than bits.
fn bit(guard: u8) -> Option<u64> {
    1u64.checked_shl(guard.into())
}

fn add<T>(all: &mut Vec<T>, one: T) -> Option<u32> {
    all.push(one);
    u32::try_from(all.len() - 1).ok()
}
