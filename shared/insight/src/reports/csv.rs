//! Rows as CSV (RFC 4180, UTF-8 with a mark so that spreadsheets see the accents).

use foundation::locale::Locale;

use super::{Cell, Column, ReportError};

pub(super) fn write(
    locale: Locale,
    columns: &[Column],
    rows: &mut dyn Iterator<Item = Vec<Cell>>,
) -> Result<Vec<u8>, ReportError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    let headings = columns.iter().map(|column| column.heading.in_locale(locale));
    writer.write_record(headings).map_err(ReportError::file)?;
    for row in rows {
        writer.write_record(row.iter().map(text)).map_err(ReportError::file)?;
    }
    writer.into_inner().map_err(|error| ReportError::file(error.into_error()))
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        // A spreadsheet would run a text that starts like a formula.
        Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::Moment(moment) => format!("{moment:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use foundation::locale::Text;

    use super::*;

    #[test]
    fn texts_are_quoted_and_never_formulas_and_numbers_stay_exact() {
        let heading = |es: &str| Column { heading: Text { es: es.into(), en: String::new() }, width: 10 };
        let row = vec![
            Cell::Text("=1+1".into()),
            Cell::Text("Ruiz, \"Ana\"".into()),
            Cell::Number("-12.50".parse().unwrap()),
            Cell::Empty,
        ];
        let columns = [heading("a"), heading("año"), heading("c"), heading("d")];
        let bytes = write(Locale::Es, &columns, &mut [row].into_iter()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "\u{feff}a,año,c,d\r\n'=1+1,\"Ruiz, \"\"Ana\"\"\",-12.50,\r\n");
    }
}
