//! Bonuses on totals, and what plans say about several bonuses or several cycles.

use rules::Type;

use super::{Bonuses, Checker};
use crate::{
    bonus::{
        Award, Binary, BinaryCycles, BinaryLegs, BinaryPay, Bonus, Brackets, CycleSides, Fixed, FixedAmount,
        Fund, FundShare, Limit, MatchBy, Matching, Mechanic, Occasion, Percentage, Pool, Rate, RetailProfit,
    },
    checked::Role,
    error::as_written,
    indicator::Scope,
    source::Place,
};

impl Checker {
    /// Alternatives name bonuses there are, each in one place.
    pub(super) fn alternatives(&mut self) {
        let mut seen: Vec<String> = Vec::new();
        for (index, alternative) in self.document.alternatives.clone().iter().enumerate() {
            let pointer = format!("/alternatives/{index}/bonuses");
            if alternative.bonuses.len() < 2 {
                let found = alternative.bonuses.len().to_string();
                self.mistake(&pointer, "nothing to choose from", found, "at least two bonuses");
            }
            for (place, code) in alternative.bonuses.iter().enumerate() {
                let at = format!("{pointer}/{place}");
                let found = format!("{code:?}");
                match self.document.bonuses.iter().find(|bonus| bonus.code == *code) {
                    None => self.mistake(&at, "no such bonus", found.clone(), "a code of a bonus"),
                    Some(bonus) if !bonus.award.is_money() => {
                        self.mistake(&at, "a bonus that is no money", found.clone(), "a bonus in money");
                    }
                    Some(_) => {}
                }
                if seen.contains(code) {
                    self.mistake(&at, "named twice", found, "each bonus in one alternative, once");
                }
                seen.push(code.clone());
            }
        }
    }

    /// The place of the last bonus that has to be computed before it is known what `code` pays.
    fn known_after(&self, code: &str) -> Option<usize> {
        let place = |code: &String| self.document.bonuses.iter().position(|bonus| bonus.code == *code);
        let alternative =
            self.document.alternatives.iter().find(|one| one.bonuses.iter().any(|it| it == code));
        match alternative {
            Some(alternative) => alternative.bonuses.iter().filter_map(place).max(),
            None => place(&code.to_owned()),
        }
    }

    /// The bonuses of which it is known what they paid wherever the bonus at `index` is computed: its place and its code.
    pub(super) fn payments_before(&self, index: usize) -> Vec<(usize, String)> {
        let bonuses = &self.document.bonuses;
        let here = &bonuses[index].processes;
        let is_known = |earlier: &Bonus| {
            let there = &earlier.processes;
            let is_computed =
                there.is_empty() || (!here.is_empty() && here.iter().all(|one| there.contains(one)));
            let is_complete = self.known_after(&earlier.code).is_some_and(|last| last < index);
            earlier.award.is_money() && is_computed && is_complete
        };
        let known = bonuses[..index].iter().enumerate().filter(|(_, earlier)| is_known(earlier));
        known.map(|(place, earlier)| (place, earlier.code.clone())).collect()
    }
}

