//! Macros and includes from a work tree.

use camino::{Utf8Path, Utf8PathBuf};

use super::super::classify::{join, shown};
use crate::{
    diagnostic::{Code, Diagnostic},
    files::{self, Reason},
    render::{TemplateFile, TemplateLoader},
};

/// Loads what a script includes: from the templates folder, else from the script's own folder, from nowhere else.
#[derive(Clone, Debug)]
pub struct Templates {
    root: Utf8PathBuf,
    templates: String,
}

impl TemplateLoader for Templates {
    /// The template `name`, for a script in `folder` (a path from the project's root). `None` when neither place
    /// has it. A name that leads elsewhere, and a file that cannot be read as UTF-8, is an error.
    fn load(&self, folder: &str, name: &str) -> Result<Option<TemplateFile>, Diagnostic> {
        self.find(folder, name)
    }
}

impl Templates {
    /// For the project at `root`, with its templates folder as configured.
    pub fn new(root: &Utf8Path, templates: &Utf8Path) -> Self {
        Self { root: root.to_owned(), templates: shown(templates) }
    }

    fn find(&self, folder: &str, name: &str) -> Result<Option<TemplateFile>, Diagnostic> {
        check(name)?;
        for place in [self.templates.as_str(), folder.trim_end_matches('/')] {
            if let Some(found) = self.load_from(place, name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn load_from(&self, place: &str, name: &str) -> Result<Option<TemplateFile>, Diagnostic> {
        let file = join(place, name);
        let base = self.root.join(place);
        let path = base.join(name);
        let refused = |reason: &Reason| {
            let code = match reason {
                Reason::Outside(_) | Reason::Loop | Reason::NotAFile(_) | Reason::Dangling(_) => {
                    Code::RefusedPath
                }
                Reason::NotUtf8 { .. } => Code::UndecodableText,
                _ => Code::UnreadableFile,
            };
            Diagnostic::error(code, format!("the template '{file}' cannot be read: {reason}")).in_file(&file)
        };
        let real = match files::canonical(&path) {
            Ok(real) => real,
            Err(error) if matches!(error.reason, Reason::Missing | Reason::NotAFolder) => return Ok(None),
            Err(error) => return Err(refused(&error.reason)),
        };
        let inside = [&self.root, &base]
            .into_iter()
            .any(|bound| files::canonical(bound).is_ok_and(|bound| real.starts_with(bound)));
        if !inside {
            return Err(refused(&Reason::Outside(real.into_string()))
                .hint("copy it into the project: what is applied must be under version control"));
        }
        let text = files::read_text(&real).map_err(|error| refused(&error.reason))?;
        if let Some(at) = memchr::memchr(0, text.as_bytes()) {
            let message = format!("the template '{file}' has a NUL character at offset {at}");
            return Err(Diagnostic::error(Code::UndecodableText, message).in_file(&file));
        }
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
        Ok(Some(TemplateFile { text: text.into(), file }))
    }
}

fn check(name: &str) -> Result<(), Diagnostic> {
    let bytes = name.as_bytes();
    let drive = bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
    let why = if name.is_empty() {
        "it is empty"
    } else if name.contains(char::is_control) {
        "it holds a control character"
    } else if name.contains('\\') {
        "it holds '\\'; folders are parted by '/'"
    } else if name.starts_with('/') || drive {
        "it is not relative"
    } else if name.split('/').any(|part| part == "..") {
        "it holds '..'"
    } else {
        return Ok(());
    };
    let shown = name.escape_debug();
    Err(Diagnostic::error(Code::TemplateError, format!("the template name '{shown}' is refused: {why}"))
        .hint("templates come from the templates folder or the script's own folder, by a path below it"))
}
