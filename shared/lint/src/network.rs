//! Small networks: people, what they order, and both as the facts and the files that a simulation reads.

use std::fmt::Write as _;

use engine::{OrderFact, PersonFact, PersonKind};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

/// The cycle all examples are of.
pub const CYCLE: &str = "2026-01";
/// When every order is paid: this day of the cycle in any time zone.
const PAID_AT: &str = "2026-01-15T12:00:00Z";
/// When people joined who are not new.
const LONG_AGO: &str = "2020-01-15";
/// When those joined who are new in the cycle.
const NEW: &str = "2026-01-02";

/// What people and orders of a network are besides their places and volumes: what the plan's rules ask for by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Profile {
    pub(crate) status: String,
    pub(crate) country: String,
    pub(crate) zone: String,
    /// Code of the currency people are paid in; empty for the base currency.
    pub(crate) currency: String,
    pub(crate) tags: Vec<String>,
    pub(crate) category: String,
    /// Code of the paid rank of the cycle before.
    pub(crate) rank_before: String,
    /// Whether people joined in this cycle and order for the first time.
    pub(crate) new: bool,
}

/// Somebody of a network; who stands above comes before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) parent: Option<usize>,
    pub(crate) customer: bool,
    /// Code of a rank set by hand.
    pub(crate) by_hand: Option<String>,
}

/// An order of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sale {
    pub(crate) buyer: usize,
    pub(crate) volume: Decimal,
}

/// People and what they order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) members: Vec<Member>,
    pub(crate) sales: Vec<Sale>,
    pub(crate) profile: Profile,
}

/// The id of a person.
pub(crate) fn person_id(member: usize) -> String {
    format!("p{}", member + 1)
}

impl Network {
    /// Consultants by who stands above them, each ordering `volume`.
    pub(crate) fn of(parents: &[Option<usize>], volume: Decimal) -> Self {
        let member = |parent: &Option<usize>| Member { parent: *parent, customer: false, by_hand: None };
        let sale = |buyer| Sale { buyer, volume };
        let sales = if volume.is_zero() { Vec::new() } else { (0..parents.len()).map(sale).collect() };
        Self { members: parents.iter().map(member).collect(), sales, profile: Profile::default() }
    }

    /// The same with one order more.
    pub(crate) fn with_sale(&self, buyer: usize, volume: Decimal) -> Self {
        let mut more = self.clone();
        more.sales.push(Sale { buyer, volume });
        more
    }

    /// The same with customers under each consultant, who order too.
    pub(crate) fn with_customers(&self, each: usize, volume: Decimal) -> Self {
        let mut more = self.clone();
        for parent in 0..self.members.len() {
            for _ in 0..each {
                more.sales.push(Sale { buyer: more.members.len(), volume });
                more.members.push(Member { parent: Some(parent), customer: true, by_hand: None });
            }
        }
        more
    }

    pub(crate) fn with_profile(mut self, profile: &Profile) -> Self {
        self.profile = profile.clone();
        self
    }

    /// All volumes so many times.
    pub(crate) fn scaled(&self, times: Decimal) -> Option<Self> {
        let mut more = self.clone();
        for sale in &mut more.sales {
            sale.volume = sale.volume.checked_mul(times)?;
        }
        Some(more)
    }

    /// Without one person, whose children go to the parent; `None` if that leaves nobody or two tops. Everyone behind moves one place.
    pub(crate) fn without(&self, gone: usize) -> Option<Self> {
        let above = self.members.get(gone)?.parent;
        let children = self.members.iter().filter(|member| member.parent == Some(gone)).count();
        if self.members.len() < 2 || (above.is_none() && children != 1) {
            return None;
        }
        let moved = |place: usize| if gone < place { place - 1 } else { place };
        let mut less = self.clone();
        less.members.remove(gone);
        for member in &mut less.members {
            member.parent = if member.parent == Some(gone) { above } else { member.parent }.map(moved);
        }
        less.sales.retain(|sale| sale.buyer != gone);
        for sale in &mut less.sales {
            sale.buyer = moved(sale.buyer);
        }
        Some(less)
    }

    fn is_first(&self, sale: usize) -> bool {
        let buyer = self.sales.get(sale).map(|one| one.buyer);
        self.profile.new && !self.sales.iter().take(sale).any(|one| Some(one.buyer) == buyer)
    }

