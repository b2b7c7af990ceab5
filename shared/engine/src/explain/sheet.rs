//! Conservation sheets: what became of everything a bonus offers on an order, to the last digit.

use foundation::{locale::Text, money::Currency};
use plan::{AMOUNT_SCALE, PlannedBonus, Role};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Reason, StoredRun, percent};
use crate::{
    amount::{EXACT_SCALE, RATE_SCALE, from_exact},
    bonuses::{OrderShares, Outcome, Share, brings, shares_of_order},
    columns::NONE,
    failure::EngineError,
    indicators::Calculation,
    payouts::PayoutLine,
};

/// What became of an order, for every bonus that is paid on orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSheet {
    /// Id of the order.
    pub order: String,
    /// Id of who bought.
    pub person: String,
    /// In the order of the plan.
    pub bonuses: Vec<BonusSheet>,
    /// Codes of bonuses that are paid on something else than single orders; no part of them belongs to one order.
    pub not_on_orders: Vec<String>,
}

/// What a bonus offers on an order, and what became of it: `offered = paid + passed_up + unqualified + forfeited + unclaimed +
/// remainder`. All of them are volume × rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BonusSheet {
    /// Code of the bonus.
    pub bonus: String,
    /// Its name.
    pub name: Text,
    /// What the order brings to it; of a return it is less than 0.
    pub volume: Decimal,
    /// The volume times the rates of all shares.
    pub offered: Decimal,
    /// Paid to who stands at the level.
    pub paid: Decimal,
    /// Paid to somebody further up.
    pub passed_up: Decimal,
    /// Not paid, because who stands at the level is not qualified.
    pub unqualified: Decimal,
    /// Not paid, because `when` does not hold for who would be paid, or their rank does not reach the level.
    pub forfeited: Decimal,
    /// Not paid, because it belongs to nobody.
    pub unclaimed: Decimal,
    /// What is left; 0.
    pub remainder: Decimal,
    /// Every share, from the order upwards.
    pub shares: Vec<SheetShare>,
}

/// A share of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetShare {
    /// The level or generation it is paid as; 0 where they play no part.
    pub level: u16,
    /// Id of the person it belongs to; none: nobody.
    pub holder: Option<String>,
    /// Id of who is paid, or would be if nothing was in the way.
    pub earner: Option<String>,
    /// The rate.
    pub rate: Decimal,
    /// The volume times the rate.
    pub share: Decimal,
    /// What became of it.
    pub outcome: Outcome,
    /// What it is in money, before rounding and caps, where it is paid.
    pub exact: Option<Decimal>,
    /// The currency of `exact`.
    pub currency: Option<Currency>,
    /// Why, with the conditions that are missing.
    pub why: Reason,
}

/// Decimals of volume × rate.
const SHARE_SCALE: u32 = AMOUNT_SCALE + RATE_SCALE;

/// A sum of volume × rate as a decimal (to 28 digits).
pub(super) fn share_of(volume: i128) -> Decimal {
    match volume.checked_mul(10_i128.pow(EXACT_SCALE - SHARE_SCALE)) {
        Some(exact) => from_exact(exact),
        None => Decimal::try_from_i128_with_scale(volume, SHARE_SCALE).unwrap_or_default(),
    }
}

