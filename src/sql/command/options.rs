//! Properties after the name of an object.

use super::{
    expr,
    reader::{Read, Reader, written_name},
};
use crate::{
    model::{
        command::{ColumnRef, Expr, Link, Name, ObjectUse, Property},
        kind::ObjectKind,
        refusal::SnowflakeError,
    },
    sql::lex::TokenKind,
};

/// What was found among the properties.
#[derive(Default)]
pub(super) struct Options {
    pub(super) comment: Option<String>,
    pub(super) properties: Vec<Property>,
    pub(super) uses: Vec<ObjectUse>,
    pub(super) links: Vec<Link>,
    pub(super) copy_grants: bool,
    pub(super) copy_tags: bool,
    pub(super) cluster_by: Vec<Expr>,
    pub(super) policy_columns: Vec<ColumnRef>,
}

/// Which properties a kind has.
#[derive(Clone, Copy)]
pub(super) enum Known {
    /// These and no others.
    Only(&'static [&'static str]),
    /// Not listed here: any.
    Any,
}

impl Known {
    fn has(self, name: &str) -> bool {
        match self {
            Self::Only(names) => names.iter().any(|known| known.eq_ignore_ascii_case(name)),
            Self::Any => true,
        }
    }
}

impl Options {
    /// Takes one property; answers false if none stands here.
    pub(super) fn take(&mut self, r: &mut Reader<'_>, kind: ObjectKind, known: Known) -> Read<bool> {
        if r.take_op(",") && r.done() {
            return Err(r.unexpected());
        }
        if r.kind() != Some(TokenKind::Word) {
            return Ok(false);
        }
        if r.is("WITH") && r.kind_at(1) == Some(TokenKind::Word) {
            r.step();
            return Ok(true);
        }
        if r.is("TAG") && r.is_op_at(1, "(") {
            r.step();
            self.tags(r)?;
            return Ok(true);
        }
        if self.policy(r)? {
            return Ok(true);
        }
        if r.is("COPY") && r.is_at(1, "GRANTS") {
            r.step();
            r.step();
            self.copy_grants = true;
            return Ok(true);
        }
        if r.take_phrase("COPY TAGS") {
            self.copy_tags = true;
            return Ok(true);
        }
        if r.is("CONTACT") && r.is_op_at(1, "(") {
            r.step();
            return r.skip().map(|()| true);
        }
        if r.is("COMMENT") && (r.is_op_at(1, "=") || is_text(r, 1)) {
            r.step();
            r.take_op("=");
            self.comment = Some(comment_text(r)?);
            return Ok(true);
        }
        if r.is_phrase("CLUSTER BY") {
            self.cluster_by = cluster_by(r)?;
            return Ok(true);
        }
        self.property(r, kind, known)
    }

    fn property(&mut self, r: &mut Reader<'_>, kind: ObjectKind, known: Known) -> Read<bool> {
        if !r.is_op_at(1, "=") || r.is_op_at(1, "=>") {
            return Ok(false);
        }
        let name = r.here().to_ascii_uppercase();
        if !known.has(&name) {
            return Err(SnowflakeError::invalid_property(&name, kind));
        }
        r.step();
        r.take_op("=");
        let start = r.mark();
        self.named_objects(r, &name)?;
        r.back(start);
        value(r)?;
        let text = r.between(start, r.mark()).to_owned();
        self.properties.push((name, text));
        Ok(true)
    }

    /// Objects that a property names by its value.
    fn named_objects(&mut self, r: &mut Reader<'_>, property: &str) -> Read<()> {
        let kind = match property {
            "WAREHOUSE" => ObjectKind::Warehouse,
            "STORAGE_INTEGRATION"
            | "INTEGRATION"
            | "ERROR_INTEGRATION"
            | "NOTIFICATION_INTEGRATION"
            | "SUCCESS_INTEGRATION"
            | "API_INTEGRATION" => ObjectKind::Integration,
            "RESOURCE_MONITOR" => ObjectKind::ResourceMonitor,
            "EXTERNAL_VOLUME" => ObjectKind::ExternalVolume,
            "FILE_FORMAT" | "STAGE_FILE_FORMAT" => return self.file_format(r),
            _ => return Ok(()),
        };
        let name = match r.kind() {
            Some(TokenKind::String) => {
                written_name(&r.string().unwrap_or_default(), kind).unwrap_or(Name::Unknown)
            }
            Some(TokenKind::Word | TokenKind::QuotedName | TokenKind::Variable) if !r.is("NULL") => {
                r.name(kind)?
            }
            _ => return Ok(()),
        };
        self.uses.push(ObjectUse { kind, name });
        Ok(())
    }

