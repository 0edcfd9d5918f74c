//! `straddle supervise`: programs that are replaced, crash, and are given up, while callers go on.
#![cfg(all(feature = "cli", target_os = "linux"))]

#[path = "supervise/beginning.rs"]
mod beginning;
#[path = "supervise/broken.rs"]
mod broken;
#[path = "supervise/killed.rs"]
mod killed;
#[path = "supervise/load.rs"]
mod load;
#[path = "supervise/place.rs"]
mod place;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;
#[path = "supervise/replaced.rs"]
mod replaced;
