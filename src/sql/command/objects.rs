//! CREATE of kinds without a form of their own.

use super::{
    create::{Head, clone, clone_words},
    dml, expr,
    options::Options,
    properties,
    reader::{Read, Reader},
    types,
};
use crate::{
    model::{
        command::{Command, DataType, Detail, Mode, Name, ObjectDef, ObjectUse, Query},
        facts::Verb,
        ident::Ident,
        kind::ObjectKind,
        refusal::{SnowflakeError, UNKNOWN_CODE},
    },
    sql::lex::TokenKind,
};

pub(super) fn object(r: &mut Reader<'_>, head: Head) -> Read<Command> {
    let mut found = ObjectDef {
        kind: head.kind,
        name: head.name,
        mode: head.mode,
        temporary: head.temporary,
        arguments: None,
        clone: None,
        comment: None,
        copy_grants: false,
        uses: Vec::new(),
        definition: None,
        links: Vec::new(),
        detail: Detail::None,
    };
    let start = r.mark();
    match head.kind {
        kind if kind.is_routine() => routine(r, &mut found)?,
        ObjectKind::Sequence => sequence(r, &mut found)?,
        ObjectKind::Stream => stream(r, &mut found)?,
        ObjectKind::Task => task(r, &mut found)?,
        ObjectKind::Pipe => pipe(r, &mut found)?,
        ObjectKind::MaskingPolicy | ObjectKind::RowAccessPolicy => policy(r, &mut found)?,
        ObjectKind::Tag if r.is_phrase("ALLOWED_VALUES") => tag(r, &mut found)?,
        ObjectKind::Index | ObjectKind::Column | ObjectKind::Constraint | ObjectKind::ManagedAccount => {
            r.skip_rest()?;
            return Ok(Command::Other { verb: Verb::Create, uses: Vec::new(), ddl: true });
        }
        _ => other(r, &mut found)?,
    }
    found.definition = Some(r.rest_from(start).to_owned());
    Ok(Command::CreateObject(found))
}

fn keep(found: &mut ObjectDef, options: Options) -> Read<()> {
    if found.clone.is_some() {
        options.judge(found.kind, properties::Place::Create)?;
    } else {
        options.judge_create(found.kind)?;
    }
    found.comment = options.comment.or(found.comment.take());
    found.copy_grants |= options.copy_grants;
    found.uses.extend(options.uses);
    found.links.extend(options.links);
    Ok(())
}

/// `ALLOWED_VALUES 'a', 'b'`, then what other kinds have.
fn tag(r: &mut Reader<'_>, found: &mut ObjectDef) -> Read<()> {
    r.step();
    found.detail = Detail::Tag(r.commas(Reader::expect_string)?);
    other(r, found)
}

/// Comments, tags and names of objects where they can be told; the rest is the server's.
fn other(r: &mut Reader<'_>, found: &mut ObjectDef) -> Read<()> {
    let known = properties::of(found.kind);
    let mut options = Options::default();
    while !r.done() {
        if let Some(source) = clone(r, found.kind, found.mode)? {
            found.clone = Some(source);
        } else if known.is_none() && (r.is("AS") || r.is("FROM")) {
            r.skip_rest()?;
        } else if !options.take(r)? {
            match known {
                Some(known) if known.take_words(r)? => {}
                Some(_) => return Err(r.unexpected()),
                None => r.skip()?,
            }
        }
    }
    if found.kind == ObjectKind::Stage {
        stage(&found.name, &options)?;
    }
    keep(found, options)
}

