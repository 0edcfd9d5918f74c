//! What a program does once it accepts callers.

use std::fmt;
use std::net::SocketAddr;

use crate::node::Node;

/// A program that accepts callers.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ready<'p> {
    /// Its node.
    pub node: &'p Node,
    /// Where callers come.
    pub callers: SocketAddr,
    /// Where its admin service is.
    pub admin: SocketAddr,
}

type Act = dyn FnOnce(&Ready<'_>) + Send;

/// What is to be done then, if anything.
#[derive(Default)]
pub(super) struct Then(Option<Box<Act>>);

impl Then {
    pub(super) fn new(then: impl FnOnce(&Ready<'_>) + Send + 'static) -> Self {
        Self(Some(Box::new(then)))
    }

    pub(super) fn act(self, ready: &Ready<'_>) {
        if let Some(then) = self.0 {
            then(ready);
        }
    }
}

impl fmt::Debug for Then {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Then").field(&self.0.is_some()).finish()
    }
}
