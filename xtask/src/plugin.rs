//! The TCG plugin that counts the instructions of a machine: builds the variant that a QEMU
//! accepts, and returns the arguments that load it. [`counter`] reads the counts while the machine
//! runs.

pub mod counter;

use core::error::Error;
use core::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::emulator;
use crate::failure::FileError;
use crate::install::{self, InstallError};

/// The source of the plugin, in C.
const SOURCE: &str = include_str!("plugin/counter.c");

/// The versions of the plugin interface that the source supports, newest first. A QEMU with a
/// version in between accepts the next older one.
const VERSIONS: [u32; 3] = [7, 2, 1];

/// The name of the C compiler.
const COMPILER: &str = "cc";

/// The plugin, compiled for the QEMU that loads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    library: PathBuf,
}

impl Plugin {
    /// Compiles the plugin into `folder` for the QEMU program of that name that [`emulator`]
    /// selects. An earlier build from the same source is reused.
    ///
    /// # Errors
    /// The C compiler is missing, or this QEMU accepts no variant.
    pub fn build(folder: &Path, program: &str) -> Result<Self, PluginError> {
        install::c_compiler().map_err(PluginError::NoCompiler)?;
        fs::create_dir_all(folder).map_err(FileError::at("create the folder", folder))?;
        let mut complaints = String::new();
        for version in VERSIONS {
            let library = compile(folder, version)?;
            match probe(&library, program) {
                Ok(said) if said.contains(&format!("counter: API {version}\n")) => {
                    return Ok(Self { library });
                }
                Ok(said) => complaints.push_str(&said),
                Err(error) => {
                    return Err(PluginError::NoEmulator {
                        program: program.to_owned(),
                        error,
                    });
                }
            }
        }
        Err(PluginError::Refused {
            program: program.to_owned(),
            said: complaints.trim_end().to_owned(),
        })
    }

    /// Returns the arguments for QEMU; the counts can then be read at `socket`.
    #[must_use]
    pub fn words(&self, socket: &Path) -> [String; 2] {
        let (library, socket) = (self.library.display(), socket.display());
        [
            "-plugin".to_owned(),
            format!("file={library},socket={socket}"),
        ]
    }
}

/// Compiles the source for a version of the interface, unless that has been done.
fn compile(folder: &Path, version: u32) -> Result<PathBuf, PluginError> {
    let library = folder.join(format!("counter-api{version}.so"));
    let copy = folder.join(format!("counter-api{version}.c"));
    let is_current = fs::read_to_string(&copy).is_ok_and(|compiled| compiled == SOURCE);
    if is_current && library.is_file() {
        return Ok(library);
    }
    // Move the complete file into place: another process may be about to load it.
    let own = tempfile::tempdir_in(folder).map_err(FileError::at("create a folder in", folder))?;
    let (source, built) = (own.path().join("counter.c"), own.path().join("counter.so"));
    fs::write(&source, SOURCE).map_err(FileError::at("write", &source))?;
    let mut command = Command::new(COMPILER);
    command
        .args(["-std=gnu11", "-O2", "-shared", "-fPIC", "-pthread"])
        .args(["-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"])
        .arg(format!("-DAPI={version}"))
        .arg("-o")
        .args([&built, &source]);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| PluginError::Compile(format!("cannot start {COMPILER}: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(PluginError::Compile(said.trim_end().to_owned()));
    }
    fs::rename(&built, &library).map_err(FileError::at("move the plugin to", &library))?;
    fs::rename(&source, &copy).map_err(FileError::at("move the source to", &copy))?;
    Ok(library)
}

/// Returns QEMU's output when it loads the plugin without a machine.
fn probe(library: &Path, program: &str) -> io::Result<String> {
    let words = emulator::words(program);
    let [program, arguments @ ..] = &*words else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let plugin = format!("file={},probe=1", library.display());
    let output = Command::new(program)
        .args(arguments)
        .args(["-machine", "none", "-display", "none", "-nodefaults"])
        .args(["-plugin", &plugin])
        .stdin(Stdio::null())
        .output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// Why the plugin could not be built.
#[derive(Debug)]
pub enum PluginError {
    /// The C compiler is missing.
    NoCompiler(InstallError),
    /// The C compiler reported errors.
    Compile(String),
    /// A file could not be read or written.
    File(FileError),
    /// QEMU could not be started.
    NoEmulator {
        /// The name of the QEMU program.
        program: String,
        /// The operating system's error.
        error: io::Error,
    },
    /// QEMU accepts none of the plugin's variants.
    Refused {
        /// The name of the QEMU program.
        program: String,
        /// QEMU's messages for each variant of the plugin.
        said: String,
    },
}

impl From<FileError> for PluginError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCompiler(error) => write!(
                formatter,
                "counting instructions needs a C compiler for the QEMU plugin: {error}"
            ),
            Self::Compile(said) => write!(formatter, "cannot compile the QEMU plugin: {said}"),
            Self::File(error) => error.fmt(formatter),
            Self::NoEmulator { program, error } => {
                write!(formatter, "cannot start {program}: {error}")
            }
            Self::Refused { program, said } => write!(
                formatter,
                "{program} loads no plugin: it must be built with TCG plugins (--enable-plugins, \
                 which is the default), version 7.2 or newer\n{said}"
            ),
        }
    }
}

impl Error for PluginError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_compiles_without_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        for version in VERSIONS {
            let library = compile(folder.path(), version).unwrap();
            assert!(fs::metadata(library).unwrap().len() > 0);
        }
    }

    #[test]
    fn a_compiled_plugin_is_reused_until_the_source_changes() {
        let folder = tempfile::tempdir().unwrap();
        let library = compile(folder.path(), 7).unwrap();
        fs::write(&library, "kept").unwrap();
        compile(folder.path(), 7).unwrap();
        assert_eq!(fs::read_to_string(&library).unwrap(), "kept");
        fs::write(folder.path().join("counter-api7.c"), "older").unwrap();
        compile(folder.path(), 7).unwrap();
        assert_ne!(fs::read(&library).unwrap(), b"kept");
    }

    #[test]
    fn the_words_name_the_plugin_and_the_socket() {
        let plugin = Plugin {
            library: "/p/counter.so".into(),
        };
        let words = plugin.words(Path::new("/s/counts"));
        assert_eq!(words, ["-plugin", "file=/p/counter.so,socket=/s/counts"]);
    }
}
