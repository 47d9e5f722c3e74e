//! Help texts and completions.

use insta::{Settings, assert_snapshot};

use crate::harness::{Project, repository};

const COMMANDS: &[&str] = &[
    "init",
    "new",
    "migrate",
    "plan",
    "info",
    "validate",
    "render",
    "snapshot",
    "drift",
    "repair",
    "unlock",
    "doctor",
    "config",
    "completions",
];

#[test]
fn help_texts() {
    let project = Project::empty();
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(repository().join("tests/it/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| {
        assert_snapshot!("help", project.run(&["--help"]).out);
        for command in COMMANDS {
            assert_snapshot!(format!("help_{command}"), project.run(&[command, "--help"]).out);
        }
    });
}

#[test]
fn help_lists_exactly_the_commands_that_are_built() {
    let project = Project::empty();
    let help = project.run(&["--help"]).out;
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .collect();
    assert_eq!(listed, COMMANDS);
}

#[test]
fn completions_are_printed_for_every_shell() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = project.run(&["completions", shell]);
        assert_eq!(run.code, 0, "{}", run.all());
        assert!(run.out.contains("migrate"), "{shell}: {}", run.out);
    }
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let project = Project::empty();
    for arguments in
        [&["migrate", "--nonsense"][..], &["frobnicate"], &[], &["migrate", "--lock-timeout", "soon"]]
    {
        assert_eq!(project.run(arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(project.run(&["--version"]).code, 0);
}
