//! Messages of 1.1.0 as messages of 2.0.0, and back.
//!
//! | 1.1.0 | 2.0.0 | rule |
//! |---|---|---|
//! | `double price` | `Money price` | US dollars. The decimal digits that the double is written with (the fewest that read back as it) are the digits of the money, so both ways give back what went in. Lossy where they do not: more than nine decimals, more digits than a double keeps, another currency |
//! | `string location` | `Location location` | aisle and bin are what stands before and after the first `-`; without one, all is the aisle. Lossy where that does not give back what went in (`A-`, or an aisle that has a `-` itself), or is longer than 64 bytes |
//! | | `ItemStatus status` | every item of 1.1.0 is active, so a request of 1.1.0 leaves the status as it is. In a request, discontinued is lossy; in a response it is left out. A number that 2.0.0 does not declare is lossy |
//! | `int64 updated` | `Timestamp updated` | seconds; fractions are left out. 0 is unset. Set by the node, so not converted in requests |
//! | `uint64 revision` | `uint64 revision` | likewise not converted in requests |
//!
//! Everything else is the same under another number.

use straddle::inventory::generated::{v1_1_0 as v1, v2_0_0 as v2};
use straddle::refusal::Refusal;
use tonic::Status;

/// The only currency of 1.x.
const DOLLARS: &str = "USD";
/// The longest location of 1.x.
const LOCATION: usize = 64;

/// Which message an item is in, and how errors name its fields.
#[derive(Clone, Copy)]
pub(crate) enum Within {
    /// The field `item` of a request.
    Request,
    /// The field `item` of a response.
    Response,
    /// The item is the response.
    Itself,
}

/// A value that the other version cannot express.
pub(crate) struct Loss {
    /// The field, from the item on; both versions call it that.
    field: String,
    /// What in it is lossy, where only the version that it comes from has parts.
    part: Option<&'static str>,
    why: String,
}

impl Loss {
    fn of(field: &str, why: impl Into<String>) -> Self {
        Self { field: field.to_owned(), part: None, why: why.into() }
    }

    fn part(self, part: &'static str) -> Self {
        Self { part: Some(part), ..self }
    }

    /// The refusal, whose path is in the caller's words: of a response, the parts are those of the other version.
    fn refuse(self, within: Within) -> Status {
        let Self { field, part, why } = self;
        match within {
            Within::Request => {
                let part = part.map(|part| format!(".{part}")).unwrap_or_default();
                Refusal::lossy(format!("item.{field}{part}"), why).into()
            }
            Within::Response => Refusal::lossy(format!("item.{field}"), why).after_run().into(),
            Within::Itself => Refusal::lossy(field, why).after_run().into(),
        }
    }
}

/// An item of 1.1.0 as one of 2.0.0.
pub(crate) fn item_to_v2(item: v1::Item, within: Within) -> Result<v2::Item, Status> {
    to_v2(item, !matches!(within, Within::Request)).map_err(|loss| loss.refuse(within))
}

/// An item of 2.0.0 as one of 1.1.0.
pub(crate) fn item_to_v1(item: v2::Item, within: Within) -> Result<v1::Item, Status> {
    to_v1(item, !matches!(within, Within::Request)).map_err(|loss| loss.refuse(within))
}

fn to_v2(item: v1::Item, response: bool) -> Result<v2::Item, Loss> {
    let supplier = |(supplier, index): (v1::Supplier, usize)| {
        let offer = |(offer, at): (v1::Offer, usize)| {
            let price = money(offer.price, &format!("suppliers[{index}].offers[{at}].price"))?;
            Ok(v2::Offer { minimum_quantity: offer.minimum_quantity, price: Some(price) })
        };
        let offers = supplier.offers.into_iter().zip(0..).map(offer).collect::<Result<_, _>>()?;
        Ok(v2::Supplier { name: supplier.name, offers })
    };
    Ok(v2::Item {
        price: Some(money(item.price, "price")?),
        location: location_to_v2(&item.location)?,
        status: if response { v2::ItemStatus::Active } else { v2::ItemStatus::Unspecified }.into(),
        updated: if response { timestamp(item.updated)? } else { None },
        revision: if response { item.revision } else { 0 },
        packaging: item.packaging.map(packaging_to_v2),
        suppliers: item.suppliers.into_iter().zip(0..).map(supplier).collect::<Result<_, _>>()?,
        sku: item.sku,
        name: item.name,
        description: item.description,
        tags: item.tags,
        stock: item.stock,
        attributes: item.attributes,
    })
}

fn to_v1(item: v2::Item, response: bool) -> Result<v1::Item, Loss> {
    check_status(item.status, response)?;
    let supplier = |(supplier, index): (v2::Supplier, usize)| {
        let offer = |(offer, at): (v2::Offer, usize)| {
            let price = dollars(offer.price.as_ref(), &format!("suppliers[{index}].offers[{at}].price"))?;
            Ok(v1::Offer { minimum_quantity: offer.minimum_quantity, price })
        };
        let offers = supplier.offers.into_iter().zip(0..).map(offer).collect::<Result<_, _>>()?;
        Ok(v1::Supplier { name: supplier.name, offers })
    };
    Ok(v1::Item {
        price: dollars(item.price.as_ref(), "price")?,
        location: location_to_v1(&item.location.unwrap_or_default())?,
        updated: if response { item.updated.map_or(0, |updated| updated.seconds) } else { 0 },
        revision: if response { item.revision } else { 0 },
        packaging: item.packaging.map(packaging_to_v1),
        suppliers: item.suppliers.into_iter().zip(0..).map(supplier).collect::<Result<_, _>>()?,
        sku: item.sku,
        name: item.name,
        description: item.description,
        tags: item.tags,
        stock: item.stock,
        attributes: item.attributes,
    })
}

