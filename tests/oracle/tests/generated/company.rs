//! Random people and orders of some cycles.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::date};
use oracle::{
    CycleInput,
    facts::{Advance, Order, Person},
};
use rust_decimal::Decimal;

use super::dice::Dice;

/// First and last days: three months over the end of a year.
const CYCLES: [(&str, [i16; 6]); 3] = [
    ("2025-11", [2025, 11, 1, 2025, 11, 30]),
    ("2025-12", [2025, 12, 1, 2025, 12, 31]),
    ("2026-01", [2026, 1, 1, 2026, 1, 31]),
];

struct Member {
    facts: Person,
    /// The first cycle they are in.
    since: usize,
    /// From when on they hang somewhere else.
    moved: Option<(usize, String)>,
}

/// What a company draws its shape from.
pub(crate) struct Drawn<'a> {
    pub(crate) shape: u16,
    pub(crate) people: &'a [Vec<u16>],
    pub(crate) orders: &'a [Vec<u16>],
    pub(crate) cycles: usize,
    pub(crate) ranks: &'a [String],
    pub(crate) bonuses: &'a [String],
    /// What becomes of each cycle.
    pub(crate) turns: &'a [Vec<u16>],
}

/// Ids whose order follows neither rows nor trees.
pub(crate) fn id_of(index: usize) -> String {
    format!("p{:03}", (index * 37 + 11) % 101)
}

fn people(drawn: &Drawn<'_>) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for (index, numbers) in drawn.people.iter().enumerate() {
        let mut dice = Dice::new(numbers);
        let place = dice.below(usize::MAX);
        let parent = match drawn.shape % 4 {
            1 => index.saturating_sub(1),
            2 => 0,
            _ => place % index.max(1),
        };
        let upper = |members: &[Member], parent: usize| {
            if index == 0 { String::new() } else { members[parent].facts.id.clone() }
        };
        let sponsor = if dice.once_in(4) { dice.below(index.max(1)) } else { parent };
        let is_customer = dice.once_in(6) && index != 0;
        let rank = |dice: &mut Dice<'_>, times: usize| {
            if drawn.ranks.is_empty() || !dice.once_in(times) {
                String::new()
            } else {
                dice.one_of(drawn.ranks)
            }
        };
        let joined = match dice.below(4) {
            0 => None,
            _ => Some(date(2025, 9, 15) + i64::try_from(dice.below(130)).unwrap().days()),
        };
        let since = if dice.once_in(6) { dice.below(drawn.cycles) } else { 0 };
        let since = if index == 0 { 0 } else { since.max(members[parent].since).max(members[sponsor].since) };
        let facts = Person {
            id: id_of(index),
            kind: if is_customer { "customer" } else { "consultant" }.to_owned(),
            parent: upper(&members, parent),
            sponsor: if sponsor == parent { String::new() } else { upper(&members, sponsor) },
            joined_on: joined,
            status: dice.one_of(&["", "active", "inactive", "terminated"]).to_owned(),
            country: dice.one_of(&["CO", "MX", ""]).to_owned(),
            currency: dice.one_of(&["", "COP", "USD", "CLP", "KWD"]).to_owned(),
            zone: dice.one_of(&["", "norte", "sur"]).to_owned(),
            tags: dice.one_of(&["", "vip", "left", "right", "new;vip", "left;vip"]).to_owned(),
            previous_rank: rank(&mut dice, 2),
            rank_grace_used: u8::try_from(dice.below(3)).unwrap(),
            honorific_rank: rank(&mut dice, 4),
            manual_rank: rank(&mut dice, 6),
            manual_from: dice.one_of(&[None, Some(date(2025, 11, 15)), Some(date(2025, 12, 31))]),
            manual_to: dice.one_of(&[None, Some(date(2025, 12, 31)), Some(date(2026, 1, 30))]),
        };
        let moved = (dice.once_in(10) && 1 < index).then(|| {
            let to = dice.below(index);
            (1 + dice.below(2).max(members[to].since), members[to].facts.id.clone())
        });
        members.push(Member { facts, since, moved });
    }
    members
}

fn amount(dice: &mut Dice<'_>, most: usize) -> Decimal {
    match dice.below(4) {
        0 => Decimal::from(dice.below(most)),
        1 => Decimal::ONE_HUNDRED,
        2 => Decimal::new(i64::try_from(dice.below(most * 100)).unwrap(), 2),
        _ => Decimal::new(i64::try_from(dice.below(most * 10)).unwrap(), 1),
    }
}

