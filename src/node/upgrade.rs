//! An upgrade, as the author of a service declares it.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use super::build::Simulation;
use super::making::said;
use super::opening::Opening;
use super::transforming::Transforming;
use crate::dispatch::Object;
use crate::simulation::Adjacent;
use crate::state::{Layout, Mode};

pub(super) type OpenObject = Arc<dyn Fn(&Opening) -> Result<Object, String> + Send + Sync>;
pub(super) type OpenSimulation = Arc<dyn Fn(Adjacent, &Opening) -> Result<Object, String> + Send + Sync>;
pub(super) type Function = Arc<dyn Fn(&Transforming) -> Result<(), String> + Send + Sync>;
pub(super) type Verify = Arc<dyn Fn(Adjacent) -> Verifying + Send + Sync>;
pub(super) type Verifying = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
pub(super) type Hold = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// What a node needs to go from the version before to another one, and back: the paper's class upgrade.
///
/// Whatever rules do by themselves can be left out. What is missing is an error when the node starts, all at once:
///
/// - An upgrade with an [`object`](Self::object) is a version that the node can run. One without only brings simulation
///   objects, and is passed over.
/// - How the state gets there has to be said: by [`records`](Self::records), by a [`transform`](Self::transform), by both, or
///   that there is none ([`stateless`](Self::stateless)).
/// - A transform needs its [`reverse`](Self::reverse), or a word why there is no way back
///   ([`irreversible`](Self::irreversible)).
#[derive(Clone)]
#[must_use = "give it to `Builder::upgrade`"]
pub struct Upgrade {
    pub(super) version: String,
    pub(super) object: Option<OpenObject>,
    pub(super) past: Option<OpenSimulation>,
    pub(super) future: Option<OpenSimulation>,
    pub(super) records: Option<(Layout, Mode)>,
    pub(super) transform: Option<Function>,
    pub(super) reverse: Option<Function>,
    pub(super) irreversible: Option<String>,
    pub(super) stateless: bool,
    pub(super) verify: Option<Verify>,
    pub(super) hold: Option<Hold>,
}

impl Upgrade {
    /// An upgrade to `version`, from the version of the object or upgrade that the builder was given before.
    pub fn to(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            object: None,
            past: None,
            future: None,
            records: None,
            transform: None,
            reverse: None,
            irreversible: None,
            stateless: false,
            verify: None,
            hold: None,
        }
    }

    /// Opens the object of the version. It may block, and is called anew whenever the node comes to that version.
    pub fn object<S: Simulation>(mut self, open: impl Fn(&Opening) -> S + Send + Sync + 'static) -> Self {
        self.object = Some(Arc::new(move |opening| open(opening).into_object()));
        self
    }

    /// Opens the past simulation object: it implements the version just before this one by calling this one. Needed where
    /// the step says `code` under `[past]`.
    pub fn past<S: Simulation>(mut self, simulate: impl Fn(Adjacent, &Opening) -> S + Send + Sync + 'static) -> Self {
        self.past = Some(Arc::new(move |adjacent, opening| simulate(adjacent, opening).into_object()));
        self
    }

    /// Opens the future simulation object: it implements this version by calling the one just before it. Needed where the
    /// step says `code` under `[future]`.
    pub fn future<S: Simulation>(mut self, simulate: impl Fn(Adjacent, &Opening) -> S + Send + Sync + 'static) -> Self {
        self.future = Some(Arc::new(move |adjacent, opening| simulate(adjacent, opening).into_object()));
        self
    }

    /// The current object's state is records of this layout; those of the version before are carried over by the rules.
    /// Where there is a [`transform`](Self::transform) too, it comes after, for the rest. A node goes back the same way; the
    /// version before has said its own layout in its own upgrade, or in [`Builder::records`](super::Builder::records).
    pub fn records(mut self, layout: Layout, mode: Mode) -> Self {
        self.records = Some((layout, mode));
        self
    }

    /// Makes the new state of the old one, while callers wait; see [`Transforming`]. It may block.
    pub fn transform<E: fmt::Display>(
        mut self,
        transform: impl Fn(&Transforming) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.transform = Some(function(transform));
        self
    }

    /// Makes the old state of the new one, for a rollback; otherwise as [`transform`](Self::transform).
    pub fn reverse<E: fmt::Display>(
        mut self,
        reverse: impl Fn(&Transforming) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.reverse = Some(function(reverse));
        self
    }

    /// There is no way back from this version, and why: a rollback tells it. For a [`transform`](Self::transform) that cannot
    /// be reversed.
    pub fn irreversible(mut self, why: &str) -> Self {
        self.irreversible = Some(why.to_owned());
        self
    }

    /// The objects of the two versions, and the simulation objects between them, keep nothing on disk. Should there be
    /// something after all when the node moves, it does not.
    pub fn stateless(mut self) -> Self {
        self.stateless = true;
        self
    }

    /// Tries the new object before any caller reaches it, through a channel that speaks the new version. An error takes the
    /// node back to the version before. It has a time limit, [`Builder::verify_limit`](super::Builder::verify_limit).
    pub fn verify<F, E>(mut self, verify: impl Fn(Adjacent) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.verify = Some(Arc::new(move |adjacent| {
            let verified = verify(adjacent);
            Box::pin(async move { verified.await.map_err(|error| error.to_string()) })
        }));
        self
    }

    /// Asked before the upgrade begins: a reason to say "not now", or none. It is asked often, for those who watch the node:
    /// it should be quick.
    pub fn hold(mut self, hold: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        self.hold = Some(Arc::new(hold));
        self
    }

    /// Why not now, as the application sees it. One that panics does not know, which is a reason to wait.
    pub(super) fn held(&self) -> Option<String> {
        thread_local! {
            static ASKING: Cell<bool> = const { Cell::new(false) };
        }
        let hold = self.hold.as_ref()?;
        if ASKING.replace(true) {
            // It asks the node for its status, of which its own answer is a part.
            return None;
        }
        let asked = catch_unwind(AssertUnwindSafe(|| hold()));
        ASKING.set(false);
        asked.unwrap_or_else(|panic| Some(format!("what holds upgrades back panicked: {}", said(&*panic))))
    }
}

fn function<E: fmt::Display>(function: impl Fn(&Transforming) -> Result<(), E> + Send + Sync + 'static) -> Function {
    Arc::new(move |transforming| function(transforming).map_err(|error| error.to_string()))
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Upgrade").field("to", &self.version).finish_non_exhaustive()
    }
}
