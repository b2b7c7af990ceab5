//! From what areas know to what a run freezes: people and orders as facts, earlier runs as references, ranks under the plan of today.

use engine::{ExchangeRates, OrderFact, OrderKind, PersonFact, PersonKind, Ranks, rank_under_plan};
use foundation::{cycle::Cycle, id::RunId, money::Currency};
use network::person::{Kind, Person, Status};
use orders::paid::{Paid, PaidKind};
use plan::Plan;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::manifest::{FileError, FileReference, Manifest};

/// Earlier cycles a run may look at: five years of months.
pub const EARLIER_MAX: usize = 60;

/// What a run knows besides snapshot and plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The cycle.
    pub cycle: Cycle,
    /// Earlier runs of the process whose results stand, the latest first.
    pub earlier: Vec<Earlier>,
}

/// The name of the file that holds it.
pub(crate) const CONTEXT: &str = "context.json";

impl Context {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, FileError> {
        serde_json::from_slice(bytes).map_err(|source| FileError::Unreadable { what: CONTEXT, source })
    }

    /// The context with `others` in the place of the earlier runs of the same id.
    pub(crate) fn with(mut self, others: &[Earlier]) -> Self {
        for earlier in &mut self.earlier {
            if let Some(other) = others.iter().find(|other| other.run == earlier.run) {
                earlier.clone_from(other);
            }
        }
        self
    }
}

/// An earlier run and its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    /// Its cycle.
    pub cycle: Cycle,
    /// The run.
    pub run: RunId,
    /// What its steps wrote.
    pub files: Vec<FileReference>,
}

impl Earlier {
    /// An earlier run with the files of its steps' manifests, but for those of a cut: every later run would carry them along.
    pub fn of(cycle: Cycle, run: RunId, manifests: Vec<Manifest>) -> Self {
        let files = manifests.into_iter().flat_map(|manifest| manifest.outputs);
        Self { cycle, run, files: files.filter(|file| !is_of_cut(&file.name)).collect() }
    }

