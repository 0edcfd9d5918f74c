//! Nodes come, go, and are forgotten.

use super::fleet::{Fleet, Live, Node};
use super::goals::welcome;
use super::known::Known;
use super::outbox::Outbox;
use super::reports::told;
use super::{Denied, Now, Reason, Session};
use crate::control::v1_0_0 as wire;
use crate::coordinator::micros;
use crate::coordinator::record::keys;
use crate::version::Version;

/// Limits of what a Hello may say, as `agent.proto` has them.
const LONGEST_NAME: usize = 128;
const MOST_LABELS: usize = 32;
pub(super) const LONGEST_LABEL: usize = 64;
const LONGEST_LABEL_VALUE: usize = 256;
const MOST_VERSIONS: usize = 1000;
const LONGEST_ADDRESS: usize = 256;
const MOST_WAYS: usize = 16;
pub(super) const LONGEST_VERSION: usize = 128;

/// A node that nobody knows, of this protocol or, where it is empty, of any.
pub(super) fn no_node(protocol: &str, node: &str) -> Denied {
    let what = match protocol {
        "" => format!("there is no node {node}"),
        protocol => format!("{protocol} has no node {node}"),
    };
    Denied { reason: Reason::NoSuchNode, what, advice: "straddle nodes lists them".to_owned() }
}

/// What is wrong with a Hello.
pub(super) fn fault(hello: &wire::Hello) -> Option<String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | '/');
    let is_name = |name: &str| !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(plain);
    if !is_name(&hello.node) {
        return Some(format!("a node's name has 1 to {LONGEST_NAME} letters, digits, `.`, `_`, `-` and `/`"));
    }
    if !is_name(&hello.protocol) || hello.protocol.contains('/') {
        return Some("the name of the protocol is no name".to_owned());
    }
    let long = |(key, value): (&String, &String)| {
        key.is_empty() || key.len() > LONGEST_LABEL || value.len() > LONGEST_LABEL_VALUE
    };
    if hello.labels.len() > MOST_LABELS || hello.labels.iter().any(long) {
        return Some(format!(
            "a node has at most {MOST_LABELS} labels, with keys of at most {LONGEST_LABEL} bytes and values of at most \
             {LONGEST_LABEL_VALUE}"
        ));
    }
    if hello.address.len() > LONGEST_ADDRESS || hello.instance.len() > LONGEST_NAME {
        return Some(format!(
            "an address has at most {LONGEST_ADDRESS} bytes, and what tells programs apart has {LONGEST_NAME}"
        ));
    }
    if hello.ways.len() > MOST_WAYS {
        return Some(format!("a node names at most {MOST_WAYS} ways"));
    }
    if hello.runs.len() > MOST_VERSIONS || hello.knows.len() > MOST_VERSIONS {
        return Some(format!("a node knows at most {MOST_VERSIONS} versions"));
    }
    let version = hello.report.as_ref().map(|report| report.version.as_str()).unwrap_or_default();
    let told = hello.knows.iter().map(|known| known.version.as_str());
    if hello.knows.iter().any(|known| known.schema.len() > LONGEST_NAME) {
        return Some(format!("the digest of a schema has at most {LONGEST_NAME} bytes"));
    }
    let wrong = told
        .chain(hello.runs.iter().map(String::as_str))
        .chain([version])
        .find(|text| text.len() > LONGEST_VERSION || text.parse::<Version>().is_err());
    wrong.map(|text| format!("`{}` is no version", text.chars().take(64).collect::<String>()))
}

