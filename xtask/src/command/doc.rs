//! `cargo xtask doc`: checks the links of the documentation and builds it.

mod book;
mod cases;
mod links;
mod tested;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::failure::{Failure, FileError};
use crate::install;
use crate::workspace::{Workspace, cargo, relative_to_here};

/// Check the links of the documentation, and build the book and the API documentation
///
/// Every link to a file or a heading must have a target, and every page must be in docs/SUMMARY.md.
/// The table of tested crates in docs/crates.md is written from the apps and the machine tests.
/// The book needs mdBook (`cargo install mdbook --locked --version 0.5.4`); without it, everything else
/// is done. In a repository without docs/, the links of the README and the API documentation remain.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask doc
  cargo xtask doc --check")]
pub struct Arguments {
    /// Only check the links and the table of tested crates
    #[arg(long)]
    check: bool,
}

/// The table of contents of the book.
const SUMMARY: &str = "docs/SUMMARY.md";

/// The package whose API is documented.
const KERNEL: &str = "vmos";

/// The version of mdBook that the book was built with.
const MDBOOK: &str = "0.5.4";

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let workspace = Workspace::find()?;
    tested::update(&workspace, arguments.check)?;
    let pages = pages(&workspace.root)?;
    let mut broken = Vec::new();
    for page in &pages {
        broken.extend(links::broken(&workspace.root, page)?);
    }
    broken.extend(missing_pages(&workspace.root)?);
    if !broken.is_empty() {
        return Err(Failure::from(broken.join("\n")));
    }
    let plural = if pages.len() == 1 { "" } else { "s" };
    println!("{} page{plural}: every link has a target", pages.len());
    if arguments.check {
        return Ok(());
    }
    build_book(&workspace)?;
    // Cargo prints where the result is: it depends on its configuration.
    let mut doc = cargo();
    doc.args(["doc", "--no-deps", "--package", KERNEL]);
    // Cargo enables features only of members: elsewhere, those of the apps are documented.
    if workspace.has_member(KERNEL) {
        doc.args(["--features", "vmos/adapters,vmos/ipv6"]);
    }
    let status = doc.current_dir(&workspace.root).status()?;
    if !status.success() {
        return Err(Failure::Status(1));
    }
    Ok(())
}

/// Builds the book, if the repository has one and mdBook is installed.
fn build_book(workspace: &Workspace) -> Result<(), Failure> {
    if !workspace.root.join(SUMMARY).is_file() {
        return Ok(());
    }
    if !install::in_path("mdbook") {
        eprintln!(
            "xtask: not building the book: mdBook is missing; install it with \
             `cargo install mdbook --locked --version {MDBOOK}`"
        );
        return Ok(());
    }
    let source = workspace.target.join("book-source");
    let result = workspace.target.join("book");
    book::assemble(&workspace.root, &source)?;
    let mut mdbook = Command::new("mdbook");
    let status = mdbook
        .arg("build")
        .arg(&source)
        .arg("--dest-dir")
        .arg(&result)
        .status()?;
    if !status.success() {
        return Err(Failure::Status(1));
    }
    book::lead_to_first_chapter(&source, &result)?;
    let index = result.join("index.html");
    println!("the book is {}", relative_to_here(&index).display());
    Ok(())
}

/// Returns all pages: those of the root folder and of `docs/`, which a repository may lack.
fn pages(root: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut pages = Vec::new();
    for folder in [root.to_owned(), root.join("docs")] {
        if !folder.is_dir() {
            continue;
        }
        let entries = fs::read_dir(&folder).map_err(FileError::at("list", &folder))?;
        let paths = entries.flatten().map(|entry| entry.path());
        pages.extend(paths.filter(|path| path.extension().is_some_and(|it| it == "md")));
    }
    pages.sort();
    Ok(pages)
}

/// Returns an error for each page of `docs/` that the book lacks.
fn missing_pages(root: &Path) -> Result<Vec<String>, FileError> {
    let summary = root.join(SUMMARY);
    if !summary.is_file() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&summary).map_err(FileError::at("read", &summary))?;
    let pages = pages(root)?;
    let names = pages
        .iter()
        .filter(|page| page.parent() == summary.parent() && **page != summary)
        .filter_map(|page| page.file_name()?.to_str());
    Ok(names
        .filter(|name| !text.contains(&format!("({name})")))
        .map(|name| format!("docs/SUMMARY.md: the page {name} is missing"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_needs_no_folder_of_pages() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("README.md"), "[a](#b)").unwrap();
        assert_eq!(pages(folder.path()).unwrap().len(), 1);
        assert_eq!(missing_pages(folder.path()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn every_link_of_the_documentation_has_a_target() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let pages = pages(root).unwrap();
        assert!(pages.len() > 5);
        for page in pages {
            assert_eq!(links::broken(root, &page).unwrap(), Vec::<String>::new());
        }
        assert_eq!(missing_pages(root).unwrap(), Vec::<String>::new());
    }
}
