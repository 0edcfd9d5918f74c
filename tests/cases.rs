//! Published protocols, as they really changed: which of their methods stay *same*.
//!
//! The protos lie beside the checkout, in `../shared/cases`; without them these tests skip, and say so.
#![cfg(feature = "cli")]

#[path = "support/folder.rs"]
mod folder;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use straddle::Protocol;
use straddle::protocol::{Cause, Hop, Schema};

/// The folder of a case, or a word on standard error (past the test runner's capture) that it is missing.
fn case(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED: {} is missing", folder.display());
    None
}

/// Loads a case whose protos stay where they are, with a step for the versions that have something to say.
fn load(case: &Path, versions: &[&str], steps: &[(&str, &str)]) -> Protocol {
    let mut manifest = "name = \"case\"\n[protos]\n".to_owned();
    for version in versions {
        let protos = case.join(version);
        writeln!(manifest, "\"{version}\" = \"{}\"", protos.display()).expect("a string takes all");
    }
    let folder = folder::folder(&[("protocol.toml", &manifest)]);
    for (version, step) in steps {
        folder::write(folder.path(), &format!("{version}/step.toml"), step.as_bytes());
    }
    Protocol::load(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

/// The methods of a side that are not same, and what the first difference is.
fn different(hops: &[Hop], schema: &Schema) -> Vec<(String, String)> {
    let methods = schema.methods().iter().zip(hops);
    methods
        .filter_map(|(method, hop)| {
            let why = match hop {
                Hop::Same { .. } => return None,
                Hop::Rules { differences, .. } | Hop::Refused(Cause::Open(differences)) => {
                    differences.first().map(ToString::to_string).unwrap_or_default()
                }
                Hop::Refused(Cause::Absent) => "absent".to_owned(),
                other => panic!("nothing was declared: {other:?}"),
            };
            Some((method.descriptor().name().to_owned(), why))
        })
        .collect()
}

fn told(found: &[(String, String)]) -> Vec<(&str, &str)> {
    found.iter().map(|(method, why)| (method.as_str(), why.as_str())).collect()
}

#[test]
fn etcd_stays_same_but_for_what_can_be_misread() {
    let Some(case) = case("etcd-rpc") else { return };
    let protocol = load(&case, &["3.3.0", "3.4.0"], &[]);
    let (old, new) = (&protocol.versions()[0], &protocol.versions()[1]);
    let watch = ("Watch", "etcdserverpb.WatchRequest.progress_request: is a new arm of the oneof `request_union`");
    let revoke = ("RoleRevokePermission", "etcdserverpb.AuthRoleRevokePermissionRequest.key: was string, is bytes");
    assert_eq!(told(&different(protocol.steps()[0].past(), old)), [watch, revoke]);
    // The step breaks the JSON, so what only a new request can say is refused where it is said.
    let add = ("MemberAdd", "etcdserverpb.MemberAddRequest.isLearner: is new; the older side passes over it");
    let user = ("UserAdd", "etcdserverpb.AuthUserAddRequest.options: is new; the older side passes over it");
    let future = [watch, add, ("MemberPromote", "absent"), user, revoke];
    assert_eq!(told(&different(protocol.steps()[0].future(), new)), future);
}

#[test]
fn a_package_that_moved_is_same_once_the_step_says_so() {
    let Some(case) = case("grpc-reflection") else { return };
    let versions = ["1.0.0-alpha", "1.0.0"];
    let silent = load(&case, &versions, &[]);
    assert_eq!(told(&different(silent.steps()[0].past(), &silent.versions()[0])), [("ServerReflectionInfo", "absent")]);
    let step = "from = \"1.0.0-alpha\"\n[rename.methods]\n\
                \"grpc.reflection.v1alpha.ServerReflection\" = \"grpc.reflection.v1.ServerReflection\"\n";
    let told_so = load(&case, &versions, &[("1.0.0", step)]);
    assert!(told_so.steps()[0].past().iter().all(|hop| matches!(hop, Hop::Same { .. })));
    assert!(told_so.steps()[0].future().iter().all(|hop| matches!(hop, Hop::Same { .. })));
}

#[test]
fn a_field_whose_type_changed_keeps_its_methods_from_being_same() {
    let Some(case) = case("cri-runtime") else { return };
    let step = "from = \"0.24.0\"\n[rename.methods]\n\
                \"runtime.v1alpha2.RuntimeService\" = \"runtime.v1.RuntimeService\"\n\
                \"runtime.v1alpha2.ImageService\" = \"runtime.v1.ImageService\"\n";
    let protocol = load(&case, &["0.24.0", "0.25.0", "0.26.0"], &[("0.25.0", step)]);
    assert_eq!(told(&different(protocol.steps()[0].past(), &protocol.versions()[0])), [], "only the package moved");
    let found = different(protocol.steps()[1].past(), &protocol.versions()[1]);
    assert_eq!(
        told(&found),
        [(
            "GetContainerEvents",
            "runtime.v1.ContainerEventResponse.pod_sandbox_metadata: number 4 is named `pod_sandbox_status` now"
        )]
    );
}

#[test]
fn every_published_history_loads() {
    let histories = [
        ("kvproto-raw-batch-put", &["5.2.0", "5.3.0", "5.4.0"][..]),
        ("kvproto-peer-role", &["4.0.0", "5.0.0"]),
        ("kvproto-dr-auto-sync", &["5.4.0", "6.0.0"]),
        ("kvproto-runaway", &["7.1.0", "7.5.0"]),
        ("cloud-tasks", &["2.0.0-beta.3", "2.0.0"]),
        ("k8s-ingress", &["1.0.0-beta.1", "1.0.0"]),
        ("k8s-autoscaling", &["1.0.0", "2.0.0"]),
    ];
    for (name, versions) in histories {
        let Some(case) = case(name) else { return };
        let protocol = load(&case, versions, &[]);
        assert_eq!(protocol.steps().len(), versions.len() - 1, "{name}");
        let digests: std::collections::HashSet<&str> = protocol.versions().iter().map(Schema::digest).collect();
        assert_eq!(digests.len(), versions.len(), "{name}: each version changed something");
    }
}
