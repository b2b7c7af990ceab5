//! What every generated company has in common.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn of(people: usize) -> Company {
    generate(&Options { people, ..Options::default() }).unwrap()
}

fn bytes(company: &Company) -> Vec<u8> {
    let mut out = Vec::new();
    write_people(company, &mut out).unwrap();
    write_people_load(company, &mut out).unwrap();
    for cycle in 0..u32::try_from(company.cycles.len()).unwrap() {
        write_orders(company, cycle, &mut out).unwrap();
    }
    out
}

fn hash(options: &Options) -> String {
    foundation::digest::sha256_hex(&bytes(&generate(options).unwrap()))
}

/// Levels below the root, walking up; fails on a circle or a second root.
fn levels(company: &Company, above: impl Fn(&Person) -> Option<u32>) -> Vec<usize> {
    let mut levels = vec![usize::MAX; company.people.len()];
    levels[0] = 0;
    for start in 0..company.people.len() {
        let mut path = Vec::new();
        let mut at = start;
        while levels[at] == usize::MAX {
            path.push(at);
            assert!(path.len() <= company.people.len(), "a circle above {start}");
            at = above(&company.people[at]).expect("only person 0 is a root") as usize;
        }
        let mut level = levels[at];
        for person in path.into_iter().rev() {
            level += 1;
            levels[person] = level;
        }
    }
    assert_eq!(above(&company.people[0]), None);
    levels
}

fn per_mille(part: usize, whole: usize) -> usize {
    part * 1_000 / whole
}

#[test]
fn the_same_options_give_the_same_bytes_and_another_seed_others() {
    let options = Options::default();
    assert_eq!(hash(&options), "758403d61c186c03f18884d065de001e5feb0b92285b09fb624aeef11263c29c");
    assert_ne!(hash(&Options { seed: 1, ..options.clone() }), hash(&options));
}

#[test]
fn both_trees_have_one_root_and_no_circle() {
    for people in [1, 2, 3, 41, 2_000, 20_000] {
        let company = of(people);
        levels(&company, |person| person.parent);
        levels(&company, |person| person.sponsor);
    }
}

#[test]
fn the_load_order_names_parents_and_sponsors_first() {
    let company = of(5_000);
    let mut seen = BTreeSet::new();
    for number in &company.load_order {
        let person = &company.people[*number as usize];
        for above in [person.parent, person.sponsor].into_iter().flatten() {
            assert!(seen.contains(&above), "{above} before {number}");
        }
        assert!(seen.insert(*number));
    }
    assert_eq!(seen.len(), 5_000);
}

#[test]
fn the_shape_is_that_of_a_real_network() {
    let company = of(20_000);
    let people = &company.people;
    let levels = levels(&company, |person| person.parent);
    let mut children = vec![0_usize; people.len()];
    for parent in people.iter().filter_map(|person| person.parent) {
        children[parent as usize] += 1;
    }
    let leaves = per_mille(children.iter().filter(|own| **own == 0).count(), people.len());
    let mean_level = levels.iter().sum::<usize>() / people.len();
    assert!((450..650).contains(&leaves), "{leaves} leaves in a thousand");
    assert!((12..60).contains(&mean_level), "mean level {mean_level}");
    assert!(*levels.iter().max().unwrap() > 500, "no chain");
    assert!(*children.iter().max().unwrap() > 30, "nobody with a broad first line");
    let later_parents =
        (0_u32..).zip(people).filter(|(number, person)| person.parent.is_some_and(|p| p > *number)).count();
    assert!((20..100).contains(&later_parents), "{later_parents} under somebody who joined later");
    let moved_sponsor = people.iter().filter(|person| person.parent != person.sponsor).count();
    let share = per_mille(moved_sponsor, people.len());
    assert!((120..190).contains(&share), "{share} in a thousand have a sponsor other than the parent");
}

#[test]
fn chains_are_single_file_and_as_long_as_stated() {
    for (people, chains, lengths) in [(2_000, 1, 50..51), (20_000, 1, 501..801), (200_000, 3, 501..801)] {
        let company = of(people);
        assert_eq!(company.chains.len(), chains);
        for chain in &company.chains {
            assert!(lengths.contains(&chain.len()), "{people} people, a chain of {}", chain.len());
            for pair in chain.windows(2) {
                assert_eq!(company.people[pair[1] as usize].parent, Some(pair[0]));
            }
        }
    }
}

