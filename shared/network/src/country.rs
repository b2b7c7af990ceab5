//! Countries by their ISO 3166 codes.

use serde::{Deserialize, Serialize};

const CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD \
    GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN \
    KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE \
    NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM \
    SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT \
    ZA ZM ZW";

/// A country, for example `CO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// A text that is no country's code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the two capital letters of a country (ISO 3166); found {found:?}")]
pub struct UnknownCountry {
    /// The refused text.
    pub found: String,
}

impl Country {
    /// The two-letter code.
    pub fn code(&self) -> &str {
        // Only ASCII letters get in.
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl std::str::FromStr for Country {
    type Err = UnknownCountry;
    fn from_str(code: &str) -> Result<Self, UnknownCountry> {
        let unknown = || UnknownCountry { found: code.to_owned() };
        let bytes = <[u8; 2]>::try_from(code.as_bytes()).map_err(|_| unknown())?;
        if CODES.split_whitespace().any(|known| known == code) { Ok(Self(bytes)) } else { Err(unknown()) }
    }
}

impl TryFrom<String> for Country {
    type Error = UnknownCountry;
    fn try_from(code: String) -> Result<Self, UnknownCountry> {
        code.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> String {
        country.code().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::Country;

    #[test]
    fn only_codes_in_capitals_are_countries() {
        assert_eq!("CO".parse::<Country>().unwrap().code(), "CO");
        for text in ["co", "XX", "COL", "", "Ñ"] {
            assert!(text.parse::<Country>().is_err(), "{text:?}");
        }
    }
}
