//! Mounts file systems and loads drivers, before anything else.

use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io::{Error, Result};
use std::os::fd::AsRawFd as _;
use std::ptr;
use std::thread;
use std::time::Duration;

/// The time limit for a device to appear after its driver is loaded.
const APPEARS: Duration = Duration::from_secs(10);

/// Mounts the kernel's file systems, and returns the kernel's command line.
pub(crate) fn file_systems() -> Result<String> {
    mount(c"/proc", c"proc")?;
    mount(c"/sys", c"sysfs")?;
    mount(c"/dev", c"devtmpfs")?;
    fs::read_to_string("/proc/cmdline")
}

fn mount(place: &CStr, kind: &CStr) -> Result<()> {
    // SAFETY: every pointer refers to a zero-terminated string, and the data may be null.
    let result =
        unsafe { libc::mount(kind.as_ptr(), place.as_ptr(), kind.as_ptr(), 0, ptr::null()) };
    checked(result)
        .map_err(|error| about(&format!("cannot mount {}", place.to_string_lossy()), &error))
}

/// Loads every module in `/modules`, in the order of the names. A module's parameters come from the
/// command line, as with modprobe.
pub(crate) fn load_modules(command_line: &str) -> Result<()> {
    let mut paths = Vec::new();
    for entry in fs::read_dir("/modules")? {
        paths.push(entry?.path());
    }
    paths.sort();
    for path in paths {
        // As in `/modules/03-virtio_pci.ko`.
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = stem.split_once('-').map_or(&*stem, |(_, name)| name);
        let prefix = format!("{name}.");
        let parameters: Vec<_> = command_line
            .split_whitespace()
            .filter_map(|word| word.strip_prefix(&prefix))
            .collect();
        let parameters = CString::new(parameters.join(" "))?;
        let file = File::open(&path)?;
        let flags: libc::c_int = 0;
        // SAFETY: the file is open, and the parameters are a zero-terminated string.
        let result = unsafe {
            libc::syscall(
                libc::SYS_finit_module,
                file.as_raw_fd(),
                parameters.as_ptr(),
                flags,
            )
        };
        if result != 0 {
            let what = format!("cannot load {}", path.display());
            return Err(about(&what, &Error::last_os_error()));
        }
    }
    Ok(())
}

/// Waits until a path exists, such as the device file of a driver that was just loaded.
pub(crate) fn wait_for(path: &str) -> Result<()> {
    const STEP: Duration = Duration::from_millis(1);
    let mut waited = Duration::ZERO;
    while !fs::exists(path)? {
        if waited >= APPEARS {
            return Err(Error::other(format!(
                "{path} did not appear: no driver found the device"
            )));
        }
        thread::sleep(STEP);
        waited += STEP;
    }
    Ok(())
}

/// Returns the value of the word that starts with `key` in the command line.
pub(crate) fn value<'a>(command_line: &'a str, key: &str) -> Option<&'a str> {
    command_line
        .split_whitespace()
        .find_map(|word| word.strip_prefix(key))
}

/// Powers the machine off.
pub(crate) fn power_off() {
    // SAFETY: no disk has data that must be written first.
    let _ = unsafe { libc::reboot(libc::RB_POWER_OFF) };
}

/// Converts the result of a call that returns -1 on failure.
pub(crate) fn checked(result: libc::c_int) -> Result<()> {
    if result < 0 {
        return Err(Error::last_os_error());
    }
    Ok(())
}

/// Adds the name of the failed action to an error.
pub(crate) fn about(what: &str, error: &Error) -> Error {
    Error::new(error.kind(), format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn a_value_is_what_follows_its_key() {
        assert_eq!(
            value("quiet bench=blk,timer\n", "bench="),
            Some("blk,timer")
        );
        assert_eq!(value("quiet", "bench="), None);
    }
}
