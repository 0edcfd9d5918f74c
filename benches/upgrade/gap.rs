//! How long nobody is answered while what answers is replaced: ours in each way, nginx's own way, and a plain server that is
//! stopped and started.
//!
//! Four callers, each with a connection of its own, call a thousand times a second each, one call after the other. A call
//! that was told that it was not begun is made again; so is a connection that went away. Whatever else fails counts.

mod drained;
mod nginx;
mod node;
mod plain;
mod probe;
mod restarted;

use std::time::Duration;

pub(crate) use self::plain::run as run_plain;
pub(crate) use self::probe::Felt;
use crate::options::Options;
use crate::records::text;

/// How long everything is called before and after.
const AROUND: Duration = Duration::from_secs(1);

/// What callers felt of one way.
pub(crate) struct Row {
    pub(crate) way: &'static str,
    /// One for each round.
    pub(crate) felt: Vec<Felt>,
    /// Why it was not measured.
    pub(crate) skipped: Option<String>,
}

/// The ways, in the order in which they take turns.
const WAYS: [&str; 6] = [SOFT, SAME, NEXT, DRAIN, NGINX, "plain tonic, stopped and started"];
const SOFT: &str = "soft, 1.1.0 to 2.0.0";
const SAME: &str = "restart, the same version";
const NEXT: &str = "restart, 1.1.0 to 2.0.0";
const DRAIN: &str = "drain, two nodes, 1.1.0 to 2.0.0";
const NGINX: &str = "nginx, its own way";

pub(crate) fn rows(options: &Options) -> Result<Vec<Row>, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(text)?;
    let mut rows: Vec<Row> = WAYS.map(|way| Row { way, felt: Vec::new(), skipped: None }).into();
    for round in 0..options.rounds {
        for row in rows.iter_mut().filter(|row| row.skipped.is_none()) {
            eprintln!("round {round}: {}", row.way);
            let felt = runtime.block_on(async {
                match row.way {
                    SOFT => node::soft(options).await.map(Ok),
                    SAME => restarted::same_version(options).await.map(Ok),
                    NEXT => restarted::next_version(options).await.map(Ok),
                    DRAIN => drained::upgraded(options).await.map(Ok),
                    NGINX => nginx::replaced(options).await,
                    _ => plain::replaced().await.map(Ok),
                }
            })?;
            match felt {
                Ok(felt) => row.felt.push(felt),
                Err(why) => row.skipped = Some(why),
            }
        }
    }
    Ok(rows)
}