impl StoredRun<'_> {
    /// What became of an order, by row of the snapshot's orders: every bonus that is paid on orders is computed for this order alone,
    /// by the code that made the payout lines.
    ///
    /// # Errors
    ///
    /// As for the run itself.
    pub fn order_sheet(&self, order: u32) -> Result<OrderSheet, EngineError> {
        let run = self.calculation()?;
        let found = shares_of_order(&run, self.plan, self.snapshot, order)?;
        let bonuses = self.plan.bonuses();
        let has_sheet = |number: usize| found.iter().any(|one| one.number == number);
        let others = (0..bonuses.len()).filter(|number| !has_sheet(*number));
        let not_on_orders = others.map(|number| bonuses[number].definition.code.clone()).collect();
        let sheets = found.iter().map(|one| self.bonus_sheet(&run, one, order as usize));
        let buyer = self.snapshot.orders.person.get(order as usize).copied().unwrap_or(NONE);
        Ok(OrderSheet {
            order: self.snapshot.orders.ids.get(order as usize).to_owned(),
            person: self.id(buyer).to_owned(),
            bonuses: sheets.collect::<Result<_, _>>()?,
            not_on_orders,
        })
    }

    fn bonus_sheet(
        &self,
        run: &Calculation<'_>,
        found: &OrderShares,
        order: usize,
    ) -> Result<BonusSheet, EngineError> {
        let bonus = &self.plan.bonuses()[found.number];
        let account = found.account;
        let became =
            account.paid + account.rolled_up + account.unqualified + account.forfeited + account.unclaimed;
        let shares = found.shares.iter().filter(|share| share.base != 0 && share.rate != 0);
        Ok(BonusSheet {
            bonus: bonus.definition.code.clone(),
            name: bonus.definition.name.clone(),
            volume: Decimal::new(brings(self.snapshot, found.measure, order)?, AMOUNT_SCALE).normalize(),
            offered: share_of(account.offered),
            paid: share_of(account.paid),
            passed_up: share_of(account.rolled_up),
            unqualified: share_of(account.unqualified),
            forfeited: share_of(account.forfeited),
            unclaimed: share_of(account.unclaimed),
            remainder: share_of(account.offered - became),
            shares: shares.map(|share| self.sheet_share(run, bonus, share, &found.lines)).collect(),
        })
    }

    fn sheet_share(
        &self,
        run: &Calculation<'_>,
        bonus: &PlannedBonus,
        share: &Share,
        lines: &[PayoutLine],
    ) -> SheetShare {
        let known = |row: u32| (row != NONE).then(|| self.id(row).to_owned());
        let is_paid = matches!(share.outcome, Outcome::Paid | Outcome::PassedUp);
        let of_share = |line: &&PayoutLine| line.earner == share.earner && line.level_paid == share.level;
        let line = lines.iter().find(of_share).filter(|_| is_paid);
        SheetShare {
            level: share.level,
            holder: known(share.holder),
            earner: known(share.earner),
            rate: Decimal::new(share.rate, RATE_SCALE).normalize(),
            share: share_of(i128::from(share.base) * i128::from(share.rate)),
            outcome: share.outcome,
            exact: line.map(PayoutLine::exact_amount),
            currency: line.map(|line| line.currency),
            why: self.why(run, bonus, share),
        }
    }

    /// Why a share became what it did.
    pub(super) fn why(&self, run: &Calculation<'_>, bonus: &PlannedBonus, share: &Share) -> Reason {
        let (holder, earner) = (self.id(share.holder), self.id(share.earner));
        let unqualified = || {
            let rule = bonus.rule(Role::Qualified)?;
            let explanation = rule.explain(&run.view().person(share.holder as usize));
            let mut reason =
                self.rule("rule", "Condición para ocupar nivel", "Condition to take a level", &explanation);
            reason.parts.retain(|part| part.held != Some(true));
            Some(reason)
        };
        match share.outcome {
            Outcome::Paid => {
                Reason::new("paid", format!("se paga a {earner}"), format!("is paid to {earner}"))
            }
            Outcome::PassedUp => Reason::new(
                "passed-up",
                format!("{holder} no está calificado y la porción sube a {earner}"),
                format!("{holder} is not qualified, so the share passes up to {earner}"),
            )
            .with(unqualified()),
            Outcome::Unqualified => Reason::new(
                "unqualified",
                format!("{holder} ocupa el nivel sin estar calificado y pierde la porción"),
                format!("{holder} takes the level without being qualified and loses the share"),
            )
            .with(unqualified()),
            Outcome::NobodyQualified => Reason::new(
                "unclaimed",
                format!("{holder} no está calificado, ni nadie más arriba"),
                format!("{holder} is not qualified, nor is anybody further up"),
            )
            .with(unqualified()),
            Outcome::NobodyThere => {
                Reason::new("unclaimed", "no corresponde a nadie".to_owned(), "belongs to nobody".to_owned())
            }
            Outcome::FailsWhen => {
                let mut condition = self.condition(run, bonus, share.earner);
                condition.parts.retain(|part| part.held != Some(true));
                Reason::new(
                    "fails-when",
                    format!("{earner} no cumple la condición del bono y pierde la porción"),
                    format!("{earner} fails the condition of the bonus and loses the share"),
                )
                .with([condition])
            }
            Outcome::RankTooLow => Reason::new(
                "rank-too-low",
                format!("el rango de {earner} no alcanza el nivel {}; pierde la porción", share.level),
                format!("the rank of {earner} does not reach level {}, so the share is lost", share.level),
            )
            .with([self.rank_reason(share.earner)])
            .with(self.rank_needed(bonus, share)),
        }
    }
}

impl OrderSheet {
    /// The sheet for people.
    pub fn reason(&self) -> Reason {
        let (order, person) = (&self.order, &self.person);
        let head = Reason::new(
            "sheet",
            format!("Cuenta del pedido {order} de {person}"),
            format!("Account of order {order} of {person}"),
        );
        let others = (!self.not_on_orders.is_empty()).then(|| {
            let codes = self.not_on_orders.join(", ");
            Reason::new(
                "not-on-orders",
                format!("No se pagan por pedido: {codes}"),
                format!("Not paid on single orders: {codes}"),
            )
        });
        head.with(self.bonuses.iter().map(BonusSheet::reason)).with(others)
    }
}

impl BonusSheet {
    /// The sheet for people.
    pub fn reason(&self) -> Reason {
        let accounts = [
            ("pagado", "paid", self.paid),
            ("pasado hacia arriba", "passed up", self.passed_up),
            ("no calificado", "unqualified", self.unqualified),
            ("perdido", "forfeited", self.forfeited),
            ("sin dueño", "unclaimed", self.unclaimed),
        ];
        let sum = |es: bool| {
            let parts = accounts.iter().map(|(spanish, english, value)| {
                format!("{} {}", value.normalize(), if es { spanish } else { english })
            });
            parts.collect::<Vec<_>>().join(" + ")
        };
        let (volume, offered, rest) = (self.volume, self.offered.normalize(), self.remainder.normalize());
        Reason::new(
            "bonus-sheet",
            format!("{}: volumen {volume}, ofrecido {offered} = {} (resto {rest})", self.name.es, sum(true)),
            format!(
                "{}: volume {volume}, offered {offered} = {} (remainder {rest})",
                self.name.en,
                sum(false)
            ),
        )
        .with(self.shares.iter().map(SheetShare::reason))
    }
}

impl SheetShare {
    fn reason(&self) -> Reason {
        let (rate, share) = (percent(self.rate), self.share.normalize());
        let (es, en) = match self.level {
            0 => (String::new(), String::new()),
            level => (format!("Nivel {level}: "), format!("Level {level}: ")),
        };
        let money = match (self.exact, self.currency) {
            (Some(exact), Some(currency)) => format!(" ({} {currency})", exact.normalize()),
            _ => String::new(),
        };
        let mut reason = self.why.clone();
        reason.text = Text {
            es: format!("{es}{rate} = {share} {}{money}", reason.text.es),
            en: format!("{en}{rate} = {share} {}{money}", reason.text.en),
        };
        reason
    }
}
