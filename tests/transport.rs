//! The transport against itself and against independent peers: tonic's own transport, and hand-written HTTP.

#[path = "transport/beside.rs"]
mod beside;
#[path = "transport/channel.rs"]
mod channel;
#[path = "transport/echo.rs"]
mod echo;
#[path = "transport/fleet.rs"]
mod fleet;
#[path = "transport/go_away.rs"]
mod go_away;
#[path = "transport/interoperation.rs"]
mod interoperation;
#[path = "transport/labelled.rs"]
mod labelled;
#[path = "transport/not_begun.rs"]
mod not_begun;
#[path = "transport/scripted.rs"]
mod scripted;
#[path = "support/seed.rs"]
mod seed;
#[path = "transport/server.rs"]
mod server;
#[path = "transport/spread.rs"]
mod spread;
#[path = "transport/upheaval.rs"]
mod upheaval;