/// What a stage's place allows beside it.
fn stage(name: &Name, options: &Options) -> Read<()> {
    let of = |property: &str| {
        options.properties.iter().find(|(name, _)| name == property).map(|(_, value)| value.as_str())
    };
    if let Some(url) = of("URL").and_then(|url| url.strip_prefix('\'')).map(|url| url.trim_end_matches('\''))
    {
        let detail = if url.starts_with("file:///") {
            format!("invalid URL prefix found in: '{url}'")
        } else if url.starts_with("file:") || url.starts_with('/') {
            format!("invalid URL: {url}")
        } else {
            return Ok(());
        };
        return Err(SnowflakeError::compilation("001011", "42601", detail));
    }
    if of("URL").is_some() {
        return Ok(());
    }
    if of("CREDENTIALS").is_some()
        && let Name::Written(name) = name
    {
        let detail = format!("invalid stage ({}): location not specified", name.name);
        return Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail));
    }
    let internal = ["SNOWFLAKE_SSE", "SNOWFLAKE_FULL"];
    let external = |text: &str| {
        let text = text.to_ascii_uppercase();
        text.contains('\'') && !internal.iter().any(|word| text.contains(word))
    };
    if of("ENCRYPTION").is_some_and(external) && of("STORAGE_INTEGRATION").is_none() {
        let detail = "Cannot set URL, credentials, or encryption key of an internal or temporary stage.";
        return Err(SnowflakeError::compilation(UNKNOWN_CODE, "42601", detail));
    }
    Ok(())
}

/// Clauses of a routine of which one of each family may stand.
const ONCE: &[(&str, &str)] = &[
    ("language", "LANGUAGE"),
    ("volatility", "VOLATILE"),
    ("volatility", "IMMUTABLE"),
    ("null", "STRICT"),
    ("null", "CALLED ON NULL INPUT"),
    ("null", "RETURNS NULL ON NULL INPUT"),
];

fn routine(r: &mut Reader<'_>, found: &mut ObjectDef) -> Read<()> {
    let (mut names, types): (Vec<Ident>, Vec<DataType>) = arguments(r)?.into_iter().unzip();
    // What an argument that is a table is called stands in FROM.
    let mut sql = found.kind == ObjectKind::Function && types.iter().all(|one| one.0 != "TABLE");
    found.arguments = Some(types);
    let mut options = Options::default();
    let mut seen: Vec<&str> = Vec::new();
    let mut returned = false;
    while !r.done() {
        if let Some((family, _)) = ONCE.iter().find(|(_, words)| r.is_phrase(words)) {
            if seen.contains(family) {
                return Err(r.unexpected());
            }
            seen.push(family);
        }
        if r.take("RETURNS") {
            returns(r)?;
            returned = true;
        } else if r.take("LANGUAGE") {
            let language = r.here().to_ascii_uppercase();
            if !["SQL", "JAVASCRIPT", "PYTHON", "JAVA", "SCALA"].contains(&language.as_str()) {
                let message = format!("Unknown function language: {language}.");
                return Err(SnowflakeError::bare(UNKNOWN_CODE, "42601", message));
            }
            sql &= language == "SQL";
            r.step();
        } else if r.is("AS") {
            if r.kind_at(1).is_none() || !returned {
                if returned {
                    r.step();
                }
                return Err(r.unexpected());
            }
            r.step();
            let body = if sql { r.string() } else { None };
            if let Some(query) = body.as_deref().and_then(computed) {
                found.detail = Detail::Function(std::mem::take(&mut names), Box::new(query));
            }
            r.skip_all();
        } else if r.is("EXECUTE") && r.is_at(1, "AS") {
            r.step();
            r.step();
            if !r.take_any(&["CALLER", "OWNER"]) && !r.take_phrase("RESTRICTED CALLER") {
                return Err(r.unexpected());
            }
        } else if !options.take(r)? {
            match properties::of(found.kind) {
                Some(known) if known.take_words(r)? => {}
                Some(_) => return Err(r.unexpected()),
                None => r.skip()?,
            }
        }
    }
    keep(found, options)
}

/// A body that is a query or an expression; `None` for a block and for what is not read.
fn computed(body: &str) -> Option<Query> {
    super::query(body).or_else(|_| super::query(&format!("SELECT {body}"))).ok()
}

