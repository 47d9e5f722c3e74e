//! The kinds of object that Snowflake has, from one table: a new kind is a new line.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Where objects of a kind live, and so how many parts their names have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KindScope {
    /// In the organization: names of one part.
    Organization,
    /// In the account: names of one part.
    Account,
    /// In a database: names of up to two parts.
    Database,
    /// In a schema: names of up to three parts.
    Schema,
    /// In an application: names of up to two parts.
    Application,
    /// In a table or view, whose name stands before or after them.
    Relation,
    /// In one run of a procedure: names of one part.
    Run,
}

/// What may be done with objects of a kind. The letters in the table of kinds are those of the variants' docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ability {
    /// `C`: CREATE.
    Create,
    /// `R`: CREATE OR REPLACE.
    OrReplace,
    /// `N`: CREATE ... IF NOT EXISTS.
    IfNotExists,
    /// `A`: CREATE OR ALTER.
    OrAlter,
    /// `L`: CREATE ... CLONE of one object (not as part of its container).
    Clone,
    /// `K`: CREATE ... LIKE.
    Like,
    /// `n`: ALTER ... RENAME TO.
    Rename,
    /// `s`: ALTER ... SET or UNSET, and other ALTERs.
    Alter,
    /// `w`: ALTER ... SWAP WITH.
    Swap,
    /// `D`: DROP.
    Drop,
    /// `E`: DROP ... IF EXISTS.
    IfExists,
    /// `c`: CASCADE and RESTRICT after DROP.
    Cascade,
    /// `U`: UNDROP.
    Undrop,
    /// `d`: DESCRIBE.
    Describe,
    /// `S`: SHOW.
    Show,
    /// `M`: listed as a target of COMMENT ON (the server takes most kinds there).
    Comment,
    /// `G`: target of a GRANT.
    Grant,
    /// `=`: the catalogue holds all of it that a later statement could notice (of the kinds that have no form of
    /// their own in it).
    Modelled,
}

impl Ability {
    /// Its letter in the table of kinds.
    const fn letter(self) -> u8 {
        match self {
            Self::Create => b'C',
            Self::OrReplace => b'R',
            Self::IfNotExists => b'N',
            Self::OrAlter => b'A',
            Self::Clone => b'L',
            Self::Like => b'K',
            Self::Rename => b'n',
            Self::Alter => b's',
            Self::Swap => b'w',
            Self::Drop => b'D',
            Self::IfExists => b'E',
            Self::Cascade => b'c',
            Self::Undrop => b'U',
            Self::Describe => b'd',
            Self::Show => b'S',
            Self::Comment => b'M',
            Self::Grant => b'G',
            Self::Modelled => b'=',
        }
    }
}

/// Makes [`ObjectKind`] from lines of
/// `Variant = "SQL WORDS", "PLURAL", scope, "name space", "letters of the abilities";`.
macro_rules! kinds {
    ($($variant:ident = $words:literal, $plural:literal, $scope:ident, $space:literal, $letters:literal;)+) => {
        /// A kind of object. Its SQL words are its text in JSON.
        ///
        /// The kinds, their scopes and abilities are those of Snowflake's SQL reference (read in 2026). Which
        /// ALTERs, DROPs and SHOWs a rare kind takes is general knowledge and not certain.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ObjectKind {
            $(#[doc = $words] $variant,)+
        }

        impl ObjectKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The SQL words, in upper case: `DYNAMIC TABLE`.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)+ }
            }

            /// The words of several, as SHOW and GRANT ... ON ALL say them: `DYNAMIC TABLES`.
            pub const fn plural(self) -> &'static str {
                match self { $(Self::$variant => $plural,)+ }
            }

            /// Where objects of this kind live.
            pub const fn scope(self) -> KindScope {
                match self { $(Self::$variant => KindScope::$scope,)+ }
            }

            /// Kinds of one scope with the same word here share their names.
            pub const fn name_space(self) -> &'static str {
                match self { $(Self::$variant => $space,)+ }
            }

            const fn letters(self) -> &'static str {
                match self { $(Self::$variant => $letters,)+ }
            }
        }
    };
}

