#![expect(clippy::disallowed_methods, reason = "time is what one test is about")]

use std::{sync::Mutex, time::Instant};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::diagnostic::Place;

mod hostile;
mod jinja;
mod sources;

/// Templates by name; asking for one that leads out of the folder is refused, as the real loader does.
#[derive(Default)]
struct Files {
    texts: BTreeMap<String, String>,
    asked: Mutex<Vec<(String, String)>>,
}

impl TemplateLoader for Files {
    fn load(&self, folder: &str, name: &str) -> Result<Option<TemplateFile>, Diagnostic> {
        self.asked.lock().unwrap().push((folder.to_owned(), name.to_owned()));
        if name.contains("..") {
            let message = format!("the template '{name}' leads out of the project");
            return Err(Diagnostic::error(Code::RefusedPath, message));
        }
        Ok(self
            .texts
            .get(name)
            .map(|text| TemplateFile { file: format!("templates/{name}"), text: text.as_str().into() }))
    }
}

fn files<const N: usize>(texts: [(&str, &str); N]) -> Arc<Files> {
    let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    Arc::new(Files { texts, asked: Mutex::default() })
}

fn settings() -> RenderSettings {
    let text = |text: &str| Some(text.to_owned());
    RenderSettings {
        vars: [
            ("retention_days", json!(7)),
            ("region", json!("eu-west")),
            ("regions", json!(["eu", "us"])),
            ("nothing", json!(null)),
            ("flag", json!(true)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        builtins: Builtins {
            environment: text("dev"),
            database: text("RETAIL_DEV"),
            schema: text("PUBLIC"),
            role: None,
            warehouse: text("DEPLOY_XS"),
        },
        env: [
            ("BUILD_ID", EnvValue::Text("42".to_owned())),
            ("UNSET", EnvValue::Missing),
            ("API_TOKEN", EnvValue::Secret),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        secrets: BTreeSet::from(["LOADER_PASSWORD".to_owned()]),
        placeholders: true,
        flyway: FlywayDefaults {
            default_schema: text("PUBLIC"),
            database: text("RETAIL_DEV"),
            table: text("snowops_schema_history"),
            ..FlywayDefaults::default()
        },
    }
}

fn renderer<const N: usize>(templates: [(&str, &str); N]) -> Renderer {
    Renderer::new(settings(), files(templates))
}

fn script(text: &str) -> Script<'_> {
    Script { file: "migrations/V1__x.sql", folder: "migrations", name: "V1__x.sql", text, placeholders: None }
}

fn text(template: &str) -> String {
    match renderer([]).render(&script(template)) {
        Ok(output) => output.text,
        Err(findings) => panic!("{template}: {findings:?}"),
    }
}

fn findings<const N: usize>(templates: [(&str, &str); N], text: &str) -> Vec<Diagnostic> {
    match renderer(templates).render(&script(text)) {
        Ok(output) => panic!("{text} gave {}", output.text),
        Err(findings) => findings,
    }
}

/// The one finding, as `code place: message`.
fn finding(text: &str) -> (String, Diagnostic) {
    let mut found = findings([], text);
    assert_eq!(found.len(), 1, "{found:?}");
    let only = found.remove(0);
    (format!("{} {only}", only.code), only)
}

#[test]
fn templates_see_what_they_should() {
    for (template, expected) in [
        ("{{ retention_days }} {{ region }}", "7 eu-west"),
        ("{{ snowops.environment }}.{{ snowops.database }}.{{ snowops.schema }}", "dev.RETAIL_DEV.PUBLIC"),
        ("{{ snowops.warehouse }} {{ snowops.script }}", "DEPLOY_XS V1__x.sql"),
        ("{% for r in regions %}{{ r }};{% endfor %}", "eu;us;"),
        ("{{ env_var('BUILD_ID') }} {{ env_var('UNSET', 'none') }}", "42 none"),
        ("{{ region.upper() }} {{ regions|join('-') }}", "EU-WEST eu-us"),
        ("{% if snowops.role is defined %}role{% else %}no role{% endif %}", "no role"),
        ("{{ missing|default('d') }}", "d"),
        ("{% raw %}{{ no }} {% if %}{% endraw %}", "{{ no }} {% if %}"),
        ("a{# comment {{ no }} #}b", "ab"),
        ("<{{ '<&>' }}>", "<<&>>"),
        ("x {{ region }}\r\n", "x eu-west\r\n"),
        ("{{ region|literal }} {{ region|ident }}", "'eu-west' \"EU-WEST\""),
    ] {
        assert_eq!(text(template), expected, "{template}");
    }
}

#[test]
fn macros_see_variables_and_templates_are_listed_with_their_hash() {
    let grant = "{% macro grant(t) %}grant select on {{ t }} to {{ region }};{% endmacro %}";
    let renderer = renderer([
        ("macros.sql", grant),
        ("outer.sql", "{% include 'inner.sql' %}"),
        ("inner.sql", "{{ snowops.script }}"),
        ("unused.sql", "x"),
    ]);
    let text = "{% from 'macros.sql' import grant %}{{ grant('t') }} {% include 'outer.sql' %}";
    let output = renderer.render(&script(text)).unwrap();
    assert_eq!(output.text, "grant select on t to eu-west; V1__x.sql");
    let expected = [
        ("templates/inner.sql", "{{ snowops.script }}"),
        ("templates/macros.sql", grant),
        ("templates/outer.sql", "{% include 'inner.sql' %}"),
    ];
    assert_eq!(output.templates, expected.map(|(f, t)| (f.to_owned(), Sha256::of_text(t))));
}

#[test]
fn the_loader_is_asked_once_a_folder_and_every_output_lists_its_templates() {
    let files = files([("a.sql", "A")]);
    let renderer = Renderer::new(settings(), files.clone());
    for _ in 0..3 {
        let output = renderer.render(&script("{% include 'a.sql' %}")).unwrap();
        assert_eq!(output.templates.len(), 1);
    }
    let other = Script { folder: "migrations/sub", ..script("{% include 'a.sql' %}") };
    assert_eq!(renderer.render(&other).unwrap().text, "A");
    let asked = [("migrations", "a.sql"), ("migrations/sub", "a.sql")];
    assert_eq!(*files.asked.lock().unwrap(), asked.map(|(f, n)| (f.to_owned(), n.to_owned())));
}

#[test]
fn undefined_names_are_errors_with_place_and_advice() {
    for (template, shown, hint) in [
        (
            "select 1;\nselect {{ retention_day }};",
            "undefined_variable migrations/V1__x.sql:2:11: 'retention_day' is not defined",
            "did you mean 'retention_days'?",
        ),
        (
            "{{ 'x' ~ snowops.schmea }}",
            "undefined_variable migrations/V1__x.sql:1:10: 'snowops.schmea' is not defined",
            "did you mean 'snowops.schema'?",
        ),
        (
            "{{ snowops.role }}",
            "undefined_variable migrations/V1__x.sql:1:4: 'snowops.role' is not defined",
            "give the environment a 'role'",
        ),
        (
            "é {% for x in whatever %}{% endfor %}",
            "undefined_variable migrations/V1__x.sql:1:15: 'whatever' is not defined",
            "--var whatever=",
        ),
        (
            "{% if whatever %}{% endif %}",
            "undefined_variable migrations/V1__x.sql:1:7: 'whatever' is not defined",
            "vars:",
        ),
        (
            "{{ whatever|upper }}",
            "undefined_variable migrations/V1__x.sql:1:4: 'whatever' is not defined",
            "vars:",
        ),
        (
            "{{ env_var('BUILD_IDS') }}",
            "undefined_variable migrations/V1__x.sql:1:4: the environment variable BUILD_IDS is not listed for templates",
            "did you mean BUILD_ID? Else list BUILD_IDS under 'env:'",
        ),
        (
            "{{ env_var('UNSET') }}",
            "undefined_variable migrations/V1__x.sql:1:4: the environment variable UNSET is not set",
            "env_var('UNSET', 'default')",
        ),
        (
            "{{ env_var('PATH', 'x') }}",
            "undefined_variable migrations/V1__x.sql:1:4: the environment variable PATH is not listed for templates",
            "list PATH under 'env:'",
        ),
        (
            "{{ secret('LOADER_PASSWORT') }}",
            "undefined_variable migrations/V1__x.sql:1:4: there is no secret LOADER_PASSWORT",
            "did you mean LOADER_PASSWORD?",
        ),
    ] {
        let (text, found) = finding(template);
        assert_eq!(text, shown);
        assert!(found.hint.as_deref().unwrap_or_default().contains(hint), "{template}: {:?}", found.hint);
        assert!(found.place.unwrap().excerpt.is_some());
    }
}

#[test]
fn other_template_errors_have_a_place_too() {
    for (template, shown) in [
        ("a\n{% if x", "template_error migrations/V1__x.sql:2:"),
        ("a\n{{ }}", "template_error migrations/V1__x.sql:2:"),
        ("{% for x in regions %}", "template_error migrations/V1__x.sql:1:"),
        ("a {{ region|nofilter }}", "template_error migrations/V1__x.sql:1:"),
        ("a {{ nofunction() }}", "template_error migrations/V1__x.sql:1:"),
        ("a {{ region.nomethod() }}", "template_error migrations/V1__x.sql:1:"),
        ("a {{ 1 / 0 }}", "template_error migrations/V1__x.sql:1:"),
        ("a\n  {% include 'no.sql' %}", "template_error migrations/V1__x.sql:2:"),
        ("{% from 'no.sql' import x %}", "template_error migrations/V1__x.sql:1:"),
        ("{% include 'a\tb' %}", "template_error migrations/V1__x.sql:1:"),
        ("a {% include '../x' ignore missing %}", "refused_path migrations/V1__x.sql:1:"),
    ] {
        let (text, found) = finding(template);
        assert!(text.starts_with(shown), "{text}");
        assert!(!text.contains(['\0', '`']), "{text}");
        assert!(!found.message.is_empty() && !found.message.ends_with('.'), "{text}");
    }
}

#[test]
fn an_error_in_an_included_file_stands_there_with_the_way_to_it() {
    let templates = [("outer.sql", "x\n{% include 'inner.sql' %}"), ("inner.sql", "y\n z {{ nope }}")];
    let found = findings(templates, "select 1;\n\n{% include 'outer.sql' %}");
    assert_eq!(found[0].to_string(), "templates/inner.sql:2:7: 'nope' is not defined");
    assert_eq!(
        found[0].notes,
        ["included at templates/outer.sql:2:4", "included at migrations/V1__x.sql:3:4"]
    );
    let macros = [("m.sql", "{% macro m() %}\n{{ nope }}{% endmacro %}")];
    let found = findings(macros, "{% import 'm.sql' as m %}{{ m.m() }}");
    assert_eq!(found[0].to_string(), "templates/m.sql:2:4: 'nope' is not defined");
    assert_eq!(found[0].notes, ["while rendering migrations/V1__x.sql"]);
    let broken = [("b.sql", "ok\n{% if %}")];
    let found = findings(broken, "{% include 'b.sql' %}");
    assert!(found[0].to_string().starts_with("templates/b.sql:2:"), "{}", found[0]);
}

#[test]
fn places_are_right_beyond_line_65535() {
    let text = format!("{}select {{{{ nope }}}}", "\n".repeat(70_000));
    assert!(finding(&text).0.contains(":70001:11: "), "{}", finding(&text).0);
    let fine = format!("{}select {{{{ region }}}} x", "\n".repeat(70_000));
    let output = renderer([]).render(&script(&fine)).unwrap();
    let span = output.map.span(output.text.len() - 1..output.text.len());
    assert_eq!((span.line, span.column), (70_001, 21));
}

#[test]
fn placeholders_are_replaced_as_documented() {
    for (source, expected) in [
        ("select '${region}'", "select 'eu-west'"),
        ("${REGION} ${Retention_Days} ${flag}", "eu-west 7 true"),
        ("${flyway:defaultSchema} ${snowops:DATABASE} ${flyway:filename}", "PUBLIC RETAIL_DEV V1__x.sql"),
        ("-- ${region}\n\"${region}\"", "-- eu-west\n\"eu-west\""),
        ("$${region} $${anything} $${ x + 1 }", "${region} ${anything} ${ x + 1 }"),
        ("$$${region}$$", "$$eu-west$$"),
        ("$$$${region}$$", "$$${region}$$"),
        ("$$ a ${region} b $$", "$$ a eu-west b $$"),
        ("$${\"a\": 1}$$", "$${\"a\": 1}$$"),
        ("$$\n{ a $ b }$$ $1 $", "$$\n{ a $ b }$$ $1 $"),
        ("{{ '${region}' }} ${{ '{region}' }}", "eu-west eu-west"),
    ] {
        assert_eq!(text(source), expected, "{source}");
    }
    let off = Script { placeholders: Some(false), ..script("${region} ${flyway:table} $${x}") };
    let output = renderer([]).render(&off).unwrap();
    assert_eq!(output.text, off.text);
    assert_eq!(output.warnings.len(), 1);
    assert_eq!(output.warnings[0].place.as_ref().unwrap().position, Some((1, 11)));
}

#[test]
fn a_value_is_not_read_again() {
    let mut settings = settings();
    settings.vars.insert("a".to_owned(), json!("${region} {{ region }}"));
    let output = Renderer::new(settings, files([])).render(&script("x ${a}")).unwrap();
    assert_eq!(output.text, "x ${region} {{ region }}");
}

#[test]
fn all_bad_placeholders_are_found_at_once_at_their_source() {
    let source =
        "{% if true %}\n${regoin}{% endif %}\n${flyway:user} ${nothing} ${regions}\n${\"a\"} ${open\n}";
    let found = findings([], source);
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "migrations/V1__x.sql:2:1: the placeholder 'regoin' is not defined",
            "migrations/V1__x.sql:3:1: the placeholder 'flyway:user' has no value here",
            "migrations/V1__x.sql:3:16: the placeholder 'nothing' has no value",
            "migrations/V1__x.sql:3:27: the placeholder 'regions' is a list or a map, which only templates can print",
            "migrations/V1__x.sql:4:1: '\"a\"' is no name of a placeholder",
            "migrations/V1__x.sql:4:8: '${' opens a placeholder that is not closed on its line",
        ]
    );
    assert_eq!(found[0].hint.as_deref(), Some("did you mean '${region}'?"));
    assert!(found[0].notes[0].contains("retention_days") && found[0].notes[0].contains("flyway:table"));
}

