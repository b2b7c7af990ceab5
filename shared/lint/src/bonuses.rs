//! Bonuses that are never paid, and choices that are always made the same way.

use plan::{
    Plan, PlannedBonus, Role,
    bonus::{Mechanic, Percentage, Rate},
    document::Alternative,
};
use rules::Condition;
use rust_decimal::Decimal;

use crate::{
    Code, Example, Finding, Run, Severity, Shows,
    finding::{is_awarded, not_chosen, paid_of},
    network::{Network, chain},
    reason::Reasoner,
    search::{Constants, Laboratory, Seen},
    text,
};

/// Networks that are tried to make an example smaller.
const SHRINKING: usize = 60;

pub(crate) fn check(
    laboratory: &mut Laboratory<'_>,
    reasoner: &Reasoner<'_>,
    constants: &Constants,
    seen: &[Seen],
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (place, bonus) in laboratory.plan.bonuses().iter().enumerate() {
        found.extend(never_paid(laboratory, reasoner, constants, seen, place, bonus));
    }
    let alternatives = laboratory.plan.document().alternatives.clone();
    for (place, alternative) in alternatives.iter().enumerate() {
        for (position, code) in alternative.bonuses.iter().enumerate() {
            let pointer = format!("/alternatives/{place}/bonuses/{position}");
            found.extend(never_chosen(laboratory, reasoner, seen, alternative, code, pointer));
        }
    }
    found
}

fn is_paid(result: &simulation::Simulated, code: &str) -> bool {
    !paid_of(result, code).is_zero() || is_awarded(result, code)
}

fn never_paid(
    laboratory: &mut Laboratory<'_>,
    reasoner: &Reasoner<'_>,
    constants: &Constants,
    seen: &[Seen],
    place: usize,
    bonus: &PlannedBonus,
) -> Option<Finding> {
    let code = &bonus.definition.code;
    let asked = bonus.when.condition();
    let possible = reasoner.can_hold(&asked);
    let is_in_alternative =
        laboratory.plan.document().alternatives.iter().any(|one| one.bonuses.contains(code));
    if possible && (is_in_alternative || seen.iter().any(|one| is_paid(&one.result, code))) {
        return None;
    }
    let network = Network::of(&chain(3), constants.plenty());
    // What is proved is found also where no network is left to try, or this one cannot be computed.
    let unpaid = laboratory.under(laboratory.plan, &network).filter(|result| !is_paid(result, code));
    let example = unpaid.map(|_| Example {
        people: network.people_csv(),
        runs: vec![Run::plain(&network)],
        shows: Shows::NobodyIsPaid { bonus: code.clone() },
    });
    if possible {
        let tried = seen.len();
        return Some(Finding {
            code: Code::BonusNotPaid,
            severity: Severity::Note,
            pointer: format!("/bonuses/{place}"),
            message: text(
                format!(
                    "Ninguna de {tried} redes probadas paga el bono {code}; no está demostrado que no se pague nunca."
                ),
                format!(
                    "None of {tried} networks tried pays the bonus {code}; that it is never paid is not proved."
                ),
            ),
            example,
        });
    }
    // A condition that says `false` is a bonus that is switched off.
    let is_off = asked == Condition::Constant(false);
    let together = Condition::All(reasoner.core(&[asked])).to_string();
    Some(Finding {
        code: Code::BonusNeverPaid,
        severity: if is_off { Severity::Note } else { Severity::Error },
        pointer: format!("/bonuses/{place}/when"),
        message: text(
            format!("El bono {code} no se paga nunca: no puede cumplirse {together}."),
            format!("The bonus {code} is never paid: {together} cannot hold."),
        ),
        example,
    })
}

