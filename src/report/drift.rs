//! Snapshots and drift, for people and for machines.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::human::color;
use crate::{
    diagnostic::{defuse, defuse_line},
    drift::{Difference, Mend, What},
    engine::{
        drift::{Against, Drifted, Unusable},
        snapshot::Snapshot,
    },
    model::kind::ObjectKind,
};

/// What a snapshot holds; its text goes to stdout where it has no file.
pub(super) fn snapshot(taken: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    let Some(file) = &taken.file else { return Ok(()) };
    let names: Vec<String> = taken.databases.iter().map(ToString::to_string).collect();
    let counts = taken.counts.iter().filter(|(kind, _)| **kind != ObjectKind::Database);
    let counted = |(kind, count): (&ObjectKind, &usize)| {
        let words = if *count == 1 { kind.words() } else { kind.plural() };
        format!("{count} {}", words.to_lowercase())
    };
    let counts: Vec<String> = counts.map(counted).collect();
    writeln!(
        out,
        "Wrote {}: {} ({}).",
        defuse_line(file.as_str()),
        defuse_line(&names.join(", ")),
        counts.join(", ")
    )?;
    unseen(&taken.unseen, out)
}

fn unseen(unseen: &std::collections::BTreeMap<String, String>, out: &mut dyn Write) -> io::Result<()> {
    for (what, why) in unseen {
        writeln!(out, "Not seen: {} ({})", defuse_line(what), defuse_line(why))?;
    }
    Ok(())
}

