//! Where a fault stands that templates wrote: the most exact place, and the call that led there.

use crate::harness::Project;

const MACROS: &str = "\
{# views of one column #}
{% macro view_of(name, column) -%}
CREATE VIEW {{ name }} AS
  SELECT id,
         missing_column,
         {{ column }}
  FROM orders;
{%- endmacro %}
";

/// A script whose third statement comes from a macro, at line 40 of what is sent.
fn project(call: &str) -> Project {
    let comments = "{% for n in range(35) %}-- line {{ n }}\n{% endfor %}";
    let script = format!(
        "{{% from 'macros.sql' import view_of %}}\nCREATE TABLE orders (id NUMBER);\nSELECT 1;\n{comments}\n{call}\n"
    );
    let project = Project::with(&[("V1__views.sql", &script)]);
    project.write("templates/macros.sql", MACROS);
    project
}

#[test]
fn a_refused_statement_in_a_macro_shows_the_line_in_the_macro_and_its_call() {
    let scripts = [
        ("{{ view_of('v', 'id') }}", "templates/macros.sql", (5, 10), "missing_column,", "^^^^^^^^^^^^^^"),
        (
            "CREATE VIEW v AS SELECT {{ 'nothing' }} FROM orders;",
            "migrations/V1__views.sql",
            (6, 28),
            "nothing",
            "^",
        ),
    ];
    for (call, file, (line, column), shown, caret) in scripts {
        let project = project(call);
        let run = project.run(&["migrate"]);
        assert_eq!(run.code, 5, "{}", run.all());
        for part in [&format!("{file}:{line}:{column}"), shown, caret, "statement 3 of 3"] {
            assert!(run.err.contains(part), "no `{part}` in {}", run.err);
        }
        let in_macro = file.starts_with("templates");
        let note = "in macro view_of, called at migrations/V1__views.sql:6:4";
        assert_eq!(run.err.contains(note), in_macro, "{}", run.err);
        let (code, result) = project.json(&["migrate"]);
        assert_eq!(code, 5, "{result:#}");
        let error = &result["error"];
        assert_eq!(error["file"], file, "{error:#}");
        assert_eq!((&error["line"], &error["column"]), (&line.into(), &column.into()), "{error:#}");
        assert_eq!(error["hint"].as_str().unwrap().contains(note), in_macro, "{error:#}");
    }
}

#[test]
fn faults_found_before_anything_runs_stand_in_the_macro_too() {
    for (body, code, at) in [
        ("SELECT 'open;", "unbalanced_sql", "templates/m.sql:2:8"),
        ("-- snowops: timeout=1h\nSELECT 1;", "invalid_directive", "templates/m.sql:2:1"),
    ] {
        let project = Project::with(&[(
            "V1__x.sql",
            "CREATE TABLE a (x NUMBER);\n{% from 'm.sql' import m %}\n\n{{ m() }}\n",
        )]);
        project.write("templates/m.sql", &format!("{{% macro m() %}}\n{body}{{% endmacro %}}"));
        let run = project.run(&["plan"]);
        assert_ne!(run.code, 0, "{}", run.all());
        let (_, result) = project.json(&["plan"]);
        let findings = result["findings"].as_array().into_iter().flatten().chain([&result["error"]]);
        let found: Vec<_> =
            findings.filter(|f| f["code"].as_str().is_some_and(|c| c.contains(code))).collect();
        assert!(!found.is_empty(), "{code}: {result:#}");
        assert_eq!(
            format!("{}:{}:{}", found[0]["file"].as_str().unwrap(), found[0]["line"], found[0]["column"]),
            at
        );
        let hint = found[0]["hint"].as_str().unwrap_or_default();
        assert!(hint.contains("in macro m, called at migrations/V1__x.sql:4:4"), "{hint}");
    }
}
