//! Who the people are: kinds, sponsors, countries, statuses, ranks, names and documents.

use anyhow::Context;
use jiff::{ToSpan, civil::Date, tz::TimeZone};

use super::{
    Options,
    markets::Country,
    names::Name,
    network::{NOBODY, Shape},
    random::Random,
};

/// How long before the first cycle the first person joined.
const DAYS_BEFORE: i64 = 5 * 365;

/// What a person is to the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonKind {
    /// Sells, earns, may have a downline.
    Consultant,
    /// Buys. A quarter of the people; nobody hangs under one.
    Customer,
}

impl PersonKind {
    /// The value in files.
    pub fn code(self) -> &'static str {
        match self {
            Self::Consultant => "consultant",
            Self::Customer => "customer",
        }
    }
}

/// Where a person stands with the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In good standing.
    Active,
    /// Set inactive, may come back.
    Inactive,
    /// Has left; the place in the network remains.
    Terminated,
}

impl Status {
    /// The value in files.
    pub fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Terminated => "terminated",
        }
    }
}

/// The kind of a person's identity document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentType {
    /// Cédula de ciudadanía.
    Cc,
    /// Cédula de extranjería.
    Ce,
    /// Passport.
    Pas,
}

impl DocumentType {
    /// The value in files.
    pub fn code(self) -> &'static str {
        match self {
            Self::Cc => "CC",
            Self::Ce => "CE",
            Self::Pas => "PAS",
        }
    }
}

/// A rank set by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManualRank {
    /// Position in [`Options::ranks`].
    pub rank: u8,
    /// From this day. Either weeks before the first cycle, with `to` weeks after the last, or over long before.
    pub from: Date,
    /// To this day.
    pub to: Date,
}

/// What a person brings from earlier cycles besides a rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Career {
    /// Cycles of grace already used.
    pub grace_used: u8,
    /// Position of the honorific rank in [`Options::ranks`], never under the previous rank.
    pub honorific_rank: Option<u8>,
    /// A rank set by hand.
    pub manual: Option<ManualRank>,
}

/// A generated person.
#[derive(Clone, Debug)]
pub struct Person {
    /// Consultant or customer.
    pub kind: PersonKind,
    /// Number of the person above in the placement tree; none for the root.
    pub parent: Option<u32>,
    /// Number of the person who brought them in; none for the root.
    pub sponsor: Option<u32>,
    /// The day of joining.
    pub joined_on: Date,
    /// Where they stand.
    pub status: Status,
    /// Where they live.
    pub country: Country,
    /// Position of the previous cycle's rank in [`Options::ranks`]; none for customers.
    pub previous_rank: Option<u8>,
    /// What else they bring; none unless [`Options::careers`].
    pub career: Option<Career>,
    pub(super) joined_day: u16,
    zone: u8,
    tags: u8,
    name: Name,
    document_type: DocumentType,
    document: u32,
    phone: u64,
}

impl Person {
    /// The sales zone.
    pub fn zone(&self) -> &'static str {
        self.country.zones()[usize::from(self.zone)]
    }

    /// The tags, alphabetically.
    pub fn tags(&self) -> impl Iterator<Item = &'static str> {
        TAGS.iter().enumerate().filter(|(bit, _)| self.tags >> bit & 1 == 1).map(|(_, (tag, _))| *tag)
    }

    /// Given names and surnames.
    pub fn name(&self) -> String {
        self.name.full()
    }

    /// An e-mail address at a reserved domain; `number` is the person's and makes it unique.
    pub fn email(&self, number: u32) -> String {
        self.name.email(number)
    }

    /// Type and number of the identity document. Numbers are unique over all types.
    pub fn document(&self) -> (DocumentType, String) {
        let number = match self.document_type {
            DocumentType::Pas => format!("{}{}", self.country.code(), self.document),
            DocumentType::Cc | DocumentType::Ce => self.document.to_string(),
        };
        (self.document_type, number)
    }

    /// The phone number in international form.
    pub fn phone(&self) -> String {
        format!("+{}", self.phone)
    }
}

/// Tags and how many in a thousand have them, alphabetically.
const TAGS: [(&str, u64); 5] =
    [("digital", 120), ("embajadora", 15), ("mayorista", 30), ("mentor", 25), ("vip", 40)];

/// The days people may have joined on.
pub(super) struct Days {
    first: Date,
    /// Seconds since 1970 of each local midnight.
    midnights: Vec<i64>,
    first_cycle_day: u16,
}

