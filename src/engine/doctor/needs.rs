//! What a role needs to plan and to migrate, what of it it lacks, and the GRANTs that mend it. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::Check;
use crate::{
    inspect::account::Granted,
    ledger::Presence,
    model::{
        ident::Ident,
        target::{Context4, LedgerName},
    },
};

/// Stands for the warehouse where nothing names one.
const ANY: &str = "<warehouse>";

/// What a privilege is granted on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object {
    kind: Kind,
    /// Database, schema, name: as many as it takes.
    parts: Vec<Ident>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Warehouse,
    Database,
    Schema,
    Table,
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Warehouse => "WAREHOUSE",
            Self::Database => "DATABASE",
            Self::Schema => "SCHEMA",
            Self::Table => "TABLE",
        }
    }
}

impl Object {
    fn new(kind: Kind, parts: &[&Ident]) -> Self {
        Self { kind, parts: parts.iter().map(|part| (*part).clone()).collect() }
    }

    /// As a statement names it: quoted, so that nothing is folded.
    pub(super) fn quoted(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(Ident::quoted).collect();
        format!("{} {}", self.kind.words(), parts.join("."))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |part: &Ident| if part.as_str() == ANY { ANY.to_owned() } else { part.to_string() };
        let parts: Vec<String> = self.parts.iter().map(word).collect();
        write!(f, "{} {}", self.kind.words(), parts.join("."))
    }
}

/// Privileges on one object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Need {
    object: Object,
    privileges: Vec<&'static str>,
}

/// The places that privileges are about.
pub(super) struct Places<'a> {
    /// The warehouse that the session works on, or should.
    pub(super) warehouse: Option<&'a Ident>,
    /// Where the ledger is.
    pub(super) ledger: &'a LedgerName,
    /// Where scripts start.
    pub(super) target: &'a Context4,
}

impl Places<'_> {
    fn warehouse(&self) -> Vec<Need> {
        let need = |name: &Ident| need(Object::new(Kind::Warehouse, &[name]), &["USAGE"]);
        self.warehouse.map(need).into_iter().collect()
    }

    fn database(&self) -> Object {
        Object::new(Kind::Database, &[&self.ledger.database])
    }

    fn schema(&self) -> Object {
        Object::new(Kind::Schema, &[&self.ledger.database, &self.ledger.schema])
    }

    /// History, journal, lock.
    fn tables(&self) -> [Object; 3] {
        let ledger = self.ledger;
        ["", "_journal", "_lock"].map(|suffix| {
            let table = Ident::stored(format!("{}{suffix}", ledger.table));
            Object::new(Kind::Table, &[&ledger.database, &ledger.schema, &table])
        })
    }

    /// What reading takes.
    fn plan(&self) -> Vec<Need> {
        let mut needs = self.warehouse();
        needs.push(need(self.database(), &["USAGE"]));
        needs.push(need(self.schema(), &["USAGE"]));
        needs.extend(self.tables().map(|table| need(table, &["SELECT"])));
        needs
    }

    /// What a migrate needs for itself: where scripts start, and the ledger.
    fn migrate(&self) -> Vec<Need> {
        let mut needs = self.warehouse();
        needs.push(need(self.database(), &["USAGE"]));
        if let Some(database) = &self.target.database {
            if *database != self.ledger.database {
                needs.push(need(Object::new(Kind::Database, &[database]), &["USAGE"]));
            }
            if let Some(schema) = &self.target.schema {
                let object = Object::new(Kind::Schema, &[database, schema]);
                if object != self.schema() {
                    needs.push(need(object, &["USAGE"]));
                }
            }
        }
        needs.push(need(self.schema(), &["USAGE"]));
        let [history, journal, lock] = self.tables();
        needs.push(need(history, &["SELECT", "INSERT", "UPDATE", "DELETE"]));
        needs.push(need(journal, &["SELECT", "INSERT"]));
        needs.push(need(lock, &["SELECT", "UPDATE"]));
        needs
    }

    /// What making the tables takes, as far as it is still to be done.
    fn create(&self, presence: Option<&Presence>) -> Vec<Need> {
        match presence {
            Some(Presence::SchemaMissing) => vec![need(self.database(), &["CREATE SCHEMA"])],
            Some(Presence::SchemaEmpty | Presence::Absent | Presence::Unfinished | Presence::HistoryOnly) => {
                vec![need(self.schema(), &["CREATE TABLE"])]
            }
            Some(Presence::Present | Presence::NotVisible { .. }) | None => Vec::new(),
        }
    }

    /// What is proven by the places that a login reached, and by what was read.
    pub(super) fn proven(&self, found: &Context4, read: Option<&Presence>, lock: bool) -> BTreeSet<Object> {
        let mut all = BTreeSet::new();
        all.extend(found.warehouse.iter().map(|name| Object::new(Kind::Warehouse, &[name])));
        if let Some(database) = &found.database {
            all.insert(Object::new(Kind::Database, &[database]));
            all.extend(found.schema.iter().map(|schema| Object::new(Kind::Schema, &[database, schema])));
        }
        let [history, journal, lock_table] = self.tables();
        if matches!(read, Some(Presence::Present | Presence::HistoryOnly)) {
            all.extend([self.database(), self.schema(), history]);
        }
        if read == Some(&Presence::Present) {
            all.insert(journal);
        }
        if lock {
            all.insert(lock_table);
        }
        all
    }

    /// The objects whose grants tell what a role has. Tables that nobody saw are not asked for.
    pub(super) fn objects(&self, presence: Option<&Presence>) -> Vec<Object> {
        let mut all: Vec<Object> = self.migrate().into_iter().map(|need| need.object).collect();
        all.retain(|object| object.kind != Kind::Table || self.is_there(object, presence));
        all
    }

    fn is_there(&self, object: &Object, presence: Option<&Presence>) -> bool {
        match (object.kind, presence) {
            (Kind::Table, Some(Presence::Present)) => true,
            (Kind::Table, Some(Presence::HistoryOnly)) => *object == self.tables()[0],
            (Kind::Table, _) => false,
            (Kind::Schema, Some(Presence::SchemaMissing)) => *object != self.schema(),
            _ => true,
        }
    }
}

