//! The catalogue: what the company sells, at what price in each currency, and what it counts for.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// Currencies with a price for every product, as positions in [`Product::consultant_minor`].
pub(super) const CURRENCIES: [&str; 4] = ["COP", "MXN", "PEN", "USD"];

/// Price of one US cent and the step prices are rounded up to, both in minor units, per currency.
const PRICING: [(i64, i64); 4] = [(4_000, 10_000), (18, 100), (4, 10), (1, 5)];

/// A category of products. VAT is the category's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Food supplements.
    Nutrition,
    /// Skin and hair.
    PersonalCare,
    /// Perfumes.
    Fragrance,
    /// Colour cosmetics.
    MakeUp,
    /// Cleaning and home.
    Home,
    /// Kits, catalogues and samples: without commissionable volume, never in a generated order.
    SalesAids,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Nutrition, Self::PersonalCare, Self::Fragrance, Self::MakeUp, Self::Home, Self::SalesAids];

    /// The value in files.
    pub fn code(self) -> &'static str {
        match self {
            Self::Nutrition => "nutricion",
            Self::PersonalCare => "cuidado-personal",
            Self::Fragrance => "fragancias",
            Self::MakeUp => "maquillaje",
            Self::Home => "hogar",
            Self::SalesAids => "ayudas-de-venta",
        }
    }

    /// VAT on top of the net price, in percent.
    pub fn vat_percent(self) -> i64 {
        match self {
            Self::Nutrition => 5,
            Self::SalesAids => 0,
            _ => 19,
        }
    }

    /// How often orders are of it, out of 100.
    pub(super) fn weight(self) -> u64 {
        match self {
            Self::Nutrition => 34,
            Self::PersonalCare => 28,
            Self::Fragrance | Self::MakeUp => 14,
            Self::Home => 10,
            Self::SalesAids => 0,
        }
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: String,
    /// Its name in Spanish.
    pub name_es: &'static str,
    /// Its name in English.
    pub name_en: &'static str,
    /// What it belongs to.
    pub category: Category,
    /// Qualifying volume of a unit, in hundredths of a point.
    pub vq_cents: i64,
    /// Commissionable volume of a unit, in hundredths of a point; 70% to 100% of the qualifying one.
    pub vc_cents: i64,
    /// Loyalty points of a unit.
    pub points: i64,
    consultant_minor: [i64; 4],
    customer_minor: [i64; 4],
}

impl Product {
    /// What a consultant pays for a unit without VAT, in minor units; none in a currency the company does not sell in.
    pub fn consultant_price(&self, currency: &str) -> Option<i64> {
        price(&self.consultant_minor, currency)
    }

    /// What a customer pays for a unit without VAT, in minor units: the list price.
    pub fn customer_price(&self, currency: &str) -> Option<i64> {
        price(&self.customer_minor, currency)
    }
}

fn price(minor: &[i64; 4], currency: &str) -> Option<i64> {
    CURRENCIES.iter().position(|known| *known == currency).map(|position| minor[position])
}

/// The products, by category.
pub fn products() -> Vec<Product> {
    let mut products = Vec::with_capacity(ROWS.len());
    for (number, (category, name_es, name_en, us_cents, vq_cents, vc_share)) in (1..).zip(ROWS) {
        let consultant_minor = PRICING.map(|(rate, step)| round_up(us_cents * rate, step));
        products.push(Product {
            id: format!("SKU-{number:03}"),
            name_es,
            name_en,
            category,
            vq_cents,
            vc_cents: vq_cents * vc_share / 100,
            points: vq_cents / 1_000,
            consultant_minor,
            customer_minor: std::array::from_fn(|at| round_up(consultant_minor[at] * 4 / 3, PRICING[at].1)),
        });
    }
    products
}

fn round_up(minor: i64, step: i64) -> i64 {
    (minor + step - 1) / step * step
}

/// The catalogue as JSON: prices without VAT, decimals as text. `prices` is the list everybody buys at, `consultant_prices` that
/// of consultants.
pub fn catalogue() -> Value {
    let prices = |minor: &[i64; 4]| -> Value {
        CURRENCIES.iter().zip(minor).map(|(code, price)| ((*code).to_owned(), json!(cents(*price)))).collect()
    };
    let products: Vec<Value> = products()
        .iter()
        .map(|product| {
            json!({
                "id": product.id,
                "name": { "es": product.name_es, "en": product.name_en },
                "category": product.category,
                "vat_percent": product.category.vat_percent().to_string(),
                "prices": prices(&product.customer_minor),
                "consultant_prices": prices(&product.consultant_minor),
                "vq": cents(product.vq_cents),
                "vc": cents(product.vc_cents),
                "points": product.points,
            })
        })
        .collect();
    json!({ "products": products })
}

