//! Rows as a workbook. Rows go to a temporary file as they come, so that memory does not grow with them.

use foundation::locale::Locale;
use rust_decimal::prelude::ToPrimitive;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::{Cell, Column, ReportError};

pub(super) fn write(
    locale: Locale,
    columns: &[Column],
    rows: &mut dyn Iterator<Item = Vec<Cell>>,
) -> Result<Vec<u8>, ReportError> {
    book(locale, columns, rows).map_err(ReportError::file)
}

fn book(
    locale: Locale,
    columns: &[Column],
    rows: &mut dyn Iterator<Item = Vec<Cell>>,
) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    let (bold, moment) = (Format::new().set_bold(), Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"));
    for (number, column) in (0_u16..).zip(columns) {
        sheet.set_column_width(number, f64::from(column.width))?;
    }
    sheet.set_freeze_panes(1, 0)?;
    for (number, column) in (0_u16..).zip(columns) {
        sheet.write_string_with_format(0, number, column.heading.in_locale(locale), &bold)?;
    }
    for (line, row) in (1_u32..).zip(rows) {
        for (number, cell) in (0_u16..).zip(&row) {
            write_cell(sheet, line, number, cell, &moment)?;
        }
    }
    workbook.save_to_buffer()
}

fn write_cell(
    sheet: &mut Worksheet,
    line: u32,
    column: u16,
    cell: &Cell,
    moment: &Format,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) => drop(sheet.write_string(line, column, text)?),
        // A workbook's numbers are binary fractions; the exact ones are in the CSV.
        Cell::Number(number) => match number.to_f64() {
            Some(nearest) => drop(sheet.write_number(line, column, nearest)?),
            None => drop(sheet.write_string(line, column, number.to_string())?),
        },
        Cell::Moment(at) => {
            let at = ExcelDateTime::from_timestamp(at.as_second())?;
            sheet.write_datetime_with_format(line, column, &at, moment)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use foundation::locale::Text;

    use super::*;

    #[test]
    fn the_sheet_has_headings_texts_numbers_and_dates() {
        let columns = ["Pedido", "Neto", "Pagado"]
            .map(|es| Column { heading: Text { es: es.into(), en: "x".into() }, width: 12 });
        let row = vec![
            Cell::Text("O<1>".into()),
            Cell::Number("12.50".parse().unwrap()),
            Cell::Moment("2026-10-31T06:00:00Z".parse().unwrap()),
        ];
        let bytes = write(Locale::Es, &columns, &mut [row].into_iter()).unwrap();
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut sheet = String::new();
        archive.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
        for part in ["Pedido", "O&lt;1&gt;", "<v>12.5</v>", "<v>46326.25</v>"] {
            assert!(sheet.contains(part), "{part} in {sheet}");
        }
    }
}
