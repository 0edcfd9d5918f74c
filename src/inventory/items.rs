//! What the store has to know of an item, whatever its version.

use std::time::SystemTime;

use prost::Name;
use sha2::{Digest, Sha256};
use tonic::Status;

use super::generated::{v1_1_0, v2_0_0, v3_0_0};
use super::store::Answer;
use super::validate;

/// The versions that have an object, oldest first.
pub(crate) const VERSIONS: [&str; 3] = [v1_1_0::Item::VERSION, v2_0_0::Item::VERSION, v3_0_0::Item::VERSION];

/// Adds to the fingerprint of a request, in the form that `version` has for it; nothing where it has no object, or the
/// bytes are none of its items.
pub(crate) fn digest_in(version: &str, item: &[u8], digest: &mut Sha256) -> Option<()> {
    fn of<I: StoredItem>(item: &[u8], digest: &mut Sha256) -> Option<()> {
        I::decode(item).ok()?.digest(digest);
        Some(())
    }
    match version {
        v1_1_0::Item::VERSION => of::<v1_1_0::Item>(item, digest),
        v2_0_0::Item::VERSION => of::<v2_0_0::Item>(item, digest),
        v3_0_0::Item::VERSION => of::<v3_0_0::Item>(item, digest),
        _ => None,
    }
}

/// An item as the object of one version stores it: the version's own message.
pub(crate) trait StoredItem: Answer + Name + Clone + Unpin {
    /// The version whose message this is.
    const VERSION: &'static str;

    /// What names the item.
    fn sku(&self) -> &str;

    /// How many pieces can be reserved.
    fn stock(&self) -> i64;

    /// Says how many pieces can be reserved.
    fn set_stock(&mut self, stock: i64);

    /// The write that this state came from.
    fn revision(&self) -> u64;

    /// Whether the item can be reserved at all.
    fn reservable(&self) -> bool;

    /// Checks the limits of a request's `item`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` that names the field.
    fn check(&self) -> Result<(), Status>;

    /// Checks that the status, where there is one, is one that this version knows.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` that names the field.
    fn check_status(&self) -> Result<(), Status>;

    /// Gives what the request leaves open the value that it then has; `before` is the item that it replaces.
    fn settle(&mut self, before: Option<&Self>);

    /// Sets what the node sets itself.
    fn stamp(&mut self, revision: u64, now: SystemTime);

    /// Adds to a request's fingerprint; equal requests give the same, in whatever order their maps come.
    fn digest(&self, digest: &mut Sha256) {
        let mut rest = self.clone();
        rest.stamp(0, SystemTime::UNIX_EPOCH);
        let mut attributes: Vec<_> = rest.take_attributes();
        attributes.sort_unstable();
        for (key, value) in attributes {
            for text in [key, value] {
                digest.update(text.len().to_le_bytes());
                digest.update(text);
            }
        }
        digest.update(rest.encode_to_vec());
    }

    /// Takes the attributes out, in any order.
    fn take_attributes(&mut self) -> Vec<(String, String)>;
}

/// What every version has under the same name. Rust sees another type in each, though the text is the same.
macro_rules! fields_of_every_version {
    ($version:ident, $name:literal) => {
        const VERSION: &'static str = $name;

        fn sku(&self) -> &str {
            &self.sku
        }

        fn stock(&self) -> i64 {
            self.stock
        }

        fn set_stock(&mut self, stock: i64) {
            self.stock = stock;
        }

        fn revision(&self) -> u64 {
            self.revision
        }

        fn take_attributes(&mut self) -> Vec<(String, String)> {
            std::mem::take(&mut self.attributes).into_iter().collect()
        }

        fn check(&self) -> Result<(), Status> {
            validate::sku("item.sku", &self.sku)?;
            validate::bytes("item.name", &self.name, 1..=256)?;
            validate::bytes("item.description", &self.description, 0..=4096)?;
            validate::tags(&self.tags)?;
            self.price.check("item.price")?;
            validate::whole("item.stock", self.stock, 0..=validate::MOST)?;
            self.location.check("item.location")?;
            validate::attributes(self.attributes.iter())?;
            self.packaging.check("item")?;
            self.check_status()?;
            validate::count("item.suppliers", self.suppliers.len(), 16)?;
            for (supplier, index) in self.suppliers.iter().zip(0..) {
                let path = format!("item.suppliers[{index}]");
                validate::bytes(&format!("{path}.name"), &supplier.name, 1..=256)?;
                validate::count(&format!("{path}.offers"), supplier.offers.len(), 16)?;
                for (offer, index) in supplier.offers.iter().zip(0..) {
                    let path = format!("{path}.offers[{index}]");
                    let least = format!("{path}.minimum_quantity");
                    validate::whole(&least, offer.minimum_quantity, 1..=i32::MAX)?;
                    offer.price.check(&format!("{path}.price"))?;
                }
            }
            Ok(())
        }
    };
}

