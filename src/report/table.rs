//! Columns that line up, by display width.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

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

/// A column's name, and whether it may be left out where there is no room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column<'a> {
    name: &'a str,
    /// The highest goes first.
    spare: u8,
    /// Whether it takes the room that others leave, and goes before them.
    fills: bool,
}

impl<'a> Column<'a> {
    pub(super) const fn kept(name: &'a str) -> Self {
        Self { name, spare: 0, fills: false }
    }

    pub(super) const fn spare(name: &'a str, spare: u8) -> Self {
        Self { name, spare, fills: false }
    }

    pub(super) const fn filling(name: &'a str) -> Self {
        Self { name, spare: 0, fills: true }
    }
}

/// Narrowest that a text is shortened to.
const NARROWEST: usize = 12;

/// Rows under a header, each line indented by two blanks. Empty columns are left out; with a width, what fills the room,
/// then spare columns and then the middle of long texts go until every row has its line.
pub(super) fn table(header: &[Column<'_>], rows: &[Vec<Cell>], width: Option<usize>) -> String {
    let bold = Style::new().bold();
    let head: Vec<Cell> = header.iter().map(|column| Cell::styled(column.name, bold)).collect();
    let needed = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(head.get(column));
        cells.map(|cell| cell.text.width()).max().unwrap_or(0)
    };
    let filled = |column: &usize| rows.iter().any(|row| row.get(*column).is_some_and(|c| !c.text.is_empty()));
    let mut used: Vec<(usize, usize)> = (0..header.len()).filter(filled).map(|c| (c, needed(c))).collect();
    if let Some(width) = width {
        fit(&mut used, header, width);
    }
    let mut out = String::new();
    for row in std::iter::once(&head).chain(rows) {
        line(&mut out, row, &used);
    }
    out
}

fn total(used: &[(usize, usize)]) -> usize {
    used.iter().map(|(_, width)| width + 2).sum()
}

fn fit(used: &mut Vec<(usize, usize)>, header: &[Column<'_>], width: usize) {
    if let Some(at) = used.iter().position(|(column, _)| header[*column].fills) {
        let over = total(used).saturating_sub(width);
        match used[at].1.checked_sub(over).filter(|left| over == 0 || *left >= NARROWEST) {
            Some(left) => used[at].1 = left,
            None => drop(used.remove(at)),
        }
    }
    while total(used) > width {
        let spare = used.iter().enumerate().max_by_key(|(_, (column, _))| header[*column].spare);
        let Some((at, (column, _))) = spare else { return };
        if header[*column].spare > 0 {
            used.remove(at);
            continue;
        }
        let over = total(used) - width;
        let Some((_, widest)) = used.iter_mut().max_by_key(|(_, width)| *width) else { return };
        let shortened = widest.saturating_sub(over).max(NARROWEST);
        if shortened >= *widest {
            return;
        }
        *widest = shortened;
    }
}

fn line(out: &mut String, row: &[Cell], used: &[(usize, usize)]) {
    let empty = Cell::default();
    let mut text = String::from(" ");
    let mut gap = 0;
    for &(column, width) in used {
        let cell = row.get(column).unwrap_or(&empty);
        let style = cell.style;
        let shown = shortened(&cell.text, width);
        let _ = write!(text, "{}{style}{shown}{style:#}", " ".repeat(gap + 1));
        gap = 1 + width.saturating_sub(shown.width());
    }
    out.push_str(text.trim_end());
    out.push('\n');
}

/// The start and the end of a text that is too wide, with `…` between: names differ at both.
fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let half = width.saturating_sub(1) / 2;
    let take = |chars: &mut dyn Iterator<Item = char>, room: usize| {
        let mut left = room;
        let mut taken = Vec::new();
        for c in chars {
            let Some(rest) = left.checked_sub(c.width().unwrap_or(0)) else { break };
            left = rest;
            taken.push(c);
        }
        taken
    };
    let start = take(&mut text.chars(), width.saturating_sub(1) - half);
    let mut end = take(&mut text.chars().rev(), half);
    end.reverse();
    start.into_iter().chain(['…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: Option<usize>) -> String {
        let header = [Column::kept("Kind"), Column::spare("Why", 1), Column::kept("Script")];
        let rows = vec![vec![
            Cell::from("versioned"),
            Cell::from("no version is applied yet"),
            Cell::from("V1__a_rather_long_name_of_a_script.sql"),
        ]];
        anstream::adapter::strip_str(&table(&header, &rows, width)).to_string()
    }

    #[test]
    fn leaves_out_spare_columns_and_shortens_in_the_middle_where_there_is_no_room() {
        assert!(shown(None).contains("no version is applied yet"));
        for width in [60, 40, 30] {
            let text = shown(Some(width));
            assert!(text.lines().all(|line| line.width() <= width), "{width}: {text}");
            assert!(!text.contains("Why"), "{text}");
        }
        assert!(shown(Some(40)).contains("V1__a_rather_…_a_script.sql"), "{}", shown(Some(40)));
    }
    #[test]
    fn a_filling_column_takes_the_room_that_is_left_or_goes() {
        let header = [Column::kept("Script"), Column::spare("Why", 1), Column::filling("Text")];
        let rows = vec![vec![Cell::from("V1__a.sql"), Cell::from("new"), Cell::from("z".repeat(40))]];
        for (width, expected) in [(80, 40), (50, 32), (30, 12), (29, 0), (18, 0)] {
            let text = anstream::adapter::strip_str(&table(&header, &rows, Some(width))).to_string();
            assert!(text.lines().all(|line| line.width() <= width), "{width}: {text}");
            assert_eq!(text.matches(['z', '…']).count(), expected, "{width}: {text}");
        }
    }
}