fn need(object: Object, privileges: &[&'static str]) -> Need {
    Need { object, privileges: privileges.to_vec() }
}

/// What is known of the grants on an object.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// All of them.
    Grants(Vec<Granted>),
    /// The role sees no such object.
    Hidden,
    /// The server did not say.
    Unknown(String),
}

/// What is known of a session's role.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// By object.
    pub(super) seen: BTreeMap<Object, Seen>,
    /// Roles that the session has.
    pub(super) roles: BTreeSet<String>,
    /// What the session used or read: no grant proves more.
    pub(super) proven: BTreeSet<Object>,
}

/// Whether a role has a privilege.
enum Verdict {
    Has,
    Lacks,
    Unknown(String),
}

impl Evidence {
    fn verdict(&self, object: &Object, privilege: &str) -> Verdict {
        if matches!(privilege, "USAGE" | "SELECT") && self.proven.contains(object) {
            return Verdict::Has;
        }
        match self.seen.get(object) {
            Some(Seen::Grants(grants)) => {
                let fits =
                    |granted: &&Granted| granted.privilege == privilege || granted.privilege == "OWNERSHIP";
                if grants.iter().filter(fits).any(|g| g.is_role && self.roles.contains(&g.grantee)) {
                    return Verdict::Has;
                }
                match grants.iter().filter(fits).find(|granted| !granted.is_role) {
                    Some(other) => Verdict::Unknown(format!(
                        "{} has {privilege} on {object}, and whether the role has that one was not looked at",
                        other.grantee
                    )),
                    None => Verdict::Lacks,
                }
            }
            Some(Seen::Hidden) | None => Verdict::Lacks,
            Some(Seen::Unknown(why)) => Verdict::Unknown(why.clone()),
        }
    }

    fn split(&self, needs: Vec<Need>) -> (Vec<Need>, Vec<String>) {
        let (mut lacking, mut unknown) = (Vec::new(), Vec::new());
        for mut need in needs {
            need.privileges.retain(|privilege| match self.verdict(&need.object, privilege) {
                Verdict::Has => false,
                Verdict::Lacks => true,
                Verdict::Unknown(why) => {
                    if !unknown.contains(&why) {
                        unknown.push(why);
                    }
                    false
                }
            });
            if !need.privileges.is_empty() {
                lacking.push(need);
            }
        }
        (lacking, unknown)
    }
}

/// What the session's role lacks to plan and to migrate.
pub(super) fn lacking(
    places: &Places<'_>,
    presence: Option<&Presence>,
    role: &str,
    evidence: &Evidence,
    plan_only: bool,
) -> Vec<Check> {
    // Tables that are still to be made belong to the role that makes them.
    let there = |needs: Vec<Need>| -> Vec<Need> {
        let made = |need: &Need| match presence {
            Some(presence) if presence.may_create() || *presence == Presence::HistoryOnly => {
                places.is_there(&need.object, Some(presence))
            }
            _ => true,
        };
        needs.into_iter().filter(made).collect()
    };
    let plan = check("plan", role, "read the history", evidence.split(there(places.plan())));
    if plan_only {
        return vec![plan];
    }
    let migrate = places.migrate().into_iter().chain(places.create(presence)).collect();
    let migrate = check(
        "migrate",
        role,
        "write the history and reach where scripts start",
        evidence.split(there(migrate)),
    );
    vec![plan, migrate]
}

fn check(name: &'static str, role: &str, may: &str, (lacking, unknown): (Vec<Need>, Vec<String>)) -> Check {
    if !lacking.is_empty() {
        let missing = match lacking.len() {
            1 => "a grant is missing".to_owned(),
            number => format!("{number} grants are missing"),
        };
        let detail = format!("role {role} may not {may}: {missing}");
        return Check::wrong(name, detail, Some(statements(&lacking, role)));
    }
    if unknown.is_empty() {
        return Check::ok(name, format!("role {role} may {may}"));
    }
    Check::ok(name, format!("what role {role} may cannot be told in full: {}", unknown.join("; ")))
}