kinds! {
    Account = "ACCOUNT", "ACCOUNTS", Organization, "account", "CnsDEUSM";
    ManagedAccount = "MANAGED ACCOUNT", "MANAGED ACCOUNTS", Account, "managed account", "CDES";
    Database = "DATABASE", "DATABASES", Account, "database", "CRNALnswDEcUdSMG";
    Schema = "SCHEMA", "SCHEMAS", Database, "schema", "CRNALnswDEcUdSMG";
    Table = "TABLE", "TABLES", Schema, "relation", "CRNALKnswDEcUdSMG";
    TransientTable = "TRANSIENT TABLE", "TRANSIENT TABLES", Schema, "relation", "CRNALKnswDEcUdSMG";
    TemporaryTable = "TEMPORARY TABLE", "TEMPORARY TABLES", Schema, "relation", "CRNALKnDEcdS";
    ProcedureScopedTemporaryTable = "PROCEDURE SCOPED TEMPORARY TABLE", "PROCEDURE SCOPED TEMPORARY TABLES", Run, "own", "CR";
    ExternalTable = "EXTERNAL TABLE", "EXTERNAL TABLES", Schema, "relation", "CRNsDEcdSMG";
    DynamicTable = "DYNAMIC TABLE", "DYNAMIC TABLES", Schema, "relation", "CRNALnswDEUdSMG";
    HybridTable = "HYBRID TABLE", "HYBRID TABLES", Schema, "relation", "CRNnsDEcdSMG";
    IcebergTable = "ICEBERG TABLE", "ICEBERG TABLES", Schema, "relation", "CRNLsDEUdSMG";
    InteractiveTable = "INTERACTIVE TABLE", "INTERACTIVE TABLES", Schema, "relation", "CRNsDEdSMG";
    EventTable = "EVENT TABLE", "EVENT TABLES", Schema, "relation", "CRNLnsDEdSMG";
    OnlineFeatureTable = "ONLINE FEATURE TABLE", "ONLINE FEATURE TABLES", Schema, "relation", "CRNsDEdSG";
    View = "VIEW", "VIEWS", Schema, "relation", "CRNAnsDEdSMG";
    MaterializedView = "MATERIALIZED VIEW", "MATERIALIZED VIEWS", Schema, "relation", "CRNnsDEdSMG";
    SemanticView = "SEMANTIC VIEW", "SEMANTIC VIEWS", Schema, "relation", "CRNAnsDEdSMG";
    Stream = "STREAM", "STREAMS", Schema, "relation", "CRNALsDEdSMG=";
    Sequence = "SEQUENCE", "SEQUENCES", Schema, "sequence", "CRNLnsDEcdSMG=";
    Stage = "STAGE", "STAGES", Schema, "stage", "CRNALnsDEdSMG=";
    FileFormat = "FILE FORMAT", "FILE FORMATS", Schema, "file format", "CRNALnsDEdSMG=";
    Pipe = "PIPE", "PIPES", Schema, "pipe", "CRNAsDEdSMG=";
    Task = "TASK", "TASKS", Schema, "task", "CRNALsDEdSMG=";
    Alert = "ALERT", "ALERTS", Schema, "alert", "CRNALsDEdSMG=";
    Procedure = "PROCEDURE", "PROCEDURES", Schema, "routine", "CRNAnsDEdSMG=";
    Function = "FUNCTION", "FUNCTIONS", Schema, "routine", "CRNAnsDEdSMG=";
    ExternalFunction = "EXTERNAL FUNCTION", "EXTERNAL FUNCTIONS", Schema, "routine", "CRNAnsDEdSMG=";
    AggregateFunction = "AGGREGATE FUNCTION", "AGGREGATE FUNCTIONS", Schema, "routine", "CRNnsDEdSMG=";
    DataMetricFunction = "DATA METRIC FUNCTION", "DATA METRIC FUNCTIONS", Schema, "routine", "CRNAnsDEdSG=";
    Type = "TYPE", "TYPES", Schema, "type", "CRNsDEUdSMG=";
    Tag = "TAG", "TAGS", Schema, "tag", "CRNAnsDEUSMG=";
    Secret = "SECRET", "SECRETS", Schema, "secret", "CRNsDEdSMG=";
    NetworkRule = "NETWORK RULE", "NETWORK RULES", Schema, "network rule", "CRNAsDEdSMG";
    MaskingPolicy = "MASKING POLICY", "MASKING POLICIES", Schema, "policy", "CRNAnsDEdSMG=";
    RowAccessPolicy = "ROW ACCESS POLICY", "ROW ACCESS POLICIES", Schema, "policy", "CRNAnsDEdSMG=";
    AggregationPolicy = "AGGREGATION POLICY", "AGGREGATION POLICIES", Schema, "policy", "CRNnsDEdSMG=";
    ProjectionPolicy = "PROJECTION POLICY", "PROJECTION POLICIES", Schema, "policy", "CRNnsDEdSMG=";
    JoinPolicy = "JOIN POLICY", "JOIN POLICIES", Schema, "policy", "CRNnsDEdSMG=";
    PrivacyPolicy = "PRIVACY POLICY", "PRIVACY POLICIES", Schema, "policy", "CRNnsDEdSMG=";
    PasswordPolicy = "PASSWORD POLICY", "PASSWORD POLICIES", Schema, "policy", "CRNnsDEdSMG";
    SessionPolicy = "SESSION POLICY", "SESSION POLICIES", Schema, "policy", "CRNnsDEdSMG";
    AuthenticationPolicy = "AUTHENTICATION POLICY", "AUTHENTICATION POLICIES", Schema, "policy", "CRNAnsDEdSMG";
    PackagesPolicy = "PACKAGES POLICY", "PACKAGES POLICIES", Schema, "policy", "CRNsDEdSMG";
    StorageLifecyclePolicy = "STORAGE LIFECYCLE POLICY", "STORAGE LIFECYCLE POLICIES", Schema, "policy", "CRNsDEdSMG=";
    FeaturePolicy = "FEATURE POLICY", "FEATURE POLICIES", Schema, "policy", "CRNnsDEdS";
    MaintenancePolicy = "MAINTENANCE POLICY", "MAINTENANCE POLICIES", Schema, "policy", "CRNsDEdS";
    DataMovementPolicy = "DATA MOVEMENT POLICY", "DATA MOVEMENT POLICIES", Schema, "policy", "CRNsDES";
    BackupPolicy = "BACKUP POLICY", "BACKUP POLICIES", Schema, "backup policy", "CRNAsDEdS";
    BackupSet = "BACKUP SET", "BACKUP SETS", Schema, "backup set", "CRNAsDEdS";
    Snapshot = "SNAPSHOT", "SNAPSHOTS", Schema, "snapshot", "CRNsDEUdSG";
    GitRepository = "GIT REPOSITORY", "GIT REPOSITORIES", Schema, "git repository", "CRNsDEdSMG";
    ImageRepository = "IMAGE REPOSITORY", "IMAGE REPOSITORIES", Schema, "image repository", "CRNsDESMG";
    ArtifactRepository = "ARTIFACT REPOSITORY", "ARTIFACT REPOSITORIES", Schema, "artifact repository", "CRNsDEdSG";
    Service = "SERVICE", "SERVICES", Schema, "service", "CNsDEdSMG";
    ApplicationService = "APPLICATION SERVICE", "APPLICATION SERVICES", Schema, "service", "CNAsDEdSG";
    Gateway = "GATEWAY", "GATEWAYS", Schema, "gateway", "CRNsDEdSG";
    Streamlit = "STREAMLIT", "STREAMLITS", Schema, "streamlit", "CRNnsDEUdSMG";
    Notebook = "NOTEBOOK", "NOTEBOOKS", Schema, "notebook", "CRNnsDEUdSMG";
    NotebookProject = "NOTEBOOK PROJECT", "NOTEBOOK PROJECTS", Schema, "notebook project", "CRNsDEdS";
    CodeBundle = "CODE BUNDLE", "CODE BUNDLES", Schema, "code bundle", "CRNsDE";
    Workspace = "WORKSPACE", "WORKSPACES", Schema, "workspace", "CNsDEdSG";
    Model = "MODEL", "MODELS", Schema, "model", "CRNnsDEdSMG";
    ModelMonitor = "MODEL MONITOR", "MODEL MONITORS", Schema, "model monitor", "CRNsDEdSG";
    Dataset = "DATASET", "DATASETS", Schema, "dataset", "CRNsDEdSG";
    Experiment = "EXPERIMENT", "EXPERIMENTS", Schema, "experiment", "CRNsDEdSG";
    CortexSearchService = "CORTEX SEARCH SERVICE", "CORTEX SEARCH SERVICES", Schema, "cortex search", "CRNsDEdSMG";
    Agent = "AGENT", "AGENTS", Schema, "agent", "CRNsDEdSMG";
    ExternalAgent = "EXTERNAL AGENT", "EXTERNAL AGENTS", Schema, "agent", "CRNsDEdS";
    McpServer = "MCP SERVER", "MCP SERVERS", Schema, "mcp server", "CRNsDEdSG";
    Contact = "CONTACT", "CONTACTS", Schema, "contact", "CRNsDEdSMG";
    DbtProject = "DBT PROJECT", "DBT PROJECTS", Schema, "dbt project", "CRNnsDEdSMG";
    DcmProject = "DCM PROJECT", "DCM PROJECTS", Schema, "dcm project", "CRNsDEdSMG";
    Budget = "BUDGET", "BUDGETS", Schema, "class instance", "CRNnDES";
    MlClassInstance = "ML CLASS INSTANCE", "ML CLASS INSTANCES", Schema, "class instance", "CRNDES";
    DatabaseRole = "DATABASE ROLE", "DATABASE ROLES", Database, "database role", "CRNALnsDESMG=";
    ApplicationRole = "APPLICATION ROLE", "APPLICATION ROLES", Application, "application role", "CRNAnsDES";
    Role = "ROLE", "ROLES", Account, "role", "CRNAnsDESMG=";
    User = "USER", "USERS", Account, "user", "CRNnsDEdSMG=";
    Warehouse = "WAREHOUSE", "WAREHOUSES", Account, "warehouse", "CRNAnsDEdSMG=";
    InteractiveWarehouse = "INTERACTIVE WAREHOUSE", "INTERACTIVE WAREHOUSES", Account, "warehouse", "CRNnsDEdSMG";
    ResourceMonitor = "RESOURCE MONITOR", "RESOURCE MONITORS", Account, "resource monitor", "CRNsDESG";
    NetworkPolicy = "NETWORK POLICY", "NETWORK POLICIES", Account, "network policy", "CRNAnsDEdSMG";
    StorageIntegration = "STORAGE INTEGRATION", "STORAGE INTEGRATIONS", Account, "integration", "CRNsDEdSMG";
    NotificationIntegration = "NOTIFICATION INTEGRATION", "NOTIFICATION INTEGRATIONS", Account, "integration", "CRNsDEdSMG";
    ApiIntegration = "API INTEGRATION", "API INTEGRATIONS", Account, "integration", "CRNsDEdSMG";
    SecurityIntegration = "SECURITY INTEGRATION", "SECURITY INTEGRATIONS", Account, "integration", "CRNsDEdSMG";
    CatalogIntegration = "CATALOG INTEGRATION", "CATALOG INTEGRATIONS", Account, "integration", "CRNsDEdSMG";
    ExternalAccessIntegration = "EXTERNAL ACCESS INTEGRATION", "EXTERNAL ACCESS INTEGRATIONS", Account, "integration", "CRNsDEdSMG";
    Integration = "INTEGRATION", "INTEGRATIONS", Account, "integration", "sDEdSMG";
    ExternalVolume = "EXTERNAL VOLUME", "EXTERNAL VOLUMES", Account, "external volume", "CRNsDEUdSG";
    ComputePool = "COMPUTE POOL", "COMPUTE POOLS", Account, "compute pool", "CNsDEdSMG";
    Share = "SHARE", "SHARES", Account, "share", "CRNAsDEdSMG";
    Listing = "LISTING", "LISTINGS", Account, "listing", "CNnsDEdSG";
    ApplicationPackage = "APPLICATION PACKAGE", "APPLICATION PACKAGES", Account, "database", "CNnsDESMG";
    Application = "APPLICATION", "APPLICATIONS", Account, "database", "CNnsDEcdSMG";
    Connection = "CONNECTION", "CONNECTIONS", Account, "connection", "CNsDESM";
    FailoverGroup = "FAILOVER GROUP", "FAILOVER GROUPS", Account, "failover group", "CNnsDESMG";
    ReplicationGroup = "REPLICATION GROUP", "REPLICATION GROUPS", Account, "replication group", "CNnsDESMG";
    OrganizationProfile = "ORGANIZATION PROFILE", "ORGANIZATION PROFILES", Organization, "organization profile", "CRNsDESG";
    PostgresInstance = "POSTGRES INSTANCE", "POSTGRES INSTANCES", Account, "postgres instance", "CsDEdS";
    ProvisionedThroughput = "PROVISIONED THROUGHPUT", "PROVISIONED THROUGHPUTS", Account, "provisioned throughput", "CsDES";
    RestrictedSessionScope = "RESTRICTED SESSION SCOPE", "RESTRICTED SESSION SCOPES", Schema, "restricted session scope", "CRNsDEdSG";
    Index = "INDEX", "INDEXES", Relation, "index", "CNDES";
    Column = "COLUMN", "COLUMNS", Relation, "column", "CNnsDEM";
    Constraint = "CONSTRAINT", "CONSTRAINTS", Relation, "constraint", "CnsDc";
}

