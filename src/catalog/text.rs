//! The catalogue as text: JSON with its keys in order, so that two texts compare line by line.

use serde::{Deserialize, Serialize};

use super::Catalog;

/// The layout of the text; a newer one is refused.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Out<'c> {
    snowops_catalog: u32,
    #[serde(flatten)]
    catalog: &'c Catalog,
}

#[derive(Deserialize)]
struct Head {
    snowops_catalog: u32,
}

pub(super) fn write(catalog: &Catalog) -> String {
    let out = Out { snowops_catalog: VERSION, catalog };
    // Maps with text keys and plain values always serialise.
    let mut text = serde_json::to_string_pretty(&out).unwrap_or_default();
    text.push('\n');
    text
}

pub(super) fn read(text: &str) -> Result<Catalog, String> {
    let fault = |error: serde_json::Error| format!("the catalogue's text cannot be read: {error}");
    let head: Head = serde_json::from_str(text).map_err(fault)?;
    if head.snowops_catalog != VERSION {
        return Err(format!(
            "the catalogue's text has layout {}, this program reads {VERSION}",
            head.snowops_catalog
        ));
    }
    serde_json::from_str(text).map_err(fault)
}
