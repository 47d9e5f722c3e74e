//! A project in a temporary folder and the real binary.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// The root of this repository.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A project that a test may change.
pub(crate) struct Project {
    folder: TempDir,
}

/// What a command printed.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Project {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A project with one embedded environment and the given migrations.
    pub(crate) fn with(scripts: &[(&str, &str)]) -> Self {
        let project = Self::empty();
        project.write("snowops.yml", "project: test\nenvironments:\n  local: { engine: embedded }\n");
        fs::create_dir(project.path("migrations")).unwrap();
        for (name, text) in scripts {
            project.write(&format!("migrations/{name}"), text);
        }
        project
    }

    /// A copy of the sample project.
    pub(crate) fn sample() -> Self {
        let project = Self::empty();
        project.copy("snowops.yml");
        for folder in ["migrations", "templates"] {
            fs::create_dir(project.path(folder)).unwrap();
            for entry in fs::read_dir(repository().join(folder)).unwrap() {
                let name = entry.unwrap().file_name();
                project.copy(&format!("{folder}/{}", name.to_str().unwrap()));
            }
        }
        project
    }

    fn copy(&self, path: &str) {
        fs::copy(repository().join(path), self.path(path)).unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// What the embedded engine keeps of the environment `local`.
    pub(crate) fn engine_file(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path(".snowops/local.db")).unwrap()
    }

    /// The binary with its surroundings pinned: no environment variable of the caller reaches it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snowops"));
        command
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .env("HOME", self.root())
            .env("USER", "tester")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }

    /// Runs with `--format json` and gives the result object.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
        let run = self.run(&arguments);
        let value = serde_json::from_str(&run.out)
            .unwrap_or_else(|e| panic!("stdout is no JSON object: {e}\n{}\n{}", run.out, run.err));
        (run.code, value)
    }

    /// State of each script by its name.
    pub(crate) fn states(&self) -> Vec<(String, String)> {
        let (_, info) = self.json(&["info", "--env", "local"]);
        info["migrations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| (m["script"].as_str().unwrap().to_owned(), m["state"].as_str().unwrap().to_owned()))
            .collect()
    }
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Both streams, for messages of failed assertions.
    pub(crate) fn all(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.out, self.err)
    }
}
