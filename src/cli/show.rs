//! `straddle show`: a protocol's versions, its steps, and a node's routes.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Outcome;
use super::arguments::ShowArguments;
use crate::dispatch::{End, Walk};
use crate::protocol::plan::{Direction, MessagePlan, Path, Policy, Use};
use crate::protocol::{Cause, Hop, Method, Protocol, Schema, Step};

pub(super) fn run(arguments: &ShowArguments) -> Outcome {
    let protocol = Protocol::load(&arguments.folder)?;
    let node = arguments.node.as_ref().map(|version| protocol.require(version)).transpose()?;
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&as_json(&protocol, node))?)?;
    } else {
        out.write_all(as_text(&protocol, node)?.as_bytes())?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn as_text(protocol: &Protocol, node: Option<usize>) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let unlabelled = protocol.unlabelled().map_or("their package alone".to_owned(), ToString::to_string);
    writeln!(text, "protocol {}, callers without a label: {unlabelled}\n", protocol.name())?;
    writeln!(text, "{:<14} {:<34} services", "version", "schema")?;
    for schema in protocol.versions() {
        let services: Vec<String> = schema
            .pool()
            .services()
            .map(|service| format!("{} ({})", service.full_name(), service.methods().len()))
            .collect();
        writeln!(text, "{:<14} {:<34} {}", schema.version().to_string(), schema.digest(), services.join(", "))?;
    }
    if !protocol.resume().is_empty() {
        writeln!(text, "\nstreams that go on where they ended")?;
    }
    for resume in protocol.resume() {
        let (from, into) = (resume.from(), resume.into());
        writeln!(
            text,
            "  {:<44} {from} -> {into}, {}",
            resume.method(),
            declaring(protocol, resume.method()).join(", ")
        )?;
    }
    for (index, step) in protocol.steps().iter().enumerate() {
        writeln!(text, "\nstep {} -> {}", step.from(), step.to())?;
        let (old, new) = (&protocol.versions()[index], &protocol.versions()[index + 1]);
        for side in sides(step, old, new) {
            writeln!(
                text,
                "  {}: callers of {} on a node that runs {}",
                side.name,
                side.caller.version(),
                side.node.version()
            )?;
            let counts = side.counts();
            let [same, rules, code, refused] = counts;
            writeln!(text, "    {same} same, {rules} rules, {code} code, {refused} refused")?;
            for (method, hop) in side.caller.methods().iter().zip(side.hops) {
                match hop {
                    Hop::Same { counterpart, unheard } => {
                        let other = side.node.methods()[*counterpart].full_name();
                        let renamed = if other == method.full_name() { String::new() } else { format!(" as {other}") };
                        writeln!(text, "    same     {}{renamed}", method.full_name())?;
                        for passed in unheard {
                            writeln!(text, "             passes over {}", passed.element)?;
                        }
                    }
                    Hop::Rules { counterpart, differences } => {
                        let other = side.node.methods()[*counterpart].full_name();
                        let renamed = if other == method.full_name() { String::new() } else { format!(" as {other}") };
                        writeln!(text, "    rules    {}{renamed}", method.full_name())?;
                        for difference in differences {
                            writeln!(text, "             for {difference}")?;
                        }
                        for loss in side.losses(method, *counterpart) {
                            writeln!(text, "             {}", loss.told())?;
                        }
                    }
                    Hop::Code { differences } => {
                        writeln!(text, "    code     {}", method.full_name())?;
                        for difference in differences {
                            writeln!(text, "             for {difference}")?;
                        }
                    }
                    Hop::Refused(cause) => {
                        writeln!(text, "    refused  {}", method.full_name())?;
                        for line in why(cause, side.node) {
                            writeln!(text, "             {line}")?;
                        }
                    }
                }
            }
        }
    }
    if let Some(node) = node {
        writeln!(text, "\nroutes of a node that runs {}", protocol.versions()[node].version())?;
        for row in routes(protocol, node) {
            writeln!(text, "  {:<14} {:<44} {}", row.caller, row.method, row.told)?;
        }
    }
    Ok(text)
}

/// The versions that declare a method.
fn declaring(protocol: &Protocol, method: &str) -> Vec<String> {
    let declares = |schema: &&Schema| schema.methods().iter().any(|one| one.full_name() == method);
    protocol.versions().iter().filter(declares).map(|schema| schema.version().to_string()).collect()
}

