//! A move of a whole message as the moves of its fields, where the other hop takes part of it.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::compose::absent;
use super::{Chain, Fused, Joined, Key, fuse};
use crate::protocol::plan::{Container, Conversion, Loss, Made, Make, Move, Origin, Path, ValueConversion};

/// A plan of more parts is not taken apart any further.
const MOST_PARTS: usize = 400;

/// The parts of a plan that fusion composes.
#[derive(Clone, Default)]
pub(super) struct Parts {
    pub(super) moves: Vec<Move>,
    pub(super) containers: Vec<Container>,
    pub(super) makes: Vec<Make>,
    pub(super) losses: Vec<Loss>,
    pub(super) detours: Vec<Vec<u32>>,
}

impl Parts {
    pub(super) fn of(Joined { plan, detours }: &Joined) -> Self {
        Self {
            moves: plan.moves.clone(),
            containers: plan.containers.clone(),
            makes: plan.makes.clone(),
            losses: plan.losses.clone(),
            detours: detours.clone(),
        }
    }

    /// Replaces the move at `index`, which carries a message, by what becomes of the message's fields. Nothing if that
    /// cannot be said field by field.
    pub(super) fn expand(&mut self, chain: Chain<'_>, index: usize) -> Option<()> {
        let whole = self.moves.get(index)?.clone();
        if whole.when.is_some() || !chain.spend() {
            return None;
        }
        let parts = match &whole.conversion {
            Conversion::One(ValueConversion::Copy) => copies(&message(&whole.from)?, &message(&whole.to)?)?,
            Conversion::One(ValueConversion::Through { first, messages }) => {
                match fuse(chain.within()?, &Key { first: *first, messages: messages.clone() }) {
                    Fused::One(plan) => fields(&plan)?,
                    Fused::Sequence(_) | Fused::Missing => return None,
                }
            }
            _ => return None,
        };
        if self.moves.len() + parts.moves.len() + self.losses.len() + parts.losses.len() > MOST_PARTS {
            return None;
        }
        self.moves.splice(
            index..=index,
            parts.moves.into_iter().map(|part| Move {
                from: whole.from.join(&part.from),
                to: whole.to.join(&part.to),
                ..part
            }),
        );
        self.containers.push(Container { from: whole.from.clone(), to: whole.to.clone() });
        self.containers.extend(
            parts
                .containers
                .into_iter()
                .map(|part| Container { from: whole.from.join(&part.from), to: whole.to.join(&part.to) }),
        );
        self.makes.extend(parts.makes.into_iter().map(|part| Make {
            to: whole.to.join(&part.to),
            value: where_it_is(part.value),
            ..part
        }));
        let numbers: Vec<u32> = whole.from.fields().iter().map(FieldDescriptor::number).collect();
        self.detours.extend(parts.detours.into_iter().map(|part| [&numbers[..], &part].concat()));
        self.losses.extend(parts.losses.into_iter().map(|part| Loss { path: whole.from.join(&part.path), ..part }));
        Some(())
    }
}

/// What a plan does field by field; nothing if it does more.
fn fields(joined: &Joined) -> Option<Parts> {
    let plan = &joined.plan;
    let whole = plan.checks.is_empty()
        && plan.drops.is_empty()
        && plan.open.is_empty()
        && plan.moves.iter().all(|one| one.when.is_none() && absent(&one.conversion).is_none())
        && plan.makes.iter().all(made_where_it_is);
    whole.then(|| Parts::of(joined))
}

/// Whether a constant is written just where the message is present.
fn made_where_it_is(make: &Make) -> bool {
    make.when.is_none()
        && match &make.value {
            Made::Constant { into_absent, .. } => !into_absent || make.to.parents().is_empty(),
            Made::Expression(_) | Made::Join { .. } | Made::Split { .. } => false,
        }
}

/// A constant of a message is written where that message is, and does not bring it into being.
fn where_it_is(made: Made) -> Made {
    match made {
        Made::Constant { value, .. } => Made::Constant { value, into_absent: false },
        made => made,
    }
}

/// The fields of a message that passes as it is.
fn copies(source: &MessageDescriptor, target: &MessageDescriptor) -> Option<Parts> {
    let moves = source.fields().map(|field| {
        let counterpart = target.get_field(field.number())?;
        let conversion = if field.is_map() {
            Conversion::Map { key: ValueConversion::Copy, value: ValueConversion::Copy }
        } else if field.is_list() {
            Conversion::Each(ValueConversion::Copy)
        } else {
            Conversion::One(ValueConversion::Copy)
        };
        let (from, to) = (Path::new(vec![field]), Path::new(vec![counterpart]));
        Some(Move { from, to, conversion, when: None, origin: Origin::Name })
    });
    Some(Parts { moves: moves.collect::<Option<_>>()?, ..Parts::default() })
}

fn message(path: &Path) -> Option<MessageDescriptor> {
    match path.leaf().kind() {
        Kind::Message(message) if !path.leaf().is_list() && !path.leaf().is_map() => Some(message),
        _ => None,
    }
}
