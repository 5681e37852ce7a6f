//! The source of the book: the pages of `docs/`, and every file of the repository that they link to.
//!
//! mdBook reads one folder, but the pages also link to files outside `docs/`, such as the reference
//! of all keys. The files are copied to the same places below another folder, so that each link is
//! as valid in the book as in the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::links;
use crate::failure::FileError;

/// The folder of the pages, relative to the repository.
const PAGES: &str = "docs";

/// Writes the source of the book in `docs/` of the repository `root` to the folder `source`, which
/// is replaced.
pub(super) fn assemble(root: &Path, source: &Path) -> Result<(), FileError> {
    if source.exists() {
        fs::remove_dir_all(source).map_err(FileError::at("remove", source))?;
    }
    let summary = read(&root.join(PAGES).join("SUMMARY.md"))?;
    let mut further = String::new();
    for path in linked(root, &summary)? {
        let to = source.join(&path);
        let folder = to.parent().unwrap_or(source);
        fs::create_dir_all(folder).map_err(FileError::at("create the folder", folder))?;
        fs::copy(root.join(&path), &to).map_err(FileError::at("copy to", &to))?;
        if is_page(&path) && !path.starts_with(PAGES) {
            let title = title(&read(&to)?).unwrap_or_else(|| path.display().to_string());
            further += &format!("- [{title}]({})\n", path.display());
        }
    }
    let chapters = summary.replace("](", &format!("]({PAGES}/"));
    let chapters = format!("{chapters}\n# In the repository\n\n{further}");
    write(&source.join("SUMMARY.md"), &chapters)?;
    let settings = read(&root.join(PAGES).join("book.toml"))?;
    // The folder of the result is an argument of mdBook.
    let settings = settings
        .lines()
        .filter(|line| !line.starts_with("build-dir"));
    write(
        &source.join("book.toml"),
        &settings.collect::<Vec<_>>().join("\n"),
    )
}

/// Replaces the first page of the built book in `result`: mdBook copies the first chapter there, from
/// where its links lead nowhere. The new page leads to the chapter.
pub(super) fn lead_to_first_chapter(source: &Path, result: &Path) -> Result<(), FileError> {
    let summary = read(&source.join("SUMMARY.md"))?;
    let first = links::files(&summary).next().unwrap_or_default();
    let first = Path::new(first).with_extension("html");
    let first = first.display();
    let page = format!(
        "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>VMOS</title>\n\
         <meta http-equiv=\"refresh\" content=\"0; url={first}\">\n<a href=\"{first}\">VMOS</a>\n"
    );
    write(&result.join("index.html"), &page)
}

/// Returns the pages of a summary, and all files that they and the pages among those files link to,
/// relative to the repository.
fn linked(root: &Path, summary: &str) -> Result<BTreeSet<PathBuf>, FileError> {
    let pages = links::links(summary).map(|(_, page)| Path::new(PAGES).join(page));
    let mut open: Vec<PathBuf> = pages.collect();
    let mut found = BTreeSet::new();
    while let Some(path) = open.pop() {
        if !root.join(&path).is_file() || !found.insert(path.clone()) || !is_page(&path) {
            continue;
        }
        let text = read(&root.join(&path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let targets = links::files(&text).map(|target| normal(&folder.join(target)));
        open.extend(targets);
    }
    Ok(found)
}

/// Returns a relative path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            component => normal.push(component),
        }
    }
    normal
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

/// Returns the first heading of a page.
fn title(text: &str) -> Option<String> {
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    heading.map(|heading| heading.replace(['[', ']', '`'], ""))
}

fn read(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(FileError::at("read", path))
}

fn write(path: &Path, text: &str) -> Result<(), FileError> {
    fs::write(path, text).map_err(FileError::at("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_a_page_links_to_is_in_the_book() {
        let folder = tempfile::tempdir().unwrap();
        let (root, source) = (folder.path().join("it"), folder.path().join("book"));
        page(&root, "docs/book.toml", "[book]\nbuild-dir = \"x\"\n");
        page(&root, "docs/SUMMARY.md", "# Summary\n\n- [A](a.md)\n");
        page(
            &root,
            "docs/a.md",
            "[k](../keys/k.md#x) ![p](p.svg) [w](http://x.y)",
        );
        page(&root, "docs/p.svg", "<svg/>");
        page(
            &root,
            "keys/k.md",
            "# The `keys`\n[code](../src) [far](far.md) [self](#x)",
        );
        page(&root, "keys/far.md", "no heading");
        page(&root, "src/code.rs", "");
        page(&root, "unrelated.md", "");
        page(&source, "old.md", "");
        assemble(&root, &source).unwrap();
        let text = |path: &str| fs::read_to_string(source.join(path)).unwrap();
        assert_eq!(
            text("SUMMARY.md"),
            "# Summary\n\n- [A](docs/a.md)\n\n# In the repository\n\n\
             - [keys/far.md](keys/far.md)\n- [The keys](keys/k.md)\n"
        );
        assert_eq!(text("book.toml"), "[book]");
        lead_to_first_chapter(&source, &source).unwrap();
        assert!(text("index.html").contains("url=docs/a.html"));
        assert_eq!(text("docs/p.svg"), "<svg/>");
        assert!(!source.join("old.md").exists() && !source.join("unrelated.md").exists());
    }

    #[test]
    fn no_link_of_the_book_leads_out_of_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("book");
        assemble(root, &source).unwrap();
        let chapters = read(&source.join("SUMMARY.md")).unwrap();
        let pages: Vec<_> = links::links(&chapters).collect();
        assert!(pages.len() > 20, "{chapters}");
        for (_, page) in pages {
            let page = source.join(page);
            let broken = links::broken(&source, &page).unwrap();
            assert_eq!(broken, Vec::<String>::new(), "{}", page.display());
        }
    }
}