fn returns(r: &mut Reader<'_>) -> Read<()> {
    if r.is("TABLE") {
        r.step();
        if !r.is_op("(") {
            return Ok(());
        }
        if r.is_op_at(1, ")") {
            return r.skip();
        }
        r.list(|r| {
            // A type alone, where the names of the columns are left out.
            let nameless = r.is_op_at(1, ",") || r.is_op_at(1, ")") || r.is_op_at(1, "(");
            if !nameless {
                r.any_ident()?;
            }
            types::data_type(r)?;
            r.take_phrase("NOT NULL");
            Ok(())
        })?;
        return Ok(());
    }
    if r.take_phrase("NULL ON NULL INPUT") {
        return Ok(());
    }
    types::data_type(r)?;
    if !r.take_phrase("NOT NULL") {
        r.take("NULL");
    }
    Ok(())
}

/// `(IN a NUMBER DEFAULT 1, ...)`: names and types.
fn arguments(r: &mut Reader<'_>) -> Read<Vec<(Ident, DataType)>> {
    r.expect_op("(")?;
    if r.take_op(")") {
        return Ok(Vec::new());
    }
    let found = r.commas(|r| {
        let mode = r.is_any(&["IN", "OUT", "INOUT", "OUTPUT", "INPUT"]);
        if mode && r.kind_at(1) == Some(TokenKind::Word) && !r.is_op_at(2, ",") && !r.is_op_at(2, ")") {
            r.step();
        }
        let name = r.any_ident()?;
        r.take_any(&["IN", "OUT", "INOUT", "OUTPUT", "INPUT"]);
        let found = if r.is("TABLE") && r.is_op_at(1, "(") {
            r.step();
            r.skip()?;
            DataType("TABLE".to_owned())
        } else {
            types::data_type(r)?
        };
        r.take_phrase("NOT NULL");
        while !r.is_op(",") && !r.is_op(")") {
            // DEFAULT and its value.
            r.skip()?;
        }
        Ok((name, found))
    })?;
    r.expect_op(")")?;
    Ok(found)
}

fn policy(r: &mut Reader<'_>, found: &mut ObjectDef) -> Read<()> {
    r.expect("AS")?;
    let takes = arguments(r)?.into_iter().map(|(_, data_type)| data_type).collect();
    r.expect("RETURNS")?;
    found.detail = Detail::Policy(types::data_type(r)?);
    found.arguments = Some(takes);
    r.expect_op("->")?;
    expr::expr(r)?;
    let mut options = Options::default();
    while !r.done() {
        if !options.take(r)? {
            return Err(r.unexpected());
        }
    }
    keep(found, options)
}

fn sequence(r: &mut Reader<'_>, found: &mut ObjectDef) -> Read<()> {
    let mut options = Options::default();
    // The server knows the two by names of its own.
    let mut seen: Vec<&str> = Vec::new();
    let mut once = |property: &'static str| {
        if seen.contains(&property) {
            return Err(properties::repeated(property));
        }
        seen.push(property);
        Ok(())
    };
    while !r.done() {
        if let Some(source) = clone(r, found.kind, found.mode)? {
            found.clone = Some(source);
        } else if r.take("START") {
            r.take("WITH");
            r.take_op("=");
            super::columns::number(r)?;
            once("SEQUENCE_START")?;
        } else if r.take("INCREMENT") {
            r.take("BY");
            r.take_op("=");
            let step = super::columns::number(r)?;
            once("SEQUENCE_INCREMENT")?;
            if step.trim_start_matches('-').bytes().all(|digit| digit == b'0') {
                return Err(SnowflakeError::invalid_value("SEQUENCE_INCREMENT", &step));
            }
        } else if r.take_any(&["ORDER", "NOORDER"]) || r.take_op(",") {
        } else if !options.take(r)? {
            return Err(r.unexpected());
        }
    }
    keep(found, options)
}

fn stream(r: &mut Reader<'_>, found: &mut ObjectDef) -> Read<()> {
    let mut options = Options::default();
    while !r.done() {
        if let Some(source) = clone(r, found.kind, found.mode)? {
            found.clone = Some(source);
        } else if r.take("ON") {
            let kind = super::kind(r)?;
            let one = r.use_of(kind)?;
            found.detail = Detail::Stream(one.clone());
            found.uses.push(one);
        } else if r.is_any(&["AT", "BEFORE"]) {
            clone_words(r)?;
        } else if !options.take(r)? {
            return Err(r.unexpected());
        }
    }
    keep(found, options)?;
    if found.clone.is_none()
        && !found.uses.iter().any(|one| one.kind.is_relation() || one.kind == ObjectKind::Stage)
    {
        return Err(r.unexpected());
    }
    Ok(())
}

