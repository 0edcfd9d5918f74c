use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::*;

fn versions(versions: &[&str]) -> Vec<Version> {
    versions.iter().map(|version| version.parse().unwrap()).collect()
}

fn program(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
    fs::write(folder.join(name), text).unwrap();
    fs::set_permissions(folder.join(name), PermissionsExt::from_mode(0o755)).unwrap();
}

fn release(folder: &Path, runs: &[&str]) -> Release {
    program(folder, "server", "#!/bin/sh\n");
    Release::write(folder, "server", Some("inventory"), &versions(runs), false).unwrap()
}

fn told<T>(result: Result<T, ReleaseError>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn what_is_written_is_read_again_with_its_versions_in_order() {
    let place = tempfile::tempdir().unwrap();
    let written = release(place.path(), &["2.0.0", "1.1.0"]);
    assert_eq!(Release::open(place.path()).unwrap(), written);
    assert_eq!(written.manifest().runs, versions(&["1.1.0", "2.0.0"]));
    written.verify().unwrap();
    written.expect(&Version::new(2, 0, 0)).unwrap();
    let names: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing else stays: {names:?}");
}

#[test]
fn a_manifest_is_replaced_only_by_force() {
    let place = tempfile::tempdir().unwrap();
    release(place.path(), &["1.1.0"]);
    let again = |force| Release::write(place.path(), "server", None, &versions(&["2.0.0"]), force);
    assert!(told(again(false)).contains("there is a manifest already"));
    again(true).unwrap();
    assert_eq!(Release::open(place.path()).unwrap().manifest().runs, versions(&["2.0.0"]));
}

#[test]
fn each_fault_is_told_with_its_file() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    assert!(told(Release::open(folder)).contains("manifest.toml: there is no such manifest"));
    let good = release(folder, &["1.1.0"]);
    assert!(told(good.expect(&Version::new(2, 0, 0))).contains("cannot run 2.0.0: it can run 1.1.0"));

    fs::write(folder.join("server"), "#!/bin/bash\n").unwrap();
    assert!(told(good.verify()).contains("server: its SHA-256 digest is"));
    fs::set_permissions(folder.join("server"), PermissionsExt::from_mode(0o644)).unwrap();
    assert!(told(good.verify()).contains("chmod +x"));
    fs::remove_file(folder.join("server")).unwrap();
    assert!(told(good.verify()).contains("the release has no such program"));
    symlink("/bin/sh", folder.join("server")).unwrap();
    assert!(told(good.verify()).contains("beyond the release's folder"));

    let zeros = "0".repeat(64);
    for (text, expected) in [
        (format!("program = \"../server\"\nsha256 = \"{zeros}\"\nruns = [\"1.0.0\"]"), "that stays in it"),
        (format!("program = \"/bin/sh\"\nsha256 = \"{zeros}\"\nruns = [\"1.0.0\"]"), "that stays in it"),
        (format!("program = \"server\"\nsha256 = \"{zeros}\"\nruns = []"), "names no version"),
        ("program = \"server\"\nsha256 = \"12\"\nruns = [\"1.0.0\"]".to_owned(), "64 hexadecimal digits"),
        (format!("program = \"server\"\nsha256 = \"{zeros}\"\nruns = [\"1.0\"]"), "1.0"),
        (format!("program = \"server\"\nsha256 = \"{zeros}\"\nruns = [\"1.0.0\"]\nrun = 1"), "unknown field"),
        ("x".repeat(70_000), "more than 65536 bytes"),
    ] {
        fs::write(folder.join(MANIFEST), text).unwrap();
        let told = told(Release::open(folder));
        assert!(told.contains(expected) && told.contains("manifest.toml"), "{expected:?} is missing from {told}");
    }
}

#[test]
fn a_pattern_says_where_releases_and_their_programs_lie() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("releases");
    let releases = Releases::parse(&format!("{}/{{version}}/server", root.display())).unwrap();
    assert!(told(releases.newest()).contains("listing the releases"));
    fs::create_dir(&root).unwrap();
    assert!(told(releases.newest()).contains("there is no release"));
    for (name, runs) in
        [("1.1.0", &["1.0.0", "1.1.0"]), ("2.0.0", &["1.1.0", "2.0.0"]), ("10.0.0", &["2.0.0", "3.0.0"])]
    {
        fs::create_dir(root.join(name)).unwrap();
        release(&root.join(name), runs);
    }
    fs::create_dir(root.join("lost+found")).unwrap();
    fs::create_dir(root.join("11.0.0")).unwrap();
    let newest = |runs: &[Version]| {
        let found = releases.newest_that_runs(&runs.iter().collect::<Vec<_>>());
        found.map(|(name, _)| name).map_err(|error| error.to_string())
    };
    assert_eq!(releases.versions().unwrap(), versions(&["1.1.0", "2.0.0", "10.0.0"]), "without manifest there is none");
    assert_eq!(newest(&[Version::new(1, 1, 0)]).unwrap(), Version::new(2, 0, 0));
    assert_eq!(newest(&[Version::new(1, 0, 0), Version::new(1, 1, 0)]).unwrap(), Version::new(1, 1, 0));
    assert_eq!(releases.newest().unwrap().0, Version::new(10, 0, 0));
    let why = newest(&[Version::new(1, 0, 0), Version::new(2, 0, 0)]).unwrap_err();
    assert!(
        why.contains("no release can run 1.0.0 and 2.0.0: 10.0.0 runs 2.0.0, 3.0.0; 2.0.0 runs 1.1.0, 2.0.0"),
        "{why}"
    );
    assert!(told(releases.find(&Version::new(3, 0, 0))).contains("there are 1.1.0, 2.0.0, 10.0.0"));
    let others = Releases::parse(&format!("{}/{{version}}/bin/server", root.display())).unwrap();
    assert!(told(others.find(&Version::new(2, 0, 0))).contains("it is about \"server\", and not about bin/server"));
    for wrong in ["./releases/2.0.0/server", "./releases/{version}", "{version}/{version}/x", "./r-{version}/x"] {
        assert!(told(Releases::parse(wrong)).contains("./releases/{version}/server"), "{wrong}");
    }
}
