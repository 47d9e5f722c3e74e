//! Configuration: `snowops.yml`, its layers and the process environment, which only this module reads.
//!
//! Layers, weakest first: defaults, `snowops.yml`, `snowops.local.yml`, variables of the process, options. The two
//! files are laid over one another first, then the chosen environment over the top level. Each value keeps the
//! place that it came from, and all findings are returned at once.

mod check;
mod connection;
mod environment;
mod keys;
mod load;
mod node;
mod process;
mod schema;
mod secret;
mod show;
mod words;

use std::{collections::BTreeMap, time::Duration};

use camino::Utf8PathBuf;

pub use connection::ResolvedConnection;
pub use environment::{Engine, Environment, Externals, LOCK_TIMEOUT, LockSettings};
pub use load::{FILE_NAME, LOCAL_FILE_NAME};
pub use process::{ProcessEnv, Surroundings, commit_and_pipeline};
pub use schema::json_schema;
pub use secret::EnvValue;
pub use show::{Shown, show};
pub(crate) use words::{DURATION_HINT, either};
pub use words::{duration, name, nearest};

use crate::{
    diagnostic::{Diagnostic, any_error},
    model::name::Naming,
};

/// What the command line and the process bring along.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Where the command runs, as a full path.
    pub directory: Utf8PathBuf,
    /// `-c FILE`.
    pub config: Option<Utf8PathBuf>,
    /// `--env`.
    pub environment: Option<String>,
    /// `--var NAME=VALUE`, in order.
    pub vars: Vec<(String, String)>,
    /// The process environment, read once.
    pub process: ProcessEnv,
    /// `--lock-timeout`, read with [`duration`].
    pub lock_timeout: Option<Duration>,
}

/// A value and what a person should know about it.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The value.
    pub value: T,
    /// Findings that stop nothing.
    pub warnings: Vec<Diagnostic>,
}

/// A project without a chosen environment: the top level of its configuration.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Folder of `snowops.yml`.
    pub root: Utf8PathBuf,
    /// The configuration file.
    pub file: Utf8PathBuf,
    /// Its environments, in the order of the file, and whether each is protected.
    pub environments: Vec<(String, bool)>,
    /// `default_environment`.
    pub default_environment: Option<String>,
    /// Folders with migrations, as written, from `root`.
    pub migrations: Vec<Utf8PathBuf>,
    /// Folder with templates, as written, from `root`.
    pub templates: Utf8PathBuf,
    /// Encoding of scripts, a WHATWG label.
    pub encoding: String,
    /// Whether `${}` placeholders are replaced.
    pub placeholders: bool,
    /// How file names are read.
    pub naming: Naming,
    /// Files that are no migrations, as globs.
    pub ignore: Vec<String>,
    /// Values for templates, as at the top level.
    pub vars: BTreeMap<String, serde_json::Value>,
}

/// Loads what does not depend on an environment. The whole file is checked, its environments included.
pub fn project(inputs: &Inputs) -> Result<Loaded<Project>, Vec<Diagnostic>> {
    let opened = load::open(inputs)?;
    if any_error(&opened.findings) {
        return Err(opened.findings);
    }
    let environments = load::environment_names(&opened.tree)
        .into_iter()
        .map(|name| (name.to_owned(), load::is_protected(&opened.tree, name)))
        .collect();
    let top: schema::TopKeys = serde_json::from_value(opened.tree.clone().without_nulls().to_json())
        .map_err(|error| {
            vec![Diagnostic::error(
                crate::diagnostic::Code::Internal,
                format!("a checked configuration does not fit its types: {error}"),
            )]
        })?;
    let shared = top.shared;
    let value = Project {
        name: top.project.unwrap_or_else(|| load::project_name(&opened.root)),
        environments,
        default_environment: top.default_environment,
        migrations: shared
            .migrations
            .unwrap_or_else(|| vec!["migrations".to_owned()])
            .into_iter()
            .map(Utf8PathBuf::from)
            .collect(),
        templates: shared.templates.unwrap_or_else(|| "templates".to_owned()).into(),
        encoding: shared.encoding.unwrap_or_else(|| "utf-8".to_owned()),
        placeholders: shared.placeholders.unwrap_or_default(),
        naming: environment::naming(top.naming),
        ignore: top.ignore.unwrap_or_default(),
        vars: shared.vars.unwrap_or_default(),
        root: opened.root,
        file: opened.file,
    };
    Ok(Loaded { value, warnings: opened.findings })
}

/// Loads the chosen environment, or says all that is wrong with it.
pub fn environment(inputs: &Inputs) -> Result<Loaded<Environment>, Vec<Diagnostic>> {
    let opened = load::open(inputs)?;
    let resolved = environment::resolve(inputs, &opened)?;
    match resolved.environment {
        Some(value) if !any_error(&resolved.findings) => Ok(Loaded { value, warnings: resolved.findings }),
        _ => Err(resolved.findings),
    }
}

#[cfg(test)]
mod tests;

/// Whether there is a configuration file for the folder that the command runs in.
pub fn has_project(inputs: &Inputs) -> bool {
    !matches!(load::open(inputs), Err(findings) if findings.iter().any(|f| f.code == crate::diagnostic::Code::InvalidConfig && f.place.is_none()))
}
