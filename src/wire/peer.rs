//! Where a call comes from.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The address of a connection's peer, written once. It goes along with the body of each request, for whoever counts callers: objects
/// do not see it.
#[derive(Clone)]
pub(crate) struct Peer(Arc<str>);

impl Peer {
    pub(crate) fn new(address: IpAddr) -> Self {
        // A socket for both families says that IPv4 was mapped.
        Self(address.to_canonical().to_string().into())
    }

    pub(crate) fn address(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Peer")
    }
}