    /// `FILE_FORMAT = (FORMAT_NAME = x)` or `FILE_FORMAT = x`.
    pub(super) fn file_format(&mut self, r: &mut Reader<'_>) -> Read<()> {
        let kind = ObjectKind::FileFormat;
        let mut depth = 0_usize;
        if r.is_op("(") {
            loop {
                if r.is_op("(") {
                    depth += 1;
                } else if r.is_op(")") {
                    depth = depth.saturating_sub(1);
                } else if r.is("FORMAT_NAME") && r.is_op_at(1, "=") {
                    r.step();
                    r.step();
                    break;
                }
                if depth == 0 || r.done() {
                    return Ok(());
                }
                r.step();
            }
        }
        let name = match r.kind() {
            Some(TokenKind::String) => {
                written_name(&r.string().unwrap_or_default(), kind).unwrap_or(Name::Unknown)
            }
            _ if r.at_ident() => r.name(kind)?,
            _ => return Ok(()),
        };
        self.uses.push(ObjectUse { kind, name });
        Ok(())
    }

    /// `(name = 'value', ...)`.
    pub(super) fn tags(&mut self, r: &mut Reader<'_>) -> Read<()> {
        for link in r.list(tag)? {
            self.tie(link);
        }
        Ok(())
    }

    /// Notes a policy or tag that is set.
    pub(super) fn tie(&mut self, link: Link) {
        self.uses.push(ObjectUse { kind: link.kind, name: link.name.clone() });
        self.links.push(link);
    }

    /// A policy clause; answers false if none stands here.
    pub(super) fn policy(&mut self, r: &mut Reader<'_>) -> Read<bool> {
        let kinds = [
            ObjectKind::RowAccessPolicy,
            ObjectKind::MaskingPolicy,
            ObjectKind::AggregationPolicy,
            ObjectKind::ProjectionPolicy,
            ObjectKind::JoinPolicy,
            ObjectKind::StorageLifecyclePolicy,
            ObjectKind::PrivacyPolicy,
        ];
        for kind in kinds {
            if !r.take_phrase(kind.words()) {
                continue;
            }
            let mut link = None;
            if r.at_ident() || r.kind() == Some(TokenKind::Variable) {
                let name = r.name(kind)?;
                link = Some(Link { kind, name, columns: Vec::new(), value: None, force: false });
            }
            let columns = r.take("ON")
                || r.take("USING")
                || r.take_phrase("ENTITY KEY")
                || r.take_phrase("ALLOWED JOIN KEYS");
            if columns && r.is_op("(") {
                // USING may hold expressions.
                let inside = r.list(expr::expr)?;
                let columns: Vec<ColumnRef> = inside.into_iter().flat_map(|one| one.columns).collect();
                if let Some(link) = &mut link {
                    link.columns.clone_from(&columns);
                }
                self.policy_columns.extend(columns);
            }
            let force = r.take("FORCE");
            if let Some(link) = link {
                self.tie(Link { force, ..link });
            }
            return Ok(true);
        }
        Ok(false)
    }
}

fn is_text(r: &Reader<'_>, ahead: usize) -> bool {
    matches!(r.kind_at(ahead), Some(TokenKind::String | TokenKind::DollarString))
}

/// The text of a comment: a literal, or a variable whose value is not known here.
pub(super) fn comment_text(r: &mut Reader<'_>) -> Read<String> {
    if r.kind() == Some(TokenKind::Variable) {
        let text = r.here().to_owned();
        r.step();
        return Ok(text);
    }
    // Quoted names are taken for texts here.
    if r.kind() == Some(TokenKind::QuotedName) {
        return r.any_ident().map(|ident| ident.as_str().to_owned());
    }
    r.expect_string()
}

/// `name = 'value'` of a tag.
pub(super) fn tag(r: &mut Reader<'_>) -> Read<Link> {
    let name = r.name(ObjectKind::Tag)?;
    r.expect_op("=")?;
    let literal = is_text(r, 0);
    let text = comment_text(r)?;
    let value = literal.then_some(text);
    Ok(Link { kind: ObjectKind::Tag, name, columns: Vec::new(), value, force: false })
}

/// `CLUSTER BY [LINEAR] (...)`.
pub(super) fn cluster_by(r: &mut Reader<'_>) -> Read<Vec<Expr>> {
    r.expect("CLUSTER")?;
    r.expect("BY")?;
    r.take("LINEAR");
    if r.is_op("(") { r.list(expr::expr) } else { Ok(vec![expr::expr(r)?]) }
}

