//! Detailed sales: a row for every line of every paid order and of every return.

use foundation::{
    id::{CycleId, OrderId, PersonId},
    locale::{Locale, Text},
    money::Currency,
    reach::Reach,
};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Cell, Column, Filters};

/// The buyer of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// Who.
    pub id: PersonId,
    /// Their ancestors.
    pub upline: Vec<PersonId>,
    /// Their name.
    pub name: String,
    /// Whether they are a consultant (or a customer).
    pub is_consultant: bool,
    /// ISO 3166 code.
    pub country: String,
    /// Sales territory.
    pub zone: Option<String>,
}

/// An order or return that was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// The order, or the return.
    pub order: OrderId,
    /// The cycle it counts in.
    pub cycle: CycleId,
    /// When it was paid.
    pub paid_at: Timestamp,
    /// Whether it came back: then its numbers are shown as negative.
    pub is_return: bool,
    /// Currency of the amounts.
    pub currency: Currency,
    /// What was sold. Orders loaded from an earlier system have one line without a product.
    pub lines: Vec<SaleLine>,
}

/// A line of an order. Amounts are positive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleLine {
    /// The product's code and name; none for an order without lines.
    pub product: Option<(String, Text)>,
    /// Units.
    pub quantity: Decimal,
    /// At list price, if that is known.
    pub list: Option<Decimal>,
    /// What was paid without VAT.
    pub net: Decimal,
    /// VAT.
    pub vat: Decimal,
    /// What was paid.
    pub gross: Decimal,
    /// Qualifying volume.
    pub vq: Decimal,
    /// Commissionable volume.
    pub vc: Decimal,
    /// Loyalty points.
    pub points: Decimal,
}

/// The columns, in order.
pub fn columns() -> Vec<Column> {
    let columns = [
        ("Pedido", "Order", 22),
        ("Pagado (UTC)", "Paid (UTC)", 20),
        ("Ciclo", "Cycle", 10),
        ("Código", "Number", 14),
        ("Nombre", "Name", 30),
        ("Tipo", "Kind", 12),
        ("País", "Country", 8),
        ("Zona", "Zone", 14),
        ("Producto", "Product", 14),
        ("Descripción", "Description", 30),
        ("Cantidad", "Quantity", 10),
        ("Moneda", "Currency", 8),
        ("Precio de lista", "List price", 14),
        ("Neto", "Net", 14),
        ("IVA", "VAT", 12),
        ("Total", "Gross", 14),
        ("VQ", "VQ", 12),
        ("VC", "VC", 12),
        ("Puntos", "Points", 10),
        ("Estado", "State", 12),
    ];
    columns
        .map(|(es, en, width)| Column { heading: Text { es: es.to_owned(), en: en.to_owned() }, width })
        .into()
}

/// Whether a report within `reach` and with `filters` shows what this person bought.
pub fn shows(buyer: &Buyer, filters: &Filters, reach: &Reach) -> bool {
    let is = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
    };
    reach.covers(&buyer.id, &buyer.upline)
        && is(&filters.country, Some(&buyer.country))
        && is(&filters.zone, buyer.zone.as_deref())
        && filters.person.as_ref().is_none_or(|person| *person == buyer.id)
        && filters.under.as_ref().is_none_or(|root| *root == buyer.id || buyer.upline.contains(root))
}

/// The rows of a sale, one a line, in the words of `locale`.
pub fn rows(sale: &Sale, buyer: &Buyer, locale: Locale) -> Vec<Vec<Cell>> {
    sale.lines.iter().map(|line| row(sale, buyer, line, locale)).collect()
}

