//! `render`: what a script becomes, in a project or for any file.

use std::{io, path::PathBuf, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Stop, StopKind, Workspace};
use crate::{
    diagnostic::{Code, Diagnostic, Place},
    files::{self, FileError, Reason},
    model::{
        facts::Facts,
        migration::Migration,
        statement::{Class, SourceSpan, Statement, StatementHash},
    },
    prepare::{cut, directives, script, split_finding},
    render::{Output, SourceMap},
    source::Charset,
    sql::{
        facts::{Classes, classes, facts},
        split::split,
    },
};

/// One file, rendered.
#[derive(Debug)]
pub struct RenderedFile {
    /// Path as the user would type it.
    pub file: String,
    /// The text, or why there is none.
    pub text: Result<Arc<str>, Vec<Diagnostic>>,
}

/// One line of `render --statements`.
#[derive(Clone, Copy, Debug)]
pub enum StatementLine<'a> {
    /// A statement.
    Statement(StatementView<'a>),
    /// A file that failed; the others go on.
    Failed {
        /// Path as the user would type it.
        file: &'a str,
        /// Why.
        error: &'a Diagnostic,
    },
}

/// A statement as it is shown: borrowed, since a script may be as large as memory allows.
#[derive(Clone, Copy, Debug)]
pub struct StatementView<'a> {
    /// Place in its script, from 1.
    pub ordinal: usize,
    /// The text that is sent, secrets as slots.
    pub text: &'a str,
    /// Where it stands in the source.
    pub at: &'a SourceSpan,
    /// Its identity across runs.
    pub hash: StatementHash,
    /// What it is and does.
    pub facts: &'a Facts,
    /// Its class, among the other statements of its file.
    pub class: Class,
}

impl<'a> StatementView<'a> {
    /// A view of a statement whose class is known.
    pub fn of(statement: &'a Statement, class: Class) -> Self {
        let Statement { ordinal, text, at, hash, facts, settings: _ } = statement;
        Self { ordinal: *ordinal, text, at, hash: *hash, facts, class }
    }
}

/// Who hears of each line. An error ends the work.
pub type Listener<'l> = dyn FnMut(StatementLine<'_>) -> io::Result<()> + 'l;

/// Renders the project's scripts: all of them, or those that `paths` name (files or folders).
pub fn project(workspace: &Workspace, paths: &[Utf8PathBuf]) -> Result<Vec<RenderedFile>, Stop> {
    let mut files = Vec::new();
    each_script(workspace, paths, &mut |file, _, output| {
        files.push(RenderedFile { file: file.to_owned(), text: output.map(|output| output.text.into()) });
        Ok(())
    })
    .map(|_| files)
}

/// Cuts what [`project`] renders into statements, one script after the other.
///
/// # Errors
/// A stop when `paths` name nothing; inside, what the listener failed with.
pub fn project_statements(
    workspace: &Workspace,
    paths: &[Utf8PathBuf],
    listener: &mut Listener<'_>,
) -> Result<io::Result<()>, Stop> {
    each_script(workspace, paths, &mut |file, source, output| {
        let cut = match output.and_then(|output| cut(&output, file, source)) {
            Ok(cut) => cut,
            Err(findings) => return failed(file, &findings, listener),
        };
        let all: Vec<_> = cut.statements.iter().map(|s| s.facts.clone()).collect();
        for (statement, class) in cut.statements.iter().zip(classes(&all)) {
            listener(StatementLine::Statement(StatementView::of(statement, class)))?;
        }
        failed(file, &cut.findings, listener)
    })
}

fn failed(file: &str, findings: &[Diagnostic], listener: &mut Listener<'_>) -> io::Result<()> {
    findings
        .iter()
        .filter(|finding| finding.is_error())
        .try_for_each(|error| listener(StatementLine::Failed { file, error }))
}

/// Hears of each script: its path, its source and what it became.
type PerScript<'s> = dyn FnMut(&str, &str, Result<Output, Vec<Diagnostic>>) -> io::Result<()> + 's;

