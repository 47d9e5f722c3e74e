//! schemachange's Jinja: what Jinja2 gives for each snippet, row by row. A row with `differs` is one where snowops
//! gives something else, for the reason that it says: `gives` is the text, `error` a part of the message and its hint.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

#[derive(serde::Deserialize)]
struct Row {
    id: String,
    template: String,
    #[serde(default)]
    vars: BTreeMap<String, Value>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    expect: Option<String>,
    expect_error: Option<String>,
    differs: Option<String>,
    gives: Option<String>,
    error: Option<String>,
}

fn run(row: &Row) -> Result<String, String> {
    let mut env: BTreeMap<String, EnvValue> =
        row.env.iter().map(|(name, value)| (name.clone(), EnvValue::Text(value.clone()))).collect();
    env.entry("SC_NOPE".to_owned()).or_insert(EnvValue::Missing);
    env.entry("SC_X".to_owned()).or_insert(EnvValue::Missing);
    let settings = RenderSettings { vars: row.vars.clone(), env, ..RenderSettings::default() };
    let files = Files { texts: row.files.clone(), asked: Mutex::default() };
    let output = Renderer::new(settings, Arc::new(files)).render(&script(&row.template));
    output.map(|output| output.text).map_err(|findings| {
        let finding = &findings[0];
        assert!(finding.place.is_some(), "{}: {finding}", row.id);
        format!("{} | {}", finding.message, finding.hint.as_deref().unwrap_or_default())
    })
}

#[test]
fn snippets_render_as_in_jinja2_or_are_listed_with_the_reason() {
    let rows = include_str!("../../../tests/data/jinja-snippets.jsonl");
    let (mut wrong, mut listed, mut count) = (vec![], 0, 0);
    for line in rows.lines() {
        let row: Row = serde_json::from_str(line).unwrap();
        count += 1;
        let got = run(&row);
        let same = match (&got, &row.expect) {
            (Ok(text), Some(expected)) => text == expected,
            (Err(_), None) => row.expect_error.is_some(),
            _ => false,
        };
        let as_listed = row.differs.as_ref().is_some_and(|reason| {
            listed += 1;
            assert!(!reason.is_empty(), "{}", row.id);
            match (&got, &row.gives, &row.error) {
                (Ok(text), Some(gives), None) => text == gives,
                (Err(shown), None, Some(part)) => !part.is_empty() && shown.contains(part.as_str()),
                _ => false,
            }
        });
        if same == row.differs.is_some() || !same && !as_listed {
            wrong.push(format!(
                "{} {} => {got:?}, {:?}{:?}",
                row.id, row.template, row.expect, row.expect_error
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(count, 313);
    assert!(listed < 60, "{listed} differ");
}
