//! Resolved scripts made ready for one environment: settings read, rendered, split, facts found.

pub mod directives;
mod places;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use places::Places;

use crate::{
    diagnostic::{Code, Diagnostic, any_error},
    model::{
        checksum::{Sha256, flyway_crc},
        facts::{Certainty, Facts},
        migration::{Body, Migration, Prepared, Rendered},
        settings::ScriptSettings,
        statement::{Statement, StatementHash, StatementSettings},
    },
    render::{Output, Renderer, Script, SourceMap},
    sql::{
        facts::facts,
        lex::{TokenKind, tokens},
        split::{Piece, SplitError, split},
    },
};

/// All scripts of an environment.
#[derive(Debug, Default)]
pub struct Preparation {
    /// Every script, in the order given.
    pub migrations: Vec<Arc<Prepared>>,
    /// Leads from statements back to source lines.
    pub places: Places,
    /// What settings and headers have wrong, for all scripts.
    pub findings: Vec<Diagnostic>,
}

/// What settings of scripts may name.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The project's environments.
    pub environments: &'a BTreeSet<String>,
    /// Values of `${name}` in `.conf` files.
    pub placeholders: &'a BTreeMap<String, String>,
}

/// Prepares `migrations`. Only those that `needs_body` names are rendered and split: an applied versioned script may
/// use variables that no longer exist.
pub fn prepare(
    migrations: &[Arc<Migration>],
    renderer: &Renderer,
    scope: &Scope<'_>,
    needs_body: &dyn Fn(&Migration) -> bool,
) -> Preparation {
    let mut all = Preparation::default();
    let mut settings = Vec::with_capacity(migrations.len());
    for migration in migrations {
        let (found, findings) = directives::script_settings(
            &migration.file,
            &migration.text,
            migration.conf.as_ref(),
            scope.environments,
            scope.placeholders,
        );
        settings.push(found);
        all.findings.extend(findings);
    }
    let needed: Vec<bool> = migrations.iter().map(|migration| needs_body(migration)).collect();
    let scripts: Vec<Script<'_>> = migrations
        .iter()
        .zip(&settings)
        .zip(&needed)
        .filter(|(_, needed)| **needed)
        .map(|((migration, settings), _)| script(migration, settings))
        .collect();
    let mut outputs = renderer.render_all(&scripts).into_iter();
    for ((migration, settings), needed) in migrations.iter().zip(settings).zip(needed) {
        let body = match needed.then(|| outputs.next()).flatten() {
            Some(Ok(output)) => body(migration, output, &mut all.places),
            Some(Err(findings)) => Body::Broken(findings),
            None => Body::Skipped,
        };
        all.migrations.push(Arc::new(Prepared { migration: Arc::clone(migration), settings, body }));
    }
    all
}

/// A migration as the renderer takes it.
pub fn script<'a>(migration: &'a Migration, settings: &ScriptSettings) -> Script<'a> {
    Script {
        file: &migration.file,
        folder: folder(&migration.file),
        name: &migration.script,
        text: &migration.text,
        placeholders: settings.placeholders,
    }
}

fn body(migration: &Migration, output: Output, places: &mut Places) -> Body {
    let mut cut = match cut(&output, &migration.file, &migration.text) {
        Ok(cut) => cut,
        Err(findings) => return Body::Broken(findings),
    };
    if any_error(&cut.findings) {
        return Body::Broken(cut.findings);
    }
    let plain = *output.text == *migration.text;
    let sha = if plain { migration.source_sha } else { Sha256::of_text(&output.text) };
    let crc = if plain { migration.crc } else { flyway_crc(&output.text) };
    let mut warnings = output.warnings.clone();
    warnings.append(&mut cut.findings);
    if cut.statements.is_empty() {
        let message = format!("{} holds no statement", migration.script);
        warnings.push(Diagnostic::warning(Code::EmptyScript, message).in_file(&migration.file));
    }
    let rendered =
        Rendered { sha, crc, templates: output.templates.clone(), statements: cut.statements, warnings };
    places.insert(&migration.script, output, cut.starts);
    Body::Ready(rendered)
}

/// The folder of a file, for includes.
pub fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A rendered text in statements.
#[derive(Debug)]
pub struct Cut {
    /// The statements.
    pub statements: Vec<Statement>,
    /// Where each begins in the rendered text.
    pub starts: Vec<usize>,
    /// Errors and warnings.
    pub findings: Vec<Diagnostic>,
}

