//! Installs the tools that the host needs: QEMU and the compiler's targets.
//!
//! For root, installs without asking, with a message. For other users, asks on the terminal;
//! without a terminal, prints the command.

use core::error::Error;
use core::fmt;
use std::env;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::emulator;
use crate::shell;

/// Returns whether the compiler has a target.
pub fn has_target(triple: &str) -> Result<bool, InstallError> {
    let libraries = sysroot()?.join("lib/rustlib").join(triple).join("lib");
    Ok(libraries.is_dir())
}

/// Adds a target to the compiler if it is missing.
pub fn target(triple: &str) -> Result<(), InstallError> {
    if has_target(triple)? {
        return Ok(());
    }
    let command = ["rustup", "target", "add", triple];
    if !in_path("rustup") {
        return Err(InstallError::NoRustup(triple.to_owned()));
    }
    eprintln!(
        "xtask: adding the target {triple} to the compiler: {}",
        shell::quote(command)
    );
    run(&command.map(str::to_owned))
}

fn sysroot() -> Result<PathBuf, InstallError> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "sysroot"]).output();
    let output = output.map_err(|error| InstallError::NoCompiler(error.to_string()))?;
    Ok(PathBuf::from(
        String::from_utf8_lossy(&output.stdout).trim(),
    ))
}

/// Installs a QEMU program if it is missing. If the user has selected another QEMU than the
/// installed one, that one must contain the program.
pub fn qemu(program: &str) -> Result<(), InstallError> {
    match emulator::folder() {
        Some(folder) if emulator::is_in(&folder, program) => Ok(()),
        Some(folder) => Err(InstallError::NotInFolder {
            program: program.to_owned(),
            folder,
        }),
        None => install(program),
    }
}

/// Installs the device tree compiler if it is missing.
pub fn device_tree_compiler() -> Result<(), InstallError> {
    install(DEVICE_TREE_COMPILER)
}

/// The device tree compiler: converts source text to a blob.
pub const DEVICE_TREE_COMPILER: &str = "dtc";

/// Installs gdb if it is missing.
pub fn gdb() -> Result<(), InstallError> {
    install(gdb_program())
}

/// Returns the gdb that supports all processors; Debian calls it `gdb-multiarch`.
#[must_use]
pub fn gdb_program() -> &'static str {
    const EVERY: &str = "gdb-multiarch";
    if in_path(EVERY) || in_path("apt-get") {
        EVERY
    } else {
        "gdb"
    }
}

/// Installs the C compiler if it is missing.
pub fn c_compiler() -> Result<(), InstallError> {
    install(C_COMPILER)
}

/// The name of the C compiler.
const C_COMPILER: &str = "cc";

/// Installs the MQTT broker mosquitto and its clients if they are missing.
pub fn mosquitto() -> Result<(), InstallError> {
    install(MOSQUITTO_CLIENT)?;
    install(MOSQUITTO)
}

/// The name of the MQTT broker.
pub const MOSQUITTO: &str = "mosquitto";
/// The command-line client of the broker; its other clients are in the same package.
const MOSQUITTO_CLIENT: &str = "mosquitto_sub";

/// Installs the browser Chromium if it is missing: a large package, which only the tests with `--all`
/// need.
pub fn chromium() -> Result<(), InstallError> {
    install(CHROMIUM)
}

/// The name of the browser.
pub const CHROMIUM: &str = "chromium";

/// Installs the program that makes certificates and serves TLS, if it is missing.
pub fn openssl() -> Result<(), InstallError> {
    install(OPENSSL)
}

const OPENSSL: &str = "openssl";

/// Installs the programs that make and fill FAT file systems if they are missing.
pub fn fat_tools() -> Result<(), InstallError> {
    install(MAKE_FAT)?;
    install(FAT_COPY)
}

/// Makes a FAT file system.
pub const MAKE_FAT: &str = "mkfs.vfat";
/// Copies files to and from one.
pub const FAT_COPY: &str = "mcopy";
/// Creates folders in one; of the same package.
pub const FAT_FOLDER: &str = "mmd";

/// Installs lldb if it is missing.
pub fn lldb() -> Result<(), InstallError> {
    install("lldb")
}

