#![expect(clippy::disallowed_methods, reason = "tests build a project on disk")]

use std::{fmt::Write as _, fs, time::Instant};

use super::*;
use crate::render::{TemplateFile, TemplateLoader as _};

struct Project {
    _guard: tempfile::TempDir,
    settings: SourceSettings,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let guard = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(guard.path()).unwrap().canonicalize_utf8().unwrap();
        let project = Self { _guard: guard, settings: SourceSettings { root, ..SourceSettings::default() } };
        for (path, text) in files {
            project.write(path, text.as_bytes());
        }
        project
    }

    fn path(&self, path: &str) -> Utf8PathBuf {
        self.settings.root.join(path)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), bytes).unwrap();
    }

    /// Names of the scripts and `code file: message` of the findings.
    fn resolve(&self) -> (Vec<String>, Vec<String>) {
        let resolved = resolve(&self.settings);
        let scripts = resolved.migrations.iter().map(|m| m.script.clone()).collect();
        let shown = |f: &Diagnostic| {
            let file = f.place.as_ref().map_or("-", |p| p.file.as_str());
            assert!(f.hint.is_some(), "{f:?}");
            format!("{} {file}: {}", f.code, f.message)
        };
        (scripts, resolved.findings.iter().map(shown).collect())
    }
}

/// Whether `findings` are one each for `starts`, in any wording behind it.
#[track_caller]
fn assert_findings(findings: &[String], starts: &[&str]) {
    assert_eq!(findings.len(), starts.len(), "{findings:#?}");
    for (finding, start) in findings.iter().zip(starts) {
        assert!(finding.starts_with(start), "{finding} does not start with {start}");
    }
}

#[test]
fn a_work_tree_is_resolved() {
    let project = Project::new(&[
        ("migrations/V2__b.sql", "x"),
        ("migrations/deep/er/V1__a.sql", "x"),
        ("migrations/.git/V7__hidden.sql", "x"),
        ("migrations/notes.txt", "x"),
        ("V9__outside.sql", "x"),
    ]);
    let (scripts, findings) = project.resolve();
    assert_eq!(scripts, ["deep/er/V1__a.sql", "V2__b.sql"]);
    assert_findings(&findings, &[]);
    let resolved = resolve(&project.settings);
    assert_eq!(resolved.migrations[0].file, "migrations/deep/er/V1__a.sql");
}

#[test]
fn memory_and_directory_agree() {
    let files = [
        ("migrations/V1__a.sql", "SELECT 1;\n"),
        ("migrations/V1__a.sql.conf", "encoding=latin1\n"),
        ("migrations/sub/R__b.sql", "x"),
        ("migrations/Readme.sql", "x"),
        ("migrations/V01__c.sql", "x"),
    ];
    let project = Project::new(&files);
    assert_eq!(resolve(&project.settings), super::super::memory::resolve(&project.settings, &files));
}

#[test]
fn missing_and_overlapping_folders_are_told() {
    let mut project =
        Project::new(&[("a/V1__x.sql", "x"), ("a/b/V2__x.sql", "x"), ("file", "x"), ("ab/V3__x.sql", "x")]);
    project.settings.migrations =
        ["a/b", "./a/", "none", "a", "file", "ab"].into_iter().map(Utf8PathBuf::from).collect();
    let (scripts, findings) = project.resolve();
    assert_eq!(scripts, ["V1__x.sql", "b/V2__x.sql", "V3__x.sql"]);
    assert_findings(
        &findings,
        &[
            "missing_folder none: the migrations folder 'none' does not exist",
            "overlapping_folders -: the migrations folder 'a/b' is part of './a/'",
            "overlapping_folders -: the migrations folder 'a' is part of './a/'",
            "refused_path file: the migrations folder 'file' cannot be used: it is not a folder",
        ],
    );
}