fn each_script(
    workspace: &Workspace,
    paths: &[Utf8PathBuf],
    each: &mut PerScript<'_>,
) -> Result<io::Result<()>, Stop> {
    let resolved = workspace.resolve();
    let renderer = workspace.renderer();
    let wanted = |migration: &&Arc<Migration>| {
        let file = workspace.environment.root.join(&migration.file);
        paths.is_empty() || paths.iter().any(|p| file == *p || file.starts_with(p))
    };
    let placeholders = workspace.placeholders();
    let mut found = false;
    for m in resolved.migrations.iter().filter(wanted) {
        found = true;
        let (settings, wrong) = directives::script_settings(
            &m.file,
            &m.text,
            m.conf.as_ref(),
            &workspace.environments,
            &placeholders,
        );
        let output = if wrong.is_empty() { renderer.render(&script(m, &settings)) } else { Err(wrong) };
        if let Err(error) = each(&m.file, &m.text, output) {
            return Ok(Err(error));
        }
    }
    for finding in resolved.findings.into_iter().filter(Diagnostic::is_error) {
        if !paths.is_empty() && !concerns(workspace, &finding, paths) {
            continue;
        }
        found = true;
        let file = finding.place.as_ref().map_or_else(String::new, |p| p.file.clone());
        if let Err(error) = each(&file, "", Err(vec![finding])) {
            return Ok(Err(error));
        }
    }
    if !found && !paths.is_empty() {
        let names: Vec<_> = paths.iter().map(|p| p.as_str()).collect();
        return Err(nothing(&names.join(", ")));
    }
    Ok(Ok(()))
}

fn concerns(workspace: &Workspace, finding: &Diagnostic, paths: &[Utf8PathBuf]) -> bool {
    let Some(place) = &finding.place else { return false };
    let file = workspace.environment.root.join(&place.file);
    paths.iter().any(|p| file.starts_with(p))
}

fn nothing(what: &str) -> Stop {
    let finding = Diagnostic::error(Code::UnreadableFile, format!("no script of this project is at {what}"))
        .hint("outside the migrations folders, `--raw` takes any file or folder as it is");
    Stop::new(StopKind::Usage, finding)
}

/// Any files and folders as they are: no project, no templates. `-` is standard input.
///
/// Lists folders at once and reads one file at a time.
#[derive(Debug)]
pub struct Raw {
    found: Vec<(String, Result<Utf8PathBuf, Box<Diagnostic>>)>,
}

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

impl Raw {
    /// The files at `paths`, which `directory` is the place to start from: files themselves, and all `.sql` files below
    /// folders.
    pub fn new(directory: &Utf8Path, paths: &[PathBuf]) -> Self {
        let mut found = Vec::new();
        for path in paths {
            let Some(path) = Utf8Path::from_path(path) else {
                let file = path.to_string_lossy().into_owned();
                let error = unreadable(&file, "its name is not UTF-8")
                    .hint("name it `-` and give it on standard input");
                found.push((file, Err(Box::new(error))));
                continue;
            };
            if path == STANDARD_INPUT {
                found.push((STANDARD_INPUT.to_owned(), Ok(path.to_owned())));
                continue;
            }
            match files::sql_files(&directory.join(path)) {
                Ok(listed) => found.extend(listed.into_iter().map(|file| match file {
                    Ok(full) => (shown(directory, path, &full), Ok(full)),
                    Err(error) => {
                        let file = shown(directory, path, &error.path);
                        let error = refused(&file, &error);
                        (file, Err(Box::new(error)))
                    }
                })),
                Err(error) => {
                    let file = path.to_string();
                    let error = refused(&file, &error);
                    found.push((file, Err(Box::new(error))));
                }
            }
        }
        Self { found }
    }

    /// All files with their text.
    pub fn files(self) -> Vec<RenderedFile> {
        self.found
            .into_iter()
            .map(|(file, path)| {
                let text = read(&file, path).map(Arc::from).map_err(|error| vec![*error]);
                RenderedFile { file, text }
            })
            .collect()
    }

    /// Cuts all files into statements. Nothing is kept beyond one file's text and where its statements stand.
    ///
    /// # Errors
    /// What the listener failed with.
    pub fn statements(self, listener: &mut Listener<'_>) -> io::Result<()> {
        for (file, path) in self.found {
            match read(&file, path) {
                Ok(text) => raw_statements(&file, &text, listener)?,
                Err(error) => listener(StatementLine::Failed { file: &file, error: &error })?,
            }
        }
        Ok(())
    }
}

