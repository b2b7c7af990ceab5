//! Every mistake has its place, what was found and what was expected.

use proptest::prelude::*;
use rules::{Diagnostic, Type, compile, limits};

use crate::fixture::Company;

fn mistakes(text: &str) -> Vec<Diagnostic> {
    compile(text, &Company, &Type::Bool).expect_err(text)
}

#[test]
fn each_mistake_has_its_line_and_column() {
    // text, line, column, part of the message, part of what was found, part of what was expected
    let cases = [
        ("", 1, 1, "ends too early", "the end", "a name"),
        ("own_vq >=", 1, 10, "ends too early", "the end", "a name"),
        ("own_vq = 1", 1, 8, "no such operator", "`=`", "`==`"),
        ("active & active", 1, 8, "no such operator", "`&`", "`&&`"),
        ("own_vq ≥ 1", 1, 8, "no such operator", "`≥`", "`>=`"),
        ("own_vq <> 1", 1, 8, "no such operator", "`<>`", "`!=`"),
        ("active and active", 1, 8, "not expected", "`and`", "`&&`"),
        ("active or active", 1, 8, "not expected", "`or`", "`||`"),
        ("not active", 1, 1, "not expected", "`not`", "`!`"),
        ("active #", 1, 8, "no meaning", "`#`", "an operator"),
        ("active && active active", 1, 18, "not expected", "`active`", "an operator"),
        ("(active", 1, 8, "ends too early", "the end", "`)`"),
        ("active)", 1, 7, "not expected", "`)`", "the end of the rule"),
        ("rank in [1, 2", 1, 14, "ends too early", "the end", "`]`"),
        ("active ? active", 1, 16, "ends too early", "the end", "`:`"),
        ("own_vq > 100abc", 1, 10, "followed by letters", "`100abc`", "digits"),
        ("own_vq > 0xzz", 1, 10, "hexadecimal", "`0xzz`", "0-9"),
        ("own_vq > 1.00000000000000000000000000001", 1, 10, "exactly", "`1.0000", "28 digits"),
        ("own_vq > 1e29", 1, 10, "exactly", "`1e29`", "28 digits"),
        ("country == 'CO", 1, 12, "does not end", "`'CO`", "a closing `'`"),
        ("country == 'C\\qO'", 1, 14, "no such escape", "`\\q`", "one of"),
        ("country == b'CO'", 1, 12, "no bytes", "`b'CO'`", "without `b`"),
        ("año > 1", 1, 1, "letters from a to z", "`año`", "without accents"),
        ("own_vq == null", 1, 11, "no null", "`null`", "has(name)"),
        ("let > 1", 1, 1, "reserved", "`let`", "another name"),
        ("{'a': 1} == 1", 1, 1, "no maps", "`{`", "a list"),
        ("own_qv > 1", 1, 1, "no such name", "`own_qv`", "did you mean `own_vq`?"),
        ("person.zona == 'x'", 1, 1, "no such name", "`person.zona`", "`person.zone`"),
        ("ceiling(own_vq) > 1", 1, 1, "no such function", "`ceiling`", "a function"),
        ("legs_with_rnak('gold') > 1", 1, 1, "no such function", "`legs_with_rnak`", "`legs_with_rank`"),
        ("legs_with_rank('tin') > 1", 1, 1, "arguments are wrong", "'tin'", "silver, gold"),
        ("legs_with_rank(country) > 1", 1, 16, "same for every record", "`country`", "a literal"),
        ("country.matches('C.')", 1, 9, "not part of", "`matches`", "startsWith"),
        ("int(own_vq) > 1", 1, 1, "not part of", "`int`", "trunc"),
        ("own_vq > '1'", 1, 10, "type is wrong", "text '1'", "number"),
        ("country > 1", 1, 11, "type is wrong", "number 1", "text"),
        ("own_vq", 1, 1, "type is wrong", "number `own_vq`", "bool"),
        ("own_vq && active", 1, 1, "type is wrong", "number `own_vq`", "bool"),
        ("!own_vq", 1, 2, "type is wrong", "number `own_vq`", "bool"),
        ("-active > 1", 1, 2, "type is wrong", "bool `active`", "number"),
        ("own_vq + country > 1", 1, 10, "type is wrong", "text `country`", "number"),
        ("own_vq < rank < 3", 1, 17, "type is wrong", "number 3", "bool"),
        ("joined_on > '2026-01-31'", 1, 13, "type is wrong", "text '2026-01-31'", "date('2026-01-31')"),
        ("joined_on > date('2026-02-30')", 1, 18, "no day", "'2026-02-30'", "'2026-01-31'"),
        ("joined_on + 1 > joined_on", 1, 1, "dates are not added", "`+`", "add_days"),
        ("rank in [1, 'x']", 1, 13, "type is wrong", "text 'x'", "number"),
        ("rank in 1", 1, 9, "type is wrong", "number 1", "list of number"),
        ("size([]) == 0", 1, 6, "what this is a list of", "`[]`", "element"),
        ("[1] < [2]", 1, 1, "lists have no order", "`<`", "`==`"),
        ("own_vq / 0 > 1", 1, 10, "division by zero", "`0`", "other than 0"),
        ("own_vq % (1 - 1) > 1", 1, 11, "division by zero", "which is 0", "other than 0"),
        ("own_vq > 79228162514264337593543950335 * 10", 1, 10, "too large", "* 10`", "a result"),
        ("[1, 2][2] == 1", 1, 1, "no such element", "`[1, 2][2]`", "a result"),
        ("country[0] == 'C'", 1, 1, "only a list", "text `country`", "a list"),
        ("country.zone == 'C' || own_vq.x > 1", 1, 1, "no such name", "`country.zone`", "a name"),
        ("(1).x == 1", 1, 5, "no fields", "`.x`", "a function"),
        ("abs(1, 2) == 1", 1, 1, "number of arguments", "2", "1"),
        ("round(own_vq, rank) > 1", 1, 15, "number of decimals", "`rank`", "0 to 18"),
        ("min() == 1", 1, 1, "number of arguments", "0", "at least 1"),
        ("max(country) == 'x'", 1, 5, "type is wrong", "text `country`", "numbers, dates"),
        ("startsWith(country, 'C')", 1, 1, "after its value", "`startsWith(`", "`text.startsWith"),
        ("country.size() == 'x'", 1, 19, "type is wrong", "text 'x'", "number"),
        ("size(own_vq) > 1", 1, 6, "no size", "number `own_vq`", "a text or a list"),
        ("bracket(own_vq, [100, 1, 50, 2]) > 1", 1, 17, "brackets are wrong", "[100", "ascending"),
        ("bracket(own_vq, [100]) > 1", 1, 17, "brackets are wrong", "[100]", "threshold, rate"),
        ("bracket(own_vq, [rank, 1]) > 1", 1, 17, "brackets are wrong", "[rank, 1]", "constant"),
        ("has(1)", 1, 5, "asks for a field", "`1`", "the name of a field"),
        ("has(gaol)", 1, 5, "no such name", "`gaol`", "`goal`"),
        ("goal > 1", 1, 1, "can be missing", "`goal`", "has(goal)"),
        ("has(goal) || goal > 1", 1, 14, "can be missing", "`goal`", "default(goal"),
        ("default(own_vq, 1) > 1", 1, 9, "never missing", "`own_vq`", "the name alone"),
        ("[1].all(1, true)", 1, 9, "new name", "`1`", "a name"),
        ("[1].all(x)", 1, 5, "number of arguments", "1", "2"),
        ("own_vq.all(x, true)", 1, 1, "only a list", "number `own_vq`", "a list"),
        ("[1].exists(x, x)", 1, 15, "type is wrong", "number `x`", "bool"),
        ("sets.contain([1], [1])", 1, 6, "no such function", "`contain`", "`contains`"),
        ("active\n  && (own_vq > 1\n  || x > 2)", 3, 6, "no such name", "`x`", "a name"),
        ("country == 'ñandú' && x", 1, 23, "no such name", "`x`", "a name"),
    ];
    for (text, line, column, message, found, expected) in cases {
        let all = mistakes(text);
        let first = &all[0];
        let shown = format!("{text}\n{first}");
        assert_eq!((first.line, first.column), (line, column), "{shown}");
        assert!(first.message.contains(message), "{shown}");
        assert!(first.found.contains(found), "{shown}");
        assert!(first.expected.contains(expected), "{shown}");
    }
}

