//! Two plans as one.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use rustc_hash::FxHashSet;

use super::conversions::Between;
use super::expand::Parts;
use super::{Chain, Joined, lift};
use crate::protocol::plan::{
    Container, Conversion, Loss, Made, Make, MessagePlan, Move, Origin, Path, Policies, Policy, ScalarConversion, Use,
    ValueConversion,
};

/// Composes what some hops do with what the next one does.
pub(super) struct Composer<'a> {
    pub(super) chain: Chain<'a>,
    /// The hop of the second plan.
    pub(super) hop: usize,
    /// The first hop of the first plan.
    pub(super) first: usize,
}

impl Composer<'_> {
    /// The plan that does at once what `first` and then `second` do; nothing where one plan cannot say it.
    pub(super) fn compose(&self, joined: &Joined, second: &MessagePlan) -> Option<Joined> {
        let first = &joined.plan;
        let lifted = lift(second, self.hop);
        let second = &lifted.plan;
        if !reads_fields_only(second) {
            return None;
        }
        let (one, two) = self.aligned(Parts::of(joined), Parts::of(&lifted))?;
        if self.passes_by(&one, &second.source) {
            return None;
        }
        let mut whole = Whole { moves: Vec::new(), makes: Vec::new(), losses: one.losses.clone() };
        for carried in &one.moves {
            self.carry(carried, &one, &two, &mut whole)?;
        }
        for made in &one.makes {
            carry_made(made, &two, &mut whole)?;
        }
        come_from_nothing(&one, &two, &mut whole)?;
        whole.makes.extend(two.makes.iter().cloned());
        let containers = containers(&one, &two, &mut whole)?;
        let plan = MessagePlan {
            source: first.source.clone(),
            target: second.target.clone(),
            checks: first.checks.clone(),
            drops: first.drops.clone(),
            containers,
            moves: whole.moves,
            makes: whole.makes,
            losses: whole.losses,
            open: first.open.iter().chain(&second.open).cloned().collect(),
        };
        let mut detours = detours(first, &one, &second.source);
        detours.extend(taken_in_the_middle(&one, &two, &plan));
        Some(Joined { plan, detours })
    }

    /// Both plans, with messages taken apart where one carries a whole of which the other takes a part.
    fn aligned(&self, mut one: Parts, mut two: Parts) -> Option<(Parts, Parts)> {
        // Each turn takes a message apart, of which there are only so many.
        loop {
            let read = two.moves.iter().map(|part| &part.from).chain(two.containers.iter().map(|part| &part.from));
            let read = led_through(read.chain(two.losses.iter().map(|part| &part.path)));
            let parted: FxHashSet<_> = two.containers.iter().map(|part| numbers(&part.from)).collect();
            let split = |written: &Path| {
                let written = numbers(written);
                parted.contains(&written) || read.contains(&written)
            };
            if let Some(index) = one.moves.iter().position(|part| split(&part.to)) {
                one.expand(self.chain, index)?;
                continue;
            }
            let written = one.moves.iter().map(|part| &part.to).chain(one.makes.iter().map(|part| &part.to));
            let written = led_through(written);
            let parted: FxHashSet<_> = one.containers.iter().map(|part| numbers(&part.to)).collect();
            let split = |read: &Path| {
                let read = numbers(read);
                parted.contains(&read) || written.contains(&read)
            };
            if let Some(index) = two.moves.iter().position(|part| split(&part.from)) {
                two.expand(self.chain, index)?;
                continue;
            }
            return Some((one, two));
        }
    }

    /// What becomes of a value that the first plan writes.
    fn carry(&self, carried: &Move, one: &Parts, two: &Parts, whole: &mut Whole) -> Option<()> {
        let mut read = false;
        for reader in two.moves.iter().filter(|reader| same(&reader.from, &carried.to)) {
            read = true;
            let between = Between {
                chain: self.chain,
                hop: self.hop,
                from: carried.from.leaf(),
                middle: carried.to.leaf(),
                to: reader.to.leaf(),
                nested: brings_into_being(carried, reader, two),
            };
            let conversion = between.conversion(&carried.conversion, &reader.conversion)?;
            // Where the condition does not hold, nothing lies in the middle, and that may come to something.
            let elsewise = carried.when.is_some() && absent(&reader.conversion).is_some();
            let absence_differs = absent(&conversion).is_some() && !absence_is_alike(carried, reader, one, two);
            if elsewise || absence_differs || Self::nested_presence_differs(carried, reader, one, two) {
                return None;
            }
            whole.moves.push(Move {
                from: carried.from.clone(),
                to: reader.to.clone(),
                conversion,
                when: carried.when.clone(),
                origin: carried.origin.clone(),
            });
        }
        if read { Some(()) } else { self.lose(carried, one, two, whole) }
    }

    /// Whether a message in the middle, which is there because something was written into it, may not come into being.
    fn nested_presence_differs(carried: &Move, reader: &Move, one: &Parts, two: &Parts) -> bool {
        let made_in_the_middle = (1..carried.to.fields().len()).any(|length| {
            let parent = Path::new(carried.to.fields()[..length].to_vec());
            // It is there in the source where the value is.
            let linked =
                one.containers.iter().any(|part| same(&part.to, &parent) && starts_with(&carried.from, &part.from));
            let goes_on = two.containers.iter().find(|part| same(&part.from, &parent));
            !linked && goes_on.is_some_and(|container| !reader.to.starts_with(&container.to))
        });
        let may_vanish = carried.to.fields().len() > 1
            && !matches!(
                (&carried.conversion, &reader.conversion),
                (
                    Conversion::One(ValueConversion::Copy | ValueConversion::Through { .. })
                        | Conversion::Each(_)
                        | Conversion::Map { .. },
                    Conversion::One(_) | Conversion::Each(_) | Conversion::Map { .. }
                ) | (Conversion::One(ValueConversion::Scalar(_)), Conversion::One(ValueConversion::Copy))
            );
        // A zero that is set comes to nothing in the middle, but its message is there.
        let zero_vanishes = carried.to.fields().len() > 1
            && carried.from.leaf().supports_presence()
            && !carried.to.leaf().supports_presence()
            && matches!(reader.conversion, Conversion::One(ValueConversion::Scalar(_)));
        made_in_the_middle || may_vanish || zero_vanishes
    }

    /// A value that the first plan writes and the second one loses.
    fn lose(&self, carried: &Move, one: &Parts, two: &Parts, whole: &mut Whole) -> Option<()> {
        let loss = two
            .losses
            .iter()
            .filter(|loss| starts_with(&carried.to, &loss.path))
            .max_by_key(|loss| loss.path.fields().len())?;
        let middle = carried.to.leaf();
        let unchecked = matches!(
            carried.conversion,
            Conversion::One(ValueConversion::Copy)
                | Conversion::Each(ValueConversion::Copy)
                | Conversion::Map { key: ValueConversion::Copy, value: ValueConversion::Copy }
        );
        let policy = match loss.policies.of(self.chain.used) {
            Policy::Pass if carried.to.parents().is_empty() => {
                let alone = |to: &Path| to.fields()[0].number() != middle.number();
                let written = two.moves.iter().map(|part| &part.to).chain(two.makes.iter().map(|part| &part.to));
                if self.is_free(middle, self.hop) && written.into_iter().all(alone) {
                    whole.moves.push(carried.clone());
                    return Some(());
                }
                if self.chain.used == Use::Response { Policy::Drop } else { Policy::Refuse }
            }
            Policy::Pass => return None,
            policy => policy,
        };
        let stays_set =
            carried.conversion_keeps_set() && (middle.supports_presence() || !carried.from.leaf().supports_presence());
        let sound = carried.when.is_none()
            && carried.to.parents().is_empty()
            // What goes elsewhere, too, would not count as lost.
            && (policy == Policy::Drop || is_only_reader(one, carried))
            && match policy {
                // The first hop's checks are made though the value goes.
                Policy::Drop => unchecked,
                _ => stays_set,
            };
        sound.then(|| {
            whole.losses.push(Loss {
                path: carried.from.clone(),
                policies: Policies { request: policy, response: policy, stored: policy },
                ..loss.clone()
            });
        })
    }

    /// Whether a field of the version that a hop starts from passes by under its number.
    fn is_free(&self, field: &FieldDescriptor, hop: usize) -> bool {
        let (message, version) = (field.parent_message(), self.chain.hops[hop].version);
        self.chain.numbers.is_free(version, message.full_name(), field.number(), Some(field))
    }

    /// Whether the first plan passes a field of the source by, under a number that the message in the middle declares.
    fn passes_by(&self, one: &Parts, middle: &MessageDescriptor) -> bool {
        one.losses.iter().any(|loss| {
            let leaf = loss.path.leaf();
            loss.policies.of(self.chain.used) == Policy::Pass
                && self.is_free(leaf, self.first)
                // In a message that is taken apart it is part of what is left of that message.
                && (!loss.path.parents().is_empty() || middle.get_field(leaf.number()).is_some())
        })
    }
}

