//! The map: every tagged piece of raw text in generated templates leads back to its place.

use std::fmt::Write as _;

use super::*;

/// File, line and column, and offset.
type Found = (String, Option<(usize, usize)>, usize);

/// Where `needle` stands in `file`, as the map must say.
fn expected(file: &str, text: &str, needle: &str) -> Found {
    let start = text.find(needle).unwrap();
    let place = Place::of(file, text, start..start + needle.len());
    (place.file, place.position, start)
}

fn mapped(output: &Output, needle: &str) -> Vec<Found> {
    let found = output.text.match_indices(needle);
    found
        .map(|(at, _)| {
            let span = output.map.span(at..at + needle.len());
            assert_eq!(span.end - span.start, needle.len(), "{needle}");
            (span.file.to_string(), Some((span.line, span.column)), span.start)
        })
        .collect()
}

#[test]
fn statements_after_templates_and_placeholders_keep_their_place() {
    let source =
        "-- é\n{% for r in regions %}\ncreate schema {{ r }}_${region}_x;\n{% endfor %}\n  select 1;";
    let output = renderer([]).render(&script(source)).unwrap();
    assert_eq!(output.text.matches("create schema").count(), 2);
    for needle in ["create schema", "_x;", "select 1;"] {
        for found in mapped(&output, needle) {
            assert_eq!(found, expected("migrations/V1__x.sql", source, needle), "{needle}");
        }
    }
    let at = output.text.find("eu-west").unwrap();
    let (place, notes) = output.map.place(at..at + 7);
    assert_eq!(place.to_string(), "migrations/V1__x.sql:3:23");
    assert_eq!(notes, ["the text there is the value of '${region}'"]);
    let statement = output.text.find("create schema us").unwrap();
    let span = output.map.span(statement..statement + "create schema us_eu-west_x;".len());
    assert_eq!((span.line, span.column), (3, 1));
    assert_eq!(&source[span.start..span.end], "create schema {{ r }}_${region}_x;");
}

#[test]
fn the_output_of_a_macro_belongs_to_its_call() {
    let source = "{% macro m(t) %}grant select on {{ t }};{% endmacro %}\nx;\n{{ m('a') }}";
    let output = renderer([]).render(&script(source)).unwrap();
    let at = output.text.find("select on").unwrap();
    let (place, notes) = output.map.place(at..at + 6);
    assert_eq!(place.to_string(), "migrations/V1__x.sql:3:4");
    assert_eq!(notes, ["the text there is what the expression 'm('a')' wrote"]);
}

#[test]
fn a_template_included_under_two_names_and_twice_is_one_file() {
    let texts = [("a.sql", "first\nINSIDE;\n")];
    let output =
        renderer(texts).render(&script("1;\n{% include 'a.sql' %}2;\n{% include 'a.sql' %}")).unwrap();
    let found = mapped(&output, "INSIDE");
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|f| *f == expected("templates/a.sql", "first\nINSIDE;\n", "INSIDE")));
}

/// A generated template: its text uses `@` where a fresh tag goes.
fn template(depth: u32) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("select '@';\n".to_owned()),
        Just("é @ {{ region }} @\r\n".to_owned()),
        Just("-- @ ${region} @ $${x} @\n".to_owned()),
        Just("{# note #}@".to_owned()),
        Just("  {%- if flag -%}  @  {%- endif %}".to_owned()),
        Just("{% raw %}{{ @ }}{% endraw %}".to_owned()),
        Just("{% set x %}captured{% endset %}@{{ x }}".to_owned()),
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        let many = proptest::collection::vec(inner, 0..4).prop_map(|parts| parts.concat());
        prop_oneof![
            many.clone().prop_map(|body| format!("{{% for r in regions %}}{body}@{{% endfor %}}\n")),
            many.clone().prop_map(|body| format!("{{% if flag %}}\n{body}{{% else %}}@{{% endif %}}")),
            many.clone().prop_map(|body| format!("{{%- for r in regions -%}} {body} {{%- endfor -%}}")),
            many.prop_map(|body| format!("{body}{{% include 'inner.sql' %}}{body}")),
        ]
    })
}

/// The text with each `@` replaced by a tag of its own, and the number of tags used so far.
fn tagged(text: &str, letter: char) -> (String, usize) {
    let mut parts = text.split('@');
    let mut out = parts.next().unwrap_or_default().to_owned();
    let mut count = 0;
    for part in parts {
        let _ = write!(out, "{letter}{count:05}{letter}{part}");
        count += 1;
    }
    (out, count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn raw_text_leads_back_to_its_source(outer in template(4), inner in template(2)) {
        let (outer, outer_tags) = tagged(&outer, 'T');
        let (inner, inner_tags) = tagged(&inner.replace("{% include 'inner.sql' %}", ""), 'U');
        let renderer = renderer([("inner.sql", &inner)]);
        let output = renderer.render(&script(&outer)).unwrap();
        let tags = (0..outer_tags).map(|n| (format!("T{n:05}T"), "migrations/V1__x.sql", &outer));
        let inner = (0..inner_tags).map(|n| (format!("U{n:05}U"), "templates/inner.sql", &inner));
        for (tag, file, text) in tags.chain(inner) {
            for found in mapped(&output, &tag) {
                prop_assert_eq!(found, expected(file, text, &tag));
            }
        }
    }
}
