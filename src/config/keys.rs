//! The keys of the configuration: where each may stand, and what its value looks like.

/// What a key's value looks like.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Text,
    /// A name that is read as SQL reads it.
    Name,
    Bool,
    Texts,
    Word(&'static [&'static str]),
    /// At least so many seconds, at most so many.
    Duration(u64, u64),
    Encoding,
    Globs,
    Group(&'static [Key]),
    Vars,
    EnvNames,
    SecretNames,
    Parameters,
    Connection,
    Environments,
    /// Belongs to a later version.
    Later,
}

/// Where a key may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Top,
    Environment,
    Both,
}

impl Level {
    pub(super) fn allows(self, here: Self) -> bool {
        self == Self::Both || self == here
    }
}

/// One key.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) level: Level,
    pub(super) shape: Shape,
}

pub(super) const fn key(name: &'static str, level: Level, shape: Shape) -> Key {
    Key { name, level, shape }
}

/// Snowflake stops a statement after 7 days at most (parameter `STATEMENT_TIMEOUT_IN_SECONDS`).
const LONGEST_STATEMENT: u64 = 604_800;

const HISTORY: &[Key] = &[
    key("database", Level::Both, Shape::Name),
    key("schema", Level::Both, Shape::Name),
    key("table", Level::Both, Shape::Text),
];
const LOCK: &[Key] =
    &[key("ttl", Level::Both, Shape::Duration(4, 86_400)), key("warehouse", Level::Both, Shape::Name)];
const EXTERNALS: &[Key] = &[
    key("databases", Level::Both, Shape::Texts),
    key("roles", Level::Both, Shape::Texts),
    key("warehouses", Level::Both, Shape::Texts),
    key("others", Level::Both, Shape::Texts),
    key("snapshots", Level::Both, Shape::Texts),
];
const PREFIXES: &[Key] = &[
    key("versioned", Level::Both, Shape::Text),
    key("repeatable", Level::Both, Shape::Text),
    key("always", Level::Both, Shape::Text),
    key("baseline", Level::Both, Shape::Text),
    key("undo", Level::Both, Shape::Text),
];
const NAMING: &[Key] = &[
    key("prefixes", Level::Both, Shape::Group(PREFIXES)),
    key("separator", Level::Both, Shape::Text),
    key("suffixes", Level::Both, Shape::Texts),
];

/// All keys, in the order in which `config show` lists them.
pub(super) const KEYS: &[Key] = &[
    key("project", Level::Top, Shape::Text),
    key("default_environment", Level::Top, Shape::Text),
    key("engine", Level::Environment, Shape::Word(&["snowflake", "embedded"])),
    key("path", Level::Environment, Shape::Text),
    key("connection", Level::Environment, Shape::Connection),
    key("account", Level::Environment, Shape::Text),
    key("user", Level::Environment, Shape::Text),
    key("role", Level::Environment, Shape::Name),
    key("secondary_roles", Level::Environment, Shape::Word(&["none", "all", "default"])),
    key("warehouse", Level::Environment, Shape::Name),
    key("database", Level::Environment, Shape::Name),
    key("schema", Level::Environment, Shape::Name),
    key("parameters", Level::Environment, Shape::Parameters),
    key("protected", Level::Environment, Shape::Bool),
    key("query_tag", Level::Both, Shape::Text),
    key("statement_timeout", Level::Both, Shape::Duration(1, LONGEST_STATEMENT)),
    key("migrations", Level::Both, Shape::Texts),
    key("templates", Level::Both, Shape::Text),
    key("encoding", Level::Both, Shape::Encoding),
    key("placeholders", Level::Both, Shape::Bool),
    key("naming", Level::Top, Shape::Group(NAMING)),
    key("ignore", Level::Top, Shape::Globs),
    key("vars", Level::Both, Shape::Vars),
    key("env", Level::Both, Shape::EnvNames),
    key("secrets", Level::Both, Shape::SecretNames),
    key("history", Level::Both, Shape::Group(HISTORY)),
    key("lock", Level::Both, Shape::Group(LOCK)),
    key("externals", Level::Both, Shape::Group(EXTERNALS)),
    key("installed_by", Level::Both, Shape::Text),
    key("environments", Level::Top, Shape::Environments),
    key("lanes", Level::Both, Shape::Later),
    key("extends", Level::Environment, Shape::Later),
    key("promote_from", Level::Environment, Shape::Later),
];
