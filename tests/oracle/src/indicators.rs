//! The catalogue's indicators, each by its definition in the specification.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use rust_decimal::Decimal;

use crate::{network::Network, plan::Plan};

/// What a person's own orders of one cycle come to, net of returns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Own {
    pub(crate) vq: Decimal,
    pub(crate) vc: Decimal,
    pub(crate) net: Decimal,
    pub(crate) gross: Decimal,
    pub(crate) units: Decimal,
    pub(crate) points: Decimal,
    pub(crate) orders: Decimal,
    pub(crate) returned_vq: Decimal,
    pub(crate) returns: Decimal,
}

/// Everything an indicator of one cycle may look at.
pub(crate) struct Cycle<'a> {
    pub(crate) network: &'a Network,
    pub(crate) plan: &'a Plan,
    /// Own sums of every cycle up to this one, the last being this one.
    pub(crate) own: &'a [Vec<Own>],
    /// How many of the last cycles end in the calendar year of this one.
    pub(crate) cycles_of_year: usize,
    pub(crate) consultant: &'a [bool],
    pub(crate) active: &'a [bool],
    pub(crate) joined_now: &'a [bool],
    pub(crate) previous_rank: &'a [u8],
    /// Paid ranks of this cycle, once there are any.
    pub(crate) paid_rank: &'a [u8],
}

fn count(number: usize) -> Decimal {
    Decimal::from(number)
}

