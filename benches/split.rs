//! `cargo bench --bench split`: speed of the splitter and the memory it needs beyond the text, for 50 MB of each kind.
//! Each kind runs in a process of its own; `cargo bench --bench split -- 1000` takes 1000 MB.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and its own memory")]
#![expect(clippy::print_stdout, reason = "it prints its result")]

use std::{env, fs, process::Command, time::Instant};

use snowops::sql::split::split;

/// Name, what is repeated, what stands before and behind.
const KINDS: &[(&str, &str, &str, &str)] = &[
    ("ddl", DDL, "", ""),
    ("inserts", "INSERT INTO t (a, b, c) VALUES (1, 'it''s', 2.5), (2, 'x;y', NULL);\n", "", ""),
    (
        "one insert",
        "  (1, 'abc', 'def', 12.5, TO_DATE('2024-01-01')),\n",
        "INSERT INTO t VALUES\n",
        "  (1);\n",
    ),
    ("blocks", BLOCK, "", ""),
    ("one block", "  x := CASE WHEN a THEN b END;\n", "BEGIN\n", "END;\n"),
    (
        "bodies in $$",
        "CREATE PROCEDURE p() RETURNS INT AS $$\nBEGIN\n  RETURN 1; -- it's\nEND;\n$$;\n",
        "",
        "",
    ),
    ("comments", "-- a comment; with it's quote\n/* block; */ SELECT a, b FROM t WHERE x = 'y';\n", "", ""),
    ("SELECT 1", "SELECT 1;\n", "", ""),
    ("one-letter statements", "a;", "", ""),
    ("semicolons", ";", "", ""),
    ("words", "a ", "", ""),
    ("parentheses", "SELECT ((1));", "", ""),
];

const DDL: &str = "CREATE OR REPLACE TABLE db.s.orders (\n  id NUMBER(38,0) NOT NULL, -- key\n  name VARCHAR(100),\n  \
                   created_at TIMESTAMP_NTZ DEFAULT CURRENT_TIMESTAMP()\n);\n";
const BLOCK: &str = "BEGIN\n  LET x INT := 1;\n  IF (x > 0) THEN\n    INSERT INTO t SELECT CASE WHEN a THEN b END FROM \
                     s;\n  END IF;\n  RETURN x;\nEND;\n";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let megabytes = arguments.first().and_then(|number| number.parse().ok()).unwrap_or(50);
    if let Some(kind) = arguments.get(1) {
        return measure(kind, megabytes);
    }
    println!("{:<22} {:>10} {:>8} {:>8} {:>9}", "kind", "statements", "seconds", "MB/s", "extra MB");
    for (kind, ..) in KINDS {
        let size = megabytes.to_string();
        let done = env::current_exe().and_then(|this| Command::new(this).args([&size, *kind]).status());
        assert!(done.is_ok_and(|status| status.success()), "{kind} failed");
    }
}

fn measure(kind: &str, megabytes: usize) {
    let Some((_, again, before, behind)) = KINDS.iter().find(|(name, ..)| *name == kind) else {
        panic!("no kind `{kind}`");
    };
    let text = format!("{before}{}{behind}", again.repeat(megabytes * 1_000_000 / again.len()));
    let memory = peak();
    let start = Instant::now();
    let statements = split(&text).map(|pieces| (pieces.len(), pieces));
    let seconds = start.elapsed().as_secs_f64();
    let extra = peak().saturating_sub(memory) / 1024;
    let Ok((count, _pieces)) = statements else { panic!("`{kind}` was refused") };
    let speed = f64::from(u32::try_from(megabytes).unwrap_or(u32::MAX)) / seconds;
    println!("{kind:<22} {count:>10} {seconds:>8.3} {speed:>8.0} {extra:>9}");
}

/// The largest memory so far, in kB; 0 where the system has no `/proc`.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or_default()
}
