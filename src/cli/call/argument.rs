//! Arguments that have a form of their own.

use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::MetadataMap;

use crate::version::Version;

/// A protocol and the label of its calls, as `inventory@1.0.0`; as `inventory`, calls carry no label.
#[derive(Clone, Debug)]
pub(in crate::cli) struct LabelledProtocol {
    pub(super) name: String,
    pub(super) label: Option<Version>,
}

impl FromStr for LabelledProtocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, label) = match text.split_once('@') {
            Some((name, label)) => (name, Some(label.parse::<Version>().map_err(|error| error.to_string())?)),
            None => (text, None),
        };
        if name.is_empty() || name.contains(['/', '\\', ':']) || name.starts_with('.') {
            return Err("a protocol's name and a version are wanted, as inventory@1.0.0".to_owned());
        }
        Ok(Self { name: name.to_owned(), label })
    }
}

/// One piece of metadata of a request, as `name: value`.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Header {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("a name, a colon and a value are wanted, as `user: me`")?;
        let (name, value) = (name.trim(), value.trim());
        let name = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no name of metadata"))?;
        let value =
            HeaderValue::try_from(value).map_err(|_| format!("{value:?} is no value: only ASCII can be sent"))?;
        if name.as_str().starts_with("straddle-") {
            let advice = "the label is what follows the protocol's `@`; its schema is known by --schemas, and who calls by --caller";
            return Err(advice.to_owned());
        }
        if name.as_str().starts_with("grpc-") || ["te", "content-type"].contains(&name.as_str()) {
            return Err(format!("gRPC keeps `{name}` to itself; a deadline is set with --timeout"));
        }
        let header = Self { name, value };
        if header.name.as_str().ends_with("-bin") && !header.is_base64() {
            return Err(format!("the value of `{}` is not base64, as one of that name has to be", header.name));
        }
        Ok(header)
    }
}

impl Header {
    /// Whether the node will be able to read the bytes of a binary value.
    fn is_base64(&self) -> bool {
        let headers = HeaderMap::from_iter([(self.name.clone(), self.value.clone())]);
        let metadata = MetadataMap::from_headers(headers);
        metadata.get_bin(self.name.as_str()).is_some_and(|value| value.to_bytes().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_has_a_label_after_the_at_or_none() {
        let protocol: LabelledProtocol = "inventory@1.0.0".parse().unwrap();
        assert_eq!((protocol.name.as_str(), protocol.label), ("inventory", Some(Version::new(1, 0, 0))));
        assert_eq!("inventory".parse::<LabelledProtocol>().unwrap().label, None);
        for text in ["", "@1.0.0", "inventory@", "inventory@1", "a/b@1.0.0", "..", "127.0.0.1:7000"] {
            assert!(text.parse::<LabelledProtocol>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_header_is_a_name_and_a_value_that_can_be_sent() {
        let header: Header = "User: me: and you".parse().unwrap();
        assert_eq!((header.name.as_str(), header.value.as_bytes()), ("user", &b"me: and you"[..]));
        assert!("trace-bin: AAEC".parse::<Header>().is_ok());
        for text in ["", "user", ": me", "us er: me", "user: a\nb", "trace-bin: ???", "grpc-timeout: 1S", "te: x"] {
            assert!(text.parse::<Header>().is_err(), "{text:?}");
        }
        assert!("straddle-version: 1.0.0".parse::<Header>().unwrap_err().contains('@'));
    }
}
