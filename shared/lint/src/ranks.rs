//! Ranks that nobody can reach, that no network reached, and that nobody ever has.

use plan::{
    Plan,
    rank::{Fall, Promotion},
};
use rules::Condition;

use crate::{
    Code, Example, Finding, Run, Severity, Shows,
    network::person_id,
    reason::Reasoner,
    search::{Laboratory, Seen},
    text,
};

/// The most people of a network that shows a rank out of reach.
const MOST_SHOWN: usize = 13;

pub(crate) fn check(
    laboratory: &mut Laboratory<'_>,
    reasoner: &mut Reasoner<'_>,
    seen: &[Seen],
) -> Vec<Finding> {
    let plan = laboratory.plan;
    let earnable = reasoner.earnable();
    let mut found = Vec::new();
    for (place, possible) in earnable.iter().enumerate() {
        if !possible {
            found.push(unreachable(plan, reasoner, seen, place, &earnable));
        } else if !seen.iter().any(|one| is_reached(one, place)) {
            found.push(not_reached(plan, seen, place));
        } else if let Some(finding) = never_held(laboratory, reasoner, seen, place) {
            found.push(finding);
        }
    }
    found
}

fn pointer(place: usize) -> String {
    format!("/ranks/steps/{place}/rule")
}

fn code(plan: &Plan, place: usize) -> &str {
    plan.document().ranks.steps.get(place).map_or("", |rank| &rank.code)
}

fn is_reached(seen: &Seen, place: usize) -> bool {
    // Whoever earns a higher rank at once does not show that this one cannot be earned.
    seen.result.ranks.earned.iter().any(|earned| place < usize::from(*earned))
}

/// The network in which most is earned, out of the small ones; of equal ones the first.
fn best(seen: &[Seen], mut fits: impl FnMut(&Seen) -> bool) -> Option<&Seen> {
    let earned = |one: &&Seen| one.result.ranks.earned.iter().map(|rank| u32::from(*rank)).sum::<u32>();
    let small = seen.iter().rev().filter(|one| one.network.members.len() <= MOST_SHOWN);
    small.filter(|one| fits(one)).max_by_key(earned)
}

fn nobody_earns(plan: &Plan, seen: &[Seen], place: usize) -> Option<Example> {
    let position = u8::try_from(place + 1).ok()?;
    let one = best(seen, |one| one.result.ranks.earned.iter().all(|earned| *earned < position))?;
    Some(Example {
        people: one.network.people_csv(),
        runs: vec![Run::plain(&one.network)],
        shows: Shows::NobodyEarns { rank: code(plan, place).to_owned() },
    })
}

fn unreachable(
    plan: &Plan,
    reasoner: &Reasoner<'_>,
    seen: &[Seen],
    place: usize,
    earnable: &[bool],
) -> Finding {
    let rank = code(plan, place);
    let sequential = plan.document().ranks.promotion == Promotion::Sequential;
    let below = (0..place).find(|below| sequential && !earnable[*below]);
    // A rule that says `false` is meant so.
    let rule = plan.rank_rules().get(below.unwrap_or(place));
    let by_hand = rule.is_some_and(|rule| rule.condition() == Condition::Constant(false));
    let message = match below {
        Some(below) => {
            let below = code(plan, below);
            text(
                format!(
                    "El rango {rank} no se alcanza nunca: pide también {below}, que no se alcanza nunca."
                ),
                format!(
                    "The rank {rank} can never be reached: it needs {below} too, which can never be reached."
                ),
            )
        }
        None if by_hand => text(
            format!("El rango {rank} solo se pone a mano: su regla no se cumple nunca."),
            format!("The rank {rank} is only set by hand: its rule never holds."),
        ),
        None => {
            let core = reasoner.core(&reasoner.of_rank(place));
            let together = core.iter().map(in_brackets).collect::<Vec<_>>().join(" && ");
            text(
                format!("El rango {rank} no se alcanza nunca: no puede cumplirse {together}."),
                format!("The rank {rank} can never be reached: {together} cannot hold."),
            )
        }
    };
    Finding {
        code: Code::RankUnreachable,
        severity: if by_hand { Severity::Note } else { Severity::Error },
        pointer: pointer(place),
        message,
        example: nobody_earns(plan, seen, place),
    }
}

