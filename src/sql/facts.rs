//! What a statement is and does, and what follows from that.
//!
//! [`facts`] reads a statement once; the other functions are small and pure over its answer. Reading goes by the
//! grammar of statement heads, token by token: no statement is refused, and what is not understood says so in its
//! [`Certainty`].

mod alter;
mod body;
mod builtin;
mod class;
mod context;
mod clauses;
mod create;
mod depends;
mod grant;
mod guard;
mod hazard;
mod object;
mod privileges;
mod probe;
mod query;
mod reader;
mod retarget;
mod session_effect;
mod statements;
mod undo;

pub use class::{Classes, class, classes, left_open};
pub use context::follow;
pub use depends::{Dependency, depends};
pub use guard::guard;
pub use hazard::hazard;
pub use privileges::{Need, Privilege, Privileges, Securable, privileges};
pub use probe::probe;
pub use retarget::{Renamed, Retargeted, retarget};
pub use undo::undo;

use self::reader::Reader;
use super::{cursor::Tokens, lex::TokenKind};
use crate::model::facts::{Certainty, Facts, Scope, Verb};

/// The longest statement that is read to its end, in bytes. Snowflake takes 1 MB of text at most (its page "Query size
/// limits"), so that what is longer never runs; reading it all would only cost memory, some twenty times its size.
const LONGEST: usize = 4 * 1024 * 1024;

/// How much is read of a statement that is longer, in bytes: its verb and object stand there.
const HEAD: usize = 64 * 1024;

/// Reads one statement. Total: any text gives facts. Of one that is longer than 4 MiB only the head is read.
pub fn facts(text: &str) -> Facts {
    /// Bodies inside bodies that are looked into: a task that makes a procedure that runs a text.
    const DEEPEST_BODY: usize = 4;
    facts_within(text, DEEPEST_BODY)
}

/// The facts of a statement, which may itself stand in a body: `bodies` deeper ones are looked into.
fn facts_within(text: &str, bodies: usize) -> Facts {
    let whole = text.len() <= LONGEST;
    let tokens = if whole { Tokens::of(text) } else { Tokens::of_head(text, HEAD) };
    let mut reader = Reader::new(&tokens, bodies);
    if !whole {
        let reason = format!("it is longer than {LONGEST} bytes and only its head was read");
        reader.replace_doubt(text.floor_char_boundary(HEAD), reason);
    }
    read(&mut reader);
    session_effect::finish(&mut reader.facts, &tokens, whole);
    reader.finish()
}

/// Chooses by the first word.
fn read(reader: &mut Reader<'_>) {
    let cursor = reader.cursor;
    if let Some(verb) = not_server_sql(reader) {
        reader.facts.verb = verb;
        return;
    }
    if body::is_chain(cursor) {
        reader.facts.verb = Verb::Chain;
        return statements::run(reader, cursor);
    }
    let Some(word) = cursor.word() else {
        if cursor.at_paren() {
            query::query(reader);
        } else {
            unread(reader);
        }
        return;
    };
    match word.to_ascii_uppercase().as_str() {
        "CREATE" => create::create(reader),
        "ALTER" => alter::alter(reader),
        "DROP" => object::drop(reader),
        "UNDROP" => object::undrop(reader),
        "TRUNCATE" => object::truncate(reader),
        "COMMENT" => object::comment(reader),
        "DESC" | "DESCRIBE" => object::describe(reader),
        "SHOW" => object::show(reader),
        "GRANT" | "REVOKE" => grant::grant(reader),
        "USE" => session_effect::use_context(reader),
        "SET" | "UNSET" => session_effect::set(reader),
        "BEGIN" | "START" | "COMMIT" | "ROLLBACK" | "DECLARE" => body::transaction_or_block(reader),
        "SELECT" | "WITH" | "VALUES" | "TABLE" => query::query(reader),
        "EXPLAIN" => query::explain(reader),
        "INSERT" => query::insert(reader),
        "UPDATE" => query::update(reader),
        "DELETE" => query::delete(reader),
        "MERGE" => query::merge(reader),
        "COPY" => query::copy(reader),
        "LIST" | "LS" => query::stage_files(reader, Verb::List),
        "REMOVE" | "RM" => query::stage_files(reader, Verb::Remove),
        "CALL" => body::call(reader),
        "EXECUTE" => body::execute(reader),
        _ => unread(reader),
    }
}

/// PUT, GET and `!command` are for a client, never for the server.
fn not_server_sql(reader: &Reader<'_>) -> Option<Verb> {
    let cursor = reader.cursor;
    if cursor.kind() == Some(TokenKind::ClientCommand) || cursor.at_op("!") {
        return Some(Verb::ClientCommand);
    }
    cursor.at_any(&["PUT", "GET"]).then_some(Verb::Transfer)
}

fn unread(reader: &mut Reader<'_>) {
    reader.facts.verb = Verb::Other;
    reader.facts.scope = Scope::Unknown;
    reader.facts.certainty = Certainty::Unparsed;
}

#[cfg(test)]
mod tests;
