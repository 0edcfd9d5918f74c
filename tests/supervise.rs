//! `straddle supervise`: programs that are replaced, crash, and are given up, while callers go on.
#![cfg(all(feature = "cli", target_os = "linux"))]

#[path = "supervise/admitted.rs"]
mod admitted;
#[path = "supervise/beginning.rs"]
mod beginning;
#[path = "supervise/broken.rs"]
mod broken;
#[path = "supervise/coordinated.rs"]
mod coordinated;
#[path = "coordinator/process.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod coordinator;
#[path = "supervise/disk.rs"]
mod disk;
#[path = "supervise/forwarded.rs"]
mod forwarded;
#[path = "supervise/full.rs"]
mod full;
#[path = "supervise/hung.rs"]
mod hung;
#[path = "supervise/killed.rs"]
mod killed;
#[path = "supervise/load.rs"]
mod load;
#[path = "support/page.rs"]
mod page;
#[path = "supervise/phases.rs"]
mod phases;
#[path = "supervise/place.rs"]
mod place;
#[path = "support/ports.rs"]
mod ports;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "program/raw.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod raw;
#[path = "supervise/replaced.rs"]
mod replaced;
#[path = "supervise/script.rs"]
mod script;
#[path = "supervise/slow.rs"]
mod slow;
#[path = "supervise/within.rs"]
mod within;
