//! Nodes of the inventory: one object, and the simulation objects that make it answer in every version where rules do not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tonic::Status;

use super::OpenError;
use super::clock::Clock;
use super::generated::{protocol, v1_1_0, v2_0_0, v3_0_0};
use super::{objects, steps};
use crate::bundle::PublicKey;
use crate::dispatch::Object;
use crate::node::{BuildError, Builder, Node, Opening, Upgrade};
use crate::protocol::Protocol;
use crate::simulation::Adjacent;
use crate::state::Mode;
#[cfg(feature = "cli")]
use crate::version::Version;

/// A node that begins at 1.1.0 and can go to 2.0.0 and 3.0.0, and back, with its state below `state`. A state that is there
/// already goes on at the version that it has.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use straddle::inventory::clock::{Clock, SystemClock};
/// use straddle::inventory::inventory_node;
///
/// let clock: Arc<dyn Clock> = Arc::new(SystemClock);
/// let node = inventory_node("state".as_ref(), &clock).start().await?;
/// // Callers of all versions go on while it is upgraded.
/// node.upgrade(&"2.0.0".parse()?).await?;
/// # Ok(()) }
/// ```
pub fn inventory_node(state: &Path, clock: &Arc<dyn Clock>) -> Builder {
    both(clock, Mode::Online, Duration::ZERO).state(state)
}

/// A node like that of [`inventory_node`], but a new state begins at `version`, and items are carried over as `mode` says.
///
/// # Errors
/// When there is no object of that version.
pub fn inventory_node_from(
    version: &str,
    state: &Path,
    clock: &Arc<dyn Clock>,
    mode: Mode,
) -> Result<Builder, OpenNodeError> {
    inventory_node_slow(version, state, clock, mode, Duration::ZERO)
}

/// The same, whose transform function to 3.0.0 takes at least so long.
pub(crate) fn inventory_node_slow(
    version: &str,
    state: &Path,
    clock: &Arc<dyn Clock>,
    mode: Mode,
    slow: Duration,
) -> Result<Builder, OpenNodeError> {
    // A state that is there may be older than that, or have come from an older version.
    let known = state.join("CURRENT").exists();
    let builder = match version {
        "1.1.0" => both(clock, mode, slow),
        "2.0.0" | "3.0.0" if known => both(clock, mode, slow),
        "2.0.0" => {
            let builder = Node::builder(protocol()).object(version, object_of_2_0_0(clock));
            builder.records(objects::v2_0_0::Object::layout()).upgrade(to_3_0_0(clock, mode, slow))
        }
        "3.0.0" => Node::builder(protocol())
            .object(version, object_of_3_0_0(clock))
            .records(objects::v3_0_0::Object::layout())
            .upgrade(Upgrade::to("3.0.0").past(past_of_node(clock))),
        _ => return Err(OpenNodeError::NoObject { version: version.to_owned() }),
    };
    Ok(builder.state(state))
}

/// A node that begins at 1.1.0, of a program that was built when `newest` was the newest version: what came after it, it has to
/// learn.
#[cfg(feature = "cli")]
pub(crate) fn inventory_node_as_of(
    newest: &Version,
    state: &Path,
    clock: &Arc<dyn Clock>,
    slow: Duration,
) -> Result<Builder, OpenNodeError> {
    let mode = Mode::Online;
    let no_object = || OpenNodeError::NoObject { version: newest.to_string() };
    let protocol = protocol().as_of(newest).ok_or_else(no_object)?;
    let builder = beginning(protocol, clock).state(state);
    match newest.to_string().as_str() {
        "1.1.0" => Ok(builder),
        "2.0.0" => Ok(builder.upgrade(to_2_0_0(clock, mode))),
        "3.0.0" => Ok(builder.upgrade(to_2_0_0(clock, mode)).upgrade(to_3_0_0(clock, mode, slow))),
        _ => Err(no_object()),
    }
}

pub(super) fn beginning_at_1_1_0(clock: &Arc<dyn Clock>) -> Builder {
    beginning(protocol(), clock)
}