fn task(r: &mut Reader<'_>, found: &mut ObjectDef) -> Read<()> {
    let mut options = Options::default();
    let (mut after_all, mut finalize) = (Vec::new(), None);
    while !r.done() {
        if let Some(source) = clone(r, found.kind, found.mode)? {
            found.clone = Some(source);
            return r.skip_rest();
        }
        if r.take("AFTER") {
            let after = r.commas(|r| {
                if r.kind() == Some(TokenKind::String) {
                    let text = r.string().unwrap_or_default();
                    let name = super::reader::written_name(&text, ObjectKind::Task)?;
                    return Ok(ObjectUse { kind: ObjectKind::Task, name });
                }
                r.use_of(ObjectKind::Task)
            })?;
            after_all.extend(after.iter().map(|one| one.name.clone()));
            found.uses.extend(after);
        } else if r.take("WHEN") {
            expr::expr(r)?;
        } else if r.is("AS") {
            if r.kind_at(1).is_none() {
                r.step();
                return Err(r.unexpected());
            }
            // The body runs later and is compiled then.
            r.skip_all();
        } else if r.is("EXECUTE") && r.is_at(1, "AS") {
            r.step();
            r.step();
            r.take("USER");
            r.step();
        } else if r.is("FINALIZE") && r.is_op_at(1, "=") {
            r.step();
            r.step();
            if r.kind() == Some(TokenKind::String) {
                r.step();
            } else {
                let root = r.use_of(ObjectKind::Task)?;
                finalize = Some(root.name.clone());
                found.uses.push(root);
            }
        } else if !options.take(r)? {
            return Err(r.unexpected());
        }
    }
    schedule(&options)?;
    let scheduled = options.properties.iter().any(|(name, _)| name == "SCHEDULE");
    found.detail = Detail::Task { after: after_all, finalize, scheduled };
    keep(found, options)?;
    if found.clone.is_none() && found.mode != Mode::Alter && r.done() && !has_body(r) {
        return Err(r.unexpected());
    }
    Ok(())
}

/// `USING CRON ...`, or a number above zero and a unit.
fn schedule(options: &Options) -> Read<()> {
    let Some(written) = options.properties.iter().find(|(name, _)| name == "SCHEDULE") else { return Ok(()) };
    let Some(text) = written.1.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) else {
        return Ok(());
    };
    let text = text.trim().to_ascii_uppercase();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = text[digits..].trim();
    let every = text[..digits].bytes().any(|digit| digit != b'0')
        && ["MINUTE", "HOUR", "SECOND", "M", "H", "S"].contains(&unit.strip_suffix('S').unwrap_or(unit));
    if every || text.starts_with("USING CRON") || unit == "S" && digits > 0 {
        return Ok(());
    }
    let message =
        "Invalid schedule was specified. Please refer to the docs on what constitutes a valid schedule.";
    Err(SnowflakeError::bare(UNKNOWN_CODE, "22023", message))
}

/// Whether the statement has an AS with something after it.
fn has_body(r: &mut Reader<'_>) -> bool {
    let mark = r.mark();
    r.back(0);
    while !r.done() && (!r.is("AS") || r.kind_at(1).is_none()) {
        r.step();
    }
    let found = !r.done();
    r.back(mark);
    found
}

fn pipe(r: &mut Reader<'_>, found: &mut ObjectDef) -> Read<()> {
    let mut options = Options::default();
    while !r.is("AS") {
        if r.done() || !options.take(r)? {
            return Err(r.unexpected());
        }
    }
    r.step();
    if r.is("COPY") {
        let Command::Copy(copy) = dml::dml(r)? else { return Err(r.unexpected()) };
        found.uses.extend(copy.uses);
        if let Some((table, _)) = copy.into {
            found.uses.push(ObjectUse { kind: ObjectKind::Table, name: table });
        }
    } else {
        return Err(r.unexpected());
    }
    keep(found, options)
}
