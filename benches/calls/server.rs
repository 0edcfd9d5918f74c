//! The process of a server.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use crate::candidates::Candidate;
use crate::process;

/// Serves on a port that the system gives and tells it: `ready PORT`; answers `cpu` with `cpu NANOSECONDS`.
pub(crate) fn run(candidate: &str) -> Result<(), String> {
    let candidate = Candidate::find(candidate)?;
    process::obey(|line| match line {
        "cpu" => process::tell(&format!("cpu {}", process::cpu_time().as_nanos())),
        other => eprintln!("calls: the server does not know {other:?}"),
    });
    runtime()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        process::tell(&format!("ready {}", address.port()));
        (candidate.serve)(listener).await.map_err(|error| format!("server {}: {error}", candidate.name))
    })
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot build a runtime: {error}"))
}
