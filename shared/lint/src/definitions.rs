//! Indicators that nothing uses or that are there twice, thresholds that two rules both leave out or both take, and what the plan leaves
//! open.

use std::collections::{BTreeMap, BTreeSet};

use plan::{Plan, Source, indicator::Unit};
use rules::{Program, Relation, Value};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use crate::{
    Code, Example, Finding, Run, Severity, Shows,
    finding::{paid_of, paying, values_of},
    network::{Network, chain, person_id},
    search::{Laboratory, Seen},
    text,
};

/// The most people of a network that two readings, or two sides of a threshold, are shown in.
const MOST_PEOPLE: usize = 9;
/// Networks that two readings, or the sides of a threshold, are compared in.
const COMPARED: usize = 60;

pub(crate) fn check(laboratory: &mut Laboratory<'_>, json: &Json, seen: &[Seen]) -> Vec<Finding> {
    let mut found = unused(laboratory, json, seen);
    found.extend(twice(laboratory, json, seen));
    found.extend(thresholds(laboratory, seen));
    found.extend(readings(laboratory, json, seen));
    found
}

/// The plan without what a pointer names, or with something else there.
fn changed(json: &Json, pointer: &str, to: Option<Json>) -> Option<(String, Plan)> {
    let mut json = json.clone();
    let (above, last) = pointer.rsplit_once('/')?;
    match (json.pointer_mut(above)?, to) {
        (Json::Object(fields), Some(value)) => drop(fields.insert(last.to_owned(), value)),
        (Json::Object(fields), None) => drop(fields.shift_remove(last)?),
        (Json::Array(items), None) => {
            let place = last.parse::<usize>().ok().filter(|place| *place < items.len())?;
            items.remove(place);
        }
        (Json::Array(items), Some(value)) => *items.get_mut(last.parse::<usize>().ok()?)? = value,
        _ => return None,
    }
    let text = serde_json::to_string_pretty(&json).ok()?;
    let plan = Plan::parse(&text).ok()?;
    Some((text, plan))
}

/// Own indicators that are never computed, and indicators that are computed, not shown and not used.
fn unused(laboratory: &Laboratory<'_>, json: &Json, seen: &[Seen]) -> Vec<Finding> {
    let plan = laboratory.plan;
    let edges = plan.graph().edges;
    let used: BTreeSet<&str> =
        edges.iter().filter(|edge| edge.from != edge.to).map(|edge| edge.from.as_str()).collect();
    let enabled = &plan.document().catalogue.enabled;
    let mut found = Vec::new();
    for (index, planned) in plan.indicators().iter().enumerate() {
        let code = &planned.definition.code;
        let is_used = used.contains(format!("indicator:{code}").as_str());
        let pointer = match (planned.built_in, enabled.iter().position(|known| known == code)) {
            (false, _) => format!("/indicators/{index}"),
            (true, Some(place)) => format!("/catalogue/enabled/{place}"),
            (true, None) => continue,
        };
        let computed = planned.needed;
        if is_used || (computed && planned.definition.visible) {
            continue;
        }
        let message = if computed {
            text(
                format!("El indicador {code} se calcula, pero nadie lo ve y nada lo usa."),
                format!("The indicator {code} is computed, but nobody sees it and nothing uses it."),
            )
        } else {
            text(
                format!("El indicador {code} está apagado y nada lo usa: no se calcula nunca."),
                format!("The indicator {code} is switched off and nothing uses it: it is never computed."),
            )
        };
        let example = without(laboratory, json, seen, &pointer, planned.built_in.then_some(code.as_str()));
        found.push(Finding {
            code: Code::IndicatorUnused,
            severity: Severity::Note,
            pointer,
            message,
            example,
        });
    }
    found
}