/// What is put together.
struct Whole {
    moves: Vec<Move>,
    makes: Vec<Make>,
    losses: Vec<Loss>,
}

/// Whether what stands for an absent value is written over both hops just where it is over one after the other. It is where
/// the message is there that the value lies in, or the one that it goes to.
fn absence_is_alike(carried: &Move, reader: &Move, one: &Parts, two: &Parts) -> bool {
    let linked = |parts: &Parts, from: &Path, to: &Path| {
        let is_parent = |path: &Path, of: &Path| path.fields().len() + 1 == of.fields().len() && starts_with(of, path);
        parts.containers.iter().any(|part| is_parent(&part.from, from) && is_parent(&part.to, to))
    };
    let lies_within = |path: &Path| !path.parents().is_empty();
    let (from, middle, to) = (lies_within(&carried.from), lies_within(&carried.to), lies_within(&reader.to));
    if linked(one, &carried.from, &carried.to) && linked(two, &reader.from, &reader.to) {
        return true;
    }
    match absent(&carried.conversion) {
        // In the middle it is always there.
        Some(_) => !(middle || from && to),
        // In the end it is always looked for.
        None => !to || !(from || middle),
    }
}

/// Whether a value that is written in the middle brings messages into being that are not there because it is.
fn brings_into_being(carried: &Move, reader: &Move, two: &Parts) -> bool {
    (1..reader.to.fields().len()).any(|length| {
        let parent = Path::new(reader.to.fields()[..length].to_vec());
        let goes_on = |part: &Container| same(&part.to, &parent) && starts_with(&carried.to, &part.from);
        !two.containers.iter().any(goes_on)
    })
}

