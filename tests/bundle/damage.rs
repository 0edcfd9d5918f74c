//! Bytes that are not those that were written.

use prost::Message;
use straddle::bundle::{Bundle, BundleError};

use crate::forge::{Body, Bundled, Resume, Step, Whole, framed, small};
use crate::key;

#[test]
fn whatever_byte_of_a_signed_bundle_changes_nobody_reads_it() {
    let key = key();
    let signed = Bundle::read(framed(&small().encode_to_vec())).expect("a bundle").signed(&key).to_bytes();
    assert!(Bundle::read_trusted(signed.clone(), &[key.public()]).is_ok());
    for at in 0..signed.len() {
        let changed = |bit: usize| {
            let mut changed = signed.to_vec();
            changed[at] ^= 1 << (bit % 8);
            changed
        };
        assert!(Bundle::read(changed(at)).is_err(), "byte {at} of {}", signed.len());
        assert!(Bundle::read_trusted(changed(at + 1), &[key.public()]).is_err(), "byte {at} of {}", signed.len());
    }
}

#[test]
fn whatever_bit_of_an_unsigned_bundle_changes_it_is_noticed() {
    let file = framed(&small().encode_to_vec());
    for (at, bit) in (0..file.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = file.clone();
        changed[at] ^= 1 << bit;
        let error = Bundle::read(changed).expect_err("a change");
        let kinds = [error.is_no_bundle(), error.is_damaged(), error.is_newer()];
        assert!(kinds.contains(&true), "bit {bit} of byte {at}: {error}");
    }
}

#[test]
fn a_bundle_that_is_cut_off_anywhere_or_goes_on_is_damaged() {
    let unsigned = framed(&small().encode_to_vec());
    let signed = Bundle::read(unsigned.clone()).expect("a bundle").signed(&key()).to_bytes().to_vec();
    for file in [unsigned, signed] {
        assert!(Bundle::read(Vec::new()).expect_err("nothing").is_no_bundle());
        for length in 1..file.len() {
            let error = Bundle::read(file[..length].to_vec()).expect_err("a part");
            assert!(error.is_damaged(), "{length} of {} bytes: {error}", file.len());
        }
        let error = Bundle::read([&file[..], b"\n"].concat()).expect_err("more");
        assert!(error.is_damaged() && error.to_string().contains("1 bytes follow its end"), "{error}");
    }
}

