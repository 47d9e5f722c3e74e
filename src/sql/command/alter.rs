//! ALTER.

mod table;

use super::{
    named_target_of,
    options::{self, Options},
    properties::{self, Place},
    reader::{Read, Reader},
};
use crate::{
    model::{
        command::{Action, Command},
        facts::Verb,
        kind::{Ability, ObjectKind},
        refusal::{SnowflakeError, UNKNOWN_CODE},
    },
    sql::lex::TokenKind,
};

pub(super) fn alter(r: &mut Reader<'_>) -> Read<Command> {
    if r.is("SESSION") && !r.is_at(1, "POLICY") {
        r.step();
        return session(r);
    }
    if is_class_instance(r) {
        // `ALTER SNOWFLAKE.ML.FORECAST model ...`
        r.skip_rest()?;
        return Ok(Command::Other { verb: Verb::Alter, uses: Vec::new(), ddl: true });
    }
    if r.is("ACCOUNT") || r.is("ORGANIZATION") && r.is_at(1, "ACCOUNT") {
        r.skip_all();
        return Ok(Command::Other { verb: Verb::Alter, uses: Vec::new(), ddl: true });
    }
    let kind = super::kind(r)?;
    // The session's own user or warehouse.
    let own = matches!(kind, ObjectKind::User | ObjectKind::Warehouse);
    let nameless = own && r.is_any(&["SET", "UNSET", "SUSPEND", "RESUME", "ABORT"])
        || kind == ObjectKind::User && r.is_phrase("ADD PROGRAMMATIC ACCESS TOKEN");
    if nameless {
        r.skip_all();
        return Ok(Command::Other { verb: Verb::Alter, uses: Vec::new(), ddl: true });
    }
    let target = named_target_of(r, kind)?;
    if r.done() {
        return Err(r.unexpected());
    }
    let actions = if kind == ObjectKind::Column { Vec::new() } else { actions(r, kind)? };
    Ok(Command::Alter { target, actions })
}

/// A class with its path stands where a kind should, and the name of an instance behind it.
pub(super) fn is_class_instance(r: &Reader<'_>) -> bool {
    let mut at = 0;
    while r.kind_at(at) == Some(TokenKind::Word) && r.is_op_at(at + 1, ".") {
        at += 2;
    }
    at > 0 && matches!(r.kind_at(at + 1), Some(TokenKind::Word | TokenKind::QuotedName))
}

fn session(r: &mut Reader<'_>) -> Read<Command> {
    let (mut set, mut unset) = (Vec::new(), Vec::new());
    if r.take("SET") {
        while !r.done() {
            let name = r.any_ident()?.as_str().to_owned();
            r.expect_op("=")?;
            let start = r.mark();
            options::value(r)?;
            let value = r.between(start, r.mark()).to_owned();
            properties::judge_session(&name, &value)?;
            set.push((name, value));
            r.take_op(",");
        }
    } else if r.take("UNSET") {
        unset = r.commas(|r| Ok(r.any_ident()?.as_str().to_owned()))?;
    }
    if set.is_empty() && unset.is_empty() {
        return Err(r.unexpected());
    }
    r.finish()?;
    Ok(Command::AlterSession { set, unset })
}

fn actions(r: &mut Reader<'_>, kind: ObjectKind) -> Read<Vec<Action>> {
    let unable = r.is_phrase("RENAME TO") && cannot_be_renamed(kind)
        || r.is_phrase("SWAP WITH") && !can_be_swapped(kind);
    if unable {
        return Err(r.unexpected());
    }
    if r.take_phrase("RENAME TO") {
        let to = r.name(kind)?;
        r.finish()?;
        return Ok(vec![Action::Rename(to)]);
    }
    if r.take_phrase("SWAP WITH") {
        let with = r.name(kind)?;
        r.finish()?;
        return Ok(vec![Action::Swap(with)]);
    }
    match kind {
        ObjectKind::Table
        | ObjectKind::TransientTable
        | ObjectKind::TemporaryTable
        | ObjectKind::DynamicTable
        | ObjectKind::ExternalTable
        | ObjectKind::HybridTable
        | ObjectKind::IcebergTable
        | ObjectKind::EventTable
        | ObjectKind::InteractiveTable => table::table(r, kind),
        ObjectKind::View | ObjectKind::MaterializedView => view(r, kind),
        ObjectKind::Schema | ObjectKind::Database => container(r, kind),
        _ => other(r, kind).map(|one| vec![one]),
    }
}