/// A GRANT a line.
fn statements(needs: &[Need], role: &str) -> String {
    let grant =
        |need: &Need| format!("GRANT {} ON {} TO ROLE {role};", need.privileges.join(", "), need.object);
    needs.iter().map(grant).collect::<Vec<_>>().join("\n")
}

/// The grants for two roles: one that only plans, and one that migrates. Always fine; for reading and running.
pub(super) fn grants(places: &Places<'_>, role: &str, plan_only: bool) -> Vec<Check> {
    let mut plan = places.plan();
    let mut migrate = places.migrate();
    if places.warehouse.is_none() {
        let any = need(Object::new(Kind::Warehouse, &[&Ident::stored(ANY)]), &["USAGE"]);
        plan.insert(0, any.clone());
        migrate.insert(0, any);
    }
    let plan = format!(
        "a role that only plans (info, validate, plan) needs\n{}",
        statements(&plan, if plan_only { role } else { "<plan role>" })
    );
    let plan = Check::ok("plan_grants", plan);
    if plan_only {
        return vec![plan];
    }
    let schema = places.schema();
    let (ledger, first): (Vec<_>, Vec<_>) =
        migrate.into_iter().partition(|need| need.object.kind == Kind::Table || need.object == schema);
    let make = [need(places.database(), &["CREATE SCHEMA"])];
    let migrate = format!(
        "a role that migrates needs what its scripts need, and\n{}\nfor the first run, which makes the tables its own,\n{}\n\
         or, where another role made them,\n{}",
        statements(&first, role),
        statements(&make, role),
        statements(&ledger, role)
    );
    vec![plan, Check::ok("migrate_grants", migrate)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> LedgerName {
        LedgerName {
            database: Ident::stored("SHOP"),
            schema: Ident::stored("My ledger"),
            table: "history".into(),
        }
    }

    fn granted(privilege: &str, grantee: &str, is_role: bool) -> Granted {
        Granted { privilege: privilege.into(), grantee: grantee.into(), is_role }
    }

    /// The plan line of a role that has everything but for what `seen` says of the schema.
    fn plan_line(seen: Seen) -> Check {
        let (name, target) = (ledger(), Context4::default());
        let places = Places { warehouse: None, ledger: &name, target: &target };
        let mut evidence =
            Evidence { roles: ["R".to_owned(), "PUBLIC".to_owned()].into(), ..Evidence::default() };
        for object in places.objects(Some(&Presence::Present)) {
            evidence.seen.insert(object, Seen::Grants(vec![granted("OWNERSHIP", "R", true)]));
        }
        evidence.seen.insert(places.schema(), seen);
        lacking(&places, Some(&Presence::Present), "R", &evidence, true).remove(0)
    }

    #[test]
    fn only_roles_of_the_session_count() {
        for (grants, missing) in [
            (vec![granted("USAGE", "R", true)], false),
            (vec![granted("USAGE", "PUBLIC", true)], false),
            (vec![granted("OWNERSHIP", "R", true)], false),
            (vec![granted("MONITOR", "R", true)], true),
            (vec![granted("USAGE", "OTHER", true)], true),
            (vec![], true),
        ] {
            let check = plan_line(Seen::Grants(grants.clone()));
            assert_eq!(check.ok, !missing, "{grants:?}: {check:?}");
            let grant = "GRANT USAGE ON SCHEMA SHOP.\"My ledger\" TO ROLE R;";
            assert_eq!(check.hint.as_deref(), missing.then_some(grant));
        }
        assert!(!plan_line(Seen::Hidden).ok);
    }

    #[test]
    fn what_cannot_be_told_is_said_and_not_asked_for() {
        let check = plan_line(Seen::Unknown("SHOW GRANTS was refused".into()));
        assert_eq!(
            (check.ok, check.detail.as_str(), check.hint),
            (true, "what role R may cannot be told in full: SHOW GRANTS was refused", None)
        );
        let check = plan_line(Seen::Grants(vec![granted("USAGE", "READERS", false)]));
        assert!(
            check.ok && check.detail.contains("READERS has USAGE on SCHEMA SHOP.\"My ledger\""),
            "{check:?}"
        );
    }

    #[test]
    fn what_is_still_to_be_made_is_asked_for_where_it_will_stand() {
        let (name, target) = (ledger(), Context4::default());
        let places = Places { warehouse: None, ledger: &name, target: &target };
        let evidence = Evidence { proven: [places.database()].into(), ..Evidence::default() };
        for (presence, grants) in [
            (Presence::SchemaMissing, "GRANT CREATE SCHEMA ON DATABASE SHOP TO ROLE R;"),
            (
                Presence::SchemaEmpty,
                "GRANT USAGE ON SCHEMA SHOP.\"My ledger\" TO ROLE R;\nGRANT CREATE TABLE ON SCHEMA SHOP.\"My ledger\" TO ROLE R;",
            ),
        ] {
            let checks = lacking(&places, Some(&presence), "R", &evidence, false);
            assert_eq!(checks[1].hint.as_deref(), Some(grants), "{presence:?}");
        }
    }
}
