//! Board files: where they are found, and places in them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Where board files come from: `boards/` folders, or memory in tests.
pub trait Sources {
    /// Reads the file of the board or fragment `name`.
    ///
    /// # Errors
    /// Whatever reading meets; a name that nothing has gives [`io::ErrorKind::NotFound`].
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// The names of all boards and fragments, ascending.
    ///
    /// # Errors
    /// Whatever listing the folder meets.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Those of them that the workspace itself has.
    ///
    /// # Errors
    /// Whatever listing the folder meets.
    fn own_names(&self) -> io::Result<Vec<String>> {
        self.names()
    }

    /// The path of the file `name` as diagnostics and generated headers tell it: the same on every
    /// host.
    fn path(&self, name: &str) -> String {
        path_of(name)
    }
}

/// The path of the file `name` as diagnostics and generated headers tell it: relative to the
/// workspace, the same on every host.
pub(crate) fn path_of(name: &str) -> String {
    format!("boards/{name}.toml")
}

/// The `boards/` folder of a workspace, and after it that of VMOS itself: a board of one's own may
/// extend one of those.
pub struct Folder {
    boards: PathBuf,
    library: PathBuf,
}

impl Folder {
    /// The folder of the workspace at `workspace_root`.
    pub fn new(workspace_root: &Path) -> Self {
        Self {
            boards: workspace_root.join("boards"),
            library: library().join("boards"),
        }
    }

    fn is_own(&self, name: &str) -> bool {
        self.boards.join(format!("{name}.toml")).exists()
    }
}

/// Where VMOS itself is on this computer.
#[must_use]
pub fn library() -> PathBuf {
    let codegen = Path::new(env!("CARGO_MANIFEST_DIR"));
    codegen.parent().unwrap_or(codegen).to_owned()
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.file_name();
        // A name that is not UTF-8 cannot be a board's: board names are plain ASCII.
        if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".toml")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

impl Sources for Folder {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        // Both come from the user: a name must not leave the folder, and a folder or device that
        // bears the name of a file is said to be one instead of being read.
        if name.is_empty() || name.contains(['/', '\\', '\0']) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let folder = match self.is_own(name) {
            true => &self.boards,
            false => &self.library,
        };
        let path = folder.join(format!("{name}.toml"));
        if !std::fs::metadata(&path)?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        std::fs::read(path)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        // A workspace that is being made has none of its own yet.
        let mut names = match self.own_names() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            own => own?,
        };
        // It may have gone since this was built; then nothing can extend what was in it.
        names.extend(names_in(&self.library).unwrap_or_default());
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn own_names(&self) -> io::Result<Vec<String>> {
        names_in(&self.boards)
    }

    fn path(&self, name: &str) -> String {
        let is_elsewhere = !self.is_own(name) && self.library.join(format!("{name}.toml")).exists();
        match is_elsewhere {
            true => format!("vmos:{}", path_of(name)),
            false => path_of(name),
        }
    }
}

/// Board files held in memory: the text by name.
#[derive(Clone, Debug, Default)]
pub struct InMemory(BTreeMap<String, Vec<u8>>);

impl InMemory {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more file.
    #[must_use]
    pub fn with(mut self, name: &str, text: impl Into<Vec<u8>>) -> Self {
        self.0.insert(name.to_owned(), text.into());
        self
    }
}

impl Sources for InMemory {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.0
            .get(name)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }
}

/// Which of the files of one load: 0 is the board's own, then what it extends, nearest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub usize);

/// A stretch of a file's text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Location {
    /// The very beginning of a file, for what is wrong with the file as a whole.
    pub fn start_of(file: FileId) -> Self {
        Self {
            file,
            start: 0,
            end: 0,
        }
    }
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Relative to the workspace, with `/` between the parts.
    pub path: String,
    /// Its text, without a byte order mark.
    pub text: String,
}

impl SourceFile {
    /// The line and column of a byte, both counted from 1, columns in characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.floor(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The range of `location` brought to where this text can be cut.
    pub(crate) fn span(&self, location: Location) -> std::ops::Range<usize> {
        let start = self.floor(location.start);
        start..self.floor(location.end).max(start)
    }

    fn floor(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> SourceFile {
        SourceFile {
            path: "boards/x.toml".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        assert_eq!(file("a\nbc").position(0), (1, 1));
        assert_eq!(file("a\nbc").position(3), (2, 2));
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        assert_eq!(file("é = x").position("é = ".len()), (1, 5));
    }

    #[test]
    fn an_offset_past_the_end_is_the_end() {
        assert_eq!(file("ab").position(99), (1, 3));
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let folder = Folder::new(Path::new("/nowhere"));
        for name in ["../x", "/etc/passwd", ""] {
            assert_eq!(
                folder.read(name).unwrap_err().kind(),
                io::ErrorKind::NotFound
            );
        }
    }
}