fn row(sale: &Sale, buyer: &Buyer, line: &SaleLine, locale: Locale) -> Vec<Cell> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let word = |es: &str, en: &str| text(if locale == Locale::Es { es } else { en });
    let number = |value: Decimal| Cell::Number(if sale.is_return { -value } else { value });
    let (product, description) = match &line.product {
        Some((code, name)) => (text(code), text(name.in_locale(locale))),
        None => (Cell::Empty, Cell::Empty),
    };
    vec![
        text(sale.order.as_str()),
        Cell::Moment(sale.paid_at),
        text(sale.cycle.as_str()),
        text(buyer.id.as_str()),
        text(&buyer.name),
        if buyer.is_consultant { word("Consultor", "Consultant") } else { word("Cliente", "Customer") },
        text(&buyer.country),
        buyer.zone.as_deref().map_or(Cell::Empty, text),
        product,
        description,
        number(line.quantity),
        text(sale.currency.code()),
        line.list.map_or(Cell::Empty, number),
        number(line.net),
        number(line.vat),
        number(line.gross),
        number(line.vq),
        number(line.vc),
        number(line.points),
        if sale.is_return { word("Devuelto", "Returned") } else { word("Pagado", "Paid") },
    ]
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Format, write},
        *,
    };

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn buyer() -> Buyer {
        Buyer {
            id: "BEN".parse().unwrap(),
            upline: vec!["ROOT".parse().unwrap(), "ANA".parse().unwrap()],
            name: "Ben Ñúñez, hijo".into(),
            is_consultant: true,
            country: "CO".into(),
            zone: None,
        }
    }

    fn line(product: Option<&str>, gross: &str) -> SaleLine {
        SaleLine {
            product: product
                .map(|code| (code.to_owned(), Text { es: "Té verde".into(), en: "Green tea".into() })),
            quantity: decimal("2"),
            list: product.map(|_| decimal("119.00")),
            net: decimal("100.00"),
            vat: decimal("19.00"),
            gross: decimal(gross),
            vq: decimal("10.5"),
            vc: decimal("9"),
            points: decimal("3"),
        }
    }

    fn sale(is_return: bool, lines: Vec<SaleLine>) -> Sale {
        Sale {
            order: if is_return { "O1.return" } else { "O1" }.parse().unwrap(),
            cycle: "2026-10".parse().unwrap(),
            paid_at: "2026-10-31T06:00:00Z".parse().unwrap(),
            is_return,
            currency: "COP".parse().unwrap(),
            lines,
        }
    }

    #[test]
    fn the_file_of_a_sale_its_return_and_an_order_without_lines() {
        let sales = [sale(false, vec![line(Some("T"), "119.00")]), sale(true, vec![line(None, "119.00")])];
        let mut all = sales.iter().flat_map(|sale| rows(sale, &buyer(), Locale::Es));
        let bytes = write(Format::Csv, Locale::Es, &columns(), &mut all).unwrap();
        let golden = "\u{feff}Pedido,Pagado (UTC),Ciclo,Código,Nombre,Tipo,País,Zona,Producto,Descripción,Cantidad,Moneda,Precio de lista,Neto,IVA,Total,VQ,VC,Puntos,Estado\r\n\
            O1,2026-10-31T06:00:00Z,2026-10,BEN,\"Ben Ñúñez, hijo\",Consultor,CO,,T,Té verde,2,COP,119.00,100.00,19.00,119.00,10.5,9,3,Pagado\r\n\
            O1.return,2026-10-31T06:00:00Z,2026-10,BEN,\"Ben Ñúñez, hijo\",Consultor,CO,,,,-2,COP,,-100.00,-19.00,-119.00,-10.5,-9,-3,Devuelto\r\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), golden);
    }

    #[test]
    fn english_words_come_on_request() {
        let row = &rows(&sale(false, vec![line(Some("T"), "119.00")]), &buyer(), Locale::En)[0];
        for word in ["Consultant", "Green tea", "Paid"] {
            assert!(row.contains(&Cell::Text(word.into())), "{word}");
        }
        assert_eq!(row.len(), columns().len());
    }

    #[test]
    fn a_report_shows_who_is_within_reach_and_fits_the_filters() {
        let of = |text: &str| Reach { person: Some(text.parse().unwrap()), any: false };
        let any = Reach { person: None, any: true };
        let cases = [
            ("{}", &any, true),
            ("{}", &of("BEN"), true),
            ("{}", &of("ANA"), true),
            ("{}", &of("CEM"), false),
            (r#"{"country":"CO","under":"ANA"}"#, &any, true),
            (r#"{"country":"MX"}"#, &any, false),
            (r#"{"zone":"north"}"#, &any, false),
            (r#"{"person":"ANA"}"#, &any, false),
            (r#"{"under":"CEM"}"#, &any, false),
        ];
        for (filters, reach, shown) in cases {
            assert_eq!(
                shows(&buyer(), &serde_json::from_str(filters).unwrap(), reach),
                shown,
                "{filters} {reach:?}"
            );
        }
    }
}