#[test]
fn all_mistakes_of_a_text_are_reported_in_its_order() {
    let text = "own_qv >= '1'\n && countri == 'CO'\n && active = true\n && rank + 'x' > 2 && legs > 100abc";
    let places: Vec<(u32, u32)> =
        mistakes(text).iter().map(|mistake| (mistake.line, mistake.column)).collect();
    assert_eq!(places, [(1, 1), (2, 5), (3, 12), (4, 12), (4, 30)]);
}

#[test]
fn what_could_run_without_bound_is_refused() {
    let long = format!("own_vq > 1{}", " ".repeat(20_000));
    let nested = format!("{}active{}", "(".repeat(100), ")".repeat(100));
    let deep = format!("{}own_vq > 0", "1 + ".repeat(200));
    let ten = "[1,2,3,4,5,6,7,8,9,0]";
    let costly = (0..5).fold("true".to_owned(), |inner, level| format!("{ten}.all(x{level}, {inner})"));
    let growing = (0..30).fold("['aaaa']".to_owned(), |inner, _| format!("{inner}.map(x, x + x)"));
    let cases = [
        (long.as_str(), "too long"),
        (&nested, "nested too deeply"),
        (&deep, "nested too deeply"),
        (&costly, "too costly"),
        (&format!("{growing}.size() > 0"), "too costly"),
    ];
    for (text, message) in cases {
        let all = mistakes(text);
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(all[0].message.contains(message), "{}", all[0]);
    }
}

