//! Panic locations in images: the folders of outside crates are removed from them.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::FileError;

/// Returns the setting that makes the compiler remove the folders of outside crates from panic locations, so
/// that an image is smaller and does not depend on who builds it. Debug information keeps them, so that
/// debuggers find the sources.
///
/// The flags are in a file in the folder `target`. Cargo 1.95 leaves all flags out of the name of a result if one
/// of them is `--remap-path-prefix`, so that each board would replace what was built for another; it does not
/// look into the file.
///
/// # Errors
///
/// If the file cannot be written.
pub fn without_prefixes(target: &Path) -> Result<Option<String>, FileError> {
    let Some(home) = cargo_home() else {
        return Ok(None);
    };
    let folders = folders_of_crates(&home.join("registry/src"));
    let remap = |folder: &PathBuf| format!("--remap-path-prefix={}=\n", folder.display());
    let mut flags: String = folders.iter().map(remap).collect();
    flags.push_str("--remap-path-scope=macro\n");
    let mut hasher = DefaultHasher::new();
    flags.hash(&mut hasher);
    // With other flags, everything is built again.
    let file = target.join(format!("paths-{:016x}.args", hasher.finish()));
    if !file.exists() {
        // Another command may be reading or writing it.
        fs::create_dir_all(target)
            .and_then(|()| NamedTempFile::new_in(target))
            .and_then(|mut whole| {
                whole.write_all(flags.as_bytes())?;
                Ok(whole.persist(&file)?)
            })
            .map_err(FileError::at("write the flags", &file))?;
    }
    let flags = [format!("@{}", file.display())];
    Ok(Some(format!(
        "target.'cfg(target_os = \"none\")'.rustflags = {flags:?}"
    )))
}

/// Returns the folder in which cargo keeps the sources of crates.
fn cargo_home() -> Option<PathBuf> {
    let stated = env::var_os("CARGO_HOME").map(PathBuf::from);
    stated.or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// Returns `sources` and each folder in it. Cargo keeps the crates of a registry in a folder named
/// after the registry and a hash of its address.
fn folders_of_crates(sources: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(sources).into_iter().flatten().flatten();
    let mut registries: Vec<_> = entries.map(|entry| entry.path()).collect();
    registries.sort();
    // If several prefixes match, the compiler uses the last one.
    registries.insert(0, sources.to_owned());
    registries
}
