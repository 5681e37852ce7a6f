//! The Debian package of a kernel. apt fetches it and verifies it with the archive's signed lists.
//! These lists are kept in a separate folder, so that nothing on the system changes.

use core::error::Error;
use core::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Port;
use super::initramfs::Module;
use crate::failure::FileError;
use crate::install::in_path;

/// The drivers to load. A kernel may have some of them built in.
const DRIVERS: [&str; 4] = ["virtio_mmio", "virtio_pci", "virtio_blk", "virtio_net"];

/// An unpacked kernel package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The path of the kernel's file.
    pub kernel: PathBuf,
    /// The version, such as `6.1.0-56-cloud-arm64`.
    pub version: String,
    root: PathBuf,
}

impl Package {
    /// Returns the kernel in `folder`. It is fetched on first use and kept until the folder is
    /// removed.
    ///
    /// # Errors
    /// The kernel cannot be fetched or unpacked.
    pub fn get(folder: &Path, port: Port) -> Result<Self, PackageError> {
        let root = folder.join("root");
        if root.is_dir() {
            return Self::unpacked(root);
        }
        for program in ["apt-get", "apt-cache", "dpkg-deb"] {
            if !in_path(program) {
                return Err(PackageError::NoProgram(program));
            }
        }
        // Move the complete folder into place, so that a partial kernel is never used.
        let own = TempDir::new_in(folder).map_err(FileError::at("create a folder in", folder))?;
        let package = fetch(own.path(), port)?;
        let whole = own.path().join("root");
        let (from, to) = (package.to_string_lossy(), whole.to_string_lossy());
        run("dpkg-deb", &["--extract", &from, &to], own.path())?;
        fs::rename(&whole, &root).map_err(FileError::at("move the kernel to", &root))?;
        Self::unpacked(root)
    }

    fn unpacked(root: PathBuf) -> Result<Self, PackageError> {
        let boot = root.join("boot");
        for name in names(&boot)? {
            if let Some(version) = name.strip_prefix("vmlinuz-") {
                return Ok(Self {
                    kernel: boot.join(&name),
                    version: version.to_owned(),
                    root,
                });
            }
        }
        Err(PackageError::NoKernel(boot))
    }

    /// Returns the modules to load, each after its dependencies.
    ///
    /// # Errors
    /// A module cannot be read.
    pub fn modules(&self) -> Result<Vec<Module>, PackageError> {
        let mut files = Vec::new();
        // The path depends on whether `/lib` is a symbolic link.
        for library in ["lib/modules", "usr/lib/modules"] {
            let drivers = self.root.join(library).join(&self.version).join("kernel");
            if drivers.is_dir() {
                collect(&drivers, &mut files)?;
            }
        }
        let mut modules = Vec::new();
        for driver in DRIVERS {
            add(driver, &files, &mut modules)?;
        }
        Ok(modules)
    }
}

/// Adds a module after its dependencies, unless it is already in the list or built in.
fn add(name: &str, files: &[PathBuf], modules: &mut Vec<Module>) -> Result<(), PackageError> {
    if modules.iter().any(|(there, _)| there == name) {
        return Ok(());
    }
    let file = files
        .iter()
        .find(|path| module_name(path).as_deref() == Some(name));
    let Some(file) = file else { return Ok(()) };
    let module = content(file)?;
    for needed in needed(&module) {
        add(&needed, files, modules)?;
    }
    modules.push((name.to_owned(), module));
    Ok(())
}

/// Returns the dependencies of a module, from its entry `depends=`.
fn needed(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|bytes| bytes == KEY) else {
        return Vec::new();
    };
    let line = module[at + KEY.len()..].split(|&byte| byte == 0).next();
    let line = String::from_utf8_lossy(line.unwrap_or_default());
    line.split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}

/// Fetches the package into `folder`; returns its path.
fn fetch(folder: &Path, port: Port) -> Result<PathBuf, PackageError> {
    eprintln!("xtask: fetching a kernel for {} with apt-get", port.debian);
    for part in ["lists/partial", "cache/archives/partial"] {
        let part = folder.join(part);
        fs::create_dir_all(&part).map_err(FileError::at("create the folder", &part))?;
    }
    let installed = folder.join("status");
    fs::write(&installed, "").map_err(FileError::at("write", &installed))?;
    let options = options(folder, port.debian);
    let apt = |program, words: &[&str]| {
        let options = options.iter().flat_map(|option| ["-o", option]);
        let words: Vec<_> = options.chain(words.iter().copied()).collect();
        run(program, &words, folder)
    };
    // If one list is not available, another one may contain the package.
    let updated = apt("apt-get", &["-qq", "update"]);
    let depends = apt("apt-cache", &["depends", port.package]);
    let depends = depends.map_err(|error| updated.err().unwrap_or(error))?;
    let Some(name) = kernel_of(&depends) else {
        return Err(PackageError::NotInLists(port.package));
    };
    apt("apt-get", &["-qq", "download", name])?;
    let found = names(folder)?.into_iter();
    let mut packages = found.filter(|file| file.ends_with(".deb"));
    let package = packages
        .next()
        .ok_or(PackageError::NotInLists(port.package))?;
    Ok(folder.join(package))
}

