//! The clients that call the candidates.

mod raw;
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
}

impl Driver {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Tonic => "tonic",
        }
    }

    pub(crate) fn find(name: &str) -> Result<Self, String> {
        [Self::Raw, Self::Tonic]
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
}

impl Connection {
    pub(crate) async fn open(driver: Driver, candidate: &Candidate, call: Call, port: u16) -> Result<Self, String> {
        match driver {
            Driver::Raw => raw::Connection::open(candidate, call, port).await.map(Self::Raw),
            Driver::Tonic => match candidate.answer {
                Answer::Echo => tonic::Connection::open(call, port).await.map(Self::Tonic),
                Answer::Status(_) => Err("only the raw driver can expect a status".to_owned()),
            },
        }
    }

    /// Makes one call and checks its answer.
    pub(crate) async fn call(&mut self) -> Result<(), String> {
        match self {
            Self::Raw(connection) => connection.call().await,
            Self::Tonic(connection) => connection.call().await,
        }
    }
}