/// Other words for a kind, seen in older or special statements.
const SYNONYMS: &[(&str, ObjectKind)] = &[
    ("ADAPTIVE WAREHOUSE", ObjectKind::Warehouse),
    ("DYNAMIC ICEBERG TABLE", ObjectKind::DynamicTable),
    ("EXTERNAL LISTING", ObjectKind::Listing),
    ("ORGANIZATION LISTING", ObjectKind::Listing),
    ("SNAPSHOT POLICY", ObjectKind::BackupPolicy),
    ("SNAPSHOT SET", ObjectKind::BackupSet),
    ("USER FUNCTION", ObjectKind::Function),
    ("VERSIONED SCHEMA", ObjectKind::Schema),
];

/// A kind found at the start of some words, with what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindMatch {
    /// The kind.
    pub kind: ObjectKind,
    /// How many words belong to it, modifiers included.
    pub words: usize,
    /// `TEMPORARY`, `TEMP` or `VOLATILE` stood before it.
    pub temporary: bool,
    /// `TRANSIENT` stood before it.
    pub transient: bool,
    /// `SECURE` stood before it.
    pub secure: bool,
}

impl ObjectKind {
    /// The most words that [`ObjectKind::parse`] may need to see: modifiers and the kind.
    pub const MOST_WORDS: usize = 8;

