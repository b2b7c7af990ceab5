//! The parts of a plan document that the oracle knows. Anything else in it is refused.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::numbers::decimal;

pub(crate) struct Plan {
    pub(crate) per_base_unit: BTreeMap<String, Decimal>,
    pub(crate) vc_value: Decimal,
    pub(crate) activity: String,
    pub(crate) leader_rank: u8,
    pub(crate) goal: Decimal,
    /// Codes of the enabled indicators of the catalogue.
    pub(crate) enabled: Vec<String>,
    /// Code and rule, from the lowest rank on.
    pub(crate) ranks: Vec<(String, String)>,
    pub(crate) max_steps: u8,
    pub(crate) grace: u8,
    pub(crate) unilevel: Unilevel,
    pub(crate) percentage: Percentage,
    pub(crate) payout_share: Decimal,
}

pub(crate) struct Unilevel {
    pub(crate) code: String,
    pub(crate) when: String,
    pub(crate) rates: Vec<Decimal>,
    /// Rank from which so many levels are paid.
    pub(crate) depth: Vec<(u8, usize)>,
}

pub(crate) struct Percentage {
    pub(crate) code: String,
    pub(crate) when: String,
    pub(crate) of: String,
    pub(crate) over: String,
    /// From which value which rate.
    pub(crate) brackets: Vec<(Decimal, Decimal)>,
    pub(crate) cap: Decimal,
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("the plan has no text at {pointer}"))?.to_owned())
}

fn list<'a>(value: &'a Value, pointer: &str) -> Result<&'a Vec<Value>> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .with_context(|| format!("the plan has no list at {pointer}"))
}

fn number(value: &Value, pointer: &str) -> Result<Decimal> {
    decimal(value.pointer(pointer).with_context(|| format!("the plan has no number at {pointer}"))?)
}

fn only(value: &Value, pointer: &str, expected: &str) -> Result<()> {
    let found = text(value, pointer)?;
    ensure!(found == expected, "the oracle knows only {expected:?} at {pointer}; found {found:?}");
    Ok(())
}

impl Plan {
    pub(crate) fn read(document: &Value) -> Result<Self> {
        for (pointer, expected) in [
            ("/currencies/rounding", "half-even"),
            ("/ranks/promotion", "sequential"),
            ("/ranks/grace/then", "to-earned"),
            ("/ranks/leg_rank", "earned"),
            ("/ranks/honorific", "history"),
            ("/returns/after_settlement", "undo"),
        ] {
            only(document, pointer, expected)?;
        }
        let ranks = list(document, "/ranks/steps")?
            .iter()
            .map(|rank| Ok((text(rank, "/code")?, text(rank, "/rule")?)));
        let ranks: Vec<(String, String)> = ranks.collect::<Result<_>>()?;
        let leader = text(document, "/catalogue/leader_rank")?;
        let mut per_base_unit = BTreeMap::from([(text(document, "/currencies/base")?, Decimal::ONE)]);
        for earner in list(document, "/currencies/earners")? {
            per_base_unit.insert(text(earner, "/currency")?, number(earner, "/per_base_unit")?);
        }
        let enabled = list(document, "/catalogue/enabled")?.iter().map(|code| text(code, ""));
        let mut unilevel = None;
        let mut percentage = None;
        for bonus in list(document, "/bonuses")? {
            if bonus.pointer("/pays/unilevel").is_some() {
                unilevel = Some(Self::unilevel(bonus, &ranks)?);
            } else if bonus.pointer("/pays/percentage").is_some() {
                percentage = Some(Self::percentage(bonus)?);
            } else {
                bail!("the oracle does not know the bonus {bonus}");
            }
        }
        Ok(Self {
            vc_value: number(document, "/volumes/vc_value")?,
            activity: text(document, "/activity/rule")?,
            leader_rank: position(&ranks, &leader)?,
            goal: number(document, "/catalogue/own_volume_goal")?,
            enabled: enabled.collect::<Result<_>>()?,
            max_steps: number(document, "/ranks/max_steps_per_cycle")?.try_into()?,
            grace: number(document, "/ranks/grace/cycles")?.try_into()?,
            unilevel: unilevel.context("the plan has no unilevel bonus")?,
            percentage: percentage.context("the plan has no percentage bonus")?,
            payout_share: number(document, "/payout_cap/share_of_vc")?,
            per_base_unit,
            ranks,
        })
    }

    fn unilevel(bonus: &Value, ranks: &[(String, String)]) -> Result<Unilevel> {
        only(bonus, "/pays/unilevel/compression", "dynamic")?;
        only(bonus, "/pays/unilevel/qualified", "active")?;
        only(bonus, "/pays/unilevel/on/orders", "vc")?;
        let rates = list(bonus, "/pays/unilevel/rates/by-level")?.iter().map(decimal);
        let depth = list(bonus, "/pays/unilevel/depth")?.iter().map(|row| {
            let levels: u64 = number(row, "/levels")?.try_into()?;
            Ok((position(ranks, &text(row, "/rank")?)?, usize::try_from(levels)?))
        });
        Ok(Unilevel {
            code: text(bonus, "/code")?,
            when: text(bonus, "/when")?,
            rates: rates.collect::<Result<_>>()?,
            depth: depth.collect::<Result<_>>()?,
        })
    }

    fn percentage(bonus: &Value) -> Result<Percentage> {
        let steps = list(bonus, "/pays/percentage/rate/brackets/steps")?;
        let brackets = steps.iter().map(|step| Ok((number(step, "/from")?, number(step, "/rate")?)));
        Ok(Percentage {
            code: text(bonus, "/code")?,
            when: text(bonus, "/when")?,
            of: text(bonus, "/pays/percentage/of")?,
            over: text(bonus, "/pays/percentage/rate/brackets/over")?,
            brackets: brackets.collect::<Result<_>>()?,
            cap: number(bonus, "/cap_per_person")?,
        })
    }

    /// The position of a rank's code, 0 being none.
    pub(crate) fn rank(&self, code: &str) -> Result<u8> {
        position(&self.ranks, code)
    }
}

fn position(ranks: &[(String, String)], code: &str) -> Result<u8> {
    if code.is_empty() {
        return Ok(0);
    }
    let found =
        ranks.iter().position(|(known, _)| known == code).with_context(|| format!("no rank {code:?}"))?;
    Ok(u8::try_from(found + 1)?)
}
