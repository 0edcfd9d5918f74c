//! Why a field may come back otherwise than it went, as the plans of its message say.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value};

use super::values::{self, is_hollow};
use super::{Pair, Reason, RoundTrip, Why};
use crate::protocol::plan::{Loss, Made, MessagePlan, Move, Origin, Path, Policy, Use};

/// A field that differs.
struct Place<'a> {
    path: &'a [FieldDescriptor],
    /// Whether it is a message on both sides, so that what lies in it is looked at by itself.
    is_entered: bool,
}

impl Place<'_> {
    /// Whether what a rule says of `fields` is said of this field.
    fn is_of(&self, fields: &[FieldDescriptor]) -> bool {
        self.path.starts_with(fields) || (!self.is_entered && fields.starts_with(self.path))
    }

    /// The same for a path of names.
    fn is_named(&self, names: &[String]) -> bool {
        let common = self.path.iter().zip(names).all(|(field, name)| field.name() == name);
        common && (names.len() <= self.path.len() || !self.is_entered)
    }
}

impl RoundTrip<'_> {
    /// Why the field at `path` may have come back as it did.
    pub(super) fn reason(
        &self,
        pair: Pair<'_>,
        path: &[FieldDescriptor],
        went: Option<&Value>,
        came: Option<&Value>,
    ) -> Option<Reason> {
        let is_entered = matches!((went, came), (Some(Value::Message(_)), Some(Value::Message(_))));
        let place = Place { path, is_entered };
        pair.ways(path)
            .find_map(|(there, back)| self.value(there, back, path, (went, came)))
            // Only what was there is lost.
            .or_else(|| self.lost_there(pair, &place).filter(|_| went.is_some()))
            .or_else(|| self.lost_on_the_way_back(pair, &place).filter(|_| went.is_some()))
            .or_else(|| made(pair, &place, (went, came)))
            .or_else(|| conditional(pair, &place))
            .or_else(|| written_otherwise(pair, &place))
            .or_else(|| hollow(pair, &place, (went, came)))
    }

    /// The value itself, where it went one way and came back another.
    fn value(
        &self,
        there: &Move,
        back: &Move,
        path: &[FieldDescriptor],
        (went, came): (Option<&Value>, Option<&Value>),
    ) -> Option<Reason> {
        if let (Some(Value::Message(went)), Some(Value::Message(came))) = (went, came)
            && self.mask_follows(&there.conversion, went, came)
        {
            return Some(reason(Why::Mask, &there.origin));
        }
        let why = values::why(there, back, &path[path.len() - 1], (went, came))?;
        let origin = if matches!(there.origin, Origin::Line(_)) { &there.origin } else { &back.origin };
        Some(reason(why, origin))
    }

    fn lost_there(&self, pair: Pair<'_>, place: &Place<'_>) -> Option<Reason> {
        let dropped = pair.there.drops.iter().find(|drop| place.is_of(drop.path.fields()));
        let dropped = dropped.map(|drop| reason(Why::Dropped, &drop.origin));
        dropped.or_else(|| {
            let mut losses = pair.there.losses.iter().filter(|loss| place.is_of(loss.path.fields()));
            losses.find_map(|loss| self.let_go(self.from, loss))
        })
    }

    fn lost_on_the_way_back(&self, pair: Pair<'_>, place: &Place<'_>) -> Option<Reason> {
        let moves = pair.there.moves.iter().filter(|moved| place.is_of(moved.from.fields()));
        let landings: Vec<&Path> = moves.map(|moved| &moved.to).collect();
        let lands = |path: &Path| landings.iter().any(|landing| landing.starts_with(path) || path.starts_with(landing));
        let dropped = pair.back.drops.iter().find(|drop| lands(&drop.path));
        let dropped = dropped.map(|drop| reason(Why::Dropped, &drop.origin));
        dropped.or_else(|| {
            let mut losses = pair.back.losses.iter().filter(|loss| lands(&loss.path));
            losses.find_map(|loss| {
                let passes = loss.policies.of(self.used) == Policy::Pass;
                self.let_go(self.to, loss).or_else(|| passes.then(|| reason(Why::Unknown, &loss.origin)))
            })
        })
    }

    /// Whether the step lets a field of this version go where nothing carries it.
    fn let_go(&self, version: usize, loss: &Loss) -> Option<Reason> {
        let field = loss.path.leaf();
        match loss.policies.of(self.used) {
            Policy::Drop => Some(reason(Why::Dropped, &loss.origin)),
            Policy::Pass => {
                let message = field.parent_message();
                let free = self.protocol.number_is_free(version, message.full_name(), field.number(), Some(field));
                (self.used == Use::Response && !free).then(|| reason(Why::LeftOut, &loss.origin))
            }
            Policy::Refuse => None,
        }
    }

    /// Why what the version does not know may differ, in the message at `path`.
    pub(super) fn unknown_reason(
        &self,
        pair: Pair<'_>,
        path: &[FieldDescriptor],
        (went, came): (&DynamicMessage, &DynamicMessage),
        number: u32,
    ) -> Option<Reason> {
        let landing = pair.landing(path);
        // What the other version knows the number as.
        let field = landing.as_ref().and_then(|landing| landing.get_field(number));
        if self.used == Use::Response && self.is_taken(pair, &went.descriptor(), landing.as_ref(), number) {
            return Some(reason(Why::LeftOut, &Origin::Schema));
        }
        field
            .and_then(|field| self.known_there(pair, &field))
            .or_else(|| passed(self.used, pair, (went, came), number))
            .or_else(|| self.lost_there(pair, &Place { path, is_entered: true }).filter(|_| !path.is_empty()))
    }

    /// Whether the number means something else in a version of the protocol, or to the rules of the message.
    fn is_taken(
        &self,
        pair: Pair<'_>,
        message: &MessageDescriptor,
        landing: Option<&MessageDescriptor>,
        number: u32,
    ) -> bool {
        let free = |version, message: &str, field: Option<&FieldDescriptor>| {
            self.protocol.number_is_free(version, message, number, field)
        };
        let lands =
            landing.is_none_or(|landing| free(self.to, landing.full_name(), landing.get_field(number).as_ref()));
        !free(self.from, message.full_name(), None) || !lands || pair.writes(number)
    }

    /// Why a field may differ that only the version in between knows.
    fn known_there(&self, pair: Pair<'_>, field: &FieldDescriptor) -> Option<Reason> {
        let is_same = |path: &Path| path.leaf() == field;
        if let Some(drop) = pair.back.drops.iter().find(|drop| is_same(&drop.path)) {
            return Some(reason(Why::Dropped, &drop.origin));
        }
        let mut losses = pair.back.losses.iter().filter(|loss| is_same(&loss.path));
        if let Some(gone) = losses.find_map(|loss| self.let_go(self.to, loss)) {
            return Some(gone);
        }
        let reads = |made: &Made| match made {
            Made::Expression(expression) => expression.reads().iter().flatten().any(|name| name == field.name()),
            _ => false,
        };
        if let Some(make) = pair.back.makes.iter().find(|make| reads(&make.value)) {
            return Some(reason(Why::Expression, &make.origin));
        }
        let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())?;
        let mut moves = pair.there.moves.iter();
        let known = oneof.fields().any(|arm| moves.any(|moved| moved.to.fields().contains(&arm)));
        known.then(|| reason(Why::Arm, &Origin::Schema))
    }
}

