//! Keys and plain values as bytes: numbers with the highest byte first, so that bytes are in the order of numbers.

use tonic::Status;

use super::database::corrupt;

/// A number as a key or a value.
pub(crate) fn number(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

pub(crate) fn to_number(bytes: &[u8]) -> Result<u64, Status> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| corrupt("a number has not eight bytes"))
}

/// The key of what is in the order of time.
pub(crate) fn at(time: u64, id: &str) -> Vec<u8> {
    [&number(time), id.as_bytes()].concat()
}

pub(crate) fn to_at(key: &[u8]) -> Result<(u64, String), Status> {
    let (time, id) = key.split_at_checked(8).ok_or_else(|| corrupt("a time has not eight bytes"))?;
    Ok((to_number(time)?, to_text(id)?))
}

pub(crate) fn to_text(bytes: &[u8]) -> Result<String, Status> {
    String::from_utf8(bytes.to_vec()).map_err(|_| corrupt("a name is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_their_numbers_and_come_back() {
        let keys = [at(0, "b"), at(1, ""), at(1, "a"), at(255, "a"), at(256, "a"), at(u64::MAX, "a")];
        assert!(keys.is_sorted());
        assert_eq!(to_at(&keys[4]).unwrap(), (256, "a".to_owned()));
        assert!(to_at(b"short").is_err());
    }
}
