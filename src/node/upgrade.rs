//! An upgrade, as the author of a service declares it.

use std::fmt;
use std::future::Future;

use super::build::Simulation;
use super::opening::Opening;
use super::transforming::Transforming;
use crate::simulation::Adjacent;
use crate::state::{Layout, Mode};

/// What a node needs to go from the version before to another one, and back: the paper's class upgrade.
///
/// Whatever rules do by themselves can be left out. What is missing is an error when the node is built, all at once.
#[derive(Debug)]
#[must_use = "give it to `Builder::upgrade`"]
pub struct Upgrade {}

impl Upgrade {
    /// An upgrade to `version`, from the version of the object or upgrade that the builder was given before.
    pub fn to(version: &str) -> Self {
        todo!("{version}")
    }

    /// Opens the object of the version.
    pub fn object<S: Simulation>(self, open: impl Fn(&Opening) -> S + Send + Sync + 'static) -> Self {
        let _ = open;
        self
    }

    /// Opens the past simulation object: it implements the version just before this one by calling this one. Needed where
    /// the step says `code` under `[past]`.
    pub fn past<S: Simulation>(self, simulate: impl Fn(Adjacent, &Opening) -> S + Send + Sync + 'static) -> Self {
        let _ = simulate;
        self
    }

    /// Opens the future simulation object: it implements this version by calling the one just before it. Needed where the
    /// step says `code` under `[future]`.
    pub fn future<S: Simulation>(self, simulate: impl Fn(Adjacent, &Opening) -> S + Send + Sync + 'static) -> Self {
        let _ = simulate;
        self
    }

    /// The current object's state is records of this layout; those of the version before are carried over by the rules.
    /// Where there is a [`transform`](Self::transform) too, it comes after, for the rest.
    pub fn records(self, layout: Layout, mode: Mode) -> Self {
        let _ = (layout, mode);
        self
    }

    /// Makes the new state of the old one, while callers wait; see [`Transforming`]. It may block.
    pub fn transform<E: fmt::Display>(
        self,
        transform: impl Fn(&Transforming) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let _ = transform;
        self
    }

    /// Makes the old state of the new one, for a rollback; otherwise as [`transform`](Self::transform).
    pub fn reverse<E: fmt::Display>(
        self,
        reverse: impl Fn(&Transforming) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        let _ = reverse;
        self
    }

    /// Tries the new object before any caller reaches it, through a channel that speaks the new version. An error takes the
    /// node back to the version before. It has a time limit.
    pub fn verify<F, E>(self, verify: impl Fn(Adjacent) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let _ = verify;
        self
    }

    /// Asked before the upgrade begins: a reason to say "not now", or none.
    pub fn hold(self, hold: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        let _ = hold;
        self
    }
}