impl<'a> Pair<'a> {
    /// The moves that take the field at `path` away, each with the one that brings it back.
    fn ways(self, path: &[FieldDescriptor]) -> impl Iterator<Item = (&'a Move, &'a Move)> {
        let there = self.there.moves.iter().filter(move |moved| moved.from.fields() == path);
        there.filter_map(move |moved| {
            let back = self.back.moves.iter().find(|back| back.from == moved.to && back.to == moved.from);
            Some((moved, back?))
        })
    }

    /// The message of the target in which unknown fields of the message at `path` land.
    fn landing(self, path: &[FieldDescriptor]) -> Option<MessageDescriptor> {
        if path.is_empty() {
            return Some(self.there.target.clone());
        }
        let container = self.there.containers.iter().find(|container| container.from.fields() == path)?;
        match container.to.leaf().kind() {
            Kind::Message(message) => Some(message),
            _ => None,
        }
    }

    /// Whether a part of the plans writes a field with this number.
    fn writes(self, number: u32) -> bool {
        fn targets(plan: &MessagePlan) -> impl Iterator<Item = &Path> {
            plan.moves.iter().map(|moved| &moved.to).chain(plan.makes.iter().map(|make| &make.to))
        }
        let mut all = targets(self.there).chain(targets(self.back));
        all.any(|path| path.fields().iter().any(|field| field.number() == number))
    }
}