/// Whether nothing else in the plan reads what a move reads, or a part of it, or what it is a part of.
fn is_only_reader(one: &Parts, carried: &Move) -> bool {
    let overlaps = |path: &Path| starts_with(path, &carried.from) || starts_with(&carried.from, path);
    let names: Vec<&str> = carried.from.fields().iter().map(FieldDescriptor::name).collect();
    let made = |make: &Make| match &make.value {
        Made::Constant { .. } => false,
        Made::Expression(expression) => {
            expression.reads().iter().any(|read| read.iter().zip(&names).all(|(read, name)| read == name))
        }
        Made::Join { from, .. } => from.iter().any(overlaps),
        Made::Split { from, .. } => overlaps(from),
    };
    one.moves.iter().filter(|other| overlaps(&other.from)).count() == 1 && !one.makes.iter().any(made)
}

/// Whether a plan looks at nothing but its fields, one by one.
fn reads_fields_only(plan: &MessagePlan) -> bool {
    plan.checks.is_empty()
        && plan.drops.is_empty()
        && plan.moves.iter().all(|one| one.when.is_none())
        && plan
            .makes
            .iter()
            .all(|made| made.when.is_none() && matches!(made.value, Made::Constant { into_absent: false, .. }))
}

/// Numbers that the source does not declare, and that the second plan writes what nothing of the source comes to: what is
/// unknown may not pass there, though the plan of both hops writes nothing.
fn taken_in_the_middle(one: &Parts, two: &Parts, whole: &MessagePlan) -> Vec<Vec<u32>> {
    let written = one.moves.iter().map(|part| &part.to).chain(one.makes.iter().map(|part| &part.to));
    let written: Vec<&Path> = written.collect();
    let idle = two.moves.iter().filter(|reader| !written.iter().any(|to| same(to, &reader.from)));
    let mut taken = Vec::new();
    for to in idle.map(|reader| &reader.to) {
        let number = to.fields()[0].number();
        if whole.source.get_field(number).is_none() {
            taken.push(vec![number]);
        }
        for container in whole.containers.iter().filter(|container| starts_with(to, &container.to)) {
            let Some(field) = to.fields().get(container.to.fields().len()) else { continue };
            let declares = |message: &MessageDescriptor| message.get_field(field.number()).is_some();
            if !container.from.leaf().kind().as_message().is_some_and(declares) {
                taken.push([&numbers(&container.from)[..], &[field.number()]].concat());
            }
        }
    }
    taken
}