/// A path as it was typed, with what was found below it.
fn shown(directory: &Utf8Path, typed: &Utf8Path, full: &Utf8Path) -> String {
    let root = directory.join(typed);
    let below = full.strip_prefix(&root).unwrap_or(full);
    let path = if below.as_str().is_empty() { typed.to_owned() } else { typed.join(below) };
    path.strip_prefix(".").unwrap_or(&path).to_string()
}

fn unreadable(file: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(Code::UnreadableFile, format!("this file cannot be read: {reason}")).in_file(file)
}

fn refused(file: &str, error: &FileError) -> Diagnostic {
    let finding = unreadable(file, &error.reason.to_string());
    match &error.reason {
        Reason::NotAFile(_) => finding.hint("only ordinary files are opened; `-` reads standard input"),
        Reason::Name => finding.hint("give it the name `-` and its content on standard input"),
        _ => finding,
    }
}

/// The text of a file: UTF-8 without NUL.
fn read(file: &str, path: Result<Utf8PathBuf, Box<Diagnostic>>) -> Result<String, Box<Diagnostic>> {
    let path = path?;
    let bytes =
        if path == STANDARD_INPUT { files::read_standard_input() } else { files::read_any_size(&path) };
    let bytes = bytes.map_err(|error| Box::new(refused(file, &error)))?;
    Charset::Utf8.decode(bytes).map_err(|error| {
        let finding = Diagnostic::error(Code::UnreadableFile, format!("this file is no text: {}", error.reason));
        let place = Place::position(file, error.line, error.column);
        Box::new(finding.at(place).hint(
            "SQL is read as UTF-8; convert it first, for example `iconv -f utf-16 -t utf-8 FILE | snowops render \
             --statements -`",
        ))
    })
}

fn raw_statements(file: &str, text: &str, listener: &mut Listener<'_>) -> io::Result<()> {
    let pieces = match split(text) {
        Ok(pieces) => pieces,
        Err(errors) => {
            let map = SourceMap::identity(file, text);
            let findings: Vec<_> = errors.into_iter().map(|error| split_finding(error, &map)).collect();
            return failed(file, &findings, listener);
        }
    };
    let name: Arc<str> = file.into();
    let mut position = Position::START;
    let mut classes = Classes::default();
    for (index, piece) in pieces.into_iter().enumerate() {
        let sent = piece.of(text);
        position.advance(text, piece.start);
        let at = SourceSpan {
            file: Arc::clone(&name),
            start: piece.start,
            end: piece.end,
            line: position.line,
            column: position.column,
        };
        let facts = facts(sent);
        let class = classes.next(&facts);
        let hash = StatementHash::of(sent);
        let view = StatementView { ordinal: index + 1, text: sent, at: &at, hash, facts: &facts, class };
        listener(StatementLine::Statement(view))?;
    }
    Ok(())
}

/// Line and column of a byte, counted on from the last one that was asked for: all of a text costs one pass.
struct Position {
    offset: usize,
    line: usize,
    column: usize,
}

impl Position {
    const START: Self = Self { offset: 0, line: 1, column: 1 };

    fn advance(&mut self, text: &str, to: usize) {
        let passed = &text.as_bytes()[self.offset..to];
        let lines = memchr::memchr_iter(b'\n', passed).count();
        self.line += lines;
        let line_start = memchr::memrchr(b'\n', passed).map(|at| self.offset + at + 1);
        let column = if line_start.is_some() { 1 } else { self.column };
        self.column = column + text[line_start.unwrap_or(self.offset)..to].chars().count();
        self.offset = to;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn positions_counted_on_are_those_of_a_place(
            text in "[a\u{e9}\u{1F600}\r\n;]{0,40}",
            steps in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let mut offsets: Vec<usize> = steps.iter().map(|step| *step.get(&ends)).collect();
            offsets.sort_unstable();
            let mut position = Position::START;
            for at in offsets {
                position.advance(&text, at);
                let place = Place::of("a", &text, at..at);
                prop_assert_eq!(Some((position.line, position.column)), place.position);
            }
        }
    }
}