fn beginning(protocol: Protocol, clock: &Arc<dyn Clock>) -> Builder {
    let clock = clock.clone();
    let object = move |opening: &Opening| {
        let object = objects::v1_1_0::Object::of_node(opening, clock.clone())?;
        Ok::<_, OpenError>(Object::of(v1_1_0::inventory_server::InventoryServer::new(object)))
    };
    Node::builder(protocol).object("1.1.0", object).records(objects::v1_1_0::Object::layout())
}

/// From the oldest version that there is an object of, with both upgrades.
fn both(clock: &Arc<dyn Clock>, mode: Mode, slow: Duration) -> Builder {
    beginning_at_1_1_0(clock).upgrade(to_2_0_0(clock, mode)).upgrade(to_3_0_0(clock, mode, slow))
}

/// All that differs are the items, and of them rules say all.
pub(super) fn to_2_0_0(clock: &Arc<dyn Clock>, mode: Mode) -> Upgrade {
    Upgrade::to("2.0.0")
        .object(object_of_2_0_0(clock))
        .records(objects::v2_0_0::Object::layout(), mode)
        .verify(|adjacent| reads_2_0_0(v2_0_0::inventory_client::InventoryClient::new(adjacent)))
}

/// Items are the same; what reservations are, code takes over.
pub(super) fn to_3_0_0(clock: &Arc<dyn Clock>, mode: Mode, slow: Duration) -> Upgrade {
    let (there, back) = (clock.clone(), clock.clone());
    Upgrade::to("3.0.0")
        .object(object_of_3_0_0(clock))
        .past(past_of_node(clock))
        .future(future_of_node(clock))
        .records(objects::v3_0_0::Object::layout(), mode)
        .transform(move |transforming| {
            std::thread::sleep(slow);
            steps::v3_0_0::to_3_0_0(transforming, &there)
        })
        .reverse(move |transforming| steps::v3_0_0::to_2_0_0(transforming, &back))
        .verify(|adjacent| reads_3_0_0(v3_0_0::inventory_client::InventoryClient::new(adjacent)))
}

pub(super) fn object_of_2_0_0(
    clock: &Arc<dyn Clock>,
) -> impl Fn(&Opening) -> Result<Object, OpenError> + Send + Sync + 'static {
    let clock = clock.clone();
    move |opening| {
        let object = objects::v2_0_0::Object::of_node(opening, clock.clone())?;
        Ok(Object::of(v2_0_0::inventory_server::InventoryServer::new(object)))
    }
}

pub(super) fn object_of_3_0_0(
    clock: &Arc<dyn Clock>,
) -> impl Fn(&Opening) -> Result<Object, OpenError> + Send + Sync + 'static {
    let clock = clock.clone();
    move |opening| {
        let object = objects::v3_0_0::Object::of_node(opening, clock.clone())?;
        Ok(Object::of(v3_0_0::inventory_server::InventoryServer::new(object)))
    }
}

pub(super) fn past_of_node(
    clock: &Arc<dyn Clock>,
) -> impl Fn(Adjacent, &Opening) -> Result<Object, OpenError> + Send + Sync + 'static {
    let clock = clock.clone();
    move |adjacent, opening| {
        let client = v3_0_0::inventory_client::InventoryClient::new(adjacent);
        let past = steps::v3_0_0::Past::of_node(opening, clock.clone(), client)?;
        Ok(Object::of(v2_0_0::inventory_server::InventoryServer::new(past)))
    }
}

pub(super) fn future_of_node(
    clock: &Arc<dyn Clock>,
) -> impl Fn(Adjacent, &Opening) -> Result<Object, OpenError> + Send + Sync + 'static {
    let clock = clock.clone();
    move |adjacent, opening| {
        let client = v2_0_0::inventory_client::InventoryClient::new(adjacent);
        let future = steps::v3_0_0::Future::of_node(opening, clock.clone(), client)?;
        Ok(Object::of(v3_0_0::inventory_server::InventoryServer::new(future)))
    }
}

/// How many items the new object is asked for before callers reach it.
const TRIED: usize = 100;

