//! Key shapes of the area's table.
//!
//! | what | pk | sk | index `list` |
//! | --- | --- | --- | --- |
//! | product | `PRODUCT#<product>` | `PRODUCT` | `PRODUCTS`, `<product>` |
//! | order | `ORDER#<order>` | `ORDER` | `PERSON#<person>`, `<made at>#<order>` |
//! | row for runs | `CYCLE#<cycle>#<shard>` | `ORDER#<order>` | |
//! | first order of a person | `PERSON#<person>` | `FIRST` | |
//! | bulk load | `LOAD#<load>` | `LOAD` | |
//! | refused lines of a load | `LOAD#<load>` | `LINES#<first line>` | |
//!
//! Idempotency claims and facts of the outbox stand in the same table. Rows for runs stand in the table itself and not in an index,
//! because a run must see every order that was paid before its cycle closed.

use aws::Key;
use foundation::{
    digest::sha256_hex,
    id::{CycleId, LoadId, OrderId, PersonId, ProductId},
};
use jiff::Timestamp;

/// The index for listings.
pub(crate) const LIST: &str = "list";
/// Partition of [`LIST`] with all products.
pub(crate) const PRODUCTS: &str = "PRODUCTS";
/// Partitions the rows of a cycle are spread over.
pub(crate) const SHARDS: u8 = 16;

pub(crate) fn product(product: &ProductId) -> Key {
    Key::new(format!("PRODUCT#{product}"), "PRODUCT")
}

pub(crate) fn order(order: &OrderId) -> Key {
    Key::new(format!("ORDER#{order}"), "ORDER")
}

/// Partition of [`LIST`] with a person's orders.
pub(crate) fn orders_of(person: &PersonId) -> String {
    format!("PERSON#{person}")
}

/// Sort key of [`LIST`]: by time, all moments with as many characters.
pub(crate) fn by_time(at: Timestamp, order: &OrderId) -> String {
    format!("{at:.3}#{order}")
}

pub(crate) fn row(cycle: &CycleId, order: &OrderId) -> Key {
    Key::new(rows(cycle, shard(order)), format!("ORDER#{order}"))
}

pub(crate) fn rows(cycle: &CycleId, shard: u8) -> String {
    format!("CYCLE#{cycle}#{shard:02}")
}

fn shard(order: &OrderId) -> u8 {
    let hash = sha256_hex(order.as_str().as_bytes());
    u8::from_str_radix(&hash[..2], 16).unwrap_or_default() % SHARDS
}

pub(crate) fn first(person: &PersonId) -> Key {
    Key::new(format!("PERSON#{person}"), "FIRST")
}

pub(crate) fn load(load: &LoadId) -> Key {
    Key::new(format!("LOAD#{load}"), "LOAD")
}

pub(crate) const REFUSED_LINES: &str = "LINES#";

pub(crate) fn refused_lines(load: &LoadId, first: u64) -> Key {
    Key::new(format!("LOAD#{load}"), format!("{REFUSED_LINES}{first:012}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_of_a_person_sort_by_time_whatever_their_fractions() {
        let order = "O1".parse().unwrap();
        let times = ["2026-10-31T05:00:00Z", "2026-10-31T05:00:00.5Z", "2026-10-31T05:00:01Z"];
        let keys = times.map(|time| by_time(time.parse().unwrap(), &order));
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(keys[0], "2026-10-31T05:00:00.000Z#O1");
    }

    #[test]
    fn the_rows_of_a_cycle_spread_over_all_shards() {
        let mut used = [false; SHARDS as usize];
        for number in 0..400 {
            used[usize::from(shard(&format!("O{number}").parse().unwrap()))] = true;
        }
        assert_eq!(used, [true; SHARDS as usize]);
    }
}
