//! The module of one version: messages, servers, clients, and their label.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use prost_build::Module;
use prost_types::FileDescriptorProto;

use super::{CodegenError, Kind};
use crate::protocol::{Protocol, Schema, Source, compile_with_comments};

pub(super) fn of(protocol: &Protocol, schema: &Schema, source: &Source) -> Result<String, CodegenError> {
    let fail = |why: String| CodegenError(Kind::Generate { version: schema.version().to_string(), why });
    let files = compile_with_comments(source)?.file;
    let requests: Vec<(Module, FileDescriptorProto)> =
        files.into_iter().map(|file| (Module::from_protobuf_package_name(file.package()), file)).collect();
    let generated = config().generate(requests).map_err(|error| fail(error.to_string()))?;
    let mut packages = Package::default();
    // The well-known types are those of prost-types; their descriptors only had to be seen.
    let well_known = Module::from_protobuf_package_name("google.protobuf");
    for (module, code) in generated.into_iter().filter(|(module, _)| *module != well_known) {
        packages.at(module.parts()).code.push_str(&code);
    }
    let services: BTreeSet<&str> = schema.methods().iter().map(crate::protocol::Method::service).collect();
    Ok(format!(
        "/// Version {version} of `{name}`.
        #[allow(dead_code, missing_docs, unreachable_pub, rustdoc::all, clippy::all, clippy::pedantic)]
        pub mod {module} {{ {packages} {reexports} {label} {clients} }}\n",
        version = schema.version(),
        name = protocol.name(),
        module = module_name(schema),
        packages = packages.text(),
        reexports = reexports(&services),
        label = label(schema),
        clients = services.iter().map(|service| client(schema, service)).collect::<String>(),
    ))
}

fn config() -> prost_build::Config {
    let mut config = prost_build::Config::new();
    config.bytes(["."]).service_generator(
        tonic_prost_build::configure()
            .build_transport(false)
            .generate_default_stubs(true)
            .codec_path("::straddle::wire::Codec")
            .service_generator(),
    );
    config
}

/// `v2_0_0_beta_3` for `2.0.0-beta.3`.
fn module_name(schema: &Schema) -> String {
    format!("v{}", schema.version()).replace(|letter: char| !letter.is_ascii_alphanumeric(), "_").to_lowercase()
}

/// What lies in the packages of services is what users mean by the version: it is to be had without the package's path.
fn reexports(services: &BTreeSet<&str>) -> String {
    let packages: BTreeSet<String> = services.iter().map(|service| package_path(service)).collect();
    let paths = packages.iter().filter(|path| !path.is_empty());
    paths.fold(String::new(), |mut text, path| {
        let _ = write!(text, "#[allow(unused_imports)] pub use self::{path}::*;");
        text
    })
}

fn label(schema: &Schema) -> String {
    let idempotent: Vec<&str> =
        schema.methods().iter().filter(|method| method.is_idempotent()).map(crate::protocol::Method::path).collect();
    format!(
        "/// What calls of version {version} carry.
        pub const LABEL: ::straddle::transport::Label = ::straddle::transport::Label {{
            version: {version:?}, schema: {schema:?}, idempotent: &{idempotent:?},
        }};\n",
        version = schema.version().to_string(),
        schema = schema.digest(),
    )
}

/// A constructor that labels the client of a service.
fn client(schema: &Schema, service: &str) -> String {
    let name = service.rsplit('.').next().unwrap_or(service);
    let module = format!("{}_client", snake_case(name));
    let path = package_path(service);
    let client =
        if path.is_empty() { format!("{module}::{name}Client") } else { format!("{path}::{module}::{name}Client") };
    format!(
        "/// A client of `{service}` whose calls are labelled {version}.
        pub fn {module}<S>(channel: S) -> self::{client}<::straddle::transport::Labelled<S>>
        where
            S: ::tonic::client::GrpcService<::tonic::body::Body>,
            ::straddle::transport::Labelled<S>: ::tonic::client::GrpcService<::tonic::body::Body>,
            <::straddle::transport::Labelled<S> as ::tonic::client::GrpcService<::tonic::body::Body>>::Error:
                Into<::tonic::codegen::StdError>,
            <::straddle::transport::Labelled<S> as ::tonic::client::GrpcService<::tonic::body::Body>>::ResponseBody:
                ::tonic::codegen::Body<Data = ::tonic::codegen::Bytes> + Send + 'static,
            <<::straddle::transport::Labelled<S> as ::tonic::client::GrpcService<::tonic::body::Body>>::ResponseBody
                as ::tonic::codegen::Body>::Error: Into<::tonic::codegen::StdError> + Send,
        {{
            self::{client}::new(::straddle::transport::Labelled::new(channel, &LABEL))
        }}\n",
        version = schema.version(),
    )
}

fn package_path(service: &str) -> String {
    let package = service.rsplit_once('.').map_or("", |(package, _)| package);
    Module::from_protobuf_package_name(package).parts().collect::<Vec<_>>().join("::")
}

/// As tonic names its modules: a `_` before each capital letter that follows a small one or leads a word.
fn snake_case(name: &str) -> String {
    // A one-part package goes through the same conversion as tonic's module names.
    Module::from_protobuf_package_name(name).parts().collect()
}

/// Proto packages as nested modules.
#[derive(Default)]
struct Package {
    code: String,
    inner: BTreeMap<String, Self>,
}

impl Package {
    fn at<'a>(&mut self, parts: impl Iterator<Item = &'a str>) -> &mut Self {
        parts.fold(self, |package, part| package.inner.entry(part.to_owned()).or_default())
    }

    fn text(&self) -> String {
        let inner = self.inner.iter().fold(String::new(), |mut text, (name, package)| {
            let _ = writeln!(text, "pub mod {name} {{ {} }}", package.text());
            text
        });
        format!("{inner}{}", self.code)
    }
}
