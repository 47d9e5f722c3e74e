//! How the embedded engine's catalogue ends each statement of real scripts: run by `benches/wild FOLDER --endings`.
//!
//! `cargo bench --bench endings -- FOLDER`: FOLDER holds one folder a repository, each with its scripts in the order
//! in which they are to be tried. A repository gets one catalogue, and every script starts from a fresh session.
//! What a user would write into the configuration is found by trying:
//!
//! - the order: a script that is refused for a missing object is taken back and tried again after each of the others;
//!   when none goes through, the one that misses least is applied as it is;
//! - the environment's database: `LOCAL`, or the one of the databases made by the scripts with the fewest refusals;
//! - `externals:`, the databases and account objects that are used and never made, the environment's own database
//!   among them if objects in it are used that no script makes;
//! - the session variables that a runner sets before a script that never sets them: each has its own name as value.
//!
//! One JSON line a statement, and one a repository with its externals.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the scripts that it is given")]
#![expect(clippy::print_stdout, reason = "it prints its result")]

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use snowops::{
    catalog::{Catalog, Effect, Externals, Seed, SessionState, Stamp, apply},
    model::{
        command::{Command, Constant, Name, Use},
        facts::Verb,
        ident::Ident,
        kind::{KindScope, ObjectKind},
        refusal::SnowflakeError,
        target::Context4,
    },
    sql::{
        command::command,
        facts::facts,
        lex::{self, TokenKind},
        split::split,
    },
};

/// Codes that an object is missing: another script may make it.
const MISSING: &[&str] = &["002003", "002043", "002140", "002141", "090105", "090106"];

/// One statement of a script.
struct Statement {
    line: usize,
    text: String,
    command: Result<Command, SnowflakeError>,
}

/// One script.
struct Script {
    name: String,
    statements: Vec<Statement>,
    /// Session variables that it reads and never sets.
    given: Vec<Ident>,
}

/// How a script ended.
struct Outcome {
    catalog: Catalog,
    effects: Vec<Effect>,
    /// How many statements miss something that another script may make.
    missing: usize,
}

/// What the scripts of a repository make.
#[derive(Default)]
struct Made {
    /// Databases and account objects, by name space.
    account: BTreeSet<(String, Ident)>,
    /// Schemas and what is in them, by the last part of the name.
    inside: BTreeSet<Ident>,
}

/// What a user would configure.
#[derive(Clone)]
struct Setting {
    database: Ident,
    externals: Externals,
}

