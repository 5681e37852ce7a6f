//! Packs the first file system of Linux: a cpio archive in the format "newc" (Linux,
//! `Documentation/driver-api/early-userspace/buffer-format.rst`).

/// A kernel module: its name and its file's content.
pub type Module = (String, Vec<u8>);

/// The mode of a directory that only its owner can change.
const DIRECTORY: u32 = 0o040_755;
/// The mode of a file that only its owner can change.
const FILE: u32 = 0o100_644;
/// The mode of an executable file.
const PROGRAM: u32 = 0o100_755;
/// The mode of a character device.
const DEVICE: u32 = 0o020_600;

/// The major and minor number of `/dev/console`.
const CONSOLE: (u32, u32) = (5, 1);

/// Returns an archive with the first process, and modules to load in this order.
#[must_use]
pub fn archive(program: &[u8], modules: &[Module]) -> Vec<u8> {
    let mut archive = Archive::default();
    for directory in ["dev", "proc", "sys", "modules"] {
        archive.add(directory, DIRECTORY, (0, 0), &[]);
    }
    archive.add("dev/console", DEVICE, CONSOLE, &[]);
    for (place, (name, module)) in modules.iter().enumerate() {
        archive.add(
            &format!("modules/{place:02}-{name}.ko"),
            FILE,
            (0, 0),
            module,
        );
    }
    archive.add("init", PROGRAM, (0, 0), program);
    archive.add("TRAILER!!!", 0, (0, 0), &[]);
    archive.bytes
}

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds an entry; `device` is the device number.
    fn add(&mut self, name: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.entries += 1;
        let fields = [
            self.entries,
            mode,
            0, // the user
            0, // the group
            1, // links
            0, // the time of the last change
            content.len() as u32,
            0, // the device that contains it
            0,
            device.0,
            device.1,
            name.len() as u32 + 1,
            0, // a checksum, which this format does not use
        ];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    /// Pads to a multiple of four bytes, as required after names and contents.
    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_header_a_name_and_its_content_each_padded() {
        let mut archive = Archive::default();
        archive.add("ab", FILE, (0, 0), b"hello");
        let text = String::from_utf8(archive.bytes).unwrap();
        // 110 bytes of header and 3 of the name make 113, and 5 of content become 8.
        assert_eq!(text.len(), 116 + 8);
        assert!(text.starts_with("07070100000001000081a4"), "{text}");
        assert_eq!(&text[54..62], "00000005");
        assert_eq!(&text[94..102], "00000003");
        assert_eq!(&text[110..], "ab\0\0\0\0hello\0\0\0");
    }

    #[test]
    fn modules_are_numbered_in_their_order_and_the_trailer_ends_it() {
        let modules = ["virtio", "virtio_net"].map(|name| (name.to_owned(), vec![1]));
        let bytes = archive(b"program", &modules);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("modules/00-virtio.ko\0"));
        assert!(text.contains("modules/01-virtio_net.ko\0"));
        assert!(text.trim_end_matches('\0').ends_with("TRAILER!!!"));
    }
}