#[test]
fn customers_are_a_quarter_and_nobody_hangs_under_one() {
    let company = of(2_000);
    let is_customer = |number: u32| company.people[number as usize].kind == PersonKind::Customer;
    assert_eq!((0..2_000).filter(|number| is_customer(*number)).count(), 500);
    for person in &company.people {
        for above in [person.parent, person.sponsor].into_iter().flatten() {
            assert!(!is_customer(above));
        }
        assert_eq!(person.previous_rank.is_none(), person.kind == PersonKind::Customer);
    }
}

#[test]
fn people_are_of_every_kind() {
    let company = of(2_000);
    let of_rank = |rank| company.people.iter().filter(|person| person.previous_rank == Some(rank)).count();
    assert!((0..5).all(|rank| of_rank(rank) > 0), "{:?}", [0, 1, 2, 3, 4, 5].map(of_rank));
    assert!(of_rank(0) > of_rank(1) && of_rank(1) > of_rank(2));
    for country in Country::ALL {
        assert!(company.people.iter().any(|person| person.country == country), "{country:?}");
    }
    for status in [Status::Active, Status::Inactive, Status::Terminated] {
        assert!(company.people.iter().any(|person| person.status == status), "{status:?}");
    }
    assert!(company.people.iter().all(|person| person.zone().starts_with(person.country.code())));
    assert!(company.people.iter().any(|person| person.tags().count() > 1));
    assert!(company.people.is_sorted_by_key(|person| person.joined_on));
}

#[test]
fn documents_emails_and_ids_are_unique() {
    let company = of(100_000);
    let mut documents = BTreeSet::new();
    let mut emails = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (number, person) in (0_u32..).zip(&company.people) {
        assert!(documents.insert(person.document().1));
        assert!(emails.insert(person.email(number)));
        assert!(ids.insert(company.person_id(number)));
        let digits = person.phone().len() - 1;
        assert!((11..=12).contains(&digits), "{}", person.phone());
    }
}

#[test]
fn three_in_five_order_one_and_a_half_times_for_about_ninety() {
    let company = of(20_000);
    for of in &company.cycles {
        let mut sales: BTreeMap<u32, usize> = BTreeMap::new();
        let mut volumes = Vec::new();
        for order in of.orders.iter().filter(|order| order.kind == OrderKind::Sale) {
            *sales.entry(order.person).or_default() += 1;
            volumes.push(company.amounts(order).vq);
        }
        volumes.sort_unstable();
        let buyers = per_mille(sales.len(), company.people.len());
        assert!((570..630).contains(&buyers), "{buyers} in a thousand");
        let rate = per_mille(volumes.len(), sales.len());
        assert!((1_450..1_550).contains(&rate), "{rate} orders per thousand buyers");
        let median = volumes[volumes.len() / 2];
        assert!((8_600..9_400).contains(&median), "median {median}");
        let returns = per_mille(of.orders.len() - volumes.len(), of.orders.len());
        assert!((12..25).contains(&returns), "{returns} returns in a thousand");
    }
}

#[test]
fn orders_are_paid_in_their_cycle_after_joining() {
    let company = of(20_000);
    let zone = TimeZone::get("America/Bogota").unwrap();
    let (mut at_start, mut at_end) = (0, 0);
    for of in &company.cycles {
        assert!(of.orders.is_sorted_by_key(|order| order.paid_at));
        for order in &of.orders {
            let day = order.paid_at.to_zoned(zone.clone()).date();
            assert!(of.dates.first_day <= day && day <= of.dates.last_day, "{day} in {}", of.dates.id);
            assert!(of.cycle.contains(order.paid_at));
            let person = &company.people[order.person as usize];
            assert!(person.joined_on <= day);
            assert_ne!(person.status, Status::Terminated);
            at_start += usize::from(order.paid_at == of.cycle.start);
            at_end += usize::from(order.paid_at.as_second() + 1 == of.cycle.end.as_second());
        }
    }
    assert!(at_start > 0 && at_end > 0, "{at_start} at the first second, {at_end} at the last");
}

#[test]
fn returns_take_back_sales_and_never_more() {
    let company = of(20_000);
    let mut reversed = BTreeSet::new();
    let (mut partial, mut of_earlier_cycle) = (0, 0);
    for (cycle, of) in (0_u32..).zip(&company.cycles) {
        for order in &of.orders {
            assert_eq!(order.kind == OrderKind::Return, order.reverses.is_some());
            let Some(sale_ref) = order.reverses else { continue };
            let sale = &company.cycles[sale_ref.cycle as usize].orders[sale_ref.index as usize];
            assert_eq!((sale.kind, sale.person), (OrderKind::Sale, order.person));
            assert!(sale.paid_at < order.paid_at);
            assert!(reversed.insert(sale_ref), "taken back twice");
            assert_eq!(company.category(sale), company.category(order));
            let (gone, back) = (company.amounts(sale), company.amounts(order));
            assert!(back.units > 0 && back.units <= gone.units);
            assert!(back.net <= gone.net && back.gross <= gone.gross);
            assert!(back.vq <= gone.vq && back.vc <= gone.vc && back.points <= gone.points);
            partial += usize::from(back.units < gone.units);
            of_earlier_cycle += usize::from(sale_ref.cycle < cycle);
        }
    }
    assert!(partial > 0 && of_earlier_cycle > 0);
    assert!(of_earlier_cycle * 3 < reversed.len());
}

