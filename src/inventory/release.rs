//! Releases of the inventory, as a service has them: programs that can each run some of its versions as current.

use std::sync::Arc;
use std::time::Duration;

use tonic::Status;

use super::clock::Clock;
use super::generated::protocol;
use super::node::{
    OpenNodeError, beginning_at_1_1_0, future_of_node, object_of_2_0_0, object_of_3_0_0, past_of_node, to_2_0_0,
    to_3_0_0,
};
use super::objects;
use crate::dispatch::Object;
use crate::node::{Builder, Node, Opening, Upgrade};
use crate::state::Mode;
use crate::version::Version;

/// What is wrong with a release on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// The object of its newest version never opens.
    NeverOpens,
    /// Its newest version finds itself not sane.
    NotSane,
    /// The reverse function of its newest version never comes to an end.
    NeverBack,
}

/// A node that can run exactly these versions, the oldest first, and serves all of them. `mode` says how items are carried over.
///
/// # Errors
/// When they are no adjacent ones of those that there are objects of.
pub(crate) fn release(
    runs: &[Version],
    clock: &Arc<dyn Clock>,
    mode: Mode,
    spoil: Option<Spoil>,
) -> Result<Builder, OpenNodeError> {
    let names: Vec<String> = runs.iter().map(Version::to_string).collect();
    let spoiled = |version: &str, upgrade: Upgrade| match spoil {
        Some(spoil) if names.last().is_some_and(|last| last == version) => spoil.spoil(upgrade),
        _ => upgrade,
    };
    let (second, third) =
        (|| spoiled("2.0.0", to_2_0_0(clock, mode)), || spoiled("3.0.0", to_3_0_0(clock, mode, Duration::ZERO)));
    // Of steps beyond what it runs a release has the simulation objects.
    let (past, future) =
        (|| Upgrade::to("3.0.0").past(past_of_node(clock)), || Upgrade::to("3.0.0").future(future_of_node(clock)));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(match names.as_slice() {
        ["1.1.0"] => beginning_at_1_1_0(clock).upgrade(future()),
        ["1.1.0", "2.0.0"] => beginning_at_1_1_0(clock).upgrade(second()).upgrade(future()),
        ["1.1.0", "2.0.0", "3.0.0"] => beginning_at_1_1_0(clock).upgrade(second()).upgrade(third()),
        ["2.0.0"] => beginning_at_2_0_0(clock).upgrade(future()),
        ["2.0.0", "3.0.0"] => beginning_at_2_0_0(clock).upgrade(third()),
        ["3.0.0"] => Node::builder(protocol())
            .object("3.0.0", object_of_3_0_0(clock))
            .records(objects::v3_0_0::Object::layout())
            .upgrade(past()),
        _ => return Err(OpenNodeError::NoObject { version: names.join(", ") }),
    })
}

fn beginning_at_2_0_0(clock: &Arc<dyn Clock>) -> Builder {
    Node::builder(protocol()).object("2.0.0", object_of_2_0_0(clock)).records(objects::v2_0_0::Object::layout())
}

impl Spoil {
    fn spoil(self, upgrade: Upgrade) -> Upgrade {
        match self {
            Self::NeverOpens => upgrade.object(|_: &Opening| -> Result<Object, String> { never() }),
            Self::NeverBack => upgrade.reverse(|_| -> Result<(), String> { never() }),
            Self::NotSane => upgrade.verify(|_| async { Err(Status::data_loss("this release is broken on purpose")) }),
        }
    }
}

fn never() -> ! {
    loop {
        std::thread::park();
    }
}
