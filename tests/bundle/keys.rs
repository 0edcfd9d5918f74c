//! Keys and signatures.

use prost::Message;
use straddle::bundle::{Bundle, PublicKey, SecretKey};

use crate::forge::{framed, small};
use crate::key;

/// The keys that RFC 8410 shows in its section 10.
const SECRET: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";
/// Of `SECRET`, too, with the public key behind it.
const SECRET_AND_PUBLIC: &str = "-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";

#[test]
fn keys_are_read_and_written_as_rfc_8410_shows_them() {
    let secret = SecretKey::from_pem(SECRET).expect("a secret key");
    let public = PublicKey::from_pem(PUBLIC).expect("a public key");
    assert_eq!(secret.public(), public);
    assert_eq!(secret.to_pem().expect("its text"), SECRET);
    assert_eq!(public.to_pem().expect("its text"), PUBLIC);
    assert_eq!(
        SecretKey::from_pem(&SECRET.replace('\n', "\r\n")).expect("a key with other ends of lines").public(),
        public
    );
    // openssl pkey -pubin -outform DER | sha256sum
    assert_eq!(public.fingerprint(), "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f");
    assert!(!format!("{secret:?}").contains("1O5y"), "{secret:?}");
}

#[test]
fn a_secret_key_with_its_public_one_behind_it_is_read_as_well() {
    let secret = SecretKey::from_pem(SECRET_AND_PUBLIC);
    assert_eq!(secret.expect("a secret key").public(), PublicKey::from_pem(PUBLIC).expect("a public key"));
}

#[test]
fn what_is_no_key_is_told_so_with_what_it_is() {
    let secret = |text: &str| SecretKey::from_pem(text).expect_err(text).to_string();
    let public = |text: &str| PublicKey::from_pem(text).expect_err(text).to_string();
    assert!(secret(PUBLIC).contains("it is a public key"));
    assert!(public(SECRET).contains("it is a secret key"));
    let behind = SECRET.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert!(secret(&behind).contains("behind a passphrase"));
    for text in ["", "x", "-----BEGIN PUBLIC KEY-----\n", &SECRET[..80], &PUBLIC.replace('M', "N")] {
        assert!(SecretKey::from_pem(text).expect_err(text).is_about_a_key());
        assert!(PublicKey::from_pem(text).expect_err(text).is_about_a_key());
    }
    // The neutral point of the curve: every signature of a certain form is right under it.
    let weak = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
-----END PUBLIC KEY-----
";
    assert!(public(weak).contains("anybody can sign"), "{}", public(weak));
}

#[test]
fn only_what_a_trusted_key_has_signed_is_trusted() {
    let (author, other) = (key(), key());
    let unsigned = Bundle::read(framed(&small().encode_to_vec())).expect("a bundle");
    let signed = unsigned.clone().signed(&author);
    let read = |bundle: &Bundle, trusted: &[PublicKey]| Bundle::read_trusted(bundle.to_bytes(), trusted);
    assert_eq!(read(&signed, &[other.public(), author.public()]).expect("trusted").signer(), Some(&author.public()));
    assert_eq!(signed.verify(&[author.public()]).expect("verified"), &author.public());
    let refused: [(&Bundle, &[PublicKey], &str); 4] = [
        (&unsigned, &[author.public()], "is not signed"),
        (&unsigned, &[], "is not signed"),
        (&signed, &[other.public()], "whom nobody here trusts"),
        (&signed, &[], "whom nobody here trusts"),
    ];
    for (bundle, trusted, said) in refused {
        for error in [read(bundle, trusted).expect_err(said), bundle.verify(trusted).expect_err(said)] {
            assert!(error.is_untrusted() && error.to_string().contains(said), "{error}");
        }
    }
    assert!(
        read(&signed, &[other.public()]).expect_err("a stranger").to_string().contains(&author.public().fingerprint())
    );
    // Who needs no trust reads either.
    assert!(Bundle::read(unsigned.to_bytes()).is_ok() && Bundle::read(signed.to_bytes()).is_ok());
    assert_eq!(signed.digest(), unsigned.digest());
    let again = signed.clone().signed(&other);
    assert_eq!(again.signer(), Some(&other.public()), "the last who signs");
}

#[test]
fn a_signature_is_of_one_bundle_and_of_one_key() {
    let (author, other) = (key(), key());
    let mut body = small();
    let one = Bundle::read(framed(&body.encode_to_vec())).expect("a bundle").signed(&author).to_bytes();
    body.protocol = "smell".to_owned();
    let two = Bundle::read(framed(&body.encode_to_vec())).expect("a bundle").signed(&author).to_bytes();
    assert_eq!(one.len(), two.len());
    let moved = [&two[..two.len() - 64], &one[one.len() - 64..]].concat();
    let mut renamed = one.to_vec();
    let key_at = one.len() - 96;
    let signer = Bundle::read(one.clone()).expect("a bundle").signed(&other).to_bytes();
    renamed[key_at..key_at + 32].copy_from_slice(&signer[key_at..key_at + 32]);
    for file in [moved, renamed] {
        let error = Bundle::read(file).expect_err("another's signature");
        assert!(error.is_damaged() && error.to_string().contains("its signature is not that of the key"), "{error}");
    }
}