    /// Whether Snowflake lets one do that with objects of this kind.
    pub const fn can(self, ability: Ability) -> bool {
        let letters = self.letters().as_bytes();
        let mut at = 0;
        while at < letters.len() {
            if letters[at] == ability.letter() {
                return true;
            }
            at += 1;
        }
        false
    }

    /// Reads the kind at the start of `words`, in any case: the longest one that fits, after `TEMPORARY`,
    /// `TRANSIENT`, `SECURE` and `RECURSIVE` in any order. `TEMP TABLE` and `TRANSIENT TABLE` are kinds of their
    /// own; before other kinds those words are modifiers.
    pub fn parse(words: &[&str]) -> Option<KindMatch> {
        // The one kind whose words hold a modifier.
        let scoped = starts_with(words, "PROCEDURE SCOPED")
            && words.get(2).is_some_and(|word| is_temporary(word))
            && words.get(3).is_some_and(|word| word.eq_ignore_ascii_case("TABLE"));
        if scoped {
            return Some(KindMatch {
                kind: Self::ProcedureScopedTemporaryTable,
                words: 4,
                temporary: true,
                transient: false,
                secure: false,
            });
        }
        let (mut temporary, mut transient, mut secure) = (false, false, false);
        let mut skipped = 0;
        for word in words {
            if is_temporary(word) {
                temporary = true;
            } else if word.eq_ignore_ascii_case("TRANSIENT") {
                transient = true;
            } else if word.eq_ignore_ascii_case("SECURE") {
                secure = true;
            } else if !(word.eq_ignore_ascii_case("RECURSIVE") || is_reach(word, words.get(skipped + 1))) {
                break;
            }
            skipped += 1;
        }
        let (kind, length) = longest(&words[skipped..], Self::words)?;
        let kind = match kind {
            Self::Table if temporary => Self::TemporaryTable,
            Self::Table if transient => Self::TransientTable,
            kind => kind,
        };
        Some(KindMatch { kind, words: skipped + length, temporary, transient, secure })
    }