impl Fleet {
    /// A node says who it is. Whether its stream goes on.
    pub(super) fn hello(&mut self, session: Session, hello: &wire::Hello, now: Now, outbox: &mut Outbox) -> bool {
        if let Some(what) = self.contradiction(hello) {
            outbox.end(session, Reason::Invalid, what);
            return false;
        }
        if let Some(what) = self.taken(hello, now, outbox) {
            outbox.end(session, Reason::NameTaken, what);
            return false;
        }
        let known = self.nodes.get(&hello.node).map(|node| (node.stored.admission, node.stored.forgotten));
        let fenced = match known {
            Some((admission, _)) => hello.admission != 0 && hello.admission != admission,
            // Whoever forgot everything cannot tell; the node is admitted anew.
            None => hello.admission != 0,
        };
        if fenced && outbox.settings.invariants.fence {
            let what =
                format!("{} was forgotten: it has to be admitted anew, and serves nobody until then", hello.node);
            self.tell_event(outbox, now, "fenced", &hello.node, &what, "");
            outbox.end(session, Reason::Fenced, what);
            return false;
        }
        let forgotten = known.is_some_and(|(_, forgotten)| forgotten);
        let admission = match known {
            Some((admission, false)) => admission,
            _ => outbox.number(|counters| &mut counters.admission),
        };
        let report = hello.report.clone().unwrap_or_default();
        let mut node = match self.nodes.remove(&hello.node) {
            Some(node) => node,
            None => Box::new(Node::new(wire::StoredNode { first_seen: now.wall, ..wire::StoredNode::default() }, self)),
        };
        if let Some(old) = node.live.take() {
            outbox.end(old.session, Reason::Replaced, format!("a newer stream of {} is there", hello.node));
        }
        let before = node.stored.clone();
        describe(&mut node.stored, hello, admission);
        if forgotten {
            (node.stored.failure, node.stored.failed_in) = (None, 0);
            // Nor is it behind where it once was.
            node.stored.version.clear();
        }
        node.knows = Known::default();
        node.learn(&hello.knows, self);
        // Who was forgotten has stopped serving; it is as new.
        let serving = report.serving && !forgotten;
        node.won(&hello.instance);
        let instance = hello.instance.clone();
        node.live = Some(Live {
            session,
            instance,
            goal: None,
            serve: serving,
            request: None,
            begun: now.watched,
            taken: None,
            idle: now.monotonic,
        });
        let came = known.is_none() || forgotten;
        let was_away = !std::mem::replace(&mut node.awaited, true);
        let name = hello.node.clone();
        if before != node.stored {
            node.stored.changed = now.wall;
            outbox.put(keys::node(&self.name, &name), &node.stored);
        }
        node.restore(self);
        self.nodes.insert(name.clone(), node);
        if came {
            let what = format!("{name} has come, at {}", report.version);
            self.tell_event(
                outbox,
                now,
                "admitted",
                &name,
                &what,
                if forgotten { "it was forgotten before" } else { "" },
            );
        } else if was_away {
            self.tell_event(outbox, now, "back", &name, &format!("{name} is back, at {}", report.version), "");
        }
        self.touch(None);
        // The version that it runs decides on what it may do.
        self.reported(&name, report, now, true, outbox);
        self.greet(&name, now, outbox);
        true
    }

    /// Says Welcome, and where the node is to be.
    fn greet(&mut self, name: &str, now: Now, outbox: &mut Outbox) {
        let bounds = self.bounds();
        let Some(node) = self.nodes.get(name) else { return };
        let may = if outbox.settings.invariants.catching_up { self.may_serve(node, bounds.as_ref()) } else { Ok(()) };
        let census_after = self.census.next_turn(now);
        let Some(node) = self.nodes.get_mut(name) else { return };
        let admission = node.stored.admission;
        let Some(live) = &mut node.live else { return };
        live.serve = live.serve || may.is_ok();
        let why = may.err().unwrap_or_default();
        outbox.tell(live.session, welcome(live, admission, &why, census_after, outbox));
        let serve = live.serve;
        if !serve {
            self.tell_event(outbox, now, "not-serving", name, &format!("{name} does not serve yet"), &why);
        }
        self.tell_goal(name, bounds.as_ref(), outbox);
        self.tell_word(name, outbox);
    }

    /// A version that the node knows with another schema than the one that was published.
    fn contradiction(&self, hello: &wire::Hello) -> Option<String> {
        let protocol = self.protocol.as_ref()?;
        hello.knows.iter().find_map(|known| {
            let schema = protocol.schema(&known.version.parse().ok()?)?;
            (!known.schema.is_empty() && known.schema != schema.digest()).then(|| {
                let (version, digest, node) = (schema.version(), schema.digest(), &hello.node);
                format!(
                    "{node} knows {version} with the schema {}, and it was published with {digest}: a published version does \
                     not change, so one of the two needs a version of its own",
                    known.schema
                )
            })
        })
    }

