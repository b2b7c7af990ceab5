//! Over columns a rule gives what it gives over each record, to the last digit and the last failure.

use std::sync::Arc;

use proptest::prelude::*;
use rules::{BoolColumn, Failure, Live, NumberColumn, Program, Type, Value, compile};
use rust_decimal::Decimal;

use crate::fixture::{Company, People};

fn numbers() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => -100_000_i64..100_000,
        2 => (-5_i64..6).prop_map(|number| number * 100),
        1 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, i64::MAX, 0, 1]),
    ]
}

prop_compose! {
    fn people()(count in 0_usize..40)(
        own_vq in prop::collection::vec(numbers(), count),
        group_vc in prop::collection::vec(numbers(), count),
        legs in prop::collection::vec(0_u32..6, count),
        rank in prop::collection::vec(0_u8..9, count),
        country in prop::collection::vec(0_u32..3, count),
        joined_on in prop::collection::vec(-1_000_i32..40_000, count),
        active in prop::collection::vec(any::<bool>(), count),
        tags in prop::collection::vec(0_u64..4, count),
        ratio in prop::collection::vec((-1_000_i64..1_000, 0_u32..9), count),
        goal in prop::collection::vec(numbers(), count),
        no_goal in prop::collection::vec(any::<bool>(), count),
    ) -> People {
        People {
            own_vq, group_vc, legs, rank, country, joined_on, active, tags, goal, no_goal,
            ratio: ratio.into_iter().map(|(digits, scale)| Decimal::new(digits, scale)).collect(),
            countries: ["CO", "MX", "PE"].map(Arc::from).to_vec(),
            known_tags: ["vip", "new"].map(Arc::from).to_vec(),
        }
    }
}

fn number_texts() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "own_vq",
            "group_vc",
            "legs",
            "rank",
            "ratio",
            "returned",
            "default(goal, 2.5)",
            "silver",
            "plan.threshold",
            "legs_with_rank('gold')",
            "joined_on.year()",
            "days_between(joined_on, cycle_end)",
            "tags.size()",
            "size(country)",
        ])
        .prop_map(str::to_owned),
        (0_u32..2_000, 0_u32..8)
            .prop_map(|(digits, scale)| Decimal::new(i64::from(digits), scale).to_string()),
        Just("9223372036854775807".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (pair.clone(), prop::sample::select(vec!["+", "-", "*"]))
                .prop_map(|((left, right), operator)| format!("({left} {operator} {right})")),
            (inner.clone(), 1_u32..9).prop_map(|(left, right)| format!("({left} / {right})")),
            pair.clone().prop_map(|(left, right)| format!("({left} / (0 + {right} * legs))")),
            pair.clone().prop_map(|(left, right)| format!("min({left}, {right})")),
            pair.clone().prop_map(|(left, right)| format!("max({left}, {right})")),
            pair.prop_map(|(left, right)| format!("(active ? {left} : {right})")),
            inner.clone().prop_map(|operand| format!("abs(-{operand})")),
            inner.clone().prop_map(|operand| format!("round({operand}, 1)")),
            inner.clone().prop_map(|amount| format!("bracket({amount}, [-3, 0.5, 100.005, 1.25, 1e20, 2])")),
            inner.prop_map(|amount| format!("bracket_marginal({amount}, [100.005, 1.25, 500, 2])")),
        ]
    })
}

