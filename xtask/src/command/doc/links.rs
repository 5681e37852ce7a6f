//! Checks the links of a Markdown page.

use std::fs;
use std::path::Path;

use crate::failure::FileError;

/// Returns an error for each link whose target file or heading does not exist.
pub(super) fn broken(root: &Path, page: &Path) -> Result<Vec<String>, FileError> {
    let text = fs::read_to_string(page).map_err(FileError::at("read", page))?;
    let shown = page.strip_prefix(root).unwrap_or(page).display();
    let mut broken = Vec::new();
    for (line, target) in links(&text) {
        if is_elsewhere(target) || target.is_empty() {
            continue;
        }
        let (path, heading) = target.split_once('#').unwrap_or((target, ""));
        let file = match path {
            "" => page.to_owned(),
            path => page.parent().unwrap_or(root).join(path),
        };
        if !file.exists() {
            broken.push(format!("{shown}:{line}: `{target}`: there is no such file"));
        } else if !heading.is_empty() && file.is_file() {
            let text = fs::read_to_string(&file).map_err(FileError::at("read", &file))?;
            if !headings(&text).any(|known| known == heading) {
                broken.push(format!(
                    "{shown}:{line}: `{target}`: the page has no such heading"
                ));
            }
        }
    }
    Ok(broken)
}

/// Returns the lines outside of code blocks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((index + 1, line))
    })
}

/// Returns the files that a page links to, as the page writes them.
pub(super) fn files(text: &str) -> impl Iterator<Item = &str> {
    let targets = links(text).filter(|(_, target)| !is_elsewhere(target));
    let files = targets.map(|(_, target)| target.split_once('#').map_or(target, |(file, _)| file));
    files.filter(|file| !file.is_empty())
}

/// Returns whether a link leads out of the repository.
fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// Returns the targets of all links, each with its line.
pub(super) fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(number, line)| {
        // Code between backticks is no link.
        let pieces = line.split('`').step_by(2);
        let targets = pieces.flat_map(|piece| {
            let mut rest = piece;
            core::iter::from_fn(move || {
                let (_, behind) = rest.split_once("](")?;
                let (target, after) = behind.split_once(')')?;
                rest = after;
                Some(target.split(' ').next().unwrap_or_default())
            })
        });
        // A link whose text is code: the brackets are on both sides of a backtick.
        targets.map(move |target| (number, target))
    })
}

/// Returns the anchors of all headings, as a renderer generates them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text).filter_map(|(_, line)| {
        let heading = line.strip_prefix('#')?.trim_start_matches('#').trim();
        let letters = heading.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
            _ => None,
        });
        Some(letters.collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "[a](b.md) and [`c`](d.md#e)\n```\n[x](y)\n```\n`[p](q)` [r](s \"t\")";
        let found: Vec<_> = links(text).collect();
        assert_eq!(found, [(1, "b.md"), (1, "d.md#e"), (5, "s")]);
    }

    #[test]
    fn the_anchor_of_a_heading_is_that_of_renderers() {
        let text = "# One `two`, three\n## A-b_c\nno # heading";
        let found: Vec<_> = headings(text).collect();
        assert_eq!(found, ["one-two-three", "a-b_c"]);
    }

    #[test]
    fn a_broken_link_is_reported_with_its_location() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(
            path("a.md"),
            "# A\n[b](b.md#there) [n](none.md)\n[b](b.md#not)\n[a](#a)",
        )
        .unwrap();
        fs::write(path("b.md"), "## There\n").unwrap();
        let found = broken(folder.path(), &path("a.md")).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("a.md:2: `none.md`"), "{found:?}");
        assert!(found[1].starts_with("a.md:3: `b.md#not`"), "{found:?}");
    }
}
