//! `render`: what a script becomes, in a project or for any file.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Stop, StopKind, Workspace};
use crate::{
    diagnostic::{Code, Diagnostic},
    files,
    model::{
        checksum::Sha256,
        migration::Migration,
        statement::{Class, Statement},
    },
    prepare::{cut, directives, script},
    render::{Output, SourceMap},
    sql::facts,
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
#[derive(Debug)]
pub enum StatementLine {
    /// A statement.
    Statement {
        /// The statement.
        statement: Box<Statement>,
        /// Its class, among the other statements of its file.
        class: Class,
    },
    /// A file that failed; the others go on.
    Failed {
        /// Path as the user would type it.
        file: String,
        /// Why.
        error: Box<Diagnostic>,
    },
}

/// Renders the project's scripts: all of them, or those that `paths` name (files or folders).
pub fn project(workspace: &Workspace, paths: &[Utf8PathBuf]) -> Result<Vec<(RenderedFile, Source)>, Stop> {
    let resolved = workspace.resolve();
    let renderer = workspace.renderer();
    let wanted = |migration: &&Arc<Migration>| {
        let file = workspace.environment.root.join(&migration.file);
        paths.is_empty() || paths.iter().any(|p| file == *p || file.starts_with(p))
    };
    let placeholders = workspace.placeholders();
    let mut files: Vec<_> = resolved
        .migrations
        .iter()
        .filter(wanted)
        .map(|m| {
            let (settings, wrong) = directives::script_settings(
                &m.file,
                &m.text,
                m.conf.as_ref(),
                &workspace.environments,
                &placeholders,
            );
            let output = if wrong.is_empty() { renderer.render(&script(m, &settings)) } else { Err(wrong) };
            one(m.file.clone(), Arc::clone(&m.text), output)
        })
        .collect();
    let mut missing: Vec<_> = resolved.findings.into_iter().filter(Diagnostic::is_error).collect();
    missing.retain(|finding| paths.is_empty() || concerns(workspace, finding, paths));
    for finding in missing {
        let file = finding.place.as_ref().map_or_else(String::new, |p| p.file.clone());
        files.push((RenderedFile { file, text: Err(vec![finding]) }, Source::default()));
    }
    if files.is_empty() && !paths.is_empty() {
        let names: Vec<_> = paths.iter().map(|p| p.as_str()).collect();
        return Err(nothing(&names.join(", ")));
    }
    Ok(files)
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

/// A file's text before and after rendering, for cutting it into statements.
#[derive(Debug, Default)]
pub struct Source {
    text: Arc<str>,
    output: Option<Output>,
}

fn one(file: String, text: Arc<str>, output: Result<Output, Vec<Diagnostic>>) -> (RenderedFile, Source) {
    match output {
        Ok(output) => {
            let rendered = RenderedFile { file, text: Ok(output.text.as_str().into()) };
            (rendered, Source { text, output: Some(output) })
        }
        Err(findings) => (RenderedFile { file, text: Err(findings) }, Source::default()),
    }
}

/// Takes any files and folders as they are: no project, no templates.
pub fn raw(directory: &Utf8Path, paths: &[Utf8PathBuf]) -> Result<Vec<(RenderedFile, Source)>, Stop> {
    let mut found = Vec::new();
    for path in paths {
        let listed = files::sql_files(&directory.join(path)).map_err(|error| {
            Stop::new(StopKind::Usage, Diagnostic::error(Code::UnreadableFile, error.to_string()))
        })?;
        found.extend(listed);
    }
    Ok(found
        .into_iter()
        .map(|path| {
            let (path, text) = match path {
                Ok(path) => {
                    let text = files::read_text(&path);
                    (path, text)
                }
                Err(error) => (error.path.clone(), Err(error)),
            };
            let file = path.strip_prefix(directory).unwrap_or(&path).to_string();
            match text {
                Ok(text) => {
                    let text: Arc<str> = text.into();
                    let output = Output {
                        text: text.to_string(),
                        map: SourceMap::identity(file.as_str(), Arc::clone(&text)),
                        templates: Vec::<(String, Sha256)>::new(),
                        warnings: Vec::new(),
                    };
                    one(file, text, Ok(output))
                }
                Err(error) => {
                    let finding = Diagnostic::error(Code::UnreadableFile, error.to_string()).in_file(&file);
                    (RenderedFile { file, text: Err(vec![finding]) }, Source::default())
                }
            }
        })
        .collect())
}

/// Cuts rendered files into statements. A file that fails gives a line that says so.
pub fn statements(files: &[(RenderedFile, Source)]) -> Vec<StatementLine> {
    let mut lines = Vec::new();
    for (file, source) in files {
        let cut = match (&file.text, &source.output) {
            (Ok(_), Some(output)) => cut(output, &file.file, &source.text),
            (Err(findings), _) => Err(findings.clone()),
            (Ok(_), None) => continue,
        };
        let wrong = |findings: Vec<Diagnostic>| {
            findings
                .into_iter()
                .filter(Diagnostic::is_error)
                .map(|error| StatementLine::Failed { file: file.file.clone(), error: Box::new(error) })
        };
        match cut {
            Err(findings) => lines.extend(wrong(findings)),
            Ok(cut) => {
                let all: Vec<_> = cut.statements.iter().map(|s| s.facts.clone()).collect();
                let classes = facts::classes(&all);
                let statements = cut.statements.into_iter().map(Box::new).zip(classes);
                lines.extend(
                    statements.map(|(statement, class)| StatementLine::Statement { statement, class }),
                );
                lines.extend(wrong(cut.findings));
            }
        }
    }
    lines
}