fn install(program: &str) -> Result<(), InstallError> {
    // A package manager refuses to run twice, and tests run side by side.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    if in_path(program) {
        return Ok(());
    }
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if in_path(program) {
        return Ok(());
    }
    let manager = Manager::all()
        .into_iter()
        .find(|manager| in_path(manager.program));
    let manager = manager.ok_or_else(|| InstallError::NoManager(program.to_owned()))?;
    let commands = manager.commands(program, is_root());
    let text = commands
        .iter()
        .map(shell::quote)
        .collect::<Vec<_>>()
        .join(" && ");
    if commands.iter().any(|command| command[0] == "sudo") {
        if !in_path("sudo") || !confirmed(program, &text)? {
            return Err(InstallError::ByHand {
                program: program.to_owned(),
                command: text,
            });
        }
    } else {
        eprintln!("xtask: {program} is missing: {text}");
    }
    commands.iter().try_for_each(|command| run(command))?;
    if in_path(program) {
        Ok(())
    } else {
        Err(InstallError::StillMissing(program.to_owned()))
    }
}

/// Asks for consent on the terminal; without a terminal, the answer is no.
fn confirmed(program: &str, command: &str) -> Result<bool, InstallError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    eprint!("xtask: {program} is missing. Install it with\n  {command}\n[y/N] ");
    io::stderr().flush().map_err(InstallError::Terminal)?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(InstallError::Terminal)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// A package manager.
struct Manager {
    program: &'static str,
    /// The command that updates the manager's package lists.
    update: &'static [&'static str],
    install: &'static [&'static str],
    /// Returns the package that contains a program.
    package: fn(&str) -> String,
    needs_root: bool,
}

impl Manager {
    fn all() -> [Self; 4] {
        [
            Self {
                program: "apt-get",
                update: &["update"],
                install: &["install", "--yes", "--no-install-recommends"],
                package: debian_package,
                needs_root: true,
            },
            Self {
                program: "dnf",
                update: &[],
                install: &["install", "--assumeyes"],
                package: |program| match program {
                    DEVICE_TREE_COMPILER | "gdb" | "lldb" | MOSQUITTO => program.to_owned(),
                    MOSQUITTO_CLIENT => MOSQUITTO.to_owned(),
                    C_COMPILER => "gcc".to_owned(),
                    program => format!("{program}-core"),
                },
                needs_root: true,
            },
            Self {
                program: "pacman",
                update: &[],
                install: &["--sync", "--noconfirm"],
                package: |program| match program {
                    C_COMPILER => "gcc".to_owned(),
                    MOSQUITTO_CLIENT => MOSQUITTO.to_owned(),
                    program => program.to_owned(),
                },
                needs_root: true,
            },
            Self {
                program: "brew",
                update: &[],
                install: &["install"],
                package: |program| match program {
                    DEVICE_TREE_COMPILER | "gdb" | MOSQUITTO => program.to_owned(),
                    MOSQUITTO_CLIENT => MOSQUITTO.to_owned(),
                    "lldb" => "llvm".to_owned(),
                    C_COMPILER => "gcc".to_owned(),
                    _ => "qemu".to_owned(),
                },
                needs_root: false,
            },
        ]
    }

    fn commands(&self, program: &str, is_root: bool) -> Vec<Vec<String>> {
        let sudo = (self.needs_root && !is_root).then_some("sudo");
        let command = |arguments: &[&str]| -> Vec<String> {
            let words = sudo
                .iter()
                .copied()
                .chain([self.program])
                .chain(arguments.iter().copied());
            words.map(str::to_owned).collect()
        };
        let package = (self.package)(program);
        let install: Vec<_> = self
            .install
            .iter()
            .copied()
            .chain([package.as_str()])
            .collect();
        let update = (!self.update.is_empty()).then(|| command(self.update));
        update.into_iter().chain([command(&install)]).collect()
    }
}

