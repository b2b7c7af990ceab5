//! A company over several cycles in a few lines: people, sales, a plan, what it pays, and what each cycle hands to the next.

use bytes::Bytes;
use engine::{
    Advance, BalanceKind, BonusContext, Carried, Context, ExchangeRates, Facts, Indicators, LineKind,
    OrderFact, OrderKind, Payouts, PersonFact, PersonKind, Ranked, Snapshot, StoredRun, calculate_bonuses,
    calculate_indicators, calculate_ranks, codec, from_exact, integrate,
};
use foundation::{cycle::Cycle, locale::Locale};
use jiff::{civil::date, tz::TimeZone};
use plan::Plan;
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub(crate) fn cycle(month: i8) -> Cycle {
    cycle_of(2026, month)
}

pub(crate) fn cycle_of(year: i16, month: i8) -> Cycle {
    let first = date(year, month, 1);
    let id = format!("{year}-{month:02}").parse().unwrap();
    Cycle::of_days(id, first, first.last_of_month(), &TimeZone::UTC).unwrap()
}

/// A plan with ranks `r1` to `r3`, which are only set by hand, and these bonuses.
pub(crate) fn document(bonuses: &[Value]) -> Value {
    let rank = |code: &str| json!({"code": code, "name": {"es": code, "en": code}, "rule": "false"});
    let indicator = |code: &str, scope: &str, window: &Value| {
        json!({
            "code": code, "name": {"es": code, "en": code}, "unit": "points", "measure": "vc", "scope": scope,
            "window": window
        })
    };
    json!({
        "format": 1, "name": {"es": "Prueba", "en": "Test"}, "version": 1, "time_zone": "UTC",
        "currencies": {"base": "USD", "earners": [{"currency": "EUR", "per_base_unit": "0.5"}]},
        "activity": {"rule": "status == 'active'"},
        "indicators": [
            indicator("OWN", "self", &json!("this-cycle")),
            indicator("OWN2", "self", &json!({"last": 2})),
            indicator("ALL", "company", &json!("this-cycle")),
        ],
        "ranks": {"steps": [rank("r1"), rank("r2"), rank("r3")]},
        "bonuses": bonuses
    })
}

pub(crate) fn bonus(code: &str, pays: &Value) -> Value {
    json!({"code": code, "name": {"es": code, "en": code}, "pays": pays})
}

/// `rate` of one's own volume.
pub(crate) fn own(code: &str, rate: &str) -> Value {
    bonus(code, &json!({"percentage": {"of": "OWN", "rate": {"fixed": rate}}}))
}

/// `bonus` with further fields.
pub(crate) fn with(mut bonus: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        bonus[name] = value.clone();
    }
    bonus
}

