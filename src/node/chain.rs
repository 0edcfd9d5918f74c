//! The versions that a program can run, and what it takes to go from one to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::learn::Built;
use super::upgrade::{Function, OpenObject, OpenSimulation, Upgrade};
use crate::dispatch::{Missing, needed};
use crate::protocol::{Hop, Protocol};
use crate::simulation::Observe;
use crate::state::{Layout, Mode, Way};
use crate::version::Version;

/// What the author of a service has declared, before it is looked at.
pub(super) struct Declared {
    pub(super) objects: Vec<(String, OpenObject)>,
    pub(super) records: Option<Layout>,
    pub(super) upgrades: Vec<Upgrade>,
    pub(super) observers: Vec<Arc<dyn Observe>>,
    pub(super) oldest: Option<String>,
}

/// The versions that a program can run, oldest first, and the simulation objects around them.
pub(super) struct Chain {
    pub(super) links: Vec<Link>,
    /// By the newer version of their step.
    pub(super) simulations: Vec<Simulations>,
    pub(super) observers: Vec<Arc<dyn Observe>>,
    pub(super) oldest: Option<Version>,
    /// The versions that the program was built with.
    pub(super) built: Built,
}

/// A version that the program can run.
pub(super) struct Link {
    pub(super) version: Version,
    pub(super) object: OpenObject,
    pub(super) records: Option<Layout>,
    /// How it is reached from the link before; the first one is where a node begins.
    pub(super) upgrade: Option<Upgrade>,
}

/// The simulation objects of one step.
pub(super) struct Simulations {
    pub(super) older: Version,
    pub(super) newer: Version,
    pub(super) past: Option<OpenSimulation>,
    pub(super) future: Option<OpenSimulation>,
}

/// One move: what is carried over how, from which version to which.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) way: Way,
    pub(super) from: Version,
    pub(super) to: Version,
    /// The layout of the records of `to`, where rules carry them.
    pub(super) records: Option<(Layout, Mode)>,
    pub(super) function: Option<Function>,
    pub(super) stateless: bool,
}