fn main() {
    let folder = env::args().skip(1).find(|argument| argument != "--bench").unwrap_or_default();
    for repository in listed(Path::new(&folder)) {
        let (scripts, uncut) = read(&repository);
        let repository = repository.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (name, why) in uncut {
            println!("{}", json!({"repository": repository, "file": name, "uncut": why}));
        }
        run(&repository, &scripts);
    }
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { panic!("{} is no folder", folder.display()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// The scripts that can be cut, and why others cannot.
fn read(folder: &Path) -> (Vec<Script>, Vec<(String, String)>) {
    let (mut scripts, mut uncut) = (Vec::new(), Vec::new());
    for path in listed(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Ok(text) = fs::read_to_string(&path) else { panic!("{} is no text", path.display()) };
        match split(&text) {
            Err(errors) => {
                uncut.push((name, errors.first().map(|error| format!("{error:?}")).unwrap_or_default()));
            }
            Ok(pieces) => {
                let statements: Vec<Statement> = pieces
                    .iter()
                    .map(|piece| {
                        let own = piece.of(&text);
                        let line = 1 + text[..piece.start].matches('\n').count();
                        Statement { line, text: own.to_owned(), command: command(own) }
                    })
                    .collect();
                scripts.push(Script { name, given: given(&statements), statements });
            }
        }
    }
    (scripts, uncut)
}

fn run(repository: &str, scripts: &[Script]) {
    let made = made(scripts);
    let databases =
        made.account.iter().filter(|(space, _)| space == "database").map(|(_, name)| name.clone());
    let tried = std::iter::once(Ident::stored("LOCAL"))
        .chain(databases)
        .map(|database| settle(scripts, database, &made));
    let refusals = |endings: &[(usize, Vec<Effect>)]| {
        let effects = endings.iter().flat_map(|(_, effects)| effects);
        effects.filter(|effect| matches!(effect, Effect::Refused(_))).count()
    };
    let Some((setting, endings)) = tried.min_by_key(|(_, endings)| refusals(endings)) else { return };
    let Externals { databases, roles, warehouses, others } = &setting.externals;
    println!(
        "{}",
        json!({"repository": repository, "database": setting.database.as_str(), "externals": {
            "databases": databases, "roles": roles, "warehouses": warehouses, "others": others,
        }})
    );
    for (number, effects) in &endings {
        let script = &scripts[*number];
        for (statement, effect) in script.statements.iter().zip(effects) {
            print(repository, &script.name, statement, effect);
        }
    }
}

/// Lists what is not made, until nothing more is found.
fn settle(scripts: &[Script], database: Ident, made: &Made) -> (Setting, Vec<(usize, Vec<Effect>)>) {
    let mut setting = Setting { database, externals: Externals::default() };
    loop {
        let endings = in_turn(scripts, &setting, made);
        let mut found = setting.clone();
        for (number, effects) in &endings {
            for (statement, effect) in scripts[*number].statements.iter().zip(effects) {
                unlisted(statement, effect, made, &mut found);
            }
        }
        if found.externals == setting.externals {
            return (setting, endings);
        }
        setting = found;
    }
}

fn print(repository: &str, file: &str, statement: &Statement, effect: &Effect) {
    let facts = facts(&statement.text);
    let (outcome, code, message) = match effect {
        Effect::Applied(_) => ("applied", "", String::new()),
        Effect::Checked(_) => ("checked", "", String::new()),
        Effect::Recorded(reply) => ("recorded", "", reply.warnings.join("; ")),
        Effect::Opaque(_) => ("opaque", "", String::new()),
        Effect::Refused(error) => ("refused", error.code, error.message.clone()),
    };
    let head: String = statement.text.chars().take(2_000).collect();
    println!(
        "{}",
        json!({
            "repository": repository, "file": file, "line": statement.line, "outcome": outcome, "code": code,
            "message": message, "verb": facts.verb, "text": head,
            "kind": kind(statement).or_else(|| facts.object.map(|object| object.kind)),
        })
    );
}

/// The kind of the object that a statement is about, also where its name comes from a variable.
fn kind(statement: &Statement) -> Option<ObjectKind> {
    match statement.command.as_ref().ok()? {
        Command::CreateObject(def) => Some(def.kind),
        Command::CreateContainer(def) => Some(def.kind),
        Command::CreateTable(def) => Some(def.kind),
        Command::CreateView(def) => Some(def.kind),
        Command::Alter { target, .. } | Command::Drop(target) => Some(target.kind),
        Command::Other { verb: Verb::Alter, .. } => Some(ObjectKind::Account),
        _ => None,
    }
}

/// Tries the scripts in order; those that come too early again after each of the others.
fn in_turn(scripts: &[Script], setting: &Setting, made: &Made) -> Vec<(usize, Vec<Effect>)> {
    let name = |text: &str| Some(Ident::stored(text));
    let context = Context4 {
        role: name("DEPLOYER"),
        warehouse: name("DEPLOY_XS"),
        database: Some(setting.database.clone()),
        schema: name("PUBLIC"),
    };
    let seed = Seed {
        account: "embedded".to_owned(),
        context: context.clone(),
        externals: setting.externals.clone(),
        snapshots: Vec::new(),
        now: "2026-01-01T00:00:00Z".to_owned(),
    };
    let mut catalog = Catalog::new(&seed);
    let mut endings = Vec::new();
    let mut pending: Vec<usize> = (0..scripts.len()).collect();
    while !pending.is_empty() {
        let mut best: Option<(usize, Outcome)> = None;
        for (at, number) in pending.iter().enumerate() {
            let outcome = one(&scripts[*number], &catalog, &context, made);
            if best.as_ref().is_none_or(|(_, best)| outcome.missing < best.missing) {
                best = Some((at, outcome));
            }
            if best.as_ref().is_some_and(|(_, best)| best.missing == 0) {
                break;
            }
        }
        let Some((at, outcome)) = best else { break };
        catalog = outcome.catalog;
        endings.push((pending.remove(at), outcome.effects));
    }
    endings
}

fn one(script: &Script, catalog: &Catalog, context: &Context4, made: &Made) -> Outcome {
    let mut catalog = catalog.clone();
    let mut session = SessionState::new(context.clone());
    session.variables =
        script.given.iter().map(|name| (name.clone(), Some(name.as_str().to_owned()))).collect();
    let mut missing = 0;
    let mut effects = Vec::new();
    for (number, statement) in script.statements.iter().enumerate() {
        let stamp =
            Stamp { now: "2026-01-01T00:00:00Z".to_owned(), query_id: format!("{}:{number}", script.name) };
        let effect = match &statement.command {
            Ok(command) => apply(&mut catalog, &mut session, command, &stamp),
            Err(error) => Effect::Refused(error.clone()),
        };
        let early = match &effect {
            Effect::Refused(error) => MISSING.contains(&error.code),
            other => other.reply().is_some_and(|reply| {
                reply.warnings.iter().filter_map(|warning| warned(warning)).any(|warned| warned.is_in(made))
            }),
        };
        missing += usize::from(early);
        effects.push(effect);
    }
    Outcome { catalog, effects, missing }
}

/// The variables that a script reads and never sets.
fn given(statements: &[Statement]) -> Vec<Ident> {
    let mut set = BTreeSet::new();
    for statement in statements {
        if let Ok(Command::Set { values, .. }) = &statement.command {
            set.extend(values.iter().map(|(name, _)| name.clone()));
        }
    }
    let read = statements.iter().flat_map(|statement| {
        let tokens = lex::tokens(&statement.text).filter(|token| token.kind == TokenKind::Variable);
        tokens.map(|token| Ident::written(&statement.text[token.start + 1..token.end]))
    });
    let named = |name: &Ident| !name.as_str().bytes().all(|byte| byte.is_ascii_digit());
    let found: BTreeSet<Ident> = read.filter(|name| named(name) && !set.contains(name)).collect();
    found.into_iter().collect()
}

fn made(scripts: &[Script]) -> Made {
    let commands = || {
        scripts
            .iter()
            .flat_map(|script| &script.statements)
            .filter_map(|statement| statement.command.as_ref().ok())
    };
    let literals: Vec<&String> = commands()
        .filter_map(|command| if let Command::Set { values, .. } = command { Some(values) } else { None })
        .flatten()
        .filter_map(|(_, value)| if let Some(Constant::Text(text)) = value { Some(text) } else { None })
        .collect();
    let mut made = Made::default();
    for command in commands() {
        let (kind, name) = match command {
            Command::CreateContainer(def) => (def.kind, &def.name),
            Command::CreateObject(def) => (def.kind, &def.name),
            Command::CreateTable(def) => (def.kind, &def.name),
            Command::CreateView(def) => (def.kind, &def.name),
            _ => continue,
        };
        let names: Vec<Ident> = match name {
            Name::Written(name) => vec![name.name.clone()],
            // Any literal may be the value that the variable had, or its name if a runner gave it.
            Name::Variable(name, _) => {
                literals.iter().map(|text| Ident::written(text)).chain([name.clone()]).collect()
            }
            Name::Unknown => Vec::new(),
        };
        if kind.scope() == KindScope::Account {
            made.account.extend(names.into_iter().map(|name| (kind.name_space().to_owned(), name)));
        } else {
            made.inside.extend(names);
        }
    }
    made
}

/// An object of the account that a warning calls unknown.
struct Warned<'a> {
    space: &'static str,
    name: Ident,
    /// As it stands in the warning.
    written: &'a str,
    list: &'a str,
}

impl Warned<'_> {
    fn is_in(&self, made: &Made) -> bool {
        made.account.contains(&(self.space.to_owned(), self.name.clone()))
    }
}

fn warned(warning: &str) -> Option<Warned<'_>> {
    let (object, rest) = warning.split_once(" is not created by this project")?;
    let list = rest.split_once("externals.")?.1.split(' ').next()?;
    let named = |kind: &ObjectKind| {
        let words = kind.words().to_ascii_lowercase();
        object.strip_prefix(&words)?.strip_prefix(' ').map(|name| (words.len(), kind.name_space(), name))
    };
    let (_, space, written) = ObjectKind::ALL.iter().filter_map(named).max_by_key(|(length, ..)| *length)?;
    Some(Warned { space, name: Ident::written(written), written, list })
}

