//! What the server asks a session to carry from one statement to the next: without it, a read of a hybrid table may miss
//! what the session wrote just before.
//!
//! Merged as Snowflake's drivers do (`_query_context_cache.py` of the Python connector). The contents are the server's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// How many entries are kept: the default of `QUERY_CONTEXT_CACHE_SIZE`.
const CAPACITY: usize = 5;

/// The entries, by their priority, of which the lowest number is the highest.
#[derive(Clone, Debug, Default)]
pub(super) struct QueryContext(BTreeMap<i64, Entry>);

/// An entry as an answer has it.
#[derive(Clone, Debug, Deserialize)]
struct Entry {
    id: i64,
    timestamp: i64,
    priority: i64,
    context: Option<String>,
}

/// The part of an answer.
#[derive(Default, Deserialize)]
struct Told {
    entries: Vec<Entry>,
}

impl QueryContext {
    /// Takes what an answer says. Nothing said leaves all as it was; an empty list ends it, and so does what cannot be
    /// read: an answer is not lost for it.
    pub(super) fn learn(&mut self, told: Option<Value>) {
        let Some(told) = told else { return };
        let Told { entries } = serde_json::from_value(told).unwrap_or_default();
        if entries.is_empty() {
            self.0.clear();
        }
        for entry in entries {
            let known = self.0.values().find(|known| known.id == entry.id);
            let same = known.map(|known| (known.timestamp, known.priority));
            let newer = same.is_none_or(|(timestamp, priority)| {
                entry.timestamp > timestamp || (entry.timestamp == timestamp && entry.priority != priority)
            });
            if newer {
                self.0.retain(|_, known| known.id != entry.id);
                self.0.insert(entry.priority, entry);
            }
        }
        while self.0.len() > CAPACITY {
            self.0.pop_last();
        }
    }

    /// As a statement carries it.
    pub(super) fn wire_form(&self) -> Value {
        if self.0.is_empty() {
            return json!({});
        }
        let entries = self.0.values().map(|entry| {
            let context =
                entry.context.as_ref().map_or_else(|| json!({}), |text| json!({ "base64Data": text }));
            json!({
                "id": entry.id, "timestamp": entry.timestamp, "priority": entry.priority, "context": context,
            })
        });
        json!({ "entries": entries.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(entries: &Value) -> Value {
        json!({ "entries": entries })
    }

    fn entry(id: i64, timestamp: i64, priority: i64) -> Value {
        json!({ "id": id, "timestamp": timestamp, "priority": priority, "context": "YQ==" })
    }

    fn kept(context: &QueryContext) -> Vec<(i64, i64, i64)> {
        context.0.values().map(|entry| (entry.id, entry.timestamp, entry.priority)).collect()
    }

    #[test]
    fn newer_entries_take_the_place_of_their_id_and_of_their_priority() {
        let mut context = QueryContext::default();
        context.learn(Some(told(&json!([entry(0, 10, 0), entry(7, 10, 1), entry(8, 10, 2)]))));
        context.learn(Some(told(&json!([entry(0, 9, 0), entry(7, 11, 3), entry(9, 1, 2)]))));
        assert_eq!(kept(&context), [(0, 10, 0), (9, 1, 2), (7, 11, 3)]);
        context.learn(None);
        assert_eq!(kept(&context).len(), 3);
        for nothing in [told(&json!([])), told(&json!([{ "id": "x" }])), json!("x")] {
            let mut context = context.clone();
            context.learn(Some(nothing));
            assert_eq!(context.wire_form(), json!({}));
        }
    }

    #[test]
    fn the_least_of_too_many_are_dropped() {
        let mut context = QueryContext::default();
        context.learn(Some(told(&(0..9).map(|n| entry(n, 1, n)).collect())));
        assert_eq!(kept(&context).iter().map(|entry| entry.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_context_is_passed_on_as_it_came() {
        let mut context = QueryContext::default();
        context.learn(Some(told(&json!([{ "id": 0, "timestamp": 5, "priority": 0 }, entry(1, 6, 1)]))));
        let expected = json!({ "entries": [
            { "id": 0, "timestamp": 5, "priority": 0, "context": {} },
            { "id": 1, "timestamp": 6, "priority": 1, "context": { "base64Data": "YQ==" } },
        ]});
        assert_eq!(context.wire_form(), expected);
    }
}
