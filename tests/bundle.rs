//! Bundles: written, read, refused, trusted, and added to a protocol.
#![cfg(feature = "cli")]

#[path = "bundle/adding.rs"]
mod adding;
#[path = "bundle/damage.rs"]
mod damage;
#[path = "support/folder.rs"]
mod folder;
#[path = "bundle/forge.rs"]
mod forge;
#[path = "bundle/hostile.rs"]
mod hostile;
#[path = "bundle/keys.rs"]
mod keys;
#[path = "support/shop.rs"]
mod shop;

use std::fs;

use forge::{SHOP_SERVICE, framed, small};
use prost::Message;
use sha2::{Digest, Sha256};
use straddle::bundle::{Bundle, Kind, SecretKey};
use straddle::{Protocol, Version};

const INVENTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/inventory");

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

fn load(files: &[(&str, &str)]) -> Protocol {
    Protocol::load(folder::folder(files).path()).expect("a protocol")
}

fn key() -> SecretKey {
    SecretKey::generate().expect("a key")
}

/// What a protocol says of its versions and steps, to compare by.
fn told(protocol: &Protocol) -> String {
    let versions = protocol.versions().iter();
    let versions =
        versions.map(|schema| format!("{} {} {}", schema.version(), schema.digest(), schema.descriptor_set().len()));
    let steps = protocol.steps().iter();
    let steps = steps.map(|step| {
        let (past, future) = (step.past(), step.future());
        format!("{}..{} {} {past:?} {future:?}", step.from(), step.to(), step.is_breaking())
    });
    let name = format!("{} {:?}", protocol.name(), protocol.unlabelled());
    let resume = protocol.resume().iter();
    let resume = resume.map(|entry| format!("{} {} {}", entry.method(), entry.from(), entry.into()));
    [name].into_iter().chain(versions).chain(steps).chain(resume).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_whole_protocol_comes_out_as_it_went_in() {
    let inventory = Protocol::load(INVENTORY).expect("the inventory");
    let written = Bundle::of_protocol(&inventory).expect("a bundle");
    let read = Bundle::read(written.to_bytes()).expect("the same bundle");
    assert_eq!((read.kind(), read.name(), read.unlabelled()), (Kind::Protocol, "inventory", inventory.unlabelled()));
    assert_eq!(read.digest(), written.digest());
    assert!(read.signer().is_none());
    assert_eq!(read.to_bytes(), written.to_bytes());
    assert_eq!(told(&read.protocol().expect("a protocol")), told(&inventory));
    let steps: Vec<bool> = read.versions().iter().map(|version| version.step().is_some()).collect();
    assert_eq!(steps, [false, false, true, true], "1.1.0 has no step.toml, and needs none");
}

#[test]
fn a_step_comes_out_with_its_two_versions() {
    let inventory = Protocol::load(INVENTORY).expect("the inventory");
    let written = Bundle::of_step(&inventory, &version("1.1.0"), &version("2.0.0")).expect("a bundle");
    let read = Bundle::read(written.to_bytes()).expect("the same bundle");
    assert_eq!((read.kind(), read.unlabelled()), (Kind::Step, None));
    let [from, to] = read.versions() else { panic!("{:?}", read.versions()) };
    assert_eq!((from.version(), to.version()), (&version("1.1.0"), &version("2.0.0")));
    assert_eq!(from.step(), None, "how 1.1.0 came about is another step");
    let text = fs::read_to_string(format!("{INVENTORY}/2.0.0/step.toml")).expect("the step");
    assert_eq!(to.step(), Some(text.as_str()));
    let protocol = read.protocol().expect("a protocol of two versions");
    for (bundled, schema) in read.versions().iter().zip(protocol.versions()) {
        assert_eq!(bundled.schema_digest(), schema.digest());
        assert_eq!(inventory.schema(schema.version()).expect("the same version").digest(), schema.digest());
    }
}

#[test]
fn a_step_that_there_is_not_is_told_with_those_that_there_are() {
    let protocol = load(shop::SHOP);
    for (from, to) in [("1.0.0", "2.1.0"), ("2.0.0", "1.0.0"), ("1.0.0", "9.0.0"), ("1.0.0", "1.0.0")] {
        let error = Bundle::of_step(&protocol, &version(from), &version(to)).expect_err(from);
        assert!(error.is_contradiction(), "{error}");
        assert!(error.to_string().contains("its steps are 1.0.0..2.0.0, 2.0.0..2.1.0"), "{error}");
    }
    // Labels do not count patch numbers, and neither do those who name a step.
    assert!(Bundle::of_step(&protocol, &version("1.0.4"), &version("2.0.9")).is_ok());
}

#[test]
fn the_same_folder_gives_the_same_bytes_wherever_it_lies() {
    let (one, other) = (load(shop::SHOP), load(shop::SHOP));
    let bundle = |protocol: &Protocol| Bundle::of_protocol(protocol).expect("a bundle");
    assert_eq!(bundle(&one).to_bytes(), bundle(&other).to_bytes());
    let key = key();
    assert_eq!(bundle(&one).signed(&key).to_bytes(), bundle(&other).signed(&key).to_bytes());
    let reread = bundle(&bundle(&one).protocol().expect("a protocol"));
    assert_eq!(reread.to_bytes(), bundle(&one).to_bytes(), "a bundle's protocol, bundled again");
    assert_ne!(bundle(&load(SHOP_SERVICE)).digest(), bundle(&one).digest());
}

/// What the file looks like, written down once more: it must never change.
#[test]
fn the_file_is_laid_out_as_its_documentation_says() {
    let body = small();
    let (key, unsigned) = (key(), framed(&body.encode_to_vec()));
    let mut wanted = b"straddle bundle\n\0\0\0\x01".to_vec();
    let length = u32::try_from(body.encoded_len()).expect("a small body");
    wanted.extend(length.to_be_bytes());
    wanted.extend(body.encode_to_vec());
    let digest = Sha256::digest(&wanted);
    wanted.extend(digest);
    assert_eq!(unsigned, [&wanted[..], &[0]].concat());
    let bundle = Bundle::read(unsigned.clone()).expect("what the documentation says");
    assert_eq!(bundle.to_bytes(), unsigned);
    assert_eq!(bundle.digest(), format!("{digest:x}"));
    let signed = bundle.signed(&key).to_bytes();
    assert_eq!(signed[..wanted.len()], wanted);
    assert_eq!((signed[wanted.len()], signed.len()), (1, wanted.len() + 1 + 32 + 64));
    let written = Bundle::of_protocol(&bundle_protocol(&unsigned)).expect("a bundle");
    assert_eq!(written.to_bytes(), unsigned, "fields in the order of their numbers");
}

fn bundle_protocol(file: &[u8]) -> Protocol {
    Bundle::read(file.to_vec()).expect("a bundle").protocol().expect("a protocol")
}

#[test]
fn what_a_newer_writer_added_is_passed_over_and_kept() {
    let mut body = small();
    body.later = Some("a remark".to_owned());
    body.whole.as_mut().expect("a whole protocol").versions[0].later = Some("another".to_owned());
    let file = framed(&body.encode_to_vec());
    let bundle = Bundle::read(file.clone()).expect("a bundle with more than this program knows");
    assert_eq!(bundle.name(), "small");
    assert_eq!(bundle.to_bytes(), file);
    let signed = bundle.signed(&key());
    assert_eq!(Bundle::read(signed.to_bytes()).expect("signed").signed(&key()).digest(), signed.digest());
}