impl Cycle<'_> {
    fn last(&self) -> &[Own] {
        self.own.last().map_or(&[], Vec::as_slice)
    }

    fn sum(&self, members: &[usize], pick: fn(&Own) -> Decimal) -> Decimal {
        members.iter().map(|member| pick(&self.last()[*member])).sum()
    }

    /// A person's own sum over the last `cycles`.
    fn window(&self, person: usize, cycles: usize, pick: fn(&Own) -> Decimal) -> Decimal {
        self.own.iter().rev().take(cycles).map(|cycle| pick(&cycle[person])).sum()
    }

    fn before(&self, members: &[usize], pick: fn(&Own) -> Decimal) -> Decimal {
        let Some(earlier) = self.own.len().checked_sub(2) else { return Decimal::ZERO };
        members.iter().map(|member| pick(&self.own[earlier][*member])).sum()
    }

    /// Descendants reached without passing a leader by the ranks of the cycle before; the leaders themselves are out.
    fn group(&self, person: usize) -> Vec<usize> {
        let leads = |place: usize| self.previous_rank[place] >= self.plan.leader_rank;
        let below = self.network.below[person].iter().copied();
        below.filter(|member| !leads(*member) && !self.network.between(person, *member).any(leads)).collect()
    }

    /// Descendants with so many leaders on the way, themselves included, by the paid ranks of this cycle.
    fn generation(&self, person: usize, number: usize) -> Vec<usize> {
        let leads = |place: usize| self.paid_rank[place] >= self.plan.leader_rank;
        let leaders = |member: usize| {
            self.network.between(person, member).filter(|place| leads(*place)).count()
                + usize::from(leads(member))
        };
        self.network.below[person].iter().copied().filter(|member| leaders(*member) == number).collect()
    }

    fn level(&self, person: usize, levels: std::ops::RangeInclusive<usize>) -> Vec<usize> {
        let below = self.network.below[person].iter().copied();
        below.filter(|member| levels.contains(&self.network.level(person, *member))).collect()
    }

    /// Totals of all legs, the strongest first.
    fn legs(&self, person: usize) -> Vec<Decimal> {
        let children = self.network.children[person].iter();
        let mut totals: Vec<_> =
            children.map(|child| self.sum(&self.network.leg(*child), |own| own.vq)).collect();
        totals.sort();
        totals.reverse();
        totals
    }

    fn consultants_of_level_1(&self, person: usize) -> Vec<usize> {
        self.network.children[person].iter().copied().filter(|child| self.consultant[*child]).collect()
    }

    /// Legs, headed by a consultant, with somebody in them for whom `holds`.
    fn legs_with(&self, person: usize, holds: &dyn Fn(usize) -> bool) -> Decimal {
        let heads = self.consultants_of_level_1(person);
        count(heads.into_iter().filter(|head| self.network.leg(*head).into_iter().any(holds)).count())
    }

    fn number(members: &[usize], holds: impl Fn(usize) -> bool) -> Decimal {
        count(members.iter().filter(|member| holds(**member)).count())
    }

    /// The value of the indicator `code` of `person`.
    pub(crate) fn value(&self, code: &str, person: usize) -> Result<Decimal> {
        let own = self.last()[person];
        let network = self.network;
        let below = &network.below[person];
        let children = &network.children[person];
        let customers: Vec<usize> =
            children.iter().copied().filter(|child| !self.consultant[*child]).collect();
        let with_customers = || own.vq + self.sum(&customers, |own| own.vq);
        let team = || network.leg(person);
        if let Some(rank) = code.strip_prefix("LEGRK_").map(|rank| self.plan.rank(rank)) {
            let rank = rank?;
            return Ok(
                self.legs_with(person, &|member| self.consultant[member] && self.paid_rank[member] >= rank)
            );
        }
        if let Some(rank) = code.strip_prefix("TMRK_").map(|rank| self.plan.rank(rank)) {
            let rank = rank?;
            return Ok(Self::number(below, |member| {
                self.consultant[member] && self.paid_rank[member] >= rank
            }));
        }
        Ok(match code {
            "PVQ" => own.vq,
            "PVC" => own.vc,
            "PNET" => own.net,
            "PGROSS" => own.gross,
            "PUNITS" => own.units,
            "PORD" => own.orders,
            "PPTS" => own.points,
            "PVQ_PREV" => self.before(&[person], |own| own.vq),
            "PVQ_R3" => self.window(person, 3, |own| own.vq),
            "PVQ_YTD" => self.window(person, self.cycles_of_year, |own| own.vq),
            "PVQ_CUM" => self.window(person, usize::MAX, |own| own.vq),
            "PVC_CUM" => self.window(person, usize::MAX, |own| own.vc),
            "CVQ" => self.sum(&customers, |own| own.vq),
            "PSVQ" => with_customers(),
            "PVQ_SHORT" => (self.plan.goal - with_customers()).max(Decimal::ZERO),
            "PVQ_EXC" => (with_customers() - self.plan.goal).max(Decimal::ZERO),
            "GVQ" => self.sum(&self.group(person), |own| own.vq),
            "GVQ_H" => own.vq + self.sum(&self.group(person), |own| own.vq),
            "GVC" => self.sum(&self.group(person), |own| own.vc),
            "GVC_H" => own.vc + self.sum(&self.group(person), |own| own.vc),
            "GVQ_MIN" => {
                let mut members = self.group(person);
                members.retain(|member| self.last()[*member].vq >= self.plan.goal);
                self.sum(&members, |own| own.vq)
            }
            "GROUP_N" => count(self.group(person).len()),
            "GROUP_ACT" => Self::number(&self.group(person), |member| self.active[member]),
            "TVQ" => self.sum(below, |own| own.vq),
            "TVQ_S" => self.sum(&team(), |own| own.vq),
            "TVC" => self.sum(below, |own| own.vc),
            "TVC_S" => self.sum(&team(), |own| own.vc),
            "TVQ_PREV" => self.before(below, |own| own.vq),
            "TVQ_DELTA" => self.sum(below, |own| own.vq) - self.before(below, |own| own.vq),
            "TORD" => self.sum(below, |own| own.orders),
            "L1VQ" | "L2VQ" | "L3VQ" | "L4VQ" | "L5VQ" => {
                let level: usize = code[1..2].parse()?;
                self.sum(&self.level(person, level..=level), |own| own.vq)
            }
            "L1_5VC" => self.sum(&self.level(person, 1..=5), |own| own.vc),
            "G1VQ" | "G2VQ" | "G3VQ" => self.sum(&self.generation(person, code[1..2].parse()?), |own| own.vq),
            "G1VC" | "G2VC" => self.sum(&self.generation(person, code[1..2].parse()?), |own| own.vc),
            "LEG1VQ" | "LEG2VQ" => {
                let place: usize = code[3..4].parse()?;
                self.legs(person).get(place - 1).copied().unwrap_or_default()
            }
            "NONMAX" | "SIDE_VQ" => self.legs(person).iter().skip(1).copied().sum(),
            "LEGS" => count(self.consultants_of_level_1(person).len()),
            "LEGS_ACT" => Self::number(&self.consultants_of_level_1(person), |child| self.active[child]),
            "LEGS_NEW" => Self::number(&self.consultants_of_level_1(person), |child| self.joined_now[child]),
            "LEGS_ALIVE" => self.legs_with(person, &|member| self.active[member]),
            "ACT" => Decimal::from(u8::from(self.active[person])),
            "FL" => count(children.len()),
            "FL_ACT" => Self::number(children, |child| self.active[child]),
            "FL_NEW" => Self::number(children, |child| self.joined_now[child]),
            "ENR_N" => count(network.enrolled[person].len()),
            "ENR_NEW" => Self::number(&network.enrolled[person], |member| self.joined_now[member]),
            "TEAM_N" => count(below.len()),
            "TEAM_ACT" => Self::number(below, |member| self.active[member]),
            "TEAM_NEW" => Self::number(below, |member| self.joined_now[member]),
            "CUST_N" => count(customers.len()),
            "CUST_ACT" => Self::number(&customers, |customer| self.active[customer]),
            "DEPTH" => {
                count(below.iter().map(|member| network.level(person, *member)).max().unwrap_or_default())
            }
            "RMAVQ" => own.returned_vq,
            "RMA_N" => own.returns,
            "RMA_RATE" => {
                let returned = self.window(person, 3, |own| own.returned_vq);
                let all = self.window(person, 3, |own| own.vq) + returned;
                if all.is_zero() { Decimal::ZERO } else { returned / all }
            }
            "RK_PAID" => Decimal::from(self.paid_rank[person]),
            "RK_PREV" => Decimal::from(self.previous_rank[person]),
            "RK_UP" => Decimal::from(self.paid_rank[person]) - Decimal::from(self.previous_rank[person]),
            other => bail!("the oracle does not know the indicator {other}"),
        })
    }

    /// The names the demo plan's rules use.
    pub(crate) fn word(
        &self,
        name: &str,
        argument: Option<&str>,
        person: usize,
        leg_rank: &[u8],
    ) -> Result<Decimal> {
        if let (Ok(rank), None) = (self.plan.rank(name), argument) {
            return Ok(Decimal::from(rank));
        }
        let code = match (name, argument) {
            ("legs_with_rank", Some(rank)) => {
                let rank = self.plan.rank(rank)?;
                return Ok(
                    self.legs_with(person, &|member| self.consultant[member] && leg_rank[member] >= rank)
                );
            }
            ("rank", None) => "RK_PAID",
            ("active", None) => "ACT",
            ("own_vq", None) => "PVQ",
            ("group_vq", None) => "GVQ_H",
            ("team_vq", None) => "TVQ_S",
            ("side_vq", None) => "SIDE_VQ",
            ("active_legs", None) => "LEGS_ACT",
            (other, None) => other,
            (other, Some(_)) => bail!("the oracle does not know {other}()"),
        };
        self.value(code, person)
    }

    /// All indicators of the plan.
    pub(crate) fn all(&self, person: usize) -> Result<BTreeMap<String, Decimal>> {
        let codes = self.plan.enabled.iter();
        codes.map(|code| Ok((code.clone(), self.value(code, person)?.normalize()))).collect()
    }
}
