//! What plans are compiled to.
//!
//! A message is rewritten in one pass over its fields. What comes of most fields is written at once; the others are
//! noted in *slots*, and written when the message has been read. Each plan has two layouts of this: the *hasty* one
//! writes all that it can at once, and fails where fields come more often than they should (a singular field twice, two
//! arms of a oneof) or where it would refuse; the *careful* one notes what may be overridden later. A message is first
//! tried hastily, as a whole, and then, should that fail, carefully. Tables that note nothing have a *swift* way, too,
//! which takes the place of the hasty one; and where just tags change, they are written over before anything else is
//! tried ([`patch`](super::patch)).

use std::ops::Range;
use std::sync::Arc;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, Value};
use rustc_hash::FxHashMap;

use super::patch::Patches;
use super::scalar::Scalar;
use super::swift::Swift;
use crate::expression::Expression;
use crate::protocol::plan::{Beyond, Plans, Use};

/// No guard, no oneof.
pub(super) const NONE: u8 = u8::MAX;

/// All tables of a rewrite.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) tables: Vec<Table>,
    /// As many as there are tables.
    pub(super) patches: Patches,
    /// For `Any`, by the index of the hop: what becomes of the types that the protocol declares.
    pub(super) types: Vec<FxHashMap<String, Packed>>,
}

/// A type in an `Any`.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// Its name on the other side.
    pub(super) target: String,
    /// Its table; none where it cannot be rewritten, with why.
    pub(super) table: Result<usize, String>,
}

/// What becomes of one message type.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) action: Action,
}

#[derive(Debug)]
pub(super) enum Action {
    /// The bytes stay.
    Identity,
    /// One table after the other.
    Sequence(Vec<usize>),
    /// As a plan says.
    Plan(Box<Compiled>),
    /// Messages in an `Any` that cannot be rewritten, with why.
    Refuse(String),
}

/// A plan, compiled.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) source: MessageDescriptor,
    pub(super) words: Words,
    /// Nothing where there is no such way.
    pub(super) swift: Option<Box<Swift>>,
    pub(super) hasty: Layout,
    pub(super) careful: Layout,
    pub(super) slots: Vec<Slot>,
    pub(super) scalars: Vec<Scalar>,
    pub(super) maps: Vec<MapCarry>,
    pub(super) conditions: Vec<Expression>,
    /// Whether there are expressions at all.
    pub(super) evaluates: bool,
    /// Numbers of the source's fields that expressions read; `None` for all.
    pub(super) read: Option<Vec<u32>>,
    pub(super) checks: Vec<Check>,
    pub(super) drops: Vec<Check>,
    pub(super) losses: Vec<Loss>,
}

/// The two versions, for refusals.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) from: String,
    pub(super) to: String,
}

/// One way to run a plan.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The fields of the message, and then those of the messages in it whose fields part ways.
    pub(super) nodes: Vec<Numbers>,
    /// The slots of each oneof, so that an arm that comes later clears the others.
    pub(super) oneofs: Vec<Vec<usize>>,
    /// Written when the message was read.
    pub(super) writes: Vec<Write>,
    /// Fields that go into messages of the target as they come by.
    pub(super) pieces: Vec<Piece>,
    /// Fields that are written where the guard did not see them; nothing where that refuses.
    pub(super) absents: Vec<(u8, Option<Vec<u8>>)>,
    /// Whether slots are used at all.
    pub(super) noting: bool,
}

/// What becomes of the fields of a message, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) dense: Vec<Op>,
    pub(super) sparse: FxHashMap<u32, Op>,
    pub(super) unknown: Passing,
}

/// Numbers up to this one are looked up in an array.
const DENSE: u32 = 256;

impl Numbers {
    /// Says what becomes of a number.
    pub(super) fn set(&mut self, number: u32, op: Op) {
        if number < DENSE {
            let wanted = number as usize + 1;
            self.dense.resize(self.dense.len().max(wanted), Op::UNKNOWN);
            self.dense[number as usize] = op;
        } else {
            self.sparse.insert(number, op);
        }
    }