#[cfg(unix)]
#[test]
fn what_is_no_ordinary_file_is_refused_and_nothing_hangs() {
    use std::os::unix::fs::symlink;
    let project = Project::new(&[("migrations/V1__ok.sql", "x"), ("shared/R__shared.sql", "x")]);
    let other = Project::new(&[("V8__outside.sql", "x")]);
    let mkfifo = |path: &str| {
        assert!(std::process::Command::new("mkfifo").arg(project.path(path)).status().unwrap().success());
    };
    mkfifo("migrations/V2__fifo.sql");
    mkfifo("migrations/V1__ok.sql.conf");
    mkfifo("migrations/notes");
    fs::create_dir_all(project.path("migrations/V3__folder.sql")).unwrap();
    symlink("/dev/zero", project.path("migrations/V4__device.sql")).unwrap();
    symlink("V5__loop.sql", project.path("migrations/V5__loop.sql")).unwrap();
    symlink("gone.sql", project.path("migrations/V6__dangling.sql")).unwrap();
    symlink("gone.txt", project.path("migrations/gone")).unwrap();
    symlink(other.path("V8__outside.sql"), project.path("migrations/V8__outside.sql")).unwrap();
    symlink(&other.settings.root, project.path("migrations/away")).unwrap();
    symlink("..", project.path("migrations/up")).unwrap();
    symlink("../shared", project.path("migrations/shared")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(project.path("migrations/V9__socket.sql")).unwrap();
    let started = Instant::now();
    let (scripts, findings) = project.resolve();
    assert!(started.elapsed().as_secs() < 5);
    assert_eq!(scripts, ["V1__ok.sql", "shared/R__shared.sql"]);
    let starts = [
        "refused_path migrations/V1__ok.sql.conf: 'migrations/V1__ok.sql.conf' cannot be read: it is a named pipe",
        "refused_path migrations/V2__fifo.sql: 'migrations/V2__fifo.sql' cannot be read: it is a named pipe",
        "refused_path migrations/V3__folder.sql: 'migrations/V3__folder.sql' is a folder",
        "refused_path migrations/V4__device.sql: 'migrations/V4__device.sql' cannot be read: the link leads out",
        "refused_path migrations/V5__loop.sql: 'migrations/V5__loop.sql' cannot be read: its links go in a circle",
        "refused_path migrations/V6__dangling.sql: 'migrations/V6__dangling.sql' cannot be read: the link leads to 'gone.sql'",
        "refused_path migrations/V8__outside.sql: 'migrations/V8__outside.sql' cannot be read: the link leads out",
        "refused_path migrations/V9__socket.sql: 'migrations/V9__socket.sql' cannot be read: it is a socket",
        "refused_path migrations/away: 'migrations/away' cannot be read: the link leads out",
        "refused_path migrations/up: 'migrations/up' cannot be read: its links go in a circle",
    ];
    assert_findings(&findings, &starts);
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new(&[("migrations/V1__x.sql", "x"), ("migrations/closed/V2__x.sql", "x")]);
    let close =
        |path: &str, mode| fs::set_permissions(project.path(path), fs::Permissions::from_mode(mode)).unwrap();
    close("migrations/V1__x.sql", 0o000);
    close("migrations/closed", 0o000);
    if fs::read(project.path("migrations/V1__x.sql")).is_ok() {
        // The superuser reads everything; nothing can be shown here.
        close("migrations/closed", 0o700);
        return;
    }
    let (_, findings) = project.resolve();
    close("migrations/closed", 0o700);
    assert_findings(
        &findings,
        &[
            "unreadable_file migrations/closed: 'migrations/closed' cannot be read: permission denied",
            "unreadable_file migrations/V1__x.sql: 'migrations/V1__x.sql' cannot be read: permission denied",
        ],
    );
}

/// The superuser may read everything, so this says it without a file system.
#[test]
fn a_refused_read_is_an_unreadable_file() {
    let settings = SourceSettings::default();
    let entries = vec![files::Entry { path: "V1__x.sql".into(), found: files::Found::File }];
    let location = Location { folder: "migrations".into(), entries };
    let read = |file: &str| {
        Err(FileError { path: file.into(), action: files::Action::Read, reason: Reason::Permission })
    };
    let resolved = resolve_locations(&settings, &[location], &read, Vec::new());
    let codes: Vec<_> = resolved.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::UnreadableFile]);
    let closed = FileError { path: "m".into(), action: files::Action::List, reason: Reason::Permission };
    assert_eq!(unusable(Utf8Path::new("m"), &closed).code, Code::UnreadableFile);
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_text_is_told() {
    use std::os::unix::ffi::OsStrExt as _;
    let project = Project::new(&[("migrations/V1__x.sql", "x")]);
    let name = std::ffi::OsStr::from_bytes(b"V2__\xFF.sql");
    fs::write(project.path("migrations").as_std_path().join(name), "x").unwrap();
    let (_, findings) = project.resolve();
    assert_findings(&findings, &["misnamed_file migrations/V2__\u{FFFD}.sql: "]);
}

