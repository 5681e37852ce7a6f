//! The files that a board's arguments for QEMU name: their paths start at the root of the repository,
//! wherever the command runs.

use std::path::{Path, PathBuf};

/// The options of QEMU that take the path of a file.
const OPTIONS: [&str; 2] = ["-dtb", "-bios"];

/// Replaces the relative paths of files in the repository by absolute ones.
pub(crate) fn from_the_root(words: Vec<String>) -> Vec<String> {
    match std::env::current_dir().ok().and_then(|here| root(&here)) {
        Some(root) => from(&root, words),
        None => words,
    }
}

/// Replaces the paths of files that start at the current folder by paths that start at the root, or
/// by absolute ones if the files are outside the repository.
pub(crate) fn to_the_root(words: Vec<String>) -> Vec<String> {
    let Ok(here) = std::env::current_dir() else {
        return words;
    };
    match root(&here) {
        Some(root) => to(&root, &here, words),
        None => words,
    }
}

fn to(root: &Path, here: &Path, mut words: Vec<String>) -> Vec<String> {
    for at in 1..words.len() {
        let path = here.join(&words[at]);
        if !OPTIONS.contains(&&*words[at - 1]) || !path.is_file() {
            continue;
        }
        let (Ok(path), Ok(root)) = (path.canonicalize(), root.canonicalize()) else {
            continue;
        };
        let stored = path.strip_prefix(&root).unwrap_or(&path);
        words[at] = stored.to_string_lossy().into_owned();
    }
    words
}

/// Returns the nearest folder that has boards: `folder`, or one that contains it.
fn root(folder: &Path) -> Option<PathBuf> {
    let mut folders = folder.ancestors();
    let root = folders.find(|folder| folder.join("boards").is_dir());
    root.map(Path::to_owned)
}

fn from(root: &Path, mut words: Vec<String>) -> Vec<String> {
    for at in 1..words.len() {
        // Other words than files, such as `none`, are left alone.
        let path = root.join(&words[at]);
        if OPTIONS.contains(&&*words[at - 1]) && path.is_file() {
            words[at] = path.to_string_lossy().into_owned();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_found_from_any_folder_of_the_repository() {
        let repository = tempfile::tempdir().unwrap();
        let inside = repository.path().join("apps/mine");
        fs::create_dir_all(&inside).unwrap();
        fs::create_dir(repository.path().join("boards")).unwrap();
        let tree = repository.path().join("boards/mine.dtb");
        fs::write(&tree, "").unwrap();
        let found = root(&inside).unwrap();
        let words = ["-bios", "none", "-dtb", "boards/mine.dtb"].map(str::to_owned);
        let tree = tree.to_string_lossy();
        assert_eq!(
            from(&found, words.to_vec()),
            ["-bios", "none", "-dtb", &tree]
        );
    }

    #[test]
    fn a_file_is_stored_by_its_path_from_the_root() {
        let repository = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let trees = repository.path().join("trees");
        fs::create_dir(&trees).unwrap();
        fs::write(trees.join("mine.dtb"), "").unwrap();
        let outside = elsewhere.path().canonicalize().unwrap().join("other.dtb");
        fs::write(&outside, "").unwrap();
        let outside = outside.to_string_lossy();
        let words = ["-dtb", "mine.dtb", "-bios", "none", "-dtb", &outside].map(str::to_owned);
        assert_eq!(
            to(repository.path(), &trees, words.to_vec()),
            ["-dtb", "trees/mine.dtb", "-bios", "none", "-dtb", &outside]
        );
    }

    #[test]
    fn other_paths_are_unchanged() {
        let repository = tempfile::tempdir().unwrap();
        let words = ["-dtb", "/elsewhere/a.dtb", "-dtb", "missing.dtb"].map(str::to_owned);
        assert_eq!(from(repository.path(), words.to_vec()), words);
    }
}