pub(crate) fn parse(document: &Value) -> Plan {
    Plan::parse(&document.to_string()).unwrap_or_else(|mistakes| {
        panic!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

pub(crate) fn plan(bonuses: &[Value]) -> Plan {
    parse(&document(bonuses))
}

/// What is wrong with a document, one mistake a line.
pub(crate) fn mistakes(document: &Value) -> String {
    let mistakes = Plan::parse(&document.to_string()).unwrap_err();
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The people and orders of a company.
#[derive(Clone, Default)]
pub(crate) struct Company {
    pub(crate) people: Vec<PersonFact>,
    pub(crate) orders: Vec<OrderFact>,
}

impl Company {
    /// One person a word: `name`, perhaps `:rank`, perhaps `!` for who is not active or `?` for a customer, perhaps `#tag`, perhaps
    /// `$` for who is paid in euros, and the parent behind `<`; `a:3 b:1<a c!<b d?<a e#left<a f$<a`.
    pub(crate) fn of(people: &str) -> Self {
        let person = |word: &str| {
            let (who, parent) =
                word.split_once('<').map_or((word, None), |(who, parent)| (who, Some(parent)));
            let (who, tag) = who.split_once('#').map_or((who, None), |(who, tag)| (who, Some(tag)));
            let end = who.find([':', '!', '?', '$']).unwrap_or(who.len());
            let (name, flags) = who.split_at(end);
            let mut person =
                PersonFact::new(name.parse().unwrap(), parent.map(|parent| parent.parse().unwrap()));
            person.manual_rank = flags.strip_prefix(':').map(|rank| format!("r{}", &rank[..1]));
            person.tags = tag.into_iter().map(str::to_owned).collect();
            if flags.contains('!') {
                "idle".clone_into(&mut person.status);
            }
            if flags.contains('?') {
                person.kind = PersonKind::Customer;
            }
            if flags.contains('$') {
                person.currency = Some("EUR".parse().unwrap());
            }
            person
        };
        Self { people: people.split_whitespace().map(person).collect(), orders: Vec::new() }
    }

    /// Sales of a cycle, one a word: `a=100`.
    pub(crate) fn selling(mut self, sales: &str) -> Self {
        self.orders.clear();
        for word in sales.split_whitespace() {
            let (who, volume) = word.split_once('=').unwrap();
            let id = format!("o{}", self.orders.len() + 1).parse().unwrap();
            let volume: Decimal = volume.parse().unwrap();
            let when = cycle(1).start;
            let mut order = OrderFact::sale(id, who.parse().unwrap(), when, volume.abs());
            if volume < Decimal::ZERO {
                order.kind = OrderKind::Return;
            }
            self.orders.push(order);
        }
        self
    }

    pub(crate) fn settle(&self, plan: &Plan) -> Run {
        self.settle_in(plan, &cycle(10), &BonusContext::default())
    }

    /// The cycle after `before`.
    pub(crate) fn settle_after(&self, plan: &Plan, month: i8, before: &Run) -> Run {
        let carried = Some(&before.payouts.carried);
        self.settle_in(plan, &cycle(month), &BonusContext { carried, ..Default::default() })
    }

    pub(crate) fn settle_with(&self, plan: &Plan, advances: &[Advance]) -> Run {
        self.settle_in(plan, &cycle(10), &BonusContext { advances, ..Default::default() })
    }

    pub(crate) fn settle_in(&self, plan: &Plan, cycle: &Cycle, context: &BonusContext<'_>) -> Run {
        let mut orders = self.orders.clone();
        for order in &mut orders {
            order.paid_at = cycle.start;
        }
        let facts = Facts { cycle, people: &self.people, orders: &orders };
        let snapshot = integrate(facts, None, plan, ExchangeRates::of_plan(plan)).unwrap();
        Run::of(snapshot, plan, &[], context)
    }
}

pub(crate) struct Run {
    pub(crate) snapshot: Snapshot,
    pub(crate) indicators: Indicators,
    pub(crate) ranked: Ranked,
    pub(crate) payouts: Payouts,
}

impl Run {
    /// Computes a cycle, and holds what it gives against the laws that every cycle keeps.
    pub(crate) fn of(
        snapshot: Snapshot,
        plan: &Plan,
        history: &[Snapshot],
        context: &BonusContext<'_>,
    ) -> Self {
        let before = Context { history, ..Context::default() };
        let indicators = calculate_indicators(&snapshot, plan, before).unwrap();
        let ranked = calculate_ranks(&snapshot, &indicators, plan, before).unwrap();
        let payouts = calculate_bonuses(&snapshot, &indicators, &ranked, plan, *context).unwrap();
        let run = Self { snapshot, indicators, ranked, payouts };
        run.keeps_the_laws(plan);
        run
    }

    fn keeps_the_laws(&self, plan: &Plan) {
        let payouts = &self.payouts;
        for (account, bonus) in payouts.conservation.iter().zip(&payouts.bonuses) {
            assert_eq!(account.remainder(), 0, "{}: {account:?}", bonus.code);
            if let Some(legs) = account.legs {
                let became = legs.matched + legs.carried_out + legs.flushed;
                assert_eq!(legs.brought + legs.carried_in, became, "{}: {legs:?}", bonus.code);
            }
        }
        let stored = codec::encode_carried(&payouts.carried, &self.snapshot).unwrap();
        assert_eq!(codec::decode_carried(Bytes::from(stored)).unwrap(), payouts.carried);
        let stored = codec::encode_awards(payouts, &self.snapshot).unwrap();
        assert_eq!(codec::decode_awards(Bytes::from(stored)).unwrap(), payouts.awards);
        let stored = codec::encode_payouts(payouts, &self.snapshot).unwrap();
        let read = codec::decode_payouts(Bytes::from(stored)).unwrap();
        assert_eq!((&read.lines, &read.conservation), (&payouts.lines, &payouts.conservation));
        let stored = self.stored(plan);
        for line in payouts.lines.iter().take(20) {
            for locale in [Locale::Es, Locale::En] {
                assert!(!stored.explain_line(payouts, line).render(locale).is_empty());
            }
        }
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

    fn id(&self, row: u32) -> &str {
        self.snapshot.people.ids.get(row as usize)
    }

    /// Each line as `earner bonus kind amount`, without the kind where it is earned; the source behind `<` where it is another person.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for line in &self.payouts.lines {
            let kind = if line.kind == LineKind::Earned { "" } else { line.kind.name() };
            let source =
                if line.source == line.earner { String::new() } else { format!("<{}", self.id(line.source)) };
            let words = [self.id(line.earner), &source, " ", self.payouts.code(line), " ", kind].concat();
            let amount = line.amount().normalize();
            lines.push(format!("{} {amount}", words.trim_end()));
        }
        lines.sort();
        lines
    }

    /// Each award as `earner bonus quantity`.
    pub(crate) fn awards(&self) -> Vec<String> {
        let bonus = |number: u16| &self.payouts.bonuses[usize::from(number)].code;
        let awards = self.payouts.awards.iter();
        awards.map(|one| format!("{} {} {}", self.id(one.earner), bonus(one.bonus), one.quantity)).collect()
    }

    /// What is carried of a kind, as `person value`.
    pub(crate) fn carried(&self, kind: BalanceKind) -> Vec<String> {
        let of_kind = self.payouts.carried.0.iter().filter(|balance| balance.kind == kind);
        of_kind.map(|one| format!("{} {}", one.person, from_exact(one.value).normalize())).collect()
    }

    /// The sum of all lines of a bonus and of what rounding left, in minor units with all decimals that are kept.
    pub(crate) fn exactly_paid(&self, code: &str) -> Decimal {
        let of_bonus = self.payouts.totals().into_iter().filter(|total| total.bonus == code);
        of_bonus.map(|total| total.amount + total.residual).sum()
    }
}

pub(crate) fn carried(run: &Run) -> BonusContext<'_> {
    BonusContext { carried: Some(carried_of(run)), ..Default::default() }
}

fn carried_of(run: &Run) -> &Carried {
    &run.payouts.carried
}
