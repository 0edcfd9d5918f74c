//! The schema of the labelled version, asked of the node (gRPC Server Reflection).

mod files;

use std::time::Duration;

use http::uri::PathAndQuery;
use prost_reflect::DescriptorPool;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Status, Streaming};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use self::files::Files;
use super::method::is_of_grpc;
use super::schema::CallSchema;
use crate::cli::arguments::CallArguments;
use crate::refusal::Refusal;
use crate::transport::Channel;
use crate::wire::Codec;

/// `v1alpha` speaks the same messages; servers of before 2023 know nothing else.
const PATHS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// How long the node may take to show its schema, all in all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the schema that the node shows to callers with this label.
pub(super) async fn read(channel: Channel, arguments: &CallArguments) -> Result<CallSchema, Status> {
    let mut last = Status::unimplemented("no reflection");
    for path in PATHS {
        match read_at(channel.clone(), PathAndQuery::from_static(path), arguments).await {
            Ok(pool) => {
                return Ok(CallSchema { label: arguments.protocol.label.clone(), digest: None, protocol: None, pool });
            }
            // A refusal of the label may have this code, too, and says more than that there is no reflection.
            Err(status) if status.code() == Code::Unimplemented && Refusal::from_status(&status).is_none() => {
                last = status;
            }
            Err(status) => return Err(status),
        }
    }
    let message = format!(
        "{} has no reflection, so its schema is not known: name the protocol's folder with --schemas ({})",
        arguments.address,
        last.message()
    );
    Err(Status::unimplemented(message))
}

async fn read_at(channel: Channel, path: PathAndQuery, arguments: &CallArguments) -> Result<DescriptorPool, Status> {
    let mut conversation = Conversation::begin(channel, path, arguments).await?;
    let mut files = Files::default();
    for service in conversation.services().await? {
        if !is_of_grpc(&service) {
            let answer = conversation.ask(MessageRequest::FileContainingSymbol(service)).await?;
            files.take(answer)?;
        }
    }
    while let Some(missing) = files.missing() {
        match conversation.ask(MessageRequest::FileByFilename(missing.clone())).await {
            Ok(answer) => files.take(answer)?,
            // Every compiler brings these along, so nodes may leave them out.
            Err(status) => files.take_well_known(&missing).ok_or(status)?,
        }
        if !files.has(&missing) {
            return Err(incomplete(&format!("asked for {missing}, the node sent other files")));
        }
    }
    files.into_pool()
}

/// One stream of questions, each answered before the next.
struct Conversation {
    questions: mpsc::Sender<ServerReflectionRequest>,
    answers: Streaming<ServerReflectionResponse>,
    host: String,
}

impl Conversation {
    async fn begin(channel: Channel, path: PathAndQuery, arguments: &CallArguments) -> Result<Self, Status> {
        let (questions, asked) = mpsc::channel(1);
        let mut request = Request::new(ReceiverStream::new(asked));
        request.set_timeout(TIMEOUT);
        if let Some(label) = &arguments.protocol.label
            && let Ok(label) = MetadataValue::try_from(label.to_string())
        {
            request.metadata_mut().insert("straddle-version", label);
        }
        for header in &arguments.headers {
            // Who may call may have to say so here, too.
            let mut metadata = std::mem::take(request.metadata_mut()).into_headers();
            metadata.append(header.name.clone(), header.value.clone());
            *request.metadata_mut() = tonic::metadata::MetadataMap::from_headers(metadata);
        }
        // The first question goes out at once: some servers send no headers before it.
        let host = arguments.address.clone();
        let first = question(&host, MessageRequest::ListServices(String::new()));
        questions.try_send(first).map_err(|_| incomplete("no question could be asked"))?;
        let answers = Grpc::new(channel).streaming(request, path, Codec::default()).await?.into_inner();
        Ok(Self { questions, answers, host })
    }

    /// The names of the services: the answer to the first question.
    async fn services(&mut self) -> Result<Vec<String>, Status> {
        match self.answer().await? {
            MessageResponse::ListServicesResponse(list) => {
                Ok(list.service.into_iter().map(|service| service.name).collect())
            }
            _ => Err(incomplete("asked for its services, the node answered something else")),
        }
    }

    /// The files that answer a question.
    async fn ask(&mut self, asked: MessageRequest) -> Result<Vec<Vec<u8>>, Status> {
        let sent = self.questions.send(question(&self.host, asked)).await;
        // When the call is over, its status says why.
        let answer = self.answer().await?;
        sent.map_err(|_| incomplete("the node took no more questions"))?;
        match answer {
            MessageResponse::FileDescriptorResponse(files) => Ok(files.file_descriptor_proto),
            _ => Err(incomplete("asked for a file, the node answered something else")),
        }
    }

    async fn answer(&mut self) -> Result<MessageResponse, Status> {
        match self.answers.message().await?.and_then(|answer| answer.message_response) {
            Some(MessageResponse::ErrorResponse(error)) => Err(Status::new(
                Code::from(error.error_code),
                format!("the node's reflection: {}", error.error_message),
            )),
            Some(answer) => Ok(answer),
            None => Err(incomplete("the node ended the call")),
        }
    }
}

fn question(host: &str, asked: MessageRequest) -> ServerReflectionRequest {
    ServerReflectionRequest { host: host.to_owned(), message_request: Some(asked) }
}

fn incomplete(what: &str) -> Status {
    Status::internal(format!("the node's reflection broke off: {what}; --schemas does without it"))
}