impl Bonuses<'_> {
    /// What is paid in something other than money is not capped, held or deducted.
    pub(super) fn award(&mut self, pointer: &str, bonus: &Bonus) {
        if bonus.award.is_money() {
            return;
        }
        let at = format!("{pointer}/award");
        let only_fixed = matches!(bonus.award, Award::Prize(_) | Award::Tag(_));
        if only_fixed && !matches!(bonus.pays, Mechanic::Fixed(_)) {
            self.checker.mistake(&at, "a prize or a tag for a rate", "another mechanic", "`fixed`");
        }
        if let Award::Prize(code) | Award::Tag(code) = &bonus.award
            && code.trim().is_empty()
        {
            self.checker.mistake(&at, "no code", format!("{code:?}"), "the code of a prize or a tag");
        }
        let true_up = matches!(&bonus.pays, Mechanic::Percentage(Percentage { true_up: Some(_), .. }));
        for (field, is_there) in [
            ("cap_per_person", bonus.cap_per_person.is_some()),
            ("cap", bonus.cap.is_some()),
            ("hold", bonus.hold.is_some()),
            ("pays/percentage/true_up", true_up),
        ] {
            if is_there {
                let pointer = format!("{pointer}/{field}");
                self.checker.mistake(pointer, "only of money", as_written(&bonus.award), "no such field");
            }
        }
    }

    /// `number` is the place of the bonus in the plan.
    pub(super) fn matching(&mut self, place: &str, matching: &Matching, number: usize) {
        let at = format!("{place}/of");
        if matching.of.is_empty() {
            self.checker.mistake(&at, "nothing is matched", "nothing", "at least one bonus");
        }
        for (index, code) in matching.of.iter().enumerate() {
            let pointer = format!("{at}/{index}");
            let found = format!("{code:?}");
            let bonus = self.checker.document.bonuses.iter().find(|bonus| bonus.code == *code);
            match (bonus, self.checker.known_after(code)) {
                (Some(bonus), _) if !bonus.award.is_money() => {
                    self.checker.mistake(
                        &pointer,
                        "a bonus that is no money",
                        found.clone(),
                        "a bonus in money",
                    );
                }
                (Some(_), Some(last)) if last < number => {}
                (Some(_), _) => {
                    let expected =
                        "a bonus that stands earlier in the plan, with all it is an alternative of";
                    self.checker.mistake(&pointer, "not known yet", found.clone(), expected);
                }
                (None, _) => {
                    self.checker.mistake(&pointer, "no such bonus", found.clone(), "a code of a bonus");
                }
            }
            if matching.of[..index].contains(code) {
                self.checker.mistake(&pointer, "named twice", found, "each bonus once");
            }
        }
        if let MatchBy::Generation { rank } = &matching.by {
            self.checker.rank_of(&format!("{place}/by/generation/rank"), rank);
        }
        let text = matching.qualified.as_deref().unwrap_or("active");
        self.rule(Role::Qualified, &format!("{place}/qualified"), Place::Payment, text, &Type::Bool);
        self.level_rates(&format!("{place}/rates"), &matching.rates, false);
        self.depth(place, &matching.depth, matching.compression);
    }

    /// A share of an indicator that is the company's.
    pub(super) fn share_of_company(&mut self, role: Role, place: &str, share: &FundShare) {
        self.indicator(role, &format!("{place}/of"), &share.of);
        self.checker.positive(&format!("{place}/rate"), share.rate);
        let of = self.indicators.get(&role).map(|index| &self.checker.indicators[*index]);
        if of.is_some_and(|indicator| indicator.definition.scope != Scope::Company) {
            let expected = "an indicator of scope `company`";
            self.checker.mistake(format!("{place}/of"), "not of the company", &share.of, expected);
        }
    }

    pub(super) fn pool(&mut self, place: &str, pool: &Pool) {
        match &pool.fund {
            Fund::Amount(amount) => self.checker.positive(&format!("{place}/fund/amount"), *amount),
            Fund::Share(share) => self.share_of_company(Role::Of, &format!("{place}/fund/share"), share),
        }
        if let Some(text) = &pool.shares {
            self.rule(Role::Shares, &format!("{place}/shares"), Place::Payment, text, &Type::Number);
        }
        for (index, part) in pool.positions.iter().enumerate() {
            self.checker.positive(&format!("{place}/positions/{index}"), *part);
        }
    }

    pub(super) fn fixed(&mut self, place: &str, fixed: &Fixed) {
        match &fixed.amount {
            FixedAmount::Amount(_) => {}
            FixedAmount::ByRank(rows) => {
                let at = format!("{place}/amount/by-rank");
                if rows.is_empty() {
                    self.checker.mistake(&at, "no amount", "nothing", "at least one rank");
                }
                self.ranks_in_order(&at, rows.iter().map(|row| Some(row.rank.clone())).collect());
            }
            FixedAmount::Rule(text) => {
                self.rule(Role::Amount, &format!("{place}/amount/rule"), Place::Payment, text, &Type::Number);
            }
        }
        if matches!(fixed.on, Occasion::ReachingRank { .. })
            && !matches!(fixed.amount, FixedAmount::ByRank(_))
        {
            let found = "an amount that names no rank";
            self.checker.mistake(format!("{place}/on"), "which rank is reached", found, "amounts by rank");
        }
    }

    pub(super) fn retail_profit(&mut self, place: &str, retail: &RetailProfit) {
        if let Some(share) = retail.share {
            self.checker.positive(&format!("{place}/share"), share);
        }
        if let Some(text) = &retail.only_where {
            let orders = Place::Sources { orders: true };
            self.rule(Role::Where, &format!("{place}/where"), orders, text, &Type::Bool);
        }
    }

    pub(super) fn binary(&mut self, place: &str, binary: &Binary) {
        self.indicator(Role::Of, &format!("{place}/of"), &binary.of);
        if let BinaryLegs::Tagged { left, right } = &binary.legs
            && left == right
        {
            let at = format!("{place}/legs/tagged/right");
            self.checker.mistake(at, "one tag for both legs", format!("{right:?}"), "another tag");
        }
        match &binary.pays {
            BinaryPay::Percentage(rate) => {
                let at = format!("{place}/pays/percentage");
                if let Rate::Brackets(Brackets { over, marginal, .. }) = rate {
                    let at = format!("{at}/brackets");
                    if over.is_none() {
                        let expected = "`over` with the code of an indicator";
                        self.checker.mistake(&at, "brackets over nothing", "no `over`", expected);
                    }
                    if *marginal {
                        let at = format!("{at}/marginal");
                        self.checker.mistake(at, "slices of another indicator", "true", "false");
                    }
                }
                self.rate(&at, rate);
            }
            BinaryPay::Cycles(cycles) => {
                self.cycles(&format!("{place}/pays/cycles"), cycles);
                let amounts = binary.most.iter().flat_map(Limit::amounts);
                for (below, most) in amounts.filter(|(_, most)| !most.is_integer()) {
                    let at = format!("{place}/most{below}");
                    self.checker.mistake(at, "parts of cycles", most.to_string(), "a whole number");
                }
            }
        }
        if let Some(most) = binary.carry_most {
            self.checker.positive(&format!("{place}/carry_most"), most);
        }
        if let Some(most) = &binary.most {
            self.limit(Role::Most, &format!("{place}/most"), most);
        }
    }

    fn cycles(&mut self, place: &str, cycles: &BinaryCycles) {
        let BinaryCycles { strong, weak, amount, sides } = cycles;
        for (field, volume) in [("strong", *strong), ("weak", *weak)] {
            self.checker.positive(&format!("{place}/{field}"), volume);
        }
        // What a cycle pays is a rate, and its rule is kept as one.
        self.limit(Role::Rate, &format!("{place}/amount"), amount);
        if *sides == CycleSides::Either && strong < weak {
            let at = format!("{place}/strong");
            self.checker.mistake(
                at,
                "less than of the other leg",
                strong.to_string(),
                format!("at least {weak}"),
            );
        }
    }
}
