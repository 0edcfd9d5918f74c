//! From what a step says, and what the descriptors say, to the plans of all messages.

mod expand;
mod losses;
mod mask;
mod oneofs;
mod paths;
mod required;
mod said;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use prost_reflect::{EnumDescriptor, FieldDescriptor, MessageDescriptor};

use self::expand::Expansion;
use super::convert::{Counterparts, EnumRules};
use super::faults::Faults;
use super::file::{LossText, Match, RulesText};
use super::identity::Identities;
use super::names::{Names, did_you_mean};
use super::rule::{self, Rule, Side, What};
use super::undecided::Undecided;
use crate::protocol::plan::{Conversion, Direction, Plans, PlansOfUse, Policies, Policy, Use, ValueConversion};
use crate::protocol::schema::{Method as Declared, Schema};

/// A method and its counterpart, whose messages have to meet.
#[derive(Clone, Copy)]
pub(in crate::protocol) struct Method<'a> {
    pub(in crate::protocol) old: &'a Declared,
    pub(in crate::protocol) new: &'a Declared,
}

impl Method<'_> {
    /// The full names of its requests and of its responses: older version, newer version.
    fn messages(&self) -> [(String, String); 2] {
        let (old, new) = (self.old.descriptor(), self.new.descriptor());
        let pair =
            |old: MessageDescriptor, new: MessageDescriptor| (old.full_name().to_owned(), new.full_name().to_owned());
        [pair(old.input(), new.input()), pair(old.output(), new.output())]
    }
}

/// What comes of resolving.
pub(in crate::protocol) struct Resolved {
    pub(in crate::protocol) up: Plans,
    pub(in crate::protocol) down: Plans,
    /// Messages and enums whose counterpart has another name, as (old, new).
    pub(in crate::protocol) moved: BTreeSet<(String, String)>,
    /// Full names of enums of either version that the step says something of, and of messages that it leaves undecided.
    pub(in crate::protocol) ruled: BTreeSet<String>,
}

/// Resolves the rules of the step between the versions of `names`. A `breaking` step refuses what it cannot express in
/// requests.
pub(in crate::protocol) fn resolve(
    names: Names<'_>,
    text: &RulesText,
    methods: &[Method<'_>],
    breaking: bool,
    faults: &mut Faults<'_>,
) -> Resolved {
    let undecided = Undecided::read(&text.undecided, names.old, names.new, faults);
    let mut resolver = Resolver {
        names,
        rules: BTreeMap::new(),
        used: RefCell::default(),
        loss: text.loss.clone(),
        matched: text.matched.unwrap_or(Match::Name),
        breaking,
        identities: Identities::default(),
        undecided,
    };
    resolver.read_rules(text, faults);
    let messages: Vec<(String, String)> = methods.iter().flat_map(Method::messages).collect();
    let rules = std::mem::take(&mut resolver.rules);
    resolver.names.meet(&messages, |names, old, new| paired_fields(names, &rules, old, new));
    resolver.rules = rules;
    let up = resolver.plans(Direction::Up, &messages, faults);
    let down = resolver.plans(Direction::Down, &messages, faults);
    resolver.refuse_idle_rules(faults);
    let said = &resolver.names.ruled_enums() | &resolver.undecided.reached();
    Resolved { up, down, moved: resolver.names.moved().collect(), ruled: said }
}

/// Where rules stand: under a message of the older version, or under one that only the newer version has.
type Key = (bool, String);

/// The rules of one message.
#[derive(Default)]
struct MessageRules {
    rules: Vec<Rule>,
    loss: LossText,
    matched: Option<Match>,
    line: usize,
}

type AllRules = BTreeMap<Key, MessageRules>;

struct Resolver<'a> {
    names: Names<'a>,
    rules: AllRules,
    /// The rules that some pair of messages made use of.
    used: RefCell<BTreeSet<Key>>,
    loss: LossText,
    matched: Match,
    breaking: bool,
    identities: Identities,
    undecided: Undecided,
}

