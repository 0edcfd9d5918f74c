//! The examples of `src/protocol/rules.md`: they load, and do what stands beside them.

use std::fs;
use std::path::Path;

use prost::Message;
use prost_reflect::{DynamicMessage, SerializeOptions};
use straddle::Protocol;
use straddle::protocol::Hop;
use straddle::protocol::plan::Use;
use straddle::rewrite::{Limits, Rewrite, RewriteError};

use crate::folder::folder;

/// The part of the document that has the examples.
fn section() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocol/rules.md");
    let text = fs::read_to_string(file).expect("the document");
    let rest = text.split("\n# Keys by example\n").nth(1).expect("the heading");
    rest.split("\n# Money\n").next().expect("the next heading").to_owned()
}

fn blocks<'a>(section: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    section.split(&fence).skip(1).map(|rest| rest.split("```").next().expect("its end")).collect()
}

fn doors(step: &str) -> Result<Protocol, String> {
    let section = section();
    let protos = blocks(&section, "proto");
    let [old, new] = protos.as_slice() else { panic!("two versions are shown") };
    let files = [("protocol.toml", "name = \"door\"\n"), ("1.0.0/door.proto", old), ("2.0.0/door.proto", new)];
    let folder = folder(&[&files[..], &[("2.0.0/step.toml", step)]].concat());
    Protocol::load(folder.path()).map_err(|error| error.to_string())
}

fn shown() -> String {
    let section = section();
    blocks(&section, "toml").first().expect("a step is shown").to_string()
}

#[test]
fn keys_do_what_their_example_says() {
    let protocol = doors(&shown()).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(protocol.steps()[0].past(), [Hop::Rules { .. }]), "nothing is open");
    let section = section();
    let mut tried = 0;
    let mut faults = Vec::new();
    for row in section.lines().filter(|line| line.starts_with("| up |") || line.starts_with("| down |")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let (from, to) = if cells[0] == "up" { (0, 1) } else { (1, 0) };
        let descriptor = protocol.versions()[from].pool().get_message_by_name("door.v1.Door").expect("the message");
        let mut json = serde_json::Deserializer::from_str(cells[1].trim_matches('`'));
        let message = DynamicMessage::deserialize(descriptor, &mut json).expect("a message");
        let rewrite = Rewrite::new(&protocol, from, to, "door.v1.Door", Use::Request).expect("nothing is open");
        let became = match rewrite.apply(&message.encode_to_vec().into(), &Limits::default()) {
            Ok(bytes) => {
                let target = protocol.versions()[to].pool().get_message_by_name("door.v1.Door").expect("the message");
                let message = DynamicMessage::decode(target, bytes.into_bytes()).expect("a message");
                let mut text = Vec::new();
                let mut writer = serde_json::Serializer::new(&mut text);
                message.serialize_with_options(&mut writer, &SerializeOptions::new()).expect("it is written");
                format!("`{}`", String::from_utf8(text).expect("text"))
            }
            Err(RewriteError::Refused(refusal)) => {
                format!("refused at `{}`: {}", refusal.path().unwrap_or_default(), refusal.message())
            }
            Err(error) => panic!("{error}"),
        };
        tried += 1;
        if !became.starts_with(cells[2]) || cells[2].is_empty() {
            faults.push(format!("{row}\n  became {became}"));
        }
    }
    assert!(faults.is_empty() && tried == 8, "{tried} rows\n{}", faults.join("\n"));
}

#[test]
fn each_key_of_the_example_is_needed() {
    for (left_out, said) in [
        (", unknown = { up = \"STATE_UNSPECIFIED\", down = \"refuse\" }", None),
        (", missing = \"empty\"", None),
        ("accept_refused_responses = [\"door.v1.Doors.Move\"]", Some("door.v1.Doors.Move")),
    ] {
        let step = shown().replace(left_out, "");
        assert_ne!(step, shown(), "{left_out} is in the example");
        let protocol = doors(&step).unwrap_or_else(|error| panic!("{error}"));
        let is_open = matches!(protocol.steps()[0].past(), [Hop::Refused(_)]);
        assert_eq!(is_open, said.is_some(), "{left_out}");
    }
}

#[test]
fn a_key_of_the_step_below_a_table_is_told_where_it_belongs() {
    let accepted = "accept_refused_responses = [\"door.v1.Doors.Move\"]\n";
    let step = format!("{}{accepted}", shown().replace(accepted, ""));
    let error = doors(&step).expect_err("a key that the table does not have");
    for part in ["accept_refused_responses", "above the first [table]"] {
        assert!(error.contains(part), "{part:?} is missing from\n{error}");
    }
}
