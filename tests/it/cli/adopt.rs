//! `render` on files outside any project.

use serde_json::Value;

use crate::harness::Project;

#[test]
fn render_works_on_any_file_without_a_project() {
    let project = Project::empty();
    project.write("a/one.sql", "SELECT {{ kept }};\nSELECT 2;\n");
    project.write("a/two.sql", "SELECT 'open\n");
    let run = project.run(&["render", "--statements", "a"]);
    assert_eq!(run.code, 4, "{}", run.all());
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{}", run.out);
    assert_eq!(lines[0]["text"], "SELECT {{ kept }}");
    assert_eq!(
        (&lines[1]["line"], &lines[1]["column"], &lines[1]["verb"]),
        (&2.into(), &1.into(), &"select".into())
    );
    assert_eq!(lines[2]["file"], "a/two.sql");
    assert_eq!(lines[2]["error"]["code"], "unbalanced_sql");
}

#[test]
fn raw_gives_the_text_back_byte_for_byte() {
    let project = Project::empty();
    let text = "\u{FEFF}SELECT 1;\r\n-- ü {{ x }}\r\n\n";
    project.write("x.sql", text);
    let run = project.run(&["render", "--raw", "x.sql"]);
    assert_eq!((run.code, run.out.as_str()), (0, text));
}