/// That the first items can be read, with a stock that is one.
macro_rules! reads {
    ($name:ident, $version:ident) => {
        async fn $name(mut client: $version::inventory_client::InventoryClient<Adjacent>) -> Result<(), Status> {
            let mut items = client.list_items($version::ListItemsRequest::default()).await?.into_inner();
            for _ in 0..TRIED {
                let Some(item) = items.message().await? else { break };
                if item.stock < 0 {
                    return Err(Status::data_loss(format!("the stock of {:?} is {}", item.sku, item.stock)));
                }
            }
            Ok(())
        }
    };
}

reads!(reads_2_0_0, v2_0_0);
reads!(reads_3_0_0, v3_0_0);

/// Opens a node that runs `version` of the inventory, one of 1.1.0, 2.0.0 and 3.0.0, for good, with its state below `state`.
///
/// # Errors
/// When there is no object of that version, or its state cannot be opened.
pub fn open_node(version: &str, state: &Path, clock: &Arc<dyn Clock>) -> Result<Node, OpenNodeError> {
    open_node_trusting(version, state, clock, &[])
}

/// As [`open_node`]; the node learns bundles that one of these keys has signed.
///
/// # Errors
/// As [`open_node`].
pub fn open_node_trusting(
    version: &str,
    state: &Path,
    clock: &Arc<dyn Clock>,
    trusted: &[PublicKey],
) -> Result<Node, OpenNodeError> {
    let builder = builder_for_good(version, state, clock)?;
    Ok(trusted.iter().fold(builder, |builder, key| builder.trust(*key)).build()?)
}

/// What builds such a node.
pub(crate) fn builder_for_good(version: &str, state: &Path, clock: &Arc<dyn Clock>) -> Result<Builder, OpenNodeError> {
    let directory = state.join(format!("object-{version}"));
    let builder = Node::builder(protocol());
    Ok(match version {
        "1.1.0" => {
            let object = objects::v1_1_0::Object::open(directory, clock.clone())?;
            builder
                .object(version, Object::of(v1_1_0::inventory_server::InventoryServer::new(object)))
                .future("3.0.0", future_of_3_0_0(state, clock))
        }
        "2.0.0" => {
            let object = objects::v2_0_0::Object::open(directory, clock.clone())?;
            builder
                .object(version, Object::of(v2_0_0::inventory_server::InventoryServer::new(object)))
                .future("3.0.0", future_of_3_0_0(state, clock))
        }
        "3.0.0" => {
            let object = objects::v3_0_0::Object::open(directory, clock.clone())?;
            builder
                .object(version, Object::of(v3_0_0::inventory_server::InventoryServer::new(object)))
                .past("2.0.0", past_of_2_0_0)
        }
        _ => return Err(OpenNodeError::NoObject { version: version.to_owned() }),
    })
}

/// Why a node of the inventory could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenNodeError {
    /// This program has no object of the version.
    #[error("there is no object of {version}: a node of the inventory can run 1.1.0, 2.0.0 or 3.0.0")]
    NoObject {
        /// The version asked for.
        version: String,
    },
    /// A state cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The objects do not fit together.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Serves callers of 2.0.0 by calling 3.0.0.
fn past_of_2_0_0(adjacent: Adjacent) -> Object {
    let client = v3_0_0::inventory_client::InventoryClient::new(adjacent);
    Object::of(v2_0_0::inventory_server::InventoryServer::new(steps::v3_0_0::Past::new(client)))
}

/// Serves callers of 3.0.0 by calling 2.0.0, with state of its own.
fn future_of_3_0_0(
    state: &Path,
    clock: &Arc<dyn Clock>,
) -> impl FnOnce(Adjacent) -> Result<Object, OpenError> + Send + 'static {
    let (directory, clock) = (state.join("future-3.0.0"), clock.clone());
    move |adjacent| {
        let client = v2_0_0::inventory_client::InventoryClient::new(adjacent);
        let future = steps::v3_0_0::Future::open(directory, clock, client)?;
        Ok(Object::of(v3_0_0::inventory_server::InventoryServer::new(future)))
    }
}