impl Days {
    /// Every day from some years before `first_cycle_day` to `last_day`.
    pub(super) fn new(first_cycle_day: Date, last_day: Date, zone: &TimeZone) -> anyhow::Result<Self> {
        let first = first_cycle_day.checked_sub(DAYS_BEFORE.days())?;
        let mut midnights = Vec::new();
        let mut day = first;
        while day <= last_day {
            midnights.push(day.to_zoned(zone.clone())?.timestamp().as_second());
            day = day.tomorrow()?;
        }
        u16::try_from(midnights.len()).context("the cycles span too many years")?;
        Ok(Self { first, midnights, first_cycle_day: u16::try_from(DAYS_BEFORE)? })
    }

    /// The first moment of a day, in seconds since 1970.
    pub(super) fn midnight(&self, day: u16) -> i64 {
        self.midnights[usize::from(day)]
    }

    /// The day person `number` of `people` joins on: as many join on each day.
    fn of_joiner(&self, number: u32, people: usize) -> u16 {
        let day = u64::from(number) * self.midnights.len() as u64 / people as u64;
        u16::try_from(day).unwrap_or_default()
    }

    fn date(&self, day: u16) -> Date {
        self.first.saturating_add(i64::from(day).days())
    }
}

/// Gives everybody of `shape` a life.
pub(super) fn settle(shape: &Shape, days: &Days, options: &Options) -> Vec<Person> {
    let seed = options.seed;
    let kinds = kinds(shape, &mut Random::of(seed, "kinds"));
    let sponsors = sponsors(shape, &kinds, &mut Random::of(seed, "sponsors"));
    let places = places(shape, &mut Random::of(seed, "places"));
    let mut lives = Random::of(seed, "lives");
    let mut ranks = Random::of(seed, "ranks");
    let count = shape.parent.len();
    let mut people = Vec::with_capacity(count);
    for (number, kind) in (0_u32..).zip(kinds) {
        let index = number as usize;
        let joined_day = days.of_joiner(number, count);
        let (country, zone) = places[index];
        let previous_rank = match kind {
            PersonKind::Customer => None,
            PersonKind::Consultant => {
                let newcomer = joined_day >= days.first_cycle_day;
                previous_rank(shape, index, newcomer, options.ranks.len(), &mut ranks)
            }
        };
        let (document_type, document) = document(number, country, &mut lives);
        people.push(Person {
            kind,
            parent: somebody(shape.parent[index]),
            sponsor: somebody(sponsors[index]),
            joined_on: days.date(joined_day),
            status: if number == 0 { Status::Active } else { status(&mut lives) },
            country,
            previous_rank,
            career: options.careers.then(|| career(previous_rank, options, &mut ranks)),
            joined_day,
            zone,
            tags: (0..)
                .zip(TAGS)
                .fold(0, |tags, (bit, (_, share))| tags | (u8::from(lives.per_mille(share)) << bit)),
            name: Name::draw(&mut lives),
            document_type,
            document,
            phone: country.phone(&mut lives),
        });
    }
    people
}

fn somebody(number: u32) -> Option<u32> {
    (number != NOBODY).then_some(number)
}

/// A quarter of the people are customers: that many leaves outside the chains, each as likely as the other.
fn kinds(shape: &Shape, random: &mut Random) -> Vec<PersonKind> {
    let may_be = |index: usize| index != 0 && shape.children[index] == 0 && !shape.chained[index];
    let count = shape.parent.len();
    let mut candidates = (0..count).filter(|index| may_be(*index)).count() as u64;
    let mut wanted = (count as u64 / 4).min(candidates);
    let mut kinds = Vec::with_capacity(count);
    for index in 0..count {
        let mut kind = PersonKind::Consultant;
        if may_be(index) {
            if random.below(candidates) < wanted {
                kind = PersonKind::Customer;
                wanted -= 1;
            }
            candidates -= 1;
        }
        kinds.push(kind);
    }
    kinds
}