#[test]
fn a_javascript_template_literal_is_called_so_with_the_ways_out() {
    let source = "create function f() returns string language javascript as $$\n  return `a ${x} ${x + 1} ${\n1} '${y}'`;\n$$;\nselect '${z}';";
    let found = findings([], source);
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "migrations/V1__x.sql:2:13: the placeholder 'x' is not defined",
            "migrations/V1__x.sql:2:18: 'x + 1' is no name of a placeholder",
            "migrations/V1__x.sql:2:27: '${' opens a placeholder that is not closed on its line",
            "migrations/V1__x.sql:3:5: the placeholder 'y' is not defined",
            "migrations/V1__x.sql:5:9: the placeholder 'z' is not defined",
        ]
    );
    let hint = |n: usize| found[n].hint.as_deref().unwrap();
    assert_eq!(
        hint(0),
        "write '$${' for JavaScript's '${'; or turn placeholders off for this script with 'placeholderReplacement=false' in V1__x.sql.conf; or, if it is a placeholder, define 'x' under 'vars:' in snowops.yml"
    );
    assert!(!hint(1).contains("vars:"), "{}", hint(1));
    for finding in &found[..4] {
        assert!(finding.notes[0].contains("JavaScript template literal"), "{finding:?}");
        assert!(finding.hint.as_ref().unwrap().contains("V1__x.sql.conf"), "{finding:?}");
    }
    assert!(!hint(4).contains("JavaScript"), "SQL is no JavaScript: {}", hint(4));
    assert_eq!(text("$$ return `$${x}` $$"), "$$ return `${x}` $$");
}

