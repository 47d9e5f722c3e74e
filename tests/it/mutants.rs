//! The mutants of `tests/mutants`: bugs that a test must notice. Here only that each still fits the project; whether it is
//! noticed, `tests/mutants/run` tells.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::repository;

struct Mutant {
    path: PathBuf,
    text: String,
}

fn mutants() -> Vec<Mutant> {
    let entries = fs::read_dir(repository().join("tests/mutants")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let patches = paths.filter(|path| path.extension().is_some_and(|extension| extension == "patch"));
    patches.map(|path| Mutant { text: fs::read_to_string(&path).unwrap(), path }).collect()
}

/// What stands above the diff.
fn head(mutant: &Mutant) -> Vec<&str> {
    mutant.text.lines().take_while(|line| !line.starts_with("diff --git ")).collect()
}

/// All source files of a folder, one after another.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(
            |path| if path.is_dir() { sources(&path) } else { fs::read_to_string(&path).unwrap_or_default() },
        )
        .collect()
}

#[test]
fn there_are_enough_and_each_still_applies() {
    let mutants = mutants();
    assert!(mutants.len() >= 14, "{}", mutants.len());
    for Mutant { path, .. } in mutants {
        let mut git = Command::new("git");
        git.args(["apply", "--check"]).arg(&path).current_dir(repository());
        let Ok(done) = git.output() else {
            eprintln!("skipped: no git to try the patches with");
            return;
        };
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{} is to be made anew: {said}", path.display());
    }
}

#[test]
fn each_is_of_the_product_and_says_what_it_breaks() {
    for mutant in mutants() {
        let name = mutant.path.display();
        let said = head(&mutant).iter().any(|line| !line.is_empty() && !line.starts_with("test: "));
        assert!(said, "{name} does not say what it breaks");
        for line in mutant.text.lines().filter(|line| line.starts_with("+++ ")) {
            assert!(line.starts_with("+++ b/src/") && !line.contains("/tests"), "{name}: {line}");
        }
    }
}

#[test]
fn each_names_tests_that_are_there() {
    let listed =
        Command::new(std::env::current_exe().unwrap()).args(["--list", "--format", "terse"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let it: Vec<&str> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let lib = sources(&repository().join("src"));
    for mutant in mutants() {
        let name = mutant.path.display();
        let tests: Vec<&str> = head(&mutant).iter().filter_map(|line| line.strip_prefix("test: ")).collect();
        assert!(!tests.is_empty(), "{name} names no test");
        for line in tests {
            let (target, filters) = line.split_once(' ').unwrap_or_else(|| panic!("{name}: {line}"));
            for filter in filters.split(' ') {
                let last = filter.rsplit("::").find(|part| !part.is_empty()).unwrap_or_default();
                let known = match target {
                    "it" => it.iter().any(|test| test.contains(filter)),
                    "lib" => {
                        !last.is_empty()
                            && ["fn ", "mod "].iter().any(|word| lib.contains(&format!("{word}{last}")))
                    }
                    _ => false,
                };
                assert!(known, "{name}: no test of {target} has a name with {filter}");
            }
        }
    }
}