/// The value of a property.
pub(super) fn value(r: &mut Reader<'_>) -> Read<()> {
    match r.kind() {
        Some(TokenKind::LeftParen) => r.skip(),
        Some(TokenKind::Word | TokenKind::QuotedName) => {
            r.step();
            while r.is_op(".") {
                r.step();
                r.step();
            }
            if r.is_op("(") {
                r.skip()?;
            }
            Ok(())
        }
        Some(TokenKind::Punct) if r.is_op("-") || r.is_op("+") || r.is_op(":") => {
            r.step();
            r.step();
            Ok(())
        }
        Some(TokenKind::Punct) if r.is_op("[") || r.is_op("{") => {
            while !r.is_op("]") && !r.is_op("}") {
                r.skip()?;
            }
            r.step();
            Ok(())
        }
        None | Some(TokenKind::Punct | TokenKind::RightParen | TokenKind::Semicolon) => Err(r.unexpected()),
        Some(_) => {
            r.step();
            Ok(())
        }
    }
}

/// Properties of CREATE TABLE.
pub(super) const TABLE: Known = Known::Only(&[
    "DATA_RETENTION_TIME_IN_DAYS",
    "MAX_DATA_EXTENSION_TIME_IN_DAYS",
    "CHANGE_TRACKING",
    "DEFAULT_DDL_COLLATION",
    "ENABLE_SCHEMA_EVOLUTION",
    "STAGE_FILE_FORMAT",
    "STAGE_COPY_OPTIONS",
    "ROW_TIMESTAMP",
    "ERROR_LOGGING",
    "EXTERNAL_VOLUME",
    "CATALOG",
    "BASE_LOCATION",
    "LOG_LEVEL",
    "ENABLE_DATA_COMPACTION",
    "DATA_METRIC_SCHEDULE",
    "STORAGE_SERIALIZATION_POLICY",
    "CATALOG_SYNC",
    "ENABLE_TRIPLE_MATERIALIZATION",
    "TARGET_FILE_SIZE",
    "ENABLE_SEARCH_OPTIMIZATION",
    "AUTO_REFRESH",
    "REPLACE_INVALID_CHARACTERS",
    "CONTACT",
    "READ_ONLY",
    "DCM_PROJECT",
    "METADATA_FILE_PATH",
    "PATH_LAYOUT",
    "ICEBERG_VERSION",
    "AUTO_CLUSTERING",
    "ENABLE_FAIL_SAFE",
    "INITIALIZE",
    "FILE_FORMAT",
    "ICEBERG_DEFAULT_DDL_COLLATION",
]);

/// Properties of databases and schemas.
pub(super) const CONTAINER: Known = Known::Only(&[
    "DATA_RETENTION_TIME_IN_DAYS",
    "MAX_DATA_EXTENSION_TIME_IN_DAYS",
    "EXTERNAL_VOLUME",
    "CATALOG",
    "CATALOG_SYNC",
    "CATALOG_SYNC_NAMESPACE_MODE",
    "CATALOG_SYNC_NAMESPACE_FLATTEN_DELIMITER",
    "REPLACE_INVALID_CHARACTERS",
    "DEFAULT_DDL_COLLATION",
    "STORAGE_SERIALIZATION_POLICY",
    "LOG_LEVEL",
    "LOG_EVENT_LEVEL",
    "TRACE_LEVEL",
    "METRIC_LEVEL",
    "CLASSIFICATION_PROFILE",
    "PIPE_EXECUTION_PAUSED",
    "SUSPEND_TASK_AFTER_NUM_FAILURES",
    "TASK_AUTO_RETRY_ATTEMPTS",
    "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE",
    "USER_TASK_TIMEOUT_MS",
    "USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS",
    "SERVERLESS_TASK_MIN_STATEMENT_SIZE",
    "SERVERLESS_TASK_MAX_STATEMENT_SIZE",
    "QUOTED_IDENTIFIERS_IGNORE_CASE",
    "ENABLE_CONSOLE_OUTPUT",
    "DEFAULT_STREAMLIT_NOTEBOOK_WAREHOUSE",
    "BASE_LOCATION_PREFIX",
    "ICEBERG_VERSION_DEFAULT",
    "OBJECT_VISIBILITY",
    "EVENT_TABLE",
    "DEFAULT_NOTEBOOK_COMPUTE_POOL_CPU",
    "DEFAULT_NOTEBOOK_COMPUTE_POOL_GPU",
    "LINKED_CATALOG",
    "ENABLE_DATA_COMPACTION",
    "ENABLE_ICEBERG_MERGE_ON_READ",
    "DATA_METRIC_SCHEDULE",
    "CONTACT",
    "REFRESH_INTERVAL_SECONDS",
    "ICEBERG_MERGE_ON_READ_BEHAVIOR",
    "BASELINE_SHARING",
]);