impl Chain {
    /// Looks at what was declared; an error names all that is missing or does not fit, at once.
    pub(super) fn new(protocol: &Protocol, declared: Declared) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let oldest = declared.oldest.and_then(|oldest| find(protocol, &oldest, "oldest_served", &mut faults));
        let first = match declared.objects.as_slice() {
            [(version, _)] => find(protocol, version, "object", &mut faults),
            [] => {
                faults.push("there is no first object: give one with object(version, |opening| …)".to_owned());
                None
            }
            several => {
                faults.push(format!("{} objects were given: later versions go into upgrade(…)", several.len()));
                None
            }
        };
        let mut links: Vec<Link> = Vec::new();
        for (_, object) in declared.objects {
            if let (Some(first), true) = (first, links.is_empty()) {
                let version = protocol.versions()[first].version().clone();
                links.push(Link { version, object, records: declared.records.clone(), upgrade: None });
            }
        }
        let (mut simulations, mut before) = (Vec::new(), None);
        for upgrade in declared.upgrades {
            let told = format!("Upgrade::to(\"{}\")", upgrade.version);
            let Some(index) = find(protocol, &upgrade.version, "upgrade", &mut faults) else { continue };
            if before.is_some_and(|before| index <= before) {
                faults.push(format!("{told}: give upgrades in the order of their versions, each once"));
                continue;
            }
            before = Some(index);
            if let Some(simulated) = simulated(protocol, index, &upgrade, &mut faults) {
                simulations.push(simulated);
            }
            let Some(object) = upgrade.object.clone() else {
                if does_something(&upgrade) {
                    faults.push(format!("{told}: has no object, so that nothing would lead to {}", upgrade.version));
                }
                continue;
            };
            let Some(last) = links.last() else { continue };
            if first.is_some_and(|first| index <= first) {
                faults.push(format!("{told}: is not newer than the first object, of {}", last.version));
                continue;
            }
            states(&upgrade, last, &told, &mut faults);
            let version = protocol.versions()[index].version().clone();
            let records = upgrade.records.as_ref().map(|(layout, _)| layout.clone());
            links.push(Link { version, object, records, upgrade: Some(upgrade) });
        }
        if let (Some(oldest), Some(first)) = (oldest, first)
            && oldest > first
        {
            faults.push("oldest_served is newer than the first object: serve at least its version".to_owned());
        }
        let oldest = oldest.map(|oldest| protocol.versions()[oldest].version().clone());
        let chain = Self { links, simulations, observers: declared.observers, oldest, built: Built::of(protocol) };
        faults.extend(chain.missing(protocol));
        if faults.is_empty() { Ok(chain) } else { Err(faults) }
    }

    pub(super) fn link(&self, version: &Version) -> Option<&Link> {
        self.links.iter().find(|link| link.version == *version)
    }

    /// The link after, or before, the one of a version.
    pub(super) fn neighbour(&self, version: &Version, way: Way) -> Option<&Link> {
        let at = self.links.iter().position(|link| link.version == *version)?;
        match way {
            Way::On => self.links.get(at + 1),
            Way::Back => self.links.get(at.checked_sub(1)?),
        }
    }

    /// The versions that this program can run, for people.
    pub(super) fn told(&self) -> String {
        let versions: Vec<String> = self.links.iter().map(|link| link.version.to_string()).collect();
        versions.join(", ")
    }

    /// What a move takes.
    ///
    /// # Errors
    /// Says why there is no such move, and which there is.
    pub(super) fn plan(&self, from: &Version, to: &Version, way: Way) -> Result<Plan, String> {
        if from == to {
            return Err(format!("the node runs {to} already"));
        }
        if way == Way::On && to < from {
            return Err(format!(
                "the node runs {from}, which is newer than {to}: a rollback leads back (`straddle node rollback`)"
            ));
        }
        let Some(neighbour) = self.neighbour(from, way) else {
            return Err(format!(
                "this program knows no way {} from {from}: it can run {}",
                if way == Way::On { "on" } else { "back" },
                self.told()
            ));
        };
        if neighbour.version != *to {
            let next = &neighbour.version;
            return Err(format!("from {from} this program goes to {next}, not to {to}; it can run {}", self.told()));
        }
        let newer = match way {
            Way::On => neighbour.upgrade.as_ref(),
            Way::Back => self.link(from).and_then(|link| link.upgrade.as_ref()),
        };
        // Only the first link has none, and nothing is before it.
        let Some(newer) = newer else { return Err(format!("nothing leads from {from} to {to}")) };
        if let (Way::Back, Some(why)) = (way, &newer.irreversible) {
            return Err(format!("there is no way back from {from}: {why}"));
        }
        let records = newer.records.as_ref().and_then(|(layout, mode)| match way {
            Way::On => Some((layout.clone(), *mode)),
            // Going back lazily would leave the newer state in use.
            Way::Back if *mode == Mode::Eager => Some((neighbour.records.clone()?, Mode::Eager)),
            Way::Back => Some((neighbour.records.clone()?, Mode::Online)),
        });
        let function = if way == Way::On { newer.transform.clone() } else { newer.reverse.clone() };
        Ok(Plan { way, from: from.clone(), to: to.clone(), records, function, stateless: newer.stateless })
    }

    /// The simulation objects that routes need, at any version that the program can run.
    fn missing(&self, protocol: &Protocol) -> Vec<String> {
        let index = |version: &Version| protocol.versions().iter().position(|schema| schema.version() == version);
        let oldest = self.oldest.as_ref().and_then(index).unwrap_or(0);
        let mut lacking: BTreeMap<(usize, bool, String), Vec<String>> = BTreeMap::new();
        for node in self.links.iter().filter_map(|link| index(&link.version)) {
            for Missing { version, service, method } in needed(protocol, node, oldest) {
                let newer = if version < node { version + 1 } else { version };
                let newer = protocol.versions()[newer].version();
                let there = version == node
                    || self.simulations.iter().any(|one| {
                        let object = if version < node { &one.past } else { &one.future };
                        one.newer == *newer && object.is_some()
                    });
                if !there {
                    let methods = lacking.entry((version, version < node, service)).or_default();
                    if !methods.contains(&method) {
                        methods.push(method);
                    }
                }
            }
        }
        let tell = |((version, past, service), methods): ((usize, bool, String), Vec<String>)| {
            let (version, methods) = (if past { version + 1 } else { version }, methods.join(", "));
            let (newer, side) = (protocol.versions()[version].version(), if past { "past" } else { "future" });
            format!(
                "code in the step to {newer}: give Upgrade::to(\"{newer}\") a {side}(…) with {service}, for {methods}; \
                 upgrades without an object bring simulation objects alone"
            )
        };
        lacking.into_iter().map(tell).collect()
    }
}

