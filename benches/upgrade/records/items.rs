//! The items of the state, and what they are in the next version, converted by hand.

use straddle::inventory::generated::{v1_1_0 as v1, v2_0_0 as v2};

/// An item as shops have them.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "the numbers here are small")]
pub(crate) fn item(number: usize) -> v1::Item {
    let cents = (number * 37 % 100_000 + 1) as f64;
    v1::Item {
        sku: sku(number),
        name: format!("Plank of oak, {} mm", number % 5_000),
        price: cents / 100.0,
        stock: (number % 1_000) as i64,
        location: format!("A{}-{}", number % 40, number % 90),
        updated: 1_700_000_000 + number as i64,
        revision: number as u64 + 1,
        attributes: [
            ("colour".to_owned(), "natural".to_owned()),
            ("weight".to_owned(), format!("{} g", number % 9_000)),
        ]
        .into(),
        packaging: Some(v1::item::Packaging::Pallet(v1::Pallet { layers: 4, boxes_per_layer: 12 })),
        suppliers: vec![v1::Supplier {
            name: "Timber and Sons".to_owned(),
            offers: vec![v1::Offer { minimum_quantity: 100, price: cents / 200.0 }],
        }],
        description: "Planed on four sides, dried in the kiln, from forests nearby.".to_owned(),
        tags: vec!["wood".to_owned(), "oak".to_owned()],
    }
}

/// The keys are in the order of the numbers.
pub(crate) fn sku(number: usize) -> String {
    format!("sku-{number:09}")
}

/// What `step.toml` says, as somebody would write it who has no rules.
pub(crate) fn convert(old: v1::Item) -> v2::Item {
    let location = (!old.location.is_empty()).then(|| {
        let (aisle, bin) = old.location.split_once('-').unwrap_or((&old.location, ""));
        v2::Location { aisle: aisle.to_owned(), bin: bin.to_owned() }
    });
    v2::Item {
        sku: old.sku,
        name: old.name,
        description: old.description,
        tags: old.tags,
        status: v2::ItemStatus::Active.into(),
        price: Some(money(old.price)),
        stock: old.stock,
        location,
        suppliers: old.suppliers.into_iter().map(supplier).collect(),
        attributes: old.attributes,
        updated: Some(prost_types::Timestamp { seconds: old.updated, nanos: 0 }),
        revision: old.revision,
        packaging: old.packaging.map(|packaging| match packaging {
            v1::item::Packaging::Box(v1::Box { length_mm, width_mm, height_mm }) => {
                v2::item::Packaging::Box(v2::Box { length_mm, width_mm, height_mm })
            }
            v1::item::Packaging::Pallet(v1::Pallet { layers, boxes_per_layer }) => {
                v2::item::Packaging::Pallet(v2::Pallet { layers, boxes_per_layer })
            }
        }),
    }
}

fn supplier(old: v1::Supplier) -> v2::Supplier {
    let offer =
        |offer: v1::Offer| v2::Offer { minimum_quantity: offer.minimum_quantity, price: Some(money(offer.price)) };
    v2::Supplier { name: old.name, offers: old.offers.into_iter().map(offer).collect() }
}

#[allow(clippy::cast_possible_truncation, reason = "prices have at most 10^12 units")]
fn money(price: f64) -> v2::Money {
    let micros = (price * 1e6).round() as i64;
    let nanos = i32::try_from(micros % 1_000_000 * 1_000).expect("less than a unit");
    v2::Money { currency_code: "USD".to_owned(), units: micros / 1_000_000, nanos }
}
