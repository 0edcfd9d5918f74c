//! tonic's generated client.

use bytes::Bytes;
use tonic::transport::{Channel, Endpoint};

use crate::echo::plain::echo_client::EchoClient;
use crate::echo::{Message, StreamRequest};
use crate::workloads::Call;

#[derive(Clone)]
pub(crate) struct Connection {
    client: EchoClient<Channel>,
    call: Call,
    payload: Bytes,
}

impl Connection {
    pub(crate) async fn open(call: Call, port: u16) -> Result<Self, String> {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).map_err(|error| error.to_string())?;
        let channel = endpoint.tcp_nodelay(true).connect().await.map_err(|error| error.to_string())?;
        let payload = match call {
            Call::Unary { size } => vec![7; size].into(),
            Call::Stream { .. } => Bytes::new(),
        };
        Ok(Self { client: EchoClient::new(channel), call, payload })
    }

    pub(crate) async fn call(&mut self) -> Result<(), String> {
        let right = match self.call {
            Call::Unary { size } => {
                let answer = self.client.unary(Message { payload: self.payload.clone() }).await;
                answer.map_err(|status| status.to_string())?.get_ref().payload.len() == size
            }
            Call::Stream { count, size } => {
                let answer = self.client.stream(StreamRequest { count, size }).await;
                let mut messages = answer.map_err(|status| status.to_string())?.into_inner();
                let mut seen = 0;
                while let Some(message) = messages.message().await.map_err(|status| status.to_string())? {
                    seen += u32::from(message.payload.len() == size as usize);
                }
                seen == count
            }
        };
        if right { Ok(()) } else { Err("the answer is not an echo".to_owned()) }
    }
}
