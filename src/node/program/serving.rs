//! A program while its node serves, until it ends.

use std::pin::pin;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::beat::Beat;
use super::ended::Ended;
use super::ready::{Ready, Then};
use super::signals::{self, Signals};
use crate::node::Node;

/// Serves callers, and those who look after the node.
pub(super) async fn serve(
    node: &Node,
    callers: TcpListener,
    admin: TcpListener,
    ready: Then,
    signals: &mut Signals,
    beat: &mut Beat,
) -> Ended {
    let (stop, stops) = oneshot::channel::<()>();
    let (stop_admin, admin_stops) = oneshot::channel::<()>();
    let serving = node.serve(callers, async move { drop(stops.await) });
    let served_admin = node.serve_admin(admin, async move { drop(admin_stops.await) });
    let (serving, served_admin) = match (serving, served_admin) {
        (Ok(serving), Ok(served_admin)) => (serving, served_admin),
        (Err(error), _) | (_, Err(error)) => {
            node.stop().await;
            return Ended::Unfit(error.to_string());
        }
    };
    let (address, admin) = (serving.local_addr(), served_admin.local_addr());
    ready.act(&Ready { node, callers: address, admin });
    // Before the first of those who wait is answered: who crashes over a call was ready.
    beat.ready(address, &node.status()).await;
    let (mut serving, mut served_admin) = (tokio::spawn(serving), tokio::spawn(served_admin));

    let mut stop = Some(stop);
    let mut ended = Ended::Stopped;
    let mut handed_over = pin!(node.handed_over());
    let mut told = node.watch();
    loop {
        let going = stop.is_some();
        tokio::select! {
            biased;
            // The server ends by itself after that.
            () = &mut handed_over, if going => {
                stop = None;
                ended = Ended::HandedOver;
                beat.stopping("handed over to another program").await;
            }
            _ = &mut serving => break,
            Ok(status) = told.wait_for(|status| status.stuck.is_some()), if going => {
                let why = status.stuck.clone().unwrap_or_default();
                drop(status);
                stop = None;
                beat.stopping("the node is stuck").await;
                ended = Ended::Failed(format!("the node is stuck, and its program has to be started again: {why}"));
            }
            () = signals.next() => {
                if stop.take().is_none() {
                    signals::cut(&ended);
                }
                beat.stopping("asked to stop, and stops when the running calls are done").await;
            }
            () = beat.due() => beat.goes_on(Some(&node.status()), !going).await,
        }
    }
    // Only now: whoever handed the node over is told that it is.
    drop(stop_admin);
    tokio::select! {
        _ = &mut served_admin => ended,
        () = signals.next() => signals::cut(&ended),
    }
}