#[test]
fn code_in_a_body_that_looks_like_a_template_is_told_of_raw() {
    for (code, place) in [
        ("return {{a: 1}};", "2:11"),
        ("if (a) {% b %}", "2:11"),
        ("const o = {#x: 1};", "2:11"),
        ("return f'{{ x }}'", "2:13"),
    ] {
        let source = format!("create function f() returns variant language javascript as $$\n{code}\n$$;");
        let found = findings([], &source);
        assert!(found[0].to_string().starts_with(&format!("migrations/V1__x.sql:{place}")), "{}", found[0]);
        assert!(found[0].notes.iter().any(|note| note.contains("{% raw %}")), "{:?}", found[0]);
        let raw = format!("{{% raw %}}{source}{{% endraw %}}");
        assert_eq!(text(&raw), source);
        let outside = findings([], code);
        assert!(!outside[0].notes.iter().any(|note| note.contains("$$ body")), "{:?}", outside[0]);
    }
}

#[test]
fn names_that_differ_in_case_only_are_refused_where_they_are_used() {
    let mut settings = settings();
    settings.vars.insert("REGION".to_owned(), json!("other"));
    let renderer = Renderer::new(settings, files([]));
    assert!(renderer.render(&script("x")).is_ok());
    let found = renderer.render(&script("${region}")).unwrap_err();
    assert!(found[0].message.contains("differ in case only"), "{}", found[0]);
}

