//! Times the steps of a run on a generated network: `cargo run --release -p engine --example perf -- 1000000 PLAN.json`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::time::Instant;

use bytes::Bytes;
use engine::{
    BonusContext, Context, ExchangeRates, Facts, OrderFact, PersonFact, calculate_bonuses,
    calculate_indicators, calculate_ranks, codec, integrate, settle,
};
use foundation::cycle::Cycle;
use jiff::{civil::date, tz::TimeZone};
use plan::Plan;
use rust_decimal::Decimal;

/// A small generator of repeatable numbers (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn facts(count: usize, cycle: &Cycle) -> (Vec<PersonFact>, Vec<OrderFact>) {
    let mut numbers = Numbers(0x00C0_FFEE);
    let id = |index: usize| format!("P{index:08}").parse().unwrap();
    let mut people = Vec::with_capacity(count);
    let mut orders = Vec::new();
    for index in 0..count {
        let recent = (index / 10).max(1) as u64;
        let parent = (index != 0).then(|| {
            let draw = numbers.below(100);
            let back = if draw < 60 { 1 + numbers.below(recent) } else { 1 + numbers.below(index as u64) };
            id(index - usize::try_from(back).unwrap().min(index))
        });
        people.push(PersonFact::new(id(index), parent));
        if numbers.below(100) < 60 {
            let mut left = 1 + usize::from(numbers.below(3) == 0);
            while 0 < left {
                let size = numbers.below(15);
                let cents = 100 + numbers.below(1 << size) + numbers.below(12_000);
                let order = format!("O{:09}", orders.len()).parse().unwrap();
                let volume = Decimal::new(i64::try_from(cents).unwrap(), 2);
                orders.push(OrderFact::sale(order, id(index), cycle.start, volume));
                left -= 1;
            }
        }
    }
    (people, orders)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(100_000, |count| count.parse().expect("a number of people"));
    let path = arguments.next().expect("the path of a plan");
    let text = std::fs::read_to_string(path).expect("the plan's file");
    let cycle =
        Cycle::of_days("2026-10".parse().unwrap(), date(2026, 10, 1), date(2026, 10, 31), &TimeZone::UTC)
            .unwrap();
    let (people, orders) = facts(count, &cycle);
    println!("{count} people, {} orders", orders.len());

    let mut last = Instant::now();
    let mut lap = |what: &str| {
        println!("{what:<24}{:>10.1?}", last.elapsed());
        last = Instant::now();
    };
    let plan = Plan::parse(&text).expect("a plan without mistakes");
    lap("parse plan");
    let facts = Facts { cycle: &cycle, people: &people, orders: &orders };
    let snapshot = integrate(facts, None, &plan, ExchangeRates::of_plan(&plan)).unwrap();
    lap("integrate");
    let files = codec::encode_snapshot(&snapshot).unwrap();
    lap("encode snapshot");
    let bytes = (Bytes::from(files.people), Bytes::from(files.orders));
    let snapshot = codec::decode_snapshot(bytes.0, bytes.1).unwrap();
    lap("decode snapshot");
    let indicators = calculate_indicators(&snapshot, &plan, Context::default()).unwrap();
    lap("indicators");
    let ranked = calculate_ranks(&snapshot, &indicators, &plan, Context::default()).unwrap();
    lap("ranks and indicators");
    let payouts = calculate_bonuses(&snapshot, &indicators, &ranked, &plan, BonusContext::default()).unwrap();
    lap("bonuses");
    let settlements = settle(&snapshot, &indicators, &ranked.ranks, &payouts, &plan).unwrap();
    lap("settle");
    let encoded = codec::encode_indicators(&indicators, &snapshot).unwrap().len();
    lap("encode indicators");
    let paid = codec::encode_payouts(&payouts, &snapshot).unwrap().len();
    lap("encode payouts");
    let columns = indicators.columns.len() + ranked.indicators.columns.len();
    println!("{columns} indicators ({encoded} bytes), {} lines ({paid} bytes)", payouts.lines.len());
    println!("{} settlements", settlements.len());
}
