//! Settlements and statements as CSV files.

use std::collections::BTreeSet;

use foundation::locale::Locale;

use crate::{
    settlement::{Legend, Settlement},
    statement::LineView,
};

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("a CSV file could not be written")]
pub struct Unwritable(#[from] csv::Error);

impl foundation::problem::Problem for Unwritable {
    fn kind(&self) -> foundation::problem::Kind {
        foundation::problem::Kind::Internal
    }
    fn code(&self) -> &'static str {
        "platform.csv"
    }
}

/// Text that a spreadsheet would take for a formula is quoted with an apostrophe.
fn cell(text: &str) -> String {
    let negative_number = text.parse::<rust_decimal::Decimal>().is_ok();
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !negative_number {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn finished(writer: csv::Writer<Vec<u8>>) -> Result<Vec<u8>, Unwritable> {
    writer.into_inner().map_err(|error| Unwritable(csv::Error::from(error.into_error())))
}

/// All settlements of a run: a row a person, a column a bonus and an indicator.
pub fn settlements<'a>(
    settlements: impl Iterator<Item = &'a Settlement> + Clone,
    legend: &Legend,
) -> Result<Vec<u8>, Unwritable> {
    let paid: BTreeSet<&str> =
        settlements.clone().flat_map(|one| one.bonuses.iter().map(|bonus| bonus.bonus.as_str())).collect();
    let indicators: Vec<&String> = legend.indicators.keys().collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fixed =
        ["person", "active", "earned_rank", "paid_rank", "honorific_rank", "currency", "total", "lines"];
    let header = fixed.into_iter().map(str::to_owned);
    let bonuses = paid
        .iter()
        .map(|code| if code.is_empty() { "payout_cap".to_owned() } else { format!("bonus_{code}") });
    writer.write_record(
        header.chain(bonuses).chain(indicators.iter().map(|code| format!("indicator_{code}"))),
    )?;
    for one in settlements {
        let fixed = [
            one.person.to_string(),
            one.active.to_string(),
            one.earned_rank.clone(),
            one.paid_rank.clone(),
            one.honorific_rank.clone(),
            one.currency.to_string(),
            one.total.to_string(),
            one.lines.to_string(),
        ];
        let amount = |code: &&str| {
            let bonus = one.bonuses.iter().find(|bonus| bonus.bonus == *code);
            bonus.map_or_else(String::new, |bonus| bonus.amount.to_string())
        };
        let value = |code: &&String| one.indicators.get(*code).map_or_else(String::new, ToString::to_string);
        let bonuses = paid.iter().map(amount);
        let values = indicators.iter().map(value);
        writer.write_record(fixed.into_iter().chain(bonuses).chain(values).map(|text| cell(&text)))?;
    }
    finished(writer)
}

/// The lines of a statement: a row a line, the sentence in `locale`.
pub fn statement(lines: &[LineView], locale: Locale) -> Result<Vec<u8>, Unwritable> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "number",
        "bonus",
        "bonus_name",
        "kind",
        "source",
        "order",
        "level_walked",
        "level_paid",
        "base",
        "rate",
        "amount",
        "currency",
        "text",
    ])?;
    for line in lines {
        let level = |level: Option<u16>| level.map_or_else(String::new, |level| level.to_string());
        let row = [
            line.number.to_string(),
            line.bonus.clone(),
            line.bonus_name.in_locale(locale).to_owned(),
            line.kind.name().to_owned(),
            line.source.to_string(),
            line.order.as_ref().map_or_else(String::new, ToString::to_string),
            level(line.level_walked),
            level(line.level_paid),
            line.base.to_string(),
            line.rate.to_string(),
            line.amount.amount().to_string(),
            line.amount.currency().to_string(),
            line.text.in_locale(locale).to_owned(),
        ];
        writer.write_record(row.map(|text| cell(&text)))?;
    }
    finished(writer)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::settlement::BonusAmount;

    fn settled(person: &str, bonuses: &[(&str, &str)]) -> Settlement {
        Settlement {
            person: person.parse().unwrap(),
            run: "R1".parse().unwrap(),
            attempt: 1,
            process: "monthly".parse().unwrap(),
            cycle: "2026-10".parse().unwrap(),
            active: true,
            earned_rank: String::new(),
            paid_rank: "=SILVER".into(),
            honorific_rank: String::new(),
            currency: "COP".parse().unwrap(),
            total: "-1.50".parse().unwrap(),
            bonuses: bonuses
                .iter()
                .map(|(bonus, amount)| BonusAmount {
                    bonus: (*bonus).into(),
                    amount: amount.parse().unwrap(),
                    lines: 1,
                })
                .collect(),
            indicators: BTreeMap::new(),
            lines: 1,
            pages: 1,
        }
    }

    #[test]
    fn every_bonus_has_a_column_and_nothing_becomes_a_formula() {
        let rows = [settled("P1", &[("UNI", "2.00")]), settled("P2", &[("", "-3.50"), ("RETAIL", "2.00")])];
        let csv = String::from_utf8(settlements(rows.iter(), &Legend::default()).unwrap()).unwrap();
        insta::assert_snapshot!(csv, @r"
        person,active,earned_rank,paid_rank,honorific_rank,currency,total,lines,payout_cap,bonus_RETAIL,bonus_UNI
        P1,true,,'=SILVER,,COP,-1.50,1,,,2.00
        P2,true,,'=SILVER,,COP,-1.50,1,-3.50,2.00,
        ");
    }
}