/// Whether the simulation object that stands on one side of a step would ever be reached.
pub(super) fn unused(protocol: &Protocol, newer: usize, past: bool) -> Option<String> {
    let step = &protocol.steps()[newer - 1];
    let hops = if past { step.past() } else { step.future() };
    let used = hops.iter().any(|hop| matches!(hop, Hop::Code { .. }));
    (!used).then(|| {
        let side = if past { "past" } else { "future" };
        format!(
            "the step from {} to {} declares no code for it, so no call would reach it: list its methods under \
             [{side}] in step.toml, or leave it out",
            step.from(),
            step.to()
        )
    })
}

fn find(protocol: &Protocol, version: &str, call: &str, faults: &mut Vec<String>) -> Option<usize> {
    let parsed = version.parse::<Version>().map_err(|error| error.to_string());
    let found = parsed.and_then(|parsed| protocol.require(&parsed));
    found.map_err(|why| faults.push(format!("{call}(\"{version}\"): {why}"))).ok()
}

fn simulated(protocol: &Protocol, index: usize, upgrade: &Upgrade, faults: &mut Vec<String>) -> Option<Simulations> {
    let (past, future) = (upgrade.past.clone(), upgrade.future.clone());
    let told = format!("Upgrade::to(\"{}\")", upgrade.version);
    if past.is_none() && future.is_none() {
        return None;
    }
    let Some(older) = index.checked_sub(1) else {
        faults.push(format!("{told}: is the first version, so that nothing is simulated between it and an older one"));
        return None;
    };
    for (side, given) in [(true, past.is_some()), (false, future.is_some())] {
        if given && let Some(why) = unused(protocol, index, side) {
            faults.push(format!("{told}, {}: {why}", if side { "past" } else { "future" }));
        }
    }
    let version = |index: usize| protocol.versions()[index].version().clone();
    Some(Simulations { older: version(older), newer: version(index), past, future })
}

fn does_something(upgrade: &Upgrade) -> bool {
    let Upgrade { records, transform, reverse, irreversible, stateless, verify, hold, .. } = upgrade;
    let functions = transform.is_some() || reverse.is_some() || verify.is_some() || hold.is_some();
    functions || records.is_some() || irreversible.is_some() || *stateless
}

/// Looks whether it is said how the state gets to a version, and back.
fn states(upgrade: &Upgrade, before: &Link, told: &str, faults: &mut Vec<String>) {
    let older = &before.version;
    let carried = upgrade.records.is_some() || upgrade.transform.is_some();
    if !carried && !upgrade.stateless {
        faults.push(format!(
            "{told}: nothing says how the state of {older} gets there: give it records(…), a transform(…), or say \
             stateless() if there is none"
        ));
    }
    if carried && upgrade.stateless {
        faults.push(format!("{told}: is stateless(), and has records(…) or a transform(…): say one of them"));
    }
    if upgrade.transform.is_some() && upgrade.reverse.is_none() && upgrade.irreversible.is_none() {
        faults.push(format!(
            "{told}: has a transform(…), and nothing says how to go back to {older}: give it a reverse(…), or say why \
             there is none with irreversible(\"…\")"
        ));
    }
    if upgrade.reverse.is_some() && upgrade.irreversible.is_some() {
        faults.push(format!("{told}: has a reverse(…), and is irreversible(…): say one of them"));
    }
    if upgrade.reverse.is_some() && !carried {
        faults.push(format!("{told}: has a reverse(…), but nothing that it would be the reverse of"));
    }
    if upgrade.records.is_some() && before.records.is_none() {
        let first = if before.upgrade.is_none() { "Builder::records(…)" } else { "its upgrade" };
        faults.push(format!("{told}: carries records, and nothing says which {older} has: say so in {first}"));
    }
}
