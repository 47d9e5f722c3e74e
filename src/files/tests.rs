#![expect(clippy::disallowed_methods, reason = "tests build files of all kinds")]

use std::{fs, time::Instant};

use super::*;

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(guard.path()).unwrap().canonicalize_utf8().unwrap();
    (guard, path)
}

#[test]
fn text_is_read_as_it_is_and_bad_utf8_has_a_place() {
    let (_guard, dir) = folder();
    fs::write(dir.join("a"), "\u{FEFF}a\r\nb").unwrap();
    assert_eq!(read_text(&dir.join("a")).unwrap(), "\u{FEFF}a\r\nb");
    fs::write(dir.join("b"), b"ok\nok\n\xFF").unwrap();
    let error = read_text(&dir.join("b")).unwrap_err();
    assert_eq!(error.reason, Reason::NotUtf8 { offset: 6, line: 3 });
    assert!(error.to_string().contains("offset 6, line 3"), "{error}");
}

#[test]
fn what_is_no_file_is_refused_with_its_name() {
    let (_guard, dir) = folder();
    assert_eq!(read_bytes(&dir.join("none")).unwrap_err().reason, Reason::Missing);
    assert_eq!(read_bytes(&dir).unwrap_err().reason, Reason::NotAFile(Special::Folder));
    fs::write(dir.join("big"), "12345").unwrap();
    assert_eq!(read_at_most(&dir.join("big"), 4).unwrap_err().reason, Reason::TooLarge { limit: 4 });
    assert_eq!(read_at_most(&dir.join("big"), 5).unwrap(), b"12345");
}