/// A network in which everything is the same without an indicator.
fn without(
    laboratory: &Laboratory<'_>,
    json: &Json,
    seen: &[Seen],
    pointer: &str,
    hidden: Option<&str>,
) -> Option<Example> {
    let mut json = json.clone();
    if let (Some(code), Some(list)) =
        (hidden, json.pointer_mut("/catalogue/hidden").and_then(Json::as_array_mut))
    {
        list.retain(|known| known.as_str() != Some(code));
    }
    let (text, other) = changed(&json, pointer, None)?;
    let one = seen.iter().find(|one| 2 < one.network.members.len() && !one.result.payouts.lines.is_empty());
    let one = one.or_else(|| seen.last())?;
    let result = laboratory.under(&other, &one.network)?;
    let same = result.payouts == one.result.payouts && result.ranks == one.result.ranks;
    same.then(|| Example {
        people: one.network.people_csv(),
        runs: vec![Run::plain(&one.network), Run::of_plan("without", &one.network, text)],
        shows: Shows::Same,
    })
}

/// Own indicators that are defined as another one is.
fn twice(laboratory: &Laboratory<'_>, json: &Json, seen: &[Seen]) -> Vec<Finding> {
    let plan = laboratory.plan;
    let mut found = Vec::new();
    for (index, planned) in plan.indicators().iter().enumerate().filter(|(_, planned)| !planned.built_in) {
        let one = &planned.definition;
        let same = |(place, other): &(usize, &plan::PlannedIndicator)| {
            let other = &other.definition;
            // Of two of the company's own the second is told.
            (*place < index || plan.indicators()[*place].built_in)
                && (one.unit, &one.measure, one.aggregate, &one.scope, one.window, &one.options)
                    == (
                        other.unit,
                        &other.measure,
                        other.aggregate,
                        &other.scope,
                        other.window,
                        &other.options,
                    )
                && one.filter == other.filter
                && one.only_where == other.only_where
        };
        let Some((_, other)) = plan.indicators().iter().enumerate().find(same) else { continue };
        let (code, other) = (&one.code, &other.definition.code);
        let example = same_values(laboratory, json, seen, code, other);
        found.push(Finding {
            code: Code::IndicatorTwice,
            severity: Severity::Note,
            pointer: format!("/indicators/{index}"),
            message: text(
                format!("El indicador {code} está definido igual que {other}."),
                format!("The indicator {code} is defined as {other} is."),
            ),
            example,
        });
    }
    found
}

/// A network in which two indicators have the same values. A built-in one that is not computed is switched on for it.
fn same_values(
    laboratory: &Laboratory<'_>,
    json: &Json,
    seen: &[Seen],
    code: &str,
    other: &str,
) -> Option<Example> {
    let is_computed = |code: &str| laboratory.plan.indicator(code).is_some_and(|(_, planned)| planned.needed);
    let mut on = json.clone();
    if let Some(own) = on.get_mut("indicators").and_then(Json::as_array_mut) {
        for one in own.iter_mut().filter(|one| one["code"] == code) {
            one["enabled"] = json!(true);
        }
    }
    let mut enabled = laboratory.plan.document().catalogue.enabled.clone();
    enabled.extend((!is_computed(other)).then(|| other.to_owned()));
    let catalogue = on.as_object_mut()?.entry("catalogue").or_insert_with(|| json!({}));
    catalogue.as_object_mut()?.insert("enabled".to_owned(), json!(enabled));
    let text = serde_json::to_string_pretty(&on).ok()?;
    let plan = Plan::parse(&text).ok()?;
    let same = |one: &&Seen| {
        let Some(result) = laboratory.under(&plan, &one.network) else { return false };
        let values = values_of(&result, code);
        values.as_ref().is_some_and(|values| values.iter().any(|value| !value.is_zero()))
            && values == values_of(&result, other)
    };
    let small = seen.iter().filter(|one| one.network.members.len() <= MOST_PEOPLE);
    let step = (small.clone().count() / COMPARED).max(1);
    let one = small.step_by(step).find(same)?;
    Some(Example {
        people: one.network.people_csv(),
        runs: vec![Run::of_plan("both", &one.network, text)],
        shows: Shows::SameValues { one: code.to_owned(), other: other.to_owned() },
    })
}

/// What compares an indicator with a threshold: which bonuses, and how.
type Compared = BTreeMap<(usize, Decimal), Vec<(String, Relation)>>;