fn in_brackets(condition: &Condition) -> String {
    match condition {
        Condition::Any(parts) if 1 < parts.len() => format!("({condition})"),
        _ => condition.to_string(),
    }
}

fn not_reached(plan: &Plan, seen: &[Seen], place: usize) -> Finding {
    let (rank, tried) = (code(plan, place), seen.len());
    Finding {
        code: Code::RankNotReached,
        severity: Severity::Note,
        pointer: pointer(place),
        message: text(
            format!(
                "Ninguna de {tried} redes probadas alcanza el rango {rank}; no está demostrado que sea imposible."
            ),
            format!(
                "None of {tried} networks tried reaches the rank {rank}; that it is impossible is not proved."
            ),
        ),
        example: nobody_earns(plan, seen, place),
    }
}

/// A rank whose rule leaves nobody that a higher rule does not take.
fn never_held(
    laboratory: &mut Laboratory<'_>,
    reasoner: &Reasoner<'_>,
    seen: &[Seen],
    place: usize,
) -> Option<Finding> {
    let plan = laboratory.plan;
    let rules = plan.rank_rules();
    let ranks = &plan.document().ranks;
    // Who climbs or falls step by step has ranks that nobody earns.
    let by_steps = ranks.max_steps_per_cycle.is_some() || ranks.grace.then == Fall::OneStep;
    if by_steps || rules.len() <= place + 1 {
        return None;
    }
    let above = match ranks.promotion {
        Promotion::Sequential => place + 1..place + 2,
        Promotion::Highest => place + 1..rules.len(),
    };
    let mut exactly = reasoner.of_rank(place);
    exactly.extend(rules.get(above)?.iter().map(|rule| rule.condition().negated()));
    if reasoner.can_hold(&Condition::All(exactly)) {
        return None;
    }
    let position = u8::try_from(place + 1).ok()?;
    let passed = |earned: &[u8]| {
        let nobody = !earned.contains(&position);
        earned.iter().position(|earned| nobody && position < *earned)
    };
    let (one, row) = seen.iter().find_map(|one| Some((one, passed(&one.result.ranks.earned)?)))?;
    let kept = (0..one.network.members.len())
        .find(|member| one.result.snapshot.people.row(&person_id(*member)) == u32::try_from(row).ok())?;
    let (network, kept) = laboratory.shrink(&one.network, &[kept], 60, &mut |laboratory, network, kept| {
        let row = |result: &simulation::Simulated| {
            let row = result.snapshot.people.row(&person_id(*kept.first()?))? as usize;
            let earned = &result.ranks.earned;
            Some(!earned.contains(&position) && position < *earned.get(row)?)
        };
        laboratory.run(network).and_then(|result| row(&result)).unwrap_or(false)
    });
    let result = laboratory.under(plan, &network)?;
    let person = person_id(*kept.first()?);
    let earned = *result.ranks.earned.get(result.snapshot.people.row(&person)? as usize)?;
    let (rank, higher) = (code(plan, place).to_owned(), plan.rank_code(earned).to_owned());
    Some(Finding {
        code: Code::RankNeverHeld,
        severity: Severity::Warning,
        pointer: pointer(place),
        message: text(
            format!(
                "Nadie tiene nunca el rango {rank}: quien lo cumple cumple también uno superior. Aquí {person} llega a {higher}."
            ),
            format!(
                "Nobody ever has the rank {rank}: whoever meets it meets a higher one too. Here {person} reaches {higher}."
            ),
        ),
        example: Some(Example {
            people: network.people_csv(),
            runs: vec![Run::plain(&network)],
            shows: Shows::PassedOver { person, rank, earned: higher },
        }),
    })
}
