//! Items as the auditor knows them: in no version's words.
//!
//! Written apart from the simulation objects on purpose: what they say is checked against this.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use crate::inventory::generated::{v1_0_0, v1_1_0, v2_0_0, v3_0_0};

/// An item, with all that any version can say of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Item {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) cents: i64,
    pub(super) stock: i64,
    pub(super) aisle: String,
    pub(super) bin: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) packaging: Option<Packaging>,
    pub(super) suppliers: Vec<Supplier>,
    /// Since 1.1.0.
    pub(super) description: String,
    /// Since 1.1.0.
    pub(super) tags: Vec<String>,
    /// Since 2.0.0.
    pub(super) discontinued: bool,
    pub(super) revision: u64,
    /// Whether the time of the last write is told, and is of the last hours.
    pub(super) dated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Packaging {
    Box { length: i32, width: i32, height: i32 },
    Pallet { layers: i32, boxes: i32 },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Supplier {
    pub(super) name: String,
    /// Least number of pieces, and cents a piece.
    pub(super) offers: Vec<(i32, i64)>,
}

impl Item {
    /// Something that every version can say.
    pub(super) fn random(sku: &str, random: &mut fastrand::Rng) -> Self {
        let word =
            |random: &mut fastrand::Rng| -> String { (0..random.usize(1..12)).map(|_| random.lowercase()).collect() };
        let packaging = match random.u8(0..3) {
            0 => None,
            1 => Some(Packaging::Box {
                length: random.i32(0..900),
                width: random.i32(0..900),
                height: random.i32(0..900),
            }),
            _ => Some(Packaging::Pallet { layers: random.i32(0..9), boxes: random.i32(0..30) }),
        };
        Self {
            sku: sku.to_owned(),
            name: word(random),
            cents: if random.bool() { random.i64(0..10_000) } else { random.i64(0..1_000_000_000) },
            stock: random.i64(0..60),
            aisle: word(random).to_uppercase(),
            bin: if random.bool() { format!("{}-{}", random.u8(..), random.u8(..)) } else { String::new() },
            attributes: (0..random.usize(0..4)).map(|_| (word(random), word(random))).collect(),
            packaging,
            suppliers: (0..random.usize(0..3))
                .map(|_| Supplier {
                    name: word(random),
                    offers: (0..random.usize(0..3)).map(|_| (random.i32(1..100), random.i64(0..100_000))).collect(),
                })
                .collect(),
            description: word(random),
            tags: (0..random.usize(0..3)).map(|number| format!("{}{number}", word(random))).collect(),
            discontinued: random.u8(0..8) == 0,
            revision: 0,
            dated: true,
        }
    }
}

/// Whether these seconds are of the last hours: the run is shorter, and the nodes have the same clock.
fn is_recent(seconds: i64) -> bool {
    const HOURS: u64 = 6 * 60 * 60;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    u64::try_from(seconds).is_ok_and(|seconds| now.abs_diff(seconds) < HOURS)
}

fn dollars(cents: i64) -> f64 {
    // Far below the number from which a double skips hundredths.
    #[expect(clippy::cast_precision_loss, reason = "amounts of the demo are below 10^9 cents")]
    let cents = cents as f64;
    cents / 100.0
}

fn cents(dollars: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "what is out of range differs from what was written")]
    let cents = (dollars * 100.0).round() as i64;
    cents
}

fn location(item: &Item) -> String {
    if item.bin.is_empty() { item.aisle.clone() } else { format!("{}-{}", item.aisle, item.bin) }
}

fn place(location: &str) -> (String, String) {
    let (aisle, bin) = location.split_once('-').unwrap_or((location, ""));
    (aisle.to_owned(), bin.to_owned())
}

/// What is the same in the messages of all versions but for their types.
macro_rules! packaging_and_attributes {
    ($version:ident) => {
        fn packaging_of(item: &Item) -> Option<$version::item::Packaging> {
            item.packaging.map(|packaging| match packaging {
                Packaging::Box { length, width, height } => $version::item::Packaging::Box($version::Box {
                    length_mm: length,
                    width_mm: width,
                    height_mm: height,
                }),
                Packaging::Pallet { layers, boxes } => {
                    $version::item::Packaging::Pallet($version::Pallet { layers, boxes_per_layer: boxes })
                }
            })
        }

        fn packaging_from(packaging: Option<$version::item::Packaging>) -> Option<Packaging> {
            packaging.map(|packaging| match packaging {
                $version::item::Packaging::Box(size) => {
                    Packaging::Box { length: size.length_mm, width: size.width_mm, height: size.height_mm }
                }
                $version::item::Packaging::Pallet(size) => {
                    Packaging::Pallet { layers: size.layers, boxes: size.boxes_per_layer }
                }
            })
        }

        fn attributes_of(item: &Item) -> HashMap<String, String> {
            item.attributes.clone().into_iter().collect()
        }
    };
}