fn many(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

fn against(against: &Against) -> String {
    match against {
        Against::File(file) => format!("what {file} says"),
        Against::Scripts(count) => {
            format!("what {} make", many(*count, "applied script")).replace("script make", "script makes")
        }
    }
}

pub(super) fn drift(drifted: &Drifted, quiet: bool, out: &mut dyn Write) -> io::Result<()> {
    let (place, with) = (defuse_line(&drifted.place), defuse_line(&against(&drifted.against)));
    if !drifted.differences.is_empty() {
        writeln!(out, "{place} differs from {with}:")?;
        list(&drifted.differences, out)?;
        writeln!(out)?;
    }
    if quiet {
        return Ok(());
    }
    if !drifted.not_known.is_empty() {
        writeln!(
            out,
            "Not known to be drift, as some scripts could not be used (no statement is proposed):"
        )?;
        for one in &drifted.not_known {
            let object = defuse_line(&format!("{} {}", one.kind, one.object));
            writeln!(out, "  {object}: {}", sentence(one))?;
        }
        writeln!(out)?;
    }
    for one in &drifted.unusable {
        let Unusable { script, ordinal, why } = one;
        let at = ordinal.map(|ordinal| format!(", statement {ordinal}")).unwrap_or_default();
        writeln!(out, "Not used: {}{at}: {}", defuse_line(script), defuse_line(why))?;
    }
    unseen(&drifted.unseen, out)?;
    if drifted.differences.is_empty() {
        let good = color(AnsiColor::Green);
        let known = if drifted.not_known.is_empty() && drifted.unusable.is_empty() {
            ""
        } else {
            ", as far as it is known: see what was not used"
        };
        return writeln!(out, "{good}No drift:{good:#} {place} is {with}{known}.");
    }
    let destroys = drifted.differences.iter().filter(|one| destroys(one)).count();
    let by_hand = drifted.differences.iter().filter(|one| one.mend.texts().is_empty()).count();
    let said = |count: usize, what: &str| if count > 0 { format!(" {count} {what}.") } else { String::new() };
    let more = said(destroys, "would destroy data") + &said(by_hand, "to be mended by hand");
    let bad = color(AnsiColor::BrightRed);
    let count = many(drifted.differences.len(), "difference");
    writeln!(
        out,
        "{bad}Drift:{bad:#} {count}.{more} Nothing was changed; read a statement before you run it."
    )
}

fn destroys(one: &Difference) -> bool {
    matches!(one.mend, Mend::Statements { destroys: true, .. })
}

fn list(differences: &[Difference], out: &mut dyn Write) -> io::Result<()> {
    let (bold, dimmed) = (Style::new().bold(), Style::new().dimmed());
    let bad = color(AnsiColor::BrightRed);
    let mut last = None;
    for one in differences {
        let object = format!("{} {}", one.kind, one.object);
        if last.as_ref() != Some(&object) {
            writeln!(out, "\n  {bold}{}{bold:#}", defuse_line(&object))?;
        }
        last = Some(object);
        writeln!(out, "    {}", sentence(one))?;
        match &one.mend {
            Mend::Statements { texts, destroys, note } => {
                if *destroys {
                    writeln!(out, "      {bad}destroys data:{bad:#}")?;
                }
                if let Some(note) = note {
                    writeln!(out, "      note: {note}")?;
                }
                for text in texts {
                    writeln!(out, "      {dimmed}{};{dimmed:#}", below(text))?;
                }
            }
            Mend::ByHand(why) => writeln!(out, "      by hand: {}", defuse_line(why))?,
        }
    }
    Ok(())
}

/// A text of several lines, each below the first: statements stay whole, for copying.
fn below(text: &str) -> String {
    defuse(text).replace('\n', "\n      ")
}

/// Longest value in a sentence.
const MOST: usize = 90;

/// A value in a sentence: short, on one line.
fn short(value: Option<&String>) -> String {
    let Some(value) = value else { return "none".to_owned() };
    let line = defuse_line(&value.split_whitespace().collect::<Vec<_>>().join(" "));
    if line.chars().count() <= MOST {
        line
    } else {
        format!("{}…", line.chars().take(MOST).collect::<String>())
    }
}

fn sentence(one: &Difference) -> String {
    let (expected, found) = (one.expected.as_ref(), one.found.as_ref());
    let changed = |what: &str| format!("{what} is {}, should be {}", short(found), short(expected));
    let quoted = |value: Option<&String>| value.map(|value| format!("'{value}'"));
    let text = |what: &str| {
        let (found, expected) = (quoted(found), quoted(expected));
        format!("{what} is {}, should be {}", short(found.as_ref()), short(expected.as_ref()))
    };
    let part = one.what.part().map(defuse_line).unwrap_or_default();
    match &one.what {
        What::Missing => "is missing".to_owned(),
        What::Unexpected => match found {
            Some(held) => format!("should not be there; {}", defuse_line(held)),
            None => "should not be there".to_owned(),
        },
        What::ColumnMissing(_) => format!("column {part} is missing"),
        What::ColumnUnexpected(_) => format!("column {part} should not be there"),
        What::ColumnType(_) => changed(&format!("type of column {part}")),
        What::ColumnNullability(_) => changed(&format!("column {part}")),
        What::ColumnDefault(_) => changed(&format!("default of column {part}")),
        What::ColumnComment(_) => text(&format!("comment of column {part}")),
        What::KeyMissing => format!("{} is missing", short(expected)),
        What::KeyUnexpected => format!("{} should not be there", short(found)),
        What::Clustering => changed("clustering key"),
        What::Definition => definition(expected, found),
        What::Property(_) => changed(&part),
        What::Comment => text("comment"),
        What::Owner => changed("owner"),
        What::GrantMissing => format!("grant is missing: {}", short(expected)),
        What::GrantUnexpected => format!("grant should not be there: {}", short(found)),
    }
}

/// The first lines that differ.
fn definition(expected: Option<&String>, found: Option<&String>) -> String {
    let (Some(expected), Some(found)) = (expected, found) else { return "its definition differs".to_owned() };
    let mut pairs = expected.lines().zip(found.lines());
    let (wanted, there) = pairs.find(|(a, b)| a.trim() != b.trim()).unwrap_or_else(|| {
        let after = |text: &'_ String, other: &String| text.lines().nth(other.lines().count()).is_some();
        match (after(expected, found), after(found, expected)) {
            (true, _) => (expected.lines().nth(found.lines().count()).unwrap_or_default(), "nothing more"),
            _ => ("nothing more", found.lines().nth(expected.lines().count()).unwrap_or_default()),
        }
    });
    let same = wanted.trim().chars().zip(there.trim().chars()).take_while(|(a, b)| a == b).count();
    // What is the same before is shown as far as it helps to find the place.
    let skipped =
        if wanted.chars().count().max(there.chars().count()) > MOST { same.saturating_sub(30) } else { 0 };
    let line = |text: &str| {
        let rest: String = text.trim().chars().skip(skipped).collect();
        let start = if skipped > 0 && text != "nothing more" { "…" } else { "" };
        format!("{start}{}", short(Some(&rest)))
    };
    format!("its definition differs:\n      is         {}\n      should be  {}", line(there), line(wanted))
}

pub(super) fn snapshot_json(taken: &Snapshot) -> Value {
    let mut body = json!({
        "file": taken.file,
        "databases": taken.databases,
        "counts": taken.counts,
        "unseen": unseen_json(&taken.unseen),
    });
    if taken.file.is_none() {
        body["snapshot"] = serde_json::from_str(&taken.text).unwrap_or_default();
    }
    body
}

fn unseen_json(unseen: &std::collections::BTreeMap<String, String>) -> Value {
    unseen.iter().map(|(what, why)| json!({ "what": what, "why": why })).collect()
}

pub(super) fn drift_json(drifted: &Drifted) -> Value {
    let against = match &drifted.against {
        Against::File(file) => json!({ "file": file, "scripts": null }),
        Against::Scripts(count) => json!({ "file": null, "scripts": count }),
    };
    let unusable = |one: &Unusable| json!({ "script": one.script, "ordinal": one.ordinal, "why": one.why });
    json!({
        "against": against,
        "differences": drifted.differences.iter().map(difference).collect::<Vec<_>>(),
        "not_known": drifted.not_known.iter().map(difference).collect::<Vec<_>>(),
        "unusable": drifted.unusable.iter().map(unusable).collect::<Vec<_>>(),
        "unseen": unseen_json(&drifted.unseen),
    })
}

fn difference(one: &Difference) -> Value {
    let (by_hand, note) = match &one.mend {
        Mend::ByHand(why) => (Some(why.as_str()), None),
        Mend::Statements { note, .. } => (None, *note),
    };
    json!({
        "kind": one.kind,
        "object": one.object,
        "what": one.what.as_str(),
        "part": one.what.part(),
        "expected": one.expected,
        "found": one.found,
        "statements": one.mend.texts(),
        "destroys_data": destroys(one),
        "note": note,
        "by_hand": by_hand,
    })
}
