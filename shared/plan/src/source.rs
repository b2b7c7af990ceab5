//! What rules of a plan may speak of: attributes of people, indicators, conditions on legs; each has a slot.

use std::cell::RefCell;

use rules::{Presence, Scope, Slot, Type, Value};
use rust_decimal::prelude::ToPrimitive;

use crate::indicator::{Aggregate, Indicator, RankBasis};

/// What a slot of a rule stands for. A slot's number is the index into [`crate::Plan::sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Something a person is.
    Attribute(Attribute),
    /// The indicator with this index in [`crate::Plan::indicators`].
    Indicator(usize),
    /// People of at least a rank around a person, as the run has it so far. Only in rules of ranks.
    Ranked(Ranked, u8),
    /// Something the member is whose volume is paid on (`source.country`). Only in rates of levels.
    MemberAttribute(Attribute),
    /// An indicator of the member whose volume is paid on (`source.own_vq`). Only in rates of levels.
    MemberIndicator(usize),
    /// Something of the order that is paid on (`order.category`). Only where orders are paid on.
    Order(OrderAttribute),
    /// The level or generation that is paid. Only in rates of levels.
    LevelPaid,
    /// What the person was paid of the bonus with this index in [`crate::Plan::bonuses`], in the base currency (`paid('levels')`). Only
    /// in rules of bonuses that come later.
    Paid(usize),
}

/// Something of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderAttribute {
    /// Whether it is a return.
    IsReturn,
    /// Whether it is the person's first order ever.
    FirstOfPerson,
    /// Category.
    Category,
    /// Days from the day the buyer joined to the day it became commissionable, both in the company's time zone.
    DaysSinceJoining,
    /// The day it became commissionable, in the company's time zone.
    PaidOn,
    /// Net amount in the base currency.
    Net,
    /// Gross amount in the base currency.
    Gross,
    /// Qualifying volume.
    Vq,
    /// Commissionable volume.
    Vc,
    /// Units.
    Units,
    /// Loyalty points.
    Points,
    /// What its customers pay, in the base currency.
    CustomerPrice,
    /// What consultants pay for the same, in the base currency.
    ConsultantPrice,
}

/// Name, meaning and type of something of an order.
type NamedOfOrder = (&'static str, OrderAttribute, fn() -> Type);

const ORDER_ATTRIBUTES: [NamedOfOrder; 13] = [
    ("order.is_return", OrderAttribute::IsReturn, || Type::Bool),
    ("order.first_of_person", OrderAttribute::FirstOfPerson, || Type::Bool),
    ("order.category", OrderAttribute::Category, || Type::Text),
    ("order.days_since_joining", OrderAttribute::DaysSinceJoining, || Type::Number),
    ("order.paid_on", OrderAttribute::PaidOn, || Type::Date),
    ("order.net", OrderAttribute::Net, || Type::Number),
    ("order.gross", OrderAttribute::Gross, || Type::Number),
    ("order.vq", OrderAttribute::Vq, || Type::Number),
    ("order.vc", OrderAttribute::Vc, || Type::Number),
    ("order.units", OrderAttribute::Units, || Type::Number),
    ("order.points", OrderAttribute::Points, || Type::Number),
    ("order.customer_price", OrderAttribute::CustomerPrice, || Type::Number),
    ("order.consultant_price", OrderAttribute::ConsultantPrice, || Type::Number),
];

const MEMBER: &str = "source.";
const LEVEL_PAID: &str = "level_paid";
const PAID: &str = "paid";

/// Where people of at least a rank are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ranked {
    /// Legs that contain one.
    Legs,
    /// Legs that contain so many, two or more.
    LegsWith(u32),
    /// Level 1.
    Frontline,
    /// The whole downline.
    Downline,
}

