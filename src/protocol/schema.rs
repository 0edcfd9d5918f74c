//! The schema of one version: its descriptors and its methods.

use std::collections::HashMap;
use std::sync::OnceLock;

use bytes::Bytes;
use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor, MethodDescriptor};
use prost_types::method_options::IdempotencyLevel;

use super::digest;
use super::resume::Resumption;
use crate::version::Version;

/// One version of a protocol, with all that its protos declare.
#[derive(Clone, Debug)]
pub struct Schema {
    version: Version,
    pool: DescriptorPool,
    descriptor_set: Bytes,
    methods: Vec<Method>,
    by_path: HashMap<String, usize>,
    digest: String,
    /// Made when it is first asked for.
    by_name_within: OnceLock<ByNameWithin>,
}

impl Schema {
    pub(super) fn new(version: Version, pool: DescriptorPool, descriptor_set: Bytes) -> Self {
        let methods: Vec<Method> =
            pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).map(Method::new).collect();
        let by_path = methods.iter().enumerate().map(|(index, method)| (method.path.clone(), index)).collect();
        let digest = digest::of(&pool);
        let by_name_within = OnceLock::new();
        Self { version, pool, descriptor_set, methods, by_path, digest, by_name_within }
    }

    /// The version whose schema this is.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The descriptors, custom options kept.
    #[must_use]
    pub fn pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// The descriptors as an encoded `google.protobuf.FileDescriptorSet`, imports included.
    #[must_use]
    pub fn descriptor_set(&self) -> &Bytes {
        &self.descriptor_set
    }

    /// The methods of all services, in the order of the protos.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The method that is called under `path`, such as `/inventory.v1.Inventory/GetItem`.
    #[must_use]
    pub fn method(&self, path: &str) -> Option<&Method> {
        self.by_path.get(path).map(|index| &self.methods[*index])
    }

    /// The digest of the schema: 32 hexadecimal digits that stay the same while the meaning of the bytes does, however
    /// the protos are laid out or commented.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether a service of this version lies in the proto package `package`.
    #[must_use]
    pub fn serves_package(&self, package: &str) -> bool {
        self.methods.iter().any(|method| method.package() == package)
    }

    pub(super) fn by_name_within(&self) -> &ByNameWithin {
        self.by_name_within.get_or_init(|| ByNameWithin::new(&self.pool))
    }

    pub(super) fn method_mut(&mut self, full_name: &str) -> Option<&mut Method> {
        let (service, method) = full_name.rsplit_once('.')?;
        let index = self.method_index(&format!("/{service}/{method}"))?;
        self.methods.get_mut(index)
    }

    pub(super) fn method_index(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }
}

/// Messages and enums by their names within their packages, well-known ones left out.
#[derive(Clone, Debug)]
pub(super) struct ByNameWithin {
    messages: HashMap<String, Vec<MessageDescriptor>>,
    enums: HashMap<String, Vec<EnumDescriptor>>,
}

impl ByNameWithin {
    fn new(pool: &DescriptorPool) -> Self {
        let (mut messages, mut enums) = (HashMap::new(), HashMap::new());
        for message in pool.all_messages().filter(|message| message.package_name() != "google.protobuf") {
            let name = name_within(message.full_name(), message.package_name()).to_owned();
            messages.entry(name).or_insert_with(Vec::new).push(message);
        }
        for declared in pool.all_enums().filter(|declared| declared.package_name() != "google.protobuf") {
            let name = name_within(declared.full_name(), declared.package_name()).to_owned();
            enums.entry(name).or_insert_with(Vec::new).push(declared);
        }
        Self { messages, enums }
    }

    pub(super) fn messages(&self, name: &str) -> &[MessageDescriptor] {
        self.messages.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn enums(&self, name: &str) -> &[EnumDescriptor] {
        self.enums.get(name).map_or(&[], Vec::as_slice)
    }
}

/// A full name without its package.
pub(super) fn name_within<'a>(full_name: &'a str, package: &str) -> &'a str {
    full_name.strip_prefix(package).map_or(full_name, |rest| rest.trim_start_matches('.'))
}

/// One method of a version.
#[derive(Clone, Debug)]
pub struct Method {
    descriptor: MethodDescriptor,
    path: String,
    level: IdempotencyLevel,
    resume: Option<Resumption>,
}

impl Method {
    fn new(descriptor: MethodDescriptor) -> Self {
        let path = format!("/{}/{}", descriptor.parent_service().full_name(), descriptor.name());
        let level = descriptor
            .method_descriptor_proto()
            .options
            .as_ref()
            .map_or(IdempotencyLevel::IdempotencyUnknown, prost_types::MethodOptions::idempotency_level);
        Self { descriptor, path, level, resume: None }
    }

    /// The path of its calls: `/package.Service/Method` (gRPC over HTTP/2, *Requests*).
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The full name, `package.Service.Method`, as `step.toml` writes it.
    #[must_use]
    pub fn full_name(&self) -> &str {
        self.descriptor.full_name()
    }

    /// The name of its service, with the package.
    #[must_use]
    pub fn service(&self) -> &str {
        // The path is `/service/method` by construction.
        let end = self.path.rfind('/').unwrap_or(self.path.len());
        &self.path[1..end]
    }

    /// The proto package of its service; empty for none.
    #[must_use]
    pub fn package(&self) -> &str {
        self.service().rsplit_once('.').map_or("", |(package, _)| package)
    }

    /// Whether the caller sends a stream of messages.
    #[must_use]
    pub fn is_client_streaming(&self) -> bool {
        self.descriptor.is_client_streaming()
    }

    /// Whether the answer is a stream of messages.
    #[must_use]
    pub fn is_server_streaming(&self) -> bool {
        self.descriptor.is_server_streaming()
    }

    /// Whether the proto declares that calling twice does what calling once does: an `idempotency_level` of
    /// `NO_SIDE_EFFECTS` or `IDEMPOTENT`.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.level != IdempotencyLevel::IdempotencyUnknown
    }

    /// Whether the proto declares that calling changes nothing: an `idempotency_level` of `NO_SIDE_EFFECTS`.
    #[must_use]
    pub fn has_no_side_effects(&self) -> bool {
        self.level == IdempotencyLevel::NoSideEffects
    }

    /// How its streams go on where they ended, where `protocol.toml` says so.
    #[must_use]
    pub fn resume(&self) -> Option<&Resumption> {
        self.resume.as_ref()
    }

    pub(super) fn set_resume(&mut self, resume: Resumption) {
        self.resume = Some(resume);
    }

    /// The descriptor.
    #[must_use]
    pub fn descriptor(&self) -> &MethodDescriptor {
        &self.descriptor
    }
}
