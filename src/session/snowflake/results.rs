//! Rows of an answer: those that came with it, and those in chunks beside it.
//!
//! What was cut off is fetched again, by the chunk's own address or by the statement's id; nothing here sends a
//! statement.

use std::{collections::BTreeMap, io::Read as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::{
    Notice,
    backoff::Backoff,
    cells::{self, Column},
    context::Names,
    error::Refusal,
    exchange::Wire,
    http::Outgoing,
};

/// How long the rows of one chunk may take to fetch.
const CHUNK_BUDGET: std::time::Duration = std::time::Duration::from_mins(2);

/// The `data` of an answer to a statement.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Data {
    #[serde(flatten)]
    pub(super) refusal: Refusal,
    #[serde(flatten)]
    pub(super) names: Names,
    pub(super) get_result_url: Option<String>,
    pub(super) statement_type_id: Option<i64>,
    #[serde(rename = "rowtype")]
    pub(super) columns: Vec<Column>,
    rowset: Option<Vec<Vec<Option<String>>>>,
    #[serde(rename = "rowsetBase64")]
    rowset_base64: Option<String>,
    total: Option<i64>,
    chunks: Vec<Chunk>,
    chunk_headers: BTreeMap<String, String>,
    /// The key of encrypted chunks, where no headers are given.
    qrmk: Option<String>,
    query_result_format: Option<String>,
    pub(super) query_context: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Chunk {
    url: String,
    row_count: i64,
}

/// Rows, as text.
pub(super) type Rows = Vec<Vec<Option<String>>>;

impl Data {
    fn is_arrow(&self) -> bool {
        self.query_result_format
            .as_deref()
            .is_some_and(|format| format.to_ascii_lowercase().starts_with("arrow"))
    }

    /// The rows that came with the answer. An error says what is wrong with them.
    pub(super) fn inline(&self) -> Result<Rows, String> {
        let rows = if self.is_arrow() {
            match self.rowset_base64.as_deref() {
                None | Some("") => Vec::new(),
                Some(text) => {
                    let bytes =
                        BASE64_STANDARD.decode(text).map_err(|_| "its base64 is damaged".to_owned())?;
                    arrow_rows(&bytes, &self.columns)?
                }
            }
        } else {
            json_rows(self.rowset.clone().unwrap_or_default(), &self.columns)?
        };
        let elsewhere: i64 = self.chunks.iter().map(|chunk| chunk.row_count).sum();
        let announced = self.total.map_or(0, |total| total - elsewhere);
        if i64::try_from(rows.len()).is_ok_and(|came| came < announced) {
            return Err(format!("{announced} rows were announced and {} came", rows.len()));
        }
        Ok(rows)
    }

    /// Whether there are rows beside the answer.
    pub(super) fn has_chunks(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// Rows changed by DML: what its one row says in the columns for inserted, updated and deleted rows.
    pub(super) fn changed(&self, rows: &Rows) -> u64 {
        /// Ids of DML (`SFStatementType` of Snowflake's JDBC driver).
        const DML: std::ops::Range<i64> = 0x3000..0x4000;
        if self.statement_type_id.is_some_and(|id| !DML.contains(&id)) {
            return 0;
        }
        let Some(row) = rows.first() else { return 0 };
        let counts = self.columns.iter().zip(row).filter(|(column, _)| {
            matches!(
                column.name.as_str(),
                "number of rows inserted" | "number of rows updated" | "number of rows deleted"
            )
        });
        counts.filter_map(|(_, cell)| cell.as_deref()?.parse::<u64>().ok()).sum()
    }

    fn headers(&self) -> Vec<(String, String)> {
        if !self.chunk_headers.is_empty() {
            return self.chunk_headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        }
        let header = |name: &str, value: &str| {
            (format!("x-amz-server-side-encryption-customer-{name}"), value.to_owned())
        };
        self.qrmk
            .as_deref()
            .map(|key| vec![header("algorithm", "AES256"), header("key", key)])
            .unwrap_or_default()
    }
}

/// Fetches the chunks of an answer from number `from` on and adds their rows. The error tells how many are read, and
/// what went wrong with the next.
pub(super) async fn chunks(
    wire: &Wire,
    data: &Data,
    from: usize,
    rows: &mut Rows,
) -> Result<(), (usize, String)> {
    let headers = data.headers();
    for (at, chunk) in data.chunks.iter().enumerate().skip(from) {
        let more = fetch(wire, data, chunk, &headers).await.map_err(|message| (at, message))?;
        rows.extend(more);
    }
    Ok(())
}

async fn fetch(
    wire: &Wire,
    data: &Data,
    chunk: &Chunk,
    headers: &[(String, String)],
) -> Result<Rows, String> {
    // Its query is signed and gives access: it is not shown.
    let url = Url::parse(&chunk.url)
        .map_err(|_| "the address of a part of the result cannot be read".to_owned())?;
    let start = wire.now();
    let mut backoff = Backoff::new();
    loop {
        let out = Outgoing { method: Method::GET, url: url.clone(), headers, body: None };
        let message = match wire.http.send(out).await {
            Ok(reply) if reply.status == 200 => match decode(reply.body, data, chunk) {
                Ok(rows) => return Ok(rows),
                Err(message) => message,
            },
            Ok(reply) if matches!(reply.status, 408 | 429 | 500..=599) => format!("HTTP {}", reply.status),
            Ok(reply) => return Err(format!("HTTP {} for a part of the result", reply.status)),
            Err(fault) if fault.kind.may_pass() => fault.message,
            Err(fault) => return Err(fault.message),
        };
        let wait = backoff.next(wire.context.ids.as_ref(), None);
        let elapsed = wire.now().since(start);
        if elapsed + wait > CHUNK_BUDGET {
            return Err(format!("a part of the result cannot be fetched: {message}"));
        }
        wire.notices
            .tell(Notice { what: format!("fetching a part of the result again: {message}"), elapsed });
        wire.context.clock.sleep(wait).await;
    }
}

fn decode(body: Vec<u8>, data: &Data, chunk: &Chunk) -> Result<Rows, String> {
    /// First bytes of gzip: stores may give such a file without saying so.
    const GZIP: [u8; 2] = [0x1F, 0x8B];
    let body = if body.starts_with(&GZIP) {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice())
            .read_to_end(&mut plain)
            .map_err(|_| "it is cut off".to_owned())?;
        plain
    } else {
        body
    };
    let rows = if data.is_arrow() {
        arrow_rows(&body, &data.columns)?
    } else {
        // The rows of an array, without its brackets.
        let text = [b"[".as_slice(), &body, b"]"].concat();
        json_rows(serde_json::from_slice(&text).map_err(|_| "it is cut off".to_owned())?, &data.columns)?
    };
    if i64::try_from(rows.len()).is_ok_and(|came| came != chunk.row_count) {
        return Err(format!("it has {} rows, not {}", rows.len(), chunk.row_count));
    }
    Ok(rows)
}

fn json_rows(rows: Rows, columns: &[Column]) -> Result<Rows, String> {
    let read = |(at, cell): (usize, Option<String>)| match (cell, columns.get(at)) {
        (Some(cell), Some(column)) => cells::from_json(column, &cell)
            .map(Some)
            .ok_or_else(|| format!("column {} of type {} cannot be read", column.name, column.kind)),
        (cell, _) => Ok(cell),
    };
    rows.into_iter().map(|row| row.into_iter().enumerate().map(read).collect()).collect()
}

#[cfg(feature = "arrow")]
fn arrow_rows(bytes: &[u8], columns: &[Column]) -> Result<Rows, String> {
    super::arrow::rows(bytes, columns)
}

#[cfg(not(feature = "arrow"))]
fn arrow_rows(_bytes: &[u8], _columns: &[Column]) -> Result<Rows, String> {
    Err("the server sends Arrow, which this build of snowops cannot read (feature `arrow`)".to_owned())
}