/// Something a person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// Whether the activity rule holds.
    Active,
    /// `consultant` or `customer`.
    Kind,
    /// Whether the person is a consultant.
    Consultant,
    /// Status in the network, for example `active` or `terminated`.
    Status,
    /// Country.
    Country,
    /// Currency of payouts.
    Currency,
    /// Zone.
    Zone,
    /// Tags.
    Tags,
    /// Local day of joining.
    JoinedOn,
    /// Whether the person joined in this cycle.
    JoinedThisCycle,
    /// Level in the placement tree, the root's being 0.
    Level,
    /// Paid rank of the cycle before: 0 for none, 1 for the first.
    PreviousRank,
    /// Honorific rank before this cycle.
    HonorificRank,
    /// Paid rank of this cycle.
    Rank,
    /// Earned rank of this cycle.
    EarnedRank,
    /// First local day of the cycle: the same for everyone.
    CycleStart,
    /// Last local day of the cycle: the same for everyone.
    CycleEnd,
}

/// Name, meaning and type of an attribute.
type Named = (&'static str, Attribute, fn() -> Type);

const ATTRIBUTES: [Named; 17] = [
    ("active", Attribute::Active, || Type::Bool),
    ("kind", Attribute::Kind, || Type::Text),
    ("consultant", Attribute::Consultant, || Type::Bool),
    ("status", Attribute::Status, || Type::Text),
    ("country", Attribute::Country, || Type::Text),
    ("currency", Attribute::Currency, || Type::Text),
    ("zone", Attribute::Zone, || Type::Text),
    ("tags", Attribute::Tags, || Type::list(Type::Text)),
    ("joined_on", Attribute::JoinedOn, || Type::Date),
    ("joined_this_cycle", Attribute::JoinedThisCycle, || Type::Bool),
    ("level", Attribute::Level, || Type::Number),
    ("previous_rank", Attribute::PreviousRank, || Type::Number),
    ("honorific_rank", Attribute::HonorificRank, || Type::Number),
    ("rank", Attribute::Rank, || Type::Number),
    ("earned_rank", Attribute::EarnedRank, || Type::Number),
    ("cycle_start", Attribute::CycleStart, || Type::Date),
    ("cycle_end", Attribute::CycleEnd, || Type::Date),
];

const FUNCTIONS: [(&str, Ranked); 3] = [
    ("legs_with_rank", Ranked::Legs),
    ("frontline_with_rank", Ranked::Frontline),
    ("downline_with_rank", Ranked::Downline),
];

/// Where a rule stands, which decides what it may speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The activity rule.
    Activity,
    /// A filter or formula of an indicator; `rank` is the rank of this basis.
    Member(RankBasis),
    /// The rule of a rank.
    Rank,
    /// A rule of a bonus, or of the plan's cap, about one person: `when`, `qualified`, limits, amounts, rates and shares.
    Payment,
    /// `where` of a bonus or an indicator: the member who brought something, and the order if `orders` are paid on.
    Sources { orders: bool },
    /// The rate of a level: the earner, the member who brought it, the level, and the order if `orders` are paid on.
    Level { orders: bool },
}

impl Place {
    fn sees_orders(self) -> bool {
        matches!(self, Self::Sources { orders: true } | Self::Level { orders: true })
    }

    fn sees_payments(self) -> bool {
        matches!(self, Self::Payment | Self::Level { .. })
    }

    fn sees_levels(self) -> bool {
        matches!(self, Self::Level { .. })
    }
}

/// All slots of a plan, and the names that lead to them.
pub(crate) struct Names {
    /// Code and alias of each indicator, in the order of the plan's indicators.
    pub(crate) indicators: Vec<(String, Option<String>)>,
    /// Whether an indicator's value can be missing, in the same order.
    averages: Vec<bool>,
    /// Codes of the ranks, lowest first.
    pub(crate) ranks: Vec<String>,
    /// Index and code of the bonuses of which rules of the bonus that is checked may ask what they paid.
    pub(crate) payments: Vec<(usize, String)>,
    sources: RefCell<Vec<Source>>,
}

