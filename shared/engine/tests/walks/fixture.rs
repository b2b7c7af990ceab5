//! A company in a few lines: people with a rank set by hand, sales, a plan, and what it pays.

use engine::{
    BonusContext, Context, ExchangeRates, Facts, Indicators, LineKind, NONE, OrderFact, PayoutLine, Payouts,
    PersonFact, PersonKind, Ranked, SettledCycle, Snapshot, StoredRun, calculate_bonuses,
    calculate_indicators, calculate_ranks, integrate,
};
use foundation::cycle::Cycle;
use jiff::{civil::date, tz::TimeZone};
use plan::Plan;
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub(crate) fn cycle(month: i8) -> Cycle {
    let first = date(2026, month, 1);
    Cycle::of_days(format!("2026-{month:02}").parse().unwrap(), first, first.last_of_month(), &TimeZone::UTC)
        .unwrap()
}

/// A plan with ranks `r1` to `r3`, which nobody earns, and these bonuses.
pub(crate) fn document(bonuses: &[Value]) -> Value {
    let rank = |code: &str| json!({"code": code, "name": {"es": code, "en": code}, "rule": "false"});
    let indicator = |code: &str, scope: &Value, measure: &str| {
        json!({
            "code": code, "name": {"es": code, "en": code}, "unit": "points", "measure": measure, "scope": scope,
            "options": {"ranks": "paid"}
        })
    };
    json!({
        "format": 1, "name": {"es": "Prueba", "en": "Test"}, "version": 1, "time_zone": "UTC",
        "currencies": {"base": "USD", "earners": [{"currency": "EUR", "per_base_unit": "0.5"}]},
        "activity": {"rule": "status == 'active'"},
        "indicators": [
            indicator("OWN", &json!("self"), "vc"),
            indicator("TEAM", &json!("team"), "vc"),
            indicator("GROUP", &json!({"group": {"rank": "r2"}}), "vc"),
        ],
        "ranks": {"steps": [rank("r1"), rank("r2"), rank("r3")]},
        "bonuses": bonuses
    })
}

pub(crate) fn bonus(pays: &Value) -> Value {
    json!({"code": "B", "name": {"es": "Bono", "en": "Bonus"}, "pays": pays})
}

pub(crate) fn parse(document: &Value) -> Plan {
    Plan::parse(&document.to_string()).unwrap_or_else(|mistakes| {
        panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

/// The people and orders of a company.
#[derive(Clone, Default)]
pub(crate) struct Company {
    pub(crate) people: Vec<PersonFact>,
    pub(crate) orders: Vec<OrderFact>,
}

impl Company {
    /// One person a word: `name`, perhaps `:rank`, perhaps `!` for who is not active or `?` for a customer, and the parent behind `<`;
    /// `a:3 b:1<a c!<b d?<a`.
    pub(crate) fn of(people: &str) -> Self {
        let person = |word: &str| {
            let (who, parent) =
                word.split_once('<').map_or((word, None), |(who, parent)| (who, Some(parent)));
            let (name, rank) = who.split_once(':').map_or((who, None), |(name, rank)| (name, Some(rank)));
            let flags = format!("{name}{}", rank.unwrap_or_default());
            let letters = |text: &str| text.trim_end_matches(['!', '?']).to_owned();
            let mut person =
                PersonFact::new(letters(name).parse().unwrap(), parent.map(|parent| parent.parse().unwrap()));
            person.manual_rank = rank.map(|rank| format!("r{}", letters(rank)));
            if flags.ends_with('!') {
                "idle".clone_into(&mut person.status);
            }
            if flags.ends_with('?') {
                person.kind = PersonKind::Customer;
            }
            person
        };
        Self { people: people.split_whitespace().map(person).collect(), orders: Vec::new() }
    }

    /// Sales of the month, one a word: `a=100`.
    pub(crate) fn selling(mut self, sales: &str) -> Self {
        for word in sales.split_whitespace() {
            let (who, volume) = word.split_once('=').unwrap();
            let id = format!("o{}", self.orders.len() + 1).parse().unwrap();
            let volume: Decimal = volume.parse().unwrap();
            self.orders.push(OrderFact::sale(id, who.parse().unwrap(), cycle(10).start, volume));
        }
        self
    }

    pub(crate) fn settle(&self, plan: &Plan) -> Run {
        self.settle_after(plan, &cycle(10), &[])
    }

    pub(crate) fn settle_after(&self, plan: &Plan, cycle: &Cycle, settled: &[SettledCycle<'_>]) -> Run {
        let facts = Facts { cycle, people: &self.people, orders: &self.orders };
        let snapshot = integrate(facts, None, plan, ExchangeRates::of_plan(plan)).unwrap();
        let indicators = calculate_indicators(&snapshot, plan, Context::default()).unwrap();
        let ranked = calculate_ranks(&snapshot, &indicators, plan, Context::default()).unwrap();
        let context = BonusContext { settled, ..Default::default() };
        let payouts = calculate_bonuses(&snapshot, &indicators, &ranked, plan, context).unwrap();
        for (account, bonus) in payouts.conservation.iter().zip(&payouts.bonuses) {
            assert_eq!(account.offered, parts(account), "{}: {account:?}", bonus.code);
        }
        Run { snapshot, indicators, ranked, payouts }
    }
}

/// Everything an account says of where the volume went.
pub(crate) fn parts(account: &engine::Conservation) -> i128 {
    account.paid + account.rolled_up + account.unqualified + account.forfeited + account.unclaimed
}

pub(crate) struct Run {
    pub(crate) snapshot: Snapshot,
    pub(crate) indicators: Indicators,
    pub(crate) ranked: Ranked,
    pub(crate) payouts: Payouts,
}

impl Run {
    fn id(&self, row: u32) -> &str {
        self.snapshot.people.ids.get(row as usize)
    }

    /// Each line as `earner<source: base*rate=amount`, with `/walked/paid` behind the source where levels play a part, the order in
    /// brackets, and `undo` before what is taken back; sorted.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |line: &PayoutLine| {
            let levels = match (line.level_walked, line.level_paid) {
                (0, 0) => String::new(),
                (walked, paid) => format!("/{walked}/{paid}"),
            };
            let order = if line.order == NONE {
                String::new()
            } else {
                format!("[{}]", self.snapshot.orders.ids.get(line.order as usize))
            };
            let kind = if line.kind == LineKind::Earned { "" } else { "undo " };
            format!(
                "{kind}{}<{}{order}{levels}: {}*{}={}",
                self.id(line.earner),
                self.id(line.source),
                line.base().normalize(),
                line.rate().normalize(),
                line.amount().normalize()
            )
        };
        let mut lines: Vec<String> = self.payouts.lines.iter().map(line).collect();
        lines.sort();
        lines
    }

    /// What a person gets altogether.
    pub(crate) fn total(&self, who: &str) -> Decimal {
        let row = self.snapshot.people.row(who).unwrap();
        self.payouts.of(row).iter().map(PayoutLine::amount).sum()
    }

    pub(crate) fn stored<'a>(&'a self, plan: &'a Plan) -> StoredRun<'a> {
        StoredRun {
            plan,
            snapshot: &self.snapshot,
            indicators: &self.indicators,
            ranked: &self.ranked,
            payouts: Some(&self.payouts),
        }
    }
}

/// The share of an account, in the base currency's units where a point is worth 1.
pub(crate) fn share(volume: i128) -> Decimal {
    Decimal::from_i128_with_scale(volume, 13).normalize()
}