/// The item of package `inventory.v2`, which 2.0.0 and 3.0.0 share.
macro_rules! stored_item_of_v2 {
    ($version:ident, $name:literal) => {
        impl StoredItem for $version::Item {
            fields_of_every_version!($version, $name);

            fn reservable(&self) -> bool {
                self.status() != $version::ItemStatus::Discontinued
            }

            fn check_status(&self) -> Result<(), Status> {
                match $version::ItemStatus::try_from(self.status) {
                    Ok(_) => Ok(()),
                    Err(_) => Err(validate::invalid("item.status", format!("must not be {}", self.status))),
                }
            }

            fn settle(&mut self, before: Option<&Self>) {
                use $version::{ItemStatus, Location, Money};

                if self.status() == ItemStatus::Unspecified {
                    self.set_status(before.map_or(ItemStatus::Active, Self::status));
                }
                let nothing = || Money { currency_code: "USD".to_owned(), units: 0, nanos: 0 };
                self.price.get_or_insert_with(nothing);
                for offer in self.suppliers.iter_mut().flat_map(|supplier| &mut supplier.offers) {
                    offer.price.get_or_insert_with(nothing);
                }
                self.location.take_if(|location| *location == Location::default());
            }

            fn stamp(&mut self, revision: u64, now: SystemTime) {
                self.revision = revision;
                self.updated = Some(now.into());
            }
        }

        impl Limits for Option<$version::Money> {
            fn check(&self, path: &str) -> Result<(), Status> {
                self.as_ref()
                    .map_or(Ok(()), |money| validate::money(path, &money.currency_code, money.units, money.nanos))
            }
        }

        impl Limits for Option<$version::Location> {
            fn check(&self, path: &str) -> Result<(), Status> {
                let length = self.as_ref().map_or(0, |location| location.aisle.len() + location.bin.len());
                validate::whole(&format!("{path}: the bytes of aisle and bin together"), length, 0..=64)
            }
        }
    };
}

/// What an item is packed in is the same in every version.
macro_rules! packaging_limits {
    ($($version:ident),*) => {$(
        impl Limits for Option<$version::item::Packaging> {
            fn check(&self, path: &str) -> Result<(), Status> {
                use $version::item::Packaging;

                let numbers = match self {
                    None => return Ok(()),
                    Some(Packaging::Box(size)) => vec![
                        ("box.length_mm", size.length_mm),
                        ("box.width_mm", size.width_mm),
                        ("box.height_mm", size.height_mm),
                    ],
                    Some(Packaging::Pallet(pallet)) => {
                        vec![("pallet.layers", pallet.layers), ("pallet.boxes_per_layer", pallet.boxes_per_layer)]
                    }
                };
                numbers
                    .into_iter()
                    .try_for_each(|(field, number)| validate::whole(&format!("{path}.{field}"), number, 0..=i32::MAX))
            }
        }
    )*};
}

/// A field with limits of its own.
trait Limits {
    fn check(&self, path: &str) -> Result<(), Status>;
}

impl StoredItem for v1_1_0::Item {
    fields_of_every_version!(v1_1_0, "1.1.0");

    fn reservable(&self) -> bool {
        true
    }

    fn check_status(&self) -> Result<(), Status> {
        Ok(())
    }

    fn settle(&mut self, _before: Option<&Self>) {
        // 1.1.0 leaves nothing open.
    }

    fn stamp(&mut self, revision: u64, now: SystemTime) {
        self.revision = revision;
        self.updated = prost_types::Timestamp::from(now).seconds;
    }
}

/// What was answered with an item is rewritten for a retry that comes in another version.
macro_rules! answers {
    ($($version:ident),*) => {$(
        impl Answer for $version::Item {
            fn message_type() -> Option<String> {
                Some(Self::full_name())
            }
        }
    )*};
}

answers!(v1_1_0, v2_0_0, v3_0_0);
stored_item_of_v2!(v2_0_0, "2.0.0");
stored_item_of_v2!(v3_0_0, "3.0.0");
packaging_limits!(v1_1_0, v2_0_0, v3_0_0);

impl Limits for f64 {
    fn check(&self, path: &str) -> Result<(), Status> {
        validate::dollars(path, *self)
    }
}

impl Limits for String {
    fn check(&self, path: &str) -> Result<(), Status> {
        validate::bytes(path, self, 0..=64)
    }
}
