//! Random texts of the rule language, of a type, over the names of a place.

use super::dice::Dice;

/// What a rule may speak of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    pub(crate) numbers: Vec<String>,
    pub(crate) truths: Vec<String>,
    pub(crate) texts: Vec<String>,
    /// Codes of the ranks that functions may be asked for; empty where there are no such functions.
    pub(crate) ranks_around: Vec<String>,
}

impl Words {
    /// Attributes of a person and the indicators `indicators`.
    pub(crate) fn of_person(indicators: &[String], ranks: &[String]) -> Self {
        let attributes = ["level", "previous_rank", "honorific_rank"];
        let numbers = indicators.iter().map(String::as_str).chain(attributes);
        Self {
            numbers: numbers.map(str::to_owned).chain(ranks.iter().cloned()).collect(),
            truths: ["consultant", "joined_this_cycle", "('vip' in tags)"].map(str::to_owned).to_vec(),
            texts: ["country", "status", "zone", "currency", "kind"].map(str::to_owned).to_vec(),
            ranks_around: Vec::new(),
        }
    }

    pub(crate) fn and_number(mut self, name: &str) -> Self {
        self.numbers.push(name.to_owned());
        self
    }

    pub(crate) fn and_truth(mut self, name: &str) -> Self {
        self.truths.push(name.to_owned());
        self
    }

    /// The same said of the member who brought something.
    pub(crate) fn and_of_source(mut self) -> Self {
        let not_rank = |name: &&String| !name.starts_with('R') && !name.contains('(');
        let of_source: Vec<String> =
            self.numbers.iter().filter(not_rank).map(|name| format!("source.{name}")).collect();
        self.numbers.extend(of_source);
        self.texts.push("source.country".to_owned());
        self.truths.push("source.consultant".to_owned());
        self
    }

    pub(crate) fn and_of_order(mut self) -> Self {
        for name in [
            "net",
            "gross",
            "vq",
            "vc",
            "units",
            "points",
            "days_since_joining",
            "customer_price",
            "consultant_price",
        ] {
            self.numbers.push(format!("order.{name}"));
        }
        self.truths.extend(["order.is_return", "order.first_of_person"].map(str::to_owned));
        self.texts.push("order.category".to_owned());
        self
    }

    pub(crate) fn truth(&self, dice: &mut Dice<'_>, deep: usize) -> String {
        let further = if deep == 0 { 6 } else { 12 };
        match dice.below(further) {
            0 | 1 => format!("{} {} {}", self.number(dice, 0), comparison(dice), constant(dice)),
            2 => dice.one_of(&self.truths),
            3 => format!("!{}", dice.one_of(&self.truths)),
            4 => match dice.below(3) {
                0 => format!("{} == 'CO'", dice.one_of(&self.texts)),
                1 => format!("{} in ['CO', 'norte', 'active', 'A']", dice.one_of(&self.texts)),
                _ => format!("size({}) {} 2", dice.one_of(&self.texts), comparison(dice)),
            },
            5 => Self::of_dates(dice),
            6 | 7 => format!("({} && {})", self.truth(dice, deep - 1), self.truth(dice, deep - 1)),
            8 | 9 => format!("({} || {})", self.truth(dice, deep - 1), self.truth(dice, deep - 1)),
            10 => format!(
                "{} {} {}",
                self.number(dice, deep - 1),
                comparison(dice),
                self.number(dice, deep - 1)
            ),
            _ => format!(
                "({} ? {} : {})",
                self.truth(dice, deep - 1),
                self.truth(dice, deep - 1),
                self.truth(dice, deep - 1)
            ),
        }
    }

    fn of_dates(dice: &mut Dice<'_>) -> String {
        match dice.below(7) {
            0 => format!("has(joined_on) && joined_on {} date('2025-12-05')", comparison(dice)),
            1 => format!("default(joined_on, date('2025-11-30')) {} date('2025-11-15')", comparison(dice)),
            2 => format!("(has(joined_on) ? month(joined_on) : 0) {} 11", comparison(dice)),
            3 => format!(
                "months_between(default(joined_on, date('2026-01-31')), date('2026-02-28')) {} 1",
                comparison(dice)
            ),
            4 => format!("cycle_start {} date('2025-12-01')", comparison(dice)),
            5 => format!("months_between(default(joined_on, cycle_start), cycle_end) {} 1", comparison(dice)),
            _ => "tags.exists(t, t.startsWith('n'))".to_owned(),
        }
    }

    pub(crate) fn number(&self, dice: &mut Dice<'_>, deep: usize) -> String {
        let further = if deep == 0 { 4 } else { 14 };
        match dice.below(further) {
            0 | 1 => {
                if !self.ranks_around.is_empty() && dice.once_in(2) {
                    let function =
                        dice.one_of(&["legs_with_rank", "frontline_with_rank", "downline_with_rank"]);
                    let people =
                        if function == "legs_with_rank" { dice.one_of(&["", "", ", 2", ", 3"]) } else { "" };
                    return format!("{function}('{}'{people})", dice.one_of(&self.ranks_around));
                }
                dice.one_of(&self.numbers)
            }
            2 => constant(dice),
            3 => format!("-{}", dice.one_of(&self.numbers)),
            4 | 5 => format!("({} + {})", self.number(dice, deep - 1), self.number(dice, deep - 1)),
            6 => format!("({} - {})", self.number(dice, deep - 1), self.number(dice, deep - 1)),
            7 => format!("({} * {})", self.number(dice, deep - 1), constant(dice)),
            8 => format!("({} / {})", self.number(dice, deep - 1), dice.one_of(&self.numbers)),
            9 => format!("({} % {})", self.number(dice, deep - 1), dice.one_of(&self.numbers)),
            10 => {
                let function = dice.one_of(&["min", "max"]);
                format!("{function}({}, {})", self.number(dice, deep - 1), self.number(dice, deep - 1))
            }
            11 => {
                let function = dice.one_of(&["round", "floor", "ceil", "trunc", "abs"]);
                format!("{function}({})", self.number(dice, deep - 1))
            }
            12 => {
                let function = dice.one_of(&["bracket", "bracket_marginal"]);
                format!("{function}({}, [0, 0.5, 100, 1.5, 250.25, 2])", self.number(dice, deep - 1))
            }
            _ => format!(
                "({} ? {} : {})",
                self.truth(dice, deep - 1),
                self.number(dice, deep - 1),
                self.number(dice, deep - 1)
            ),
        }
    }
}

fn comparison(dice: &mut Dice<'_>) -> &'static str {
    dice.one_of(&[">=", ">", "<", "<=", "==", "!="])
}

fn constant(dice: &mut Dice<'_>) -> String {
    dice.one_of(&["100", "1", "0.5", "2", "3", "50.05", "300", "1000", "0.0001"]).to_owned()
}