fn check_status(status: i32, response: bool) -> Result<(), Loss> {
    match v2::ItemStatus::try_from(status) {
        Ok(v2::ItemStatus::Unspecified | v2::ItemStatus::Active) => Ok(()),
        Ok(v2::ItemStatus::Discontinued) if response => Ok(()),
        Ok(v2::ItemStatus::Discontinued) => Err(Loss::of("status", "1.1.0 cannot keep an item from being reserved")),
        Err(_) => Err(Loss::of("status", format!("2.0.0 declares no status {status}"))),
    }
}

fn money(dollars: f64, field: &str) -> Result<v2::Money, Loss> {
    let money = || {
        let digits = dollars.to_string();
        let (units, decimals) = digits.split_once('.').unwrap_or((&digits, ""));
        if decimals.len() > 9 {
            return None;
        }
        let nanos = format!("{decimals:0<9}").parse().ok()?;
        Some(v2::Money { currency_code: DOLLARS.to_owned(), units: units.parse().ok()?, nanos })
    };
    money()
        .filter(|money| read(money).map(f64::to_bits) == Some(dollars.to_bits()))
        .ok_or_else(|| Loss::of(field, format!("2.0.0 keeps money in billionths and cannot keep {dollars}")))
}

fn dollars(price: Option<&v2::Money>, field: &str) -> Result<f64, Loss> {
    let Some(price) = price else { return Ok(0.0) };
    if price.currency_code != DOLLARS {
        let why = format!("1.1.0 keeps prices in US dollars, not in {:?}", price.currency_code);
        return Err(Loss::of(field, why).part("currency_code"));
    }
    read(price)
        .filter(|dollars| money(*dollars, field).is_ok_and(|back| back == *price))
        .ok_or_else(|| Loss::of(field, "1.1.0 keeps prices as a double, which has too few digits for this one"))
}

/// The double that is written with the digits of `money`.
fn read(money: &v2::Money) -> Option<f64> {
    let v2::Money { units, nanos, .. } = money;
    if *units < 0 || !(0..=999_999_999).contains(nanos) {
        return None;
    }
    format!("{units}.{nanos:09}").parse().ok()
}

fn location_to_v2(location: &str) -> Result<Option<v2::Location>, Loss> {
    if location.is_empty() {
        return Ok(None);
    }
    let (aisle, bin) = location.split_once('-').unwrap_or((location, ""));
    let split = v2::Location { aisle: aisle.to_owned(), bin: bin.to_owned() };
    if join(&split) != location {
        return Err(Loss::of("location", format!("2.0.0 cannot tell {location:?} from {aisle:?}")));
    }
    Ok(Some(split))
}

fn location_to_v1(location: &v2::Location) -> Result<String, Loss> {
    let joined = join(location);
    if location.aisle.contains('-') {
        return Err(Loss::of("location", "1.1.0 ends an aisle at its first \"-\"").part("aisle"));
    }
    if joined.len() > LOCATION {
        return Err(Loss::of("location", format!("1.1.0 has {LOCATION} bytes for {joined:?}")));
    }
    Ok(joined)
}

fn join(location: &v2::Location) -> String {
    let v2::Location { aisle, bin } = location;
    if bin.is_empty() { aisle.clone() } else { format!("{aisle}-{bin}") }
}

fn timestamp(seconds: i64) -> Result<Option<prost_types::Timestamp>, Loss> {
    /// 0001-01-01 to 9999-12-31.
    const TIMESTAMP: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

    if !TIMESTAMP.contains(&seconds) {
        return Err(Loss::of("updated", "a Timestamp has the years 1 to 9999"));
    }
    Ok((seconds != 0).then_some(prost_types::Timestamp { seconds, nanos: 0 }))
}

fn packaging_to_v2(packaging: v1::item::Packaging) -> v2::item::Packaging {
    match packaging {
        v1::item::Packaging::Box(v1::Box { length_mm, width_mm, height_mm }) => {
            v2::item::Packaging::Box(v2::Box { length_mm, width_mm, height_mm })
        }
        v1::item::Packaging::Pallet(v1::Pallet { layers, boxes_per_layer }) => {
            v2::item::Packaging::Pallet(v2::Pallet { layers, boxes_per_layer })
        }
    }
}

fn packaging_to_v1(packaging: v2::item::Packaging) -> v1::item::Packaging {
    match packaging {
        v2::item::Packaging::Box(v2::Box { length_mm, width_mm, height_mm }) => {
            v1::item::Packaging::Box(v1::Box { length_mm, width_mm, height_mm })
        }
        v2::item::Packaging::Pallet(v2::Pallet { layers, boxes_per_layer }) => {
            v1::item::Packaging::Pallet(v1::Pallet { layers, boxes_per_layer })
        }
    }
}