    /// A stream has ended.
    pub(super) fn closed(&mut self, name: &str, session: Session) {
        if let Some(node) = self.nodes.get_mut(name)
            && node.live.as_ref().is_some_and(|live| live.session == session)
        {
            node.live = None;
            self.touch(Some(name));
        }
    }

    /// Whether a node may be forgotten: not while it is heard, unless somebody says so.
    pub(super) fn may_forget(
        &self,
        request: &wire::ForgetNodeRequest,
        now: Now,
        outbox: &Outbox,
    ) -> Result<(), Denied> {
        let Some(node) = self.nodes.get(&request.node) else { return Err(no_node(&self.name, &request.node)) };
        if request.anyway || !node.connected(now.monotonic, micros(outbox.settings.away_after)) {
            return Ok(());
        }
        let (name, ago) = (node.name(), now.monotonic.saturating_sub(node.heard.unwrap_or(now.monotonic)));
        Err(Denied {
            reason: Reason::Heard,
            what: format!("{name} was heard {} ago: it runs, and may be in the middle of a move", told(ago)),
            advice: "stop its program first; --anyway forgets it while it runs, and it answers nobody until it is admitted anew"
                .to_owned(),
        })
    }

    /// A node is gone for good: it counts for nothing until it comes back, with another admission.
    pub(super) fn forget(&mut self, name: &str, by: &str, now: Now, outbox: &mut Outbox) -> bool {
        let Some(node) = self.nodes.get_mut(name).filter(|node| !node.stored.forgotten) else { return false };
        if outbox.settings.invariants.fence {
            node.stored.admission = outbox.number(|counters| &mut counters.admission);
        }
        node.stored.forgotten = true;
        node.stored.changed = now.wall;
        node.waits = None;
        outbox.put(keys::node(&self.name, name), &node.stored);
        if node.permit.take().is_some() {
            outbox.delete(keys::permit(&self.name, name));
        }
        if let Some(live) = node.live.take() {
            outbox.end(live.session, Reason::Fenced, format!("{name} was forgotten: it has to be admitted anew"));
        }
        self.census_forgets(name, now, outbox);
        let what = format!("{name} is forgotten");
        self.event(
            outbox,
            now,
            wire::Event {
                who: by.to_owned(),
                kind: "forgotten".to_owned(),
                node: name.to_owned(),
                what,
                ..Default::default()
            },
        );
        self.touch(None);
        true
    }

    /// An event of this protocol and the upgrade that goes on.
    pub(super) fn event(&self, outbox: &mut Outbox, now: Now, event: wire::Event) {
        let upgrade = match event.upgrade {
            0 => self.upgrade.as_ref().map_or(0, super::upgrade::Running::number),
            upgrade => upgrade,
        };
        outbox.event(now, wire::Event { protocol: self.name.clone(), upgrade, ..event });
        outbox.changed(upgrade);
    }

    /// An event about a node.
    pub(super) fn tell_event(&self, outbox: &mut Outbox, now: Now, kind: &str, node: &str, what: &str, why: &str) {
        let (kind, node, what, why) = (kind.to_owned(), node.to_owned(), what.to_owned(), why.to_owned());
        self.event(outbox, now, wire::Event { kind, node, what, why, ..wire::Event::default() });
    }
}

impl Node {
    /// The node knows these versions.
    pub(super) fn learn(&mut self, known: &[wire::KnownVersion], fleet: &Fleet) {
        for one in known.iter().take(MOST_VERSIONS) {
            if let Some(version) = fleet.canonical(&one.version) {
                self.knows.insert(version, one.learned);
            }
        }
    }
}

/// Nodes in a sentence: the first five by name, and how many more.
pub(super) fn some_of(names: &[&str]) -> String {
    const NAMED: usize = 5;
    let (first, more) = names.split_at(names.len().min(NAMED));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    format!("{}{more}", first.join(", "))
}

fn describe(stored: &mut wire::StoredNode, hello: &wire::Hello, admission: u64) {
    stored.node.clone_from(&hello.node);
    stored.protocol.clone_from(&hello.protocol);
    stored.address.clone_from(&hello.address);
    stored.labels.clone_from(&hello.labels);
    stored.runs.clone_from(&hello.runs);
    stored.ways.clone_from(&hello.ways);
    stored.admission = admission;
    stored.forgotten = false;
}