fn as_json(protocol: &Protocol, node: Option<usize>) -> Value {
    let versions: Vec<Value> = protocol
        .versions()
        .iter()
        .map(|schema| {
            json!({
                "version": schema.version().to_string(),
                "schema": schema.digest(),
                "methods": schema.methods().iter().map(|method| json!({
                    "name": method.full_name(),
                    "client_streaming": method.is_client_streaming(),
                    "server_streaming": method.is_server_streaming(),
                    "idempotent": method.is_idempotent(),
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let steps: Vec<Value> = protocol
        .steps()
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let mut shown = json!({ "from": step.from().to_string(), "to": step.to().to_string() });
            for side in sides(step, &protocol.versions()[index], &protocol.versions()[index + 1]) {
                shown[side.name] = side
                    .caller
                    .methods()
                    .iter()
                    .zip(side.hops)
                    .map(|(method, hop)| match hop {
                        Hop::Same { counterpart, unheard } => json!({
                            "method": method.full_name(),
                            "hop": "same",
                            "as": side.node.methods()[*counterpart].full_name(),
                            "passes_over": unheard.iter().map(|passed| &passed.element).collect::<Vec<_>>(),
                        }),
                        Hop::Rules { counterpart, differences } => json!({
                            "method": method.full_name(),
                            "hop": "rules",
                            "losses": side.losses(method, *counterpart).iter().map(Lost::json).collect::<Vec<_>>(),
                            "as": side.node.methods()[*counterpart].full_name(),
                            "for": differences.iter().map(ToString::to_string).collect::<Vec<_>>(),
                        }),
                        Hop::Code { differences } => json!({
                            "method": method.full_name(),
                            "hop": "code",
                            "for": differences.iter().map(ToString::to_string).collect::<Vec<_>>(),
                        }),
                        Hop::Refused(cause) => {
                            json!({ "method": method.full_name(), "hop": "refused", "why": why(cause, side.node) })
                        }
                    })
                    .collect();
            }
            shown
        })
        .collect();
    let mut shown = json!({
        "protocol": protocol.name(),
        "unlabelled": protocol.unlabelled().map(ToString::to_string),
        "versions": versions,
        "resumable": protocol.resume().iter().map(|resume| json!({
            "method": resume.method(),
            "from": resume.from(),
            "into": resume.into(),
            "versions": declaring(protocol, resume.method()),
        })).collect::<Vec<_>>(),
        "steps": steps,
    });
    if let Some(node) = node {
        let routes: Vec<Value> = routes(protocol, node)
            .into_iter()
            .map(|row| json!({ "caller": row.caller, "method": row.method, "end": row.end, "at": row.at, "told": row.told }))
            .collect();
        shown["node"] = json!({ "runs": protocol.versions()[node].version().to_string(), "routes": routes });
    }
    shown
}

/// One side of a step: the callers of one version on a node that runs the other.
struct Side<'a> {
    name: &'static str,
    step: &'a Step,
    /// The way of its requests.
    direction: Direction,
    caller: &'a Schema,
    node: &'a Schema,
    hops: &'a [Hop],
}

fn sides<'a>(step: &'a Step, old: &'a Schema, new: &'a Schema) -> [Side<'a>; 2] {
    [
        Side { name: "past", step, direction: Direction::Up, caller: old, node: new, hops: step.past() },
        Side { name: "future", step, direction: Direction::Down, caller: new, node: old, hops: step.future() },
    ]
}

impl Side<'_> {
    fn counts(&self) -> [usize; 4] {
        self.hops.iter().fold([0; 4], |mut counts, hop| {
            counts[match hop {
                Hop::Same { .. } => 0,
                Hop::Rules { .. } => 1,
                Hop::Code { .. } => 2,
                Hop::Refused(_) => 3,
            }] += 1;
            counts
        })
    }
}

impl Side<'_> {
    /// What messages of a method may hold that the other version has no place for.
    fn losses(&self, method: &Method, counterpart: usize) -> Vec<Lost> {
        let back = match self.direction {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        };
        let (caller, object) = (method.descriptor(), self.node.methods()[counterpart].descriptor());
        let ways = [
            (self.direction, Use::Request, caller.input(), object.input()),
            (back, Use::Response, object.output(), caller.output()),
        ];
        let mut losses = Vec::new();
        for (direction, used, source, target) in ways {
            for plan in self.step.plans(direction).reached(source.full_name(), target.full_name(), used) {
                losses.extend(plan.losses.iter().map(|loss| Lost {
                    used,
                    element: format!("{}.{}", plan.source.full_name(), loss.path),
                    policy: loss.policies.of(used),
                    conditional: is_conditional(plan, &loss.path),
                }));
            }
        }
        losses
    }
}

/// A field without a counterpart.
struct Lost {
    used: Use,
    element: String,
    policy: Policy,
    /// Whether a rule carries it over, or drops it, where a condition holds.
    conditional: bool,
}

/// Whether a condition says whether a field is lost.
fn is_conditional(plan: &MessagePlan, path: &Path) -> bool {
    let around = |other: &Path| path.starts_with(other);
    plan.drops.iter().any(|drop| around(&drop.path))
        || plan.moves.iter().any(|moved| moved.when.is_some() && around(&moved.from))
}

impl Lost {
    fn words(&self) -> (&'static str, &'static str) {
        let used = if self.used == Use::Request { "request" } else { "response" };
        let policy = match self.policy {
            Policy::Refuse => "refused",
            Policy::Pass => "passed",
            Policy::Drop => "dropped",
        };
        (used, policy)
    }

    fn told(&self) -> String {
        let (used, policy) = self.words();
        let how = if self.policy == Policy::Pass { " as an unknown field" } else { "" };
        let unless = if self.conditional { ", and no rule with a condition drops it or carries it over" } else { "" };
        format!("in a {used}, {} is {policy}{how} if it is set{unless}", self.element)
    }

    fn json(&self) -> Value {
        let (used, policy) = self.words();
        json!({ "use": used, "element": self.element, "policy": policy, "conditional": self.conditional })
    }
}

/// Why a hop refuses, a line each reason.
fn why(cause: &Cause, node: &Schema) -> Vec<String> {
    match cause {
        Cause::Declared { reason, advice } => {
            std::iter::once(reason.clone()).chain(advice.iter().map(|advice| format!("advice: {advice}"))).collect()
        }
        Cause::Absent => vec![format!("{} has no counterpart", node.version())],
        Cause::Open(differences) => std::iter::once("nothing bridges:".to_owned())
            .chain(differences.iter().map(|difference| format!("  {difference}")))
            .collect(),
    }
}

/// How many steps a call crosses by rules.
fn rules(walk: &Walk) -> String {
    match walk.rules {
        0 => String::new(),
        1 => ", by rules".to_owned(),
        steps => format!(", by rules of {steps} steps"),
    }
}

struct Row {
    caller: String,
    method: String,
    /// `native`, `simulated` or `refused`.
    end: &'static str,
    /// The version at which the walk ended.
    at: String,
    told: String,
}

fn routes(protocol: &Protocol, node: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, schema) in protocol.versions().iter().enumerate() {
        for (number, method) in schema.methods().iter().enumerate() {
            let walk = Walk::new(protocol, index, number, node);
            let at = &protocol.versions()[walk.version];
            let name = at.methods()[walk.method].full_name();
            let (end, told) = match &walk.end {
                End::Native => ("native", format!("native{}, {name}", rules(&walk))),
                End::Simulated => {
                    ("simulated", format!("simulation object of {}{}, {name}", at.version(), rules(&walk)))
                }
                End::Refused(cause) => {
                    let next = if walk.version < node { walk.version + 1 } else { walk.version - 1 };
                    let why = why(cause, &protocol.versions()[next]);
                    let mut lines = why.iter().filter(|line| !line.ends_with(':'));
                    let first = lines.next().map_or("", |line| line.trim());
                    let more = match lines.count() {
                        more if more > 0 && matches!(cause, Cause::Open(_)) => format!(" (and {more} more)"),
                        _ => String::new(),
                    };
                    ("refused", format!("refused at {}: {first}{more}", at.version()))
                }
            };
            rows.push(Row {
                caller: schema.version().to_string(),
                method: method.full_name().to_owned(),
                end,
                at: at.version().to_string(),
                told,
            });
        }
    }
    rows
}