#[test]
fn secrets_are_slots_everywhere() {
    let slot = slots::slot("LOADER_PASSWORD");
    for source in [
        "'{{ LOADER_PASSWORD }}'",
        "'{{ secret('LOADER_PASSWORD') }}'",
        "'{{ env_var('LOADER_PASSWORD') }}'",
        "'${loader_password}'",
        "{{ LOADER_PASSWORD|literal }}",
    ] {
        assert_eq!(text(source), format!("'{slot}'"), "{source}");
    }
    assert_eq!(text("$${{ env_var('API_TOKEN', 'x') }}$$"), format!("$${}$$", slots::slot("API_TOKEN")));
}

#[test]
fn a_value_under_the_name_of_a_secret_never_shows() {
    let mut settings = settings();
    settings.vars.insert("LOADER_PASSWORD".to_owned(), json!("canary-7f3a"));
    settings.env.insert("LOADER_PASSWORD".to_owned(), EnvValue::Text("canary-7f3a".to_owned()));
    let renderer = Renderer::new(settings, files([]));
    for source in [
        "'{{ LOADER_PASSWORD }}${LOADER_PASSWORD}{{ secret('LOADER_PASSWORD') }}{{ env_var('LOADER_PASSWORD') }}'",
        "{{ LOADER_PASSWORD }}",
        "'{{ LOADER_PASSWORD|upper }}'",
        "{{ LOADER_PASSWORD + 1 }}",
        "{{ LOADER_PASSWORD.nope.nope }}",
        "{{ LOADER_PASSWORD|ident }}",
        "{{ LOADER_PASSWORD|int }}",
        "{{ debug() }}",
    ] {
        let shown = format!("{:?}", renderer.render(&script(source)));
        assert!(!shown.contains("canary"), "{source}: {shown}");
    }
}

