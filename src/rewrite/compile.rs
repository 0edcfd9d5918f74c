//! Plans to tables.

mod acts;
mod emptiness;
mod gather;
mod numbers;
mod plan;
mod shape;
mod swift;
mod writes;

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use prost_reflect::Kind;
use rustc_hash::{FxHashMap, FxHashSet};

pub(super) use self::numbers::{FreeNumbers, OfProtocol};
use super::NoRewrite;
use super::fusion::{Chain, Fused, MOST_EXPANSIONS, fuse};
use super::table::{Action, Packed, Program, Table, Words};
use crate::protocol::plan::{MessagePlan, Plans, Use, ValueConversion};

/// A step of the chain, in the direction of the chain.
#[derive(Clone, Debug)]
pub(super) struct Hop<'a> {
    /// Index of the version that messages come from.
    pub(super) version: usize,
    pub(super) plans: &'a Plans,
    pub(super) words: Words,
}

/// What a table is for: a message on its way along a part of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Index of the first hop in the chain.
    pub(super) first: usize,
    /// Full names, one more than hops.
    pub(super) messages: Vec<String>,
}

/// Tables for several hops at once, for messages that hold nothing unusual; nothing where there is but one hop.
///
/// # Errors
/// As [`compile`].
pub(super) fn compile_fused(
    hops: &[Hop<'_>],
    messages: &[String],
    numbers: &dyn FreeNumbers,
    used: Use,
) -> Result<Option<(Program, usize)>, NoRewrite> {
    if hops.len() < 2 {
        return Ok(None);
    }
    let mut chained = Compiler::new(hops, numbers, used, None);
    chained.draft(&Key { first: 0, messages: messages.to_vec() })?;
    let identities = chained.identities();
    let kept = chained.keys.into_iter().filter(|(_, index)| identities[*index]).map(|(key, _)| key).collect();
    let mut compiler = Compiler::new(hops, numbers, used, Some(kept));
    let root = compiler.draft(&Key { first: 0, messages: messages.to_vec() })?;
    Ok(Some((compiler.program(), root)))
}

/// Compiles the tables for `messages[0]` to become each of the next `messages` in turn, a hop each. Gives back the index
/// of the message's table, too.
///
/// # Errors
/// When a version has no counterpart of a message, or a step leaves something open.
pub(super) fn compile(
    hops: &[Hop<'_>],
    messages: &[String],
    numbers: &dyn FreeNumbers,
    used: Use,
) -> Result<(Program, usize), NoRewrite> {
    let mut compiler = Compiler::new(hops, numbers, used, None);
    let root = compiler.draft(&Key { first: 0, messages: messages.to_vec() })?;
    Ok((compiler.program(), root))
}

/// Numbers, by version and message.
type Taken = FxHashMap<(usize, String), Vec<Range<u32>>>;

/// Tables on their way.
pub(super) struct Compiler<'a> {
    hops: &'a [Hop<'a>],
    numbers: &'a dyn FreeNumbers,
    used: Use,
    keys: FxHashMap<Key, usize>,
    drafts: Vec<Draft>,
    /// For `Any`, by hop, where it was met.
    types: Vec<Option<FxHashMap<String, Packed>>>,
    /// Whether hops are fused; then those messages of single hops that stay as they are.
    fused: Option<FxHashSet<Key>>,
    /// Numbers that are not free, by version and message.
    taken: RefCell<Taken>,
    /// For masks, by hop, where they were met.
    plans: Vec<OnceCell<Arc<Plans>>>,
    /// For each hop, the messages of which it or a later one asks whether anything is set in them.
    asked: OnceCell<Vec<FxHashSet<String>>>,
}

/// A table before it is compiled.
pub(super) struct Draft {
    key: Key,
    state: State,
    /// The tables of the messages that its plan names.
    inner: FxHashMap<Key, usize>,
    /// Numbers that are not for this table, each after those of the messages that lead to it.
    detours: Vec<Vec<u32>>,
}