/// The cycles, and their people and orders.
pub(crate) fn cycles(drawn: &Drawn<'_>) -> Vec<CycleInput> {
    let members = people(drawn);
    let mut cycles = Vec::new();
    for (number, (id, [y1, m1, d1, y2, m2, d2])) in CYCLES.into_iter().take(drawn.cycles).enumerate() {
        let day = |y: i16, m: i16, d: i16| date(y, i8::try_from(m).unwrap(), i8::try_from(d).unwrap());
        let of_cycle = members.iter().filter(|member| member.since <= number).map(|member| {
            let mut facts = member.facts.clone();
            if let Some((_, to)) = member.moved.as_ref().filter(|(from, _)| *from <= number) {
                facts.parent.clone_from(to);
            }
            facts
        });
        cycles.push(CycleInput {
            id: id.to_owned(),
            first_day: day(y1, m1, d1),
            last_day: day(y2, m2, d2),
            people: of_cycle.collect(),
            orders: Vec::new(),
            rates: BTreeMap::new(),
            process: None,
            advances: Vec::new(),
        });
    }
    turn(&mut cycles, drawn);
    let mut sold: Vec<(usize, usize, Order)> = Vec::new();
    for (index, numbers) in drawn.orders.iter().enumerate() {
        let mut dice = Dice::new(numbers);
        let number = dice.below(drawn.cycles);
        let buyer = dice.below(members.len());
        if number < members[buyer].since {
            continue;
        }
        let day = cycles[number].first_day + i64::try_from(dice.below(30)).unwrap().days();
        let mut order = Order {
            id: format!("o{:03}", (index * 61 + 7) % 307),
            person: id_of(buyer),
            paid_at: day.to_string(),
            net: amount(&mut dice, 400),
            gross: amount(&mut dice, 500),
            vq: amount(&mut dice, 300),
            vc: amount(&mut dice, 300),
            units: Decimal::from(dice.below(5)),
            points: amount(&mut dice, 50),
            customer_price: amount(&mut dice, 400),
            consultant_price: amount(&mut dice, 300),
            first_of_person: dice.once_in(3),
            category: dice.one_of(&["", "A", "kit"]).to_owned(),
            ..Order::default()
        };
        dice.one_of(&["", "USD", "CLP"]).clone_into(&mut order.currency);
        if dice.once_in(4) {
            "return".clone_into(&mut order.kind);
            let whole = dice.once_in(2);
            let told = dice.below(4);
            if told == 0 {
                order.sold_at = (day - i64::try_from(dice.below(60)).unwrap().days()).to_string();
            }
            if let Some((_, who, sale)) =
                sold.get(dice.below(sold.len() + 1)).filter(|(of, ..)| *of <= number)
            {
                order.reverses.clone_from(&sale.id);
                order.person = id_of(*who);
                if told == 1 {
                    order.sold_at.clone_from(&sale.paid_at);
                }
                if whole {
                    (order.vq, order.vc, order.net) = (sale.vq, sale.vc, sale.net);
                    order.currency.clone_from(&sale.currency);
                }
            }
        } else {
            sold.push((number, buyer, order.clone()));
        }
        if cycles[number].people.iter().any(|person| person.id == order.person) {
            cycles[number].orders.push(order);
        }
    }
    cycles
}

/// What changes from cycle to cycle besides orders: the process, rates, currencies, who is away, what was paid on account.
fn turn(cycles: &mut [CycleInput], drawn: &Drawn<'_>) {
    for (number, numbers) in drawn.turns.iter().enumerate().take(cycles.len()) {
        let mut dice = Dice::new(numbers);
        if dice.once_in(3) {
            cycles[number].process = Some(dice.one_of(&["monthly", "weekly", "daily"]).to_owned());
        }
        if dice.once_in(3) {
            cycles[number].rates.insert("USD".to_owned(), dice.one_of(&[Decimal::ONE, Decimal::new(3, 1)]));
        }
        if dice.once_in(3) {
            let person = dice.below(cycles[number].people.len());
            let currency = dice.one_of(&["", "USD", "KWD"]);
            let id = cycles[number].people[person].id.clone();
            let later = cycles[number..].iter_mut().flat_map(|cycle| &mut cycle.people);
            for person in later.filter(|person| person.id == id) {
                currency.clone_into(&mut person.currency);
            }
        }
        if dice.once_in(3) && 0 < number {
            let people = &cycles[number].people;
            let id = people[dice.below(people.len())].id.clone();
            // Neither the root leaves nor anybody under whom others hang, then or later.
            let is_root = |person: &Person| person.parent.is_empty() && person.id == id;
            let stays = |person: &Person| person.parent == id || person.sponsor == id || is_root(person);
            if !cycles[number..].iter().flat_map(|cycle| &cycle.people).any(stays) {
                for cycle in &mut cycles[number..] {
                    cycle.people.retain(|person| person.id != id);
                }
            }
        }
        if dice.once_in(3) && !drawn.bonuses.is_empty() {
            let person = dice.below(drawn.people.len());
            cycles[number].advances.push(Advance {
                person: id_of(person),
                bonus: dice.one_of(drawn.bonuses),
                currency: dice.one_of(&["COP", "USD"]).to_owned(),
                amount: dice.one_of(&[Decimal::TEN, Decimal::new(333, 2)]),
            });
        }
    }
}