#[test]
fn misplaced_and_changed_secrets_are_found_at_their_source() {
    for (source, place) in [
        ("select 1;\nselect {{ LOADER_PASSWORD }}", "2:11"),
        ("-- ${LOADER_PASSWORD}", "1:4"),
        ("select {{ LOADER_PASSWORD|ident }}", "1:27"),
        ("'{{ LOADER_PASSWORD|upper }}'", "1:5"),
        ("'{{ LOADER_PASSWORD[:5] }}'", "1:5"),
        ("'{{ LOADER_PASSWORD[1:] }}'", "1:5"),
        ("'{{ LOADER_PASSWORD[1:-1] }}'", "1:5"),
        ("'{{ LOADER_PASSWORD|replace('\u{27E6}', '') }}'", "1:5"),
        ("'{{ LOADER_PASSWORD|list|join('-') }}'", "1:5"),
        ("'\u{27E6}secret:NOT_DECLARED\u{27E7}'", "1:2"),
    ] {
        let found = findings([], source);
        assert!(found.iter().all(|f| f.code == Code::MisplacedSecret), "{found:?}");
        let shown = found[0].to_string();
        assert!(shown.starts_with(&format!("migrations/V1__x.sql:{place}: ")), "{source}: {shown}");
    }
    // What a person typed is text, as long as it is no slot.
    assert_eq!(text("-- \u{27E6}1, 2\u{27E7} secret: none\n"), "-- \u{27E6}1, 2\u{27E7} secret: none\n");
}

