//! `render --statements` on any file: a splitter for everybody.

use std::{
    fs,
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::harness::{Project, Run};

/// Runs `render --statements` in a folder that is no project.
fn statements(project: &Project, files: &[&str]) -> (i32, Vec<Value>) {
    let arguments: Vec<&str> = ["render", "--statements"].into_iter().chain(files.iter().copied()).collect();
    let run = project.run(&arguments);
    (run.code, lines(&run.out))
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn texts(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["text"].as_str().unwrap_or_default()).collect()
}

/// What a program that is fed by a pipe answers.
fn piped(mut command: Command, input: &[u8]) -> Run {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Run::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_line_has_every_field_of_the_contract_in_its_order() {
    let project = Project::empty();
    project.write("a.sql", "-- x\n  DROP TABLE IF EXISTS db.s.t;\n");
    let (code, lines) = statements(&project, &["a.sql"]);
    assert_eq!((code, lines.len()), (0, 1));
    let fields: Vec<&str> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "ordinal hash start end file line column verb object class hazard certainty text";
    assert_eq!(fields.join(" "), expected);
    let mut line = lines[0].clone();
    line["hash"] = "".into();
    let expected = serde_json::json!({
        "ordinal": 1, "hash": "", "start": 7, "end": 34, "file": "a.sql", "line": 2, "column": 3,
        "verb": "drop_if_exists", "object": { "kind": "TABLE", "name": "DB.S.T" }, "class": "idempotent",
        "hazard": "loses_data", "certainty": "parsed", "text": "DROP TABLE IF EXISTS db.s.t",
    });
    assert_eq!(line, expected);
}

/// With the gaps between them the pieces are the file, byte for byte, and `text` is exactly what stands there.
#[test]
fn offsets_are_bytes_of_the_file() {
    let project = Project::empty();
    let text = "\u{FEFF}-- h\u{e9}\r\nSELECT '\u{1F600}##vso[x]\u{202E}\u{1b}';\r\n\r\nBEGIN\r\n  SELECT 1;\r\nEND;;\r\nSELECT 2 -- end\r\n";
    project.write("a.sql", text);
    let (code, lines) = statements(&project, &["a.sql"]);
    assert_eq!((code, lines.len()), (0, 3));
    let mut joined = Vec::new();
    let mut from = 0;
    for line in &lines {
        let [start, end] = ["start", "end"].map(|key| usize::try_from(line[key].as_u64().unwrap()).unwrap());
        joined.extend_from_slice(&text.as_bytes()[from..start]);
        joined.extend_from_slice(line["text"].as_str().unwrap().as_bytes());
        from = end;
    }
    joined.extend_from_slice(&text.as_bytes()[from..]);
    assert_eq!(String::from_utf8(joined).unwrap(), text);
    let places: Vec<_> = lines.iter().map(|line| (line["line"].as_u64(), line["column"].as_u64())).collect();
    assert_eq!(places, [(2, 1), (4, 1), (7, 1)].map(|(line, column)| (Some(line), Some(column))));
}

#[test]
fn files_are_taken_by_any_name_and_folders_for_their_sql_files() {
    let project = Project::empty();
    let names = [
        "noending",
        "with blank.sql",
        "line\nend.sql",
        "-dash.sql",
        "\u{fc}.SQL",
        "deep/er/x.sql",
        "notes.txt",
    ];
    for name in names {
        project.write(&format!("all/{name}"), &format!("SELECT '{}';", name.len()));
    }
    project.write("all/.hidden/x.sql", "SELECT 'hidden';");
    for name in names {
        let file = format!("all/{name}");
        let (code, lines) = statements(&project, &[&file]);
        assert_eq!((code, lines[0]["file"].as_str()), (0, Some(file.as_str())));
    }
    let absolute = project.path("all/noending");
    let (code, lines) = statements(&project, &[absolute.to_str().unwrap()]);
    assert_eq!((code, lines[0]["file"].as_str()), (0, absolute.to_str()));
    for (folder, prefix) in [("all", "all/"), ("./all/", "all/"), (project.path("all").to_str().unwrap(), "")]
    {
        let (code, lines) = statements(&project, &[folder]);
        let files: Vec<_> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
        let expected = ["-dash.sql", "deep/er/x.sql", "line\nend.sql", "with blank.sql", "\u{fc}.SQL"];
        let prefix = if prefix.is_empty() { format!("{folder}/") } else { prefix.to_owned() };
        assert_eq!(
            (code, files),
            (0, expected.map(|name| format!("{prefix}{name}")).iter().map(String::as_str).collect())
        );
    }
    let (code, lines) = statements(&project, &["."]);
    assert_eq!((code, lines.len(), lines[0]["file"].as_str()), (0, 5, Some("all/-dash.sql")));
    let mut dashed = project.command(&["render", "--statements", "--", "-dash.sql"]);
    let dashed = Run::of(&dashed.current_dir(project.path("all")).output().unwrap());
    assert_eq!((dashed.code, lines.len()), (0, 5), "{}", dashed.all());
}

#[test]
fn standard_input_is_a_file_too_inside_a_project_as_well() {
    for project in [Project::empty(), Project::with(&[("V1__a.sql", "SELECT {{ x }};")])] {
        let run = piped(project.command(&["render", "--statements", "-"]), b"SELECT '{{ x }}'; SELECT 2");
        assert_eq!(run.code, 0, "{}", run.all());
        let lines = lines(&run.out);
        assert_eq!(texts(&lines), ["SELECT '{{ x }}'", "SELECT 2"]);
        assert_eq!(lines[1]["file"], "-");
    }
    let project = Project::empty();
    let run = piped(project.command(&["render", "-"]), b"SELECT 1;\r\n");
    assert_eq!((run.code, run.out.as_str()), (0, "SELECT 1;\r\n"));
}

#[test]
fn files_without_a_statement_give_no_line() {
    let project = Project::empty();
    for (name, text) in [("a", ""), ("b", "\u{FEFF}"), ("c", "-- only\n/* comments */\n"), ("d", ";;\n ; ")] {
        project.write(name, text);
    }
    assert_eq!(statements(&project, &["a", "b", "c", "d"]), (0, vec![]));
    let run = project.run(&["render", "--statements", "--format", "human", "a"]);
    assert_eq!((run.code, run.out.as_str()), (0, "0 statements in 0 files.\n"));
    let (code, object) = project.json(&["render", "--statements", "a"]);
    assert_eq!((code, &object["statements"]), (0, &Value::Array(vec![])));
}

/// Each file that fails has a line of its own, at its place among the others, and the exit code is 4.
#[test]
fn a_file_that_fails_has_a_line_and_the_others_go_on() {
    let project = Project::empty();
    project.write("good.sql", "SELECT 1;");
    project.write("open.sql", "SELECT 1;\n\nSELECT 'never closed;");
    let bytes: [(&str, &[u8]); 4] = [
        ("utf16.sql", b"\xFF\xFES\0E\0"),
        ("latin1.sql", b"-- caf\xE9\nSELECT 1;"),
        ("nul.sql", b"SELECT\n 1\0;"),
        ("binary.sql", &[0x7f, b'E', b'L', b'F', 2, 1, 0x80, 0xff]),
    ];
    for (name, bytes) in bytes {
        fs::write(project.path(name), bytes).unwrap();
    }
    let cases = [
        ("open.sql", "unbalanced_sql", Some((3, 8)), "never closed"),
        ("utf16.sql", "unreadable_file", Some((1, 1)), "0xFF at offset 0"),
        ("latin1.sql", "unreadable_file", Some((1, 7)), "0xE9 at offset 6"),
        ("nul.sql", "unreadable_file", Some((2, 3)), "NUL"),
        ("binary.sql", "unreadable_file", Some((1, 7)), "0x80 at offset 6"),
        ("missing.sql", "unreadable_file", None, "no such file"),
        ("missing/", "unreadable_file", None, "no such file"),
    ];
    for (file, code, place, message) in cases {
        let (exit, lines) = statements(&project, &["good.sql", file, "good.sql"]);
        assert_eq!((exit, lines.len()), (4, 3), "{file}: {lines:?}");
        assert!(lines[0]["ordinal"] == 1 && lines[2]["ordinal"] == 1);
        let failed = &lines[1];
        let keys: Vec<_> = failed.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((keys, failed["file"].as_str()), (vec!["file", "error"], Some(file)));
        let error = &failed["error"];
        let fields: Vec<_> = error.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields.join(" "), "code severity message file line column hint");
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
        let found = error["line"].as_u64().zip(error["column"].as_u64());
        assert_eq!(found, place, "{error}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_ordinary_file_is_refused_and_never_hangs() {
    use std::{
        ffi::OsStr,
        os::unix::{ffi::OsStrExt as _, fs::symlink, net::UnixListener},
    };
    let project = Project::empty();
    project.write("all/good.sql", "SELECT 1;");
    let made = Command::new("mkfifo").arg(project.path("all/fifo.sql")).status().unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(project.path("all/socket.sql")).unwrap();
    symlink("../all", project.path("all/loop")).unwrap();
    symlink("gone.sql", project.path("all/dangling.sql")).unwrap();
    symlink("self.sql", project.path("all/self.sql")).unwrap();
    fs::write(project.path("all").join(OsStr::from_bytes(b"caf\xE9.sql")), "SELECT 1;").unwrap();
    let (code, lines) = statements(&project, &["all", "/dev/null"]);
    assert_eq!(code, 4);
    let told = |file: &str, what: &str| {
        let line =
            lines.iter().find(|line| line["file"] == file).unwrap_or_else(|| panic!("{file}: {lines:#?}"));
        let message = line["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(what), "{file}: {message}");
    };
    told("all/fifo.sql", "named pipe");
    told("all/socket.sql", "socket");
    told("all/loop", "circle");
    told("all/dangling.sql", "gone.sql");
    told("all/self.sql", "circle");
    told("all/caf\u{FFFD}.sql", "not UTF-8");
    told("/dev/null", "device");
    assert_eq!(lines.iter().filter(|line| line["ordinal"] == 1).count(), 1);
    // Named directly, too.
    let output = project
        .command(&["render", "--statements", "all/good.sql"])
        .arg(OsStr::from_bytes(b"all/caf\xE9.sql"))
        .output()
        .unwrap();
    let run = Run::of(&output);
    assert_eq!((run.code, run.out.lines().count()), (4, 2), "{}", run.all());
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::empty();
    project.write("good.sql", "SELECT 1;");
    project.write("closed.sql", "SELECT 1;");
    project.write("folder/x.sql", "SELECT 1;");
    for path in ["closed.sql", "folder"] {
        fs::set_permissions(project.path(path), fs::Permissions::from_mode(0o0)).unwrap();
    }
    // Root may read everything.
    let refused = fs::read(project.path("closed.sql")).is_err();
    let (code, lines) = statements(&project, &["closed.sql", "folder", "good.sql"]);
    fs::set_permissions(project.path("folder"), fs::Permissions::from_mode(0o755)).unwrap();
    if refused {
        assert_eq!((code, lines.len()), (4, 3), "{lines:#?}");
        assert!(lines[1]["error"]["message"].as_str().unwrap().contains("permission denied"));
    } else {
        assert_eq!((code, lines.len()), (0, 3), "{lines:#?}");
    }
}

#[test]
fn exit_codes_say_what_happened() {
    let project = Project::empty();
    project.write("good.sql", "SELECT 1;");
    project.write("bad.sql", "SELECT (1;");
    let rows: [(&[&str], i32); 6] = [
        (&["good.sql"], 0),
        (&["bad.sql"], 4),
        (&["--raw"], 2),
        (&["--bogus", "good.sql"], 2),
        // No project and no files.
        (&[], 3),
        (&["--config", "none.yml", "good.sql"], 3),
    ];
    for (arguments, code) in rows {
        for format in [&[][..], &["--format", "human"], &["--format", "json"]] {
            let all: Vec<_> =
                ["render", "--statements"].iter().chain(arguments).chain(format).copied().collect();
            assert_eq!(project.run(&all).code, code, "{all:?}: {}", project.run(&all).all());
        }
    }
    // Nowhere to write to.
    #[cfg(target_os = "linux")]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = project.command(&["render", "--statements", "good.sql"]).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let project = Project::empty();
    project.write(
        "many.sql",
        &"SELECT 'a statement of some length, so that a pipe is soon full';\n".repeat(20_000),
    );
    for format in [&[][..], &["--format", "human"], &["--format", "json"]] {
        let arguments: Vec<_> =
            ["render", "--statements", "many.sql"].iter().chain(format).copied().collect();
        let mut command = project.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut [0; 10]).unwrap();
        drop(out);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format:?} {output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn one_object_holds_the_statements_and_the_outcome() {
    let project = Project::empty();
    project.write("a.sql", "SELECT 1; SELECT 2;");
    project.write("b.sql", "SELECT (1;");
    let (code, object) = project.json(&["render", "--statements", "a.sql", "b.sql"]);
    assert_eq!((code, object["ok"].as_bool(), object["exit_code"].as_i64()), (4, Some(false), Some(4)));
    assert_eq!(object["statements"].as_array().unwrap().len(), 3);
    assert_eq!(object["statements"][2]["file"], "b.sql");
    assert_eq!(object["error"]["code"], object["findings"][0]["code"]);
}

#[test]
fn people_get_a_table_a_file() {
    let project = Project::empty();
    project.write(
        "a.sql",
        "CREATE TABLE t (\u{65e5}\u{672c} NUMBER COMMENT '\u{65e5}\u{672c}\u{8a9e}');\nDROP TABLE t; FROBNICATE t;\n",
    );
    project.write("b.sql", &"INSERT INTO t VALUES (1);\n".repeat(2500));
    project.write("c.sql", "SELECT (1;");
    let run = project.run(&["render", "--statements", "--format", "human", "a.sql", "b.sql", "c.sql"]);
    assert_eq!(run.code, 4);
    let first: Vec<&str> = run.out.lines().take(5).collect();
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("human_statements", first.join("\n"));
    });
    assert_eq!(
        run.out.lines().filter(|line| line.trim_start().starts_with("# ")).count(),
        4,
        "a header each 1,000 rows"
    );
    assert!(run.out.ends_with("\n2503 statements in 2 files, 1 file failed.\n"), "{}", run.out);
    assert!(run.err.contains("c.sql:1:8"), "{}", run.err);
}

#[test]
fn thousands_of_files_are_read_one_by_one() {
    let project = Project::empty();
    for number in 0..2000 {
        let path = project.path(&format!("f{}/{number}.sql", number % 7));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "SELECT 1; SELECT 2;").unwrap();
    }
    let (code, lines) = statements(&project, &["."]);
    assert_eq!((code, lines.len()), (0, 4000));
}
