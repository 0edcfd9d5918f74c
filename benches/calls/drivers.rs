//! The clients that call the candidates.

mod raw;
mod straddle;
mod tonic;

use crate::candidates::{Answer, Candidate};
use crate::workloads::Call;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// hyper's HTTP/2 client, which sends frames made beforehand and decodes nothing: the cheapest caller, the same
    /// for each server.
    Raw,
    /// tonic's generated client.
    Tonic,
    /// Straddle's generated client, with a label.
    Straddle,
}

impl Driver {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Tonic => "tonic",
            Self::Straddle => "straddle",
        }
    }

    pub(crate) fn find(name: &str) -> Result<Self, String> {
        [Self::Raw, Self::Tonic, Self::Straddle]
            .into_iter()
            .find(|driver| driver.name() == name)
            .ok_or_else(|| format!("no driver {name}"))
    }
}

/// One connection, shared by the callers that clone it.
#[derive(Clone)]
pub(crate) enum Connection {
    Raw(raw::Connection),
    Tonic(tonic::Connection),
    Straddle(straddle::Connection),
}

impl Connection {
    pub(crate) async fn open(driver: Driver, candidate: &Candidate, call: Call, port: u16) -> Result<Self, String> {
        match driver {
            Driver::Raw => raw::Connection::open(candidate, call, port).await.map(Self::Raw),
            _ if !matches!(candidate.answer, Answer::Echo) => Err("only the raw driver can expect a status".to_owned()),
            Driver::Tonic => tonic::Connection::open(call, port).await.map(Self::Tonic),
            Driver::Straddle => straddle::Connection::open(candidate, call, port).map(Self::Straddle),
        }
    }

    /// Makes one call and checks its answer.
    pub(crate) async fn call(&mut self) -> Result<(), String> {
        match self {
            Self::Raw(connection) => connection.call().await,
            Self::Tonic(connection) => connection.call().await,
            Self::Straddle(connection) => connection.call().await,
        }
    }
}