#[test]
fn ten_thousand_plain_scripts_need_no_thread() {
    let renderer = renderer([]);
    let text = "create table t (a int);\n".repeat(20);
    let start = Instant::now();
    for _ in 0..10_000 {
        let output = renderer.render(&script(&text)).unwrap();
        assert_eq!(output.text.len(), text.len());
    }
    // Some 20 ms when optimised; the bound is for unoptimised builds on busy machines.
    assert!(start.elapsed().as_secs_f64() < 3.0, "{:?}", start.elapsed());
}

#[test]
fn many_scripts_render_as_each_alone() {
    let renderer = renderer([("a.sql", "A")]);
    let texts = ["plain", "{{ region }}", "{{ nope }}", "{% include 'a.sql' %}", "${region}"];
    let scripts = texts.map(script);
    let show = |result: Result<Output, Vec<Diagnostic>>| match result {
        Ok(output) => Ok((output.text, output.templates)),
        Err(findings) => Err(findings),
    };
    let together: Vec<_> = renderer.render_all(&scripts).into_iter().map(show).collect();
    let alone: Vec<_> = scripts.iter().map(|script| show(renderer.render(script))).collect();
    assert_eq!(together, alone);
    assert_eq!(together.iter().filter(|result| result.is_ok()).count(), 4);
}

proptest! {
    #[test]
    fn a_text_without_templates_comes_out_byte_for_byte(source in "(?s).{0,60}|[a{ }%#$'\r\n\u{feff}-]{0,20}") {
        prop_assume!(["{{", "{%", "{#", "${"].iter().all(|syntax| !source.contains(syntax)));
        prop_assume!(!source.contains([slots::OPEN, slots::CLOSE]));
        let output = renderer([]).render(&script(&source)).unwrap();
        prop_assert_eq!(&output.text, &source);
        let whole = output.map.span(0..source.len());
        prop_assert_eq!((whole.start, whole.end), (0, source.len()));
    }

    #[test]
    fn templates_beside_it_leave_other_text_alone(
        before in "[a{}%#'\" \r\n\u{feff}é-]{0,20}",
        after in "[a{}%#'\" \r\né-]{0,20}",
    ) {
        let braces = |text: &str| ["{{", "{%", "{#", "%}", "#}", "}}"].iter().any(|s| text.contains(s));
        prop_assume!(!braces(&before) && !braces(&after) && !before.ends_with('{'));
        let source = format!("{before}{{{{ region }}}}{after}");
        let output = renderer([]).render(&script(&source)).unwrap();
        prop_assert_eq!(output.text, format!("{before}eu-west{after}"));
    }
}
