//! `cargo bench --bench catalogue`: 10,000 typical statements read and applied to one catalogue: seconds, and memory.
//! `cargo bench --bench catalogue -- 100000` takes more.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and its own memory")]
#![expect(clippy::print_stdout, reason = "it prints its result")]

use std::{collections::BTreeMap, env, fs, time::Instant};

use snowops::{
    catalog::{Catalog, Effect, Externals, Seed, SessionState, Stamp, apply},
    model::{ident::Ident, target::Context4},
    sql::{command::command, split::split},
};

/// What a script of a warehouse does, in about the shares of public scripts: the kinds are the most frequent ones.
/// `{n}` is the number of the round, `{m}` the one before.
const ROUND: &str = "
USE ROLE SYSADMIN;
CREATE SCHEMA IF NOT EXISTS area_{n} COMMENT = 'one subject';
USE SCHEMA area_{n};
CREATE OR REPLACE TABLE orders (
    id NUMBER(38, 0) NOT NULL PRIMARY KEY, customer_id NUMBER(38, 0) NOT NULL, ordered_at TIMESTAMP_NTZ NOT NULL,
    status VARCHAR(20) DEFAULT 'new', amount NUMBER(12, 2), payload VARIANT
) COMMENT = 'orders of one subject';
CREATE TABLE IF NOT EXISTS order_lines (
    order_id NUMBER(38, 0) NOT NULL, line NUMBER(10, 0) NOT NULL, product VARCHAR(100), quantity NUMBER(10, 0),
    price NUMBER(12, 2), PRIMARY KEY (order_id, line)
);
CREATE OR REPLACE VIEW order_totals AS
WITH lines AS (SELECT order_id, SUM(quantity * price) AS total FROM order_lines GROUP BY order_id)
SELECT o.id, o.customer_id, o.payload:channel::VARCHAR AS channel, l.total
FROM orders o LEFT JOIN lines l ON l.order_id = o.id WHERE o.status <> 'gone';
INSERT INTO orders (id, customer_id, ordered_at, amount) VALUES (1, 7, '2026-01-01', 12.5), (2, 8, '2026-01-02', 8);
SELECT t.channel, COUNT(*) FROM order_totals t JOIN orders o ON o.id = t.id GROUP BY t.channel ORDER BY 2 DESC;
ALTER TABLE orders ADD COLUMN region VARCHAR(20);
CREATE OR REPLACE STREAM new_orders ON TABLE orders APPEND_ONLY = TRUE;
CREATE OR REPLACE PROCEDURE close_orders(days NUMBER) RETURNS VARCHAR LANGUAGE SQL AS
$$ BEGIN UPDATE orders SET status = 'closed' WHERE ordered_at < DATEADD('day', -1, CURRENT_DATE()); RETURN 'ok'; END; $$;
CREATE OR REPLACE TASK close_them WAREHOUSE = LOAD_XS SCHEDULE = '60 MINUTE' AS CALL close_orders(30);
ALTER TASK close_them RESUME;
GRANT USAGE ON SCHEMA area_{n} TO ROLE READER;
GRANT SELECT ON ALL TABLES IN SCHEMA area_{n} TO ROLE READER;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA area_{n} TO ROLE READER;
GRANT INSERT, UPDATE ON TABLE orders TO ROLE READER;
MERGE INTO orders t USING area_{m}.orders s ON t.id = s.id
WHEN MATCHED THEN UPDATE SET amount = s.amount WHEN NOT MATCHED THEN INSERT (id, customer_id, ordered_at) VALUES (s.id, s.customer_id, s.ordered_at);
COMMENT ON COLUMN orders.region IS 'where it goes';
SET rounds = {n};
";

fn main() {
    let wanted: usize = env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    let mut text = String::from(
        "CREATE ROLE READER;\nCREATE SCHEMA area_0;\nCREATE TABLE orders (id NUMBER, customer_id NUMBER, ordered_at TIMESTAMP_NTZ, amount NUMBER);\n",
    );
    let each = split(ROUND).map_or(1, |pieces| pieces.len());
    for n in 1..=wanted.div_ceil(each) {
        text += &ROUND.replace("{n}", &n.to_string()).replace("{m}", &(n - 1).to_string());
    }
    let context = Context4 {
        role: Some(Ident::stored("SYSADMIN")),
        warehouse: Some(Ident::stored("LOAD_XS")),
        database: Some(Ident::stored("LOCAL")),
        schema: Some(Ident::stored("PUBLIC")),
    };
    let now = "2026-01-01T00:00:00Z".to_owned();
    let seed = Seed {
        account: "bench".into(),
        context: context.clone(),
        externals: Externals::default(),
        snapshots: Vec::new(),
        now: now.clone(),
    };
    let stamp = Stamp { now, query_id: String::new() };
    let mut catalog = Catalog::new(&seed);
    let mut session = SessionState::new(context);
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();

    let start = Instant::now();
    let Ok(pieces) = split(&text) else { panic!("the text was not split") };
    for piece in &pieces {
        let sql = piece.of(&text);
        let effect = match command(sql) {
            Ok(command) => apply(&mut catalog, &mut session, &command, &stamp),
            Err(error) => Effect::Refused(error),
        };
        let end = match effect {
            Effect::Applied(_) => "applied",
            Effect::Checked(_) => "checked",
            Effect::Recorded(_) => "recorded",
            Effect::Opaque(_) => "opaque",
            Effect::Refused(error) => panic!("refused: {}\n{sql}", error.message),
        };
        *ends.entry(end).or_default() += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{} statements in {seconds:.2} s, {:?}; {} MB at most", pieces.len(), ends, peak());
}

/// The largest memory of this process so far, in MB; 0 where the system does not tell.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
