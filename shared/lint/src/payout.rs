//! Plans that pay more than the volume is worth, or than they state.

use plan::Plan;
use rust_decimal::Decimal;
use simulation::Simulated;

use crate::{
    Code, Example, Finding, Run, Severity, Shows,
    finding::{is_decided_by_rounding, paid_of, paid_over, rounded, taken_by_cap},
    network::{Network, Profile, chain, regular},
    search::{Constants, Laboratory, Seen},
    text,
};

/// Networks that are tried to make an example smaller.
const SHRINKING: usize = 120;
/// How many times the volume of an example is taken, to see whether it is the rates or fixed amounts that pay too much.
const SCALE: i64 = 10_000;

pub(crate) fn check(laboratory: &mut Laboratory<'_>, constants: &Constants, seen: &[Seen]) -> Vec<Finding> {
    let stated = laboratory.plan.document().checks.payout_share;
    let mut found = Vec::new();
    found.extend(over(laboratory, constants, seen, Decimal::ONE, false));
    if let Some(share) = stated {
        found.extend(over(laboratory, constants, seen, share, true));
    }
    found.extend(capped(laboratory, seen));
    found.extend(rounding(laboratory, seen));
    found
}

fn over(
    laboratory: &mut Laboratory<'_>,
    constants: &Constants,
    seen: &[Seen],
    share: Decimal,
    stated: bool,
) -> Option<Finding> {
    let plan = laboratory.plan;
    let is_over = |result: &Simulated| paid_over(result, plan, share, stated).is_some();
    let earned = seen.iter().find(|one| is_over(&one.result));
    let by_hand = earned.is_none();
    let network = match earned {
        Some(one) => one.network.clone(),
        None => ranked_by_hand(laboratory, constants, share, stated)?,
    };
    let (network, _) = laboratory.shrink(&network, &[], SHRINKING, &mut |laboratory, network, _| {
        laboratory.run(network).is_some_and(|result| is_over(&result))
    });
    let result = laboratory.under(plan, &network)?;
    let large = network.scaled(Decimal::from(SCALE)).and_then(|large| laboratory.under(plan, &large));
    let at_any_size = large.is_some_and(|large| is_over(&large));
    let (paid, volume) = paid_over(&result, plan, share, stated)?;
    let percent = (share * Decimal::ONE_HUNDRED).normalize();
    let why = match (by_hand, at_any_size) {
        (true, _) => {
            text(" Los rangos están puestos a mano.".to_owned(), " The ranks are set by hand.".to_owned())
        }
        (_, true) => text(
            " También con diez mil veces ese volumen.".to_owned(),
            " With ten thousand times that volume, too.".to_owned(),
        ),
        _ => text(" Con mucho más volumen, no.".to_owned(), " With much more volume, it is not.".to_owned()),
    };
    let severity = match (stated, by_hand, at_any_size) {
        (_, true, _) => Severity::Note,
        (false, false, true) => Severity::Error,
        _ => Severity::Warning,
    };
    Some(Finding {
        code: if stated { Code::PayoutOverStated } else { Code::PayoutOverVolume },
        severity,
        pointer: costliest(plan, &result),
        message: text(
            format!(
                "Se pagan {paid} sobre un volumen comisionable de {volume}, más del {percent} %.{}",
                why.es
            ),
            format!(
                "{paid} is paid on a commissionable volume of {volume}, more than {percent} %.{}",
                why.en
            ),
        ),
        example: Some(Example {
            people: network.people_csv(),
            runs: vec![Run::plain(&network)],
            shows: Shows::PaidOver { paid, volume, share, with_retail: stated },
        }),
    })
}

/// A network in which everyone has the highest rank by hand, where that pays too much.
fn ranked_by_hand(
    laboratory: &mut Laboratory<'_>,
    constants: &Constants,
    share: Decimal,
    stated: bool,
) -> Option<Network> {
    let plan = laboratory.plan;
    let top = plan.document().ranks.steps.last()?.code.clone();
    [chain(4), chain(10), regular(3, 2)].into_iter().find_map(|parents| {
        let mut network = Network::of(&parents, constants.plenty());
        for member in &mut network.members {
            member.by_hand = Some(top.clone());
        }
        let result = laboratory.run(&network)?;
        paid_over(&result, plan, share, stated).map(|_| network)
    })
}