/// What the second plan makes of fields that the first one does not write, and that have a meaning where they are absent.
fn come_from_nothing(one: &Parts, two: &Parts, whole: &mut Whole) -> Option<()> {
    let written = |path: &Path| {
        one.moves.iter().map(|part| &part.to).chain(one.makes.iter().map(|part| &part.to)).any(|to| same(to, path))
    };
    for reader in two.moves.iter().filter(|reader| !written(&reader.from)) {
        let Some(scalar) = absent(&reader.conversion) else { continue };
        let nested = !reader.from.parents().is_empty() && !reader.to.parents().is_empty();
        if nested || scalar.refuse_absent {
            return None;
        }
        if let Some(value) = scalar.absent.clone() {
            let value = Made::Constant { value, into_absent: false };
            whole.makes.push(Make { to: reader.to.clone(), value, when: None, origin: reader.origin.clone() });
        }
    }
    Some(())
}

/// Numbers that the message in the middle declares and the source does not: what passed as an unknown field is known there.
fn detours(first: &MessagePlan, one: &Parts, middle: &MessageDescriptor) -> Vec<Vec<u32>> {
    let mut detours = one.detours.clone();
    let mut add = |parents: &[u32], source: &MessageDescriptor, middle: &MessageDescriptor| {
        let unknown = middle.fields().map(|field| field.number()).filter(|number| source.get_field(*number).is_none());
        detours.extend(unknown.map(|number| [parents, &[number]].concat()));
    };
    add(&[], &first.source, middle);
    for container in &one.containers {
        let Kind::Message(source) = container.from.leaf().kind() else { continue };
        let reached = container.to.fields().iter().try_fold(middle.clone(), |message, field| {
            match message.get_field(field.number())?.kind() {
                Kind::Message(within) => Some(within),
                _ => None,
            }
        });
        if let Some(reached) = reached {
            let parents: Vec<u32> = container.from.fields().iter().map(FieldDescriptor::number).collect();
            add(&parents, &source, &reached);
        }
    }
    detours.sort_unstable();
    detours.dedup();
    detours
}