/// Returns the options that make apt keep everything in `folder`, for one architecture.
fn options(folder: &Path, architecture: &str) -> Vec<String> {
    let folder = folder.display();
    vec![
        format!("Dir::State={folder}"),
        format!("Dir::State::lists={folder}/lists"),
        format!("Dir::State::status={folder}/status"),
        format!("Dir::Cache={folder}/cache"),
        format!("APT::Architecture={architecture}"),
        format!("APT::Architectures={architecture}"),
        // By default, root fetches as a user without write access to this folder.
        "APT::Sandbox::User=root".to_owned(),
        "Acquire::Languages=none".to_owned(),
        "Acquire::Retries=2".to_owned(),
        // Makes a failed list an error instead of a warning.
        "APT::Update::Error-Mode=any".to_owned(),
    ]
}

/// Finds the kernel package in the output of `apt-cache depends`.
fn kernel_of(depends: &str) -> Option<&str> {
    let lines = depends.lines();
    lines
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with("linux-image-"))
}

/// Runs a program in `folder`; returns its output.
fn run(program: &'static str, words: &[&str], folder: &Path) -> Result<String, PackageError> {
    let output = Command::new(program)
        .args(words)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output();
    let failed = |said: String| PackageError::Failed { program, said };
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(said.trim_end().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the module in a file, such as `virtio_net` for `virtio-net.ko.xz`.
fn module_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let (name, _) = name.split_once(".ko")?;
    Some(name.replace('-', "_"))
}

fn content(path: &Path) -> Result<Vec<u8>, PackageError> {
    if path.extension().is_none_or(|extension| extension != "xz") {
        return Ok(fs::read(path).map_err(FileError::at("read the module", path))?);
    }
    let output = Command::new("xz")
        .args(["--decompress", "--stdout"])
        .arg(path)
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(PackageError::Failed {
            program: "xz",
            said: String::from_utf8_lossy(&output.stderr)
                .trim_end()
                .to_owned(),
        }),
        Err(_) => Err(PackageError::NoProgram("xz")),
    }
}

/// Collects every file below a folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), PackageError> {
    for name in names(folder)? {
        let path = folder.join(name);
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Returns the names in a folder.
fn names(folder: &Path) -> Result<Vec<String>, PackageError> {
    let at = || FileError::at("read the folder", folder);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(at())? {
        let entry = entry.map_err(at())?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Why there is no kernel.
#[derive(Debug)]
pub enum PackageError {
    /// A required program is not installed.
    NoProgram(&'static str),
    /// A program reported an error.
    Failed {
        /// The name of the program.
        program: &'static str,
        /// The program's error output.
        said: String,
    },
    /// The archive does not contain the package.
    NotInLists(&'static str),
    /// The unpacked package contains no kernel.
    NoKernel(PathBuf),
    /// A file could not be read or written.
    File(FileError),
}

impl fmt::Display for PackageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgram("xz") => write!(
                formatter,
                "xz, which unpacks this kernel's modules, is missing\n  install it with `apt-get \
                 install xz-utils`"
            ),
            Self::NoProgram(program) => write!(
                formatter,
                "{program}, with which `bench --linux` fetches a Debian kernel, is missing\n  run it on \
                 Debian, or in a container with Debian, or leave out --linux"
            ),
            Self::Failed { program, said } => write!(
                formatter,
                "cannot fetch the Linux kernel; {program} reported\n{said}\n  it needs the network once, because the download is kept; or leave out --linux"
            ),
            Self::NotInLists(package) => write!(
                formatter,
                "apt's sources have no package {package} with a kernel\n  sources of Debian have \
                 it: add them, or leave out --linux"
            ),
            Self::NoKernel(boot) => write!(
                formatter,
                "{} contains no vmlinuz-*\n  remove target/bench/linux, so that the kernel is \
                 fetched again",
                boot.display()
            ),
            Self::File(error) => error.fmt(formatter),
        }
    }
}

impl Error for PackageError {}

impl From<FileError> for PackageError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_what_the_package_without_a_version_depends_on() {
        let depends = "linux-image-cloud-arm64\n  Depends: linux-image-6.1.0-56-cloud-arm64\n";
        assert_eq!(kernel_of(depends), Some("linux-image-6.1.0-56-cloud-arm64"));
        assert_eq!(kernel_of("linux-image-cloud-arm64\n"), None);
    }

    #[test]
    fn a_module_has_one_name_however_its_file_is_written() {
        let name = |path| module_name(Path::new(path));
        assert_eq!(name("a/virtio-net.ko.xz").as_deref(), Some("virtio_net"));
        assert_eq!(name("a/virtio_pci.ko").as_deref(), Some("virtio_pci"));
        assert_eq!(name("a/README"), None);
    }

    #[test]
    fn a_module_comes_after_those_that_it_needs() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, depends: &str| {
            let path = folder.path().join(format!("{name}.ko"));
            fs::write(&path, format!("ELF\0depends={depends}\0name={name}\0")).unwrap();
            path
        };
        let files = [
            file("virtio_net", "virtio,net-failover"),
            file("virtio", "virtio_ring"),
            file("virtio_ring", ""),
            file("net-failover", "virtio"),
        ];
        let mut modules = Vec::new();
        add("virtio_net", &files, &mut modules).unwrap();
        add("built_in", &files, &mut modules).unwrap();
        let names: Vec<_> = modules.into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            ["virtio_ring", "virtio", "net_failover", "virtio_net"]
        );
    }

    #[test]
    fn a_module_without_the_line_needs_nothing() {
        assert_eq!(needed(b"\0depends="), [""; 0]);
        assert_eq!(needed(b""), [""; 0]);
    }
}