/// Properties of views.
pub(super) const VIEW: Known =
    Known::Only(&["CHANGE_TRACKING", "DATA_METRIC_SCHEDULE", "CONTACT", "LOG_LEVEL", "AUTO_REFRESH"]);

/// Properties of sequences; START and INCREMENT may also stand without `=`.
pub(super) const SEQUENCE: Known = Known::Only(&["START", "INCREMENT"]);

/// Properties of streams.
pub(super) const STREAM: Known = Known::Only(&["APPEND_ONLY", "SHOW_INITIAL_ROWS", "INSERT_ONLY"]);

/// Properties of roles.
pub(super) const ROLE: Known = Known::Only(&[]);

/// Properties of stages.
pub(super) const STAGE: Known = Known::Only(&[
    "URL",
    "STORAGE_INTEGRATION",
    "CREDENTIALS",
    "ENCRYPTION",
    "DIRECTORY",
    "FILE_FORMAT",
    "COPY_OPTIONS",
    "USE_PRIVATELINK_ENDPOINT",
    "AWS_ACCESS_POINT_ARN",
    "ENDPOINT",
    "TYPE",
    "ENABLE",
    "REFRESH_ON_CREATE",
    "AUTO_REFRESH",
    "NOTIFICATION_INTEGRATION",
    "ON_ERROR",
    "SIZE_LIMIT",
    "PURGE",
    "RETURN_FAILED_ONLY",
    "MATCH_BY_COLUMN_NAME",
    "ENFORCE_LENGTH",
    "TRUNCATECOLUMNS",
    "FORCE",
    "LOAD_UNCERTAIN_FILES",
]);

/// Properties of warehouses.
pub(super) const WAREHOUSE: Known = Known::Only(&[
    "WAREHOUSE_TYPE",
    "WAREHOUSE_SIZE",
    "RESOURCE_CONSTRAINT",
    "MAX_CLUSTER_COUNT",
    "MIN_CLUSTER_COUNT",
    "SCALING_POLICY",
    "AUTO_SUSPEND",
    "AUTO_RESUME",
    "INITIALLY_SUSPENDED",
    "RESOURCE_MONITOR",
    "ENABLE_QUERY_ACCELERATION",
    "QUERY_ACCELERATION_MAX_SCALE_FACTOR",
    "MAX_CONCURRENCY_LEVEL",
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS",
    "STATEMENT_TIMEOUT_IN_SECONDS",
    "GENERATION",
    "WAIT_FOR_COMPLETION",
    "TABLES",
    "QUERY_THROUGHPUT_MULTIPLIER",
    "MAX_QUERY_PERFORMANCE_LEVEL",
    "TARGET_STATEMENT_SIZE",
    "TYPE",
    "COST_BASED_AUTO_SUSPEND",
]);

/// Properties of file formats.
pub(super) const FILE_FORMAT: Known = Known::Only(&[
    "TYPE",
    "COMPRESSION",
    "RECORD_DELIMITER",
    "FIELD_DELIMITER",
    "MULTI_LINE",
    "FILE_EXTENSION",
    "PARSE_HEADER",
    "SKIP_HEADER",
    "SKIP_BLANK_LINES",
    "DATE_FORMAT",
    "TIME_FORMAT",
    "TIMESTAMP_FORMAT",
    "BINARY_FORMAT",
    "ESCAPE",
    "ESCAPE_UNENCLOSED_FIELD",
    "TRIM_SPACE",
    "FIELD_OPTIONALLY_ENCLOSED_BY",
    "NULL_IF",
    "ERROR_ON_COLUMN_COUNT_MISMATCH",
    "REPLACE_INVALID_CHARACTERS",
    "EMPTY_FIELD_AS_NULL",
    "SKIP_BYTE_ORDER_MARK",
    "ENCODING",
    "ENABLE_OCTAL",
    "ALLOW_DUPLICATE",
    "STRIP_OUTER_ARRAY",
    "STRIP_NULL_VALUES",
    "IGNORE_UTF8_ERRORS",
    "DISABLE_SNOWFLAKE_DATA",
    "DISABLE_AUTO_CONVERT",
    "PRESERVE_SPACE",
    "STRIP_OUTER_ELEMENT",
    "SNAPPY_COMPRESSION",
    "BINARY_AS_TEXT",
    "USE_LOGICAL_TYPE",
    "USE_VECTORIZED_SCANNER",
    "VALIDATE_UTF8",
]);

/// Properties of tasks, session parameters aside.
pub(super) const TASK: Known = Known::Any;
