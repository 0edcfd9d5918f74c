//! A server of HTTP/2 frames, written by hand, that does what no proper server would let a test decide.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::echo::soon;

/// An address where connections are refused until somebody listens: its port stays taken.
pub(crate) struct Closed {
    socket: tokio::net::TcpSocket,
    pub(crate) address: String,
}

impl Closed {
    pub(crate) fn new() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap().to_string();
        Self { socket, address }
    }

    pub(crate) fn open(self) -> TcpListener {
        self.socket.listen(64).unwrap()
    }
}

/// A connection whose frames a test reads and writes.
pub(crate) struct Frames(TcpStream);

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

impl Frames {
    /// Accepts a connection, past its preface and our settings.
    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        let (mut stream, _) = soon(listener.accept()).await.unwrap();
        let mut preface = [0; 24];
        soon(stream.read_exact(&mut preface)).await.unwrap();
        let mut frames = Self(stream);
        frames.write(SETTINGS, 0, &[]).await;
        frames
    }

    pub(crate) async fn read(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        soon(self.0.read_exact(&mut head)).await?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        soon(self.0.read_exact(&mut payload)).await?;
        Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream) })
    }

    /// Reads until a request is complete; tells its stream, and how many DATA frames it had.
    pub(crate) async fn read_request(&mut self) -> (u32, usize) {
        let mut data = 0;
        loop {
            let frame = self.read().await.expect("a request");
            data += usize::from(frame.kind == DATA);
            if matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
                return (frame.stream, data);
            }
        }
    }

    pub(crate) async fn write(&mut self, kind: u8, stream: u32, payload: &[u8]) {
        self.write_flagged(kind, 0, stream, payload).await;
    }

    async fn write_flagged(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.write_all(&frame).await.unwrap();
    }

    pub(crate) async fn reset(&mut self, stream: u32, reason: h2::Reason) {
        self.write(RST_STREAM, stream, &u32::from(reason).to_be_bytes()).await;
    }

    /// Says no more, and goes away once the peer has read all.
    pub(crate) async fn closes(mut self) {
        self.0.shutdown().await.unwrap();
        while self.read().await.is_ok() {}
    }

    /// Begins a response, of a server that answers in protobuf.
    pub(crate) async fn answer_begins(&mut self, stream: u32) {
        // RFC 7541: `:status: 200` by its index; a literal without indexing, whose name is at 31, `content-type`.
        let kind = b"application/grpc";
        let head = [&[0x88, 0x0f, 0x10, u8::try_from(kind.len()).unwrap()][..], kind].concat();
        self.write_flagged(HEADERS, END_HEADERS, stream, &head).await;
    }

    /// Says that streams beyond `last` were not processed.
    pub(crate) async fn go_away(&mut self, last: u32, reason: h2::Reason) {
        let payload = [last.to_be_bytes(), u32::from(reason).to_be_bytes()].concat();
        self.write(GOAWAY, 0, &payload).await;
    }
}