    /// Reads the plural of a kind at the start of `words`, as SHOW and GRANT ... ON ALL have it; answers the kind
    /// and how many words it took.
    pub fn parse_plural(words: &[&str]) -> Option<(Self, usize)> {
        if starts_with(words, "USER FUNCTIONS") {
            return Some((Self::Function, 2));
        }
        longest(words, Self::plural)
    }

    /// Whether it is a table, view, stream or another kind that shares their names in a schema.
    pub fn is_relation(self) -> bool {
        self.name_space() == "relation"
    }

    /// Whether only ALTER TABLE makes, changes and drops it.
    pub fn is_table_part(self) -> bool {
        matches!(self, Self::Column | Self::Constraint)
    }

    /// Whether it is a role, a database role or an application role.
    pub fn is_role(self) -> bool {
        matches!(self, Self::Role | Self::DatabaseRole | Self::ApplicationRole)
    }

    /// Whether it is a procedure or function, whose identity needs the types of its arguments.
    pub fn is_routine(self) -> bool {
        self.name_space() == "routine"
    }
}

fn is_temporary(word: &str) -> bool {
    ["TEMPORARY", "TEMP", "VOLATILE"].iter().any(|other| word.eq_ignore_ascii_case(other))
}

/// `LOCAL` and `GLOBAL`, which mean nothing and stand before `TEMPORARY` only.
fn is_reach(word: &str, next: Option<&&str>) -> bool {
    (word.eq_ignore_ascii_case("LOCAL") || word.eq_ignore_ascii_case("GLOBAL"))
        && next.is_some_and(|next| is_temporary(next))
}

