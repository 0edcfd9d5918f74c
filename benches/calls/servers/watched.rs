//! Nodes with all that can be told of them: who calls them is counted, and their numbers are asked for each second. What asks is in
//! the same process, so what it costs counts as well.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ::straddle::dispatch::Sampling;
use ::straddle::node::{Builder, Coordinated, Node};
use tokio::net::TcpListener;

use super::{spans, straddle as nodes};
use crate::candidates::Serving;

/// Far more often than anybody asks.
const ASKED_EACH: Duration = Duration::from_secs(1);
/// The share of calls that are traced, where it is not all of them.
const SAMPLED: f64 = 0.01;

/// [`nodes::newer`] with its agent, which counts all calls.
pub(crate) fn attending(listener: TcpListener) -> Serving {
    Box::pin(async move { serve(listener, attend(nodes::both())?).await })
}

/// [`nodes::newer`], watched; of what it logs, INFO and above is taken, and so no spans of calls.
pub(crate) fn newer(listener: TcpListener) -> Serving {
    watched(listener, nodes::both(), spans::take_none)
}

/// The same, with the spans of one call in a hundred.
pub(crate) fn newer_sampled(listener: TcpListener) -> Serving {
    watched(listener, nodes::both().trace_calls(Sampling::by_caller(SAMPLED)), spans::take)
}

/// The same, with each call's span.
pub(crate) fn newer_traced(listener: TcpListener) -> Serving {
    watched(listener, nodes::both(), spans::take)
}

/// [`nodes::behind_rules`], watched as [`newer`] is.
pub(crate) fn behind_rules(listener: TcpListener) -> Serving {
    watched(listener, nodes::eleventh(), spans::take_none)
}

/// The same, with the spans of one call in a hundred.
pub(crate) fn behind_rules_sampled(listener: TcpListener) -> Serving {
    watched(listener, nodes::eleventh().trace_calls(Sampling::by_caller(SAMPLED)), spans::take)
}

/// The same, with each call's span.
pub(crate) fn behind_rules_traced(listener: TcpListener) -> Serving {
    watched(listener, nodes::eleventh(), spans::take)
}

fn watched(listener: TcpListener, builder: Builder, subscribe: fn() -> io::Result<()>) -> Serving {
    Box::pin(async move {
        subscribe()?;
        let node = attend(builder)?;
        let admin = TcpListener::bind("127.0.0.1:0").await?;
        let address = admin.local_addr()?;
        tokio::spawn(node.serve_admin(admin, std::future::pending())?);
        std::thread::spawn(move || {
            loop {
                if let Err(error) = ask(address) {
                    eprintln!("calls: the numbers of the server: {error}");
                    std::process::exit(1);
                }
                std::thread::sleep(ASKED_EACH);
            }
        });
        serve(listener, node).await
    })
}

/// A node with its agent. Its coordinator is not there: what it does each 5 seconds is not what a call costs.
fn attend(builder: Builder) -> io::Result<Node> {
    let coordinated = Coordinated::by("http://127.0.0.1:9").name("echo").serve_unadmitted_after(Duration::ZERO);
    builder.coordinated(coordinated).build().map_err(io::Error::other)
}

async fn serve(listener: TcpListener, node: Node) -> io::Result<()> {
    let _attending = node.attend(&listener.local_addr()?.to_string())?;
    // Before it serves without a coordinator it begins no call; connections wait.
    while node.status().unadmitted.is_some() {
        tokio::task::yield_now().await;
    }
    node.serve(listener, std::future::pending())?.await;
    Ok(())
}

/// Asks for the numbers, as Prometheus does.
fn ask(address: SocketAddr) -> io::Result<()> {
    let mut connection = TcpStream::connect(address)?;
    write!(connection, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    connection.read_to_string(&mut page)?;
    if page.starts_with("HTTP/1.1 200 ") && page.contains("straddle_calls_total") {
        return Ok(());
    }
    Err(io::Error::other(format!("no numbers: {page:.200}")))
}
