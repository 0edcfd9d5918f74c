//! Straddle's channel, and the generated client that carries a version's label.

use bytes::Bytes;
use straddle::transport::{Channel, Labelled};

use crate::candidates::Candidate;
use crate::generated::{v1_0_0 as v1, v2_0_0 as v2};
use crate::workloads::Call;

#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    call: Call,
    payload: Bytes,
}

#[derive(Clone)]
enum Client {
    One(v1::echo_client::EchoClient<Labelled<Channel>>),
    Two(v2::echo_client::EchoClient<Labelled<Channel>>),
}

impl Connection {
    pub(crate) fn open(candidate: &Candidate, call: Call, port: u16) -> Result<Self, String> {
        let channel = Channel::owner(format!("127.0.0.1:{port}")).build().map_err(|error| error.to_string())?;
        let client = match candidate.metadata {
            [("straddle-version", "1.0.0")] => Client::One(v1::echo_client(channel)),
            [("straddle-version", "2.0.0")] => Client::Two(v2::echo_client(channel)),
            _ => return Err(format!("{} carries no label", candidate.name)),
        };
        let payload = match call {
            Call::Unary { size } => vec![7; size].into(),
            Call::Stream { .. } => Bytes::new(),
        };
        Ok(Self { client, call, payload })
    }

    pub(crate) async fn call(&mut self) -> Result<(), String> {
        let payload = self.payload.clone();
        let right = match (&mut self.client, self.call) {
            (Client::One(client), Call::Unary { size }) => {
                client.unary(v1::Message { payload }).await.map(|answer| answer.get_ref().payload.len() == size)
            }
            (Client::Two(client), Call::Unary { size }) => {
                client.unary(v2::Message { payload }).await.map(|answer| answer.get_ref().payload.len() == size)
            }
            (Client::One(client), Call::Stream { count, size }) => {
                let answer = client.stream(v1::StreamRequest { count, size }).await;
                let mut messages = answer.map_err(|status| status.to_string())?.into_inner();
                let mut seen = 0;
                while let Some(message) = messages.message().await.map_err(|status| status.to_string())? {
                    seen += u32::from(message.payload.len() == size as usize);
                }
                Ok(seen == count)
            }
            (Client::Two(client), Call::Stream { count, size }) => {
                let answer = client.stream(v2::StreamRequest { count, size }).await;
                let mut messages = answer.map_err(|status| status.to_string())?.into_inner();
                let mut seen = 0;
                while let Some(message) = messages.message().await.map_err(|status| status.to_string())? {
                    seen += u32::from(message.payload.len() == size as usize);
                }
                Ok(seen == count)
            }
        };
        match right {
            Ok(true) => Ok(()),
            Ok(false) => Err("the answer is not an echo".to_owned()),
            Err(status) => Err(status.to_string()),
        }
    }
}
