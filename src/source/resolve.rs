//! From folders to migrations: the rules that all sources share.

use std::{cmp::Ordering, num::NonZero, panic, sync::Arc, thread};

use super::{
    Resolved, SourceSettings,
    classify::{Candidate, Location, classify, refusal},
    decode::Charset,
    duplicates::duplicates,
};
use crate::{
    diagnostic::{Code, Diagnostic, Place},
    files::FileError,
    model::{
        checksum::{Sha256, flyway_crc},
        migration::{ConfFile, Migration},
        name::{CALLBACK_EVENTS, MigrationKind},
    },
};

/// Reads a file by its path from the project's root.
pub(super) type Read<'a> = dyn Fn(&str) -> Result<Vec<u8>, FileError> + Sync + 'a;

/// Fewer files than this are read without threads: starting them would take longer.
const WORTH_THREADS: usize = 64;

/// More threads than this only wait for one another.
const MOST_THREADS: usize = 8;

/// Resolves what `locations` hold; `findings` are those of listing them.
pub(super) fn resolve(
    settings: &SourceSettings,
    locations: &[Location],
    read: &Read<'_>,
    mut findings: Vec<Diagnostic>,
) -> Resolved {
    let (candidates, mut of_names) = classify(settings, locations);
    findings.append(&mut of_names);
    findings.append(&mut duplicates(&candidates));
    let Some(charset) = Charset::parse(&settings.encoding) else {
        findings.push(unknown_encoding(&settings.encoding, "'encoding'"));
        return Resolved { migrations: Vec::new(), findings };
    };
    let mut migrations = Vec::with_capacity(candidates.len());
    for result in load_all(&candidates, charset, read) {
        match result {
            Ok(migration) => migrations.push(Arc::new(migration)),
            Err(finding) => findings.push(finding),
        }
    }
    migrations.sort_by(|a, b| order(a, b));
    Resolved { migrations, findings }
}

/// Reads all candidates, in their order.
fn load_all(
    candidates: &[Candidate],
    charset: Charset,
    read: &Read<'_>,
) -> Vec<Result<Migration, Diagnostic>> {
    let load_some = |some: &[Candidate]| -> Vec<_> {
        some.iter().map(|candidate| load(candidate, charset, read)).collect()
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    if candidates.len() < WORTH_THREADS || threads == 1 {
        return load_some(candidates);
    }
    thread::scope(|scope| {
        let parts = candidates.chunks(candidates.len().div_ceil(threads));
        let running: Vec<_> = parts.map(|part| scope.spawn(|| load_some(part))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Vec<_>>| match thread.join() {
            Ok(done) => done,
            Err(panic) => panic::resume_unwind(panic),
        };
        running.into_iter().flat_map(join).collect()
    })
}

fn load(candidate: &Candidate, charset: Charset, read: &Read<'_>) -> Result<Migration, Diagnostic> {
    let conf = candidate.conf.as_deref().map(|file| load_conf(file, read)).transpose()?;
    let charset = match conf.as_ref().and_then(|conf| conf_encoding(&conf.text).map(|label| (conf, label))) {
        None => charset,
        Some((conf, label)) => {
            Charset::parse(label).ok_or_else(|| unknown_encoding(label, "'encoding'").in_file(&conf.file))?
        }
    };
    let text = load_text(&candidate.file, charset, read)?;
    Ok(Migration {
        kind: candidate.kind,
        version: candidate.version.clone(),
        description: candidate.description.clone(),
        event: candidate.event.clone(),
        script: candidate.script.clone(),
        file: candidate.file.clone(),
        crc: flyway_crc(&text),
        source_sha: Sha256::of_text(&text),
        text: text.into(),
        conf,
    })
}

fn load_conf(file: &str, read: &Read<'_>) -> Result<ConfFile, Diagnostic> {
    let text = load_text(file, Charset::Utf8, read)?;
    Ok(ConfFile { file: file.to_owned(), text: text.into() })
}

fn load_text(file: &str, charset: Charset, read: &Read<'_>) -> Result<String, Diagnostic> {
    let bytes = read(file).map_err(|error| refusal(&error, file))?;
    charset.decode(bytes).map_err(|error| {
        Diagnostic::error(Code::UndecodableText, error.reason)
            .at(Place::position(file, error.line, error.column))
            .hint(error.hint)
    })
}

/// The value of `encoding` in a `.conf` file: it is needed before the script can be read. Whoever reads the other
/// keys checks the file's form.
fn conf_encoding(conf: &str) -> Option<&str> {
    let conf = conf.strip_prefix('\u{FEFF}').unwrap_or(conf);
    conf.split(['\n', '\r']).rev().find_map(|line| {
        let rest = line.trim_start().strip_prefix("encoding")?;
        let value = rest.trim_start();
        let parted = value.strip_prefix(['=', ':']);
        // Java's properties may also have only a blank between key and value.
        let value = parted.or_else(|| (value.len() < rest.len()).then_some(value))?;
        Some(value.trim())
    })
}

fn unknown_encoding(label: &str, key: &str) -> Diagnostic {
    Diagnostic::error(Code::InvalidValue, format!("{key} names the encoding '{label}', which is not known"))
        .hint("use a name as utf-8, utf-16, iso-8859-1 or windows-1252")
}

fn order(a: &Migration, b: &Migration) -> Ordering {
    let event = |migration: &Migration| {
        let event = migration.event.as_deref();
        CALLBACK_EVENTS.iter().position(|known| Some(*known) == event)
    };
    rank(a.kind)
        .cmp(&rank(b.kind))
        .then_with(|| a.version.cmp(&b.version))
        .then_with(|| event(a).cmp(&event(b)))
        // As Java compares text, by UTF-16 units: upper case before lower.
        .then_with(|| a.description.encode_utf16().cmp(b.description.encode_utf16()))
        .then_with(|| a.script.cmp(&b.script))
        .then_with(|| a.file.cmp(&b.file))
}

fn rank(kind: MigrationKind) -> u8 {
    match kind {
        MigrationKind::Versioned => 0,
        MigrationKind::Repeatable => 1,
        MigrationKind::Always => 2,
        MigrationKind::Baseline => 3,
        MigrationKind::Undo => 4,
        MigrationKind::Callback => 5,
    }
}

#[cfg(test)]
mod tests;