    /// A file it wrote.
    pub fn file(&self, name: &str) -> Option<&FileReference> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// Whether a file is there because the network was cut. Only the steps of the run itself read it.
fn is_of_cut(name: &str) -> bool {
    name.starts_with("part-") || ["cut.json", "parts.json"].contains(&name)
}

/// A person as the engine takes it.
pub fn person_fact(person: Person) -> PersonFact {
    let ranks = person.ranks;
    PersonFact {
        id: person.id,
        kind: match person.kind {
            Kind::Consultant => PersonKind::Consultant,
            Kind::Customer => PersonKind::Customer,
        },
        parent: person.parent,
        sponsor: person.sponsor,
        joined_on: Some(person.joined_on),
        status: match person.status {
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::Terminated => "terminated",
        }
        .to_owned(),
        country: person.country.code().to_owned(),
        currency: Some(person.currency),
        zone: person.zone.unwrap_or_default(),
        tags: person.tags.into_iter().collect(),
        previous_rank: ranks.previous_rank,
        rank_grace_used: ranks.rank_grace_used.map_or(0, |used| u8::try_from(used).unwrap_or(u8::MAX)),
        honorific_rank: ranks.honorific_rank,
        manual_rank: ranks.manual_rank,
        manual_from: ranks.manual_from,
        manual_to: ranks.manual_to,
    }
}

/// A paid order or a return as the engine takes it.
pub fn order_fact(paid: Paid) -> OrderFact {
    OrderFact {
        id: paid.id,
        person: paid.person,
        paid_at: paid.paid_at,
        kind: match paid.kind {
            PaidKind::Sale => OrderKind::Sale,
            PaidKind::Return => OrderKind::Return,
        },
        currency: Some(paid.currency),
        net: paid.net,
        gross: paid.gross,
        vq: paid.vq,
        vc: paid.vc,
        units: paid.units,
        points: paid.points,
        customer_price: paid.customer_price,
        consultant_price: paid.consultant_price,
        first_of_person: paid.first_of_person,
        category: paid.category,
        reverses: paid.reverses,
        sold_at: paid.sold_at,
    }
}

/// Decimals the rate from the base currency to another is kept with.
pub const RATE_DECIMALS: u32 = 12;

/// The plan's rates, replaced by those of the cycle. A cycle says what a unit of a currency is worth in its base currency, the engine
/// takes units of a currency for a unit of the plan's base currency, rounded to [`RATE_DECIMALS`] half to even: with that
/// rate everything is computed, and it is the one that is frozen.
pub fn frozen_rates(plan: &Plan, cycle: &calendar::Cycle) -> ExchangeRates {
    let rates = ExchangeRates::of_plan(plan);
    let base = rates.base;
    let Some(base_worth) = cycle.rate(base) else { return rates };
    let mut worths: Vec<(Currency, Decimal)> =
        cycle.rates.iter().map(|(currency, worth)| (*currency, *worth)).collect();
    worths.push((cycle.base, Decimal::ONE));
    let per_base_unit =
        worths.into_iter().filter(|(currency, _)| *currency != base).filter_map(|(currency, worth)| {
            let exact = base_worth.checked_div(worth)?;
            let rounded = exact.round_dp_with_strategy(RATE_DECIMALS, RoundingStrategy::MidpointNearestEven);
            Some((currency, rounded.normalize()))
        });
    rates.with(per_base_unit)
}

/// Ranks of an earlier run as positions in today's career. A rank that is no more counts as none.
pub fn under_plan(ranks: Ranks, then: &Plan, now: &Plan) -> Ranks {
    if then.hash() == now.hash() {
        return ranks;
    }
    let today = |position: &u8| rank_under_plan(*position, then, now);
    let renumbered = |ranks: &[u8]| ranks.iter().map(today).collect();
    Ranks {
        earned: renumbered(&ranks.earned),
        paid: renumbered(&ranks.paid),
        honorific: renumbered(&ranks.honorific),
        grace_used: ranks.grace_used,
        lock_left: ranks.lock_left,
        earned_before: ranks.earned_before.iter().map(|earned| renumbered(earned)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::{manifest::Place, step::Step};

    fn plan(base: &str, ranks: &[&str]) -> Plan {
        let step =
            |code: &&str| json!({"code": code, "name": {"es": code, "en": code}, "rule": "own_vq >= 100"});
        let other = if base == "USD" { "MXN" } else { "USD" };
        let document = json!({
            "format": 1, "name": {"es": "Prueba", "en": "Test"}, "version": 1, "time_zone": "UTC",
            "currencies": {"base": base, "earners": [{"currency": other, "per_base_unit": "0.5"}]},
            "activity": {"rule": "own_vq >= 100"},
            "ranks": {"steps": ranks.iter().map(step).collect::<Vec<_>>()},
        });
        Plan::parse(&document.to_string()).unwrap()
    }

    fn cycle(rates: &[(&str, &str)]) -> calendar::Cycle {
        let day = jiff::civil::date(2026, 10, 1);
        let worth = |(code, worth): &(&str, &str)| (code.parse().unwrap(), worth.parse().unwrap());
        calendar::Cycle {
            id: "2026-10".parse().unwrap(),
            calendar: "commercial".into(),
            first_day: day,
            last_day: day.last_of_month(),
            start: jiff::Timestamp::UNIX_EPOCH,
            end: jiff::Timestamp::UNIX_EPOCH,
            state: calendar::CycleState::Closed,
            base: "COP".parse().unwrap(),
            rates: rates.iter().map(worth).collect::<BTreeMap<_, _>>(),
            closed_by: None,
            settled_by: None,
            version: 1,
        }
    }

    #[test]
    fn the_worth_of_a_currency_becomes_units_of_it_for_one_of_the_base() {
        let cases = [
            ("no rates: the plan's", "COP", vec![], "USD", Some("0.5")),
            ("a rate of the cycle", "COP", vec![("USD", "4000")], "USD", Some("0.00025")),
            ("a quotient without end", "COP", vec![("USD", "3000")], "USD", Some("0.000333333333")),
            ("a currency the plan does not know", "COP", vec![("PEN", "1000")], "PEN", Some("0.001")),
            (
                "another base than the cycle's",
                "USD",
                vec![("USD", "4000"), ("PEN", "1000")],
                "PEN",
                Some("4"),
            ),
            (
                "worth more than twelve decimals can divide",
                "COP",
                vec![("USD", "9000000000000")],
                "USD",
                None,
            ),
            ("the cycle's base", "USD", vec![("USD", "4000")], "COP", Some("4000")),
        ];
        for (name, base, rates, currency, expected) in cases {
            let frozen = frozen_rates(&plan(base, &["BRONZE"]), &cycle(&rates));
            let rate = frozen.rate(currency.parse().unwrap()).map(|rate| rate.to_string());
            assert_eq!(rate.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn an_earlier_run_hands_on_its_files_and_not_those_of_its_pieces() {
        let file =
            |name: &str| FileReference { name: name.into(), key: "k".into(), sha256: "s".into(), bytes: 1 };
        let pieces = ["cut.json", "parts.json", "part-0-people.parquet", "part-1-earlier-0-ranks.parquet"];
        let results = ["people.parquet", "context.json"];
        let place = Place {
            run: "R1".parse().unwrap(),
            cycle: "2026-10".parse().unwrap(),
            process: "monthly".parse().unwrap(),
            step: Step::IntegrateNetwork,
            attempt: 1,
        };
        let manifest = Manifest {
            format: 1,
            place,
            engine: "0.1.0".into(),
            plan: None,
            inputs: vec![],
            outputs: pieces.into_iter().chain(results).map(file).collect(),
            counts: BTreeMap::new(),
        };
        let earlier = Earlier::of(cycle(&[]).period(), "R1".parse().unwrap(), vec![manifest]);
        let names: Vec<&str> = earlier.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, results);
    }

    #[test]
    fn ranks_of_another_career_keep_their_codes() {
        let (then, now) =
            (plan("COP", &["BRONZE", "SILVER", "GOLD"]), plan("COP", &["STARTER", "BRONZE", "GOLD"]));
        let ranks = Ranks {
            earned: vec![0, 1, 2, 3],
            paid: vec![3, 2, 1, 0],
            honorific: vec![3; 4],
            grace_used: vec![1; 4],
            lock_left: vec![0; 4],
            earned_before: vec![vec![1, 2, 3, 0]],
        };
        let today = under_plan(ranks.clone(), &then, &now);
        assert_eq!(today.earned, [0, 2, 0, 3]);
        assert_eq!(today.paid, [3, 0, 2, 0]);
        assert_eq!(today.earned_before.len(), 1);
        assert_eq!(today.grace_used, ranks.grace_used);
        assert_eq!(under_plan(ranks.clone(), &then, &then), ranks);
    }
}
