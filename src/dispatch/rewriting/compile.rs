//! Rewrites for routes, compiled when a table is made.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::{Details, LIMIT, Rewriter, Rewrites};
use crate::dispatch::route::Walk;
use crate::protocol::plan::{Direction, Use};
use crate::protocol::{Method, Protocol};
use crate::rewrite::Rewrite;

/// The rewrites of one table; routes that need the same ones share them.
pub(crate) struct Compiling {
    protocol: Protocol,
    /// Those that were asked for, `None` where messages pass as they are, or why there are none.
    rewrites: HashMap<Way, Result<Option<Arc<dyn Rewriter>>, String>>,
    /// By the versions of object and caller.
    details: HashMap<(usize, usize), Arc<Details>>,
}

/// The full names of a message in each version on its way.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Way {
    from: usize,
    direction: Direction,
    messages: Vec<String>,
    used: Use,
}

impl Compiling {
    pub(crate) fn new(protocol: &Protocol) -> Self {
        Self { protocol: protocol.clone(), rewrites: HashMap::new(), details: HashMap::new() }
    }

    /// Whether they are those of this very protocol: another one may say the same, and is not looked at.
    pub(crate) fn is_of(&self, protocol: &Protocol) -> bool {
        self.protocol.is(protocol)
    }

    /// What rewrites the calls of a walk that begins at the version with index `caller`; `None` where no rules are on its
    /// way.
    ///
    /// # Errors
    /// Why there is no rewrite, in words for whoever wrote the step.
    pub(in crate::dispatch) fn of(&mut self, caller: usize, walk: &Walk) -> Result<Option<Rewrites>, String> {
        if walk.rules == 0 {
            return Ok(None);
        }
        let newer = walk.version > caller;
        let (there, back) = if newer { (Direction::Up, Direction::Down) } else { (Direction::Down, Direction::Up) };
        let methods: Vec<&Method> = walk
            .methods
            .iter()
            .enumerate()
            .map(|(hop, method)| {
                let version = if newer { caller + hop } else { caller - hop };
                &self.protocol.versions()[version].methods()[*method]
            })
            .collect();
        let name = |message: prost_reflect::MessageDescriptor| message.full_name().to_owned();
        let requests = methods.iter().map(|method| name(method.descriptor().input())).collect();
        let responses = methods.iter().rev().map(|method| name(method.descriptor().output())).collect();
        let changes = methods.last().is_none_or(|reached| !reached.has_no_side_effects());
        let protocol = self.protocol.clone();
        Ok(Some(Rewrites {
            request: self.compile(Way { from: caller, direction: there, messages: requests, used: Use::Request })?,
            response: self.compile(Way {
                from: walk.version,
                direction: back,
                messages: responses,
                used: Use::Response,
            })?,
            details: self
                .details
                .entry((walk.version, caller))
                .or_insert_with(|| Arc::new(Details::new(protocol, walk.version, caller)))
                .clone(),
            changes,
            limit: LIMIT,
            tally: None,
        }))
    }

    fn compile(&mut self, way: Way) -> Result<Option<Arc<dyn Rewriter>>, String> {
        let compiled = match self.rewrites.entry(way) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(asked) => {
                let Way { from, direction, messages, used } = asked.key();
                let compiled = Rewrite::along(&self.protocol, *from, *direction, messages, *used);
                let shared =
                    |rewrite: Rewrite| (!rewrite.is_identity()).then(|| Arc::new(rewrite) as Arc<dyn Rewriter>);
                asked.insert(compiled.map(shared).map_err(|why| why.to_string()))
            }
        };
        compiled.clone()
    }
}
