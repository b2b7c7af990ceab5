//! `ceiba verify`.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use engine::{NONE, OrderFact, OrderKind, PersonFact, PersonKind, read_orders, read_people};
use foundation::cycle::Cycle;
use jiff::tz::TimeZone;
use oracle::{CycleInput, facts};
use simulation::{FileEntry, Manifest, Stored, root_above};

use crate::{
    Done,
    args::Verify,
    explain::{read_manifest, read_stored},
    failure::{Cause, Failure},
    output, signature,
};

pub(crate) fn run(args: &Verify) -> Done {
    let manifest = read_manifest(&args.run)?;
    if let Some(key) = &args.key {
        let read = |name: &str| {
            let path = args.run.join(name);
            fs::read(&path).map_err(|error| Failure::file(&path, &error))
        };
        let signed = String::from_utf8_lossy(&read(output::SIGNATURE)?).into_owned();
        signature::check(key, &read(output::MANIFEST)?, &signed)?;
    }
    let damaged: Vec<String> =
        manifest.inputs.iter().chain(&manifest.outputs).filter_map(|file| damage(&args.run, file)).collect();
    if !damaged.is_empty() {
        return Err(Failure { cause: Cause::Different, lines: damaged });
    }
    let stored = read_stored(&args.run, &manifest)?;
    let result = recomputed(&args.run, &manifest, &stored)?;
    let mut lines = Vec::new();
    let mut text = String::new();
    let mut compared = 0_usize;
    for row in 0..stored.snapshot.people.len() {
        let id = stored.snapshot.people.ids.get(row);
        if args.person.as_deref().is_some_and(|person| person != id) {
            continue;
        }
        compared += 1;
        let Some(settlement) = result.people.get(id) else {
            lines.push(format!("person {id}: the other evaluator does not know them"));
            continue;
        };
        lines.extend(differences(&stored, row, id, settlement));
        if args.person.is_some() {
            for line in &settlement.lines {
                // Writing to a String cannot fail.
                let _ = writeln!(
                    text,
                    "{} {}: {} {} from {} {}",
                    line.bonus, line.kind, line.amount, line.currency, line.source, line.order
                );
            }
            let _ = writeln!(text, "total: {}", settlement.total);
        }
    }
    if let Some(person) = args.person.as_ref().filter(|_| compared == 0) {
        return Err(Failure::new(Cause::Unknown, format!("the run knows no person {person:?}")));
    }
    if !lines.is_empty() {
        return Err(Failure { cause: Cause::Different, lines });
    }
    let files = manifest.inputs.len() + manifest.outputs.len();
    let signed = if args.key.is_some() { ", signature right" } else { "" };
    output::print(&format!(
        "{text}{files} files whole{signed}, {compared} people computed again with the same results\n"
    ))
}

/// What is wrong with a file.
fn damage(folder: &Path, file: &FileEntry) -> Option<String> {
    let path = folder.join(&file.name);
    match fs::read(&path) {
        Ok(bytes) if file.is_of(&bytes) => None,
        Ok(_) => Some(format!("{}: its hash is not the one in the manifest", path.display())),
        Err(error) => Some(format!("{}: {error}", path.display())),
    }
}

/// The last cycle, computed from the copies of the facts by the evaluator that shares nothing with the engine.
fn recomputed(folder: &Path, manifest: &Manifest, stored: &Stored) -> Result<oracle::CycleResult, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Cause::Computation, error.to_string());
    let json = serde_json::to_value(stored.plan.self_contained()).map_err(|error| failed(&error))?;
    let zone = TimeZone::get(&stored.plan.document().time_zone).map_err(|error| failed(&error))?;
    // The manifest names the cycle's people and orders first, then those of earlier cycles.
    let pairs: Vec<&[FileEntry]> = manifest.inputs.chunks(2).collect();
    let (this, earlier) = pairs.split_first().ok_or_else(|| failed(&"the manifest names no facts"))?;
    let cycles = manifest.history.iter().chain([&manifest.cycle]).zip(earlier.iter().chain([this]));
    let mut inputs = Vec::new();
    for (cycle, files) in cycles {
        let [people, orders] = files else { return Err(failed(&"the manifest names no orders")) };
        inputs.push(input(folder, cycle, (&people.name, &orders.name), manifest, &zone)?);
    }
    let mut results = oracle::evaluate(&json, &inputs).map_err(|error| failed(&format!("{error:#}")))?;
    results.pop().ok_or_else(|| failed(&"nothing was computed"))
}

