//! The rewrites that targets run: each message of some protocols, from each version to each other, for each use.

use std::path::Path;

use prost_reflect::MessageDescriptor;
use straddle::Protocol;
use straddle::protocol::plan::Use;
use straddle::rewrite::Rewrite;

/// A rewrite, and what goes in and comes out.
#[allow(dead_code, reason = "not every target looks at all of it")]
pub struct Way {
    pub protocol: usize,
    pub from: usize,
    pub to: usize,
    pub used: Use,
    pub source: MessageDescriptor,
    pub target: MessageDescriptor,
    pub rewrite: Rewrite,
}

/// Protocols in these folders of the project.
pub fn protocols(folders: &[&str]) -> Vec<Protocol> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    folders
        .iter()
        .map(|folder| Protocol::load(project.join(folder)).unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

/// All rewrites that there are.
pub fn ways(protocols: &[Protocol]) -> Vec<Way> {
    let mut ways = Vec::new();
    for (index, protocol) in protocols.iter().enumerate() {
        let versions = protocol.versions().len();
        for (from, to) in (0..versions).flat_map(|from| (0..versions).map(move |to| (from, to))) {
            for source in protocol.versions()[from].pool().all_messages() {
                for used in [Use::Request, Use::Response, Use::Stored] {
                    let Ok(rewrite) = Rewrite::new(protocol, from, to, source.full_name(), used) else { continue };
                    let target = protocol.versions()[to].pool().get_message_by_name(rewrite.target());
                    let target = target.expect("a message of the target");
                    ways.push(Way { protocol: index, from, to, used, source: source.clone(), target, rewrite });
                }
            }
        }
    }
    assert!(ways.len() > 20, "only {} rewrites", ways.len());
    ways
}

/// The rewrite that the first two bytes name, and the message behind them.
pub fn choose<'a, 'b>(ways: &'a [Way], input: &'b [u8]) -> Option<(&'a Way, &'b [u8])> {
    let [high, low, message @ ..] = input else { return None };
    Some((&ways[usize::from(u16::from_be_bytes([*high, *low])) % ways.len()], message))
}
