//! Orders: who buys what when, and what comes back.
//!
//! 60% of the people order in a cycle, one and a half times on average, for log-normal qualifying volumes around 90.00. About 2% of
//! the rows are returns, four in five of them of a sale of the same cycle.

use foundation::cycle::Cycle;
use jiff::Timestamp;

use super::{
    catalogue::{Category, Product},
    people::{Days, Person, PersonKind, Status},
    random::Random,
};

/// Whether goods went out or came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// Bought.
    Sale,
    /// Returned, in whole or in part. Its amounts are positive.
    Return,
}

impl OrderKind {
    /// The value in files.
    pub fn code(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Return => "return",
        }
    }
}

/// Names an order by where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderRef {
    /// Position of its cycle in [`super::Company::cycles`].
    pub cycle: u32,
    /// Position among that cycle's orders.
    pub index: u32,
}

/// Units of a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Position in [`super::products`].
    pub product: u16,
    /// How many, 1 and more.
    pub quantity: u16,
}

/// The most lines an order has.
const LINES_MAX: usize = 4;

/// A sale or a return.
#[derive(Clone, Debug)]
pub struct Order {
    /// Number of the person who ordered.
    pub person: u32,
    /// When it became commissionable, to the second.
    pub paid_at: Timestamp,
    /// Sale or return.
    pub kind: OrderKind,
    /// Whether it is the first sale the person ever had.
    pub first_of_person: bool,
    /// The sale a return takes back.
    pub reverses: Option<OrderRef>,
    /// Unused lines have quantity 0 and stand at the end.
    basket: [Line; LINES_MAX],
}

impl Order {
    /// What was bought or returned: one category, each product once.
    pub fn lines(&self) -> impl Iterator<Item = Line> {
        self.basket.into_iter().take_while(|line| line.quantity > 0)
    }
}

/// What an order comes to. Money is in minor units of the person's currency, volumes are in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// What the buyer pays before VAT.
    pub net: i64,
    /// With VAT, rounded half to even per line.
    pub gross: i64,
    /// Qualifying volume.
    pub vq: i64,
    /// Commissionable volume.
    pub vc: i64,
    /// Pieces.
    pub units: i64,
    /// Loyalty points, whole.
    pub points: i64,
    /// What a customer pays for the same, before VAT.
    pub customer_price: i64,
    /// What a consultant pays for the same, before VAT.
    pub consultant_price: i64,
}

impl Amounts {
    pub(super) fn of(order: &Order, products: &[Product], person: &Person) -> Self {
        let currency = person.country.currency();
        let mut amounts = Self::default();
        for line in order.lines() {
            let product = &products[usize::from(line.product)];
            let quantity = i64::from(line.quantity);
            // The catalogue's tests show that every product has a price in every currency of a country.
            let customer_price = quantity * product.customer_price(currency).unwrap_or_default();
            let consultant_price = quantity * product.consultant_price(currency).unwrap_or_default();
            let net = match person.kind {
                PersonKind::Consultant => consultant_price,
                PersonKind::Customer => customer_price,
            };
            amounts.net += net;
            amounts.gross += net + percent_half_even(net, product.category.vat_percent());
            amounts.vq += quantity * product.vq_cents;
            amounts.vc += quantity * product.vc_cents;
            amounts.units += quantity;
            amounts.points += quantity * product.points;
            amounts.customer_price += customer_price;
            amounts.consultant_price += consultant_price;
        }
        amounts
    }
}

fn percent_half_even(amount: i64, percent: i64) -> i64 {
    let product = amount * percent;
    let (whole, rest) = (product / 100, product % 100);
    whole + i64::from(rest > 50 || (rest == 50 && whole % 2 == 1))
}

