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
/// The book needs mdBook (`cargo install mdbook --locked`); without it, only the links are checked.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cargo xtask doc
  cargo xtask doc --check")]
pub struct Arguments {
    /// Only check the links and the table of tested crates
    #[arg(long)]
    check: bool,
}

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
    println!("{} pages: every link has a target", pages.len());
    if arguments.check {
        return Ok(());
    }
    if install::in_path("mdbook") {
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
    } else {
        eprintln!(
            "xtask: not building the book: mdBook is missing; install it with `cargo install mdbook --locked`"
        );
    }
    let status = cargo()
        .args([
            "doc",
            "--no-deps",
            "--package",
            "vmos",
            "--features",
            "vmos/adapters,vmos/ipv6",
        ])
        .current_dir(&workspace.root)
        .status()?;
    if !status.success() {
        return Err(Failure::Status(1));
    }
    println!("the kernel's API is documented in target/doc/vmos/index.html");
    Ok(())
}

/// Returns all pages: those of the root folder and of `docs/`.
fn pages(root: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut pages = Vec::new();
    for folder in [root.to_owned(), root.join("docs")] {
        let entries = fs::read_dir(&folder).map_err(FileError::at("list", &folder))?;
        let paths = entries.flatten().map(|entry| entry.path());
        pages.extend(paths.filter(|path| path.extension().is_some_and(|it| it == "md")));
    }
    pages.sort();
    Ok(pages)
}

/// Returns an error for each page of `docs/` that the book lacks.
fn missing_pages(root: &Path) -> Result<Vec<String>, FileError> {
    let summary = root.join("docs/SUMMARY.md");
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
