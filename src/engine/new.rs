//! `new`: the next file, with the right number.

use camino::{Utf8Path, Utf8PathBuf};

use super::{Stop, StopKind};
use crate::{
    config::Project,
    diagnostic::{Code, Diagnostic},
    execute::emit::timestamp,
    files,
    model::name::MigrationKind,
    session::context::Context,
    source::{self, SourceSettings, directory},
};

/// Writes a new script and answers its path from the project's root.
pub fn new(
    project: &Project,
    context: &Context,
    description: &str,
    kind: MigrationKind,
) -> Result<Utf8PathBuf, Stop> {
    let settings = SourceSettings {
        root: project.root.clone(),
        migrations: project.migrations.clone(),
        templates: project.templates.clone(),
        naming: project.naming.clone(),
        ignore: project.ignore.clone(),
        encoding: project.encoding.clone(),
    };
    let resolved = directory::resolve(&settings);
    let folder = project.migrations.first().map_or(Utf8Path::new("migrations"), Utf8PathBuf::as_path);
    let versions: Vec<_> = resolved
        .migrations
        .iter()
        .filter(|m| m.kind == MigrationKind::Versioned)
        .filter_map(|m| m.version.clone())
        .collect();
    let version = match kind {
        MigrationKind::Versioned => Some(source::next_version(&versions, timestamp(context.clock.now()))),
        // They speak of a version that is there.
        MigrationKind::Undo | MigrationKind::Baseline => versions.iter().max().cloned(),
        MigrationKind::Repeatable | MigrationKind::Always | MigrationKind::Callback => None,
    };
    let suffix = project.naming.suffixes.iter().find(|suffix| description.ends_with(suffix.as_str()));
    let description = suffix.map_or(description, |suffix| description.trim_end_matches(suffix.as_str()));
    let file = source::new_file(&project.naming, kind, version.as_ref(), description)
        .map_err(|finding| Stop::new(StopKind::Usage, finding))?;
    let path = folder.join(&file.name);
    let full = project.root.join(&path);
    files::create_new(&full, file.content.as_bytes()).map_err(|error| {
        Stop::new(
            StopKind::Usage,
            Diagnostic::error(Code::UnreadableFile, error.to_string()).hint(if files::exists(&full) {
                "choose another description, or edit the file that is there"
            } else {
                "make sure that the migrations folder exists and may be written"
            }),
        )
    })?;
    Ok(path)
}
