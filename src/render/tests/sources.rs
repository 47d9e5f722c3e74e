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

/// Place and notes of the first `needle` in what `source` renders to.
fn place_of<const N: usize>(
    templates: [(&str, &str); N],
    source: &str,
    needle: &str,
) -> (String, Vec<String>) {
    let output = renderer(templates).render(&script(source)).unwrap();
    let at = output.text.find(needle).unwrap_or_else(|| panic!("no {needle} in {}", output.text));
    let (place, notes) = output.map.place(at..at + needle.len());
    (place.to_string(), notes)
}

#[test]
fn captured_text_leads_into_the_macro_or_block_and_names_the_call() {
    const HERE: &str = "migrations/V1__x.sql";
    let grant = "-- grants\n{% macro grant(t) %}\n  grant select on {{ t }};\n{% endmacro %}";
    let outer = "{% from 'm.sql' import grant %}\n{% macro outer(t) %}{{ grant(t) }}{% endmacro %}";
    let files = || [("m.sql", grant), ("o.sql", outer), ("i.sql", "x;\n  inside i;")];
    let called = |at: &str| format!("in macro grant, called at {HERE}:{at}");
    let wrote = |what: &str| format!("the text there is what the expression '{what}' wrote");
    let uses = "{% from 'm.sql' import grant %}\n{{ grant('orders') }}";
    for (source, needle, place, notes) in [
        (uses, "select on", "templates/m.sql:3:9", vec![called("2:4")]),
        (uses, "orders", "templates/m.sql:3:22", vec![called("2:4"), wrote("t")]),
        (uses, ";", "templates/m.sql:3:26", vec![called("2:4")]),
        (
            "{% from 'o.sql' import outer %}{{ outer('x') }}",
            "select",
            "templates/m.sql:3:9",
            vec![called("1:35")],
        ),
        (
            "{% macro m(t) %}drop {{ t }};{% endmacro %}\nx;\n{{ m('a') }}",
            "drop",
            "migrations/V1__x.sql:1:17",
            vec![format!("in macro m, called at {HERE}:3:4")],
        ),
        (
            "{% set x %}\n a set;{% endset %}\n{{ x }}",
            "set",
            "migrations/V1__x.sql:2:4",
            vec![format!("printed at {HERE}:3:4")],
        ),
        (
            "{% set x %}{% include 'i.sql' %}{% endset %}\n{{ x|upper }}",
            "INSIDE",
            "templates/i.sql:2:3",
            vec![format!("printed at {HERE}:2:4")],
        ),
        (
            "{% filter upper %}\na filter;{% endfilter %}",
            "FILTER",
            "migrations/V1__x.sql:2:3",
            vec![format!("printed at {HERE}:1:11")],
        ),
        (
            "{% set x %}drop ${region};{% endset %}\n{{ x }}",
            "eu-west",
            "migrations/V1__x.sql:1:17",
            vec![format!("printed at {HERE}:2:4"), "the text there is the value of '${region}'".to_owned()],
        ),
    ] {
        assert_eq!(place_of(files(), source, needle), (place.to_owned(), notes), "{source}");
    }
}