/// Thresholds that the conditions and rates of bonuses compare an indicator with.
fn compared(plan: &Plan) -> Compared {
    let mut compared = Compared::new();
    for bonus in plan.bonuses() {
        let own = [Some(&bonus.when), bonus.rule(plan::Role::Rate), bonus.rule(plan::Role::Amount)];
        for test in own.into_iter().flatten().flat_map(Program::thresholds) {
            let source = test.term.slot.and_then(|slot| plan.source(slot));
            if let (Some(Source::Indicator(index)), Value::Number(number)) = (source, &test.value) {
                let code = bonus.definition.code.clone();
                compared.entry((index, *number)).or_default().push((code, test.relation));
            }
        }
    }
    compared
}

fn thresholds(laboratory: &mut Laboratory<'_>, seen: &[Seen]) -> Vec<Finding> {
    let plan = laboratory.plan;
    let mut found = Vec::new();
    for ((index, threshold), uses) in compared(plan) {
        let has = |relation: Relation| uses.iter().any(|(_, used)| *used == relation);
        let included = has(Relation::AtMost) || has(Relation::AtLeast) || has(Relation::Equal);
        let gap = has(Relation::Less) && has(Relation::Greater) && !included;
        let overlap = has(Relation::AtMost) && has(Relation::AtLeast);
        if gap || overlap {
            let codes: BTreeSet<String> = uses.into_iter().map(|(code, _)| code).collect();
            found.extend(at_threshold(laboratory, seen, index, threshold, &codes, gap));
        }
    }
    found
}

/// Three runs in which somebody has a cent less than a threshold, the threshold, and a cent more.
fn at_threshold<'a>(
    laboratory: &mut Laboratory<'_>,
    seen: &'a [Seen],
    index: usize,
    threshold: Decimal,
    codes: &BTreeSet<String>,
    gap: bool,
) -> Option<Finding> {
    let plan = laboratory.plan;
    let indicator = &plan.indicators().get(index)?.definition.code;
    let cent = Decimal::new(1, 2);
    let small = seen.iter().filter(|one| one.network.members.len() <= MOST_PEOPLE);
    let buyers = small.flat_map(|one| [(one, 0), (one, one.network.members.len() - 1)]);
    let under = |(one, buyer): (&'a Seen, usize)| {
        let row = one.result.snapshot.people.row(&person_id(buyer))?;
        let column = one.result.indicators.columns.iter().find(|column| column.code == *indicator)?;
        let missing = threshold.checked_sub(column.value(row))?;
        (cent < missing && missing.scale() <= 4).then_some((one, buyer, missing))
    };
    let tries: Vec<(&Seen, usize, Decimal)> = buyers.filter_map(under).collect();
    // A threshold at which nothing shows must leave networks for what is looked for after it. An odd step, because the first and the
    // last buyer take turns.
    let step = (tries.len() / COMPARED) | 1;
    let bonuses: Vec<String> = codes.iter().cloned().collect();
    tries.into_iter().step_by(step).take(COMPARED).find_map(|(one, buyer, missing)| {
        let networks: Vec<Network> =
            [missing - cent, missing, missing + cent].map(|more| one.network.with_sale(buyer, more)).into();
        let person = person_id(buyer);
        let paid: Option<Vec<Vec<String>>> = networks
            .iter()
            .map(|network| Some(paying(&laboratory.run(network)?, &person, &bonuses)))
            .collect();
        let paid = paid?;
        let [below, at, above] = paid.as_slice() else { return None };
        let is_gap = gap && at.is_empty() && !below.is_empty() && !above.is_empty();
        let is_overlap = !gap && below.len() == 1 && above.len() == 1 && below != above && at.len() == 2;
        if !is_gap && !is_overlap {
            return None;
        }
        // Others that are compared with the threshold need not be paid here at all.
        let is_named = |code: &String| if gap { below.contains(code) || above.contains(code) } else { at.contains(code) };
        let place = plan.bonuses().iter().position(|bonus| is_named(&bonus.definition.code))?;
        let names = bonuses.iter().filter(|code| is_named(code)).cloned().collect::<Vec<_>>().join(", ");
        let threshold = threshold.normalize();
        let message = if gap {
            text(
                format!("Con {indicator} exactamente {threshold} no se paga {names}; con un centavo más o menos, sí."),
                format!("With {indicator} exactly {threshold}, {names} is not paid; with a cent more or less it is."),
            )
        } else {
            text(
                format!("Con {indicator} exactamente {threshold} se pagan {names} a la vez; con un centavo más o menos, uno solo."),
                format!("With {indicator} exactly {threshold}, {names} are paid at once; with a cent more or less, only one."),
            )
        };
        let names = ["below", "at", "above"];
        let runs = networks.iter().zip(names).map(|(network, name)| Run::named(name, network)).collect();
        Some(Finding {
            code: if gap { Code::ThresholdGap } else { Code::ThresholdOverlap },
            severity: Severity::Warning,
            pointer: format!("/bonuses/{place}"),
            message,
            example: Some(Example {
                people: one.network.people_csv(),
                runs,
                shows: Shows::LinesOf { person, bonuses: bonuses.clone(), paid },
            }),
        })
    })
}