/// Kinds of which it is certain that no RENAME TO exists.
fn cannot_be_renamed(kind: ObjectKind) -> bool {
    !kind.can(Ability::Rename)
        && (kind.name_space() == "integration"
            || matches!(
                kind,
                ObjectKind::Task
                    | ObjectKind::Alert
                    | ObjectKind::Stream
                    | ObjectKind::Pipe
                    | ObjectKind::NetworkRule
                    | ObjectKind::ResourceMonitor
                    | ObjectKind::Share
                    | ObjectKind::ComputePool
                    | ObjectKind::ImageRepository
            ))
}

/// Tables of all flavours are swapped by the plain word too.
fn can_be_swapped(kind: ObjectKind) -> bool {
    kind.can(Ability::Swap) || kind.is_relation() && kind.words().ends_with("TABLE")
}

fn container(r: &mut Reader<'_>, kind: ObjectKind) -> Read<Vec<Action>> {
    for (word, on) in [("ENABLE", true), ("DISABLE", false)] {
        if r.is(word) && r.is_at(1, "MANAGED") {
            r.step();
            r.step();
            r.expect("ACCESS")?;
            r.finish()?;
            return Ok(vec![Action::ManagedAccess(on)]);
        }
    }
    other(r, kind).map(|one| vec![one])
}

/// The first words of every ALTER. Another word is refused; what follows the first is judged where the kind is modelled.
const FIRST_WORDS: &str = "ABORT ACCEPT ACTIVATE ADD ALTER APPLY AS BACKFILL CANCEL CLUSTER COLLECT COMMIT COMPLETE CONFIGURE \
     CONVERT COPY DEACTIVATE DELEGATED DELETE DEMOTE DEREGISTER DISABLE DROP ENABLE ENROLL EVOLVE EXECUTE \
     EXPORT FETCH FORCE FROM GRANT IF IMPORT INCREMENT INITIATE INSTALL LIVE LOAD MODIFY MOVE NOORDER \
     NOTIFY_USERS ORDER PRIMARY PROMOTE PUBLISH PULL PUSH REACTIVATE RECLUSTER REFRESH REGISTER REJECT \
     RELEASE REMOVE RENAME REPAIR REPLACE RESET RESTORE RESUME REVIEW REVOKE ROLLBACK ROTATE SET START \
     STOP SUSPEND SWAP SYNC TRANSFER TRIGGERS UNDROP UNPUBLISH UNSET UPDATE UPGRADE USING VALIDATE VERSION WITH \
     WRITE";

/// SET, UNSET, and what the catalogue does not hold.
fn other(r: &mut Reader<'_>, kind: ObjectKind) -> Read<Action> {
    if r.kind() == Some(TokenKind::Word) && !r.is_one_of(FIRST_WORDS) {
        return Err(r.unexpected());
    }
    if r.take("SET") {
        return set(r, kind);
    }
    if r.take("UNSET") {
        if kind == ObjectKind::Stage && !r.is("TAG") {
            return Err(SnowflakeError::unsupported("UNSET"));
        }
        return unset(r, kind);
    }
    if r.is_any(&["REFRESH", "RECLUSTER"]) {
        r.skip_rest()?;
        return Ok(Action::Refresh);
    }
    if r.is_any(&["RESUME", "SUSPEND"]) && r.kind_at(1).is_none() {
        let on = r.is("RESUME");
        r.step();
        return Ok(Action::Run(on));
    }
    if kind == ObjectKind::Task && (r.is_phrase("ADD AFTER") || r.is_phrase("REMOVE AFTER")) {
        let add = r.is("ADD");
        r.step();
        r.step();
        let tasks = r.commas(|r| r.name(ObjectKind::Task))?;
        r.finish()?;
        return Ok(Action::After { add, tasks });
    }
    if kind == ObjectKind::Tag && (r.is_phrase("ADD ALLOWED_VALUES") || r.is_phrase("DROP ALLOWED_VALUES")) {
        let add = r.is("ADD");
        r.step();
        r.step();
        let values = r.commas(Reader::expect_string)?;
        r.finish()?;
        return Ok(Action::AllowedValues { add, values });
    }
    if kind == ObjectKind::Task && r.is("MODIFY") {
        r.skip_all();
    }
    r.skip_rest()?;
    Ok(Action::Other(Vec::new()))
}

