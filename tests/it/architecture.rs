//! Holds the walls: a module imports only from names before it, and async stays where waiting happens.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use syn::visit::{self, Visit};

/// The modules in their one line. A module may import only from names before it.
const LINE: &[&str] = &[
    "diagnostic",
    "model",
    "files",
    "event",
    "sql",
    "render",
    "plan",
    "catalog",
    "config",
    "source",
    "lint",
    "session",
    "ledger",
    "prepare",
    "inspect",
    "drift",
    "execute",
    "engine",
    "report",
    "pipeline",
    "cli",
];

/// Modules that may wait.
const ASYNC: &[&str] = &["session", "ledger", "inspect", "execute", "engine", "cli"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Module name, path and parsed file of every source file below a module.
fn parsed() -> Vec<(String, PathBuf, syn::File)> {
    let mut paths = Vec::new();
    files(&source(), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            let relative = path.strip_prefix(source()).unwrap().to_owned();
            let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
            let module = first.trim_end_matches(".rs").to_owned();
            if module == "lib" || module == "main" {
                return None;
            }
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            Some((module, relative, file))
        })
        .collect()
}

fn place(module: &str) -> Option<usize> {
    LINE.iter().position(|name| *name == module)
}

/// Every first segment behind `crate::`, in `use` and in expressions; test modules are left out.
#[derive(Default)]
struct Imports {
    names: Vec<String>,
    waits: bool,
}

fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("test")
            || (attr.path().is_ident("cfg")
                && attr.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test")))
    })
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.waits |= signature.asyncness.is_some();
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, expr: &'ast syn::ExprAsync) {
        self.waits = true;
        visit::visit_expr_async(self, expr);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, false);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments = path.segments.iter();
        let first = segments.next().map(|s| s.ident.to_string());
        if first.as_deref() == Some("crate") {
            self.names.extend(segments.next().map(|s| s.ident.to_string()));
        }
        self.waits |= first.as_deref() == Some("tokio");
        visit::visit_path(self, path);
    }
}

impl Imports {
    fn tree(&mut self, tree: &syn::UseTree, in_crate: bool) {
        match tree {
            syn::UseTree::Path(path) if path.ident == "crate" => self.tree(&path.tree, true),
            syn::UseTree::Path(path) if in_crate => self.names.push(path.ident.to_string()),
            syn::UseTree::Path(path) => self.waits |= path.ident == "tokio",
            syn::UseTree::Name(name) if in_crate => self.names.push(name.ident.to_string()),
            syn::UseTree::Rename(name) if in_crate => self.names.push(name.ident.to_string()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, in_crate)),
            _ => {}
        }
    }
}

#[test]
fn a_module_imports_only_from_modules_before_it() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (module, path, file) in parsed() {
        let Some(own) = place(&module) else {
            wrong.push(format!("{}: module `{module}` is not in the line", path.display()));
            continue;
        };
        let mut imports = Imports::default();
        imports.visit_file(&file);
        for name in imports.names.iter().filter(|name| **name != module) {
            seen += 1;
            match place(name) {
                Some(other) if other < own => {}
                Some(_) => wrong.push(format!("{}: `{module}` imports the later `{name}`", path.display())),
                None => wrong.push(format!("{}: `{name}` is no module of the line", path.display())),
            }
        }
    }
    assert!(seen > 50, "only {seen} imports were found: the test no longer reads the sources");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_modules_that_wait_are_async() {
    let mut waits: BTreeMap<String, bool> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (module, path, file) in parsed() {
        let mut imports = Imports::default();
        imports.visit_file(&file);
        *waits.entry(module.clone()).or_default() |= imports.waits;
        if imports.waits && !ASYNC.contains(&module.as_str()) {
            wrong.push(format!("{}: `{module}` must not know tokio or async", path.display()));
        }
    }
    assert!(waits["session"] && waits["engine"], "the test no longer sees async code");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_library_declares_its_modules_in_the_line_s_order() {
    let lib = syn::parse_file(&fs::read_to_string(source().join("lib.rs")).unwrap()).unwrap();
    let modules: Vec<String> = lib
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Mod(module) => Some(module.ident.to_string()),
            _ => None,
        })
        .collect();
    let places: Vec<usize> =
        modules.iter().map(|m| place(m).unwrap_or_else(|| panic!("`{m}` is not in the line"))).collect();
    assert!(places.is_sorted(), "{modules:?}");
}

/// The project's own limit, with room for tables that are data.
#[test]
fn files_stay_small() {
    let mut paths = Vec::new();
    files(&source(), &mut paths);
    let long: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(path).unwrap().lines().count();
            (lines > 600).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
