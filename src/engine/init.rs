//! `init`: a new project that works at once on the embedded engine.

use camino::Utf8Path;

use super::{Stop, StopKind};
use crate::{
    diagnostic::{Code, Diagnostic},
    files,
};

/// What `init` wrote.
#[derive(Debug)]
pub struct Initialized {
    /// Paths from the project's folder.
    pub files: Vec<String>,
}

const CONFIG: &str = include_str!("init/snowops.yml");
const FIRST: &str = include_str!("init/V1__create_customers.sql");
const VIEW: &str = include_str!("init/R__customer_names.sql");

/// Writes a project into `directory`. Never overwrites a file.
pub fn init(directory: &Utf8Path) -> Result<Initialized, Stop> {
    let config = directory.join("snowops.yml");
    if files::exists(&config) {
        return Err(Stop::new(
            StopKind::Usage,
            Diagnostic::error(Code::InvalidUsage, "there is a snowops.yml in this folder already")
                .in_file(config.as_str())
                .hint("`snowops new DESCRIPTION` adds a migration to this project"),
        ));
    }
    let name = directory.file_name().unwrap_or("project");
    let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let mut written = Vec::new();
    let contents = [
        ("snowops.yml", CONFIG.replace("PROJECT", &name)),
        ("migrations/V1__create_customers.sql", FIRST.to_owned()),
        ("migrations/R__customer_names.sql", VIEW.to_owned()),
    ];
    for (path, content) in contents {
        if !files::exists(&directory.join(path)) {
            write(directory, path, &content)?;
            written.push(path.to_owned());
        }
    }
    if ignore_state(directory)? {
        written.push(".gitignore".into());
    }
    Ok(Initialized { files: written })
}

fn write(directory: &Utf8Path, path: &str, content: &str) -> Result<(), Stop> {
    let full = directory.join(path);
    let parent = full.parent().unwrap_or(directory);
    let written = files::create_dir_all(parent).and_then(|()| files::create_new(&full, content.as_bytes()));
    written.map_err(|error| stop(&error))
}

/// Adds the embedded engine's folder and the personal configuration to `.gitignore`.
fn ignore_state(directory: &Utf8Path) -> Result<bool, Stop> {
    let path = directory.join(".gitignore");
    let before =
        if files::exists(&path) { files::read_text(&path).map_err(|e| stop(&e))? } else { String::new() };
    let missing: Vec<&str> = [".snowops/", "snowops.local.yml"]
        .into_iter()
        .filter(|line| !before.lines().any(|l| l.trim() == *line))
        .collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let text = format!("{before}{gap}{}\n", missing.join("\n"));
    files::write_atomic(&path, text.as_bytes()).map_err(|e| stop(&e))?;
    Ok(true)
}

fn stop(error: &files::FileError) -> Stop {
    Stop::new(StopKind::Usage, Diagnostic::error(Code::UnreadableFile, error.to_string()))
}
