//! A Python environment for tests, made by the tests themselves, and fakesnow in it.

use std::{
    env,
    ffi::OsStr,
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use sha2::{Digest as _, Sha256};

/// Names under which a Python may be found.
const NAMES: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];

/// The oldest Python that fakesnow runs on.
const OLDEST: (u32, u32) = (3, 11);

/// A virtual environment with the packages of `tests/python/requirements.txt`.
#[derive(Debug)]
pub struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// The environment, made at the first call and kept under `target/` for later runs.
    ///
    /// `None` where there is no suitable Python, or its packages cannot be had: the reason is printed, past the capture of test
    /// output.
    ///
    /// # Panics
    /// There is none and `CI` is set: a pipeline must not pass because it did not look.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Python, String>> = OnceLock::new();
        match SHARED.get_or_init(Self::build) {
            Ok(python) => Some(python),
            Err(reason) => {
                assert!(env::var_os("CI").is_none(), "the tests need Python: {reason}");
                let _ = writeln!(io::stderr(), "skipped: a test with Python: {reason}");
                None
            }
        }
    }

    fn build() -> Result<Self, String> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.parent().unwrap_or(own);
        let requirements = root.join("tests/python/requirements.txt");
        let text = fs::read(&requirements).map_err(words(&requirements))?;
        let base = find()?;
        let digest = Sha256::digest([&text, base.version.as_bytes()].concat());
        let mut name = String::new();
        for byte in digest.iter().take(6) {
            // Writing to a String cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        let folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let folder = folder.join("python");
        fs::create_dir_all(&folder).map_err(words(&folder))?;
        // Test binaries run beside each other: one builds, the others wait.
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(words(&lock_path))?;
        lock.lock().map_err(words(&lock_path))?;
        let home = folder.join(name);
        let bin = home.join(if cfg!(windows) { "Scripts" } else { "bin" });
        let interpreter = bin.join(if cfg!(windows) { "python.exe" } else { "python" });
        let complete = home.join("complete");
        if !complete.exists() {
            let _ = writeln!(io::stderr(), "building a Python environment in {}", home.display());
            run(&base.command, [OsStr::new("-m"), "venv".as_ref(), "--clear".as_ref(), home.as_os_str()])?;
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
            run(&interpreter, pip.iter().map(OsStr::new).chain([requirements.as_os_str()]))?;
            File::create(&complete).map_err(words(&complete))?;
        }
        Ok(Self { interpreter })
    }

    /// A command that runs a script of `tests/python/`.
    pub fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python").join(name));
        command
    }
}

struct Base {
    command: PathBuf,
    version: String,
}

fn find() -> Result<Base, String> {
    let ask = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])";
    for name in NAMES {
        let Ok(output) = Command::new(name).args(["-c", ask]).output() else { continue };
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let parts = version.split_once('.').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        if output.status.success() && parts.is_some_and(|found: (u32, u32)| found >= OLDEST) {
            return Ok(Base { command: name.into(), version });
        }
    }
    Err(format!("no Python from {}.{} on with venv and ensurepip is on the PATH", OLDEST.0, OLDEST.1))
}

fn run(command: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<(), String> {
    let output = Command::new(command).args(arguments).output().map_err(words(command))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{}: {}", command.display(), said.trim())) }
}

fn words(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// fakesnow as a child process: a server of the protocol that others wrote, on `DuckDB`. It takes any login, and makes the
/// database and the schema that a login names.
#[derive(Debug)]
pub struct Fakesnow {
    port: u16,
    // Its input is ours: it ends when this process does, however that ends.
    _child: Child,
}

impl Fakesnow {
    /// The one server of this process; `None` without Python, see [`Python::shared`].
    ///
    /// # Panics
    /// There is Python and the server does not start.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Fakesnow> = OnceLock::new();
        let python = Python::shared()?;
        Some(SHARED.get_or_init(|| match Self::start(python) {
            Ok(server) => server,
            Err(error) => panic!("fakesnow does not start: {error}"),
        }))
    }

    fn start(python: &Python) -> io::Result<Self> {
        let mut command = python.script("fakesnow_server.py");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let port = line.trim().parse().map_err(|_| io::Error::other("it printed no port"))?;
        Ok(Self { port, _child: child })
    }

    /// Where it listens, on 127.0.0.1. A request that comes before it serves waits for it.
    pub fn port(&self) -> u16 {
        self.port
    }
}
