//! What rules see of a run: slots as columns, or as the values of one person.

use std::sync::{Arc, OnceLock};

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use plan::{AMOUNT_SCALE, Attribute, Plan, Ranked, Source};
use rules::{Column, Columns, EvaluationError, Record, Value};
use rust_decimal::Decimal;

use crate::{
    exact::Quotients,
    failure::EngineError,
    past::last_day,
    snapshot::{NO_DAY, Snapshot},
};

/// What there is of a run so far.
pub(crate) struct View<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) snapshot: &'a Snapshot,
    /// Whether each person is active; empty before the activity rule is evaluated.
    pub(crate) active: &'a [bool],
    /// Values by index of the plan's indicators; empty where not computed.
    pub(crate) columns: &'a [Arc<Vec<i64>>],
    /// Quotients by index of the plan's indicators; empty for all that are none.
    pub(crate) quotients: &'a [Quotients],
    /// Paid ranks; empty before ranks.
    pub(crate) paid: &'a [u8],
    /// Earned ranks; empty before ranks.
    pub(crate) earned: &'a [u8],
    /// What everyone was paid of each bonus, by its index, in the base currency; nothing where no rule asks or it is not known yet.
    pub(crate) payments: &'a [OnceLock<Vec<i64>>],
    /// Columns rules need in another form than the snapshot keeps them.
    pub(crate) extra: &'a Extra,
}

/// Columns that rules need in another form than the snapshot keeps them.
pub(crate) struct Extra {
    kinds: Vec<u32>,
    kind_names: [Arc<str>; 2],
    no_day: Vec<bool>,
    first_day: Date,
    last_day: Date,
}

impl Extra {
    pub(crate) fn of(snapshot: &Snapshot, plan: &Plan) -> Self {
        let people = &snapshot.people;
        let reads = |attribute| {
            let sources = plan.sources();
            sources.contains(&Source::Attribute(attribute))
                || sources.contains(&Source::MemberAttribute(attribute))
        };
        let kinds = if reads(Attribute::Kind) {
            people.consultant.iter().map(|consultant| u32::from(!consultant)).collect()
        } else {
            Vec::new()
        };
        let no_day = if reads(Attribute::JoinedOn) {
            people.joined_on.iter().map(|day| *day == NO_DAY).collect()
        } else {
            Vec::new()
        };
        let zone = TimeZone::get(&plan.document().time_zone).unwrap_or(TimeZone::UTC);
        Self {
            kinds,
            kind_names: [Arc::from("consultant"), Arc::from("customer")],
            no_day,
            first_day: snapshot.cycle.start.to_zoned(zone.clone()).date(),
            last_day: last_day(snapshot.cycle.end, &zone),
        }
    }
}

impl View<'_> {
    /// One person as a record.
    pub(crate) fn person(&self, row: usize) -> Person<'_> {
        Person { view: self, row, ranked: None }
    }

    fn quotient(&self, indicator: usize) -> Option<&Quotients> {
        self.quotients.get(indicator).filter(|known| !known.is_empty())
    }

    fn scale(&self, indicator: usize) -> u32 {
        self.plan.indicators().get(indicator).map_or(0, |planned| planned.scale)
    }
}

pub(crate) fn day(days: i32) -> Date {
    jiff::civil::date(1970, 1, 1).checked_add(days.days()).unwrap_or(Date::ZERO)
}

