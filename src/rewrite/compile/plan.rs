//! A plan to its two layouts.

use rustc_hash::FxHashMap;

use super::acts::Way;
use super::numbers::{Lost, real_oneof};
use super::shape::{Shape, expression, path_of};
use super::{Compiler, Draft, inner_key};
use crate::expression::Expression;
use crate::protocol::plan::{Condition, Loss, Made, MessagePlan, Path, ValueConversion};
use crate::rewrite::scalar::Scalar;
use crate::rewrite::table::{self, Compiled, Convert, MapCarry, Words};

/// A plan that is being compiled.
pub(super) struct Planner<'c> {
    pub(super) compiler: &'c Compiler<'c>,
    pub(super) draft: &'c Draft,
    pub(super) plan: &'c MessagePlan,
    pub(super) identities: &'c [bool],
    pub(super) shape: Shape,
    /// What uses each slot.
    pub(super) users: Vec<Users>,
    /// How many moves and makes write to each path of the target.
    pub(super) writers: FxHashMap<Vec<u32>, usize>,
    pub(super) conditions: Vec<Expression>,
    /// The condition of each move, and of each make.
    pub(super) moves_when: Vec<Option<usize>>,
    pub(super) makes_when: Vec<Option<usize>>,
    pub(super) scalars: Vec<Scalar>,
    pub(super) maps: Vec<MapCarry>,
}

/// What uses a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Users {
    pub(super) moves: Vec<usize>,
    pub(super) losses: Vec<usize>,
    /// Checks, drops, makes.
    pub(super) others: bool,
}

impl<'a> Compiler<'a> {
    pub(super) fn plan(&'a self, draft: &'a Draft, plan: &'a MessagePlan, identities: &'a [bool]) -> Compiled {
        let shape = Shape::new(plan);
        let mut planner = Planner {
            compiler: self,
            draft,
            plan,
            identities,
            users: vec![Users::default(); shape.slots.len()],
            shape,
            writers: FxHashMap::default(),
            conditions: Vec::new(),
            moves_when: Vec::new(),
            makes_when: Vec::new(),
            scalars: Vec::new(),
            maps: Vec::new(),
        };
        planner.find_users();
        planner.compile()
    }
}