enum State {
    Pending,
    Plan(Arc<MessagePlan>),
    /// Nothing changes on any of its hops.
    Kept,
    Sequence(Vec<usize>),
    Broken(NoRewrite),
}

impl<'a> Compiler<'a> {
    fn new(hops: &'a [Hop<'a>], numbers: &'a dyn FreeNumbers, used: Use, fused: Option<FxHashSet<Key>>) -> Self {
        let types = vec![None; hops.len()];
        let plans = hops.iter().map(|_| OnceCell::new()).collect();
        let (taken, asked) = (RefCell::default(), OnceCell::new());
        Self { hops, numbers, used, keys: FxHashMap::default(), drafts: Vec::new(), types, fused, taken, plans, asked }
    }

    fn program(self) -> Program {
        let identities = self.identities();
        let mut program = Program::default();
        for (index, draft) in self.drafts.iter().enumerate() {
            let action = match &draft.state {
                _ if identities[index] => Action::Identity,
                State::Sequence(tables) => Action::Sequence(tables.clone()),
                State::Plan(plan) => Action::Plan(Box::new(self.plan(draft, plan, &identities))),
                State::Broken(why) => Action::Refuse(why.to_string()),
                State::Kept => Action::Identity,
                // Drafts are made before anything is compiled.
                State::Pending => Action::Refuse("the table was never made".to_owned()),
            };
            program.tables.push(Table { action });
        }
        program.patches = swift::link(&mut program.tables);
        program.types = self.types.into_iter().map(Option::unwrap_or_default).collect();
        program
    }

    /// The index of the table for `key`, and of all tables that it needs.
    fn draft(&mut self, key: &Key) -> Result<usize, NoRewrite> {
        if let Some(index) = self.keys.get(key) {
            return match &self.drafts[*index].state {
                State::Broken(why) => Err(why.clone()),
                _ => Ok(*index),
            };
        }
        let index = self.drafts.len();
        self.keys.insert(key.clone(), index);
        self.drafts.push(Draft {
            key: key.clone(),
            state: State::Pending,
            inner: FxHashMap::default(),
            detours: Vec::new(),
        });
        match self.resolve(index, key) {
            Ok(()) => Ok(index),
            Err(why) => {
                self.drafts[index].state = State::Broken(why.clone());
                Err(why)
            }
        }
    }

    fn resolve(&mut self, index: usize, key: &Key) -> Result<(), NoRewrite> {
        let (plan, detours) = match self.fuse(key)? {
            Shared::Kept => {
                self.drafts[index].state = State::Kept;
                return Ok(());
            }
            Shared::Parts(keys) => {
                let tables = keys.iter().map(|key| self.draft(key)).collect::<Result<_, _>>()?;
                self.drafts[index].state = State::Sequence(tables);
                return Ok(());
            }
            Shared::Plan(plan, detours) => (plan, detours),
        };
        self.drafts[index].state = State::Plan(Arc::clone(&plan));
        self.drafts[index].detours = detours;
        for value in plan.moves.iter().flat_map(|moved| moved.conversion.values()) {
            if matches!(value, ValueConversion::Any) {
                self.any(key.first, &plan);
            } else if let Some(inner) = inner_key(value, key.first) {
                let table = self.draft(&inner)?;
                self.drafts[index].inner.insert(inner, table);
            }
        }
        Ok(())
    }

    /// The plan of a message on its way, or the parts of the way that have a plan each.
    fn fuse(&self, key: &Key) -> Result<Shared, NoRewrite> {
        let singles = || {
            let hops = key.messages.windows(2).enumerate();
            hops.map(|(hop, pair)| Key { first: key.first + hop, messages: pair.to_vec() })
        };
        for single in singles() {
            self.single(&single)?;
        }
        if key.messages.len() == 2 {
            return Ok(Shared::Plan(self.single(key)?, Vec::new()));
        }
        let Some(kept) = &self.fused else { return Ok(Shared::Parts(singles().collect())) };
        if singles().all(|single| kept.contains(&single)) {
            return Ok(Shared::Kept);
        }
        let budget = Cell::new(MOST_EXPANSIONS);
        let chain = Chain { hops: self.hops, numbers: self.numbers, used: self.used, depth: 0, budget: &budget };
        Ok(match fuse(chain, key) {
            Fused::One(joined) => Shared::Plan(Arc::new(joined.plan), joined.detours),
            Fused::Sequence(parts) => Shared::Parts(parts),
            Fused::Missing => Shared::Parts(singles().collect()),
        })
    }

    /// The plan of one hop.
    fn single(&self, key: &Key) -> Result<Arc<MessagePlan>, NoRewrite> {
        let hop = &self.hops[key.first];
        let Some(plan) = hop.plans.get(&key.messages[0], &key.messages[1], self.used).cloned() else {
            return Err(NoRewrite::Absent { version: hop.words.to.clone(), message: key.messages[0].clone() });
        };
        if let Some(open) = plan.open.first() {
            return Err(NoRewrite::Open {
                from: hop.words.from.clone(),
                to: hop.words.to.clone(),
                element: open.element.clone(),
                what: open.what.clone(),
            });
        }
        Ok(plan)
    }

    /// All types may be in an `Any`.
    fn any(&mut self, hop: usize, plan: &MessagePlan) {
        if self.types[hop].is_some() {
            return;
        }
        // So that an `Any` within these types does not come here again.
        self.types[hop] = Some(FxHashMap::default());
        let mut types = FxHashMap::default();
        for message in plan.source.parent_pool().all_messages() {
            let name = message.full_name();
            if name.starts_with("google.protobuf.") || message.is_map_entry() {
                continue;
            }
            let packed = match self.hops[hop].plans.counterpart(name).map(str::to_owned) {
                Some(target) => {
                    let key = Key { first: hop, messages: vec![name.to_owned(), target.clone()] };
                    Packed { table: self.draft(&key).map_err(|why| why.to_string()), target }
                }
                None => Packed { target: String::new(), table: Err(format!("it has no counterpart of `{name}`")) },
            };
            types.insert(name.to_owned(), packed);
        }
        self.types[hop] = Some(types);
    }

    /// The plans of a hop, to keep them.
    fn plans_of(&self, hop: usize) -> Arc<Plans> {
        Arc::clone(self.plans[hop].get_or_init(|| Arc::new(self.hops[hop].plans.clone())))
    }

    /// The tables that leave messages as they are: the most of them that can, for messages may hold each other.
    fn identities(&self) -> Vec<bool> {
        let needs: Vec<Option<Vec<usize>>> = self.drafts.iter().map(|draft| self.needs(draft)).collect();
        let mut identities: Vec<bool> = needs.iter().map(Option::is_some).collect();
        loop {
            let mut changed = false;
            for (index, needed) in needs.iter().enumerate() {
                let holds = needed.as_ref().is_some_and(|needed| needed.iter().all(|inner| identities[*inner]));
                changed |= identities[index] && !holds;
                identities[index] &= holds;
            }
            if !changed {
                return identities;
            }
        }
    }
}

/// How a message crosses some hops.
enum Shared {
    Plan(Arc<MessagePlan>, Vec<Vec<u32>>),
    Parts(Vec<Key>),
    Kept,
}

/// The table that a message needs within a plan whose first hop is `first`.
fn inner_key(value: &ValueConversion, first: usize) -> Option<Key> {
    match value {
        ValueConversion::Message { source, target } => {
            Some(Key { first, messages: vec![source.clone(), target.clone()] })
        }
        ValueConversion::Through { first, messages } => Some(Key { first: *first, messages: messages.clone() }),
        ValueConversion::Copy | ValueConversion::Any | ValueConversion::Scalar(_) => None,
    }
}

/// Whether values of this kind are messages.
fn is_message(kind: &Kind) -> bool {
    matches!(kind, Kind::Message(_))
}
