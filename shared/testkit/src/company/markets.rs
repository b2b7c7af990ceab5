//! The countries the company sells in: currencies, sales zones, and phone numbers nobody has.

use super::random::Random;

/// A country the company sells in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Country {
    /// Colombia, where the company and its root are.
    Co,
    /// Mexico.
    Mx,
    /// Peru.
    Pe,
    /// United States.
    Us,
    /// Ecuador, which uses the US dollar.
    Ec,
}

impl Country {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Co, Self::Mx, Self::Pe, Self::Us, Self::Ec];

    /// The ISO 3166 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Co => "CO",
            Self::Mx => "MX",
            Self::Pe => "PE",
            Self::Us => "US",
            Self::Ec => "EC",
        }
    }

    /// The ISO 4217 code of the currency its people buy and are paid in. All of them have two decimals.
    pub fn currency(self) -> &'static str {
        match self {
            Self::Co => "COP",
            Self::Mx => "MXN",
            Self::Pe => "PEN",
            Self::Us | Self::Ec => "USD",
        }
    }

    /// The codes of its sales zones.
    pub fn zones(self) -> &'static [&'static str] {
        match self {
            Self::Co => &["CO-BOG", "CO-ANT", "CO-VAC", "CO-ATL", "CO-SAN", "CO-EJE"],
            Self::Mx => &["MX-CMX", "MX-JAL", "MX-NLE", "MX-PUE"],
            Self::Pe => &["PE-LIM", "PE-ARE", "PE-TRU"],
            Self::Us => &["US-FL", "US-TX", "US-NY"],
            Self::Ec => &["EC-PIC", "EC-GUA"],
        }
    }

    /// A phone number, country code first. Those of the United States are kept for fiction; the others lie outside what their
    /// countries give to mobile phones.
    pub(super) fn phone(self, random: &mut Random) -> u64 {
        let last_digits = random.below(10_000_000);
        match self {
            Self::Co => 573_990_000_000 + last_digits,
            Self::Mx => 521_000_000_000 + last_digits,
            Self::Pe => 51_800_000_000 + last_digits,
            Self::Us => {
                let area = 201 + last_digits / 100 % 700;
                10_005_550_100 + area * 10_000_000 + last_digits % 100
            }
            Self::Ec => 593_100_000_000 + last_digits,
        }
    }

    /// A country for somebody whose recruiter gives no hint.
    pub(super) fn draw(random: &mut Random) -> Self {
        Self::ALL[random.weighted([50, 22, 13, 4, 11].into_iter())]
    }
}