impl Planner<'_> {
    pub(super) fn version(&self) -> usize {
        self.compiler.hops[self.draft.key.first].version
    }

    pub(super) fn words(&self) -> &Words {
        &self.compiler.hops[self.draft.key.first].words
    }

    /// The index of a condition, which is compiled into the plan.
    fn condition(&mut self, expression: Option<&Expression>) -> Option<usize> {
        expression.map(|expression| {
            self.conditions.push(expression.clone());
            self.conditions.len() - 1
        })
    }

    fn find_users(&mut self) {
        let plan = self.plan;
        for (index, moved) in plan.moves.iter().enumerate() {
            let when = self.condition(moved.when.as_ref());
            self.moves_when.push(when);
            *self.writers.entry(numbers(&moved.to)).or_default() += 1;
            if let Some(slot) = self.shape.find(&moved.from) {
                self.users[slot].moves.push(index);
                self.shape.slots[slot].carried.push(when);
            }
        }
        for make in &plan.makes {
            let when = self.condition(make.when.as_ref());
            self.makes_when.push(when);
            *self.writers.entry(numbers(&make.to)).or_default() += 1;
            match &make.value {
                Made::Constant { .. } => {}
                Made::Expression(expression) => self.reads(expression, when),
                Made::Join { from, .. } => from.iter().for_each(|path| self.made_of(path, when)),
                Made::Split { from, .. } => self.made_of(from, when),
            }
        }
        for (index, loss) in plan.losses.iter().enumerate() {
            if let Some(slot) = self.shape.find(&loss.path) {
                self.users[slot].losses.push(index);
                self.shape.slots[slot].has_loss = true;
            }
        }
        let checked = plan.checks.iter().filter_map(|check| check.path.as_ref());
        for path in checked.chain(plan.drops.iter().map(|drop| &drop.path)) {
            if let Some(slot) = self.shape.find(path) {
                self.users[slot].others = true;
            }
        }
    }

    fn made_of(&mut self, path: &Path, when: Option<usize>) {
        if let Some(slot) = self.shape.find(path) {
            self.users[slot].others = true;
            self.shape.slots[slot].carried.push(when);
        }
    }

    /// An expression carries over what it reads.
    fn reads(&mut self, expression: &Expression, when: Option<usize>) {
        for names in expression.reads() {
            if names.is_empty() {
                for (_, slot) in &self.shape.nodes[0].fields {
                    self.shape.slots[*slot].carried.push(when);
                }
            } else if let Some(slot) = path_of(&self.plan.source, names).and_then(|path| self.shape.find(&path)) {
                self.shape.slots[slot].carried.push(when);
            }
        }
    }

    /// Numbers of the fields that expressions read; nothing for all.
    fn read_numbers(&self) -> Option<Vec<u32>> {
        let made = self.plan.makes.iter().filter_map(|make| match &make.value {
            Made::Expression(expression) => Some(expression),
            _ => None,
        });
        let mut numbers = Vec::new();
        for expression in self.conditions.iter().chain(made) {
            for names in expression.reads() {
                let field = self.plan.source.get_field_by_name(names.first()?)?;
                numbers.push(field.number());
                // An arm that comes later unsets this one.
                numbers.extend(
                    real_oneof(&field)
                        .into_iter()
                        .flat_map(|oneof| oneof.fields().map(|arm| arm.number()).collect::<Vec<_>>()),
                );
            }
        }
        Some(numbers)
    }

    fn compile(mut self) -> Compiled {
        let checks = self.plan.checks.iter().map(|check| {
            let slot = check.path.as_ref().and_then(|path| self.shape.find(path));
            (&check.condition, slot, check.reason.clone(), check.advice.clone())
        });
        let drops =
            self.plan.drops.iter().map(|drop| (&drop.condition, self.shape.find(&drop.path), String::new(), None));
        let (checks, drops): (Vec<_>, Vec<_>) = (checks.collect(), drops.collect());
        let mut compiled = |all: Vec<(&Condition, Option<usize>, String, Option<String>)>| {
            let mut checks = Vec::new();
            for (condition, slot, reason, advice) in all {
                let holds = self.condition(expression(condition));
                let condition = match condition {
                    Condition::Always => table::Condition::Always,
                    Condition::Empty => table::Condition::Empty,
                    Condition::Is(value) => table::Condition::Is(value.clone()),
                    Condition::Holds(_) => table::Condition::Holds(holds.unwrap_or(usize::MAX)),
                };
                checks.push(table::Check { slot, condition, reason, advice });
            }
            checks
        };
        let (checks, drops) = (compiled(checks), compiled(drops));
        let hasty = self.layout(Way::Hasty);
        let careful = self.layout(Way::Careful);
        let swift = self.swift().map(Box::new);
        Compiled {
            source: self.plan.source.clone(),
            words: self.words().clone(),
            swift,
            hasty,
            careful,
            read: self.read_numbers(),
            evaluates: !self.conditions.is_empty()
                || self.plan.makes.iter().any(|make| matches!(make.value, Made::Expression(_))),
            losses: self.losses(),
            slots: self.shape.slots,
            scalars: self.scalars,
            maps: self.maps,
            conditions: self.conditions,
            checks,
            drops,
        }
    }

    /// Losses that refuse.
    fn losses(&self) -> Vec<table::Loss> {
        let mut losses = Vec::new();
        for loss in &self.plan.losses {
            let Some(slot) = self.shape.find(&loss.path) else { continue };
            if matches!(self.lost(loss), Lost::Refuse) {
                let Words { from, to } = self.words();
                let why = || format!("{to} cannot express what {from} says in `{}`", loss.path);
                losses.push(table::Loss {
                    slot,
                    why: loss.reason.clone().unwrap_or_else(why),
                    advice: loss.advice.clone(),
                });
            }
        }
        losses
    }

    /// The numbers of the fields that are written, or written into, in the message of the target at these numbers.
    pub(super) fn written<'s>(&'s self, parents: &'s [u32]) -> impl Iterator<Item = u32> + 's {
        self.writers.keys().filter_map(|path| path.strip_prefix(parents)?.first().copied())
    }

    /// What becomes of a loss. It passes in the message that its own one becomes, where nothing else is written under its
    /// number: that would be overwritten.
    pub(super) fn lost(&self, loss: &Loss) -> Lost {
        let parents = loss.path.parents();
        let landing = match self.plan.containers.iter().find(|container| container.from.fields() == parents) {
            _ if parents.is_empty() => Some(Vec::new()),
            container => container.map(|container| numbers(&container.to)),
        };
        let has_place = |landing: Vec<u32>| !self.written(&landing).any(|number| number == loss.path.leaf().number());
        self.compiler.lost(self.version(), loss, landing.is_some_and(has_place))
    }

    /// What becomes of one value.
    pub(super) fn convert(&self, value: &ValueConversion, same_frame: bool) -> Convert {
        match value {
            ValueConversion::Copy => Convert::Copy,
            ValueConversion::Any => Convert::Any(self.draft.key.first),
            ValueConversion::Scalar(scalar) => Convert::Scalar(Scalar::for_use(scalar, self.compiler.used)),
            ValueConversion::Message { .. } | ValueConversion::Through { .. } => match self.table(value) {
                Some(table) if same_frame && self.identities[table] => Convert::Copy,
                Some(table) => Convert::Message(table),
                // Every message that a plan names was drafted with it.
                None => Convert::Copy,
            },
        }
    }

    /// The table of a message.
    pub(super) fn table(&self, value: &ValueConversion) -> Option<usize> {
        inner_key(value, self.draft.key.first).and_then(|key| self.draft.inner.get(&key)).copied()
    }
}

/// The numbers of the fields of a path.
pub(super) fn numbers(path: &Path) -> Vec<u32> {
    path.fields().iter().map(prost_reflect::FieldDescriptor::number).collect()
}
