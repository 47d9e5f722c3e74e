//! `render --statements`, written as it comes: what is kept is the rows of one table at most.

use std::io::{self, BufWriter, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize as _;

use super::{
    Format, Ui, json,
    table::{Cell, Column, table},
    width,
};
use crate::{
    diagnostic::{defuse_json, defuse_line},
    engine::render::{StatementLine, StatementView},
    model::facts::Certainty,
    sql::facts,
};

/// Where statements are written to.
pub struct Statements {
    out: Box<dyn Write>,
    shape: Shape,
}

enum Shape {
    /// One JSON object a line: what is not asked for in another format.
    Lines,
    /// The fields of one object, of which the rest follows with the report.
    Object {
        /// Whether an element stands before the next.
        some: bool,
    },
    /// Tables for people, one a file.
    Table(Box<Table>),
}

impl Ui {
    /// Begins the result of `render --statements`. The report that is shown when it is closed completes it.
    ///
    /// # Errors
    /// When stdout cannot be written; a closed pipe among them.
    pub fn statements(&self, command: &str, environment: Option<&str>) -> io::Result<Statements> {
        const BLOCK: usize = 64 * 1024;
        let shape = match self.format {
            Format::Human { chosen: false } => Shape::Lines,
            Format::Human { chosen: true } => Shape::Table(Box::new(Table::new(width()))),
            Format::Json => Shape::Object { some: false },
        };
        let mut out: Box<dyn Write> = match shape {
            Shape::Table(_) => Box::new(self.stdout()),
            _ => Box::new(Harmless(BufWriter::with_capacity(BLOCK, io::stdout()))),
        };
        if matches!(shape, Shape::Object { .. }) {
            json::begin_statements(command, environment, &mut out)?;
        }
        Ok(Statements { out, shape })
    }
}

impl Statements {
    /// Writes one line.
    ///
    /// # Errors
    /// When stdout cannot be written; a closed pipe among them.
    pub fn line(&mut self, line: &StatementLine<'_>) -> io::Result<()> {
        let out = &mut self.out;
        match &mut self.shape {
            Shape::Lines => {
                self::line(line, out)?;
                out.write_all(b"\n")
            }
            Shape::Object { some } => {
                let between: &[u8] = if std::mem::replace(some, true) { b",\n    " } else { b"\n    " };
                out.write_all(between)?;
                self::line(line, out)
            }
            Shape::Table(table) => table.line(line, out),
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When stdout cannot be written; a closed pipe among them.
    pub fn close(mut self) -> io::Result<()> {
        match &mut self.shape {
            Shape::Lines => {}
            Shape::Object { some } => {
                let end: &[u8] = if *some { b"\n  ],\n" } else { b"],\n" };
                self.out.write_all(end)?;
            }
            Shape::Table(table) => table.end(&mut self.out)?,
        }
        self.out.flush()
    }
}

/// One JSON object, without a line end.
fn line(line: &StatementLine<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::new(out);
    let written = match line {
        StatementLine::Statement(view) => json::Statement::of(view).serialize(&mut serializer),
        StatementLine::Failed { file, error } => json::failed_file(file, error).serialize(&mut serializer),
    };
    written.map_err(io::Error::from)
}

/// Makes JSON that passes through harmless. It must come in whole characters, as `serde_json` writes it.
struct Harmless<W>(W);

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(json).map_err(|_| io::ErrorKind::InvalidData)?;
        self.0.write_all(defuse_json(text).as_bytes())?;
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Statements for people: a table a file, and a new one after so many rows that a screen has long scrolled by.
struct Table {
    width: Option<usize>,
    file: String,
    rows: Vec<Vec<Cell>>,
    statements: usize,
    files: usize,
    failed: usize,
    /// The file that failed last.
    last_failed: String,
}

impl Table {
    const MOST_ROWS: usize = 1000;

    fn new(width: Option<usize>) -> Self {
        let (file, last_failed) = (String::new(), String::new());
        Self { width, file, rows: Vec::new(), statements: 0, files: 0, failed: 0, last_failed }
    }

    fn line(&mut self, line: &StatementLine<'_>, out: &mut dyn Write) -> io::Result<()> {
        match line {
            StatementLine::Statement(view) => {
                if *view.at.file != *self.file {
                    self.rows(out)?;
                    let bold = Style::new().bold();
                    let gap = if self.file.is_empty() { "" } else { "\n" };
                    writeln!(out, "{gap}{bold}{}{bold:#}", defuse_line(&view.at.file))?;
                    self.file = view.at.file.to_string();
                } else if self.rows.len() == Self::MOST_ROWS {
                    self.rows(out)?;
                }
                self.statements += 1;
                self.files += usize::from(view.ordinal == 1);
                self.rows.push(row(view));
            }
            // Why is told on stderr, with the findings.
            StatementLine::Failed { file, .. } if *file != self.last_failed => {
                self.failed += 1;
                (*file).clone_into(&mut self.last_failed);
            }
            StatementLine::Failed { .. } => {}
        }
        Ok(())
    }

    fn rows(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let header = [
            Column::kept("#"),
            Column::kept("Line"),
            Column::kept("Verb"),
            Column::kept("Object"),
            Column::spare("Class", 1),
            Column::kept("Hazard"),
            Column::kept("Read"),
            Column::filling("Text"),
        ];
        out.write_all(table(&header, &self.rows, self.width).as_bytes())?;
        self.rows.clear();
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let gap = if self.file.is_empty() { "" } else { "\n" };
        self.rows(out)?;
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            _ => format!("{number} {what}s"),
        };
        let failed = match self.failed {
            0 => String::new(),
            number => format!(", {} failed", count(number, "file")),
        };
        writeln!(
            out,
            "{gap}{} in {}{failed}.",
            count(self.statements, "statement"),
            count(self.files, "file")
        )
    }
}

fn row(view: &StatementView<'_>) -> Vec<Cell> {
    let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    let object = view.facts.object.as_ref().map(|o| format!("{} {}", o.kind, o.name));
    let line = match view.at.column {
        1 => view.at.line.to_string(),
        column => format!("{}:{column}", view.at.line),
    };
    let read = match view.facts.certainty {
        Certainty::Parsed => "",
        _ => json::certainty(&view.facts.certainty),
    };
    vec![
        Cell::styled(view.ordinal.to_string(), Style::new().dimmed()),
        line.into(),
        Cell::styled(view.facts.verb.words(), color(AnsiColor::Cyan)),
        object.unwrap_or_default().into(),
        view.class.as_str().into(),
        Cell::styled(json::word(&facts::hazard(view.facts)).replace('_', " "), color(AnsiColor::BrightRed)),
        Cell::styled(read, color(AnsiColor::Yellow)),
        Cell::styled(beginning(view.text), Style::new().dimmed()),
    ]
}

/// The first words of a statement, on one line.
fn beginning(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 {
            shown.push(' ');
        }
        shown.extend(word.chars().take(LONGEST));
        length += 1 + word.chars().take(LONGEST).count();
        if length > LONGEST {
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_statement_is_one_short_line() {
        assert_eq!(beginning("SELECT\n\t1,\r\n   2"), "SELECT 1, 2");
        assert!(beginning(&"x".repeat(100_000)).len() <= 60);
        assert!(beginning(&"a b ".repeat(100_000)).len() < 80);
    }

    #[test]
    fn what_passes_through_is_harmless_and_says_the_same() {
        let text = "a ##vso[x]\u{202E}\u{1b}[0m\r\n";
        let mut out = Harmless(Vec::new());
        serde_json::to_writer(&mut out, text).unwrap();
        let json = String::from_utf8(out.0).unwrap();
        assert!(!json.contains("##") && json.is_ascii(), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