impl Names {
    pub(crate) fn new(definitions: &[&Indicator], ranks: Vec<String>) -> Self {
        let names = |definition: &&Indicator| (definition.code.clone(), definition.alias.clone());
        Self {
            indicators: definitions.iter().map(names).collect(),
            averages: definitions.iter().map(|one| one.aggregate == Aggregate::Average).collect(),
            ranks,
            payments: Vec::new(),
            sources: RefCell::new(Vec::new()),
        }
    }

    /// What may be said in `place`.
    pub(crate) fn scope(&self, place: Place) -> PlaceScope<'_> {
        PlaceScope { names: self, place }
    }

    pub(crate) fn into_sources(self) -> Vec<Source> {
        self.sources.into_inner()
    }

    pub(crate) fn sources(&self) -> Vec<Source> {
        self.sources.borrow().clone()
    }

    pub(crate) fn source(&self, slot: u32) -> Option<Source> {
        self.sources.borrow().get(slot as usize).copied()
    }

    /// Position of a rank from 1.
    pub(crate) fn rank(&self, code: &str) -> Option<u8> {
        let index = self.ranks.iter().position(|rank| rank == code)?;
        u8::try_from(index + 1).ok()
    }

    /// Index of the indicator with this code or alias.
    pub(crate) fn indicator(&self, name: &str) -> Option<usize> {
        let named = |(code, alias): &(String, Option<String>)| code == name || alias.as_deref() == Some(name);
        self.indicators.iter().position(named)
    }

    /// Whether `name` is taken by an attribute of people.
    pub(crate) fn is_attribute(name: &str) -> bool {
        ATTRIBUTES.iter().any(|(known, ..)| *known == name)
    }

    fn slot(&self, source: Source, ty: Type) -> Slot {
        let mut sources = self.sources.borrow_mut();
        let index = sources.iter().position(|known| *known == source).unwrap_or_else(|| {
            sources.push(source);
            sources.len() - 1
        });
        let slot = Slot::new(u32::try_from(index).unwrap_or(u32::MAX), ty);
        match source {
            Source::Attribute(Attribute::JoinedOn) | Source::MemberAttribute(Attribute::JoinedOn) => {
                slot.with_presence(Presence::OrNothing)
            }
            Source::Indicator(index) | Source::MemberIndicator(index)
                if self.averages.get(index).copied().unwrap_or(false) =>
            {
                slot.with_presence(Presence::OrNothing)
            }
            _ => slot,
        }
    }
}

/// [`Names`] as seen from one place.
pub(crate) struct PlaceScope<'a> {
    names: &'a Names,
    place: Place,
}

impl PlaceScope<'_> {
    fn paid(&self, arguments: &[Value]) -> Result<Slot, String> {
        if !self.place.sees_payments() {
            return Err(format!("{PAID} is only known in rules of bonuses about who earns"));
        }
        let payments = &self.names.payments;
        let known = match arguments {
            [Value::Text(code)] => payments.iter().find(|(_, known)| **known == **code),
            _ => None,
        };
        known.map(|(index, _)| self.names.slot(Source::Paid(*index), Type::Number)).ok_or_else(|| {
            let codes: Vec<&str> = payments.iter().map(|(_, code)| code.as_str()).collect();
            let known = if codes.is_empty() { "here none".to_owned() } else { format!("here {}", codes.join(", ")) };
            format!(
                "one bonus in money that stands earlier in the plan, with all it is an alternative of, and is computed in every \
                 process this one is: {known}"
            )
        })
    }

    fn attribute(&self, name: &str) -> Option<(Attribute, Type)> {
        let (_, attribute, ty) = ATTRIBUTES.iter().find(|(known, ..)| *known == name)?;
        let seen = match (attribute, self.place) {
            (Attribute::Active, Place::Activity)
            | (Attribute::Rank | Attribute::EarnedRank, Place::Activity | Place::Rank)
            | (Attribute::EarnedRank, Place::Member(RankBasis::Previous)) => return None,
            (Attribute::Rank, Place::Member(RankBasis::Previous)) => Attribute::PreviousRank,
            (attribute, _) => *attribute,
        };
        Some((seen, ty()))
    }
}