fn set(r: &mut Reader<'_>, kind: ObjectKind) -> Read<Action> {
    let mut options = Options::default();
    let mut secure = None;
    let mut stray = false;
    while !r.done() {
        let after = std::mem::take(&mut stray);
        if r.take("SECURE") {
            secure = Some(true);
        } else if r.take("TAG") {
            options.tie(options::tag(r)?);
            while r.is_op(",") && is_tag_value(r) {
                r.step();
                options.tie(options::tag(r)?);
            }
        } else if kind == ObjectKind::Table && r.take("CONTACT") {
            let uses = r.commas(|r| {
                purpose(r)?;
                r.expect_op("=")?;
                r.use_of(ObjectKind::Contact)
            })?;
            options.uses.extend(uses);
        } else if r.take("CONTACT") {
            r.skip_rest()?;
        } else if r.is("BODY") && r.is_op_at(1, "->") || r.is("NETWORK_POLICY") {
            r.skip_all();
        } else if !options.take(r)? {
            if kind == ObjectKind::Table || kind == ObjectKind::View {
                return Err(r.unexpected());
            }
            stray = r.kind() == Some(TokenKind::Word);
            r.skip()?;
        } else if after {
            // `SET INCREMENT BY = 2`: the name has more than one word.
            options.forget_last();
        }
    }
    options.judge(kind, Place::Alter)?;
    if kind == ObjectKind::FileFormat && options.properties.iter().any(|(name, _)| name == "TYPE") {
        return Err(SnowflakeError::compilation(
            UNKNOWN_CODE,
            "0A000",
            "File format type cannot be changed.",
        ));
    }
    let Options { comment, properties, uses, links, .. } = options;
    Ok(Action::Set { properties, comment, secure, uses, links })
}

/// Whether `, name = 'text'` stands here, and not `, PROPERTY = value`.
fn is_tag_value(r: &Reader<'_>) -> bool {
    const PROPERTIES: &[&str] = &["COMMENT", "DATA_RETENTION_TIME_IN_DAYS"];
    let value = r.kind_at(3);
    let named = PROPERTIES.iter().any(|name| r.is_at(1, name));
    !named
        && (r.is_op_at(2, ".")
            || r.is_op_at(2, "=") && matches!(value, Some(TokenKind::String | TokenKind::QuotedName)))
}

fn unset(r: &mut Reader<'_>, kind: ObjectKind) -> Read<Action> {
    let (mut properties, mut uses) = (Vec::new(), Vec::new());
    let mut options = Options::default();
    if r.is("TAG") && r.kind_at(1).is_some() {
        r.step();
        uses = r.commas(|r| r.use_of(ObjectKind::Tag))?;
    } else if r.is_phrase("MASKING POLICY") {
        uses = r.commas(|r| {
            r.take_phrase("MASKING POLICY");
            r.use_of(ObjectKind::MaskingPolicy)
        })?;
    } else if kind == ObjectKind::Table && r.is("CONTACT") && r.kind_at(1).is_some() {
        r.step();
        r.commas(purpose)?;
    } else if properties::of(kind).is_none() {
        let Some(TokenKind::Word) = r.kind() else { return Err(r.unexpected()) };
        properties.push(r.here().to_ascii_uppercase());
        r.skip_rest()?;
    } else {
        let mut several = false;
        while !r.done() {
            let first = !several;
            if r.kind() == Some(TokenKind::Word) {
                let alone = r.kind_at(1).is_none() || r.is_op_at(1, ",");
                if first && alone && !r.is("SECURE") {
                    options.name(r.here());
                }
                // Names of several words, policies for instance, are no properties.
                several |= !alone;
                properties.push(r.here().to_ascii_uppercase());
            } else if !r.is_op(",") && !r.is_op("(") && !r.is_op(")") {
                return Err(r.unexpected());
            }
            r.step();
        }
        if properties.is_empty() {
            return Err(r.unexpected());
        }
    }
    r.finish()?;
    options.judge(kind, Place::Alter)?;
    Ok(Action::Unset { properties, uses })
}

/// What a contact is for.
fn purpose(r: &mut Reader<'_>) -> Read<()> {
    let purpose = if r.kind() == Some(TokenKind::String) {
        options::comment_text(r)?
    } else {
        r.any_ident()?.as_str().to_owned()
    };
    if ["ACCESS_APPROVAL", "STEWARD", "SUPPORT"].iter().any(|known| purpose.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let detail =
        format!("Purpose type {purpose} is not valid, please use access_approval, steward and support.");
    Err(SnowflakeError::compilation_line(UNKNOWN_CODE, "22023", detail))
}

fn view(r: &mut Reader<'_>, kind: ObjectKind) -> Read<Vec<Action>> {
    if r.is("MODIFY") && r.is_at(1, "DATA") && r.is_at(2, "METRIC") {
        r.skip_rest()?;
        return Ok(vec![Action::Other(Vec::new())]);
    }
    if r.is_any(&["ALTER", "MODIFY"]) {
        r.step();
        return table::column_changes(r);
    }
    if r.is_any(&["ADD", "DROP"]) {
        return table::add_or_drop_policy(r);
    }
    if r.is_phrase("CLUSTER BY") {
        return Ok(vec![Action::ClusterBy(options::cluster_by(r)?)]);
    }
    other(r, kind).map(|one| vec![one])
}