/// Cuts a rendered text into statements with facts and places in `file`, whose text before rendering is `source`.
pub fn cut(output: &Output, file: &str, source: &str) -> Result<Cut, Vec<Diagnostic>> {
    let text = output.text.as_str();
    let mut findings = Vec::new();
    let pieces = split(text)
        .map_err(|errors| errors.into_iter().map(|e| split_finding(e, &output.map)).collect::<Vec<_>>())?;
    let left = left_templates(output);
    if !left.is_empty() {
        return Err(left);
    }
    let has_directives = source.contains("snowops:");
    let mut statements = Vec::with_capacity(pieces.len());
    let mut starts = Vec::with_capacity(pieces.len());
    let mut end_of_last = 0;
    for (index, Piece { start, end }) in pieces.iter().enumerate() {
        let sent = &text[start..end];
        let at = output.map.span(start..end);
        let facts = facts(sent);
        findings.extend(partial(&facts, output, start));
        findings.extend(large(sent, output, start));
        let settings = if has_directives && *at.file == *file {
            let from = output.map.span(end_of_last..start).start.min(at.start);
            let (settings, wrong) = directives::statement_settings(file, source, from..at.start);
            findings.extend(wrong);
            settings
        } else {
            StatementSettings::default()
        };
        findings.extend(directives_in_templates(&text[end_of_last..start], end_of_last, output, file));
        let hash = StatementHash::of(sent);
        statements.push(Statement { ordinal: index + 1, text: sent.to_owned(), at, hash, facts, settings });
        starts.push(start);
        end_of_last = end;
    }
    Ok(Cut { statements, starts, findings })
}

/// Templates that the rendered text still holds outside of its literals and comments. No server knows them, and one that
/// stands alone would not even reach it.
fn left_templates(output: &Output) -> Vec<Diagnostic> {
    let text = output.text.as_str();
    if !["{{", "{%", "{#", "<%"].iter().any(|open| text.contains(open)) {
        return vec![];
    }
    let left = tokens(text).filter(|t| matches!(t.kind, TokenKind::TemplateValue | TokenKind::TemplateTag));
    left.map(|token| {
        let (place, notes) = output.map.place(token.start..token.end);
        let open = &text[token.start..token.start + 2];
        let (message, hint) = if open == "<%" {
            (
                "`<% %>` is a template of the Snowflake CLI, which snowops does not render".to_owned(),
                "write `{{ name }}` and declare the name under `vars` in snowops.yml",
            )
        } else {
            (
                format!("the rendered SQL still holds a template: `{open}`"),
                "only literals and comments may hold one; was it printed by `{% raw %}` or by a value?",
            )
        };
        with_notes(Diagnostic::error(Code::TemplateError, message).at(place), notes).hint(hint)
    })
    .collect()
}

/// `snowops:` comments that a template wrote. They are read from the script before rendering, so these say nothing.
fn directives_in_templates(between: &str, start: usize, output: &Output, file: &str) -> Vec<Diagnostic> {
    let marks = directives::marks(between);
    let placed = marks.into_iter().map(|mark| output.map.place(start + mark.start..start + mark.end));
    placed
        .filter(|(place, _)| place.file != file)
        .map(|(place, notes)| {
            let message = "a `snowops:` comment stands in a template, where it is not read";
            with_notes(Diagnostic::error(Code::InvalidDirective, message).at(place), notes)
                .hint("put it into the script, on a line of its own before the statement or the call")
        })
        .collect()
}

/// Why a text cannot be cut, with its place in the source.
pub fn split_finding(error: SplitError, map: &SourceMap) -> Diagnostic {
    let (place, notes) = map.place(error.at.clone());
    let mut finding = with_notes(Diagnostic::error(error.code, error.message).at(place), notes);
    if let Some((range, what)) = error.related {
        finding = finding.note(format!("{what} at {}", map.place(range).0));
    }
    match error.hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

fn with_notes(finding: Diagnostic, notes: Vec<String>) -> Diagnostic {
    notes.into_iter().fold(finding, Diagnostic::note)
}

fn partial(facts: &Facts, output: &Output, start: usize) -> Option<Diagnostic> {
    match &facts.certainty {
        Certainty::Parsed => None,
        Certainty::Partial(why) => {
            let at = start + why.at;
            let (place, notes) = output.map.place(at..at);
            let message = format!("this statement was read in part only, because {}", why.reason);
            Some(
                with_notes(Diagnostic::warning(Code::PartialStatement, message).at(place), notes)
                    .hint(OPAQUE),
            )
        }
        Certainty::Unparsed => {
            let (place, notes) = output.map.place(start..start);
            let message = "this statement is of a form that snowops does not know";
            Some(
                with_notes(Diagnostic::warning(Code::PartialStatement, message).at(place), notes)
                    .hint(OPAQUE),
            )
        }
    }
}

/// Size of a statement, in bytes, above which Snowflake runs it but keeps only a part of its text in the query history:
/// "Limits on Query Text Size", <https://docs.snowflake.com/en/user-guide/query-size-limits>. The page counts the
/// compressed text and advises to keep the plain text below the limit.
const RECOMMENDED_SIZE: usize = 1024 * 1024;

fn large(sent: &str, output: &Output, start: usize) -> Option<Diagnostic> {
    if sent.len() <= RECOMMENDED_SIZE {
        return None;
    }
    let (place, notes) = output.map.place(start..start);
    let message = format!(
        "this statement has {} bytes, Snowflake recommends at most {RECOMMENDED_SIZE}; of a larger one the server may \
         keep only a part in its query history, or refuse it",
        sent.len()
    );
    Some(
        with_notes(Diagnostic::warning(Code::LargeStatement, message).at(place), notes)
            .hint("load the data from a stage with COPY INTO, or write several smaller statements"),
    )
}

const OPAQUE: &str =
    "it is sent as it is; if its outcome should ever be unknown, a person must say whether it was done";