/// A change of a body, how the error is told apart, and what it says.
type Case = (fn(&mut Body), fn(&BundleError) -> bool, &'static str);

fn whole(body: &mut Body) -> &mut Whole {
    body.whole.as_mut().expect("a whole protocol")
}

/// Gives the body a second version.
fn second(body: &mut Body, version: &str) {
    let mut more = whole(body).versions[0].clone();
    version.clone_into(&mut more.version);
    whole(body).versions.push(more);
}

const CASES: &[Case] = &[
    (|body| body.requires.push("x\u{1b}[2J".into()), BundleError::is_newer, r#"requires "x\u{1b}[2J" of its reader"#),
    (|body| body.requires = vec![String::new(); 65], BundleError::is_beyond_limits, "requires 65 things at once"),
    (|body| body.protocol.clear(), BundleError::is_invalid, "\"\" is not a name for a protocol"),
    (|body| body.protocol = "../x".into(), BundleError::is_invalid, "\"../x\" is not a name for a protocol"),
    (|body| body.protocol = "x".repeat(257), BundleError::is_invalid, "is not a name for a protocol"),
    (|body| body.whole = None, BundleError::is_newer, "neither a step nor a protocol"),
    (|body| whole(body).versions.clear(), BundleError::is_invalid, "it has no versions"),
    (|body| whole(body).unlabelled = "2.0.0".into(), BundleError::is_invalid, "unlabelled version 2.0.0 is not among"),
    (|body| whole(body).unlabelled = "two".into(), BundleError::is_invalid, "`two` is not a version"),
    (|body| whole(body).versions[0].version = "1.0".into(), BundleError::is_invalid, "`1.0` is not a version"),
    (|body| whole(body).versions[0].version = "1".repeat(999), BundleError::is_invalid, "at most 128 bytes"),
    (|body| whole(body).versions[0].schema = "ab".into(), BundleError::is_invalid, "no 32 hexadecimal digits"),
    (|body| whole(body).versions[0].schema = "G".repeat(32), BundleError::is_invalid, "no 32 hexadecimal digits"),
    (
        |body| whole(body).versions[0].descriptor_set.clear(),
        BundleError::is_invalid,
        "the descriptors of 1.0.0 are missing",
    ),
    (
        |body| whole(body).versions[0].step = Some(String::new()),
        BundleError::is_invalid,
        "the version before it is not there",
    ),
    (|body| second(body, "1.0.0"), BundleError::is_invalid, "1.0.0 does not come after 1.0.0"),
    (|body| second(body, "1.0.7"), BundleError::is_invalid, "1.0.7 does not come after 1.0.0"),
    (|body| second(body, "0.9.0"), BundleError::is_invalid, "0.9.0 does not come after 1.0.0"),
    (
        |body| {
            second(body, "2.0.0");
            whole(body).versions[1].step = Some(" ".repeat((1 << 20) + 1));
        },
        BundleError::is_beyond_limits,
        "the step.toml of 2.0.0 has 1048577 bytes",
    ),
    (
        |body| {
            let versions = &mut whole(body).versions;
            for number in 2..=6 {
                // No byte of it can begin a record.
                let step = Some("o".repeat(1 << 20));
                let version = format!("{number}.0.0");
                let first = versions[0].clone();
                versions.push(Bundled { version, step, ..first });
            }
        },
        BundleError::is_beyond_limits,
        "its step.tomls have 5242880 bytes",
    ),
    (
        |body| {
            let versions = body.whole.take().expect("a whole protocol").versions;
            body.step = Some(Step { from: versions.into_iter().next(), to: None });
        },
        BundleError::is_invalid,
        "a side of its step is missing",
    ),
    (
        |body| {
            let first = whole(body).versions[0].clone();
            for minor in 1..=1000 {
                let version = format!("1.{minor}.0");
                whole(body).versions.push(crate::forge::Bundled { version, ..first.clone() });
            }
        },
        BundleError::is_beyond_limits,
        "the bundle has 1001 versions, and may have 1000",
    ),
    (
        |body| body.resume = vec![Resume::default(); 1001],
        BundleError::is_beyond_limits,
        "the bundle resumes 1001 methods, and may resume 1000",
    ),
    (
        |body| body.resume.push(Resume { from: "x".repeat(513), ..Resume::default() }),
        BundleError::is_beyond_limits,
        "has more than 512 bytes",
    ),
];

#[test]
fn each_thing_that_a_body_may_not_say_is_refused_in_its_own_words() {
    for (index, (change, is_kind, said)) in CASES.iter().enumerate() {
        let mut body = small();
        change(&mut body);
        let error = Bundle::read(framed(&body.encode_to_vec())).expect_err(said);
        assert!(error.to_string().contains(said), "case {index}: {said:?} is not in {error}");
        assert!(is_kind(&error), "case {index}: {error:?}");
    }
}

#[test]
fn what_a_body_says_of_streams_is_held_against_its_versions_before_it_is_used() {
    let mut body = small();
    let text = |text: &str| text.to_owned();
    body.resume.push(Resume { method: text("small.v1.Small.Watch"), from: text("a"), into: text("b") });
    let read = Bundle::read(framed(&body.encode_to_vec())).expect("a bundle");
    assert_eq!(read.resume()[0].method(), "small.v1.Small.Watch");
    let error = read.protocol().expect_err("no such method");
    assert!(error.to_string().contains("`small.v1.Small.Watch` is no method of any version"), "{error}");
}

#[test]
fn a_file_of_another_kind_or_of_a_later_format_is_told_so() {
    let file = framed(&small().encode_to_vec());
    let read = |file: &[u8]| Bundle::read(file.to_vec()).expect_err("no bundle of ours");
    assert!(read(b"PK\x03\x04 and so on").is_no_bundle());
    let mut later = file.clone();
    later[19] = 2;
    let error = read(&later);
    assert!(error.is_newer() && error.to_string().contains("has the format 2"), "{error}");
    let mut signed_otherwise = file.clone();
    *signed_otherwise.last_mut().expect("a byte") = 9;
    let error = read(&signed_otherwise);
    assert!(error.is_newer() && error.to_string().contains("in the way 9"), "{error}");
    let error = read(&framed(b"\xff\xff"));
    assert!(error.is_invalid() && error.to_string().contains("no protobuf"), "{error}");
    let error = read(&[b"straddle bundle\n", &vec![0; 32 << 20][..]].concat());
    assert!(error.is_beyond_limits() && error.to_string().contains("may have 32 MiB"), "{error}");
    // A length that lies does not have memory set aside for it.
    let mut long = file;
    long[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(read(&long).is_damaged());
}