/// Adds to the externals what the statement used and no script makes.
fn unlisted(statement: &Statement, effect: &Effect, made: &Made, setting: &mut Setting) {
    let Setting { database: own, externals } = setting;
    let mut add = |list: &str, name: String| {
        let list = match list {
            "databases" => &mut externals.databases,
            "roles" => &mut externals.roles,
            "warehouses" => &mut externals.warehouses,
            _ => &mut externals.others,
        };
        if !list.contains(&name) {
            list.push(name);
        }
    };
    if let Effect::Refused(error) = effect {
        let is_made = |name: &Ident| made.account.contains(&("database".to_owned(), name.clone()));
        match missing_database(statement, error) {
            Some(name) if !is_made(&name) && name != *own => add("databases", name.to_string()),
            None if !is_made(own) && missing_inside(error, made) => add("databases", own.to_string()),
            _ => {}
        }
    }
    let warnings = effect.reply().map(|reply| reply.warnings.as_slice()).unwrap_or_default();
    for warned in warnings.iter().filter_map(|warning| warned(warning)).filter(|warned| !warned.is_in(made)) {
        add(warned.list, warned.written.to_owned());
    }
}

/// Whether a statement was refused for a schema, or something in a schema, that no script makes.
fn missing_inside(error: &SnowflakeError, made: &Made) -> bool {
    let named = error.message.split_once("' does not exist").and_then(|(before, _)| before.rsplit_once('\''));
    let called = error
        .message
        .split_once("Unknown user-defined function ")
        .map(|(_, name)| name.trim_end_matches('.'));
    let Some(name) = named.map(|(_, name)| name).or(called) else { return false };
    let last = name.split('(').next().and_then(|name| name.rsplit('.').next()).unwrap_or_default();
    MISSING.contains(&error.code) && !made.inside.contains(&Ident::written(last))
}

/// The database without which a statement was refused, where that can be told.
fn missing_database(statement: &Statement, error: &SnowflakeError) -> Option<Ident> {
    if let Some((_, rest)) = error.message.split_once("Database '") {
        return rest.split_once("' does not exist").map(|(name, _)| Ident::written(name));
    }
    let Ok(Command::Use(to)) = &statement.command else { return None };
    match to {
        Use::Database(Name::Written(name)) => Some(name.name.clone()),
        Use::Bare(Name::Written(name)) => Some(name.schema.clone().unwrap_or_else(|| name.name.clone())),
        Use::Schema(Name::Written(name)) => name.schema.clone(),
        _ => None,
    }
}