impl Resolver<'_> {
    fn read_rules(&mut self, text: &RulesText, faults: &mut Faults<'_>) {
        for (name, written) in &text.messages {
            let Some(key) = self.key(name.get_ref(), name.span().start, faults) else { continue };
            let rules = written.rules.iter().filter_map(|rule| rule::read(rule, faults)).collect();
            let (loss, matched, line) = (written.loss.clone(), written.matched, faults.line_of(name));
            self.rules.insert(key, MessageRules { rules, loss, matched, line });
        }
        for (from, to) in &text.rename.fields {
            let (place, line) = (from.span().start, faults.line_of(from));
            let Some((message, field)) = from.get_ref().rsplit_once('.') else {
                let what = format!("`{}` names no field of a message", from.get_ref());
                faults.add(place, what, "write the message's full name, a dot, and the field");
                continue;
            };
            if let Some(key) = self.key(message, place, faults) {
                let rules = self.rules.entry(key).or_insert_with(|| MessageRules { line, ..MessageRules::default() });
                rules.rules.push(rule::renamed(line, field, to.get_ref()));
            }
        }
    }

    /// Where the rules of a message stand; a fault where neither version has it.
    fn key(&self, name: &str, place: usize, faults: &mut Faults<'_>) -> Option<Key> {
        let has = |schema: &Schema| schema.pool().get_message_by_name(name).is_some();
        let (old, new) = (self.names.schema(Side::Old), self.names.schema(Side::New));
        if has(old) {
            return Some((true, name.to_owned()));
        }
        if has(new) {
            return Some((false, name.to_owned()));
        }
        let all = |schema: &Schema| {
            schema.pool().all_messages().map(|message| message.full_name().to_owned()).collect::<Vec<_>>()
        };
        let (old_names, new_names) = (all(old), all(new));
        faults.add(
            place,
            format!("neither {} nor {} declares a message `{name}`", old.version(), new.version()),
            did_you_mean(
                name,
                old_names.iter().chain(&new_names).map(String::as_str),
                "names are full: package.Message",
            ),
        );
        None
    }

    /// What the step says of a pair of messages.
    fn rules_of(&self, old: &str, new: &str) -> Vec<&MessageRules> {
        let keys = [(true, old.to_owned()), (false, new.to_owned())];
        let found = keys.into_iter().filter_map(|key| {
            let rules = self.rules.get(&key)?;
            self.used.borrow_mut().insert(key);
            Some(rules)
        });
        found.collect()
    }

    /// Rules that no pair of messages made use of relate nothing.
    fn refuse_idle_rules(&self, faults: &mut Faults<'_>) {
        for ((_, name), rules) in self.rules.iter().filter(|(key, _)| !self.used.borrow().contains(*key)) {
            faults.add_at_line(
                rules.line,
                format!("the message `{name}` has no counterpart that its rules could relate it to"),
                "name the counterpart under [rename.messages], or remove the rules",
            );
        }
    }

    /// What becomes of fields of a message that nothing carries over.
    fn policies(&self, direction: Direction, old: &str, new: &str) -> Policies {
        let request = if self.breaking { Policy::Refuse } else { Policy::Pass };
        let default = Policies { request, response: Policy::Pass, stored: Policy::Refuse };
        let of_step = self.loss.policies(direction, default);
        self.rules_of(old, new).iter().fold(of_step, |policies, rules| rules.loss.policies(direction, policies))
    }

    /// Whether number and type count in a pair of messages.
    fn by_number(&self, old: &str, new: &str) -> bool {
        let said = self.rules_of(old, new).iter().find_map(|rules| rules.matched);
        said.unwrap_or(self.matched) == Match::Number
    }

    /// All plans of one direction: of counterparts, of what methods bring together, and of what these lead to.
    fn plans(&self, direction: Direction, methods: &[(String, String)], faults: &mut Faults<'_>) -> Plans {
        let counterparts = self.names.messages(direction).clone();
        let mut of = |used| Arc::new(self.plans_of_use(direction, used, &counterparts, methods, faults));
        let request = of(Use::Request);
        let limited = self.rules.values().flat_map(|rules| &rules.rules).any(|rule| !rule.uses.are_all());
        let (response, stored) =
            if limited { (of(Use::Response), of(Use::Stored)) } else { (Arc::clone(&request), Arc::clone(&request)) };
        Plans { request, response, stored, counterparts }
    }

    fn plans_of_use(
        &self,
        direction: Direction,
        used: Use,
        counterparts: &BTreeMap<String, String>,
        methods: &[(String, String)],
        faults: &mut Faults<'_>,
    ) -> PlansOfUse {
        let declared = |name: &str| !name.starts_with("google.protobuf.");
        let mut pending: Vec<(String, String)> = counterparts
            .iter()
            .filter(|(source, target)| declared(source) || declared(target))
            .map(|(source, target)| (source.clone(), target.clone()))
            .collect();
        pending.extend(methods.iter().cloned().map(|(old, new)| oriented(direction, old, new)));
        let mut plans = PlansOfUse::new();
        while let Some(pair) = pending.pop() {
            if plans.contains_key(&pair) {
                continue;
            }
            let (sources, targets) = match direction {
                Direction::Up => (Side::Old, Side::New),
                Direction::Down => (Side::New, Side::Old),
            };
            let source = self.names.schema(sources).pool().get_message_by_name(&pair.0);
            let target = self.names.schema(targets).pool().get_message_by_name(&pair.1);
            let (Some(source), Some(target)) = (source, target) else { continue };
            let plan = Expansion::new(self, (direction, used), source, target, faults).plan();
            pending.extend(plan.moves.iter().flat_map(|step| held(&step.conversion)));
            plans.insert(pair, Arc::new(plan));
        }
        plans
    }
}