/// The enrolment tree. Most were brought in by their parent; some by somebody further up, who placed them lower, and some by somebody
/// of another line. Who was moved later keeps the sponsor of the first day.
///
/// A sponsor always joined before, and stands earlier in the load order, so there is no circle and no load order both
/// trees could not follow.
fn sponsors(shape: &Shape, kinds: &[PersonKind], random: &mut Random) -> Vec<u32> {
    let fits = |sponsor: u32, person: u32| {
        sponsor < person
            && shape.position[sponsor as usize] < shape.position[person as usize]
            && kinds[sponsor as usize] == PersonKind::Consultant
    };
    let mut sponsors = vec![NOBODY];
    for person in 1..u32::try_from(shape.parent.len()).unwrap_or(NOBODY) {
        let parent = shape.parent[person as usize];
        let first = shape.first_parent[person as usize];
        let mut sponsor = if fits(first, person) { first } else { parent };
        if random.per_mille(100) {
            for _ in 0..=random.below(5) {
                let above = shape.parent[sponsor as usize];
                sponsor = if above == NOBODY { sponsor } else { above };
            }
        } else if random.per_mille(80) {
            let other = (0..8).map(|_| random.below_u32(person)).find(|other| fits(*other, person));
            sponsor = other.unwrap_or(sponsor);
        }
        // Above a moved person there may be people who joined later; the root, at least, did not.
        while !fits(sponsor, person) {
            sponsor = shape.parent[sponsor as usize];
        }
        sponsors.push(sponsor);
    }
    sponsors
}

/// Country and zone: mostly those of the parent.
fn places(shape: &Shape, random: &mut Random) -> Vec<(Country, u8)> {
    let mut places = vec![(Country::Co, 0); shape.parent.len()];
    for person in shape.load_order.iter().skip(1) {
        let above = places[shape.parent[*person as usize] as usize];
        let country = if random.per_mille(900) { above.0 } else { Country::draw(random) };
        let stays = country == above.0 && random.per_mille(800);
        let zone = if stays { above.1 } else { random.row(country.zones().len()) };
        places[*person as usize] = (country, zone);
    }
    places
}

fn status(random: &mut Random) -> Status {
    match random.below(100) {
        0..94 => Status::Active,
        94..98 => Status::Inactive,
        _ => Status::Terminated,
    }
}

/// The rank of the cycle before: rank r needs r people on the first line and 3, 12, 48, ... below; a quarter made one less.
fn previous_rank(
    shape: &Shape,
    index: usize,
    newcomer: bool,
    ranks: usize,
    random: &mut Random,
) -> Option<u8> {
    let missed = random.per_mille(250);
    let highest = u8::try_from(ranks).unwrap_or(u8::MAX).checked_sub(1)?;
    let mut earned = 0;
    let mut needed = 3_u32;
    while !newcomer
        && earned < highest
        && shape.downline[index] >= needed
        && shape.children[index] > u32::from(earned)
    {
        earned += 1;
        needed = needed.saturating_mul(4);
    }
    Some(earned.saturating_sub(u8::from(missed)))
}

fn career(previous_rank: Option<u8>, options: &Options, random: &mut Random) -> Career {
    let (Some(rank), Some(highest)) = (previous_rank, options.ranks.len().checked_sub(1)) else {
        return Career::default();
    };
    let highest = u8::try_from(highest).unwrap_or(u8::MAX);
    let honorific = if random.per_mille(150) { (rank + 1).min(highest) } else { rank };
    let grace_used = if rank > 0 && random.per_mille(60) { 1 + random.row(2) } else { 0 };
    let manual = random.per_mille(3).then(|| manual_rank(highest, options, random)).flatten();
    Career { grace_used, honorific_rank: Some(honorific), manual }
}

fn manual_rank(highest: u8, options: &Options, random: &mut Random) -> Option<ManualRank> {
    let (first, last) = (options.cycles.first()?.first_day, options.cycles.last()?.last_day);
    let rank = random.row(usize::from(highest) + 1);
    let (from, to) = if random.per_mille(700) {
        (first.saturating_sub(30.days()), last.saturating_add(30.days()))
    } else {
        (first.saturating_sub(400.days()), first.saturating_sub(200.days()))
    };
    Some(ManualRank { rank, from, to })
}

/// Numbers grow with the person's own and leave gaps, so they are unique without being counted.
fn document(number: u32, country: Country, random: &mut Random) -> (DocumentType, u32) {
    let foreigner = random.per_mille(60);
    let gap = random.below_u32(37);
    let document_type = match (country, foreigner) {
        (Country::Co, false) => DocumentType::Cc,
        (Country::Co, true) => DocumentType::Ce,
        _ => DocumentType::Pas,
    };
    (document_type, 10_000_000 + number * 37 + gap)
}