/// The bonus that pays most.
fn costliest(plan: &Plan, result: &Simulated) -> String {
    let codes = plan.bonuses().iter().map(|bonus| &bonus.definition.code).enumerate();
    let most = codes.rev().max_by_key(|(_, code)| paid_of(result, code));
    most.map_or("/bonuses".to_owned(), |(place, _)| format!("/bonuses/{place}/pays"))
}

/// The most people, and how many networks, a currency is tried with.
const ROUNDED: (usize, usize) = (9, 40);

/// Currencies whose unit is so large, or lines so small, that rounding decides what is paid.
fn rounding(laboratory: &mut Laboratory<'_>, seen: &[Seen]) -> Vec<Finding> {
    let plan = laboratory.plan;
    let currencies = &plan.document().currencies;
    let earners = currencies.earners.iter().enumerate();
    let others =
        earners.map(|(place, one)| (format!("/currencies/earners/{place}"), one.currency.to_string()));
    let (people, networks) = ROUNDED;
    let paying = seen.iter().filter(|one| !one.result.payouts.lines.is_empty());
    let small: Vec<&Seen> = paying.filter(|one| one.network.members.len() <= people).collect();
    let step = (small.len() / networks).max(1);
    let mut found = Vec::new();
    for (pointer, currency) in std::iter::once(("/currencies/base".to_owned(), String::new())).chain(others) {
        let decided = |laboratory: &mut Laboratory<'_>, network: &Network| {
            laboratory
                .run(network)
                .map(|result| rounded(&result))
                .filter(|(a, b)| is_decided_by_rounding(*a, *b))
        };
        let of = |one: &&Seen| {
            let profile = Profile { currency: currency.clone(), ..one.network.profile.clone() };
            one.network.clone().with_profile(&profile)
        };
        let mut networks = small.iter().step_by(step).map(of);
        let Some(network) = networks.find(|network| decided(laboratory, network).is_some()) else { continue };
        let (network, _) = laboratory.shrink(&network, &[], SHRINKING, &mut |laboratory, network, _| {
            network.profile.currency == currency && decided(laboratory, network).is_some()
        });
        let Some(result) = laboratory.under(plan, &network) else { continue };
        let (exact, amount) = rounded(&result);
        let name = if currency.is_empty() { currencies.base.to_string() } else { currency };
        found.push(Finding {
            code: Code::RoundingDecides,
            severity: Severity::Warning,
            pointer,
            message: text(
                format!("En {name} el redondeo decide lo que se paga: {amount} en lugar de {exact}."),
                format!("In {name} rounding decides what is paid: {amount} instead of {exact}."),
            ),
            example: Some(Example {
                people: network.people_csv(),
                runs: vec![Run::plain(&network)],
                shows: Shows::Rounded { exact, amount },
            }),
        });
    }
    found
}

fn capped(laboratory: &mut Laboratory<'_>, seen: &[Seen]) -> Option<Finding> {
    let plan = laboratory.plan;
    let share = plan.document().payout_cap.as_ref()?.share_of_vc;
    let one = seen.iter().find(|one| Decimal::ZERO < taken_by_cap(&one.result))?;
    let (network, _) = laboratory.shrink(&one.network, &[], SHRINKING, &mut |laboratory, network, _| {
        laboratory.run(network).is_some_and(|result| Decimal::ZERO < taken_by_cap(&result))
    });
    let taken = taken_by_cap(&laboratory.under(plan, &network)?);
    let percent = (share * Decimal::ONE_HUNDRED).normalize();
    Some(Finding {
        code: Code::PayoutCapReduces,
        severity: Severity::Note,
        pointer: "/payout_cap/share_of_vc".to_owned(),
        message: text(
            format!(
                "Los bonos ofrecen más que el tope del {percent} %: aquí se quitan {taken} a todos en proporción."
            ),
            format!(
                "The bonuses offer more than the cap of {percent} %: here {taken} is taken from everyone in proportion."
            ),
        ),
        example: Some(Example {
            people: network.people_csv(),
            runs: vec![Run::plain(&network)],
            shows: Shows::Capped { taken },
        }),
    })
}