/// Something a plan leaves open: where, what it means then, what others mean.
struct Open {
    pointer: String,
    to: Json,
    /// Code of the bonus that is read so or otherwise, where the pointer does not lead into it.
    bonus: Option<String>,
    severity: Severity,
    es: &'static str,
    en: &'static str,
}

fn readings(laboratory: &Laboratory<'_>, json: &Json, seen: &[Seen]) -> Vec<Finding> {
    let mut found = Vec::new();
    for open in open(laboratory.plan, json) {
        let Some((text_of_plan, other)) = changed(json, &open.pointer, Some(open.to)) else { continue };
        let bonus = open.bonus.unwrap_or_else(|| code_of(json, &open.pointer));
        let small = seen.iter().filter(|one| one.network.members.len() <= MOST_PEOPLE);
        let step = (small.clone().count() / COMPARED).max(1);
        let mut networks: Vec<Network> = small.step_by(step).map(|one| one.network.clone()).collect();
        if open.pointer == "/currencies/rounding" {
            // Halves of a cent come of odd volumes.
            let odd = |cents: i64| Network::of(&chain(4), Decimal::new(20_000 + cents, 2));
            networks.extend([10, 25, 30, 50, 70, 90, 105, 125, 350].map(odd));
        }
        let differing = networks.into_iter().find_map(|network| {
            let plan = laboratory.plan;
            let amounts = [laboratory.under(plan, &network)?, laboratory.under(&other, &network)?]
                .map(|result| paid_of(&result, &bonus));
            (amounts[0] != amounts[1]).then_some((network, amounts))
        });
        let Some((network, amounts)) = differing else { continue };
        let [one, another] = amounts;
        found.push(Finding {
            code: Code::TwoReadings,
            severity: open.severity,
            pointer: open.pointer.clone(),
            message: text(
                format!("{} Aquí se pagan {one} o {another} según se lea.", open.es),
                format!("{} Here {one} or {another} is paid, as one reads it.", open.en),
            ),
            example: Some(Example {
                people: network.people_csv(),
                runs: vec![Run::plain(&network), Run::of_plan("other-reading", &network, text_of_plan)],
                shows: Shows::Pays { bonus, amounts: vec![one, another] },
            }),
        });
    }
    found
}

