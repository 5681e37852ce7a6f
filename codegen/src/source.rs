//! Board files: where they come from, and locations in them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// A source of board files: `boards/` folders, or memory in tests.
pub trait Sources {
    /// Reads the file of the board or fragment `name`.
    ///
    /// # Errors
    /// Errors in reading; for an unknown name, [`io::ErrorKind::NotFound`].
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Returns the names of all boards and fragments, ascending.
    ///
    /// # Errors
    /// Errors in listing the folder.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Returns the names of the boards and fragments in the workspace itself, ascending.
    ///
    /// # Errors Errors in listing the folder.
    fn own_names(&self) -> io::Result<Vec<String>> {
        self.names()
    }

    /// Reads the definition of the kind of part `kind`, a file under `parts/`.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    fn read_part(&self, kind: &str) -> io::Result<Vec<u8>> {
        self.read(&format!("parts/{kind}"))
    }

    /// Returns the path of the file `name` for diagnostics and generated headers; it is the same on
    /// every host.
    fn path(&self, name: &str) -> String {
        path_of(name)
    }
}

/// Returns the path of the file `name` for diagnostics and generated headers: relative to the
/// workspace, the same on every host.
pub(crate) fn path_of(name: &str) -> String {
    format!("boards/{name}.toml")
}

/// The `boards/` folder of a workspace, then that of VMOS itself: a workspace's boards may extend
/// those of VMOS.
#[derive(Clone)]
pub struct Folder {
    boards: PathBuf,
    parts: PathBuf,
    library: PathBuf,
}

impl Folder {
    /// Returns the folder of the workspace at `workspace_root`.
    pub fn new(workspace_root: &Path) -> Self {
        Self {
            boards: workspace_root.join("boards"),
            parts: workspace_root.join("parts"),
            library: library().join("boards"),
        }
    }

    fn is_own(&self, name: &str) -> bool {
        self.boards.join(format!("{name}.toml")).exists()
    }
}

/// Returns the path of VMOS itself on this computer.
#[must_use]
pub fn library() -> PathBuf {
    library_for(std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from))
}

/// Returns the path of VMOS for a program whose package is in the folder `running`, according to
/// cargo.
///
/// Cargo does not compile a program again in a copy of a checkout, so the path that was compiled in
/// may be that of the original.
fn library_for(running: Option<PathBuf>) -> PathBuf {
    let codegen = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiled = codegen.parent().unwrap_or(codegen);
    let running = running.as_deref().and_then(Path::parent);
    // A workspace that uses VMOS as a dependency has boards, but not these packages.
    let is_vmos = |folder: &&Path| {
        let mut packages = ["codegen", "kernel", "xtask"].iter();
        packages.all(|package| folder.join(package).join("Cargo.toml").is_file())
    };
    running.filter(is_vmos).unwrap_or(compiled).to_owned()
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.file_name();
        // A file name that is not UTF-8 cannot be a board's name, which is ASCII.
        if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".toml")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Reads a file of a folder.
fn read_in(folder: &Path, name: &str) -> io::Result<Vec<u8>> {
    // The name comes from the user: it must not lead out of the folder, and a folder or device with
    // the name of a file is reported instead of read.
    if name.is_empty() || name.contains(['/', '\\', '\0']) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let path = folder.join(format!("{name}.toml"));
    if !std::fs::metadata(&path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    std::fs::read(path)
}

impl Sources for Folder {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        read_in(
            match self.is_own(name) {
                true => &self.boards,
                false => &self.library,
            },
            name,
        )
    }

    fn read_part(&self, kind: &str) -> io::Result<Vec<u8>> {
        read_in(&self.parts, kind)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        // A workspace that is being created has no boards of its own yet.
        let mut names = match self.own_names() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            own => own?,
        };
        // It may have been deleted since this was built; then nothing can extend its boards.
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

/// Board files in memory: their texts by name. The definition of a kind of part is `parts/KIND`.
#[derive(Clone, Debug, Default)]
pub struct InMemory(BTreeMap<String, Vec<u8>>);

impl InMemory {
    /// Creates a source without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file.
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
        let boards = self.0.keys().filter(|name| !name.contains('/'));
        Ok(boards.cloned().collect())
    }
}

/// The index of a file in one load: 0 is the board's own, then those it extends, nearest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub usize);

/// A part of a file's text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file that contains the text.
    pub file: FileId,
    /// The offset of the text's first byte in the file.
    pub start: usize,
    /// The offset in the file of the byte after the text.
    pub end: usize,
}

impl Location {
    /// Returns the start of a file, for errors that concern all of it.
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
    /// The file's path relative to the workspace, with `/` as separator.
    pub path: String,
    /// The file's text, without a byte order mark.
    pub text: String,
}

impl SourceFile {
    /// Returns the line and column of a byte, both counted from 1, columns in characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.floor(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// Returns the range of `location`, adjusted to character boundaries of this text.
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

    #[test]
    fn a_copy_of_a_checkout_is_the_library_of_its_own_programs() {
        let copy = tempfile::tempdir().unwrap();
        let own = library_for(None);
        let of = |package: &str| library_for(Some(copy.path().join(package)));
        for package in ["codegen", "kernel", "xtask"] {
            // A project that uses VMOS, or a checkout without one of its packages.
            assert_eq!(of("xtask"), own, "{package}");
            std::fs::create_dir(copy.path().join(package)).unwrap();
            std::fs::write(copy.path().join(package).join("Cargo.toml"), "").unwrap();
        }
        assert_eq!(of("xtask"), copy.path());
        assert_eq!(own, library_for(Some(own.join("codegen"))));
    }
}