/// Hundredths as a decimal with two decimals; never negative here.
fn cents(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

type Row = (Category, &'static str, &'static str, i64, i64, i64);

/// Category, names, consultant's price in US cents, VQ in hundredths, VC as a percentage of VQ.
const ROWS: [Row; 40] = {
    use Category::{Fragrance, Home, MakeUp, Nutrition, PersonalCare, SalesAids};
    [
        (Nutrition, "Proteína vegetal vainilla 750 g", "Vanilla plant protein 750 g", 3_400, 3_000, 90),
        (Nutrition, "Proteína vegetal cacao 750 g", "Cocoa plant protein 750 g", 3_400, 3_000, 90),
        (Nutrition, "Colágeno hidrolizado 300 g", "Hydrolysed collagen 300 g", 2_850, 2_500, 100),
        (Nutrition, "Omega 3, 60 cápsulas", "Omega 3, 60 capsules", 1_900, 1_700, 100),
        (Nutrition, "Multivitamínico, 30 tabletas", "Multivitamin, 30 tablets", 1_250, 1_100, 100),
        (Nutrition, "Fibra con ciruela 400 g", "Plum fibre 400 g", 1_480, 1_200, 80),
        (Nutrition, "Té verde con jengibre, 20 sobres", "Green tea with ginger, 20 bags", 560, 450, 80),
        (Nutrition, "Barra de quinua, unidad", "Quinoa bar, each", 330, 250, 70),
        (Nutrition, "Programa de bienestar de 30 días", "30-day wellness programme", 9_600, 9_000, 95),
        (PersonalCare, "Crema facial de día 50 ml", "Day cream 50 ml", 2_200, 2_000, 100),
        (PersonalCare, "Crema facial de noche 50 ml", "Night cream 50 ml", 2_400, 2_150, 100),
        (PersonalCare, "Sérum de vitamina C 30 ml", "Vitamin C serum 30 ml", 2_900, 2_600, 95),
        (PersonalCare, "Protector solar SPF 50, 60 ml", "Sunscreen SPF 50, 60 ml", 1_750, 1_500, 90),
        (PersonalCare, "Champú de romero 400 ml", "Rosemary shampoo 400 ml", 980, 800, 85),
        (PersonalCare, "Acondicionador de romero 400 ml", "Rosemary conditioner 400 ml", 980, 800, 85),
        (PersonalCare, "Jabón de avena, 3 unidades", "Oat soap, 3 bars", 520, 400, 80),
        (PersonalCare, "Crema de manos de coco 75 ml", "Coconut hand cream 75 ml", 390, 300, 80),
        (PersonalCare, "Aceite corporal de almendras 200 ml", "Almond body oil 200 ml", 1_360, 1_150, 90),
        (PersonalCare, "Rutina facial completa", "Complete facial routine", 8_200, 7_500, 95),
        (Fragrance, "Agua de perfume Guayacán 50 ml", "Guayacán eau de parfum 50 ml", 4_600, 4_000, 90),
        (Fragrance, "Agua de perfume Orquídea 50 ml", "Orquídea eau de parfum 50 ml", 4_600, 4_000, 90),
        (Fragrance, "Agua de perfume Páramo 100 ml", "Páramo eau de parfum 100 ml", 6_900, 6_000, 90),
        (Fragrance, "Colonia cítrica 100 ml", "Citrus cologne 100 ml", 2_300, 1_900, 85),
        (Fragrance, "Splash corporal 200 ml", "Body splash 200 ml", 1_150, 900, 80),
        (Fragrance, "Perfume de bolsillo 10 ml", "Pocket perfume 10 ml", 640, 500, 80),
        (MakeUp, "Base líquida 30 ml", "Liquid foundation 30 ml", 1_850, 1_600, 90),
        (MakeUp, "Labial mate", "Matte lipstick", 890, 750, 90),
        (MakeUp, "Máscara de pestañas", "Mascara", 1_080, 900, 90),
        (MakeUp, "Paleta de sombras, 12 tonos", "Eyeshadow palette, 12 shades", 3_100, 2_700, 90),
        (MakeUp, "Delineador de ojos", "Eyeliner", 470, 350, 85),
        (MakeUp, "Rubor compacto", "Compact blush", 1_190, 1_000, 90),
        (Home, "Detergente concentrado 2 L", "Concentrated detergent 2 L", 1_420, 1_100, 75),
        (Home, "Limpiador multiusos 1 L", "All-purpose cleaner 1 L", 610, 450, 75),
        (Home, "Ambientador de lavanda 250 ml", "Lavender air freshener 250 ml", 730, 550, 75),
        (Home, "Vela aromática de canela", "Cinnamon scented candle", 1_320, 1_050, 80),
        (Home, "Filtro de agua de mesa", "Countertop water filter", 12_800, 10_000, 80),
        (SalesAids, "Catálogo impreso, 5 unidades", "Printed catalogue, 5 copies", 300, 0, 0),
        (SalesAids, "Kit de inicio", "Starter kit", 2_500, 1_000, 0),
        (SalesAids, "Muestras surtidas, 20 unidades", "Assorted samples, 20 pieces", 600, 0, 0),
        (SalesAids, "Bolso de consultora", "Consultant's bag", 1_400, 0, 0),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_has_every_price_and_a_margin() {
        for product in products() {
            for currency in CURRENCIES {
                let consultant = product.consultant_price(currency).unwrap();
                assert!(
                    0 < consultant && consultant < product.customer_price(currency).unwrap(),
                    "{}",
                    product.id
                );
            }
            assert!(product.vc_cents <= product.vq_cents);
            assert_eq!(product.consultant_price("EUR"), None);
        }
    }

    #[test]
    fn every_category_of_orders_has_a_product_cheap_enough_for_the_smallest() {
        for category in Category::ALL.into_iter().filter(|category| category.weight() > 0) {
            let cheapest = products().iter().filter(|p| p.category == category).map(|p| p.vq_cents).min();
            assert!(cheapest.unwrap() <= 550, "{category:?}");
        }
        assert_eq!(Category::ALL.map(Category::weight).iter().sum::<u64>(), 100);
    }

    #[test]
    fn the_catalogue_states_prices_as_text() {
        let catalogue = catalogue();
        assert_eq!(catalogue["products"].as_array().unwrap().len(), 40);
        let tea = &catalogue["products"][6];
        assert_eq!(tea["consultant_prices"]["COP"], "22400.00");
        assert_eq!(tea["prices"]["COP"], "29900.00");
        assert_eq!(
            (&tea["vq"], &tea["vc"], &tea["vat_percent"]),
            (&json!("4.50"), &json!("3.60"), &json!("5"))
        );
    }
}
