//! What every store refuses.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{
    Compare, DatabaseError, LARGEST_TRANSACTION, LARGEST_VALUE, LONGEST_KEY, MOST_OPERATIONS, Transaction, Write,
};

impl Transaction {
    /// Looks whether it is within the limits of this module, and does not contradict itself.
    ///
    /// Stores do this before anything else.
    ///
    /// # Errors
    /// [`is_invalid`](DatabaseError::is_invalid) when not; it says which limit, or which key.
    pub fn check(&self) -> Result<(), DatabaseError> {
        for (what, number) in [("comparisons", self.compare.len()), ("writes", self.write.len())] {
            if number > MOST_OPERATIONS {
                let what = format!("a transaction has {number} {what}, and may have {MOST_OPERATIONS}");
                return Err(DatabaseError::invalid(what));
            }
        }
        let mut bytes = 0;
        for compare in &self.compare {
            let (Compare::Absent(key) | Compare::Modified(key, _)) = compare;
            check_key(key)?;
            bytes += key.len();
        }
        let mut written = BTreeSet::new();
        for write in &self.write {
            check_key(write.key())?;
            if !written.insert(write.key()) {
                return Err(DatabaseError::invalid(format!("a transaction writes {} twice", readable(write.key()))));
            }
            if let Write::Put { key, value, .. } = write {
                check_value(key, value)?;
            }
            bytes += write.size();
        }
        if bytes > LARGEST_TRANSACTION {
            let what = format!("a transaction has {bytes} bytes, and may have {LARGEST_TRANSACTION}");
            return Err(DatabaseError::invalid(what));
        }
        Ok(())
    }
}

impl Write {
    /// The key that it is about.
    #[must_use]
    pub fn key(&self) -> &Bytes {
        let (Self::Put { key, .. } | Self::Delete(key)) = self;
        key
    }

    /// The bytes of its key and its value: what [`LARGEST_TRANSACTION`] bounds.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Put { key, value, .. } => key.len() + value.len(),
            Self::Delete(key) => key.len(),
        }
    }
}

pub(super) fn check_key(key: &[u8]) -> Result<(), DatabaseError> {
    if key.is_empty() {
        return Err(DatabaseError::invalid("a key is empty"));
    }
    if key.len() > LONGEST_KEY {
        let what = format!("the key {} has {} bytes, and may have {LONGEST_KEY}", readable(key), key.len());
        return Err(DatabaseError::invalid(what));
    }
    Ok(())
}

pub(super) fn check_value(key: &[u8], value: &[u8]) -> Result<(), DatabaseError> {
    if value.len() > LARGEST_VALUE {
        let what = format!("the value of {} has {} bytes, and may have {LARGEST_VALUE}", readable(key), value.len());
        return Err(DatabaseError::invalid(what));
    }
    Ok(())
}

/// A key as people can read it, and not too much of it.
pub(super) fn readable(key: &[u8]) -> String {
    const MOST: usize = 100;
    let dots = if key.len() > MOST { "..." } else { "" };
    format!("\"{}\"{dots}", key[..key.len().min(MOST)].escape_ascii())
}