    fn joined_on(&self) -> &'static str {
        if self.profile.new { NEW } else { LONG_AGO }
    }

    pub(crate) fn people(&self) -> Vec<PersonFact> {
        let id = |place: usize| person_id(place).parse().ok();
        let fact = |(place, member): (usize, &Member)| {
            let mut fact = PersonFact::new(id(place)?, member.parent.and_then(id));
            fact.kind = if member.customer { PersonKind::Customer } else { PersonKind::Consultant };
            fact.joined_on = self.joined_on().parse::<Date>().ok();
            if !self.profile.status.is_empty() {
                fact.status.clone_from(&self.profile.status);
            }
            fact.country.clone_from(&self.profile.country);
            fact.zone.clone_from(&self.profile.zone);
            fact.currency = self.profile.currency.parse().ok();
            fact.tags.clone_from(&self.profile.tags);
            fact.manual_rank.clone_from(&member.by_hand);
            fact.previous_rank = Some(self.profile.rank_before.clone()).filter(|code| !code.is_empty());
            Some(fact)
        };
        self.members.iter().enumerate().filter_map(fact).collect()
    }

    pub(crate) fn orders(&self) -> Vec<OrderFact> {
        let fact = |(place, sale): (usize, &Sale)| {
            let id = format!("o{}", place + 1).parse().ok()?;
            let paid_at: Timestamp = PAID_AT.parse().ok()?;
            let volume = sale.volume.normalize();
            let mut fact = OrderFact::sale(id, person_id(sale.buyer).parse().ok()?, paid_at, volume);
            fact.points = volume;
            if self.members.get(sale.buyer).is_some_and(|buyer| buyer.customer) {
                fact.customer_price = volume;
                fact.consultant_price = consultant_price(volume);
            }
            fact.first_of_person = self.is_first(place);
            fact.category.clone_from(&self.profile.category);
            Some(fact)
        };
        self.sales.iter().enumerate().filter_map(fact).collect()
    }

    /// `people.csv`.
    pub(crate) fn people_csv(&self) -> String {
        let mut text = String::from(
            "id,kind,parent,joined_on,status,country,zone,currency,tags,previous_rank,manual_rank\n",
        );
        for fact in self.people() {
            let kind = if fact.kind == PersonKind::Customer { "customer" } else { "consultant" };
            let parent = fact.parent.as_ref().map_or("", |id| id.as_str());
            let tags = fact.tags.join(";");
            let cells = [&fact.status, &fact.country, &fact.zone, &self.profile.currency, &tags]
                .map(|cell| quoted(cell))
                .join(",");
            let (before, by_hand) =
                (fact.previous_rank.unwrap_or_default(), fact.manual_rank.unwrap_or_default());
            let _ =
                writeln!(text, "{},{kind},{parent},{},{cells},{before},{by_hand}", fact.id, self.joined_on());
        }
        text
    }

    /// `orders.csv`.
    pub(crate) fn orders_csv(&self) -> String {
        let mut text = String::from(
            "id,person,paid_at,net,gross,vq,vc,points,customer_price,consultant_price,first_of_person,category\n",
        );
        for fact in self.orders() {
            let OrderFact { id, person, net, gross, vq, vc, points, .. } = &fact;
            let (price, own) = (fact.customer_price, fact.consultant_price);
            let (first, category) = (fact.first_of_person, quoted(&fact.category));
            let _ = writeln!(
                text,
                "{id},{person},{PAID_AT},{net},{gross},{vq},{vc},{points},{price},{own},{first},{category}"
            );
        }
        text
    }
}

/// Three quarters of what the customer pays, in whole cents.
fn consultant_price(volume: Decimal) -> Decimal {
    volume.checked_mul(Decimal::new(75, 2)).unwrap_or_default().round_dp(2)
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Everyone under the one before.
pub(crate) fn chain(people: usize) -> Vec<Option<usize>> {
    (0..people).map(|place| place.checked_sub(1)).collect()
}

/// A tree in which everyone but the last level has `width` children; `depth` levels below the root.
pub(crate) fn regular(width: usize, depth: usize) -> Vec<Option<usize>> {
    let mut parents = vec![None];
    let mut level = vec![0];
    for _ in 0..depth {
        let mut next = Vec::new();
        for above in level {
            for _ in 0..width {
                next.push(parents.len());
                parents.push(Some(above));
            }
        }
        level = next;
    }
    parents
}

/// A chain in which everyone has `legs` children more, who have none.
pub(crate) fn caterpillar(spine: usize, legs: usize) -> Vec<Option<usize>> {
    let mut parents = chain(spine);
    for above in 0..spine {
        parents.extend((0..legs).map(|_| Some(above)));
    }
    parents
}
