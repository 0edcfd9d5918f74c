//! Streams that go on where they ended: over real connections, through drained nodes and lost connections.
#![cfg(feature = "cli")]

#[path = "resume/elsewhere.rs"]
mod elsewhere;
#[path = "resume/ends.rs"]
mod ends;
#[path = "resume/relay.rs"]
mod relay;
#[path = "support/seed.rs"]
mod seed;
#[path = "resume/serving.rs"]
mod serving;
#[path = "resume/watch.rs"]
mod watch;