#[test]
fn templates_come_from_two_folders_only() {
    let project = Project::new(&[
        ("templates/m.sql", "\u{FEFF}from templates"),
        ("templates/sub/n.sql", "n"),
        ("templates/bin.sql", "a\0b"),
        ("migrations/sub/m.sql", "own m"),
        ("migrations/sub/own.sql", "own"),
        ("migrations/up.sql", "up"),
        ("secret.sql", "secret"),
    ]);
    project.write("templates/latin.sql", b"a\n\xE9");
    let templates = Templates::new(&project.settings.root, &project.settings.templates);
    let load = |name: &str| templates.load("migrations/sub", name);
    let found = |file: &str, text: &str| Ok(Some(TemplateFile { file: file.into(), text: text.into() }));
    assert_eq!(load("m.sql"), found("templates/m.sql", "from templates"));
    assert_eq!(load("sub/n.sql"), found("templates/sub/n.sql", "n"));
    assert_eq!(load("own.sql"), found("migrations/sub/own.sql", "own"));
    for name in ["none.sql", "up.sql", "secret.sql", "m.sql/x", "sub/none"] {
        assert_eq!(load(name), Ok(None), "{name}");
    }
    for name in [
        "",
        "../secret.sql",
        "sub/../../secret.sql",
        "/etc/passwd",
        "a\\b",
        "..\\x",
        "c:x",
        "C:/x",
        "a\0",
        "a\nb",
        "..",
    ] {
        let error = load(name).unwrap_err();
        assert_eq!(error.code, Code::TemplateError, "{name}");
        assert!(!error.message.contains(char::is_control), "{name}");
    }
    assert_eq!(load("sub").unwrap_err().code, Code::RefusedPath);
    assert_eq!(load("latin.sql").unwrap_err().code, Code::UndecodableText);
    assert_eq!(load("bin.sql").unwrap_err().code, Code::UndecodableText);
}

#[cfg(unix)]
#[test]
fn template_links_stay_in_the_project() {
    use std::os::unix::fs::symlink;
    let project = Project::new(&[("templates/x.sql", "x"), ("shared/s.sql", "s")]);
    let other = Project::new(&[("o.sql", "o")]);
    symlink("../shared/s.sql", project.path("templates/in.sql")).unwrap();
    symlink(other.path("o.sql"), project.path("templates/out.sql")).unwrap();
    symlink(&other.settings.root, project.path("templates/outdir")).unwrap();
    symlink("loop.sql", project.path("templates/loop.sql")).unwrap();
    assert!(
        std::process::Command::new("mkfifo").arg(project.path("templates/p")).status().unwrap().success()
    );
    let templates = Templates::new(&project.settings.root, &project.settings.templates);
    let load = |name: &str| templates.load("migrations", name);
    assert_eq!(&*load("in.sql").unwrap().unwrap().text, "s");
    for name in ["out.sql", "outdir/o.sql", "loop.sql", "p"] {
        assert_eq!(load(name).unwrap_err().code, Code::RefusedPath, "{name}");
    }
}

/// The wording, over the projects in `tests/fixtures`; the texts are in `tests/golden/source`.
#[test]
fn the_findings_read_well() {
    let fixtures = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for situation in ["misnamed", "duplicates", "undecodable", "unsupported", "orphan_conf", "missing_folder"]
    {
        let resolved =
            resolve(&SourceSettings { root: fixtures.join(situation), ..SourceSettings::default() });
        let mut text = String::new();
        for finding in &resolved.findings {
            writeln!(text, "{:?}[{}] {finding}", finding.severity, finding.code).unwrap();
            for note in &finding.notes {
                writeln!(text, "  note: {note}").unwrap();
            }
            if let Some(hint) = &finding.hint {
                writeln!(text, "  hint: {hint}").unwrap();
            }
        }
        for migration in &resolved.migrations {
            writeln!(text, "resolved {} {}", migration.kind, migration.script).unwrap();
        }
        insta::with_settings!({ snapshot_path => "../../../tests/golden/source", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(situation, text);
        });
    }
}