/// Where marks would change what a template does, its call is all that is told.
#[test]
fn a_template_that_looks_at_its_own_text_is_placed_at_the_call() {
    for (source, needle, place) in [
        ("{% set x %}abc{% endset %}\n{{ x }}{{ x|length }}", "abc", "2:4"),
        ("{% set x %}abc{% endset %}\n{{ x|reverse }}", "cba", "2:4"),
        ("{% set x %}hello there{% endset %}\n{{ x[1:] }}", "ello", "2:4"),
        // An empty expression stays empty without marks of its own, so raw lines are still known.
        (
            "{% set x %}{{ '' }}{% endset %}{% set y %}inside y{% endset %}\n{{ y }}{% if x %}no{% endif %}",
            "inside",
            "1:43",
        ),
    ] {
        let found = place_of([], source, needle).0;
        assert_eq!(found, format!("migrations/V1__x.sql:{place}"), "{source}");
    }
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

/// A generated template: its text uses `@` where a fresh tag goes. Without captures all of it is written directly.
fn template(depth: u32, captures: bool) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("select '@';\n".to_owned()),
        Just("é @ {{ region }} @\r\n".to_owned()),
        Just("-- @ ${region} @ $${x} @\n".to_owned()),
        Just("{# note #}@".to_owned()),
        Just("  {%- if flag -%}  @  {%- endif %}".to_owned()),
        Just("@  {{- region -}}  @\n\n".to_owned()),
        Just("{% raw %}{{ @ }}{% endraw %}".to_owned()),
        Just("{% set x %}captured{% endset %}@{{ x }}".to_owned()),
    ];
    leaf.prop_recursive(depth, 24, 4, move |inner| {
        let many = proptest::collection::vec(inner, 0..4).prop_map(|parts| parts.concat());
        let direct = prop_oneof![
            many.clone().prop_map(|body| format!("{{% for r in regions %}}{body}@{{% endfor %}}\n")),
            many.clone().prop_map(|body| format!("{{% if flag %}}\n{body}{{% else %}}@{{% endif %}}")),
            many.clone().prop_map(|body| format!("{{%- for r in regions -%}} {body} {{%- endfor -%}}")),
            many.clone().prop_map(|body| format!("{body}{{% include 'inner.sql' %}}{body}")),
        ];
        if !captures {
            return direct.boxed();
        }
        let taken = prop_oneof![
            many.clone().prop_map(|body| format!("{{% set c %}}{body}@{{% endset %}}\n@ {{{{ c }}}} @")),
            many.clone().prop_map(|body| format!("{{% set c %}}\n{body}{{% endset %}}{{{{ c|indent(2) }}}}\n")),
            many.clone().prop_map(|body| format!("{{%- filter upper -%}} {body}@ {{% endfilter %}}")),
            many.clone().prop_map(|body| format!("{{% filter trim %}}\n{body}@\n{{% endfilter %}}@")),
            many.clone().prop_map(|body| {
                format!("{{% macro m(a, b=1) %}}\n @{body}{{{{ a }}}}{{%- endmacro %}}{{{{ m(region) }}}}@{{{{ m('x') }}}}")
            }),
            many.clone().prop_map(|body| {
                format!(
                    "{{% macro w() %}}[@{{{{ caller() }}}}@]{{% endmacro %}}{{% call w() -%}}\n{body}@{{% endcall %}}"
                )
            }),
            many.prop_map(|body| {
                format!("{{% from 'macros.sql' import g -%}}\n@{body}{{{{ g('x') }}}} @{{{{ g(1)|trim }}}}")
            }),
        ];
        prop_oneof![direct, taken].boxed()
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
    fn raw_text_leads_back_to_its_source(outer in template(4, false), inner in template(2, false)) {
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

    /// The trial behind this way of placing: nothing that is captured loses its place, and no text is changed.
    #[test]
    fn captured_text_leads_back_to_its_source(
        outer in template(4, true),
        inner in template(2, true),
        body in template(2, true),
    ) {
        let alone = |text: &str| text.replace("{% include 'inner.sql' %}", "").replace("{% from 'macros.sql' import g -%}", "{% macro g(a) %}{% endmacro %}");
        let (outer, outer_tags) = tagged(&outer, 'T');
        let (inner, inner_tags) = tagged(&alone(&inner), 'U');
        let macros = format!("{{% macro g(a) -%}}\n {}{{{{ a }}}}{{% endmacro %}}", alone(&body));
        let (macros, macro_tags) = tagged(&macros, 'M');
        let renderer = renderer([("inner.sql", &inner), ("macros.sql", &macros)]);
        let output = renderer.render(&script(&outer)).unwrap();
        let tags = (0..outer_tags).map(|n| (format!("T{n:05}T"), "migrations/V1__x.sql", &outer));
        let inner = (0..inner_tags).map(|n| (format!("U{n:05}U"), "templates/inner.sql", &inner));
        let macros = (0..macro_tags).map(|n| (format!("M{n:05}M"), "templates/macros.sql", &macros));
        for (tag, file, text) in tags.chain(inner).chain(macros) {
            let (file, position, _) = expected(file, text, &tag);
            for (at, _) in output.text.match_indices(&tag) {
                let (place, _) = output.map.place(at..at + tag.len());
                prop_assert_eq!((&place.file, place.position), (&file, position), "{} in {}", tag, outer);
            }
        }
    }
}
