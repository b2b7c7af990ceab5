//! Why a line of a bonus on totals is what it is.

use foundation::locale::Locale;
use plan::{
    PlannedBonus,
    bonus::{Binary, BinaryCycles, BinaryPay, CycleSides, FixedAmount, Fund, FundShare, Mechanic, Occasion},
};
use rust_decimal::Decimal;

use super::{Reason, StoredRun, percent};
use crate::{payouts::PayoutLine, ranks::rank_label};

/// Whether a line pays an amount for each of what it is paid on.
pub(super) fn rate_is_money(bonus: &PlannedBonus) -> bool {
    matches!(&bonus.definition.pays, Mechanic::Binary(Binary { pays: BinaryPay::Cycles(_), .. }))
}

/// A number of times an amount.
pub(super) fn number_and_amount(line: &PayoutLine) -> Reason {
    let (base, rate) = (line.base().normalize(), line.rate().normalize());
    let (exact, amount, currency) = (line.exact_amount().normalize(), line.amount(), line.currency);
    Reason::new(
        "rate",
        format!("{base} × {rate} = {exact} {currency}, redondeado a {amount}"),
        format!("{base} × {rate} = {exact} {currency}, rounded to {amount}"),
    )
}

impl StoredRun<'_> {
    /// What is paid on, for bonuses that are not paid on an indicator of the source; nothing for the others.
    pub(super) fn total_reasons(&self, bonus: &PlannedBonus, line: &PayoutLine) -> Vec<Reason> {
        let base = line.base().normalize();
        let currency = self.snapshot.rates.base;
        match &bonus.definition.pays {
            Mechanic::Matching(matching) => {
                let source = self.id(line.source);
                let names = |locale| {
                    let name = |code: &String| {
                        let bonus = self.plan.bonuses().iter().find(|one| one.definition.code == *code);
                        bonus
                            .map_or(code.as_str(), |bonus| bonus.definition.name.in_locale(locale))
                            .to_owned()
                    };
                    matching.of.iter().map(name).collect::<Vec<_>>().join(", ")
                };
                vec![Reason::new(
                    "base",
                    format!("{source} ganó {base} {currency} en {}", names(Locale::Es)),
                    format!("{source} earned {base} {currency} in {}", names(Locale::En)),
                )]
            }
            Mechanic::Pool(pool) => {
                let of = match &pool.fund {
                    Fund::Amount(_) => None,
                    Fund::Share(FundShare { of, rate }) => {
                        self.explain_indicator(of, line.earner).ok().map(|of| (of, *rate))
                    }
                };
                let fund = Reason::new(
                    "base",
                    format!("Se reparten {base} {currency}"),
                    format!("{base} {currency} are shared out"),
                );
                let fund = match of {
                    Some((of, rate)) => {
                        let part = percent(rate);
                        let share =
                            Reason::new("rate", format!("El fondo es {part}"), format!("The fund is {part}"));
                        fund.with([share, of])
                    }
                    None => fund,
                };
                let share = percent(line.rate());
                let text = (format!("Su parte es {share}"), format!("The part is {share}"));
                let part = Reason::new("rate", text.0, text.1);
                let part = match &pool.shares {
                    Some(rule) if pool.positions.is_empty() => part.with([Reason::new(
                        "formula",
                        format!("Partes: {rule}"),
                        format!("Shares: {rule}"),
                    )]),
                    Some(rule) => part.with([Reason::new(
                        "formula",
                        format!("Por posición según {rule}"),
                        format!("By position in {rule}"),
                    )]),
                    None => part,
                };
                vec![fund, part]
            }
            Mechanic::Fixed(fixed) => {
                let FixedAmount::ByRank(rows) = &fixed.amount else { return vec![amount_reason(base)] };
                let reached = |row: &&plan::bonus::AmountOfRank| row.amount == line.base();
                let Some(row) = rows.iter().find(reached) else { return vec![amount_reason(base)] };
                let rank = self.plan.rank_position(&row.rank).unwrap_or(0);
                let (es, en) = match fixed.on {
                    Occasion::Condition => ("Monto del rango pago", "Amount of the paid rank"),
                    Occasion::ReachingRank { .. } => {
                        ("Alcanzó por primera vez", "Reached for the first time")
                    }
                };
                let label = |locale| rank_label(self.plan, rank, locale);
                vec![Reason::new(
                    "base",
                    format!("{es}: {} ({base})", label(Locale::Es)),
                    format!("{en}: {} ({base})", label(Locale::En)),
                )]
            }
            Mechanic::Binary(binary) => vec![match &binary.pays {
                BinaryPay::Percentage(_) => Reason::new(
                    "base",
                    format!("Las dos piernas se emparejan en {base}"),
                    format!("{base} is matched on both legs"),
                ),
                BinaryPay::Cycles(BinaryCycles { strong, weak, sides: CycleSides::Either, .. }) => {
                    Reason::new(
                        "base",
                        format!("{base} ciclo(s) de {strong} en una de las dos piernas y {weak} en la otra"),
                        format!(
                            "{base} cycle(s) of {strong} on either of the two legs and {weak} on the other"
                        ),
                    )
                }
                BinaryPay::Cycles(BinaryCycles { strong, weak, .. }) => Reason::new(
                    "base",
                    format!("{base} ciclo(s) de {strong} en la pierna fuerte y {weak} en la débil"),
                    format!("{base} cycle(s) of {strong} on the stronger leg and {weak} on the weaker one"),
                ),
            }],
            Mechanic::RetailProfit(_) => vec![Reason::new(
                "base",
                format!("El cliente pagó {base} {currency} más que el precio de consultor"),
                format!("The customer paid {base} {currency} more than the consultant's price"),
            )],
            _ => Vec::new(),
        }
    }
}

fn amount_reason(amount: Decimal) -> Reason {
    Reason::new("base", format!("Monto fijo: {amount}"), format!("Fixed amount: {amount}"))
}