/// Items in the words of 1.x; what only 1.1.0 has comes last.
macro_rules! first_major {
    ($version:ident, $module:ident, { $($field:ident),* }) => {
        pub(super) mod $module {
            use super::*;

            packaging_and_attributes!($version);

            pub(in super::super) fn say(item: &Item) -> $version::Item {
                let offer = |&(minimum_quantity, cents): &(i32, i64)| $version::Offer { minimum_quantity, price: dollars(cents) };
                let suppliers = item.suppliers.iter().map(|supplier| $version::Supplier {
                    name: supplier.name.clone(),
                    offers: supplier.offers.iter().map(offer).collect(),
                });
                $version::Item {
                    sku: item.sku.clone(),
                    name: item.name.clone(),
                    price: dollars(item.cents),
                    stock: item.stock,
                    location: location(item),
                    attributes: attributes_of(item),
                    packaging: packaging_of(item),
                    suppliers: suppliers.collect(),
                    updated: 0,
                    revision: 0,
                    $($field: item.$field.clone(),)*
                }
            }

            pub(in super::super) fn hear(item: $version::Item) -> Item {
                let (aisle, bin) = place(&item.location);
                let offers = |offers: Vec<$version::Offer>| {
                    offers.into_iter().map(|offer| (offer.minimum_quantity, cents(offer.price))).collect()
                };
                let suppliers = item.suppliers.into_iter().map(|supplier| Supplier { name: supplier.name, offers: offers(supplier.offers) });
                Item {
                    sku: item.sku,
                    name: item.name,
                    cents: cents(item.price),
                    stock: item.stock,
                    aisle,
                    bin,
                    attributes: item.attributes.into_iter().collect(),
                    packaging: packaging_from(item.packaging),
                    suppliers: suppliers.collect(),
                    revision: item.revision,
                    dated: is_recent(item.updated),
                    $($field: item.$field,)*
                    ..Item::default()
                }
            }
        }
    };
}

first_major!(v1_0_0, first, {});
first_major!(v1_1_0, second, { description, tags });

/// Items in the words of 2.0.0 and 3.0.0.
macro_rules! second_major {
    ($version:ident, $module:ident) => {
        pub(super) mod $module {
            use super::*;

            packaging_and_attributes!($version);

            fn money(cents: i64) -> Option<$version::Money> {
                // A hundredth has ten million billionths, and there are at most 99 of them.
                let nanos = i32::try_from(cents % 100).unwrap_or_default() * 10_000_000;
                Some($version::Money { currency_code: "USD".to_owned(), units: cents / 100, nanos })
            }

            /// An absent amount is zero, as `rules.md` has it: 1.x does not tell the two apart. -1 for an amount that nobody wrote:
            /// fractions of cents, or another currency.
            fn cents(money: Option<$version::Money>) -> i64 {
                let Some(money) = money else { return 0 };
                match (money.currency_code.as_str(), money.nanos % 10_000_000) {
                    ("USD", 0) => money.units * 100 + i64::from(money.nanos / 10_000_000),
                    _ => -1,
                }
            }

            pub(in super::super) fn say(item: &Item) -> $version::Item {
                let offer =
                    |&(minimum_quantity, cents): &(i32, i64)| $version::Offer { minimum_quantity, price: money(cents) };
                let suppliers = item.suppliers.iter().map(|supplier| $version::Supplier {
                    name: supplier.name.clone(),
                    offers: supplier.offers.iter().map(offer).collect(),
                });
                let status =
                    if item.discontinued { $version::ItemStatus::Discontinued } else { $version::ItemStatus::Active };
                $version::Item {
                    sku: item.sku.clone(),
                    name: item.name.clone(),
                    description: item.description.clone(),
                    tags: item.tags.clone(),
                    price: money(item.cents),
                    stock: item.stock,
                    location: Some($version::Location { aisle: item.aisle.clone(), bin: item.bin.clone() }),
                    status: status.into(),
                    attributes: attributes_of(item),
                    packaging: packaging_of(item),
                    suppliers: suppliers.collect(),
                    updated: None,
                    revision: 0,
                }
            }

            pub(in super::super) fn hear(item: $version::Item) -> Item {
                let location = item.location.unwrap_or_default();
                let offers = |offers: Vec<$version::Offer>| {
                    offers.into_iter().map(|offer| (offer.minimum_quantity, cents(offer.price))).collect()
                };
                let suppliers = item
                    .suppliers
                    .into_iter()
                    .map(|supplier| Supplier { name: supplier.name, offers: offers(supplier.offers) });
                Item {
                    sku: item.sku,
                    name: item.name,
                    cents: cents(item.price),
                    stock: item.stock,
                    aisle: location.aisle,
                    bin: location.bin,
                    attributes: item.attributes.into_iter().collect(),
                    packaging: packaging_from(item.packaging),
                    suppliers: suppliers.collect(),
                    description: item.description,
                    tags: item.tags,
                    discontinued: item.status == $version::ItemStatus::Discontinued as i32,
                    revision: item.revision,
                    dated: item.updated.is_some_and(|updated| is_recent(updated.seconds)),
                }
            }
        }
    };
}

second_major!(v2_0_0, third);
second_major!(v3_0_0, fourth);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::generated::protocol;
    use crate::rewrite::Envelope;

    /// What costs nothing is rare among random items, so a whole demo seldom meets one.
    #[test]
    fn an_item_that_costs_nothing_is_heard_as_such_behind_an_older_node() {
        let (protocol, item) = (protocol(), Item { sku: "a".to_owned(), dated: false, ..Item::default() });
        let said = Envelope::seal_message(&protocol, "3.0.0", &fourth::say(&item)).unwrap();
        let opener = protocol.opener();
        let older = opener.open(said).unwrap().into_version("1.1.0").unwrap().into_envelope();
        let newer = opener.open(older).unwrap().into_version("3.0.0").unwrap();
        let heard = fourth::hear(newer.message::<v3_0_0::Item>().unwrap());
        assert_eq!(heard.cents, 0);
        assert_eq!(heard, item);
    }
}
