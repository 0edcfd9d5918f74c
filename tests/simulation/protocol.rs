//! The protocol whose versions the fleet goes through, its bundles, and who can call what where.

use straddle::Protocol;
use straddle::bundle::Bundle;
use straddle::dispatch::{End, Walk};

pub(crate) const NAME: &str = "shop";

/// Four versions. Legacy goes with 2.0.0, List comes with 1.1.0 and Audit with 2.0.0; 3.0.0 answers Reserve by code.
const FILES: [(&str, &str); 8] = [
    ("protocol.toml", "name = \"shop\"\n"),
    ("1.0.0/shop.proto", include_str!("shop/1.0.0.proto")),
    ("1.1.0/shop.proto", include_str!("shop/1.1.0.proto")),
    ("1.1.0/step.toml", "from = \"1.0.0\"\n"),
    ("2.0.0/shop.proto", include_str!("shop/2.0.0.proto")),
    ("2.0.0/step.toml", "from = \"1.1.0\"\n"),
    ("3.0.0/shop.proto", include_str!("shop/3.0.0.proto")),
    ("3.0.0/step.toml", include_str!("shop/3.0.0.toml")),
];

/// What is the same for all seeds.
pub(crate) struct Fleet {
    pub(crate) protocol: Protocol,
    /// Those of the steps, the oldest first.
    pub(crate) bundles: Vec<Bundle>,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        let protocol = Protocol::load(super::folder::folder(&FILES).path()).expect("a protocol");
        let step = |index: usize| {
            let (from, to) = (protocol.versions()[index].version(), protocol.versions()[index + 1].version());
            Bundle::of_step(&protocol, from, to).expect("a step")
        };
        let bundles = (0..protocol.versions().len() - 1).map(step).collect();
        Self { protocol, bundles }
    }

    pub(crate) fn name(&self, version: usize) -> String {
        let versions = self.protocol.versions();
        versions[version.min(versions.len() - 1)].version().to_string()
    }

    pub(crate) fn index(&self, version: &str) -> usize {
        let found = self.protocol.versions().iter().position(|schema| schema.version().to_string() == version);
        found.unwrap_or_else(|| panic!("{version} is no version"))
    }

    pub(crate) fn versions(&self) -> usize {
        self.protocol.versions().len()
    }

    /// Whether a call has a route to a node that runs a version, with a program that was built with these.
    pub(crate) fn routed(&self, caller: usize, method: usize, node: usize, program: (usize, usize)) -> bool {
        let walk = Walk::new(&self.protocol, caller, method, node);
        match walk.end {
            End::Native => true,
            End::Simulated => program.0 <= walk.version && walk.version <= program.1,
            End::Refused(_) => false,
        }
    }

    pub(crate) fn method(&self, version: usize, method: usize) -> &str {
        self.protocol.versions()[version].methods()[method].full_name()
    }
}