/// Qualifying volumes in hundredths: quantile k/128 of the log-normal distribution with median 90.00 and sigma 0.8 stands at
/// place k; the first and the last are the quantiles 1/4096 and 4095/4096. Worked out once, so that no draw needs a float.
const QUANTILES: [i64; 129] = [
    553, 1_301, 1_607, 1_835, 2_028, 2_199, 2_355, 2_500, 2_638, 2_769, 2_895, 3_017, 3_136, 3_251, 3_365,
    3_476, 3_586, 3_694, 3_801, 3_907, 4_012, 4_116, 4_220, 4_323, 4_426, 4_529, 4_631, 4_734, 4_836, 4_938,
    5_041, 5_144, 5_247, 5_350, 5_454, 5_558, 5_663, 5_768, 5_874, 5_980, 6_087, 6_195, 6_304, 6_413, 6_524,
    6_635, 6_747, 6_860, 6_975, 7_090, 7_207, 7_325, 7_444, 7_565, 7_687, 7_811, 7_936, 8_062, 8_191, 8_321,
    8_453, 8_587, 8_722, 8_860, 9_000, 9_142, 9_287, 9_433, 9_583, 9_735, 9_889, 10_047, 10_207, 10_370,
    10_537, 10_707, 10_881, 11_058, 11_239, 11_424, 11_613, 11_807, 12_005, 12_208, 12_416, 12_630, 12_849,
    13_075, 13_306, 13_545, 13_790, 14_043, 14_304, 14_573, 14_852, 15_140, 15_438, 15_747, 16_068, 16_402,
    16_749, 17_112, 17_490, 17_886, 18_301, 18_736, 19_195, 19_679, 20_191, 20_734, 21_311, 21_928, 22_590,
    23_302, 24_073, 24_913, 25_832, 26_848, 27_979, 29_253, 30_708, 32_396, 34_397, 36_839, 39_941, 44_131,
    50_417, 62_257, 146_483,
];

/// A qualifying volume, evenly between two neighbouring quantiles.
fn draw_volume(random: &mut Random) -> i64 {
    let drawn = random.below(128 * 1_024);
    let cell = usize::try_from(drawn / 1_024).unwrap_or_default();
    let within = i64::try_from(drawn % 1_024).unwrap_or_default();
    QUANTILES[cell] + (QUANTILES[cell + 1] - QUANTILES[cell]) * within / 1_024
}

/// The products of the categories that are ordered, cheapest volume first.
struct Shelf {
    weight: u64,
    /// Position in the catalogue and volume of a unit.
    products: Vec<(u16, i64)>,
}

fn shelves(products: &[Product]) -> Vec<Shelf> {
    Category::ALL
        .into_iter()
        .map(|category| {
            let mut own: Vec<(u16, i64)> = (0..)
                .zip(products)
                .filter(|(_, product)| product.category == category)
                .map(|(position, product)| (position, product.vq_cents))
                .collect();
            own.sort_by_key(|(position, volume)| (*volume, *position));
            Shelf { weight: category.weight(), products: own }
        })
        .collect()
}

/// Fills a basket to about `volume`: some units of up to three products, then the cheapest for what is left.
fn fill_basket(shelf: &Shelf, volume: i64, random: &mut Random) -> [Line; LINES_MAX] {
    let mut basket = [Line::default(); LINES_MAX];
    let mut used = 0;
    let (cheapest, smallest) = shelf.products[0];
    let mut rest = (volume + smallest / 2).max(smallest);
    for slot in 0..LINES_MAX {
        let affordable = shelf.products.partition_point(|(_, own)| *own <= rest);
        if affordable == 0 {
            break;
        }
        let most = |own: i64| u16::try_from(rest / own).unwrap_or(u16::MAX);
        let (product, quantity, own) = if slot + 1 == LINES_MAX {
            (cheapest, most(smallest), smallest)
        } else {
            let (product, own) = shelf.products[usize::from(random.row(affordable))];
            let quantity = random.below(u64::from(most(own)));
            (product, 1 + u16::try_from(quantity).unwrap_or_default(), own)
        };
        rest -= i64::from(quantity) * own;
        if let Some(line) = basket[..used].iter_mut().find(|line| line.product == product) {
            line.quantity += quantity;
        } else {
            basket[used] = Line { product, quantity };
            used += 1;
        }
    }
    basket
}