#[test]
fn what_cel_asks_every_implementation_to_hold_is_accepted() {
    let many = |part: &str, separator: &str| vec![part; 32].join(separator);
    let cases = [
        many("active", " || "),
        many("active", " && "),
        format!("{} > 0", many("own_vq", " + ")),
        format!("{}active{}", "(".repeat(32), ")".repeat(32)),
        format!("rank in [{}]", many("1", ", ")),
        format!("max({}) > 0", many("rank", ", ")),
        format!("{}true", "active ? false : ".repeat(32)),
        format!("{}active", "!".repeat(32)),
    ];
    for text in cases {
        assert!(compile(&text, &Company, &Type::Bool).is_ok(), "{text}");
    }
}

#[test]
fn a_value_that_can_be_missing_may_be_used_where_it_is_known_to_be_there() {
    let sound = [
        "has(goal) && goal > 1",
        "has(goal) ? goal > 1 : false",
        "!has(goal) || goal > 1",
        "!has(goal) ? false : goal > 1",
        "has(goal) && active && (rank > 1 || goal > 1)",
        "!(has(goal) && active) || goal > 1",
        "default(goal, 0) > 1",
        "returned > 1",
        "has(own_vq)",
    ];
    for text in sound {
        assert!(compile(text, &Company, &Type::Bool).is_ok(), "{text}");
    }
    let unsound =
        ["goal > 1 && has(goal)", "!(has(goal) && goal > 1) && goal > 2", "has(goal) ? true : goal > 1"];
    for text in unsound {
        assert_eq!(mistakes(text).len(), 1, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_checked_without_a_panic_and_within_its_cost(
        words in prop::collection::vec(prop::sample::select(vec![
            "own_vq", "country", "tags", "joined_on", "active", "goal", "has(goal)", "1", "0", "-", "'x'", "[", "]",
            "[1, 2]", "(", ")", ",", ".", "+", "/", "==", "<", "&&", "||", "?", ":", "!", "in", "x", ".all(x, ",
            ".map(x, ", ".exists(x, ", ".size()", ".startsWith(", "min(", "round(", "bracket(", "date(", "default(goal, ",
            "legs_with_rank(", "silver", "level.volume(", "sets.contains(", "person.zone", "null", "1e28",
        ]), 0..14)
    ) {
        let text = words.join(" ");
        for ty in [Type::Bool, Type::Number, Type::list(Type::Number)] {
            match compile(&text, &Company, &ty) {
                Ok(program) => {
                    prop_assert!(u64::from(program.cost()) <= limits::COST);
                    let person = crate::fixture::Person::default();
                    let value = program.evaluate(&person);
                    prop_assert!(value.is_err() || value.is_ok_and(|value| value.is_of(&ty)));
                }
                Err(mistakes) => {
                    prop_assert!(!mistakes.is_empty());
                    for mistake in mistakes {
                        prop_assert!(mistake.line == 1 && mistake.column as usize <= text.chars().count() + 1);
                    }
                }
            }
        }
    }
}
