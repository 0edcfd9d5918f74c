//! How the methods of one side cross a step: as they are, by rules, by code, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::MessageDescriptor;

use super::{Declared, Reading};
use crate::protocol::plan::{Direction, Plans, Use};
use crate::protocol::relate::Difference;
use crate::protocol::rules::{self, OpenPoints, Refusable, refusals};
use crate::protocol::schema::{Method, Schema};
use crate::protocol::step::{Cause, Hop};

/// How a method and its counterpart compare, on one side.
#[derive(Default)]
pub(super) struct ByItself {
    counterpart: Option<usize>,
    differences: Vec<Difference>,
    unheard: Vec<Difference>,
}

impl ByItself {
    pub(super) fn new(counterpart: usize, differences: Vec<Difference>, unheard: Vec<Difference>) -> Self {
        Self { counterpart: Some(counterpart), differences, unheard }
    }
}

/// One side of a step: the way that its requests go, and what becomes of messages.
pub(super) struct Crossing<'a> {
    pub(super) direction: Direction,
    pub(super) up: &'a Plans,
    pub(super) down: &'a Plans,
    pub(super) breaking: bool,
    /// Full names of enums of either version that the step says something of, and of messages that it leaves undecided.
    pub(super) ruled: &'a BTreeSet<String>,
    /// Full names of methods whose responses may be refused after the call has run.
    pub(super) accepted: &'a BTreeSet<String>,
}

/// The hops of one side: what is declared, else what the methods are by themselves, else what rules make of them.
pub(super) fn of(
    reading: &mut Reading<'_>,
    crossing: &Crossing<'_>,
    declared: Vec<Option<Declared>>,
    mut by_themselves: BTreeMap<usize, ByItself>,
) -> Vec<Hop> {
    let mut hops = Vec::new();
    for (index, declared) in declared.into_iter().enumerate() {
        let ByItself { counterpart, differences, unheard } = by_themselves.remove(&index).unwrap_or_default();
        let vouched = matches!(declared, Some(Declared::Same { .. }));
        hops.push(match (declared, counterpart) {
            (Some(Declared::Code), _) => Hop::Code { differences: [differences, unheard].concat() },
            (Some(Declared::Refused(cause)), _) => Hop::Refused(cause),
            (_, Some(counterpart))
                if differences.is_empty()
                    && (vouched
                        || (!crossing.breaking || unheard.is_empty())
                            && !is_ruled(reading, crossing, index, counterpart)) =>
            {
                Hop::Same { counterpart, unheard }
            }
            (Some(Declared::Same { offset }), counterpart) => {
                let why = match (counterpart, differences.first()) {
                    (Some(_), Some(difference)) => difference.to_string(),
                    _ => "the other version has no counterpart".to_owned(),
                };
                let what = format!("a method that is declared same differs in more than new fields: {why}");
                reading.fault_at(offset, what, "declare it under code, or refuse it".to_owned());
                Hop::Refused(Cause::Absent)
            }
            (None, Some(counterpart)) => {
                let (here, there) = schemas(reading, crossing.direction);
                let open = open(crossing, (here, index), (there, counterpart));
                if open.is_empty() {
                    Hop::Rules { counterpart, differences: [differences, unheard].concat() }
                } else {
                    Hop::Refused(Cause::Open(open))
                }
            }
            (None, None) => Hop::Refused(Cause::Absent),
        });
    }
    hops
}

impl<'a> Crossing<'a> {
    /// The plans of requests, and those of responses.
    fn plans(&self) -> (&'a Plans, &'a Plans) {
        match self.direction {
            Direction::Up => (self.up, self.down),
            Direction::Down => (self.down, self.up),
        }
    }
}

/// What a request becomes, and what a response does.
type Messages = ((MessageDescriptor, MessageDescriptor), (MessageDescriptor, MessageDescriptor));

fn messages(caller: &Method, object: &Method) -> Messages {
    let (caller, object) = (caller.descriptor(), object.descriptor());
    ((caller.input(), object.input()), (object.output(), caller.output()))
}

/// Whether the step says something of the messages of a method, so that they do not pass as they are.
fn is_ruled(reading: &Reading<'_>, crossing: &Crossing<'_>, here: usize, there: usize) -> bool {
    let (caller, object) = schemas(reading, crossing.direction);
    let (request, response) = messages(&caller.methods()[here], &object.methods()[there]);
    let (requests, responses) = crossing.plans();
    let ruled = |plans, (source, target): &(MessageDescriptor, MessageDescriptor), used| {
        rules::say_more(plans, source.full_name(), target.full_name(), used, crossing.ruled)
    };
    ruled(requests, &request, Use::Request) || ruled(responses, &response, Use::Response)
}

/// The version of the caller, and that of the object.
fn schemas<'a>(reading: &Reading<'a>, direction: Direction) -> (&'a Schema, &'a Schema) {
    match direction {
        Direction::Up => (reading.old, reading.new),
        Direction::Down => (reading.new, reading.old),
    }
}

/// What keeps rules from bridging a method: `here` as its callers know it, `there` as the object does.
fn open(crossing: &Crossing<'_>, here: (&Schema, usize), there: (&Schema, usize)) -> Vec<Difference> {
    let (caller, object) = (&here.0.methods()[here.1], &there.0.methods()[there.1]);
    let mut found = Vec::new();
    if streams(caller) != streams(object) {
        let (old, new) = match crossing.direction {
            Direction::Up => (caller, object),
            Direction::Down => (object, caller),
        };
        let what = format!("was {}, is {}", streams(old), streams(new));
        found.push(Difference { element: old.full_name().to_owned(), what });
    }
    let (requests, responses) = crossing.plans();
    let (request, response) = messages(caller, object);
    let mut bridged = true;
    let ways = [(requests, &request, Use::Request), (responses, &response, Use::Response)];
    for (plans, (source, target), used) in ways {
        let open = OpenPoints::of(plans, source.full_name(), target.full_name(), used);
        bridged &= open.planned && open.found.is_empty();
        if !open.planned {
            let what = format!("has no counterpart that `{}` could be", target.full_name());
            found.push(Difference { element: source.full_name().to_owned(), what });
        }
        for open in open.found {
            let open = Difference { element: open.element.clone(), what: open.what.clone() };
            if !found.contains(&open) {
                found.push(open);
            }
        }
    }
    let accepted = [caller, object].into_iter().any(|method| crossing.accepted.contains(method.full_name()));
    let harmless = object.has_no_side_effects();
    if bridged && !accepted && !harmless {
        let (source, target) = (response.0.full_name(), response.1.full_name());
        let refusals = refusals(responses, source, target, Use::Response, there.0);
        if let Some(first) = refusals.first() {
            // Without the method's name: many methods share a response, and what is open is told once for all of them.
            let what = format!(
                "{}, so a response may be refused after the call has run: accept that by the name of the method or of its \
                 service in the list accept_refused_responses, at the top of step.toml before the first [table], say what \
                 becomes of it, or give the method code",
                Refusable::told(&refusals)
            );
            found.push(Difference { element: first.element.clone(), what });
        }
    }
    found
}

fn streams(method: &Method) -> &'static str {
    match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => "unary",
        (false, true) => "server-streaming",
        (true, false) => "client-streaming",
        (true, true) => "bidirectional",
    }
}
