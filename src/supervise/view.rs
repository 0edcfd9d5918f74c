//! What the admin service sees of the supervisor.

use crate::node::admin::wire::node_client::NodeClient;
use crate::node::admin::wire::{NodeStatus, Program};
use crate::transport::Channel;

use super::machine::Run;

pub(super) type Client = NodeClient<Channel>;

#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) status: NodeStatus,
    /// Of the program that serves.
    pub(super) client: Option<Client>,
    /// The address of its admin service.
    pub(super) program_admin: Option<String>,
    pub(super) at: Option<Run>,
    pub(super) before: Option<Run>,
    /// Whether a move could begin.
    pub(super) idle: bool,
    /// Whether one could begin if programs were gone that have nothing to do any more.
    pub(super) clears: bool,
}

impl View {
    /// Of a supervisor that has not begun.
    pub(super) fn new(status: NodeStatus) -> Self {
        Self { status, client: None, program_admin: None, at: None, before: None, idle: false, clears: false }
    }

    /// On one line.
    pub(super) fn short(&self) -> String {
        let NodeStatus { protocol, version, program, .. } = &self.status;
        let Program { release, process, .. } = program.clone().unwrap_or_default();
        let serves = if process == 0 { "does not serve" } else { "serves" };
        format!("{protocol} {version}: release {release} {serves}")
    }
}