#[cfg(unix)]
#[test]
fn fifos_devices_and_sockets_are_refused_at_once() {
    let (_guard, dir) = folder();
    let fifo = dir.join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
    let started = Instant::now();
    assert_eq!(read_bytes(&fifo).unwrap_err().reason, Reason::NotAFile(Special::Fifo));
    assert_eq!(read_bytes(Utf8Path::new("/dev/zero")).unwrap_err().reason, Reason::NotAFile(Special::Device));
    assert_eq!(read_bytes(&dir.join("socket")).unwrap_err().reason, Reason::NotAFile(Special::Socket));
    assert!(write_atomic(&fifo, b"x").is_err());
    // The race between looking and opening: opening alone must not wait for a writer.
    open_without_waiting(&fifo).unwrap();
    assert!(started.elapsed().as_secs() < 5);
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_are_a_loop() {
    let (_guard, dir) = folder();
    std::os::unix::fs::symlink(dir.join("b"), dir.join("a")).unwrap();
    std::os::unix::fs::symlink(dir.join("a"), dir.join("b")).unwrap();
    assert_eq!(read_bytes(&dir.join("a")).unwrap_err().reason, Reason::Loop);
}

#[test]
fn an_atomic_write_replaces_the_whole_and_leaves_nothing_behind() {
    let (_guard, dir) = folder();
    let path = dir.join("f");
    write_atomic(&path, b"one, long").unwrap();
    write_atomic(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    assert!(write_atomic(&dir.join("no/f"), b"x").is_err());
}

#[cfg(unix)]
#[test]
fn an_atomic_write_keeps_permissions_and_links() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_guard, dir) = folder();
    fs::write(dir.join("real"), "x").unwrap();
    fs::set_permissions(dir.join("real"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real", dir.join("link")).unwrap();
    write_atomic(&dir.join("link"), b"new").unwrap();
    assert_eq!(fs::read(dir.join("real")).unwrap(), b"new");
    assert!(fs::symlink_metadata(dir.join("link")).unwrap().is_symlink());
    assert_eq!(fs::metadata(dir.join("real")).unwrap().permissions().mode() & 0o777, 0o640);
    // A new file gets what any program's new file gets, not the private mode of temporary files.
    write_atomic(&dir.join("new"), b"x").unwrap();
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode();
    fs::write(dir.join("plain"), "x").unwrap();
    assert_eq!(mode("new"), mode("plain"));
}

#[test]
fn a_new_file_never_replaces_one() {
    let (_guard, dir) = folder();
    create_new(&dir.join("f"), b"1").unwrap();
    assert_eq!(create_new(&dir.join("f"), b"2").unwrap_err().reason, Reason::Exists);
    assert_eq!(read_text(&dir.join("f")).unwrap(), "1");
    append(&dir.join("f")).unwrap().write_all(b"3").unwrap();
    append(&dir.join("g")).unwrap().write_all(b"4").unwrap();
    assert_eq!(read_text(&dir.join("f")).unwrap(), "13");
    assert_eq!(read_text(&dir.join("g")).unwrap(), "4");
    create_dir_all(&dir.join("x/y")).unwrap();
    create_dir_all(&dir.join("x/y")).unwrap();
    assert!(is_folder(&dir.join("x/y")) && exists(&dir.join("f")) && !exists(&dir.join("none")));
}

fn shown(entries: &[Entry]) -> Vec<String> {
    let mark = |found: &Found| match found {
        Found::File => String::new(),
        Found::Folder => "/".into(),
        Found::Refused(error) => format!(" {:?}", error.reason),
    };
    entries.iter().map(|e| format!("{}{}", e.path, mark(&e.found))).collect()
}

#[test]
fn a_walk_is_sorted_and_skips_hidden_folders_only() {
    let (_guard, dir) = folder();
    for name in ["b/2", "b/1", "a", ".git/x", ".hidden"] {
        create_dir_all(dir.join(name).parent().unwrap()).unwrap();
        fs::write(dir.join(name), "").unwrap();
    }
    assert_eq!(shown(&walk(&dir, &dir).unwrap()), [".hidden", "a", "b/", "b/1", "b/2"]);
    assert_eq!(walk(&dir.join("none"), &dir).unwrap_err().reason, Reason::Missing);
    assert_eq!(walk(&dir.join("a"), &dir).unwrap_err().reason, Reason::NotAFolder);
}

#[cfg(unix)]
#[test]
fn a_walk_follows_links_inside_the_project_only_and_no_circle() {
    use std::os::unix::fs::symlink;
    let (_guard, dir) = folder();
    let (_other, outside) = folder();
    fs::write(outside.join("secret"), "").unwrap();
    let tree = dir.join("m");
    create_dir_all(&tree.join("sub")).unwrap();
    create_dir_all(&dir.join("shared")).unwrap();
    fs::write(dir.join("shared/s"), "").unwrap();
    fs::write(tree.join("sub/f"), "").unwrap();
    symlink(&outside, tree.join("out")).unwrap();
    symlink(outside.join("secret"), tree.join("outfile")).unwrap();
    symlink("../shared", tree.join("in")).unwrap();
    symlink("../shared/s", tree.join("infile")).unwrap();
    symlink("..", tree.join("up")).unwrap();
    symlink("..", tree.join("sub/self")).unwrap();
    symlink("sub", tree.join("a_twin")).unwrap();
    symlink("none", tree.join("dangling")).unwrap();
    symlink("circle", tree.join("circle")).unwrap();
    let out = format!("out Outside({:?})", outside.as_str());
    let out_file = format!("outfile Outside({:?})", outside.join("secret").as_str());
    let expected = [
        "a_twin Loop",
        "circle Loop",
        "dangling Dangling(\"none\")",
        "in/",
        "in/s",
        "infile",
        out.as_str(),
        out_file.as_str(),
        "sub/",
        "sub/f",
        "sub/self Loop",
        "up Loop",
    ];
    assert_eq!(shown(&walk(&tree, &dir).unwrap()), expected);
}

#[cfg(target_os = "linux")]
#[test]
fn a_walk_names_special_files_and_names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let (_guard, dir) = folder();
    assert!(std::process::Command::new("mkfifo").arg(dir.join("p")).status().unwrap().success());
    fs::write(dir.as_std_path().join(std::ffi::OsStr::from_bytes(b"x\xFF")), "").unwrap();
    assert_eq!(shown(&walk(&dir, &dir).unwrap()), ["p NotAFile(Fifo)", "x\u{FFFD} Name"]);
}

#[test]
fn the_systems_errors_have_their_reasons() {
    let cases = [
        (io::ErrorKind::NotFound, Reason::Missing),
        (io::ErrorKind::PermissionDenied, Reason::Permission),
        (io::ErrorKind::AlreadyExists, Reason::Exists),
        (io::ErrorKind::NotADirectory, Reason::NotAFolder),
    ];
    for (kind, reason) in cases {
        assert_eq!(reason_of(&io::Error::from(kind)), reason);
    }
}