/// Draws the orders of every cycle, each in the order of payment.
pub(super) fn place(
    people: &[Person],
    products: &[Product],
    cycles: &[Cycle],
    days: &Days,
    seed: u64,
) -> Vec<Vec<Order>> {
    let shelves = shelves(products);
    let mut buyers = Buyers::new(people, days, cycles.first(), seed);
    let mut placed: Vec<Vec<Order>> = Vec::with_capacity(cycles.len());
    for (number, cycle) in (0_u32..).zip(cycles) {
        let mut random = Random::of(seed, cycle.id.as_str());
        let closing = number as usize + 1 == cycles.len();
        let mut orders = buyers.buy(cycle, closing, &shelves, &mut random);
        let same_cycle = returns_within(&orders, number, cycle, &mut random);
        orders.extend(same_cycle);
        if let Some(before) = placed.last() {
            orders.extend(returns_later(before, number, cycle, &mut random));
        }
        placed.push(in_order_of_payment(orders, number));
    }
    placed
}

/// Who can order, and who has before.
struct Buyers<'a> {
    people: &'a [Person],
    days: &'a Days,
    has_ordered: Vec<bool>,
}

impl<'a> Buyers<'a> {
    /// Nine in ten of those who joined before the first cycle have ordered before it.
    fn new(people: &'a [Person], days: &'a Days, first: Option<&Cycle>, seed: u64) -> Self {
        let mut random = Random::of(seed, "history");
        let start = first.map_or(i64::MIN, |cycle| cycle.start.as_second());
        let has_ordered = people
            .iter()
            .map(|person| random.per_mille(900) && days.midnight(person.joined_day) < start)
            .collect();
        Self { people, days, has_ordered }
    }

    /// The sales of a cycle, person by person.
    fn buy(&mut self, cycle: &Cycle, closing: bool, shelves: &[Shelf], random: &mut Random) -> Vec<Order> {
        let end = cycle.end.as_second();
        let mut sales = Vec::with_capacity(self.people.len());
        let mut moments = Vec::new();
        for ((number, person), has_ordered) in (0_u32..).zip(self.people).zip(&mut self.has_ordered) {
            let share = match person.status {
                Status::Active => 640,
                Status::Inactive if !closing => 320,
                Status::Inactive | Status::Terminated => 0,
            };
            let from = cycle.start.as_second().max(self.days.midnight(person.joined_day));
            if from >= end || !random.per_mille(share) {
                continue;
            }
            moments.clear();
            moments.push(moment(from, end, random));
            while random.below(3) == 0 {
                moments.push(moment(from, end, random));
            }
            moments.sort_unstable();
            for paid_at in &moments {
                let shelf = &shelves[random.weighted(shelves.iter().map(|shelf| shelf.weight))];
                let volume = draw_volume(random);
                sales.push(Order {
                    person: number,
                    paid_at: at(*paid_at),
                    kind: OrderKind::Sale,
                    first_of_person: !*has_ordered,
                    reverses: None,
                    basket: fill_basket(shelf, volume, random),
                });
                *has_ordered = true;
            }
        }
        sales
    }
}

/// A second in `from..end`; now and then the first or the last, where cycles are told apart.
fn moment(from: i64, end: i64, random: &mut Random) -> i64 {
    match random.below(1_024) {
        0 => from,
        1 => end - 1,
        _ => from + i64::try_from(random.below(end.abs_diff(from))).unwrap_or_default(),
    }
}

fn at(second: i64) -> Timestamp {
    // Seconds come from the bounds of a cycle, which are timestamps.
    Timestamp::from_second(second).unwrap_or_default()
}