fn never_chosen(
    laboratory: &mut Laboratory<'_>,
    reasoner: &Reasoner<'_>,
    seen: &[Seen],
    alternative: &Alternative,
    code: &str,
    pointer: String,
) -> Option<Finding> {
    let plan = laboratory.plan;
    if seen.iter().any(|one| is_paid(&one.result, code)) {
        return None;
    }
    let loses = |result: &simulation::Simulated| {
        paid_of(result, code).is_zero() && not_chosen(result, plan, code).is_some_and(|lost| !lost.is_zero())
    };
    let one = seen.iter().find(|one| loses(&one.result))?;
    let (network, _) = laboratory.shrink(&one.network, &[], SHRINKING, &mut |laboratory, network, _| {
        laboratory.run(network).is_some_and(|result| loses(&result))
    });
    let offered = not_chosen(&laboratory.under(plan, &network)?, plan, code)?;
    let winner = winner(plan, reasoner, alternative, code);
    let tried = seen.len();
    let message = match &winner {
        Some(winner) => text(
            format!(
                "El bono {code} no se elige nunca: viene después de {winner}, y de lo que no se devuelve {winner} siempre paga lo mismo o más."
            ),
            format!(
                "The bonus {code} is never chosen: it comes after {winner}, and of what is not taken back {winner} always pays as much or more."
            ),
        ),
        None => text(
            format!(
                "En ninguna de {tried} redes probadas se elige el bono {code}; no está demostrado que no se elija nunca."
            ),
            format!(
                "In none of {tried} networks tried is the bonus {code} chosen; that it never is, is not proved."
            ),
        ),
    };
    Some(Finding {
        code: Code::AlternativeNeverChosen,
        severity: if winner.is_some() { Severity::Warning } else { Severity::Note },
        pointer,
        message,
        example: Some(Example {
            people: network.people_csv(),
            runs: vec![Run::plain(&network)],
            shows: Shows::NotChosen { bonus: code.to_owned(), offered },
        }),
    })
}

/// Another bonus of the alternative that is proved to be taken whenever this one would be, of volume that is not negative. It comes
/// before: sums are compared as they are rounded, so that a higher rate alone may end in a tie, which goes to the first.
fn winner(plan: &Plan, reasoner: &Reasoner<'_>, alternative: &Alternative, code: &str) -> Option<String> {
    let named = |code: &str| plan.bonuses().iter().find(|bonus| bonus.definition.code == code);
    let own_place = alternative.bonuses.iter().position(|known| known == code)?;
    let loser = named(code)?;
    let beats = |other: &String| {
        let other = named(other)?;
        let alone = Condition::All(vec![loser.when.condition(), other.when.condition().negated()]);
        (!reasoner.can_hold(&alone) && pays_as_much(other, loser)).then(|| other.definition.code.clone())
    };
    alternative.bonuses.iter().take(own_place).find_map(beats)
}

/// Whether one percentage never pays less than another on the same indicator, as long as that is not negative.
fn pays_as_much(one: &PlannedBonus, other: &PlannedBonus) -> bool {
    let (Mechanic::Percentage(a), Mechanic::Percentage(b)) = (&one.definition.pays, &other.definition.pays)
    else {
        return false;
    };
    let untouched = [one, other].iter().all(|bonus| {
        let definition = &bonus.definition;
        definition.cap_per_person.is_none() && definition.hold.is_none() && definition.award.is_money()
    });
    let same_base = one.indicator(Role::Of) == other.indicator(Role::Of)
        && one.definition.processes == other.definition.processes
        && a.true_up.is_none()
        && b.true_up.is_none();
    let (Some(a), Some(b)) = (steps(one, a), steps(other, b)) else { return false };
    let same_over = match (a.0, b.0) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    let mut points: Vec<Decimal> = a.1.iter().chain(&b.1).map(|(from, _)| *from).collect();
    points.push(Decimal::MIN);
    let as_much = |at: &Decimal| rate_at(&b.1, *at) <= rate_at(&a.1, *at);
    untouched && same_base && same_over && points.iter().all(as_much)
}

/// The indicator that is compared, if one is, and from which value on which rate is paid.
type Steps = (Option<usize>, Vec<(Decimal, Decimal)>);

fn steps(bonus: &PlannedBonus, percentage: &Percentage) -> Option<Steps> {
    match &percentage.rate {
        Rate::Fixed(rate) => Some((None, vec![(Decimal::MIN, *rate)])),
        Rate::Brackets(brackets) if !brackets.marginal => {
            let steps = brackets.steps.iter().map(|step| (step.from, step.rate)).collect();
            Some((bonus.indicator(Role::Over), steps))
        }
        _ => None,
    }
}

fn rate_at(steps: &[(Decimal, Decimal)], at: Decimal) -> Decimal {
    steps.iter().rev().find(|(from, _)| *from <= at).map_or(Decimal::ZERO, |(_, rate)| *rate)
}
