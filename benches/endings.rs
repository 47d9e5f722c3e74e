//! How the embedded engine's catalogue ends each statement of real scripts: run by `benches/wild FOLDER --endings`.
//!
//! `cargo bench --bench endings -- FOLDER`: FOLDER holds one folder a repository, each with its scripts in the order
//! in which they are to be tried. A repository gets one catalogue; every script starts from a fresh session that
//! stands where that of a new embedded environment stands. A script that is refused for a missing object is taken
//! back and tried again behind the others, until a whole round brings no script further; then what is left is applied
//! as it is. Databases and account objects that are used and never created are found and listed as a user would list
//! them under `externals:`. One JSON line a statement, and one a repository with its externals.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the scripts that it is given")]
#![expect(clippy::print_stdout, reason = "it prints its result")]

use std::{
    collections::{BTreeSet, VecDeque},
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use snowops::{
    catalog::{Catalog, Effect, Externals, Seed, SessionState, Stamp, apply},
    model::{
        command::{Command, Name, Use},
        ident::Ident,
        kind::{KindScope, ObjectKind},
        refusal::SnowflakeError,
        target::Context4,
    },
    sql::{command::command, facts::facts, split::split},
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
}

/// How a script ended.
struct Outcome {
    catalog: Catalog,
    effects: Vec<Effect>,
    /// Something is missing that another script may make.
    early: bool,
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
            Err(errors) => uncut.push((name, errors.first().map(|error| format!("{error:?}")).unwrap_or_default())),
            Ok(pieces) => {
                let statements = pieces.iter().map(|piece| {
                    let own = piece.of(&text);
                    let line = 1 + text[..piece.start].matches('\n').count();
                    Statement { line, text: own.to_owned(), command: command(own) }
                });
                scripts.push(Script { name, statements: statements.collect() });
            }
        }
    }
    (scripts, uncut)
}

fn run(repository: &str, scripts: &[Script]) {
    let made = made(scripts);
    let mut externals = Externals::default();
    let endings = loop {
        let endings = in_turn(scripts, &externals, &made);
        let mut found = externals.clone();
        for (number, effects) in &endings {
            for (statement, effect) in scripts[*number].statements.iter().zip(effects) {
                unlisted(statement, effect, &made, &mut found);
            }
        }
        if found == externals {
            break endings;
        }
        externals = found;
    };
    let Externals { databases, roles, warehouses, others } = &externals;
    println!(
        "{}",
        json!({"repository": repository, "externals": {
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
            "message": message, "verb": facts.verb, "kind": facts.object.map(|object| object.kind), "text": head,
        })
    );
}

/// Tries the scripts in order; those that come too early again behind the others.
fn in_turn(scripts: &[Script], externals: &Externals, made: &BTreeSet<(String, Ident)>) -> Vec<(usize, Vec<Effect>)> {
    let name = |text: &str| Some(Ident::stored(text));
    let context = Context4 {
        role: name("DEPLOYER"),
        warehouse: name("DEPLOY_XS"),
        database: name("LOCAL"),
        schema: name("PUBLIC"),
    };
    let now = "2026-01-01T00:00:00Z".to_owned();
    let seed = Seed { account: "embedded".to_owned(), context: context.clone(), externals: externals.clone(), now };
    let mut catalog = Catalog::new(&seed);
    let mut endings = Vec::new();
    let mut queue: VecDeque<usize> = (0..scripts.len()).collect();
    let mut waited = 0;
    while let Some(number) = queue.pop_front() {
        let outcome = one(&scripts[number], &catalog, &context, made);
        if outcome.early && waited < queue.len() {
            waited += 1;
            queue.push_back(number);
            continue;
        }
        if !outcome.early {
            waited = 0;
        }
        catalog = outcome.catalog;
        endings.push((number, outcome.effects));
    }
    endings
}

fn one(script: &Script, catalog: &Catalog, context: &Context4, made: &BTreeSet<(String, Ident)>) -> Outcome {
    let mut catalog = catalog.clone();
    let mut session = SessionState::new(context.clone());
    let mut early = false;
    let mut effects = Vec::new();
    for (number, statement) in script.statements.iter().enumerate() {
        let stamp =
            Stamp { now: "2026-01-01T00:00:00Z".to_owned(), query_id: format!("{}:{number}", script.name) };
        let effect = match &statement.command {
            Ok(command) => apply(&mut catalog, &mut session, command, &stamp),
            Err(error) => Effect::Refused(error.clone()),
        };
        early |= match &effect {
            Effect::Refused(error) => MISSING.contains(&error.code),
            other => other.reply().is_some_and(|reply| {
                reply.warnings.iter().filter_map(|warning| warned(warning)).any(|warned| warned.is_in(made))
            }),
        };
        effects.push(effect);
    }
    Outcome { catalog, effects, early }
}

/// Databases and account objects that some script makes, by name space.
fn made(scripts: &[Script]) -> BTreeSet<(String, Ident)> {
    let commands = || {
        scripts.iter().flat_map(|script| &script.statements).filter_map(|statement| statement.command.as_ref().ok())
    };
    let literals: Vec<&String> = commands()
        .filter_map(|command| if let Command::Set { values, .. } = command { Some(values) } else { None })
        .flatten()
        .filter_map(|(_, value)| value.as_ref())
        .collect();
    let mut made = BTreeSet::new();
    for command in commands() {
        let (kind, name) = match command {
            Command::CreateContainer(def) => (def.kind, &def.name),
            Command::CreateObject(def) => (def.kind, &def.name),
            _ => continue,
        };
        if kind.scope() != KindScope::Account {
            continue;
        }
        let space = kind.name_space().to_owned();
        match name {
            Name::Written(name) => {
                made.insert((space, name.name.clone()));
            }
            // Any literal may be the value that the variable had.
            Name::Variable(..) => made.extend(literals.iter().map(|text| (space.clone(), Ident::written(text)))),
            Name::Unknown => {}
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
    fn is_in(&self, made: &BTreeSet<(String, Ident)>) -> bool {
        made.contains(&(self.space.to_owned(), self.name.clone()))
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

/// Adds to `externals` what the statement used and no script makes.
fn unlisted(statement: &Statement, effect: &Effect, made: &BTreeSet<(String, Ident)>, externals: &mut Externals) {
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
        let database = missing_database(statement, error);
        let own = Ident::stored("LOCAL");
        if let Some(name) = database.filter(|name| *name != own && !made.contains(&("database".to_owned(), name.clone())))
        {
            add("databases", name.to_string());
        }
    }
    let warnings = effect.reply().map(|reply| reply.warnings.as_slice()).unwrap_or_default();
    for warned in warnings.iter().filter_map(|warning| warned(warning)).filter(|warned| !warned.is_in(made)) {
        add(warned.list, warned.written.to_owned());
    }
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
