//! Listing a tree: sorted, without circles, without leaving the project.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Action, FileError, Reason, Special, canonical, reason_of, special};

/// Something that [`walk`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path from the walked folder, with `/`; a name that is no UTF-8 has replacement characters.
    pub path: Utf8PathBuf,
    /// What it is.
    pub found: Found,
}

/// What an [`Entry`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An ordinary file, or a link to one inside the project.
    File,
    /// A folder; what is in it follows as entries of their own.
    Folder,
    /// Something that must not be read, or cannot.
    Refused(FileError),
}

/// All that is below `folder`, sorted by path; hidden folders are left out, as Flyway does.
///
/// Links are followed when they lead to a place inside `root` or `folder` that was not read already; all others
/// are [`Found::Refused`]. Only an unusable `folder` itself is an error.
pub fn walk(folder: &Utf8Path, root: &Utf8Path) -> Result<Vec<Entry>, FileError> {
    let real = canonical(folder)?;
    let root = canonical(root)?;
    let mut walker = Walker {
        folder: folder.to_owned(),
        bounds: [root, real.clone()],
        seen: BTreeSet::new(),
        links: VecDeque::new(),
        entries: Vec::new(),
    };
    walker.list(Utf8Path::new(""), &real)?;
    // Real folders come first, so that it is always the link that is refused, whatever the names are.
    while let Some((path, target)) = walker.links.pop_front() {
        walker.descend(path, &target);
    }
    walker.entries.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
    Ok(walker.entries)
}

struct Walker {
    folder: Utf8PathBuf,
    /// Canonical folders that links may lead into.
    bounds: [Utf8PathBuf; 2],
    /// Canonical folders that were listed.
    seen: BTreeSet<Utf8PathBuf>,
    /// Links to folders, to follow later.
    links: VecDeque<(Utf8PathBuf, Utf8PathBuf)>,
    entries: Vec<Entry>,
}

impl Walker {
    fn refuse(&mut self, path: Utf8PathBuf, action: Action, reason: Reason) {
        let error = FileError::new(&self.folder.join(&path), action, reason);
        self.entries.push(Entry { path, found: Found::Refused(error) });
    }

    /// Lists the folder `path`, whose canonical path is `real`, and the real folders below it.
    fn list(&mut self, path: &Utf8Path, real: &Utf8Path) -> Result<(), FileError> {
        let shown = self.folder.join(path);
        let failed = |error: &std::io::Error| FileError::io(&shown, Action::List, error);
        let mut listed = Vec::new();
        for item in fs::read_dir(&shown).map_err(|e| failed(&e))? {
            let item = item.map_err(|e| failed(&e))?;
            let kind = item.file_type().map_err(|e| failed(&e))?;
            listed.push((item.file_name(), kind));
        }
        listed.sort_by(|a, b| a.0.cmp(&b.0));
        self.seen.insert(real.to_owned());
        for (name, kind) in listed {
            let Some(name) = name.to_str() else {
                let lossy = path.join(name.to_string_lossy().as_ref());
                self.refuse(lossy, Action::Read, Reason::Name);
                continue;
            };
            let below = if path.as_str().is_empty() {
                Utf8PathBuf::from(name)
            } else {
                // Not `join`, which writes `\` on Windows.
                Utf8PathBuf::from(format!("{path}/{name}"))
            };
            if kind.is_symlink() {
                self.link(below, name);
            } else if kind.is_dir() {
                if !is_hidden(name) {
                    self.descend(below, &real.join(name));
                }
            } else {
                self.leaf(below, kind);
            }
        }
        Ok(())
    }

    fn leaf(&mut self, path: Utf8PathBuf, kind: fs::FileType) {
        match special(kind) {
            None => self.entries.push(Entry { path, found: Found::File }),
            Some(what) => self.refuse(path, Action::Read, Reason::NotAFile(what)),
        }
    }

    /// A folder at `path`, whose canonical path is `real`.
    fn descend(&mut self, path: Utf8PathBuf, real: &Utf8Path) {
        let holds_the_walk = self.bounds[1].starts_with(real);
        if holds_the_walk || self.seen.contains(real) {
            self.refuse(path, Action::List, Reason::Loop);
            return;
        }
        match self.list(&path, real) {
            Ok(()) => self.entries.push(Entry { path, found: Found::Folder }),
            Err(error) => self.entries.push(Entry { path, found: Found::Refused(error) }),
        }
    }

    fn link(&mut self, path: Utf8PathBuf, name: &str) {
        let full = self.folder.join(&path);
        let found = match fs::metadata(&full) {
            Ok(found) => found,
            Err(error) => {
                let reason = match reason_of(&error) {
                    Reason::Missing => Reason::Dangling(written_target(&full)),
                    other => other,
                };
                return self.refuse(path, Action::Read, reason);
            }
        };
        if found.is_dir() && is_hidden(name) {
            return;
        }
        let real = match canonical(&full) {
            Ok(real) => real,
            Err(error) => return self.refuse(path, Action::Read, error.reason),
        };
        if !self.bounds.iter().any(|bound| real.starts_with(bound)) {
            return self.refuse(path, Action::Read, Reason::Outside(real.into_string()));
        }
        match special(found.file_type()) {
            None => self.entries.push(Entry { path, found: Found::File }),
            Some(Special::Folder) => self.links.push_back((path, real)),
            Some(what) => self.refuse(path, Action::Read, Reason::NotAFile(what)),
        }
    }
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// Where a link says it leads, for messages.
fn written_target(link: &Utf8Path) -> String {
    fs::read_link(link).map_or_else(|_| String::from("?"), |to| to.to_string_lossy().into_owned())
}
