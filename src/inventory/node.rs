//! Nodes of the inventory: one object, and the simulation objects that make it answer in every version where rules do not.

use std::path::Path;
use std::sync::Arc;

use super::OpenError;
use super::clock::Clock;
use super::generated::{protocol, v1_1_0, v2_0_0, v3_0_0};
use super::{objects, steps};
use crate::bundle::PublicKey;
use crate::dispatch::Object;
use crate::node::{BuildError, Node};
use crate::simulation::Adjacent;

/// Opens a node that runs `version` of the inventory, one of 1.1.0, 2.0.0 and 3.0.0, with its state below `state`.
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
    let directory = state.join(format!("object-{version}"));
    let builder = trusted.iter().fold(Node::builder(protocol()), |builder, key| builder.trust(*key));
    let builder = match version {
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
    };
    Ok(builder.build()?)
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
