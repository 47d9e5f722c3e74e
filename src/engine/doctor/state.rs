//! History, lease and clock in words: what both engines have. Pure.

use std::{collections::BTreeSet, time::Duration};

use super::Check;
use crate::{
    engine::Stop,
    ledger::{LedgerError, LockRow, Presence, full_name},
    model::{journal::KnownRun, target::LedgerName},
    session::Liveness,
};

/// Clocks that are further apart spoil logins with a key, and plans that expire.
const APART: Duration = Duration::from_secs(30);

/// The history. `rows`: as many as it holds. `protected`: nothing is made there unless it is asked for.
pub(super) fn history(name: &LedgerName, presence: &Presence, rows: usize, protected: bool) -> Check {
    let table = full_name(name);
    let first = if protected {
        "`snowops migrate --create-history` creates it"
    } else {
        "the first migrate creates it"
    };
    let schema = format!("{}.{}", name.database, name.schema);
    match presence {
        Presence::Present => Check::ok("history", format!("present: {table}, rows: {rows}")),
        Presence::HistoryOnly => {
            Check::ok("history", format!("present: {table}, rows: {rows}, written by another tool"))
        }
        Presence::Absent => Check::ok("history", format!("absent: {table}; {first}")),
        Presence::Unfinished => {
            Check::ok("history", format!("absent: {table}, whose making was cut short; {first}"))
        }
        Presence::SchemaMissing => Check::ok(
            "history",
            format!(
                "absent: {table}; there is no schema {schema} to be seen; {first}, and fails at its first statement if the \
                 schema is only hidden"
            ),
        ),
        Presence::SchemaEmpty => Check::ok(
            "history",
            format!(
                "absent: {table}; schema {schema} shows no table at all; {first}, and fails at its first statement if it is \
                 only hidden"
            ),
        ),
        Presence::NotVisible { role, .. } => {
            let hint = format!(
                "if it is there, grant role {role} what `plan` names; if other tools' tables are all that {schema} holds, \
                 `snowops migrate --create-history`; if it is elsewhere, correct `history` in snowops.yml"
            );
            Check::wrong(
                "history",
                format!("not_visible: {table} is absent, or role {role} may not see it"),
                Some(hint),
            )
        }
    }
}

/// What is to be seen of the history without a warehouse, which its rows need.
pub(super) fn listed(name: &LedgerName, tables: &BTreeSet<String>, role: &str) -> Check {
    let table = full_name(name);
    if tables.contains(&name.table) {
        return Check::ok(
            "history",
            format!("present: {table}; its rows cannot be read without a warehouse"),
        );
    }
    Check::wrong(
        "history",
        format!(
            "not_visible: {table} is absent, or role {role} may not see it; more can be told with a warehouse"
        ),
        Some("mend the warehouse first, and run `snowops doctor` again".to_owned()),
    )
}

/// A history that could not be read.
pub(super) fn unread(error: &LedgerError, name: &LedgerName) -> Check {
    let stop = Stop::ledger(error, name, false);
    Check::wrong("history", stop.finding.message, stop.finding.hint)
}

/// The lease, by its row, and the runs that did not end.
pub(super) fn lease(row: &LockRow, open_runs: &[KnownRun], liveness: Liveness) -> Check {
    let open = match open_runs {
        [] => String::new(),
        runs => {
            let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
            format!("; open runs: {}", ids.join(", "))
        }
    };
    let cut_off =
        "a run was cut off: `snowops info` tells where, and the next `snowops migrate` goes on from there";
    let Some(_) = row.nonce else {
        let hint = (!open_runs.is_empty()).then(|| cut_off.to_owned());
        return Check { hint, ..Check::ok("lease", format!("free{open}")) };
    };
    let holder = row.holder_words();
    match liveness {
        Liveness::OsLock => Check::ok(
            "lease",
            format!("last taken by {holder}{open}; if that process is gone, the next migrate takes it at once"),
        ),
        Liveness::ServerClock if row.expired => Check {
            hint: Some(cut_off.to_owned()),
            ..Check::ok(
                "lease",
                format!("its last holder is gone: {holder}, whose lease ended on {}{open}", row.expires),
            )
        },
        Liveness::ServerClock => Check {
            hint: Some(
                "a migrate waits for it, up to `--lock-timeout`; if that process is gone, until the lease ends by itself"
                    .to_owned(),
            ),
            ..Check::ok(
                "lease",
                format!("held by {holder} until {} by the server's clock, unless renewed{open}", row.expires),
            )
        },
    }
}

/// This machine's clock beside the server's. `between`: when the server was asked and when it answered.
pub(super) fn clock(server: Duration, between: (Duration, Duration)) -> Check {
    let apart =
        if server < between.0 { between.0.abs_diff(server) } else { server.saturating_sub(between.1) };
    let words = match apart.as_secs() {
        0 => "by less than a second".to_owned(),
        seconds => format!("by {seconds} s"),
    };
    let side = if server < between.0 { "ahead" } else { "behind" };
    let detail = format!("the server's clock and this machine's differ {words}");
    if apart <= APART {
        return Check::ok("clock", detail);
    }
    let hint = format!("this machine's clock is {side}; set it: logins with a key pair need the right time");
    Check::wrong("clock", detail, Some(hint))
}

/// A server's time as the time since 1970. Servers print UTC, with or without saying so.
pub(super) fn wall(text: &str) -> Option<Duration> {
    let text = text.replace(' ', "T");
    let time = text.parse::<jiff::Timestamp>().or_else(|_| format!("{text}Z").parse()).ok()?;
    time.as_duration().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_asking_and_answering_is_no_difference() {
        let seconds = Duration::from_secs;
        for (server, ok, detail, side) in [
            (100, true, "by less than a second", None),
            (104, true, "by less than a second", None),
            (95, true, "by 5 s", None),
            (69, false, "by 31 s", Some("ahead")),
            (136, false, "by 31 s", Some("behind")),
        ] {
            let check = clock(seconds(server), (seconds(100), seconds(105)));
            assert_eq!((check.ok, check.detail.ends_with(detail)), (ok, true), "{server}: {check:?}");
            let told = side.is_none_or(|side| check.hint.clone().unwrap().contains(side));
            assert!(told && check.hint.is_some() != ok, "{server}: {check:?}");
        }
    }

    #[test]
    fn a_time_is_read_with_and_without_its_offset() {
        for text in ["2026-01-01 00:00:01.500000", "2026-01-01T00:00:01.5Z", "2026-01-01 02:00:01.5+02:00"] {
            assert_eq!(wall(text), Some(Duration::from_millis(1_767_225_601_500)), "{text}");
        }
        assert_eq!(wall("noon"), None);
    }
}