fn input(
    folder: &Path,
    cycle: &Cycle,
    (people, orders): (&str, &str),
    manifest: &Manifest,
    zone: &TimeZone,
) -> Result<CycleInput, Failure> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).map_err(|error| Failure::file(&path, &error))
    };
    let unreadable = |error: engine::UnreadableFacts| Failure::new(Cause::Facts, error.to_string());
    let mut rows = read_people(people, &read(people)?).map_err(unreadable)?;
    if manifest.settings.allow_forest {
        root_above(&mut rows);
    }
    let bought = read_orders(orders, &read(orders)?, zone).map_err(unreadable)?;
    let last = cycle.end.to_zoned(zone.clone()).date().yesterday();
    Ok(CycleInput {
        id: cycle.id.to_string(),
        first_day: cycle.start.to_zoned(zone.clone()).date(),
        last_day: last.map_err(|error| Failure::new(Cause::Internal, error.to_string()))?,
        people: rows.into_iter().map(person).collect(),
        orders: bought.into_iter().map(order).collect(),
        rates: manifest.rates.iter().map(|(currency, rate)| (currency.clone(), *rate)).collect(),
        process: manifest.settings.process.clone(),
        advances: Vec::new(),
    })
}

fn person(fact: PersonFact) -> facts::Person {
    let id = |id: Option<foundation::id::PersonId>| id.map(String::from).unwrap_or_default();
    facts::Person {
        id: fact.id.into(),
        kind: if fact.kind == PersonKind::Customer { "customer".to_owned() } else { String::new() },
        parent: id(fact.parent),
        sponsor: id(fact.sponsor),
        joined_on: fact.joined_on,
        status: fact.status,
        country: fact.country,
        currency: fact.currency.map(String::from).unwrap_or_default(),
        zone: fact.zone,
        tags: fact.tags.join(";"),
        previous_rank: fact.previous_rank.unwrap_or_default(),
        rank_grace_used: fact.rank_grace_used,
        honorific_rank: fact.honorific_rank.unwrap_or_default(),
        manual_rank: fact.manual_rank.unwrap_or_default(),
        manual_from: fact.manual_from,
        manual_to: fact.manual_to,
    }
}

fn order(fact: OrderFact) -> facts::Order {
    facts::Order {
        id: fact.id.into(),
        person: fact.person.into(),
        paid_at: fact.paid_at.to_string(),
        kind: if fact.kind == OrderKind::Return { "return".to_owned() } else { String::new() },
        currency: fact.currency.map(String::from).unwrap_or_default(),
        net: fact.net,
        gross: fact.gross,
        vq: fact.vq,
        vc: fact.vc,
        units: fact.units,
        points: fact.points,
        customer_price: fact.customer_price,
        consultant_price: fact.consultant_price,
        first_of_person: fact.first_of_person,
        category: fact.category,
        reverses: fact.reverses.map(String::from).unwrap_or_default(),
        sold_at: fact.sold_at.map(|moment| moment.to_string()).unwrap_or_default(),
    }
}

/// What the stored run and the other evaluator say differently of a person.
fn differences(stored: &Stored, row: usize, id: &str, other: &oracle::Settlement) -> Vec<String> {
    let mut found = Vec::new();
    let mut hold = |what: &str, stored: String, other: String| {
        if stored != other {
            found.push(format!("person {id}, {what}: stored is {stored}, the other evaluator has {other}"));
        }
    };
    let ranks = &stored.ranked.ranks;
    for (what, stored, other) in [
        ("earned rank", ranks.earned[row], other.earned_rank),
        ("paid rank", ranks.paid[row], other.paid_rank),
        ("honorific rank", ranks.honorific[row], other.honorific_rank),
        ("grace used", ranks.grace_used[row], other.grace_used),
    ] {
        hold(what, stored.to_string(), other.to_string());
    }
    hold("active", stored.indicators.active[row].to_string(), other.active.to_string());
    let at = u32::try_from(row).unwrap_or(NONE);
    for (code, value) in &other.indicators {
        if let Some(kept) = stored.indicators.value(code, at) {
            hold(code, kept.normalize().to_string(), value.normalize().to_string());
        }
    }
    let mut lines: BTreeMap<String, i32> = BTreeMap::new();
    for line in stored.payouts.of(at) {
        let order = if line.order == NONE { "" } else { stored.snapshot.orders.ids.get(line.order as usize) };
        let source = stored.snapshot.people.ids.get(line.source as usize);
        let code = stored.payouts.code(line);
        let text = format!("{code} {} {} from {source} {order}", line.kind.name(), line.amount().normalize());
        *lines.entry(text).or_default() += 1;
    }
    for line in &other.lines {
        let amount = line.amount.normalize();
        let text = format!("{} {} {amount} from {} {}", line.bonus, line.kind, line.source, line.order);
        *lines.entry(text).or_default() -= 1;
    }
    for (line, count) in lines.into_iter().filter(|(_, count)| *count != 0) {
        let who = if 0 < count { "stored only" } else { "the other evaluator only" };
        found.push(format!("person {id}, line {line}: {who}"));
    }
    found
}
