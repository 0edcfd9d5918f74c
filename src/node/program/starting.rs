//! From a program that is prepared to a node that may serve.

use std::pin::pin;

use super::beat::Beat;
use super::ended::Ended;
use super::signals::{self, Signals};
use crate::node::build::BuildError;
use crate::node::engine::{Beginning, Starting};
use crate::node::{Builder, Node};

/// Waits for the state, and brings it to its version. A signal ends the waiting at once; a move it lets come to its end, but for
/// a second one: what that leaves is in the journal.
pub(super) async fn start(
    beginning: Beginning,
    goes_back: bool,
    signals: &mut Signals,
    beat: &mut Beat,
) -> Result<Node, Ended> {
    let starting = beginning.starting.subscribe();
    let mut start = pin!(Builder::start_checked(beginning));
    let mut asked = false;
    let started = loop {
        tokio::select! {
            biased;
            started = &mut start => break started,
            () = signals.next() => {
                beat.stopping("asked to stop, and stops when the state is whole").await;
                if matches!(*starting.borrow(), Starting::Waits) {
                    return Err(Ended::Stopped);
                }
                if asked {
                    signals::cut(&Ended::Stopped);
                }
                asked = true;
            }
            () = beat.due() => {
                let status = match &*starting.borrow() {
                    Starting::Waits => None,
                    Starting::Moves(life) => Some(life.status()),
                };
                beat.goes_on(status.as_ref(), true).await;
            }
        }
    };
    drop(starting);
    let node = started.map_err(|error| ended(&error))?;
    if asked || goes_back {
        node.stop().await;
        return Err(Ended::Stopped);
    }
    Ok(node)
}

fn ended(error: &BuildError) -> Ended {
    // There is one when a node with a state did not start.
    let why = error.faults().join("\n");
    match error.went_back() {
        Some(version) => Ended::WentBack { version: version.clone(), why },
        None if error.is_unfit() => Ended::Unfit(why),
        None => Ended::Failed(why),
    }
}
