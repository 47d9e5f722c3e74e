//! Columns that line up, by display width.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

/// One cell: a text on one line, with its style.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: crate::diagnostic::defuse_line(&text.into()), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

/// Rows under a header, each line indented by two blanks. Empty columns are left out.
pub(super) fn table(header: &[&str], rows: &[Vec<Cell>]) -> String {
    let used: Vec<usize> = (0..header.len())
        .filter(|&column| rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.text.is_empty())))
        .collect();
    let bold = Style::new().bold();
    let head: Vec<Cell> = header.iter().map(|text| Cell::styled(*text, bold)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(head.get(column));
        cells.map(|cell| cell.text.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = used.iter().map(|&column| width(column)).collect();
    let mut out = String::new();
    for row in std::iter::once(&head).chain(rows) {
        line(&mut out, row, &used, &widths);
    }
    out
}

fn line(out: &mut String, row: &[Cell], used: &[usize], widths: &[usize]) {
    let empty = Cell::default();
    let mut text = String::from(" ");
    let mut gap = 0;
    for (&column, &width) in used.iter().zip(widths) {
        let cell = row.get(column).unwrap_or(&empty);
        let style = cell.style;
        let _ = write!(text, "{}{style}{}{style:#}", " ".repeat(gap + 1), cell.text);
        gap = 1 + width.saturating_sub(cell.text.width());
    }
    out.push_str(text.trim_end());
    out.push('\n');
}