impl View<'_> {
    /// What a slot stands for, by person; of a source it is what the source is.
    pub(crate) fn by_person(&self, source: Option<Source>) -> Column<'_> {
        let people = &self.snapshot.people;
        match source {
            Some(Source::Indicator(index) | Source::MemberIndicator(index)) => {
                match (self.quotient(index), self.columns.get(index)) {
                    (Some(known), _) => Column::Exact(&known.decimals),
                    (None, Some(values)) => Column::Fixed { values, scale: self.scale(index) },
                    (None, None) => Column::Constant(Value::from(0)),
                }
            }
            Some(Source::Attribute(attribute) | Source::MemberAttribute(attribute)) => match attribute {
                Attribute::Active => Column::Bool(self.active),
                Attribute::Kind => {
                    Column::Text { codes: &self.extra.kinds, dictionary: &self.extra.kind_names }
                }
                Attribute::Consultant => Column::Bool(&people.consultant),
                Attribute::Status => text(&people.status),
                Attribute::Country => text(&people.country),
                Attribute::Currency => text(&people.currency),
                Attribute::Zone => text(&people.zone),
                Attribute::Tags => Column::Set {
                    bits: &people.tags.bits,
                    words_per_row: people.tags.words,
                    dictionary: &people.tags.values,
                },
                Attribute::JoinedOn => Column::Date(&people.joined_on),
                Attribute::JoinedThisCycle => Column::Bool(&people.joined_this_cycle),
                Attribute::Level => Column::Count(&people.placement.depth),
                Attribute::PreviousRank => Column::Code(&people.previous_rank),
                Attribute::HonorificRank => Column::Code(&people.honorific_rank),
                Attribute::Rank => Column::Code(self.paid),
                Attribute::EarnedRank => Column::Code(self.earned),
                Attribute::CycleStart => Column::Constant(Value::Date(self.extra.first_day)),
                Attribute::CycleEnd => Column::Constant(Value::Date(self.extra.last_day)),
            },
            Some(Source::Paid(bonus)) => match self.payments.get(bonus).and_then(OnceLock::get) {
                Some(values) => Column::Fixed { values, scale: AMOUNT_SCALE },
                None => Column::Constant(Value::from(0)),
            },
            // Their values come with each row, order or level, not by person.
            Some(Source::Ranked(..) | Source::Order(_) | Source::LevelPaid) | None => {
                Column::Constant(Value::from(0))
            }
        }
    }

    /// The people of whom a slot says nothing, where that can be.
    pub(crate) fn not_known(&self, source: Option<Source>) -> Option<&[bool]> {
        match source? {
            Source::Attribute(Attribute::JoinedOn) | Source::MemberAttribute(Attribute::JoinedOn) => {
                Some(&self.extra.no_day)
            }
            Source::Indicator(index) | Source::MemberIndicator(index) => {
                self.quotient(index).map(|known| &*known.missing)
            }
            _ => None,
        }
    }

    /// What a slot stands for, of one person.
    pub(crate) fn value_of(&self, source: Option<Source>, row: usize) -> Value {
        match self.by_person(source) {
            Column::Fixed { values, scale } => {
                let mantissa = values.get(row).copied().unwrap_or(0);
                Value::Number(Decimal::try_new(mantissa, scale).unwrap_or_default())
            }
            Column::Count(values) => Value::from(values.get(row).copied().map_or(0, i64::from)),
            Column::Code(values) => Value::from(values.get(row).copied().map_or(0, i64::from)),
            Column::Exact(values) => Value::Number(values.get(row).copied().unwrap_or_default()),
            Column::Bool(values) => Value::Bool(values.get(row).copied().unwrap_or(false)),
            Column::Text { codes, dictionary } => {
                let text = codes.get(row).and_then(|code| dictionary.get(*code as usize));
                text.map_or_else(|| Value::text(""), |text| Value::Text(Arc::clone(text)))
            }
            Column::Date(values) => Value::Date(day(values.get(row).copied().unwrap_or(NO_DAY))),
            Column::Set { .. } => {
                let tags = self.snapshot.people.tags.get(row);
                Value::list(tags.into_iter().map(Value::text).collect())
            }
            Column::Constant(value) => value,
        }
    }

    pub(crate) fn is_not_known(&self, source: Option<Source>, row: usize) -> bool {
        self.not_known(source).and_then(|missing| missing.get(row)).copied().unwrap_or(false)
    }
}

impl Columns for View<'_> {
    fn column(&self, slot: u32) -> Column<'_> {
        self.by_person(self.plan.source(slot))
    }

    fn missing(&self, slot: u32) -> Option<&[bool]> {
        self.not_known(self.plan.source(slot))
    }
}

fn text(texts: &crate::columns::Dictionary) -> Column<'_> {
    Column::Text { codes: &texts.codes, dictionary: &texts.values }
}

/// People of at least each rank around one person.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    /// Legs with such a person, by rank from 1.
    pub(crate) legs: &'a [u32],
    /// On level 1.
    pub(crate) frontline: &'a [u32],
    /// Anywhere below.
    pub(crate) downline: &'a [u32],
    /// Legs with several such people, as [`Plan::legs_asked`] has them.
    pub(crate) full: &'a [u32],
}

impl<'a> Around<'a> {
    /// Of counts of legs, frontline, downline and legs with several.
    pub(crate) fn of([legs, frontline, downline, full]: &'a [Vec<u32>; 4]) -> Self {
        Self { legs, frontline, downline, full }
    }
}

/// One person as rules see them.
pub(crate) struct Person<'a> {
    view: &'a View<'a>,
    row: usize,
    ranked: Option<Around<'a>>,
}

impl<'a> Person<'a> {
    pub(crate) fn with_ranked(self, ranked: Around<'a>) -> Self {
        Self { ranked: Some(ranked), ..self }
    }
}

impl Record for Person<'_> {
    fn value(&self, slot: u32) -> Value {
        if let Some(Source::Ranked(place, rank)) = self.view.plan.source(slot) {
            let count = self.ranked.and_then(|around| match place {
                Ranked::Legs => around.legs.get(usize::from(rank)),
                Ranked::Frontline => around.frontline.get(usize::from(rank)),
                Ranked::Downline => around.downline.get(usize::from(rank)),
                Ranked::LegsWith(people) => {
                    let at = self.view.plan.legs_asked().position(|asked| asked == (rank, people));
                    at.and_then(|at| around.full.get(at))
                }
            });
            let count = count.copied().unwrap_or(0);
            return Value::from(i64::from(count));
        }
        self.view.value_of(self.view.plan.source(slot), self.row)
    }

    fn is_missing(&self, slot: u32) -> bool {
        self.view.is_not_known(self.view.plan.source(slot), self.row)
    }
}

/// A failed evaluation, with the person it failed for.
pub(crate) fn rule_failed(
    of: &str,
    snapshot: &Snapshot,
    row: usize,
    reason: &EvaluationError,
) -> EngineError {
    EngineError::Rule {
        of: of.to_owned(),
        person: snapshot.people.ids.get(row).to_owned(),
        reason: reason.to_string(),
    }
}
