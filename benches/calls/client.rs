//! The process of a client.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::candidates::Candidate;
use crate::drivers::{Connection, Driver};
use crate::options::Task;
use crate::workloads::Workload;
use crate::{process, server};

/// Calls slower than this are taken for lost.
const LOST: Duration = Duration::from_secs(30);

/// Warms up, says `ready`, measures at `go` and says `done {"calls":…}`.
pub(crate) fn run(task: &Task) -> Result<(), String> {
    let (go, gone) = oneshot::channel();
    let mut go = Some(go);
    process::obey(move |_| {
        go.take().map(|go| go.send(()));
    });
    server::runtime()?.block_on(async {
        let candidate = Candidate::find(&task.candidate)?;
        let workload = Workload::find(&task.workload)?;
        let connection = Connection::open(Driver::find(&task.driver)?, candidate, workload.call, task.port).await?;

        drive(&connection, workload.in_flight, task.length / 4).await?;
        process::tell("ready");
        gone.await.map_err(|_| "nobody said go".to_owned())?;
        let measured = drive(&connection, workload.in_flight, task.length).await?;
        process::tell(&format!("done {}", measured.json()));
        Ok(())
    })
}

struct Measured {
    latencies: Vec<Duration>,
    elapsed: Duration,
}

/// Keeps so many calls in flight for so long, and then waits for those that are.
async fn drive(connection: &Connection, in_flight: usize, length: Duration) -> Result<Measured, String> {
    let start = Instant::now();
    let mut callers: JoinSet<Result<Vec<Duration>, String>> = JoinSet::new();
    for _ in 0..in_flight {
        let mut connection = connection.clone();
        callers.spawn(async move {
            let mut latencies = Vec::new();
            let mut begin = start;
            // One call at least, however slow.
            while latencies.is_empty() || begin - start < length {
                connection.call().await?;
                let end = Instant::now();
                latencies.push(end - begin);
                begin = end;
            }
            Ok(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(caller) =
        tokio::time::timeout(length + LOST, callers.join_next()).await.map_err(|_| "a call hangs")?
    {
        latencies.append(&mut caller.map_err(|error| error.to_string())??);
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    Ok(Measured { latencies, elapsed })
}

impl Measured {
    #[allow(clippy::cast_precision_loss, reason = "far fewer calls than a double counts exactly")]
    fn json(&self) -> serde_json::Value {
        let calls = self.latencies.len();
        let micros = |share: f64| self.latencies[at(calls, share)].as_secs_f64() * 1e6;
        json!({
            "calls": calls,
            "calls_per_s": calls as f64 / self.elapsed.as_secs_f64(),
            "p50_us": micros(0.50),
            "p99_us": micros(0.99),
        })
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within 0..=len"
)]
fn at(len: usize, share: f64) -> usize {
    ((len - 1) as f64 * share).round() as usize
}
