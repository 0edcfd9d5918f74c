//! Health and reflection beside a protocol, asked by tonic's generated clients.

use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet, ServiceDescriptorProto};
use straddle::refusal::{Reason, Refusal};
use straddle::transport::{Beside, Channel, HealthHandle, Reflection, Server};
use tokio::net::TcpListener;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use crate::echo::{Client, Echo, Running, soon, start_on, tonic_channel};

async fn serve(health: &HealthHandle) -> Running {
    let [one, two] = [set("One"), set("Two")];
    let reflection = Reflection::new([("1.0.0", one.as_slice()), ("2.0.0", two.as_slice())], "1.0.0").unwrap();
    let service = Beside::new(Echo::default()).health(health).reflection(reflection);
    start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), Server::builder().health(health), service)
}

/// The descriptor set of a version whose one service is `test.<service>`.
fn set(service: &str) -> Vec<u8> {
    let file = FileDescriptorProto {
        name: Some("test.proto".to_owned()),
        package: Some("test".to_owned()),
        message_type: vec![DescriptorProto { name: Some(format!("{service}Message")), ..Default::default() }],
        service: vec![ServiceDescriptorProto { name: Some(service.to_owned()), ..Default::default() }],
        ..Default::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

fn ask(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn health_is_checked_and_watched_for_the_node_and_for_each_service() {
    let health = HealthHandle::new();
    let running = serve(&health).await;
    let mut client = HealthClient::new(Channel::owner(&running.address).build().unwrap());
    let mut watched = client.watch(ask("test.Echo")).await.unwrap().into_inner();
    let next = async |watched: &mut tonic::Streaming<tonic_health::pb::HealthCheckResponse>| {
        soon(watched.message()).await.map(|response| response.unwrap().status())
    };
    assert_eq!(next(&mut watched).await.unwrap(), ServingStatus::ServiceUnknown);
    assert_eq!(client.check(ask("test.Echo")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.check(ask("")).await.unwrap().into_inner().status(), ServingStatus::NotServing);

    health.set_serving();
    health.set_service("test.Echo", true);
    assert_eq!(next(&mut watched).await.unwrap(), ServingStatus::Serving);
    for service in ["", "test.Echo"] {
        assert_eq!(client.check(ask(service)).await.unwrap().into_inner().status(), ServingStatus::Serving);
    }
    // A call that never ends by itself does not hold the shutdown up.
    let stopped = tokio::spawn(running.stop());
    assert_eq!(next(&mut watched).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(soon(stopped).await.unwrap().cut, 0);
}

#[tokio::test]
async fn the_protocol_is_answered_as_without_what_is_beside_it() {
    let running = serve(&HealthHandle::new()).await;
    let client = Client(tonic_channel(&running.address).await);
    assert_eq!(client.unary("hello").await.unwrap(), "hello");
}

/// The services that reflection shows to a caller with this label, but its own.
async fn shown(running: &Running, label: Option<&'static str>) -> Result<Vec<String>, tonic::Status> {
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let channel = tonic_channel(&running.address).await;
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(channel);
    let question = v1::ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut request = tonic::Request::new(tokio_stream::once(question));
    if let Some(label) = label {
        request.metadata_mut().insert("straddle-version", label.parse().unwrap());
    }
    let answer = client.server_reflection_info(request).await?.into_inner().message().await?.unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else { panic!("{answer:?}") };
    Ok(list.service.into_iter().map(|service| service.name).filter(|name| name.starts_with("test.")).collect())
}

#[tokio::test]
async fn each_caller_is_shown_the_schema_of_its_own_version() {
    let running = serve(&HealthHandle::new()).await;
    assert_eq!(shown(&running, None).await.unwrap(), ["test.One"]);
    assert_eq!(shown(&running, Some("2.0.0")).await.unwrap(), ["test.Two"]);
    assert_eq!(shown(&running, Some("2.0.7")).await.unwrap(), ["test.Two"], "the patch number is ignored");
    for label in ["2.1.0", "2.0.0-rc.1", "two"] {
        let refusal = Refusal::from_status(&shown(&running, Some(label)).await.unwrap_err()).unwrap();
        assert_eq!(refusal.reason(), Reason::UnknownVersion);
        assert!(refusal.advised().is_some_and(|advice| advice.contains("1.0.0, 2.0.0")), "{refusal}");
    }
}

#[tokio::test]
async fn older_tools_are_shown_the_same_over_v1alpha() {
    use v1alpha::server_reflection_request::MessageRequest;
    use v1alpha::server_reflection_response::MessageResponse;
    let running = serve(&HealthHandle::new()).await;
    let channel = tonic_channel(&running.address).await;
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let question = v1alpha::ServerReflectionRequest {
        message_request: Some(MessageRequest::FileContainingSymbol("test.TwoMessage".to_owned())),
        ..Default::default()
    };
    let mut request = tonic::Request::new(tokio_stream::once(question));
    request.metadata_mut().insert("straddle-version", "2.0.1".parse().unwrap());
    let answer = client.server_reflection_info(request).await.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::FileDescriptorResponse(file)) = answer.message_response else { panic!("{answer:?}") };
    let set = FileDescriptorSet::decode(set("Two").as_slice()).unwrap();
    assert_eq!(file.file_descriptor_proto, [set.file[0].encode_to_vec()]);
}

#[test]
fn reflection_tells_what_is_wrong_with_labels_and_descriptor_sets() {
    let set = set("One");
    let set = set.as_slice();
    let made = |versions: &[(&'static str, &'static [u8])], default| {
        Reflection::new(versions.iter().copied(), default).map(|_| ()).map_err(|error| error.is_label())
    };
    assert_eq!(made(&[("1", b"")], "1"), Err(true));
    assert_eq!(made(&[("1.0.0", b""), ("1.0.1", b"")], "1.0.0"), Err(true));
    assert_eq!(made(&[("1.0.0", b"")], "1.1.0"), Err(true));
    assert_eq!(made(&[("1.0.0", b"\x0a\xff")], "1.0.0"), Err(false));
    assert!(Reflection::new([("1.0.0", set), ("1.1.0", set)], "1.1.7").is_ok());
}
