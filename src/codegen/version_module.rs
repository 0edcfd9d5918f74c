//! The module of one version: messages, servers, clients, and their label.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;

use prost_build::{Module, Service, ServiceGenerator};
use prost_types::FileDescriptorProto;

use super::{CodegenError, Kind};
use crate::protocol::{Hop, Method, Protocol, Schema, Source, compile_with_comments};

pub(super) fn of(protocol: &Protocol, schema: &Schema, source: &Source) -> Result<String, CodegenError> {
    let fail = |why: String| CodegenError(Kind::Generate { version: schema.version().to_string(), why });
    let files = compile_with_comments(source)?.file;
    let requests: Vec<(Module, FileDescriptorProto)> =
        files.into_iter().map(|file| (Module::from_protobuf_package_name(file.package()), file)).collect();
    let names = Names::default();
    let generated = config(&names).generate(requests).map_err(|error| fail(error.to_string()))?;
    let mut packages = Package::default();
    // The well-known types are those of prost-types; their descriptors only had to be seen.
    let well_known = Module::from_protobuf_package_name("google.protobuf");
    for (module, code) in generated.into_iter().filter(|(module, _)| *module != well_known) {
        packages.at(module.parts()).code.push_str(&code);
    }
    let services: BTreeSet<&str> = schema.methods().iter().map(Method::service).collect();
    let names = names.0.borrow();
    Ok(format!(
        "/// Version {version} of `{name}`.
        #[allow(dead_code, missing_docs, unreachable_pub, rustdoc::all, clippy::all, clippy::pedantic)]
        pub mod {module} {{ {packages} {reexports} {label} {clients} }}\n",
        version = schema.version(),
        name = protocol.name(),
        module = module_name(schema),
        packages = packages.text(),
        reexports = reexports(&services),
        label = label(protocol, schema),
        // Each service went by the generator, under its full name.
        clients = services
            .iter()
            .filter_map(|service| Some(client(schema, service, names.get(*service)?)))
            .collect::<String>(),
    ))
}

fn config(names: &Names) -> prost_build::Config {
    let mut config = prost_build::Config::new();
    let tonic = tonic_prost_build::configure()
        .build_transport(false)
        .generate_default_stubs(true)
        .codec_path("::straddle::wire::Codec")
        .service_generator();
    config.bytes(["."]).enable_type_names().service_generator(Box::new(Noting { inner: tonic, names: names.clone() }));
    config
}

/// Services by their full names, with the names that Rust code has for them.
#[derive(Clone, Default)]
struct Names(Rc<RefCell<BTreeMap<String, String>>>);

/// Notes names while another generator makes code.
struct Noting {
    inner: Box<dyn ServiceGenerator>,
    names: Names,
}

impl ServiceGenerator for Noting {
    fn generate(&mut self, service: Service, code: &mut String) {
        let dot = if service.package.is_empty() { "" } else { "." };
        let full_name = format!("{}{dot}{}", service.package, service.proto_name);
        self.names.0.borrow_mut().insert(full_name, service.name.clone());
        self.inner.generate(service, code);
    }

    fn finalize(&mut self, code: &mut String) {
        self.inner.finalize(code);
    }

    fn finalize_package(&mut self, package: &str, code: &mut String) {
        self.inner.finalize_package(package, code);
    }
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

fn label(protocol: &Protocol, schema: &Schema) -> String {
    let everywhere = |holds: fn(&Method) -> bool| {
        let methods = 0..schema.methods().len();
        methods
            .filter(move |method| holds_everywhere(protocol, schema, *method, holds))
            .map(|method| &schema.methods()[method])
    };
    let idempotent: Vec<&str> = everywhere(Method::is_idempotent).map(Method::path).collect();
    let resumable: String = everywhere(|method| method.resume().is_some()).filter_map(resumable).collect();
    format!(
        "/// What calls of version {version} carry.
        pub const LABEL: ::straddle::transport::Label = ::straddle::transport::Label {{
            version: {version:?}, schema: {schema:?}, idempotent: &{idempotent:?}, resumable: &[{resumable}],
        }};\n",
        version = schema.version().to_string(),
        schema = schema.digest(),
    )
}

fn resumable(method: &Method) -> Option<String> {
    let resume = method.resume()?;
    Some(format!(
        "::straddle::transport::Resumable {{
            path: {path:?}, from: &{from:?}, into: &{into:?}, token: ::straddle::protocol::resume::Token::{token:?},
            zero_counts: {zero_counts},
        }},",
        path = method.path(),
        from = resume.from(),
        into = resume.into(),
        token = resume.token(),
        zero_counts = resume.zero_counts(),
    ))
}

/// Whether what a method promises of being called again holds whatever version the node runs: where the hops are *same* or
/// *rules*, the method of another version answers, and that one may not have promised as much.
fn holds_everywhere(protocol: &Protocol, schema: &Schema, method: usize, holds: fn(&Method) -> bool) -> bool {
    let versions = protocol.versions();
    let Some(own) = versions.iter().position(|other| other.version() == schema.version()) else { return false };
    let reaches = |step: &dyn Fn(usize, usize) -> Option<(usize, usize)>| {
        std::iter::successors(Some((own, method)), |(version, method)| step(*version, *method))
            .all(|(version, method)| holds(&versions[version].methods()[method]))
    };
    let answering = |hop: &Hop, version: usize| match hop {
        Hop::Same { counterpart, .. } | Hop::Rules { counterpart, .. } => Some((version, *counterpart)),
        _ => None,
    };
    let newer = |version: usize, method: usize| answering(&protocol.steps().get(version)?.past()[method], version + 1);
    let older = |version: usize, method: usize| {
        let before = version.checked_sub(1)?;
        answering(&protocol.steps()[before].future()[method], before)
    };
    reaches(&newer) && reaches(&older)
}

/// A constructor that labels the client of a service, which Rust code calls `name`, and gives it the steps down from its
/// version.
fn client(schema: &Schema, service: &str, name: &str) -> String {
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
                ::core::convert::Into<::tonic::codegen::StdError>,
            <::straddle::transport::Labelled<S> as ::tonic::client::GrpcService<::tonic::body::Body>>::ResponseBody:
                ::tonic::codegen::Body<Data = ::tonic::codegen::Bytes> + ::core::marker::Send + 'static,
            <<::straddle::transport::Labelled<S> as ::tonic::client::GrpcService<::tonic::body::Body>>::ResponseBody
                as ::tonic::codegen::Body>::Error: ::core::convert::Into<::tonic::codegen::StdError> + ::core::marker::Send,
        {{
            self::{client}::new(::straddle::transport::Labelled::new(channel, &LABEL).simulating(super::protocol))
        }}\n",
        version = schema.version(),
    )
}

fn package_path(service: &str) -> String {
    let package = service.rsplit_once('.').map_or("", |(package, _)| package);
    Module::from_protobuf_package_name(package).parts().collect::<Vec<_>>().join("::")
}

/// As tonic names its modules: a `_` before each capital letter but the first, and all letters small.
fn snake_case(name: &str) -> String {
    name.char_indices().fold(String::new(), |mut text, (index, letter)| {
        if index > 0 && letter.is_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
        text
    })
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
