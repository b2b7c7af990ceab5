//! Facts come from Parquet files as they come from CSV files.
#![allow(clippy::unwrap_used)] // Helpers of tests may fail like tests.

use engine::{Cells, Column, read_orders, read_people, write_table};
use jiff::tz::TimeZone;

fn file(rows: usize, columns: &[Column<'_>]) -> Vec<u8> {
    write_table("facts", rows, columns, &[]).unwrap()
}

#[test]
fn people_are_the_same_from_both() {
    let parquet = file(
        2,
        &[
            Column::new("tags", Cells::Text(vec!["x;y", ""])),
            Column::new("parent", Cells::Text(vec!["", "a"])),
            Column::new("id", Cells::Text(vec!["a", "b"])),
            Column::new("joined_on", Cells::Day(&[20_454, 20_455])),
            Column::new("rank_grace_used", Cells::ints(vec![0, 2])),
        ],
    );
    let csv = "id,parent,tags,joined_on,rank_grace_used\na,,x;y,2026-01-01,\nb,a,,2026-01-02,2\n";
    assert_eq!(read_people("p", &parquet).unwrap(), read_people("p", csv.as_bytes()).unwrap());
}

#[test]
fn orders_are_the_same_from_both() {
    let parquet = file(
        2,
        &[
            Column::new("id", Cells::Text(vec!["o1", "o2"])),
            Column::new("person", Cells::Word(vec!["a", "a"])),
            Column::new("paid_at", Cells::Moment(&[1_767_225_600_000_000, 1_767_229_200_500_000])),
            Column::new("vq", Cells::decimals(&[1_005_000, -500][..], 4)),
            Column::new("vc", Cells::Wide(vec![7, -1], 0)),
            Column::new("units", Cells::ints(vec![1, 3])),
            Column::new("first_of_person", Cells::Bool(&[true, false])),
        ],
    );
    let csv = "id,person,paid_at,vq,vc,units,first_of_person\no1,a,2026-01-01T00:00:00Z,100.5,7,1,true\n\
        o2,a,2026-01-01T01:00:00.5Z,-0.05,-1,3,false\n";
    let zone = TimeZone::UTC;
    assert_eq!(read_orders("o", &parquet, &zone).unwrap(), read_orders("o", csv.as_bytes(), &zone).unwrap());
}

#[test]
fn mistakes_name_the_row_and_the_column() {
    let parquet = file(
        3,
        &[
            Column::new("id", Cells::Text(vec!["o1", "o 2", "o3"])),
            Column::new("person", Cells::Text(vec!["a", "b", ""])),
            Column::new("paid_at", Cells::Text(vec!["2026-01-01", "2026-01-01", "2026-01-01 10:00"])),
        ],
    );
    let told: Vec<String> = read_orders("orders.parquet", &parquet, &TimeZone::UTC)
        .unwrap_err()
        .0
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("orders.parquet:2, column id: found \"o 2\""), "{told:?}");
    assert!(told[1].starts_with("orders.parquet:3, column person: found \"\""), "{told:?}");
    let mut damaged = parquet;
    let end = damaged.len() - 9;
    damaged[end] ^= 0xFF;
    assert!(read_orders("orders.parquet", &damaged, &TimeZone::UTC).is_err());
}