    /// All numbers of which something is said.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &Op)> {
        let dense = (0..).zip(&self.dense).filter(|(_, op)| !matches!(op.act, Act::Unknown));
        dense.chain(self.sparse.iter().map(|(number, op)| (*number, op)))
    }

    #[inline]
    pub(super) fn op(&self, number: u32) -> &Op {
        match self.dense.get(number as usize) {
            Some(op) => op,
            None => self.sparse.get(&number).unwrap_or(&Op::UNKNOWN),
        }
    }
}

/// What becomes of numbers that the source does not declare.
#[derive(Clone, Debug, Default)]
pub(super) struct Passing {
    /// Numbers with another meaning somewhere; sorted.
    pub(super) taken: Vec<Range<u32>>,
    /// Numbers that wait for the end of the message: arms of a oneof of the target, with its index, and fields that
    /// something else goes into, too.
    pub(super) late: Vec<(u32, Option<usize>)>,
    /// Whether what is taken is left out; else it refuses.
    pub(super) leave_out: bool,
    /// Where they are noted.
    pub(super) slot: Option<usize>,
}

impl Passing {
    pub(super) fn is_taken(&self, number: u32) -> bool {
        let index = self.taken.partition_point(|range| range.end <= number);
        self.taken.get(index).is_some_and(|range| range.contains(&number))
    }

    pub(super) fn is_late(&self, number: u32) -> bool {
        self.late.iter().any(|(late, _)| *late == number)
    }

    /// The oneof of the target that the number is an arm of.
    pub(super) fn arm(&self, number: u32) -> Option<usize> {
        self.late.iter().find(|(late, _)| *late == number).and_then(|(_, oneof)| *oneof)
    }
}

/// What is done when a field comes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) act: Act,
    /// The bit that must not have been seen before, or [`NONE`].
    pub(super) guard: u8,
}

impl Op {
    pub(super) const UNKNOWN: Self = Self { act: Act::Unknown, guard: NONE };
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// The source does not declare it.
    Unknown,
    /// It stays as it is.
    Copy,
    /// It gets another number.
    Renumber(u32),
    /// It gets this number, unless it is the zero of a field without presence.
    Nonzero { number: u32, slot: u32 },
    /// It is left out.
    Drop,
    /// The hasty way ends here.
    Stop,
    /// A message by its table.
    Message { table: u32, number: u32 },
    /// A scalar; its zero is written only if `zero`.
    Scalar { scalar: u32, number: u32, zero: Zero },
    /// Scalars of a repeated field.
    Scalars { scalar: u32, number: u32, packed: bool },
    /// An entry of a map.
    Entry { map: u32, number: u32 },
    /// It goes into a message of the target that is put together as its fields come by.
    Gather { piece: u32 },
    /// It is noted.
    Note { slot: u32 },
}

/// A field that goes into a message of the target, which is put together as long as such fields come by.
#[derive(Debug)]
pub(super) struct Piece {
    /// The number of that message.
    pub(super) into: u32,
    /// The guard of that message, which is written but once.
    pub(super) guard: u8,
    /// What becomes of the field there.
    pub(super) act: Act,
    /// The type of a field without presence, whose zero counts as absent.
    pub(super) zero_of: Option<Kind>,
}

/// What an explicit zero means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Zero {
    /// That the source is absent.
    pub(super) of_source: bool,
    /// That the target is absent.
    pub(super) of_target: bool,
}

/// Where a field of the source is noted.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts of a field, each by itself")]
pub(super) struct Slot {
    pub(super) field: FieldDescriptor,
    /// Names from the message of the plan on.
    pub(super) names: Vec<String>,
    /// The last slot of what is inside it, and one more: such slots follow it.
    pub(super) end: usize,
    /// Its fields, where they part ways: an index of [`Layout::nodes`].
    pub(super) node: Option<usize>,
    /// Whether only the last one counts.
    pub(super) last_only: bool,
    /// The oneof whose arm it is.
    pub(super) oneof: Option<usize>,
    /// The slots of the messages that lead to it.
    pub(super) parents: Vec<usize>,
    pub(super) kind: Kind,
    pub(super) presence: bool,
    pub(super) list: bool,
    /// Conditions under which it is carried over as a whole.
    pub(super) carried: Vec<Option<usize>>,
    /// Whether it is a message of both sides.
    pub(super) is_container: bool,
    /// Whether it has a loss of its own, so that it is not lost with what is around it.
    pub(super) has_loss: bool,
}

