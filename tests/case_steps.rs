//! The steps of published protocols, as an author would write them: they load, leave nothing open, and do what their
//! authors meant beyond the vectors that were published with the protos.
#![cfg(feature = "cli")]

#[path = "support/published.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod published;

use std::fs;

use prost::Message;
use prost_reflect::DynamicMessage;
use serde::Deserialize;
use straddle::Protocol;
use straddle::protocol::plan::{Direction, Use};
use straddle::protocol::{Cause as Why, Hop, Schema, Step};
use straddle::rewrite::{Limits, Rewrite, RewriteError};
use straddle::verify::reference::Cause;
use straddle::verify::{reference, same};

/// How many versions the folders of a case hold, in the order of [`published::CASES`].
const VERSIONS: [usize; 10] = [2, 3, 2, 2, 2, 2, 2, 2, 3, 2];

#[test]
fn each_folder_of_steps_is_a_case() {
    let mut found: Vec<String> = fs::read_dir(published::steps())
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("names are text"))
        .collect();
    found.sort();
    assert_eq!(found, published::CASES);
}

#[test]
fn each_case_loads_with_its_steps() {
    if published::published().is_none() {
        return;
    }
    let mut faults = Vec::new();
    for (case, versions) in published::CASES.into_iter().zip(VERSIONS) {
        match Protocol::load(published::steps().join(case)) {
            Ok(protocol) => assert_eq!(protocol.versions().len(), versions, "{case}"),
            Err(error) => faults.push(format!("{case}: {error}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_steps_leave_no_message_and_no_method_open() {
    if published::published().is_none() {
        return;
    }
    let mut open = Vec::new();
    for case in published::CASES {
        let protocol = published::load(case);
        for (step, versions) in protocol.steps().iter().zip(protocol.versions().windows(2)) {
            open.extend(open_points(step).into_iter().map(|point| format!("{case}: {point}")));
            let hops = open_hops(step.past(), &versions[0]).into_iter().chain(open_hops(step.future(), &versions[1]));
            open.extend(hops.map(|hop| format!("{case}: {hop}")));
        }
    }
    assert!(open.is_empty(), "{}", open.join("\n"));
}

#[test]
fn the_reference_does_what_the_authors_meant() {
    check_meant(|protocol, from, to, message, used| match reference::rewrite(protocol, from, to, message, used) {
        Ok(message) => Ok(Some(message)),
        Err(refused) if refused.cause == Cause::Value => Ok(None),
        Err(refused) => Err(refused.to_string()),
    });
}

#[test]
fn the_engine_does_what_the_authors_meant() {
    check_meant(|protocol, from, to, message, used| {
        let name = prost_reflect::ReflectMessage::descriptor(message).full_name().to_owned();
        let rewrite = Rewrite::new(protocol, from, to, &name, used).map_err(|error| error.to_string())?;
        let target = protocol.versions()[to].pool().get_message_by_name(rewrite.target()).expect("a message");
        match rewrite.apply(&message.encode_to_vec().into(), &Limits::default()) {
            Ok(bytes) => {
                DynamicMessage::decode(target, bytes.into_bytes()).map(Some).map_err(|error| error.to_string())
            }
            Err(RewriteError::Refused(_)) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    });
}

/// What the plans of a step leave open.
fn open_points(step: &Step) -> Vec<String> {
    let directions = [Direction::Up, Direction::Down].into_iter();
    let plans =
        directions.flat_map(|direction| Use::ALL.into_iter().flat_map(move |used| step.plans(direction).iter(used)));
    plans.flat_map(|plan| plan.open.iter().map(|point| format!("{}: {}", point.element, point.what))).collect()
}

/// The methods of a version whose calls do not cross the step because nothing is said of them.
fn open_hops(hops: &[Hop], schema: &Schema) -> Vec<String> {
    let methods = schema.methods().iter().zip(hops);
    let open = methods.filter_map(|(method, hop)| match hop {
        Hop::Refused(Why::Open(differences)) => Some(format!("{}: {differences:?}", method.full_name())),
        Hop::Refused(Why::Absent) => Some(format!("{}: the step says nothing of it", method.full_name())),
        _ => None,
    });
    open.collect()
}

/// A message, and what a step makes of it; as in the published vectors, but for the case and the use.
#[derive(Deserialize)]
struct Meant {
    case: String,
    step: String,
    direction: String,
    #[serde(rename = "use")]
    used: String,
    message: String,
    input: serde_json::Value,
    output: Option<serde_json::Value>,
    refuse: Option<String>,
}

/// What became of a message: nothing where it is refused.
type Outcome = Result<Option<DynamicMessage>, String>;

fn check_meant(rewrite: impl Fn(&Protocol, usize, usize, &DynamicMessage, Use) -> Outcome) {
    if published::published().is_none() {
        return;
    }
    let text = fs::read_to_string(published::steps().join("vectors.json")).expect("our vectors");
    let all: Vec<Meant> = serde_json::from_str(&text).expect("our vectors");
    assert!(all.iter().all(|meant| published::CASES.contains(&meant.case.as_str())), "each is of a case");
    let mut wrong = Vec::new();
    for case in published::CASES {
        let protocol = published::load(case);
        let of_case = all.iter().filter(|meant| meant.case == case);
        wrong.extend(of_case.filter_map(|meant| meant.fault(&protocol, &rewrite)));
    }
    assert!(wrong.is_empty(), "{} of {} fail\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

impl Meant {
    fn fault(
        &self,
        protocol: &Protocol,
        rewrite: &impl Fn(&Protocol, usize, usize, &DynamicMessage, Use) -> Outcome,
    ) -> Option<String> {
        let (old, new) = self.step.split_once("..").expect("two versions");
        let index = |wanted: &str| {
            let found = protocol.versions().iter().position(|schema| schema.version().to_string() == wanted);
            found.unwrap_or_else(|| panic!("{} has no version {wanted}", self.case))
        };
        let (from, to) = if self.direction == "up" { (index(old), index(new)) } else { (index(new), index(old)) };
        let source = protocol.versions()[from].pool().get_message_by_name(&self.message).expect("a message");
        let input = DynamicMessage::deserialize(source, &self.input).expect("a message of its type");
        let used = match self.used.as_str() {
            "request" => Use::Request,
            "response" => Use::Response,
            "stored" => Use::Stored,
            other => panic!("`{other}` is no use"),
        };
        let told = format!("{} {} {} {} {}", self.case, self.step, self.direction, self.message, self.input);
        let got = match rewrite(protocol, from, to, &input, used) {
            Ok(got) => got.map(|got| same::without_unknown_fields(&got)),
            Err(why) => return Some(format!("{told}\n  {why}")),
        };
        match (&self.output, got) {
            (Some(output), Some(got)) => {
                let target = prost_reflect::ReflectMessage::descriptor(&got);
                let expected = DynamicMessage::deserialize(target, output).expect("a message of its type");
                let differs = same::difference(&got, &expected, &same::Plain)?;
                Some(format!("{told}\n  expected {output}\n  got      {}\n  {differs}", same::shown(&got)))
            }
            (Some(output), None) => Some(format!("{told}\n  expected {output}, was refused")),
            (None, Some(got)) => {
                let why = self.refuse.as_deref().expect("it refuses, or has an output");
                Some(format!("{told}\n  expected a refusal: {why}\n  got {}", same::shown(&got)))
            }
            (None, None) => None,
        }
    }
}
