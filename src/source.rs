//! Finding scripts: names read, texts decoded, checksums computed; nothing rendered and no server asked.
//!
//! [`directory`] reads a work tree, [`memory`] pairs of path and text; both end in the same [`Resolved`] through the
//! same rules. All findings come back at once.

pub mod directory;
pub mod git;
pub mod memory;

mod classify;
mod decode;
mod duplicates;
mod new;
mod resolve;

use std::sync::Arc;

use camino::Utf8PathBuf;
pub use decode::{Charset, Undecodable};
pub use new::{NewFile, new_file, next_version};

use crate::{
    diagnostic::{Diagnostic, any_error},
    model::{migration::Migration, name::Naming},
};

/// Where scripts are and how they are named: plain values, so that this module knows no configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSettings {
    /// The project's folder. Links may not lead out of it.
    pub root: Utf8PathBuf,
    /// Migrations folders as configured, relative to `root`, in order.
    pub migrations: Vec<Utf8PathBuf>,
    /// Templates folder as configured, relative to `root`.
    pub templates: Utf8PathBuf,
    /// How files are named.
    pub naming: Naming,
    /// Globs of files that are no migrations. One without `/` is compared with the file's name, others with the
    /// path from `root` and the path from the migrations folder; a final `/` means all that is below.
    pub ignore: Vec<String>,
    /// Encoding of scripts, a label as `utf-8` or `iso-8859-1`.
    pub encoding: String,
}

impl Default for SourceSettings {
    /// The defaults of `snowops.yml`, for a project in the working directory.
    fn default() -> Self {
        Self {
            root: ".".into(),
            migrations: vec!["migrations".into()],
            templates: "templates".into(),
            naming: Naming::default(),
            ignore: Vec::new(),
            encoding: "utf-8".into(),
        }
    }
}

/// All scripts of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Versioned by version, repeatable by description, always by description; then baseline and undo by version
    /// and callbacks by event and description. A script that could not be read is not here but in `findings`.
    pub migrations: Vec<Arc<Migration>>,
    /// What is wrong with names, files and texts.
    pub findings: Vec<Diagnostic>,
}

impl Resolved {
    /// Whether a finding stops the command.
    pub fn has_error(&self) -> bool {
        any_error(&self.findings)
    }
}
