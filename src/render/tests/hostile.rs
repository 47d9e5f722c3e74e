//! Templates that try to take the process down end in an error, soon, in little memory.

#![expect(clippy::disallowed_methods, reason = "ending in time is what is tested")]

use super::*;

/// What an unoptimised build on a busy machine may take; optimised it is under a second.
const SECONDS: f64 = 20.0;

fn refused<const N: usize>(templates: [(&str, &str); N], source: &str) -> Vec<Diagnostic> {
    let start = Instant::now();
    let found = findings(templates, source);
    let took = start.elapsed().as_secs_f64();
    let shown: String = source.chars().take(60).collect();
    assert!(took < SECONDS, "{took} s for {shown}");
    assert!(found[0].place.as_ref().is_some_and(|p| p.position.is_some()), "{shown}: {:?}", found[0]);
    found
}

#[test]
fn loops_and_growing_texts_run_out_of_fuel() {
    for source in [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{{ ('a' * 1000000)|replace('a', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb') }}",
        "{{ '%1000000000d'|format(1) }}",
        "{{ range(100000)|list * 100000 }}",
        "{{ (range(100000)|list)|join('a' * 10000) }}",
        "{{ 'a\n'|indent(1000000000) }}",
        "{% macro m() %}{% for i in range(100000) %}{{ m2() }}{% endfor %}{% endmacro %}{% macro m2() %}{% for i in range(100000) %}x{% endfor %}{% endmacro %}{{ m() }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
    ] {
        let found = refused([], source);
        assert!(matches!(found[0].code, Code::TemplateLimit | Code::TemplateError), "{source}: {found:?}");
    }
    let endless =
        refused([], "a\n{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}");
    assert_eq!(endless[0].code, Code::TemplateLimit);
    assert_eq!(endless[0].place.as_ref().and_then(|p| p.position).map(|p| p.0), Some(2));
}

#[test]
fn recursion_is_stopped() {
    for (templates, source) in [
        ([("a", "{% include 'a' %}"), ("b", "")], "{% include 'a' %}"),
        ([("a", "{% include 'b' %}"), ("b", "{% include 'a' %}")], "{% include 'a' %}"),
        ([("a", "{% import 'a' as a %}{{ a }}"), ("b", "")], "{% import 'a' as a %}"),
        ([("a", "{% extends 'a' %}"), ("b", "")], "{% extends 'a' %}"),
        ([("a", ""), ("b", "")], "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
        (
            [("a", ""), ("b", "")],
            "{% macro m() %}{{ n() }}{% endmacro %}{% macro n() %}{{ m() }}{% endmacro %}{{ m() }}",
        ),
        ([("a", ""), ("b", "")], "{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}"),
    ] {
        let found = refused(templates, source);
        let cycle = found[0].message.contains("cycle");
        assert!(cycle || found[0].code == Code::TemplateLimit, "{source}: {found:?}");
        assert!(found[0].notes.len() < 9, "{source}: {} notes", found[0].notes.len());
    }
}

#[test]
fn long_chains_are_stopped_before_the_parser() {
    let n = 100_000;
    for source in [
        format!("{{{{ {} 1 }}}}", "not ".repeat(n)),
        format!("{{{{ {}1 }}}}", "-".repeat(n)),
        format!("{{{{ region{} }}}}", ".a".repeat(n)),
        format!("{{{{ region{} }}}}", "|upper".repeat(n)),
        format!("{{{{ 1{} }}}}", "+1".repeat(n)),
        format!("{{{{ 1{} }}}}", "~1".repeat(n)),
        format!("{{{{ 1{} }}}}", "**1".repeat(n)),
        format!("{{{{ {}1{} }}}}", "(".repeat(n), ")".repeat(n)),
        format!("{{{{ {}1{} }}}}", "[".repeat(n), "]".repeat(n)),
        format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(n)),
        format!("{}{}", "{% if 1 %}".repeat(9_000), "{% endif %}".repeat(9_000)),
        format!("{}{}", "{% for x in y %}".repeat(9_000), "{% endfor %}".repeat(9_000)),
    ] {
        let found = refused([], &source);
        assert_eq!(found[0].code, Code::TemplateLimit, "{:.60}: {}", source, found[0]);
        let included = findings([("a", &source)], "{% include 'a' %}");
        assert_eq!(included[0].code, Code::TemplateLimit, "{:.60}: {}", source, included[0]);
        assert_eq!(included[0].place.as_ref().map(|p| p.file.as_str()), Some("templates/a"));
    }
}

#[test]
fn chains_at_the_limit_fit_into_the_stack() {
    let ifs = |depth: usize, inner: &str| {
        format!("{}{inner}{}", "{% if flag %}".repeat(depth), "{% endif %}".repeat(depth))
    };
    let elifs = format!("{{% if not flag %}}{}x{{% endif %}}", "{% elif not flag %}".repeat(500));
    for source in [
        format!("{{{{ {}1 }}}}", "not ".repeat(990)),
        format!("{{{{ region{} }}}}", "|upper".repeat(490)),
        format!("{{{{ 1{} }}}}", "+1".repeat(490)),
        format!("{{{{ 1{} }}}}", "~1".repeat(490)),
        elifs.clone(),
        ifs(40, &elifs),
        ifs(40, &format!("{{{{ {}1 }}}}", "not ".repeat(990))),
    ] {
        assert!(renderer([]).render(&script(&source)).is_ok(), "{source:.60}");
    }
}

/// A value as deep as the fuel can pay for is an error or a result, but never an overflow.
#[test]
fn deep_values_do_not_overflow() {
    let deep = |levels: usize, open: &str, close: &str| {
        let (open, close) = (open.repeat(60), close.repeat(60));
        let set = format!("{{% set ns.x = {open}ns.x{close} %}}");
        format!(
            "{{% set ns = namespace(x=0) %}}{{% for j in range({}) %}}{{% for i in range(100) %}}{set}{{% endfor %}}{{% endfor %}}",
            levels / 6_000
        )
    };
    let lists = |levels| deep(levels, "[", "]");
    let maps = |levels| deep(levels, "{'a':", "}");
    let copy = "{% set copy = ns.x %}";
    for source in [
        lists(300_000),
        maps(60_000) + "{{ ns.x }}",
        lists(120_000) + "{{ ns.x }}",
        lists(120_000) + "{{ ns.x|tojson }}",
        lists(120_000) + "{{ {ns.x: 1}|length }}",
        lists(60_000) + copy + &lists(60_000) + "{{ ns.x == copy }}",
        "{% set x = [x|default(0)] %}".repeat(9_000),
    ] {
        let start = Instant::now();
        let _ = renderer([]).render(&script(&source));
        assert!(start.elapsed().as_secs_f64() < SECONDS, "{source:.60}");
    }
}

#[test]
fn placeholders_cannot_outgrow_the_limit() {
    let mut settings = settings();
    settings.vars.insert("big".to_owned(), json!("x".repeat(1 << 20)));
    let renderer = Renderer::new(settings, files([]));
    let found = renderer.render(&script(&"${big} ".repeat(100))).unwrap_err();
    assert_eq!(found[0].code, Code::TemplateLimit);
    assert_eq!(found[0].place.as_ref().and_then(|p| p.position).map(|p| p.0), Some(1));
}

#[test]
fn a_large_script_without_loops_has_fuel_enough() {
    let source = format!("{}{{{{ region }}}}", "insert into t values (1, 'some text');\n".repeat(200_000));
    let output = renderer([]).render(&script(&source)).unwrap();
    assert!(output.text.ends_with("eu-west"));
}
