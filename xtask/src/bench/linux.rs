//! Linux for comparison: a Debian kernel on the same machine, with the same services, measured in
//! the same run.
//!
//! [`package`] fetches the kernel, and [`initramfs`] packs its first file system: virtio drivers
//! and the program `linux-peer` (`xtask/peers/linux`), which is built here.

pub mod initramfs;
pub mod package;

use core::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use vmos_codegen::Board;
use vmos_codegen::board::Architecture;

use self::package::{Package, PackageError};
use super::side::{Abilities, Side};
use crate::failure::FileError;
use crate::install::{self, InstallError};
use crate::target;
use crate::workspace::{Workspace, cargo};

/// The program that runs as the first process.
const PROGRAM: &str = "linux-peer";

/// The names of an architecture's Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Debian's name of the architecture.
    pub debian: &'static str,
    /// The package that depends on the current kernel.
    pub package: &'static str,
    /// The compiler's target triple, with a statically linked C library.
    triple: &'static str,
    /// The kernel's name of the console.
    console: &'static str,
}

impl Port {
    /// Returns the Linux for a board; `None` if there is none.
    #[must_use]
    pub fn of(board: &Board) -> Option<Self> {
        // Debian's kernel does not boot on a PC without PCI: it finds no clock to calibrate the
        // processor's clock.
        let starts = board.architecture != Architecture::X86_64 || board.pci.is_some();
        Self::of_architecture(board.architecture).filter(|_| starts)
    }

    fn of_architecture(architecture: Architecture) -> Option<Self> {
        match architecture {
            Architecture::Aarch64 => Some(Self {
                debian: "arm64",
                package: "linux-image-cloud-arm64",
                triple: "aarch64-unknown-linux-musl",
                console: "ttyAMA0",
            }),
            Architecture::X86_64 => Some(Self {
                debian: "amd64",
                package: "linux-image-cloud-amd64",
                triple: "x86_64-unknown-linux-musl",
                console: "ttyS0",
            }),
            Architecture::Arm
            | Architecture::ArmV6M
            | Architecture::ArmV7M
            | Architecture::ArmV8M
            | Architecture::Riscv64
            | Architecture::Riscv32 => None,
        }
    }

    /// Returns the kernel command line, which makes Linux print little, run as fast as possible and
    /// reboot on a panic, which ends QEMU.
    fn command_line(&self) -> String {
        let console = self.console;
        format!("console={console} quiet mitigations=off panic=-1 cma=0")
    }
}

/// Prepares Linux for a board: fetches the kernel on first use, and builds and packs the program.
///
/// # Errors
/// A tool is missing or fails.
pub fn side(workspace: &Workspace, board: &Board, port: Port) -> Result<Side, LinuxError> {
    if !workspace.has_member(PROGRAM) {
        return Err(LinuxError::NoProgram(workspace.root.clone()));
    }
    let folder = workspace.target.join("bench/linux").join(port.debian);
    fs::create_dir_all(&folder).map_err(FileError::at("create the folder", &folder))?;
    let package = Package::get(&folder, port)?;
    let program = build(workspace, port)?;
    let program = fs::read(&program).map_err(FileError::at("read what cargo built,", &program))?;
    let archive = initramfs::archive(&program, &package.modules()?);
    let initramfs = folder.join("initramfs");
    fs::write(&initramfs, archive).map_err(FileError::at("write", &initramfs))?;
    Ok(Side {
        name: format!("linux {}", release(&package.version)),
        workspace: workspace.clone(),
        board: board.clone(),
        kernel: package.kernel,
        elf: None,
        abilities: Abilities {
            is_a_kernel: true,
            serves_with_disk: true,
            has_many_sockets: true,
            answers_later: false,
        },
        append: port.command_line(),
        words: vec![
            "-initrd".to_owned(),
            initramfs.to_string_lossy().into_owned(),
        ],
    })
}

/// Returns the release in a version, such as `6.1.0-56` in `6.1.0-56-cloud-arm64`.
fn release(version: &str) -> &str {
    version
        .split_once("-cloud")
        .map_or(version, |(release, _)| release)
}

/// Returns the note in the table if there is no Linux for a board.
#[must_use]
pub fn no_peer(board: &Board) -> String {
    let (name, triple) = (&board.name, target::triple(board.architecture));
    format!("linux: not available for {name} ({triple}); available for arm64, and for x64 with PCI")
}

/// Builds the program, statically linked; returns its path.
fn build(workspace: &Workspace, port: Port) -> Result<PathBuf, LinuxError> {
    // The linker is part of the Rust toolchain, so no C compiler for the target is needed.
    const FLAGS: &str = "-Clinker=rust-lld -Clinker-flavor=ld.lld -Clink-self-contained=yes \
                         -Ctarget-feature=+crt-static";
    install::target(port.triple)?;
    let status = cargo()
        .args(["build", "--quiet", "--release", "--package", PROGRAM])
        .args(["--target", port.triple])
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", &workspace.target)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .env("RUSTFLAGS", FLAGS)
        .stdin(Stdio::null())
        .status()
        .map_err(LinuxError::NoCargo)?;
    if !status.success() {
        return Err(LinuxError::Build(port.triple));
    }
    let folder = workspace.target.join(port.triple).join("release");
    Ok(folder.join(PROGRAM))
}

/// Why there is no Linux to compare with.
#[derive(Debug)]
pub enum LinuxError {
    /// The workspace does not contain the program.
    NoProgram(PathBuf),
    /// The compiler's target is missing.
    Install(InstallError),
    /// Cargo could not be started.
    NoCargo(io::Error),
    /// Cargo could not build the program.
    Build(&'static str),
    /// The kernel could not be fetched.
    Package(PackageError),
    /// A file could not be read or written.
    File(FileError),
}

impl fmt::Display for LinuxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgram(root) => write!(
                formatter,
                "the workspace {} has no package `{PROGRAM}`, the program that Linux is measured \
                 with\n  run `bench --linux` in the repository of VMOS, or leave out --linux",
                root.display()
            ),
            Self::Install(error) => error.fmt(formatter),
            Self::NoCargo(error) => write!(formatter, "cannot start cargo: {error}"),
            Self::Build(triple) => write!(
                formatter,
                "cargo could not build `{PROGRAM}` for {triple}; see its errors above"
            ),
            Self::Package(error) => error.fmt(formatter),
            Self::File(error) => error.fmt(formatter),
        }
    }
}

impl core::error::Error for LinuxError {}

impl From<InstallError> for LinuxError {
    fn from(error: InstallError) -> Self {
        Self::Install(error)
    }
}

impl From<PackageError> for LinuxError {
    fn from(error: PackageError) -> Self {
        Self::Package(error)
    }
}

impl From<FileError> for LinuxError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_a_version_without_its_flavour() {
        assert_eq!(release("6.1.0-56-cloud-arm64"), "6.1.0-56");
        assert_eq!(release("6.12.30"), "6.12.30");
    }

    #[test]
    fn only_the_architectures_of_64_bits_that_are_common_have_a_linux() {
        assert_eq!(
            Port::of_architecture(Architecture::Aarch64).unwrap().debian,
            "arm64"
        );
        assert_eq!(
            Port::of_architecture(Architecture::X86_64).unwrap().debian,
            "amd64"
        );
        assert_eq!(Port::of_architecture(Architecture::Riscv32), None);
    }
}
