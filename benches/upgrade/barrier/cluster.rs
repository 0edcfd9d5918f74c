//! The process of all nodes.

use std::io::Write;
use std::path::{Path, PathBuf};

use straddle::state::Mode;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::pause::Node;
use crate::pause::node::{open, told};
use crate::records::text;

/// The process of several nodes, whose states are the folders `0`, `1` and so on in `folder`.
pub(crate) struct Cluster(Node);

impl Cluster {
    pub(crate) fn start(count: usize, folder: &Path) -> Result<Self, String> {
        Node::run(&["--cluster".as_ref(), count.to_string().as_ref(), folder.as_ref()]).map(Self)
    }

    /// The next node's addresses: for callers, and of its admin service.
    pub(crate) async fn next(&mut self) -> Result<[String; 2], String> {
        self.0.hear("node").await
    }

    pub(crate) async fn stop(self) -> Result<(), String> {
        self.0.stop().await
    }
}

/// Says `node CALLERS ADMIN` for each of so many nodes, whose states lie in the folder; ends when nobody listens any more.
pub(crate) fn run((count, folder): &(usize, PathBuf)) -> Result<(), String> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(text)?.block_on(serve(*count, folder))
}

async fn serve(count: usize, folder: &Path) -> Result<(), String> {
    let stop = watch::Sender::new(false);
    let mut serving = JoinSet::new();
    for number in 0..count {
        let node = open(Mode::Lazy, &folder.join(number.to_string())).await?;
        let bind = async || TcpListener::bind("127.0.0.1:0").await.map_err(text);
        let stopped = || {
            let mut stopping = stop.subscribe();
            async move { drop(stopping.wait_for(|stop| *stop).await) }
        };
        let callers = node.serve(bind().await?, stopped()).map_err(text)?;
        let admin = node.serve_admin(bind().await?, stopped()).map_err(text)?;
        let mut output = std::io::stdout().lock();
        writeln!(output, "node {} {}", callers.local_addr(), admin.local_addr()).map_err(text)?;
        output.flush().map_err(text)?;
        serving.spawn(callers);
        serving.spawn(admin);
    }
    let mut input = told();
    while input.recv().await.is_some() {}
    stop.send_replace(true);
    serving.join_all().await;
    Ok(())
}
