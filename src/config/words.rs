//! Small readers of words: durations, names, and the nearest word to one that is not known.

use std::time::Duration;

use crate::model::ident::Ident;

/// Reads `120s`, `10m`, `2h`, `1d`, `500ms` or several in a row (`1h30m`), without blanks. A number alone is
/// refused: its unit would be a guess.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    let mut read = false;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let amount: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let part = match rest.get(..end)? {
            "ms" => Duration::from_millis(amount),
            "s" => Duration::from_secs(amount),
            "m" => Duration::from_secs(amount.checked_mul(60)?),
            "h" => Duration::from_secs(amount.checked_mul(3_600)?),
            "d" => Duration::from_secs(amount.checked_mul(86_400)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = rest.get(end..)?;
        read = true;
    }
    read.then_some(total)
}

/// How to write a duration, for hints.
pub(crate) const DURATION_HINT: &str = "write a number with its unit: 90s, 10m, 2h, or 1h30m";

/// Reads a name as SQL does: plain names are folded to upper case, `"x"` keeps its case. `None` for a name that
/// SQL would not take without quotes.
pub fn name(text: &str) -> Option<Ident> {
    if let Some(inner) = text.strip_prefix('"') {
        let inner = inner.strip_suffix('"')?;
        let whole = !inner.is_empty() && !inner.replace("\"\"", "").contains('"');
        return whole.then(|| Ident::written(text));
    }
    let mut bytes = text.bytes();
    let plain = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$');
    plain.then(|| Ident::written(text))
}

/// The candidate that a person most likely meant, if one is near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a, b or c` for messages.
pub(crate) fn either<S: AsRef<str>>(words: &[S]) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(AsRef::as_ref).collect();
            format!("{} or {}", first.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        for (text, millis) in [
            ("120s", Some(120_000)),
            ("10m", Some(600_000)),
            ("2h", Some(7_200_000)),
            ("1h30m", Some(5_400_000)),
            ("1d", Some(86_400_000)),
            ("500ms", Some(500)),
            ("0s", Some(0)),
            ("120", None),
            ("s", None),
            ("", None),
            ("10 m", None),
            ("10min", None),
            ("-5s", None),
            ("1.5h", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(duration(text).map(|d| d.as_millis()), millis, "{text}");
        }
    }

    #[test]
    fn names_fold_as_sql_folds_them() {
        for (text, stored) in [
            ("retail", Some("RETAIL")),
            ("\"retail\"", Some("retail")),
            ("\"a\"\"b\"", Some("a\"b")),
            ("_x$1", Some("_X$1")),
            ("my-db", None),
            ("1x", None),
            ("", None),
            ("\"\"", None),
            ("\"a", None),
            ("\"a\"b\"", None),
            ("a.b", None),
        ] {
            assert_eq!(name(text).as_ref().map(Ident::as_str), stored, "{text}");
        }
    }

    #[test]
    fn the_nearest_word_must_be_near() {
        let keys = ["migrations", "templates", "vars", "env"];
        assert_eq!(nearest("migration", keys), Some("migrations"));
        assert_eq!(nearest("VARS", keys), Some("vars"));
        assert_eq!(nearest("tempaltes", keys), Some("templates"));
        assert_eq!(nearest("colour", keys), None);
    }
}
