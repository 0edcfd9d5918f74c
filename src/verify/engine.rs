//! What is tried, behind a trait, so that what tries it can be tried on engines that err.

use bytes::Bytes;

use crate::rewrite::{Limits, Rewrite, RewriteError};

/// Turns the bytes of a message of one version into those of another version.
pub trait Engine {
    /// The way that calls take.
    ///
    /// # Errors
    /// When the message is refused, malformed, or too much.
    fn convert(&self, message: &Bytes) -> Result<Bytes, RewriteError>;

    /// One step after the other, whatever could be done at once.
    ///
    /// # Errors
    /// As [`convert`](Self::convert).
    fn convert_step_by_step(&self, message: &Bytes) -> Result<Bytes, RewriteError>;
}

impl Engine for Rewrite {
    fn convert(&self, message: &Bytes) -> Result<Bytes, RewriteError> {
        self.apply(message, &Limits::default()).map(crate::rewrite::Rewritten::into_bytes)
    }

    fn convert_step_by_step(&self, message: &Bytes) -> Result<Bytes, RewriteError> {
        self.apply_hop_by_hop(message, &Limits::default()).map(crate::rewrite::Rewritten::into_bytes)
    }
}

impl<E: Engine + ?Sized> Engine for &E {
    fn convert(&self, message: &Bytes) -> Result<Bytes, RewriteError> {
        (**self).convert(message)
    }

    fn convert_step_by_step(&self, message: &Bytes) -> Result<Bytes, RewriteError> {
        (**self).convert_step_by_step(message)
    }
}
