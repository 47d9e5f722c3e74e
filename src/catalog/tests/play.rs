//! Scripts with what each statement comes to.

use super::*;

/// Runs statements that must end as the second part says: `ok` in any way but refused, a grade, or the code and words of
/// a refusal. A refusal changes nothing.
pub(super) fn play(script: &[(&str, &str)]) -> Bench {
    go_on(Bench::new(), script)
}

pub(super) fn go_on(mut bench: Bench, script: &[(&str, &str)]) -> Bench {
    for (sql, expected) in script {
        let before = bench.catalog.clone();
        let effect = bench.run(sql);
        match (&effect, expected.split_once(' ')) {
            (Effect::Refused(error), Some((code, words))) => {
                assert_eq!(error.code, code, "{sql}: {error}");
                assert!(error.message.contains(words), "{sql}: {error}");
                assert_eq!(before, bench.catalog, "{sql}: a refused statement changes nothing");
            }
            (Effect::Refused(error), None) => panic!("{sql}: {error}"),
            (other, _) => {
                let found = if *expected == "ok" { "ok" } else { grade(other) };
                assert_eq!(found, *expected, "{sql}: {other:?}");
            }
        }
    }
    bench
}

impl Bench {
    /// An object of LOCAL.PUBLIC, or one in full, of the name space of `kind`.
    pub(super) fn object(&self, kind: ObjectKind, name: &str) -> Option<&Object> {
        let parts: Vec<&str> = name.split('.').collect();
        let (database, schema, name) = match parts[..] {
            [name] => ("LOCAL", "PUBLIC", name),
            [database, schema, name] => (database, schema, name),
            _ => panic!("{name}"),
        };
        let database = self.catalog.databases.get(&Ident::stored(database))?;
        database.schemas.get(&Ident::stored(schema))?.objects.get(kind.name_space())?.get(name)
    }

    pub(super) fn relation(&self, name: &str) -> &Object {
        self.object(ObjectKind::Table, name).unwrap_or_else(|| panic!("{name} is not there"))
    }

    /// `kind name` of what is tied to a relation and, after `column:`, to its columns.
    pub(super) fn links(&self, name: &str) -> Vec<String> {
        let object = self.relation(name);
        let text = |link: &store::Link| {
            let value = link.value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default();
            format!("{} {}{value}", link.kind, link.name)
        };
        let own = object.links.iter().map(text);
        let inner = object.columns.iter().flatten().flat_map(|column| {
            column.links.iter().map(move |link| format!("{}: {}", column.name, text(link)))
        });
        own.chain(inner).collect()
    }

    pub(super) fn grants(&self, kind: ObjectKind, name: &str) -> Vec<String> {
        self.object(kind, name).unwrap_or_else(|| panic!("{name}")).grants.iter().cloned().collect()
    }

    pub(super) fn columns(&self, name: &str) -> Vec<String> {
        self.relation(name).columns.iter().flatten().map(|column| column.name.to_string()).collect()
    }

    /// Where the session stands.
    pub(super) fn stands(&self) -> String {
        let context = &self.session.context;
        let text = |ident: &Option<Ident>| ident.as_ref().map_or("-".to_owned(), ToString::to_string);
        format!("{}.{}", text(&context.database), text(&context.schema))
    }

    /// The only warning of a statement that is accepted.
    pub(super) fn warning(&mut self, sql: &str) -> String {
        let effect = self.run(sql);
        let reply = effect.reply().unwrap_or_else(|| panic!("{sql}: {effect:?}"));
        assert_eq!(reply.warnings.len(), 1, "{sql}: {reply:?}");
        reply.warnings[0].clone()
    }
}
