//! `schedule.toml`. Every option is documented in `example.toml`, which a test reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::canary::Canary;
use super::combined::{Combined, Kind, Part};
use super::conditions::{After, Idle, Load, Manual};
use super::duration::Written;
use super::error::ScheduleError;
use super::gate::{Gate, Gates, Sample};
use super::limits::{Limits, MinimumServing, OnFailedGate};
use super::random::Random;
use super::rolling::Rolling;
use super::sequence::{Level, Sequence};
use super::share::Share;
use super::window::{Window, Windows};
use super::{Own, Schedule, Scheduling};
use crate::nearest::nearest;
use crate::version::Version;

/// Nobody writes more.
const LONGEST: usize = 256 * 1024;
const MOST_GATES: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    on_failed_gate: Option<OnFailedGate>,
    #[serde(default)]
    manual: bool,
    #[serde(default)]
    together: bool,
    window: Option<Spanned<Vec<Window>>>,
    #[serde(default)]
    own: Vec<Spanned<String>>,
    #[serde(default)]
    after: BTreeMap<String, Version>,
    roles: Option<Roles>,
    domains: Option<Domains>,
    canary: Option<CanaryTable>,
    load: Option<Spanned<LoadTable>>,
    idle: Option<IdleTable>,
    random: Option<RandomTable>,
    rolling: Option<RollingTable>,
    limits: Option<LimitsTable>,
    gates: Option<GatesTable>,
    #[serde(default)]
    gate: Vec<Spanned<GateTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Roles {
    #[serde(default = "role")]
    label: String,
    order: Spanned<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Domains {
    #[serde(default = "zone")]
    label: String,
    #[serde(default)]
    order: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    bake: Written,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CanaryTable {
    stages: Spanned<Vec<Share>>,
    bake: Option<Written>,
    in_each_domain: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadTable {
    node_below: Option<f64>,
    fleet_below: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdleTable {
    below: Spanned<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RandomTable {
    order: Option<bool>,
    #[serde(default)]
    jitter: Written,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RollingTable {
    at_once: Option<Spanned<Share>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    minimum_serving: Option<Share>,
    serving_by: Option<String>,
    versions: Option<Spanned<usize>>,
    apart: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GatesTable {
    standard: Option<bool>,
    minimum_calls: Option<u64>,
    patience: Option<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GateTable {
    name: Option<Spanned<String>>,
    holds: Spanned<String>,
}

fn role() -> String {
    "role".to_owned()
}

fn zone() -> String {
    "zone".to_owned()
}

pub(super) fn read(text: &str, own: &Own) -> Result<Scheduling, ScheduleError> {
    if text.len() > LONGEST {
        let what = format!("it has {} bytes, of at most {LONGEST}", text.len());
        return Err(ScheduleError::new(text, 0, what, "make it shorter"));
    }
    let file: File = toml::from_str(text).map_err(|error| of_toml(text, &error))?;
    let reader = Reader { text };
    let combined = reader.combined(&file, own)?;
    let limits = reader.limits(&file)?;
    let gates = reader.gates(&file)?;
    let on_failed_gate = file.on_failed_gate;
    let at_once = reader.rolling(&file)?.map(|rolling| rolling.at_once);
    let first = file.canary.as_ref().filter(|canary| canary.in_each_domain.is_none());
    let first = first.and_then(|canary| canary.stages.get_ref().first().copied());
    Ok(Scheduling { schedule: Arc::new(combined.clone()), gates, limits, on_failed_gate, combined, at_once, first })
}

struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn fault<T>(&self, at: &Spanned<T>, what: impl Into<String>, advice: impl Into<String>) -> ScheduleError {
        ScheduleError::new(self.text, at.span().start, what, advice)
    }

    /// The parts in the order in which an operator wants to hear of them: what somebody has to do comes first.
    fn combined(&self, file: &File, own: &Own) -> Result<Combined, ScheduleError> {
        let mut parts = Vec::new();
        let mut add = |kind, schedule: Arc<dyn Schedule>| parts.push(Part { schedule, kind });
        if file.manual {
            add(Kind::When, Arc::new(Manual));
        }
        for (protocol, version) in &file.after {
            add(Kind::When, Arc::new(After { protocol: protocol.clone(), version: version.clone() }));
        }
        if let Some(windows) = &file.window {
            if windows.get_ref().is_empty() {
                return Err(self.fault(windows, "no window ever opens", "name one, or leave `window` out"));
            }
            add(Kind::Hours, Arc::new(Windows(windows.get_ref().clone())));
        }
        let sequence = self.sequence(file)?;
        let labels: Vec<String> = sequence.levels.iter().map(|level| level.label.clone()).collect();
        if !sequence.levels.is_empty() {
            add(Kind::Who, Arc::new(sequence));
        }
        if let Some(canary) = &file.canary {
            add(Kind::Who, Arc::new(self.canary(canary, file.domains.is_some(), labels)?));
        }
        for name in &file.own {
            add(Kind::Who, self.own(name, own)?);
        }
        if let Some(load) = &file.load {
            add(Kind::When, Arc::new(self.load(load)?));
        }
        if let Some(IdleTable { below }) = &file.idle {
            let none = *below.get_ref() == 0;
            if none {
                return Err(self.fault(below, "fewer calls than none never run", "write 1 or more"));
            }
            add(Kind::When, Arc::new(Idle { below: *below.get_ref() }));
        }
        if let Some(RandomTable { order, jitter }) = &file.random {
            add(Kind::HowMany, Arc::new(Random { order: order.unwrap_or(true), jitter: jitter.0 }));
        }
        if let Some(rolling) = self.rolling(file)? {
            add(Kind::HowMany, Arc::new(rolling));
        }
        Ok(Combined { parts, together: file.together })
    }

    /// One node at a time where nothing else is said.
    fn rolling(&self, file: &File) -> Result<Option<Rolling>, ScheduleError> {
        if file.together && file.rolling.is_none() {
            return Ok(None);
        }
        let Some(at_once) = file.rolling.as_ref().and_then(|rolling| rolling.at_once.as_ref()) else {
            return Ok(Some(Rolling { at_once: Share::Nodes(1) }));
        };
        if at_once.get_ref().is_zero() {
            return Err(self.fault(at_once, "no node would ever go", "write 1 or more"));
        }
        Ok(Some(Rolling { at_once: *at_once.get_ref() }))
    }

    fn canary(&self, canary: &CanaryTable, domains: bool, labels: Vec<String>) -> Result<Canary, ScheduleError> {
        let CanaryTable { stages, bake, in_each_domain } = canary;
        let all = stages.get_ref();
        if all.is_empty() {
            return Err(self.fault(
                stages,
                "it has no stages",
                "name some, as [1, \"10%\", \"50%\"], or leave [canary] out",
            ));
        }
        // Counts and shares cannot be told apart in general; what is wrong for any fleet is.
        let backwards = all.windows(2).find(|pair| match pair {
            [Share::Nodes(one), Share::Nodes(other)] => other <= one,
            [Share::Percent(one), Share::Percent(other)] => other <= one,
            _ => false,
        });
        if let Some([one, other]) = backwards {
            let what = format!("the stage of {other} comes after that of {one}");
            return Err(self.fault(
                stages,
                what,
                "a stage counts the nodes of those before it: name larger and larger ones",
            ));
        }
        if all.iter().any(|stage| stage.is_zero()) {
            return Err(self.fault(stages, "a stage has no nodes", "write 1 or more"));
        }
        // Within a role as well, where there are roles: nodes of a later one cannot be waited for.
        let inside = match in_each_domain {
            Some(wanted) if *wanted.get_ref() && !domains => {
                return Err(self.fault(wanted, "there are no domains", "write [domains] as well"));
            }
            Some(wanted) if *wanted.get_ref() => labels,
            _ => Vec::new(),
        };
        let bake = bake.map_or(std::time::Duration::from_secs(300), |bake| bake.0);
        Ok(Canary { stages: all.clone(), bake, inside })
    }

    /// Roles, and domains within them.
    fn sequence(&self, file: &File) -> Result<Sequence, ScheduleError> {
        let mut levels = Vec::new();
        if let Some(Roles { label, order }) = &file.roles {
            if order.get_ref().is_empty() {
                return Err(self.fault(order, "it names no role", "name those that go first, in their order"));
            }
            levels.push(Level { label: label.clone(), order: self.each_once(order)?, others: false });
        }
        let mut bake = std::time::Duration::ZERO;
        if let Some(Domains { label, order, bake: wanted }) = &file.domains {
            let order = order.as_ref().map(|order| self.each_once(order)).transpose()?.unwrap_or_default();
            levels.push(Level { label: label.clone(), order, others: true });
            bake = wanted.0;
        }
        Ok(Sequence { levels, bake })
    }

    fn each_once(&self, order: &Spanned<Vec<String>>) -> Result<Vec<String>, ScheduleError> {
        let names = order.get_ref();
        match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            Some((_, twice)) => Err(self.fault(order, format!("`{twice}` is named twice"), "name it once")),
            None => Ok(names.clone()),
        }
    }

    fn load(&self, load: &Spanned<LoadTable>) -> Result<Load, ScheduleError> {
        let LoadTable { node_below: node, fleet_below: fleet } = *load.get_ref();
        if node.is_none() && fleet.is_none() {
            return Err(self.fault(load, "it says nothing", "write `node_below` or `fleet_below`"));
        }
        // A NaN is neither.
        if [node, fleet].into_iter().flatten().any(|below| !(below.is_finite() && below > 0.0)) {
            return Err(self.fault(load, "fewer calls than none are never answered", "write numbers above 0"));
        }
        Ok(Load { node, fleet })
    }

    fn own(&self, name: &Spanned<String>, own: &Own) -> Result<Arc<dyn Schedule>, ScheduleError> {
        own.get(name.get_ref()).ok_or_else(|| {
            let what = format!("this coordinator has no scheduling function `{}`", name.get_ref());
            let advice = match nearest(name.get_ref(), own.names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if own.names().next().is_none() => {
                    "it has none of its own: write what is built in, or run a coordinator's program that has it"
                        .to_owned()
                }
                None => {
                    format!("it has {}", own.names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
                }
            };
            self.fault(name, what, advice).of_own()
        })
    }

    fn limits(&self, file: &File) -> Result<Limits, ScheduleError> {
        let mut limits = Limits::default();
        limits.minimum_serving.together = file.together;
        let Some(LimitsTable { minimum_serving, serving_by, versions, apart }) = &file.limits else {
            return Ok(limits);
        };
        if let Some(versions) = versions.as_ref().filter(|versions| *versions.get_ref() < 2) {
            let what = "an upgrade runs two versions at once";
            return Err(self.fault(versions, what, "write 2 or more"));
        }
        if let Some(apart) = apart.as_ref().filter(|apart| *apart.get_ref() < 1) {
            return Err(self.fault(apart, "an upgrade is one step at least", "write 1 or more"));
        }
        limits.minimum_serving =
            MinimumServing { by: serving_by.clone(), least: *minimum_serving, together: file.together };
        limits.versions = versions.as_ref().map(|versions| *versions.get_ref());
        limits.apart = apart.as_ref().map(|apart| *apart.get_ref());
        Ok(limits)
    }

    fn gates(&self, file: &File) -> Result<Gates, ScheduleError> {
        let mut sample = Sample::default();
        let mut standard = file.gate.is_empty();
        if let Some(GatesTable { standard: wanted, minimum_calls, patience }) = &file.gates {
            standard = wanted.unwrap_or(standard);
            sample.calls = minimum_calls.unwrap_or(sample.calls);
            sample.patience = patience.map_or(sample.patience, |patience| patience.0);
        }
        let mut gates = if standard { Gate::standard() } else { Vec::new() };
        for gate in &file.gate {
            if gates.len() >= MOST_GATES {
                return Err(self.fault(gate, format!("there are more than {MOST_GATES} gates"), "write them as fewer"));
            }
            gates.push(self.gate(gate.get_ref(), &gates)?);
        }
        Ok(Gates { gates, sample })
    }

    fn gate(&self, gate: &GateTable, before: &[Gate]) -> Result<Gate, ScheduleError> {
        let GateTable { name, holds } = gate;
        if let Some(name) = name.as_ref().filter(|name| before.iter().any(|gate| gate.name() == name.get_ref())) {
            return Err(self.fault(
                name,
                format!("another gate is called `{}`", name.get_ref()),
                "give it another name",
            ));
        }
        let unnamed = || format!("gate-{}", before.len() + 1);
        let called = name.as_ref().map_or_else(unnamed, |name| name.get_ref().clone());
        Gate::new(&called, holds.get_ref()).map_err(|error| {
            // Where the text is written without escapes, the place within it is one of the file.
            let written = self.text.get(holds.span()).unwrap_or_default();
            let inside =
                written.find(holds.get_ref().as_str()).zip(error.offset).map_or(0, |(start, offset)| start + offset);
            ScheduleError::new(self.text, holds.span().start + inside, error.what, error.advice)
        })
    }
}

/// What does not have the form, with what may have been meant.
fn of_toml(text: &str, error: &toml::de::Error) -> ScheduleError {
    let what = error.message().lines().collect::<Vec<_>>().join(" ");
    let offset = error.span().map_or(0, |span| span.start);
    let names: Vec<&str> = what.split('`').skip(1).step_by(2).collect();
    if what.starts_with("unknown field")
        && let Some((unknown, known)) = names.split_first()
    {
        let advice = match nearest(unknown, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "remove it".to_owned(),
            None => format!("these are known here: {}", known.join(", ")),
        };
        return ScheduleError::new(text, offset, format!("there is no option `{unknown}`"), advice);
    }
    // Of a value in a list, TOML tells the place of the list: what is quoted stands in it.
    let list = error.span().and_then(|span| text.get(span)).filter(|written| written.starts_with('['));
    let quoted = names.first().filter(|_| what.starts_with('`'));
    let inside = list.zip(quoted).and_then(|(list, quoted)| list.find(quoted)).unwrap_or_default();
    if let Some((what, advice)) = what.rsplit_once(": ").filter(|(_, advice)| advice.starts_with("write ")) {
        return ScheduleError::new(text, offset + inside, what, advice);
    }
    let advice = "all options are in the documentation of `straddle::coordinator::schedule::parse`";
    ScheduleError::new(text, offset + inside, what, advice)
}
