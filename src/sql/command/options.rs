//! Properties after the name of an object.

use super::{
    expr,
    properties::{self, Place, Written},
    reader::{Read, Reader, written_name},
};
use crate::{
    model::{
        command::{ColumnRef, Expr, Link, Name, ObjectUse, Property},
        kind::ObjectKind,
        refusal::{SnowflakeError, UNKNOWN_CODE},
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
    /// Every property in its order, COMMENT with it.
    written: Vec<Written>,
    /// What stands in the parentheses of `FILE_FORMAT`.
    format: Vec<Written>,
}

impl Options {
    /// Takes one property, whatever its name; answers false if none stands here.
    pub(super) fn take(&mut self, r: &mut Reader<'_>) -> Read<bool> {
        if r.take_op(",") && r.done() {
            return Err(r.unexpected());
        }
        if r.kind() != Some(TokenKind::Word) {
            return if r.kind() == Some(TokenKind::QuotedName) { self.property(r) } else { Ok(false) };
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
            let name = r.here().to_owned();
            r.step();
            let property = r.take_op("=");
            let start = r.mark();
            self.comment = Some(if property { comment_value(r)? } else { comment_text(r)? });
            let value = r.between(start, r.mark()).to_owned();
            self.written.push(Written { name, value });
            return Ok(true);
        }
        if r.is_phrase("CLUSTER BY") {
            self.cluster_by = cluster_by(r)?;
            return Ok(true);
        }
        self.property(r)
    }

    fn property(&mut self, r: &mut Reader<'_>) -> Read<bool> {
        if !r.is_op_at(1, "=") || r.is_op_at(1, "=>") {
            return Ok(false);
        }
        let written = r.here().to_owned();
        let name = written.to_ascii_uppercase();
        r.step();
        r.take_op("=");
        let start = r.mark();
        self.named_objects(r, &name)?;
        r.back(start);
        if name.ends_with("FILE_FORMAT") && r.is_op("(") {
            self.format.extend(format_options(r)?);
            r.back(start);
        }
        value(r)?;
        let text = r.between(start, r.mark()).to_owned();
        self.written.push(Written { name: written, value: text.clone() });
        self.properties.push((name, text));
        Ok(true)
    }

    /// Forgets the last property: it belongs to words that stand before it.
    pub(super) fn forget_last(&mut self) {
        self.written.pop();
    }

    /// Notes a property that UNSET names.
    pub(super) fn name(&mut self, name: &str) {
        self.written.push(Written { name: name.to_owned(), value: String::new() });
    }

    /// Refuses what the kind does not have, once all of the statement is read: the server parses first.
    pub(super) fn judge(&self, kind: ObjectKind, place: Place) -> Read<()> {
        properties::of(kind).map_or(Ok(()), |known| known.judge(kind, place, &self.written))?;
        properties::judge_format(&self.format)
    }

    /// As [`Options::judge`], for COPY INTO, whose options are no properties. `transform`: a table is loaded from a
    /// query.
    pub(super) fn judge_copy(&self, transform: bool) -> Read<()> {
        for (n, one) in self.written.iter().enumerate() {
            if self.written[..n].iter().any(|other| other.name.eq_ignore_ascii_case(&one.name)) {
                let name = one.name.to_ascii_uppercase();
                let detail = format!("conflicting values for copy option '{name}'");
                return Err(SnowflakeError::compilation_line(UNKNOWN_CODE, "42601", detail));
            }
        }
        self.written.iter().try_for_each(copy_value)?;
        if transform && self.written.iter().any(|one| one.name.eq_ignore_ascii_case("VALIDATION_MODE")) {
            let detail = "VALIDATION_MODE does not support COPY with transform.";
            return Err(SnowflakeError::compilation(UNKNOWN_CODE, "0A000", detail));
        }
        let on = |name: &str| {
            let is = |one: &&Written| one.name.eq_ignore_ascii_case(name);
            self.written.iter().find(is).map(|one| one.value.to_ascii_uppercase())
        };
        // One is the other turned round.
        if let (Some("TRUE"), Some("TRUE")) =
            (on("ENFORCE_LENGTH").as_deref(), on("TRUNCATECOLUMNS").as_deref())
        {
            let detail = "conflicting values for copy option 'TRUNCATECOLUMNS'";
            return Err(SnowflakeError::compilation_line(UNKNOWN_CODE, "42601", detail));
        }
        properties::judge_format(&self.format)
    }

    /// As [`Options::judge`], for CREATE, which needs some properties.
    pub(super) fn judge_create(&self, kind: ObjectKind) -> Read<()> {
        self.judge(kind, Place::Create)?;
        properties::of(kind).map_or(Ok(()), |known| {
            known.judge_types(&self.written)?;
            known.missing(&self.written)
        })
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

/// The value of `COMMENT =`: words and names are texts here, other values none.
fn comment_value(r: &mut Reader<'_>) -> Read<String> {
    match r.kind() {
        Some(TokenKind::Word) if r.take("NULL") => Ok(String::new()),
        Some(TokenKind::Word | TokenKind::Number) => {
            let start = r.mark();
            value(r)?;
            Ok(r.between(start, r.mark()).to_ascii_uppercase())
        }
        Some(TokenKind::Punct) if r.is_op("-") => value(r).map(|()| String::new()),
        _ => comment_text(r),
    }
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

/// The values of COPY INTO's options, where all of them are known. Truth is never a text there.
fn copy_value(one: &Written) -> Read<()> {
    let value = one.value.as_str();
    let text = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let word = text.unwrap_or(value).to_ascii_uppercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '%';
    // What a variable or a template stands for is not known.
    if word.is_empty() || !word.trim_start_matches('-').chars().all(plain) {
        return Ok(());
    }
    let number = |rest: &str| !rest.is_empty() && rest.bytes().all(|digit| digit.is_ascii_digit());
    let fits = match one.name.to_ascii_uppercase().as_str() {
        "ON_ERROR" => {
            let skip = word.strip_prefix("SKIP_FILE_").map(|rest| rest.strip_suffix('%').unwrap_or(rest));
            matches!(word.as_str(), "CONTINUE" | "SKIP_FILE" | "ABORT_STATEMENT") || skip.is_some_and(number)
        }
        "MATCH_BY_COLUMN_NAME" => matches!(word.as_str(), "CASE_SENSITIVE" | "CASE_INSENSITIVE" | "NONE"),
        "VALIDATION_MODE" => {
            let rows = word.strip_prefix("RETURN_").and_then(|rest| rest.strip_suffix("_ROWS"));
            matches!(word.as_str(), "RETURN_ERRORS" | "RETURN_ALL_ERRORS" | "RETURN_ROWS")
                || rows.is_some_and(number)
        }
        "FORCE"
        | "PURGE"
        | "TRUNCATECOLUMNS"
        | "ENFORCE_LENGTH"
        | "RETURN_FAILED_ONLY"
        | "LOAD_UNCERTAIN_FILES" => {
            number(&word) || text.is_none() && matches!(word.as_str(), "TRUE" | "FALSE")
        }
        "SIZE_LIMIT" => !word.starts_with('-'),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let detail = format!("invalid value [{value}] for parameter '{}'", one.name.to_ascii_uppercase());
    Err(SnowflakeError::compilation(UNKNOWN_CODE, "22023", detail))
}

/// `CLUSTER BY [LINEAR] (...)`.
pub(super) fn cluster_by(r: &mut Reader<'_>) -> Read<Vec<Expr>> {
    r.expect("CLUSTER")?;
    r.expect("BY")?;
    r.take("LINEAR");
    if r.is_op("(") { r.list(expr::expr) } else { Ok(vec![expr::expr(r)?]) }
}

/// `(NAME = value, ...)` as `FILE_FORMAT` has it.
fn format_options(r: &mut Reader<'_>) -> Read<Vec<Written>> {
    let mut found = Vec::new();
    r.expect_op("(")?;
    while !r.done() && !r.is_op(")") {
        if r.kind() != Some(TokenKind::Word) || !r.is_op_at(1, "=") {
            r.skip()?;
            continue;
        }
        let name = r.here().to_owned();
        r.step();
        r.take_op("=");
        let start = r.mark();
        value(r)?;
        found.push(Written { name, value: r.between(start, r.mark()).to_owned() });
    }
    Ok(found)
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
