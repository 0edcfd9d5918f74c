//! What an object is opened with.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use crate::protocol::Protocol;
use crate::state::{Layout, Lease, Records, RecordsError};
use crate::version::Version;

/// What an object, current or simulation, is opened with; a node opens it anew after each upgrade.
#[derive(Clone, Debug)]
pub struct Opening {}

impl Opening {
    /// The version that the object implements.
    #[must_use]
    pub fn version(&self) -> &Version {
        todo!()
    }

    /// The protocol, with what the node has learned since it was built.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        todo!()
    }

    /// The folder of the object's state; it is there. Another epoch has another one.
    #[must_use]
    pub fn folder(&self) -> &Path {
        todo!()
    }

    /// Opens the records in [`folder`](Self::folder). The node closes them itself when callers are held back, and knows them
    /// for [`Upgrade::records`](super::Upgrade::records).
    ///
    /// # Errors
    /// As [`Records::open`].
    pub fn records(&self, layout: &Layout) -> Result<Records, RecordsError> {
        todo!("{layout:?}")
    }

    /// Says that the folder is in use until what is returned is dropped: for states that are not [`records`](Self::records).
    #[must_use]
    pub fn lease(&self) -> Lease {
        todo!()
    }

    /// Where the object starts its work in the background.
    #[must_use]
    pub fn background(&self) -> &Background {
        todo!()
    }
}

/// The work that an object does beside calls: timers, tasks. The node stops it and waits for it before it touches the state.
#[derive(Clone, Debug)]
pub struct Background {}

impl Background {
    /// Starts a task that ends when it likes, at the latest when the node stops it: it is then dropped where it waits.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        todo!("{}", std::any::type_name_of_val(&task))
    }

    /// Starts a task that is told when to stop, and ends by itself soon after; past the node's patience it is dropped.
    pub fn spawn_until_stopped<F: Future<Output = ()> + Send + 'static>(&self, task: impl FnOnce(Stopping) -> F) {
        todo!("{}", std::any::type_name_of_val(&task))
    }
}

/// What tells a task in the background that it is to stop.
#[derive(Clone, Debug)]
pub struct Stopping {}

impl Stopping {
    /// Ready once the task is to stop.
    pub async fn requested(&self) {
        tokio::time::sleep(Duration::MAX).await;
    }
}
