//! The servers that are measured.

pub(crate) mod experiments;
pub(crate) mod raw;
mod spans;
pub(crate) mod straddle;
pub(crate) mod tonic;
pub(crate) mod watched;

use std::io;

use tokio::net::{TcpListener, TcpStream};

/// Spawns `connection` for each connection of the listener, without Nagle's delay.
pub(crate) async fn accept(listener: TcpListener, mut connection: impl FnMut(TcpStream)) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        connection(stream);
    }
}