impl Slot {
    /// The last slot, and one more, of what is lost with the field where nothing carries it: a container hands its unknown
    /// fields on by itself, and their slot is its last one.
    pub(super) fn end_of_known(&self) -> usize {
        self.end - usize::from(self.is_container && self.node.is_some())
    }
}

/// What is written when the message was read.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once, when tables are compiled")]
pub(super) enum Write {
    Carried(Carried),
    Node(Node),
    Made(Made),
    /// What is left of a field that is lost here passes.
    Pass {
        slot: usize,
    },
}

/// A value that is carried from a slot to a field.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) slot: usize,
    pub(super) when: Option<usize>,
    pub(super) carry: Carry,
    pub(super) target: Target,
    /// What is written where it is absent.
    pub(super) absent: Option<Vec<u8>>,
    /// Whether it is refused where it is absent.
    pub(super) refuse_absent: bool,
}

/// The field that is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) number: u32,
    pub(super) presence: bool,
    pub(super) packed: bool,
    pub(super) group: bool,
    /// Writes of one conflict exclude each other: the last one counts.
    pub(super) conflict: Option<usize>,
    /// The oneof of the target of which it is a known arm, while there are others.
    pub(super) arm: Option<usize>,
}

impl Target {
    /// A message field that takes part in nothing.
    pub(super) fn message(number: u32) -> Self {
        Self { number, presence: true, packed: false, group: false, conflict: None, arm: None }
    }
}

/// A message of the target that is put together.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) target: Target,
    pub(super) children: Vec<Write>,
    /// Slots of containers: where one is present this is, and their unknown fields pass.
    pub(super) containers: Vec<usize>,
    pub(super) unknown: Vec<(usize, Passing)>,
}

/// What becomes of a value.
#[derive(Debug)]
pub(super) enum Carry {
    /// The bytes stay, maybe under another number.
    Raw,
    One(Convert),
    Each(Convert),
    IntoList(Convert),
    FromList(Convert, Beyond),
    Map(MapCarry),
    MapToList(MapCarry),
    ListToMap {
        map: MapCarry,
        refuse_duplicates: bool,
    },
    Mask {
        source: String,
        target: String,
        plans: Arc<Plans>,
        used: Use,
    },
}

/// What becomes of one value.
#[derive(Debug)]
pub(super) enum Convert {
    Copy,
    Message(usize),
    /// By the types of this hop.
    Any(usize),
    Scalar(Scalar),
}

/// Entries of a map, or messages that stand for them.
#[derive(Debug)]
pub(super) struct MapCarry {
    pub(super) key: Part,
    pub(super) value: Part,
}

/// The key or the value of an entry.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) source: FieldDescriptor,
    pub(super) target: FieldDescriptor,
    pub(super) convert: Convert,
}

/// A value that is made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) target: Target,
    pub(super) when: Option<usize>,
    pub(super) value: MadeOf,
}

#[derive(Debug)]
pub(super) enum MadeOf {
    /// The field as it is written, and whether it brings the messages around it into being.
    Constant {
        field: Vec<u8>,
        into_absent: bool,
    },
    Expression {
        expression: Expression,
        field: FieldDescriptor,
    },
    Join {
        from: Vec<usize>,
        separator: String,
        may_miss: bool,
    },
    Split {
        from: usize,
        separator: String,
        part: usize,
        parts: usize,
        may_miss: bool,
    },
}

/// A check, or a drop.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) slot: Option<usize>,
    pub(super) condition: Condition,
    pub(super) reason: String,
    pub(super) advice: Option<String>,
}

#[derive(Debug)]
pub(super) enum Condition {
    Always,
    Empty,
    Is(Value),
    Holds(usize),
}

/// A field of which nothing must be lost.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) slot: usize,
    pub(super) why: String,
    pub(super) advice: Option<String>,
}
