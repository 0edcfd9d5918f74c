//! What nodes are called, and which versions they come to know by that.

use straddle::control::v1_0_0 as wire;
use straddle::node::agent::core::Input;

use super::checks;
use super::clock::SECOND;
use super::life::FAULTS;
use super::protocol::NAME;
use super::world::{Event, World};

/// For how long a version that nobody knows is remembered.
const ASKED_FOR: u64 = 60 * SECOND;

impl World {
    /// Callers call, as their versions let them.
    pub(crate) fn call(&mut self) {
        self.hear();
        self.watch();
        self.keep_doors();
        let mut callers = self.operator.callers.clone();
        callers.retain(|caller| !self.retirement.left.contains(caller));
        for caller in callers {
            let methods = self.fleet.protocol.versions()[caller].methods().len();
            for node in 0..self.nodes.len() {
                if !self.nodes[node].answers() {
                    continue;
                }
                self.nodes[node].served_at = self.time;
                // Its caller is told to come again, or simulates on its own side.
                if self.is_unknown(node, caller) {
                    continue;
                }
                let method = self.random.usize(0..methods);
                let refused = self.knock(node, caller, method);
                let one = &self.nodes[node];
                let routed = !refused && self.fleet.routed(caller, method, one.version, one.program);
                let (node_version, version) = (self.fleet.name(one.version), self.fleet.name(caller));
                let fails = self.operator.faulty == Some(one.version);
                let name = self.fleet.method(caller, method).to_owned();
                let at = one.version;
                let calls = self.nodes[node].calls.entry((caller, method, at)).or_insert_with(|| wire::Calls {
                    version,
                    method: name,
                    node_version,
                    ..wire::Calls::default()
                });
                let (ended, how) = match (routed, fails) {
                    (false, _) => (&mut calls.refused, 3),
                    (true, true) => (&mut calls.failed, 2),
                    (true, false) => (&mut calls.answered, 1),
                };
                *ended += 1;
                self.count(node, (caller, method), how);
            }
        }
    }

    pub(crate) fn learned(&mut self, node: usize, instance: u64, digest: &str) {
        if self.nodes[node].instance != instance || !self.nodes[node].is_up() {
            return;
        }
        checks::learns(self, node, digest);
        let result = match self.fleet.bundles.iter().position(|bundle| bundle.digest() == digest) {
            _ if self.is_partitioned(node) || self.leader().is_none() => {
                Err("the coordinator cannot be reached".to_owned())
            }
            None => Err("there is no such bundle".to_owned()),
            Some(step) if !self.nodes[node].knows_version(step) => Err("it does not adjoin".to_owned()),
            Some(step) => {
                self.nodes[node].learned.extend([step, step + 1]);
                Ok(self.nodes[node].knows(self.fleet))
            }
        };
        if result.is_err() {
            // It waits for twice as long each time.
            let before = self.troubles.get(&node).map_or(0, Vec::len);
            checks::trouble(self, node, SECOND << before.min(8));
        }
        self.agent(node, Input::Learned { digest: digest.to_owned(), result });
        self.report(node);
    }

    /// What leads to a version is asked on a stream of its own, which may break by itself.
    pub(crate) fn find(&mut self, node: usize, instance: u64, version: &str) {
        let request = wire::FindRequest {
            protocol: NAME.to_owned(),
            version: version.to_owned(),
            knows: self.nodes[node].knows(self.fleet),
        };
        let leader = self.leader().filter(|_| !self.is_partitioned(node));
        let found = leader.map(|leader| leader.core.find(&request).bundles);
        let (mut delay, twice) = (self.delay(), self.random.u8(0..8) == 0);
        // Nobody answers: that is as if nothing were found, in the end. Now and then it takes longer than anybody waits.
        if found.is_none() || self.random.u8(0..20) == 0 {
            delay = self.random.u64(SECOND..20 * SECOND);
            checks::trouble(self, node, delay);
        }
        let bundles = found.unwrap_or_default();
        for time in 1..=1 + u64::from(twice) {
            let (version, bundles) = (version.to_owned(), bundles.clone());
            self.after(delay * time, Event::Found { node, instance, version, bundles });
        }
    }

    pub(crate) fn found(&mut self, node: usize, instance: u64, version: String, bundles: Vec<String>) {
        if self.nodes[node].instance == instance && self.nodes[node].is_up() && !self.deaf {
            self.note(|| format!("node {node} hears that {} bundles lead to {version}", bundles.len()));
            if !bundles.is_empty() {
                self.store.happened("found");
            }
            self.agent(node, Input::Found { version, bundles });
        }
    }

    /// A caller, or a peer, names a version that the node does not know; whether it does not.
    fn is_unknown(&mut self, node: usize, version: usize) -> bool {
        if self.nodes[node].knows_version(version) {
            self.unknown_since.remove(&(node, version));
            return false;
        }
        checks::unknown(self, node, version);
        let name = self.fleet.name(version);
        self.agent(node, Input::Unknown(name));
        true
    }

    /// What nodes hear of versions otherwise: from peers, and from callers that nobody knows.
    fn hear(&mut self) {
        for node in 0..self.nodes.len() {
            if !self.nodes[node].is_up() {
                continue;
            }
            // Peers of its own fleet, and of others that are further.
            let peer = self.random.usize(0..self.nodes.len());
            if self.random.u8(0..5) == 0 && self.nodes[peer].answers() {
                let version = self.nodes[peer].version;
                self.is_unknown(node, version);
            }
            if self.random.u8(0..8) == 0 {
                let published = self.leader().and_then(|leader| leader.core.protocol(NAME));
                let published = published.map_or(1, |(protocol, _)| protocol.versions().len());
                let version = self.random.usize(0..published);
                self.is_unknown(node, version);
            }
            if self.random.u8(0..100) == 0 && self.time < FAULTS {
                // They take the place of others in what it remembers.
                checks::trouble(self, node, ASKED_FOR);
                for stranger in 0..self.random.u8(1..40) {
                    self.agent(node, Input::Unknown(format!("9.{stranger}.0")));
                }
            }
        }
    }
}
