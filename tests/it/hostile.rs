//! Templates that try to take the process down: the real binary refuses each soon and in little memory.
//!
//! The limits are those of an optimised build (`benches/hostile`). An unoptimised one is granted a factor: it is
//! slower, runs beside other tests, and a level of a deep value takes some four times the stack.

#![cfg(target_os = "linux")]

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::harness::Project;

const SECONDS: f64 = if cfg!(debug_assertions) { 20.0 } else { 1.0 };
const KEYS: usize = if cfg!(debug_assertions) { 10_000 } else { 100_000 };
const MEGABYTES: u64 = if cfg!(debug_assertions) { 1024 } else { 256 };

/// What a run took.
struct Measured {
    code: Option<i32>,
    seconds: f64,
    megabytes: u64,
    err: String,
}

/// Renders all scripts of a project; its peak of resident memory is read from `/proc` until it ends.
fn render(project: &Project) -> Measured {
    let err = project.path("stderr.txt");
    let mut child = project
        .command(&["render"])
        .stdout(Stdio::null())
        .stderr(fs::File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (start, mut kilobytes) = (Instant::now(), 0);
    let code = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        kilobytes = kilobytes.max(peak.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if start.elapsed().as_secs_f64() > 2.0 * SECONDS {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(1));
    };
    let seconds = start.elapsed().as_secs_f64();
    Measured { code, seconds, megabytes: kilobytes / 1024, err: fs::read_to_string(err).unwrap() }
}

fn grow(body: &str) -> String {
    format!(
        "{{% set ns = namespace(x=0, s='ab') %}}{{% for i in range(1000) %}}{{% for j in range(1000) %}}{body}{{% endfor %}}{{% endfor %}}"
    )
}

/// Templates that must be refused, by name.
fn refused() -> Vec<(&'static str, String)> {
    let n = 100_000;
    let many = |text: &str| text.repeat(n);
    let mut all: Vec<(&'static str, String)> = [
        ("endless loop", "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}"),
        ("silent loop", "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a * b %}{% endfor %}{% endfor %}"),
        ("huge repeat", "{{ 'a' * 1000000000 }}"),
        ("huge list", "{{ range(100000)|list * 100000 }}"),
        ("doubled text", "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}"),
        ("doubled list", "{% set ns = namespace(x=[1]) %}{% for i in range(30) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}"),
        ("shared list", "{% set ns = namespace(x=['ab']) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}"),
        ("shared list as JSON", "{% set ns = namespace(x=['ab']) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x|tojson }}"),
        ("one text many times", "{{ ['a' * 1000000] * 1000 }}"),
        ("huge replace", "{{ ('a' * 1000000)|replace('a', 'b' * 1000) }}"),
        ("huge format", "{{ '%1000000000d'|format(1) }}"),
        ("huge format method", "{{ '{:1000000000}'.format(1) }}"),
        ("huge nested width", "{{ '{:{}}'.format(1, 1000000000) }}"),
        ("huge named width", "{{ '{:{w}}'.format(1, w=1000000000) }}"),
        ("huge precision", "{{ '%.1000000000f'|format(1) }}"),
        ("huge join", "{{ (range(100000)|list)|join('a' * 10000) }}"),
        ("huge indent", "{{ 'a\n'|indent(1000000000) }}"),
        ("huge indent of a text", "{{ ('a\n' * 100000)|indent('b' * 100000) }}"),
        ("huge JSON indent", "{{ [[1]]|tojson(indent=1000000000) }}"),
        ("huge center", "{{ 'a'|center(1000000000) }}"),
        ("huge zfill", "{{ '1'.zfill(1000000000) }}"),
        ("huge ljust", "{{ 'a'.ljust(1000000000) }}"),
        ("huge truncate", "{{ 'a'|truncate(10, end='b' * 1000000000) }}"),
        ("huge power", "{{ 9 ** 9 ** 9 ** 9 }}"),
        ("huge sort", "{% for i in range(1000) %}{{ range(100000)|reverse|sort|length }}{% endfor %}"),
        ("huge groupby", "{% for i in range(1000) %}{{ range(100000)|batch(2)|list|length }}{% endfor %}"),
        ("huge map", "{% for i in range(100) %}{% set d = dict(range(100000)|map('string')|zip(range(100000))|list) %}{{ d|length }}{% endfor %}"),
        ("macro bomb", "{% macro a() %}{% for i in range(1000) %}{{ b() }}{% endfor %}{% endmacro %}{% macro b() %}{% for i in range(1000) %}{{ c() }}{% endfor %}{% endmacro %}{% macro c() %}{{ 'x' * 1000 }}{% endmacro %}{{ a() }}"),
        ("macro recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
        ("loop recursion", "{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}"),
        ("include of itself", "{% include 'self.sql' %}"),
        ("include chain", "{% include 'chain0.sql' %}"),
        ("nested captures", "{% macro m(n) %}{% set x %}{{ m(n + 1) }}{% endset %}{{ x }}{{ x }}{% endmacro %}{{ m(0) }}"),
        ("include outside", "{% include '../../etc/passwd' %}"),
        ("include of a full path", "{% include '/etc/passwd' %}"),
        ("include through a link", "{% include 'link.sql' %}"),
        ("environment", "{{ env_var('HOME') }}"),
        ("wide wordwrap", "{{ ('a ' * 1000000)|wordwrap(1, wrapstring='b' * 100000) }}"),
    ]
    .map(|(name, text)| (name, text.to_owned()))
    .into();
    all.extend([
        ("wrapped list", grow("{% set ns.x = [ns.x] %}") + "{{ ns.x }}"),
        ("wrapped map", grow("{% set ns.x = {'a': ns.x} %}") + "{{ ns.x|tojson }}"),
        ("texts kept", grow("{% set ns.x = [ns.x, ns.s * 50] %}")),
        ("chain of not", format!("{{{{ {}1 }}}}", many("not "))),
        ("chain of minus", format!("{{{{ {}1 }}}}", many("-"))),
        ("chain of parentheses", format!("{{{{ {}1{} }}}}", many("("), many(")"))),
        ("chain of brackets", format!("{{{{ {}1{} }}}}", many("["), many("]"))),
        ("chain of braces", format!("{{{{ {}1{} }}}}", many("{1:"), many("}"))),
        ("chain of elif", format!("{{% if 1 %}}{}{{% endif %}}", many("{% elif 1 %}"))),
        ("nested if", format!("{}{}", many("{% if 1 %}"), many("{% endif %}"))),
        ("nested for", format!("{}{}", many("{% for x in y %}"), many("{% endfor %}"))),
        ("nested set", format!("{}{}", many("{% set x %}"), many("{% endset %}"))),
    ]);
    let chains = [
        "+1",
        "-1",
        "*1",
        "/1",
        "//1",
        "%1",
        "**1",
        "~1",
        "==1",
        "<1",
        " and 1",
        " or 1",
        " in 1",
        " is odd",
        " if 1 else 1",
        ".a",
        "[0]",
        "|upper",
        "()",
        "(1)",
    ];
    all.extend(chains.map(|link| ("chain of operators", format!("{{{{ 1{} }}}}", many(link)))));
    all
}

/// Shows the worst on request: `--nocapture`.
#[expect(clippy::print_stdout, reason = "a measurement that the benchmark shows")]
fn show(worst: (f64, u64)) {
    println!("worst: {:.2} s, {} MB", worst.0, worst.1);
}

/// Each template alone, as one that is refused early would hide what another takes.
#[test]
fn every_hostile_template_is_refused_in_time_and_memory() {
    let (mut worst, mut failed) = ((0.0, 0), vec![]);
    let project = Project::with(&[]);
    project.write("templates/self.sql", "{% include 'self.sql' %}");
    for n in 0..600 {
        project.write(&format!("templates/chain{n}.sql"), &format!("{{% include 'chain{}.sql' %}}", n + 1));
    }
    project.write("templates/chain600.sql", "x");
    std::os::unix::fs::symlink("/etc/passwd", project.path("templates/link.sql")).unwrap();
    for (name, template) in refused() {
        project.write("migrations/V1__x.sql", &format!("{template};\n"));
        let shown: String = template.chars().take(70).collect();
        let run = render(&project);
        let refused = matches!(run.code, Some(3 | 4)) && run.err.contains("V1__x.sql");
        if !refused || run.err.contains("root:") || run.seconds > SECONDS || run.megabytes > MEGABYTES {
            let Measured { code, seconds, megabytes, err } = &run;
            failed
                .push(format!("{name}: {seconds:.1} s, {megabytes} MB, exit {code:?}: {shown}\n{err:.200}"));
        }
        worst = (run.seconds.max(worst.0), run.megabytes.max(worst.1));
    }
    show(worst);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What is large but asks for no more than it writes is rendered.
#[test]
fn a_map_of_a_million_keys_and_a_deep_project_are_no_danger() {
    let project = Project::with(&[("V1__x.sql", "SELECT {{ m|length }};\n")]);
    let keys: String = (0..KEYS).fold(String::new(), |text, n| text + &format!("    k{n}: 1\n"));
    project.write(
        "snowops.yml",
        &format!("project: test\nenvironments:\n  local: {{ engine: embedded }}\nvars:\n  m:\n{keys}"),
    );
    let run = render(&project);
    assert!(run.seconds < SECONDS && run.megabytes < MEGABYTES, "{} s, {} MB", run.seconds, run.megabytes);
    let million = "{{ dict(range(1000000)|map('string')|zip(range(1000000)))|length }};\n";
    project.write("snowops.yml", "project: test\nenvironments:\n  local: { engine: embedded }\n");
    project.write("migrations/V1__x.sql", million);
    let run = render(&project);
    assert!(run.code.is_some(), "{}", run.err);
    assert!(run.seconds < SECONDS && run.megabytes < MEGABYTES, "{} s, {} MB", run.seconds, run.megabytes);
}
