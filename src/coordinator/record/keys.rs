//! The keys of the upgrade database. ARCHITECTURE.md has them all, with what lies there.
//!
//! Names of protocols, nodes and methods have no zero byte and none that would be taken for a separator where another part
//! follows; numbers have 20 digits, so that they are in the order of keys.

use bytes::Bytes;

/// What all keys begin with.
pub const ALL: &str = "straddle/";
/// Who writes.
pub const LEADER: &str = "straddle/leader";
/// What numbers are used.
pub const COUNTERS: &str = "straddle/counters";
/// What published versions begin with.
pub const VERSIONS: &str = "straddle/versions/";
/// What bundles begin with.
pub const BUNDLES: &str = "straddle/bundles/";
/// What the parts of bundles begin with.
pub const PARTS: &str = "straddle/parts/";
/// What nodes begin with.
pub const NODES: &str = "straddle/nodes/";
/// What upgrades begin with.
pub const UPGRADES: &str = "straddle/upgrades/";
/// What permits begin with.
pub const PERMITS: &str = "straddle/permits/";
/// What events begin with.
pub const EVENTS: &str = "straddle/events/";
/// What callers begin with.
pub const CALLERS: &str = "straddle/callers/";
/// What the counts of the census begin with.
pub const CENSUS: &str = "straddle/census/";
/// What was forgotten of callers begins with.
pub const CENSUS_FLOORS: &str = "straddle/census-floors/";
/// What says which time of nodes the census knows begins with.
pub const CENSUS_NODES: &str = "straddle/census-nodes/";
/// What is retired, and announced, begins with.
pub const RETIRING: &str = "straddle/retiring/";
/// What is being written that no transaction holds.
pub const PENDING: &str = "straddle/pending";
/// What its parts begin with.
pub const PENDING_PARTS: &str = "straddle/pending-parts/";
/// What active versions begin with.
pub const ACTIVE: &str = "straddle/active/";

/// A version that was published.
#[must_use]
pub fn version(protocol: &str, version: &str) -> Bytes {
    format!("{VERSIONS}{protocol}/{version}").into()
}

/// A bundle, by its place among those of its protocol.
#[must_use]
pub fn bundle(protocol: &str, order: u64, digest: &str) -> Bytes {
    format!("{BUNDLES}{protocol}/{order:020}/{digest}").into()
}

/// A part of a bundle's file; the first one has 0.
#[must_use]
pub fn part(digest: &str, part: u32) -> Bytes {
    format!("{PARTS}{digest}/{part:04}").into()
}

/// A node.
#[must_use]
pub fn node(protocol: &str, node: &str) -> Bytes {
    format!("{NODES}{protocol}/{node}").into()
}

/// An upgrade.
#[must_use]
pub fn upgrade(number: u64) -> Bytes {
    format!("{UPGRADES}{number:020}").into()
}

/// The permit of a node.
#[must_use]
pub fn permit(protocol: &str, node: &str) -> Bytes {
    format!("{PERMITS}{protocol}/{node}").into()
}

/// An event.
#[must_use]
pub fn event(number: u64) -> Bytes {
    format!("{EVENTS}{number:020}").into()
}

/// A method that was called.
#[must_use]
pub fn caller(protocol: &str, version: &str, method: &str) -> Bytes {
    format!("{CALLERS}{protocol}/{version}/{method}").into()
}

/// The calls of a service of a version; it is named as `package.Service`.
#[must_use]
pub fn census_of_service(protocol: &str, version: &str, service: &str) -> Bytes {
    format!("{CENSUS}{protocol}/{version}/{service}").into()
}

/// How often each caller may have called besides.
#[must_use]
pub fn census_floor(protocol: &str) -> Bytes {
    format!("{CENSUS_FLOORS}{protocol}").into()
}

/// Which time of a node the census knows.
#[must_use]
pub fn census_node(protocol: &str, node: &str) -> Bytes {
    format!("{CENSUS_NODES}{protocol}/{node}").into()
}

/// What of a protocol is retired, and announced.
#[must_use]
pub fn retiring(protocol: &str) -> Bytes {
    format!("{RETIRING}{protocol}").into()
}

/// The version whose behaviour is active everywhere.
#[must_use]
pub fn active(protocol: &str) -> Bytes {
    format!("{ACTIVE}{protocol}").into()
}

/// A part of what is being written; the first one has 0.
#[must_use]
pub fn pending_part(part: u32) -> Bytes {
    format!("{PENDING_PARTS}{part:010}").into()
}