/// What becomes of a value that the first plan makes.
fn carry_made(made: &Make, two: &Parts, whole: &mut Whole) -> Option<()> {
    let mut read = false;
    for reader in two.moves.iter().filter(|reader| same(&reader.from, &made.to)) {
        read = true;
        let plain = matches!(
            reader.conversion,
            Conversion::One(ValueConversion::Copy) | Conversion::Each(ValueConversion::Copy)
        );
        let alike = made.to.leaf().kind() == reader.to.leaf().kind()
            && made.to.leaf().supports_presence() == reader.to.leaf().supports_presence();
        let nested = made.to.fields().len() > 1 || reader.to.fields().len() > 1;
        if !plain || !alike || nested {
            return None;
        }
        whole.makes.push(Make { to: reader.to.clone(), ..made.clone() });
    }
    read.then_some(())
}

/// Messages that are there in the target because they are in the source.
fn containers(one: &Parts, two: &Parts, whole: &mut Whole) -> Option<Vec<Container>> {
    let mut linked = Vec::new();
    for first in &one.containers {
        let goes_on: Vec<_> = two.containers.iter().filter(|second| same(&second.from, &first.to)).collect();
        if goes_on.is_empty() {
            // Where something of it was set that is not in the middle, it is empty there.
            let mut carried = one.moves.iter().filter(|part| starts_with(&part.from, &first.from));
            if !carried.all(|part| starts_with(&part.to, &first.to) && part.stays_set()) {
                return None;
            }
            // It is taken apart. What else is in it, and its being there with nothing in it, is for the hops themselves to
            // judge: a table for several of them leaves to those what it refuses.
            let refuse = Policies { request: Policy::Refuse, response: Policy::Refuse, stored: Policy::Refuse };
            for loss in whole.losses.iter_mut().filter(|loss| starts_with(&loss.path, &first.from)) {
                // What passed in it would be lost with it, and without what was dropped it might be empty.
                loss.policies = refuse;
            }
            let (path, origin) = (first.from.clone(), Origin::Schema);
            whole.losses.push(Loss { path, policies: refuse, reason: None, advice: None, origin });
        }
        linked.extend(goes_on.iter().map(|second| Container { from: first.from.clone(), to: second.to.clone() }));
    }
    Some(linked)
}

/// The conversion of a field that means something where it is absent.
pub(super) fn absent(conversion: &Conversion) -> Option<&ScalarConversion> {
    match conversion {
        Conversion::One(ValueConversion::Scalar(scalar))
        | Conversion::FromList { value: ValueConversion::Scalar(scalar), .. }
            if scalar.absent.is_some() || scalar.refuse_absent =>
        {
            Some(scalar)
        }
        _ => None,
    }
}

impl Move {
    /// Whether what is set in the source is set in the target.
    fn stays_set(&self) -> bool {
        let (from, to) = (self.from.leaf(), self.to.leaf());
        self.when.is_none()
            && self.conversion_keeps_set()
            && (to.is_list() || to.is_map() || to.supports_presence() || !from.supports_presence())
    }

    /// Whether what is set stays set, or refuses.
    fn conversion_keeps_set(&self) -> bool {
        match &self.conversion {
            Conversion::One(value) => !matches!(value, ValueConversion::Scalar(_)),
            Conversion::Each(_) | Conversion::Map { .. } => true,
            _ => false,
        }
    }
}

/// The messages that these paths lead through.
fn led_through<'a>(paths: impl Iterator<Item = &'a Path>) -> FxHashSet<Vec<u32>> {
    let mut through = FxHashSet::default();
    for path in paths {
        let mut path = numbers(path);
        while path.pop().is_some() && !path.is_empty() && through.insert(path.clone()) {}
    }
    through
}

/// Fields of different versions are the same where these are.
fn numbers(path: &Path) -> Vec<u32> {
    path.fields().iter().map(FieldDescriptor::number).collect()
}

/// Fields of different versions are the same where their numbers are.
fn same(one: &Path, other: &Path) -> bool {
    one.fields().len() == other.fields().len() && starts_with(one, other)
}

fn starts_with(path: &Path, start: &Path) -> bool {
    path.fields().len() >= start.fields().len()
        && path.fields().iter().zip(start.fields()).all(|(one, other)| one.number() == other.number())
}