/// A field that passed under its number on the way back, though the version it comes to does not know it.
fn passed(used: Use, pair: Pair<'_>, (went, came): (&DynamicMessage, &DynamicMessage), number: u32) -> Option<Reason> {
    let has = |message: &DynamicMessage| message.unknown_fields().any(|unknown| unknown.number() == number);
    if has(went) || !has(came) {
        return None;
    }
    let losses = pair.back.losses.iter().filter(|loss| loss.path.leaf().number() == number);
    let mut passing = losses.filter(|loss| loss.policies.of(used) == Policy::Pass);
    passing.next().map(|loss| reason(Why::Unknown, &loss.origin))
}

fn made(pair: Pair<'_>, place: &Place<'_>, (went, came): (Option<&Value>, Option<&Value>)) -> Option<Reason> {
    // What is joined or split comes back as it was, but for parts that are empty.
    let empty = are_hollow(went, came);
    let there = pair.there.makes.iter().find_map(|make| {
        let why = match &make.value {
            Made::Expression(expression) if expression.reads().iter().any(|names| place.is_named(names)) => {
                Why::Expression
            }
            Made::Join { from, .. } if empty && from.iter().any(|path| place.is_of(path.fields())) => Why::Presence,
            Made::Split { from, .. } if empty && place.is_of(from.fields()) => Why::Presence,
            _ => return None,
        };
        Some(reason(why, &make.origin))
    });
    let back = || {
        let mut makes = pair.back.makes.iter().filter(|make| place.is_of(make.to.fields()));
        makes.find_map(|make| {
            let why = match &make.value {
                Made::Expression(_) => Why::Expression,
                Made::Constant { value, .. }
                    if make.to.fields() != place.path || came.is_none_or(|came| came == value) =>
                {
                    Why::Constant
                }
                Made::Join { .. } | Made::Split { .. } if empty => Why::Presence,
                _ => return None,
            };
            Some(reason(why, &make.origin))
        })
    };
    there.or_else(back)
}

fn are_hollow(went: Option<&Value>, came: Option<&Value>) -> bool {
    [went, came].into_iter().flatten().all(is_hollow)
}

fn conditional(pair: Pair<'_>, place: &Place<'_>) -> Option<Reason> {
    let there = pair.there.moves.iter().filter(|moved| place.is_of(moved.from.fields()));
    let back = pair.back.moves.iter().filter(|moved| place.is_of(moved.to.fields()));
    let moved = there.chain(back).find(|moved| moved.when.is_some())?;
    Some(reason(Why::Condition, &moved.origin))
}

/// What comes back was written there out of something else, under a condition or by an expression.
fn written_otherwise(pair: Pair<'_>, place: &Place<'_>) -> Option<Reason> {
    let back = pair.back.moves.iter().filter(|moved| place.is_of(moved.to.fields()));
    let landings: Vec<&Path> = back.map(|moved| &moved.from).collect();
    let lands = |path: &Path| landings.iter().any(|landing| landing.starts_with(path) || path.starts_with(landing));
    let moved = pair.there.moves.iter().find(|moved| moved.when.is_some() && lands(&moved.to));
    let made = || {
        let mut makes = pair.there.makes.iter().filter(|make| lands(&make.to));
        makes.find_map(|make| match make.value {
            Made::Expression(_) => Some(reason(Why::Expression, &make.origin)),
            Made::Constant { .. } => Some(reason(Why::Constant, &make.origin)),
            Made::Join { .. } | Made::Split { .. } => None,
        })
    };
    moved.map(|moved| reason(Why::Condition, &moved.origin)).or_else(made)
}

/// A message of which nothing but its being there is said, where its fields go elsewhere.
fn hollow(pair: Pair<'_>, place: &Place<'_>, (went, came): (Option<&Value>, Option<&Value>)) -> Option<Reason> {
    if !are_hollow(went, came) || (went.is_some() && came.is_some()) {
        return None;
    }
    let deeper = |path: &Path| path.fields().len() > place.path.len() && path.fields().starts_with(place.path);
    let moved = pair.there.moves.iter().find(|moved| deeper(&moved.from))?;
    Some(reason(Why::Presence, &moved.origin))
}

fn reason(why: Why, origin: &Origin) -> Reason {
    let line = match origin {
        Origin::Line(line) => Some(*line),
        _ => None,
    };
    Reason { why, line }
}
