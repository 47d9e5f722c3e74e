//! The documentation speaks of everything there is, and of nothing else.

use std::{fmt::Write as _, fs};

use snowops::{cli::exit::Exit, diagnostic::Code};

use crate::harness::repository;

fn page(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Compares a generated page, or writes it with `SNOWOPS_UPDATE_DOCS` set.
fn generated(path: &str, text: &str) {
    if std::env::var_os("SNOWOPS_UPDATE_DOCS").is_some() {
        fs::write(repository().join(path), text).unwrap();
    }
    assert_eq!(page(path), text, "{path} is old: run `SNOWOPS_UPDATE_DOCS=1 cargo test docs::`");
}

#[test]
fn error_codes_are_listed() {
    let mut text = String::from(
        "# Error codes\n\nEvery finding and error carries one of these names: in brackets in front of the message, and as \
         `code` in\n[JSON](json.md). They are stable; scripts may rely on them. This page is generated.\n\n\
         | code | meaning |\n| --- | --- |\n",
    );
    for code in Code::ALL {
        writeln!(text, "| `{}` | {} |", code.as_str(), code.meaning().replace('|', "\\|")).unwrap();
    }
    generated("docs/reference/error-codes.md", &text);
}

#[test]
fn every_option_is_listed() {
    let mut command = snowops::cli::command().term_width(100);
    command.build();
    let mut text = String::from(
        "# Every option\n\nWhat `--help` says, in one place. This page is generated.\n\n## snowops\n\n```text\n",
    );
    writeln!(text, "{}```", plain(&command.render_long_help().to_string())).unwrap();
    for sub in command.get_subcommands_mut().filter(|c| c.get_name() != "help") {
        let mut sub = sub.clone().term_width(100);
        let name = sub.get_name().to_owned();
        writeln!(text, "\n## snowops {name}\n\n```text\n{}```", plain(&sub.render_long_help().to_string()))
            .unwrap();
    }
    generated("docs/reference/cli.md", &text);
}

/// Without blanks at line ends.
fn plain(text: &str) -> String {
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

#[test]
fn every_exit_code_has_an_entry() {
    let page = page("docs/reference/exit-codes.md");
    for (exit, _) in Exit::ALL {
        assert!(page.contains(&format!("| {} |", exit.0)), "{exit:?}");
    }
}

#[test]
fn every_command_has_a_page_with_its_help() {
    let mut command = snowops::cli::command();
    command.build();
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        let page = page(&format!("docs/commands/{}.md", sub.get_name()));
        for argument in sub
            .get_arguments()
            .filter(|a| !a.is_global_set() && a.get_id() != "help" && a.get_id() != "version")
        {
            if let Some(long) = argument.get_long() {
                assert!(
                    page.contains(&format!("--{long}")),
                    "docs/commands/{}.md does not mention --{long}",
                    sub.get_name()
                );
            }
        }
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut folders = vec![repository().join("docs")];
    let mut pages = vec![repository().join("README.md"), repository().join("CONTRIBUTING.md")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                pages.push(path);
            }
        }
    }
    let mut seen = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.starts_with('#') {
                continue;
            }
            seen += 1;
            let target = page.parent().unwrap().join(link.split('#').next().unwrap());
            assert!(target.exists(), "{}: {link}", page.display());
        }
    }
    assert!(seen > 10, "only {seen} links were found");
}