/// Returns in `cycle` of sales of the same cycle: 16 in a thousand.
fn returns_within(sales: &[Order], number: u32, cycle: &Cycle, random: &mut Random) -> Vec<Order> {
    let end = cycle.end.as_second();
    let mut returns = Vec::new();
    for (index, sale) in (0_u32..).zip(sales) {
        let after = sale.paid_at.as_second() + 1;
        if random.per_mille(16) && after < end {
            let paid_at = moment(after, end, random);
            returns.push(take_back(sale, OrderRef { cycle: number, index }, paid_at, random));
        }
    }
    returns
}

/// Returns in `cycle` of sales of the cycle before that have not come back: 4 in a thousand.
fn returns_later(before: &[Order], number: u32, cycle: &Cycle, random: &mut Random) -> Vec<Order> {
    let mut is_back = vec![false; before.len()];
    for reversed in before.iter().filter_map(|order| order.reverses) {
        if reversed.cycle + 1 == number {
            is_back[reversed.index as usize] = true;
        }
    }
    let mut returns = Vec::new();
    for ((index, sale), is_back) in (0_u32..).zip(before).zip(is_back) {
        if random.per_mille(4) && sale.kind == OrderKind::Sale && !is_back {
            let paid_at = moment(cycle.start.as_second(), cycle.end.as_second(), random);
            returns.push(take_back(sale, OrderRef { cycle: number - 1, index }, paid_at, random));
        }
    }
    returns
}

/// Takes back everything, or (30%) some units of one line.
fn take_back(sale: &Order, reverses: OrderRef, paid_at: i64, random: &mut Random) -> Order {
    let mut basket = sale.basket;
    if random.per_mille(300) {
        let mut line = basket[usize::from(random.row(sale.lines().count()))];
        let quantity = random.below(u64::from(line.quantity));
        line.quantity = 1 + u16::try_from(quantity).unwrap_or_default();
        basket = [Line::default(); LINES_MAX];
        basket[0] = line;
    }
    Order {
        person: sale.person,
        paid_at: at(paid_at),
        kind: OrderKind::Return,
        first_of_person: false,
        reverses: Some(reverses),
        basket,
    }
}

/// Sorts a cycle's orders and lets its returns follow the sales they name.
fn in_order_of_payment(orders: Vec<Order>, number: u32) -> Vec<Order> {
    let mut drawn: Vec<(u32, Order)> = (0..).zip(orders).collect();
    drawn.sort_by_key(|(was, order)| (order.paid_at, *was));
    let mut place = vec![0_u32; drawn.len()];
    for (is, (was, _)) in (0..).zip(&drawn) {
        place[*was as usize] = is;
    }
    let renamed = |mut reversed: OrderRef| {
        if reversed.cycle == number {
            reversed.index = place[reversed.index as usize];
        }
        reversed
    };
    drawn.into_iter().map(|(_, order)| Order { reverses: order.reverses.map(renamed), ..order }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_log_normal_around_ninety() {
        let mut random = Random::of(3, "volumes");
        let mut drawn: Vec<i64> = (0..20_001).map(|_| draw_volume(&mut random)).collect();
        drawn.sort_unstable();
        let mean = drawn.iter().sum::<i64>() / 20_001;
        assert!((8_800..9_200).contains(&drawn[10_000]), "median {}", drawn[10_000]);
        assert!((12_100..13_000).contains(&mean), "mean {mean}");
        assert!(drawn[0] >= 553 && drawn[20_000] <= 146_483);
    }

    #[test]
    fn vat_is_rounded_half_to_even() {
        for (amount, percent, vat) in [(50, 1, 0), (150, 1, 2), (250, 1, 2), (251, 1, 3), (1_000, 19, 190)] {
            assert_eq!(percent_half_even(amount, percent), vat, "{percent}% of {amount}");
        }
    }
}