/// The code of the bonus a pointer leads into; empty for another place.
fn code_of(json: &Json, pointer: &str) -> String {
    let place = pointer.strip_prefix("/bonuses/").and_then(|rest| rest.split('/').next());
    let code = place.and_then(|place| json.pointer(&format!("/bonuses/{place}/code")));
    code.and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// Everything a plan leaves open that companies read differently.
fn open(plan: &Plan, json: &Json) -> Vec<Open> {
    let mut found = Vec::new();
    let note = |pointer, to, es, en| Open { pointer, to, bonus: None, severity: Severity::Note, es, en };
    let lacks =
        |object: &str, field: &str| json.pointer(object).is_some_and(|object| object.get(field).is_none());
    if lacks("/currencies", "rounding") {
        let (es, en) = (
            "El plan no dice cómo se redondea media unidad; se redondea al par, y muchos redondean hacia arriba.",
            "The plan does not say how halves are rounded; they go to the even neighbour, and many round them up.",
        );
        found.push(note("/currencies/rounding".to_owned(), json!("half-up"), es, en));
    }
    if 1 < plan.rank_rules().len() && lacks("/ranks", "promotion") {
        let (es, en) = (
            "El plan no dice si un rango pide también los de abajo; los pide.",
            "The plan does not say whether a rank needs those under it; it does.",
        );
        found.push(note("/ranks/promotion".to_owned(), json!("highest"), es, en));
    }
    for (place, _) in plan.bonuses().iter().enumerate() {
        let pays = format!("/bonuses/{place}/pays");
        let brackets = format!("{pays}/percentage/rate/brackets");
        if lacks(&brackets, "marginal") && lacks(&brackets, "over") {
            let (es, en) = (
                "El plan no dice si el tramo alcanzado vale para todo o si cada parte tiene su tasa; vale para todo.",
                "The plan does not say whether the bracket reached is for the whole or each slice has its own rate; it is for the whole.",
            );
            found.push(note(format!("{brackets}/marginal"), json!(true), es, en));
        }
        let reached = format!("{pays}/fixed/on/reaching-rank");
        if lacks(&reached, "only_reached") {
            let (es, en) = (
                "El plan no dice si quien pasa dos rangos a la vez cobra los dos; los cobra.",
                "The plan does not say whether who passes two ranks at once is paid both; both are paid.",
            );
            found.push(note(format!("{reached}/only_reached"), json!(true), es, en));
        }
        for mechanic in ["unilevel", "generation", "matching"] {
            let object = format!("{pays}/{mechanic}");
            let rolls =
                json.pointer(&object).and_then(|one| one.get("compression")) == Some(&json!("roll-up"));
            if rolls && lacks(&object, "roll_up_rate") {
                let (es, en) = (
                    "El plan no dice a qué tasa se paga lo que sube; a la de quien lo perdió.",
                    "The plan does not say at whose rate a share that passes up is paid; at that of who lost it.",
                );
                found.push(note(format!("{object}/roll_up_rate"), json!("receiver"), es, en));
            }
        }
        let generation = format!("{pays}/generation");
        let per_member = json.pointer(&generation).and_then(|one| one.get("per")) == Some(&json!("member"));
        if per_member && lacks(&generation, "counts") {
            found.push(generations(format!("{generation}/counts")));
        }
    }
    for place in 0..plan.document().indicators.len() {
        let object = format!("/indicators/{place}/scope/generation");
        if lacks(&object, "counts") {
            found.push(generations(format!("{object}/counts")));
        }
    }
    found.extend(values(plan));
    found
}

fn generations(pointer: String) -> Open {
    Open {
        pointer,
        to: json!("own-group"),
        bonus: None,
        severity: Severity::Note,
        es: "El plan no dice si la generación 1 es el grupo propio o el del primer líder debajo; es el del líder.",
        en: "The plan does not say whether generation 1 is one's own group or that of the first leader below; it is the leader's.",
    }
}

/// Formulas in points that are paid on, where the points of the two volumes are not worth the same.
fn values(plan: &Plan) -> Option<Open> {
    let volumes = &plan.document().volumes;
    let is_formula = |index: usize| {
        plan.indicators()
            .get(index)
            .is_some_and(|planned| planned.formula.is_some() && planned.definition.unit == Unit::Points)
    };
    let paid_on = |bonus: &plan::PlannedBonus| {
        let roles = [plan::Role::Of, plan::Role::On];
        roles.into_iter().filter_map(|role| bonus.indicator(role)).any(is_formula)
    };
    if volumes.vq_value == volumes.vc_value {
        return None;
    }
    let bonus = plan.bonuses().iter().find(|bonus| paid_on(bonus))?;
    Some(Open {
        pointer: "/volumes/vc_value".to_owned(),
        to: json!(volumes.vq_value.to_string()),
        // The value of VC changes what others pay too, which has nothing to do with formulas.
        bonus: Some(bonus.definition.code.clone()),
        severity: Severity::Warning,
        es: "Se paga sobre una fórmula en puntos, y los puntos de VQ y de VC no valen lo mismo; se toman por VC.",
        en: "A formula in points is paid on, and points of VQ and of VC are not worth the same; they are taken to be VC.",
    })
}
