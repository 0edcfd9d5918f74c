//! Methods, by the names that people give them.

use prost_reflect::{DescriptorPool, MethodDescriptor};
use prost_types::method_options::IdempotencyLevel;

use crate::protocol::nearest;

/// Which sides of a method stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unary,
    ClientStreaming,
    ServerStreaming,
    BidirectionalStreaming,
}

impl Kind {
    pub(super) fn of(method: &MethodDescriptor) -> Self {
        match (method.is_client_streaming(), method.is_server_streaming()) {
            (false, false) => Self::Unary,
            (true, false) => Self::ClientStreaming,
            (false, true) => Self::ServerStreaming,
            (true, true) => Self::BidirectionalStreaming,
        }
    }

    pub(super) fn streams_responses(self) -> bool {
        matches!(self, Self::ServerStreaming | Self::BidirectionalStreaming)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unary => "unary",
            Self::ClientStreaming => "client streaming",
            Self::ServerStreaming => "server streaming",
            Self::BidirectionalStreaming => "bidirectional streaming",
        }
    }
}

/// The methods of all services but those of gRPC itself, which have no version.
pub(super) fn all(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    pool.services()
        .filter(|service| !is_of_grpc(service.full_name()))
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

pub(super) fn is_of_grpc(service: &str) -> bool {
    ["grpc.reflection.", "grpc.health."].iter().any(|package| service.starts_with(package))
}

/// The path of a method's calls (gRPC over HTTP/2, *Requests*).
pub(super) fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// Whether the proto declares that calling twice does what calling once does.
pub(super) fn is_idempotent(method: &MethodDescriptor) -> bool {
    let options = method.method_descriptor_proto().options.as_ref();
    options.is_some_and(|options| options.idempotency_level() != IdempotencyLevel::IdempotencyUnknown)
}

/// The method that `wanted` means: its name alone, with its service, or in full; with `/` or `.` before it.
pub(super) fn find(pool: &DescriptorPool, wanted: &str, version: &str) -> Result<MethodDescriptor, String> {
    let methods = all(pool);
    let name = wanted.trim_start_matches('/').replace('/', ".");
    let tail = format!(".{name}");
    let meant: Vec<&MethodDescriptor> =
        methods.iter().filter(|method| method.full_name() == name || method.full_name().ends_with(&tail)).collect();
    match meant.as_slice() {
        [method] => Ok((*method).clone()),
        [] => Err(unknown(&methods, &name, wanted, version)),
        several => match several.iter().find(|method| method.full_name() == name) {
            Some(method) => Ok((*method).clone()),
            None => Err(format!("`{wanted}` may be {}; write its service, too", names(several, full))),
        },
    }
}

fn unknown(methods: &[MethodDescriptor], name: &str, wanted: &str, version: &str) -> String {
    let methods: Vec<&MethodDescriptor> = methods.iter().collect();
    let last = name.rsplit('.').next().unwrap_or(name);
    // Who wrote a service, too, may have erred in that.
    let near = nearest(name, methods.iter().map(|method| method.full_name()))
        .or_else(|| nearest(last, methods.iter().map(|method| method.name())));
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    format!(
        "{version} declares no method `{wanted}`\n  {near}It has {}",
        names(&methods, |method| method.name().into())
    )
}

fn full(method: &MethodDescriptor) -> String {
    path(method).split_off(1)
}

fn names(methods: &[&MethodDescriptor], name: impl Fn(&MethodDescriptor) -> String) -> String {
    /// Most names that help; `--list` has all of them.
    const SHOWN: usize = 30;
    let mut names: Vec<String> = methods.iter().take(SHOWN).map(|method| name(method)).collect();
    if methods.len() > SHOWN {
        names.push(format!("{} more (--list)", methods.len() - SHOWN));
    }
    names.join(", ")
}
