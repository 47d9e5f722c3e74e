//! What git says about the work tree.

use camino::Utf8Path;
use git2::{Repository, StatusOptions};

use crate::files;

/// The commit that a work tree stands at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its id, hexadecimal, in full.
    pub commit: String,
    /// Whether something below the project's folder differs from it: changed, staged, deleted or new. What git
    /// ignores does not count. True also when git cannot tell.
    pub dirty: bool,
}

/// The commit of the repository that holds `root`.
///
/// `None` outside a repository, before the first commit, and when git refuses the repository (one of another owner
/// that no `safe.directory` names): it is a remark in the journal, and no command fails for want of it.
pub fn commit(root: &Utf8Path) -> Option<String> {
    commit_of(&Repository::discover(root).ok()?)
}

fn commit_of(repository: &Repository) -> Option<String> {
    Some(repository.head().ok()?.peel_to_commit().ok()?.id().to_string())
}

/// [`commit`], and whether the work tree differs from it, for which git looks at every file below `root`.
pub fn head(root: &Utf8Path) -> Option<Head> {
    let repository = Repository::discover(root).ok()?;
    let commit = commit_of(&repository)?;
    let dirty = is_dirty(&repository, root).unwrap_or(true);
    Some(Head { commit, dirty })
}

fn is_dirty(repository: &Repository, root: &Utf8Path) -> Option<bool> {
    let Some(work) = repository.workdir() else { return Some(false) };
    let work = files::canonical(Utf8Path::from_path(work)?).ok()?;
    let root = files::canonical(root).ok()?;
    let below = root.strip_prefix(&work).ok()?;
    let mut options = StatusOptions::new();
    options.include_untracked(true).exclude_submodules(true).disable_pathspec_match(true);
    if !below.as_str().is_empty() {
        options.pathspec(below.as_str());
    }
    Some(!repository.statuses(Some(&mut options)).ok()?.is_empty())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests build a repository")]
mod tests {
    use std::fs;

    use camino::Utf8PathBuf;
    use git2::{IndexAddOption, Signature};

    use super::*;

    fn commit_all(repository: &Repository) -> String {
        let mut index = repository.index().unwrap();
        index.add_all(["."], IndexAddOption::DEFAULT, None).unwrap();
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let me = Signature::now("test", "test@example.invalid").unwrap();
        repository.commit(Some("HEAD"), &me, &me, "one", &tree, &[]).unwrap().to_string()
    }

    #[test]
    fn the_head_and_what_differs_below_the_project() {
        let guard = tempfile::tempdir().unwrap();
        let top = Utf8PathBuf::from_path_buf(guard.path().canonicalize().unwrap()).unwrap();
        let project = top.join("proj[1]");
        fs::create_dir_all(project.join("migrations")).unwrap();
        assert_eq!(head(&project), None);
        let repository = Repository::init(&top).unwrap();
        assert_eq!(head(&project), None, "before the first commit");
        fs::write(project.join("migrations/V1__x.sql"), "x").unwrap();
        fs::write(top.join(".gitignore"), "*.db\n").unwrap();
        let commit = commit_all(&repository);
        let clean = Some(Head { commit: commit.clone(), dirty: false });
        let dirty = Some(Head { commit, dirty: true });
        assert_eq!(head(&project), clean);
        fs::write(top.join("elsewhere"), "x").unwrap();
        fs::write(project.join("state.db"), "x").unwrap();
        assert_eq!(head(&project), clean, "elsewhere and ignored");
        assert_eq!(head(&top), dirty, "elsewhere is inside now");
        fs::write(project.join("migrations/V2__y.sql"), "x").unwrap();
        assert_eq!(head(&project), dirty, "a new file");
        fs::remove_file(project.join("migrations/V2__y.sql")).unwrap();
        assert_eq!(head(&project), clean);
        fs::write(project.join("migrations/V1__x.sql"), "changed").unwrap();
        assert_eq!(head(&project), dirty, "a changed file");
    }
}