fn condition_texts() -> impl Strategy<Value = String> {
    let relations = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        4 => (number_texts(), relations, number_texts()).prop_map(|(l, r, o)| format!("{l} {r} {o}")),
        1 => prop::sample::select(vec![
            "active", "!active", "has(goal)", "has(goal) && goal > 10", "country == 'CO'", "country in ['CO', 'PE']",
            "country.startsWith('P') != active", "'vip' in tags", "'none' in tags", "tags == ['vip', 'new']",
            "tags.exists(t, t == 'new')", "rank in [1, 3, 5.5]", "joined_on >= date('2000-02-29')",
            "date('2010-01-01') > joined_on", "joined_on < cycle_end", "person.zone == 'norte'", "false",
            "[1, 2, 3][legs] == 2", "own_vq in [0, 1.005, 3]", "rank != -1", "rank < 300", "legs >= 4294967296",
            "own_vq < 9223372036854775807", "own_vq >= -92233720368547758.08", "own_vq > 92233720368547758.075",
            "(active ? 'CO' : 'MX') == country", "default(goal, own_vq) <= group_vc",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let three = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            three.clone().prop_map(|parts| format!("({})", parts.join(" && "))),
            three.prop_map(|parts| format!("({})", parts.join(" || "))),
            inner.clone().prop_map(|operand| format!("!({operand})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(c, y, n)| format!("({c} ? {y} : {n})")),
        ]
    })
}

/// The value of each row up to the first failure.
fn record_by_record(program: &Program, people: &People) -> Result<Vec<Value>, (usize, Failure)> {
    (0..people.len())
        .map(|row| program.evaluate(&people.person(row)).map_err(|error| (row, error.failure)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn conditions_are_the_same_by_column_and_by_record(people in people(), text in condition_texts()) {
        let Ok(program) = compile(&text, &Company, &Type::Bool) else { return Ok(()) };
        let mut column = BoolColumn::default();
        let by_column = program.evaluate_columns(&people, 0..people.len(), &mut column);
        let by_column = by_column
            .map(|()| column.values.into_iter().map(Value::Bool).collect::<Vec<_>>())
            .map_err(|error| (error.row.unwrap(), error.failure));
        prop_assert_eq!(by_column, record_by_record(&program, &people));
    }

    #[test]
    fn conditions_are_the_same_with_live_values_and_by_record(people in people(), text in condition_texts()) {
        let Ok(program) = compile(&text, &Company, &Type::Bool) else { return Ok(()) };
        let live = [(3, 0), (1, 4), (2, 0)].map(|(slot, scale)| Live { slot, scale });
        let bound = program.bind_live(&people, &live).unwrap();
        for row in 0..people.len() {
            let values = [i64::from(people.rank[row]), people.group_vc[row], i64::from(people.legs[row])];
            let found = bound.holds_at(row, &values).map_err(|error| error.failure);
            let expected = program.holds(&people.person(row)).map_err(|error| error.failure);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn numbers_are_the_same_by_column_and_by_record(people in people(), text in number_texts()) {
        let Ok(program) = compile(&text, &Company, &Type::Number) else { return Ok(()) };
        let mut column = NumberColumn::default();
        let by_column = program.evaluate_columns(&people, 0..people.len(), &mut column);
        let by_column = by_column
            .map(|()| (0..column.len()).map(|row| Value::Number(column.get(row).unwrap())).collect::<Vec<_>>())
            .map_err(|error| (error.row.unwrap(), error.failure));
        let expected = record_by_record(&program, &people);
        prop_assert_eq!(format!("{by_column:?}"), format!("{expected:?}"), "digits and scale");
    }

    #[test]
    fn an_explanation_has_the_value_of_the_evaluation(people in people(), text in condition_texts()) {
        let Ok(program) = compile(&text, &Company, &Type::Bool) else { return Ok(()) };
        for row in 0..people.len() {
            let person = people.person(row);
            let explanation = program.explain(&person);
            prop_assert_eq!(&explanation.value, &program.evaluate(&person).map_err(|error| error.failure));
            if explanation.held() == Some(true) {
                prop_assert_eq!(explanation.missing(), Some(Vec::new()));
            }
        }
    }
}

fn one_person() -> People {
    People {
        own_vq: vec![100; 3000],
        group_vc: vec![1; 3000],
        legs: vec![1; 3000],
        rank: vec![1; 3000],
        country: vec![0; 3000],
        joined_on: vec![0; 3000],
        active: vec![true; 3000],
        tags: vec![0; 3000],
        ratio: vec![Decimal::ONE; 3000],
        goal: vec![0; 3000],
        no_goal: vec![false; 3000],
        countries: vec![Arc::from("CO")],
        known_tags: vec![],
    }
}

#[test]
fn an_overflow_names_its_row_and_a_wide_product_is_exact() {
    let mut people = one_person();
    people.own_vq[2500] = i64::MAX;
    people.ratio[2900] = Decimal::MAX;
    let mut column = BoolColumn::default();
    let wide = compile("own_vq * 1000.001 > 92233812602268126000", &Company, &Type::Bool).unwrap();
    wide.evaluate_columns(&people, 0..3000, &mut column).unwrap();
    assert_eq!(column.values.iter().filter(|held| **held).count(), 1);
    assert!(column.values[2500]);
    let narrow = compile("active\n && ratio * own_vq > 1 / own_vq", &Company, &Type::Bool).unwrap();
    people.own_vq[2900] = 1_000;
    let error = narrow.evaluate_columns(&people, 10..3000, &mut column).unwrap_err();
    assert_eq!((error.failure, error.row, error.line, error.column), (Failure::Overflow, Some(2900), 2, 5));
}

#[test]
fn rows_are_counted_from_the_first_asked_for_and_must_be_there() {
    let mut people = one_person();
    people.own_vq[1500] = 777;
    let program = compile("own_vq > 7", &Company, &Type::Bool).unwrap();
    let mut column = BoolColumn::default();
    program.evaluate_columns(&people, 1490..1510, &mut column).unwrap();
    assert_eq!(column.values.iter().position(|held| *held), Some(10));
    assert_eq!(column.values.len(), 20);
    let error = program.evaluate_columns(&people, 0..3001, &mut column).unwrap_err();
    assert_eq!(error.failure, Failure::TooFewRows(0));
}

#[test]
fn numbers_come_fixed_where_they_fit_and_exact_where_they_do_not() {
    let mut people = one_person();
    let program = compile("own_vq * 0.05", &Company, &Type::Number).unwrap();
    let mut column = NumberColumn::default();
    program.evaluate_columns(&people, 0..3000, &mut column).unwrap();
    assert!(matches!(&column, NumberColumn::Fixed { values, scale: 4 } if values[0] == 500));
    people.own_vq[2999] = i64::MAX;
    program.evaluate_columns(&people, 0..3000, &mut column).unwrap();
    assert!(matches!(&column, NumberColumn::Exact(values) if values.len() == 3000));
    assert_eq!(column.get(2999), Some("4611686018427387.90350".parse::<Decimal>().unwrap().normalize()));
}

#[test]
fn live_slots_have_no_whole_columns_and_must_be_numbers() {
    let people = one_person();
    let program = compile("legs > 0 && country == 'CO'", &Company, &Type::Bool).unwrap();
    let bound = program.bind_live(&people, &[Live { slot: 2, scale: 0 }]).unwrap();
    assert!(bound.holds_at(7, &[1]).unwrap());
    assert!(!bound.holds_at(7, &[0]).unwrap());
    assert_eq!(bound.holds(0..1, &mut [false]).unwrap_err().failure, Failure::TooFewRows(2));
    let text = program.bind_live(&people, &[Live { slot: 4, scale: 0 }]).err().unwrap();
    assert_eq!(text.failure, Failure::WrongValue(4));
}

#[test]
fn a_column_of_another_type_than_declared_is_refused() {
    struct Wrong;
    impl rules::Columns for Wrong {
        fn column(&self, _slot: u32) -> rules::Column<'_> {
            rules::Column::Bool(&[true])
        }
    }
    let program = compile("own_vq > 1", &Company, &Type::Bool).unwrap();
    let error = program.evaluate_columns(&Wrong, 0..1, &mut BoolColumn::default()).unwrap_err();
    assert_eq!(error.failure, Failure::WrongValue(0));
}