#[test]
fn amounts_follow_from_lines_prices_and_vat() {
    let company = of(2_000);
    let products = products();
    for order in company.cycles.iter().flat_map(|of| &of.orders) {
        let amounts = company.amounts(order);
        let person = &company.people[order.person as usize];
        let category = company.category(order);
        let mut bought = BTreeSet::new();
        for line in order.lines() {
            assert_eq!(products[usize::from(line.product)].category, category);
            assert!(bought.insert(line.product), "a product on two lines");
        }
        let expected = match person.kind {
            PersonKind::Consultant => amounts.consultant_price,
            PersonKind::Customer => amounts.customer_price,
        };
        assert_eq!(amounts.net, expected);
        assert!(amounts.consultant_price < amounts.customer_price);
        let vat_times_hundred = amounts.net * category.vat_percent();
        let lines = i64::try_from(bought.len()).unwrap();
        assert!(((amounts.gross - amounts.net) * 100 - vat_times_hundred).abs() <= 50 * lines);
        assert!(0 < amounts.vc && amounts.vc <= amounts.vq);
    }
}

#[test]
fn the_first_order_of_a_person_is_marked_once() {
    let company = of(5_000);
    let mut seen = BTreeSet::new();
    let mut firsts = BTreeSet::new();
    let start = company.cycles[0].dates.first_day;
    for order in company.cycles.iter().flat_map(|of| &of.orders) {
        let person = &company.people[order.person as usize];
        let is_earliest = order.kind == OrderKind::Sale && seen.insert(order.person);
        assert!(!order.first_of_person || (is_earliest && firsts.insert(order.person)));
        assert!(!is_earliest || person.joined_on < start || order.first_of_person);
    }
    assert!(!firsts.is_empty());
}

#[test]
fn careers_appear_only_when_asked_for() {
    assert!(of(2_000).people.iter().all(|person| person.career.is_none()));
    let careers = Options { people: 5_000, careers: true, ..Options::default() };
    let company = generate(&careers).unwrap();
    let mut manual = 0;
    for person in &company.people {
        let career = person.career.unwrap();
        assert!(career.honorific_rank >= person.previous_rank);
        manual += usize::from(career.manual.is_some());
    }
    assert!(manual > 0);
    assert!(company.people.iter().any(|person| person.career.is_some_and(|career| career.grace_used > 0)));
}

#[test]
fn files_have_the_stated_columns_and_nothing_that_needs_quotes() {
    let dir = tempfile::tempdir().unwrap();
    let careers = Options { careers: true, ..Options::default() };
    let company = generate(&careers).unwrap();
    let written = write(&company, dir.path().join("new")).unwrap();
    let rows = |path: &std::path::Path, columns: usize| {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(!text.contains('"'));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap().len(), columns);
        reader.records().collect::<Result<Vec<_>, _>>().unwrap().len()
    };
    assert_eq!(rows(&written.people, 16), 2_000);
    assert_eq!(rows(&written.people_load, 16), 2_000);
    for (path, of) in written.orders.iter().zip(&company.cycles) {
        assert_eq!(rows(path, 16), of.orders.len());
    }
    assert_eq!(written.orders[1].file_name().unwrap(), "orders-2026-10.csv");
    let products: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&written.catalogue).unwrap()).unwrap();
    assert_eq!(products, catalogue());
}

#[test]
fn options_that_describe_no_company_are_refused() {
    let default = Options::default();
    let backwards = default.cycles.iter().rev().cloned().collect();
    let cases = [
        (Options { people: 0, ..default.clone() }, "1 to 1000000 people"),
        (Options { people: PEOPLE_MAX + 1, ..default.clone() }, "1 to 1000000 people"),
        (Options { cycles: Vec::new(), ..default.clone() }, "at least one cycle"),
        (Options { cycles: backwards, ..default.clone() }, "before it ends"),
        (Options { zone: "Mars/Olympus".to_owned(), ..default }, "Mars/Olympus"),
    ];
    for (options, message) in cases {
        let refusal = generate(&options).unwrap_err().to_string();
        assert!(refusal.contains(message), "{refusal}");
    }
}