/// Source and target of a direction.
fn oriented<T>(direction: Direction, old: T, new: T) -> (T, T) {
    match direction {
        Direction::Up => (old, new),
        Direction::Down => (new, old),
    }
}

/// The pairs of messages that a conversion needs plans of.
pub(super) fn held(conversion: &Conversion) -> Vec<(String, String)> {
    let of = |value: &ValueConversion| match value {
        ValueConversion::Message { source, target } => Some((source.clone(), target.clone())),
        _ => None,
    };
    match conversion {
        Conversion::One(value)
        | Conversion::Each(value)
        | Conversion::IntoList(value)
        | Conversion::FromList { value, .. } => of(value).into_iter().collect(),
        Conversion::Map { key, value }
        | Conversion::MapToList { key, value, .. }
        | Conversion::ListToMap { key, value, .. } => of(key).into_iter().chain(of(value)).collect(),
        Conversion::Mask { source, target } => vec![(source.clone(), target.clone())],
    }
}

/// The fields of two messages that are one, by their names or by a rule.
fn paired_fields(names: &Names<'_>, rules: &AllRules, old: &str, new: &str) -> Vec<(FieldDescriptor, FieldDescriptor)> {
    let message = |side: Side, name: &str| names.schema(side).pool().get_message_by_name(name);
    let (Some(old), Some(new)) = (message(Side::Old, old), message(Side::New, new)) else { return Vec::new() };
    let keys = [(true, old.full_name().to_owned()), (false, new.full_name().to_owned())];
    let said: Vec<&Rule> = keys.iter().filter_map(|key| rules.get(key)).flat_map(|rules| &rules.rules).collect();
    let mut found = Vec::new();
    let mut mentioned = BTreeSet::new();
    for rule in said {
        let What::Pair { old: from, new: to, .. } = &rule.what else { continue };
        mentioned.insert((Side::Old as u8, from.clone()));
        mentioned.insert((Side::New as u8, to.clone()));
        if let (Ok(from), Ok(to)) = (paths::find(&old, from), paths::find(&new, to)) {
            found.push((from.leaf().clone(), to.leaf().clone()));
        }
    }
    for field in old.fields() {
        let said = |side: Side| mentioned.contains(&(side as u8, field.name().to_owned()));
        if let Some(counterpart) = new.get_field_by_name(field.name()).filter(|_| !said(Side::Old) && !said(Side::New))
        {
            found.push((field, counterpart));
        }
    }
    found
}

/// What conversions may ask of names, in one direction.
struct Asked<'r> {
    resolver: &'r Resolver<'r>,
    direction: Direction,
}

impl Counterparts for Asked<'_> {
    fn message(&self, source: &str) -> Option<String> {
        self.resolver.names.message(self.direction, source).map(str::to_owned)
    }

    fn enum_rules(&self, source: &EnumDescriptor, target: &EnumDescriptor) -> EnumRules {
        self.resolver.names.enum_rules(self.direction, source.full_name(), target.full_name())
    }

    fn is_copy(&self, source: &MessageDescriptor, target: &MessageDescriptor) -> bool {
        let names = &self.resolver.names;
        let untouched = |old: &str, new: &str| {
            let none = |key: &Key| !self.resolver.rules.contains_key(key);
            let enums = names.enum_rules(Direction::Up, old, new);
            // A message of the same form may be another one: the step says that these two are not one.
            let met = |direction, one: &str, other: &str| names.message(direction, one).is_none_or(|met| met == other);
            none(&(true, old.to_owned()))
                && none(&(false, new.to_owned()))
                && enums.pairs.is_empty()
                && enums.unknown.is_none()
                && !self.resolver.undecided.touches(old)
                && !self.resolver.undecided.touches(new)
                && met(Direction::Up, old, new)
                && met(Direction::Down, new, old)
        };
        let (old, new) = oriented(self.direction, source, target);
        self.resolver.identities.is_copy(old, new, &untouched)
    }
}
