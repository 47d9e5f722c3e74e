//! The keys of one connection, laid over one another.

use std::collections::BTreeMap;

use super::{
    super::{
        Inputs,
        check::Check,
        node::{Node, Origin},
        words::nearest,
    },
    keys,
};
use crate::diagnostic::{Code, Diagnostic};

/// A layer: keys with their values.
pub(super) type Layer = Vec<(&'static str, Node)>;

/// Keys in effect. A key without a value, or with an empty text, is none.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Settings(BTreeMap<&'static str, Node>);

impl Settings {
    /// Adds a layer that is weaker than all before it.
    pub(super) fn below(&mut self, layer: &Layer) {
        for key in keys::read() {
            let Some((_, node)) = layer.iter().find(|(name, _)| *name == key) else { continue };
            let empty = node.scalar().is_none_or(|text| text.is_empty());
            if !empty && !self.0.keys().any(|taken| keys::slot(taken) == keys::slot(key)) {
                self.0.insert(keys::canonical(key), node.clone());
            }
        }
    }

    /// The value of a key.
    pub(in crate::config) fn get(&self, key: &str) -> Option<&Node> {
        self.0.get(key)
    }

    /// All of them, in the order of the reference.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&'static str, &Node)> {
        keys::read().filter_map(|key| Some((key, self.0.get(key)?)))
    }
}

/// What the variables for one connection begin with. The Snowflake CLI puts the name in upper case and changes nothing
/// else.
pub(super) fn named_prefix(name: &str) -> String {
    format!("SNOWFLAKE_CONNECTIONS_{}_", name.to_uppercase())
}

/// Whether variables give a key of this connection: one may stand in no file at all.
pub(super) fn has_named_variables(inputs: &Inputs, name: &str) -> bool {
    !variables(inputs, &named_prefix(name), |_| true).is_empty()
}

/// `SNOWFLAKE_CONNECTIONS_<NAME>_<KEY>`. The variables of `a_b` begin like those of `a`, so that only a key which is
/// nearly right is spoken of.
pub(super) fn named_variables(inputs: &Inputs, name: &str, check: &mut Check<'_>) -> Layer {
    let prefix = named_prefix(name);
    for variable in inputs.process.names() {
        let Some(key) = variable.strip_prefix(&prefix).map(str::to_lowercase) else { continue };
        if let Some(near) = nearest(&key, keys::all()).filter(|_| !keys::is_known(&key)) {
            let message = format!("{variable} is set, and a connection has no key `{key}`");
            let hint = format!("did you mean {prefix}{}?", near.to_uppercase());
            check.findings.push(Diagnostic::warning(Code::UnknownKey, message).hint(hint));
        }
    }
    variables(inputs, &prefix, |_| true)
}

/// `SNOWFLAKE_<KEY>`, and the variable that the Snowflake CLI reads a passphrase from. `SNOWFLAKE_REGION` is not among
/// them: the CLI reads none, and other tools set it for accounts of theirs.
pub(super) fn generic_variables(inputs: &Inputs) -> Layer {
    const PASSPHRASE: &str = "PRIVATE_KEY_PASSPHRASE";
    let mut layer = variables(inputs, "SNOWFLAKE_", |key| key != "region");
    if let Some(text) = inputs.process.filled(PASSPHRASE)
        && !layer.iter().any(|(key, _)| keys::canonical(key) == "private_key_passphrase")
    {
        layer.push(("private_key_passphrase", Node::text(text, Origin::Variable(PASSPHRASE.to_owned()))));
    }
    layer
}

fn variables(inputs: &Inputs, prefix: &str, wanted: impl Fn(&str) -> bool) -> Layer {
    keys::read()
        .filter(|key| wanted(key))
        .filter_map(|key| {
            let variable = format!("{prefix}{}", key.to_uppercase());
            let text = inputs.process.filled(&variable)?;
            Some((key, Node::text(text, Origin::Variable(variable))))
        })
        .collect()
}

/// The keys of an inline connection, which its file's check has looked at.
pub(super) fn scalars(map: &Node) -> Layer {
    keys::read().filter_map(|key| Some((key, map.get(key)?.clone()))).collect()
}

/// The keys of a connection in a file, with what is wrong about them.
pub(super) fn table(table: &Node, name: &str, check: &mut Check<'_>) -> Layer {
    for entry in table.entries() {
        let key = entry.key.as_str();
        if keys::is_elsewhere(key) {
            let message = format!("`{key}` of connection `{name}` is not read");
            let finding = Diagnostic::warning(Code::UnknownKey, message)
                .hint("snowops takes proxies from the variables HTTPS_PROXY and NO_PROXY");
            check.report(&entry.origin, finding);
        } else if !keys::is_known(key) {
            let hint = nearest(key, keys::all()).map_or_else(
                || "docs/reference/connections.md lists the keys".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("connection `{name}` has an unknown key `{key}`");
            check.report(&entry.origin, Diagnostic::warning(Code::UnknownKey, message).hint(hint));
        } else if keys::read().any(|read| read == key) && entry.value.scalar().is_none() {
            let message = format!(
                "`{key}` of connection `{name}` needs one value, and this is {}",
                entry.value.kind_word()
            );
            check.report(
                &entry.value.origin,
                Diagnostic::error(Code::InvalidValue, message).hint("give a text"),
            );
        }
    }
    scalars(table)
}