fn debian_package(program: &str) -> String {
    match program.trim_start_matches("qemu-system-") {
        DEVICE_TREE_COMPILER => "device-tree-compiler",
        // The compiler with the headers of the C library.
        C_COMPILER => "build-essential",
        "gdb-multiarch" | "lldb" | CHROMIUM | MOSQUITTO | OPENSSL => program,
        MAKE_FAT => "dosfstools",
        FAT_COPY => "mtools",
        MOSQUITTO_CLIENT => "mosquitto-clients",
        "aarch64" | "arm" => "qemu-system-arm",
        "x86_64" | "i386" => "qemu-system-x86",
        "mips" | "mips64" | "mips64el" | "mipsel" => "qemu-system-mips",
        "ppc" | "ppc64" => "qemu-system-ppc",
        "sparc" | "sparc64" => "qemu-system-sparc",
        // The package for less common architectures; in Debian 12 it includes RISC-V.
        _ => "qemu-system-misc",
    }
    .to_owned()
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Returns whether a program is on the search path.
#[must_use]
pub fn in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| is_executable(&folder.join(program)))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn run(command: &[String]) -> Result<(), InstallError> {
    let text = shell::quote(command);
    let [program, arguments @ ..] = command else {
        return Ok(());
    };
    let status = Command::new(program)
        .args(arguments)
        // Without a terminal, a package manager that asks questions would wait forever.
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(if io::stdin().is_terminal() {
            Stdio::inherit()
        } else {
            Stdio::null()
        })
        .stdout(io::stderr())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(InstallError::Failed {
            command: text,
            how: status.to_string(),
        }),
        Err(error) => Err(InstallError::Failed {
            command: text,
            how: error.to_string(),
        }),
    }
}

/// Why a needed tool is not available.
#[derive(Debug)]
pub enum InstallError {
    /// The compiler could not be started.
    NoCompiler(String),
    /// The target is missing, and rustup is not installed.
    NoRustup(String),
    /// The program is missing, and no supported package manager is installed.
    NoManager(String),
    /// The selected folder with another QEMU does not contain the program.
    NotInFolder {
        /// The name of the QEMU program.
        program: String,
        /// The selected folder.
        folder: PathBuf,
    },
    /// The user has not agreed to install the program.
    ByHand {
        /// The name of the missing program.
        program: String,
        /// The command that installs the missing program.
        command: String,
    },
    /// The installation failed.
    Failed {
        /// The installation command that failed.
        command: String,
        /// The exit status or the error of the command.
        how: String,
    },
    /// The package manager succeeded, but the program is still missing.
    StillMissing(String),
    /// Reading from or writing to the terminal failed.
    Terminal(io::Error),
}

impl fmt::Display for InstallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCompiler(error) => write!(formatter, "cannot start rustc: {error}"),
            Self::NoRustup(triple) => write!(
                formatter,
                "the compiler has no target {triple}, and rustup is not installed to add it\n  install \
                 rustup from https://rustup.rs, or the target with the tool that installed rustc"
            ),
            Self::NoManager(program) => write!(
                formatter,
                "{program} is missing, and no supported package manager was found\n  install \
                 QEMU 7.2 or newer: https://www.qemu.org/download/"
            ),
            Self::NotInFolder { program, folder } => write!(
                formatter,
                "{program} is missing in {} and in bin and usr/bin below it\n  {} names the folder \
                 of the QEMU to use; unset it to use the one on the search path",
                folder.display(),
                emulator::VARIABLE
            ),
            Self::ByHand { program, command } => {
                write!(
                    formatter,
                    "{program} is missing; install it with\n  {command}"
                )
            }
            Self::Failed { command, how } => write!(formatter, "`{command}` failed: {how}"),
            Self::StillMissing(program) => write!(
                formatter,
                "the package was installed, but {program} is not on the search path (PATH)"
            ),
            Self::Terminal(error) => write!(formatter, "cannot ask on the terminal: {error}"),
        }
    }
}

impl Error for InstallError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn apt(program: &str, is_root: bool) -> Vec<String> {
        let [apt, ..] = Manager::all();
        apt.commands(program, is_root)
            .iter()
            .map(shell::quote)
            .collect()
    }

    #[test]
    fn root_updates_the_lists_first_and_takes_no_recommendations() {
        let commands = apt("qemu-system-aarch64", true);
        let install = "apt-get install --yes --no-install-recommends qemu-system-arm";
        assert_eq!(commands, ["apt-get update", install]);
    }

    #[test]
    fn the_device_tree_compiler_is_in_a_package_of_another_name() {
        let commands = apt(DEVICE_TREE_COMPILER, true);
        assert!(
            commands[1].ends_with(" device-tree-compiler"),
            "{commands:?}"
        );
    }

    #[test]
    fn other_users_need_sudo_for_each_step() {
        let commands = apt("qemu-system-x86_64", false);
        assert!(
            commands.iter().all(|command| command.starts_with("sudo ")),
            "{commands:?}"
        );
    }

    #[test]
    fn a_missing_program_is_not_in_the_path() {
        assert!(in_path("sh") && !in_path("no-such-program-anywhere"));
    }
}