impl Scope for PlaceScope<'_> {
    fn name(&self, name: &str) -> Option<Slot> {
        if self.place.sees_orders()
            && let Some((_, attribute, ty)) = ORDER_ATTRIBUTES.iter().find(|(known, ..)| *known == name)
        {
            return Some(self.names.slot(Source::Order(*attribute), ty()));
        }
        if self.place.sees_levels() {
            if name == LEVEL_PAID {
                return Some(self.names.slot(Source::LevelPaid, Type::Number));
            }
            if let Some(of_member) = name.strip_prefix(MEMBER) {
                if let Some((attribute, ty)) = self.attribute(of_member) {
                    return Some(self.names.slot(Source::MemberAttribute(attribute), ty));
                }
                let index = self.names.indicator(of_member)?;
                return Some(self.names.slot(Source::MemberIndicator(index), Type::Number));
            }
        }
        if let Some((attribute, ty)) = self.attribute(name) {
            return Some(self.names.slot(Source::Attribute(attribute), ty));
        }
        let index = self.names.indicator(name)?;
        Some(self.names.slot(Source::Indicator(index), Type::Number))
    }

    fn call(&self, function: &str, arguments: &[Value]) -> Option<Result<Slot, String>> {
        if function == PAID {
            return Some(self.paid(arguments));
        }
        let (_, ranked) = FUNCTIONS.iter().find(|(known, _)| *known == function)?;
        if self.place != Place::Rank {
            return Some(Err(format!("{function} is only known in rules of ranks")));
        }
        let by_leg = *ranked == Ranked::Legs;
        let ranked = match arguments {
            [_] => Some(*ranked),
            [_, Value::Number(people)] if by_leg && people.is_integer() => match people.to_u32() {
                None | Some(0) => None,
                Some(1) => Some(Ranked::Legs),
                Some(people) => Some(Ranked::LegsWith(people)),
            },
            _ => None,
        };
        let rank = match arguments.first() {
            Some(Value::Text(code)) => self.names.rank(code),
            Some(Value::Number(position)) => position
                .to_u8()
                .filter(|position| (1..=self.names.ranks.len()).contains(&usize::from(*position))),
            _ => None,
        };
        if let (Some(ranked), Some(rank)) = (ranked, rank) {
            return Some(Ok(self.names.slot(Source::Ranked(ranked, rank), Type::Number)));
        }
        let more = if by_leg { "; then perhaps how many people of it a leg needs, 1 or more" } else { "" };
        Some(Err(format!("one rank out of {}{more}", self.names.ranks.join(", "))))
    }

    fn constant(&self, name: &str) -> Option<Value> {
        self.names.rank(name).map(|rank| Value::from(i64::from(rank)))
    }

    fn known_names(&self) -> Vec<String> {
        let attributes = ATTRIBUTES.iter().filter(|(name, ..)| self.attribute(name).is_some());
        let attributes = attributes.map(|(name, ..)| (*name).to_owned());
        let codes =
            self.names.indicators.iter().flat_map(|(code, alias)| [Some(code.clone()), alias.clone()]);
        let mut known: Vec<String> =
            attributes.chain(codes.flatten()).chain(self.names.ranks.iter().cloned()).collect();
        if self.place.sees_levels() {
            let of_member: Vec<String> = known.iter().map(|name| format!("{MEMBER}{name}")).collect();
            known.extend(of_member);
            known.push(LEVEL_PAID.to_owned());
        }
        if self.place.sees_orders() {
            known.extend(ORDER_ATTRIBUTES.iter().map(|(name, ..)| (*name).to_owned()));
        }
        known
    }

    fn known_functions(&self) -> Vec<String> {
        if self.place == Place::Rank {
            FUNCTIONS.iter().map(|(name, _)| (*name).to_owned()).collect()
        } else if self.place.sees_payments() {
            vec![PAID.to_owned()]
        } else {
            Vec::new()
        }
    }
}
