//! Which scripts need what other scripts make.

use std::collections::{HashMap, HashSet};

use super::context::{containers, follow, resolve};
use crate::model::{
    facts::{Facts, ObjectRef, Verb},
    ident::QualifiedName,
    kind::ObjectKind,
    target::Context4,
};

/// One script needs what another one makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The script that needs it, as its place in what was given.
    pub script: usize,
    /// The script that makes it.
    pub on: usize,
    /// What it is, as the script that needs it says: a name after FROM is a TABLE, whatever it is.
    pub kind: ObjectKind,
    /// Its name, as far as it is known.
    pub name: QualifiedName,
}

/// Which of `scripts` need what others of them define, in the order of the scripts and of the needs. Each script
/// starts in `context` and follows its own USE and CREATE SCHEMA.
///
/// A script needs what its statements read or act on, and the schemas and databases that hold it, unless it made
/// them itself before. Temporary objects are no other script's. Not seen are what bodies (blocks, procedures,
/// tasks) need, functions that are called, and names known at run time only. A name of which a part stays unknown
/// meets only names with the same part unknown.
///
/// For lanes (scripts that need nothing of each other may run side by side) and for the order of repeatables.
pub fn depends(scripts: &[&[Facts]], context: &Context4) -> Vec<Dependency> {
    let read: Vec<Script> = scripts.iter().map(|script| Script::read(script, context)).collect();
    let mut makers: HashMap<Key, Vec<usize>> = HashMap::new();
    for (at, script) in read.iter().enumerate() {
        for key in &script.makes {
            makers.entry(key.clone()).or_default().push(at);
        }
    }
    let mut found = Vec::new();
    for (script, needs) in
        read.iter().enumerate().flat_map(|(at, read)| read.needs.iter().map(move |n| (at, n)))
    {
        let (kind, name) = needs;
        let on = makers.get(&key(*kind, name)).into_iter().flatten().filter(|on| **on != script);
        found.extend(on.map(|on| Dependency { script, on: *on, kind: *kind, name: name.clone() }));
    }
    found
}

/// Kinds of one name space are one: a view can stand where a table is read.
type Key = (&'static str, QualifiedName);

fn key(kind: ObjectKind, name: &QualifiedName) -> Key {
    (kind.name_space(), name.clone())
}

#[derive(Default)]
struct Script {
    /// In the order of the text, each once.
    needs: Vec<(ObjectKind, QualifiedName)>,
    makes: HashSet<Key>,
}

impl Script {
    fn read(statements: &[Facts], context: &Context4) -> Self {
        let mut script = Self::default();
        // What is its own: made here, or needed and noted.
        let mut known: HashSet<Key> = HashSet::new();
        let mut context = context.clone();
        for facts in statements {
            let body = body_context(facts, &context);
            let acts_on =
                facts.object.iter().filter(|_| needs_its_object(facts.verb)).chain(&facts.details.targets);
            let named =
                acts_on.map(|object| (object, &context)).chain(facts.reads.iter().map(|r| (r, &body)));
            for (object, place) in named {
                let name = resolve(object, place);
                for (kind, name) in containers(object.kind, &name) {
                    script.need(kind, name, &mut known);
                }
                script.need(object.kind, name, &mut known);
            }
            for object in &facts.defines {
                let name = resolve(object, &context);
                for (kind, name) in containers(object.kind, &name) {
                    script.need(kind, name, &mut known);
                }
                let key = key(object.kind, &name);
                known.insert(key.clone());
                if !facts.details.temporary {
                    script.makes.insert(key);
                }
            }
            follow(&mut context, facts);
        }
        script
    }

    fn need(&mut self, kind: ObjectKind, name: QualifiedName, known: &mut HashSet<Key>) {
        if known.insert(key(kind, &name)) {
            self.needs.push((kind, name));
        }
    }
}

/// A view's query is read in the view's own schema, wherever the session stands (Snowflake's documentation of name
/// resolution).
fn body_context(facts: &Facts, context: &Context4) -> Context4 {
    let view = |object: &&ObjectRef| matches!(object.kind, ObjectKind::View | ObjectKind::MaterializedView);
    match facts.object.as_ref().filter(view) {
        Some(view) => {
            let QualifiedName { database, schema, .. } = resolve(view, context);
            Context4 { database, schema, ..context.clone() }
        }
        None => context.clone(),
    }
}

/// Whether the object that a statement is about must be there before.
fn needs_its_object(verb: Verb) -> bool {
    match verb {
        Verb::Alter
        | Verb::AlterSet
        | Verb::SuspendResume
        | Verb::AlterIfExists
        | Verb::AddColumn
        | Verb::DropColumn
        | Verb::RenameColumn
        | Verb::Rename
        | Verb::Swap
        | Verb::Drop
        | Verb::Truncate
        | Verb::Comment
        | Verb::Grant
        | Verb::Revoke
        | Verb::GrantOwnership
        | Verb::Use
        | Verb::Insert
        | Verb::Update
        | Verb::Delete
        | Verb::Merge
        | Verb::CopyInto
        | Verb::Describe
        | Verb::List
        | Verb::Remove
        | Verb::Call
        | Verb::Execute => true,
        Verb::Create
        | Verb::CreateOrReplace
        | Verb::CreateIfNotExists
        | Verb::CreateOrAlter
        | Verb::DropIfExists
        | Verb::Undrop
        | Verb::Set
        | Verb::Unset
        | Verb::AlterSession
        | Verb::Select
        | Verb::Show
        | Verb::Explain
        | Verb::ExecuteImmediate
        | Verb::Block
        | Verb::Chain
        | Verb::Begin
        | Verb::Commit
        | Verb::Rollback
        | Verb::Transfer
        | Verb::ClientCommand
        | Verb::Other => false,
    }
}