fn longest(words: &[&str], text: fn(ObjectKind) -> &'static str) -> Option<(ObjectKind, usize)> {
    let first = words.first()?;
    let kinds = ObjectKind::ALL.iter().map(|kind| (text(*kind), *kind));
    kinds
        .chain(SYNONYMS.iter().copied())
        .filter(|(name, _)| begins_alike(name, first) && starts_with(words, name))
        .map(|(name, kind)| (kind, name.split(' ').count()))
        .max_by_key(|(_, length)| *length)
}

/// A cheap first look, since a statement's kind is compared with all kinds.
fn begins_alike(name: &str, word: &str) -> bool {
    name.bytes().next() == word.bytes().next().map(|byte| byte.to_ascii_uppercase())
}

fn starts_with(words: &[&str], name: &str) -> bool {
    let mut words = words.iter();
    name.split(' ').all(|part| words.next().is_some_and(|word| word.eq_ignore_ascii_case(part)))
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl Serialize for ObjectKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.words())
    }
}

impl<'de> Deserialize<'de> for ObjectKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let found = Self::ALL.iter().find(|kind| kind.words() == text);
        found.copied().ok_or_else(|| de::Error::custom(format_args!("'{text}' is no kind of object")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn parsed(text: &str) -> Option<(ObjectKind, usize)> {
        let words: Vec<&str> = text.split(' ').collect();
        ObjectKind::parse(&words).map(|found| (found.kind, found.words))
    }

    #[test]
    fn every_kind_is_read_back_from_its_words_and_from_its_json() {
        let mut words = BTreeSet::new();
        for kind in ObjectKind::ALL {
            assert!(words.insert(kind.words()), "{kind} stands twice");
            assert_eq!(parsed(&kind.words().to_lowercase()), Some((*kind, kind.words().split(' ').count())));
            let plural: Vec<&str> = kind.plural().split(' ').collect();
            assert_eq!(ObjectKind::parse_plural(&plural), Some((*kind, plural.len())));
            let json = serde_json::to_string(kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.words()));
            assert_eq!(serde_json::from_str::<ObjectKind>(&json).unwrap(), *kind);
            let known = b"CRNALKnswDEcUdSMG=";
            assert!(kind.letters().bytes().all(|letter| known.contains(&letter)), "{kind}");
        }
        assert!(serde_json::from_str::<ObjectKind>("\"TABEL\"").is_err());
    }

    #[test]
    fn the_longest_kind_wins_after_its_modifiers() {
        for (text, kind, words) in [
            ("TABLE t", ObjectKind::Table, 1),
            ("temp table t", ObjectKind::TemporaryTable, 2),
            ("LOCAL TEMPORARY TABLE t", ObjectKind::TemporaryTable, 3),
            ("VOLATILE TABLE t", ObjectKind::TemporaryTable, 2),
            ("TRANSIENT TABLE t", ObjectKind::TransientTable, 2),
            ("TRANSIENT SCHEMA s", ObjectKind::Schema, 2),
            ("TRANSIENT DYNAMIC TABLE d", ObjectKind::DynamicTable, 3),
            ("SECURE RECURSIVE VIEW v", ObjectKind::View, 3),
            ("RECURSIVE VIEW v", ObjectKind::View, 2),
            ("SECURE MATERIALIZED VIEW v", ObjectKind::MaterializedView, 3),
            ("DATABASE ROLE r", ObjectKind::DatabaseRole, 2),
            ("DATABASE d", ObjectKind::Database, 1),
            ("CORTEX SEARCH SERVICE s", ObjectKind::CortexSearchService, 3),
            ("STORAGE INTEGRATION i", ObjectKind::StorageIntegration, 2),
            ("INTEGRATION i", ObjectKind::Integration, 1),
            ("SNAPSHOT POLICY p", ObjectKind::BackupPolicy, 2),
            ("SNAPSHOT s", ObjectKind::Snapshot, 1),
            ("PROCEDURE SCOPED TEMP TABLE t", ObjectKind::ProcedureScopedTemporaryTable, 4),
            ("PROCEDURE scoped", ObjectKind::Procedure, 1),
        ] {
            assert_eq!(parsed(text), Some((kind, words)), "{text}");
        }
        for text in ["TABEL t", "TEMPORARY", "LOCAL TABLE t", "SECURE", ""] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
