//! The RAM of a machine in files, which the test reads and writes while the machine runs.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use xtask::memory_size::MemorySize;

use crate::outcome::Outcome;

/// The RAM of a machine: one part, or one for each NUMA node, each after the one before.
#[derive(Debug)]
pub(super) struct Memory {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    /// The address of the first byte.
    base: u64,
    /// In bytes.
    len: u64,
    file: File,
}

impl Memory {
    /// Creates files for the RAM of a machine, which starts at `base`, and changes QEMU's words so that
    /// it uses them. QEMU refuses a further backend beside those of nodes, so each of these becomes a
    /// file.
    pub(super) fn shared(
        folder: &Path,
        base: u64,
        mebibytes: u64,
        words: &mut Vec<String>,
    ) -> Outcome<Self> {
        let mut memory = Self { parts: Vec::new() };
        for name in nodes(words) {
            let object = words
                .iter_mut()
                .find(|word| Backend::of(word).is_some_and(|found| found.id == name))
                .ok_or_else(|| format!("a node has the memory {name}, which is not described"))?;
            let size = Backend::of(object).map(|found| found.size);
            let size: MemorySize = size.unwrap_or_default().parse()?;
            let next = memory
                .parts
                .last()
                .map_or(base, |part| part.base + part.len);
            *object = memory.add(folder, &name, next, size.mebibytes())?;
        }
        if memory.parts.is_empty() {
            let object = memory.add(folder, "ram", base, mebibytes)?;
            let more = ["-object", &object, "-machine", "memory-backend=ram"];
            words.extend(more.map(str::to_owned));
        }
        Ok(memory)
    }

    /// Adds a part, and returns the value of QEMU's `-object` for it.
    fn add(&mut self, folder: &Path, id: &str, base: u64, mebibytes: u64) -> Outcome<String> {
        let path = folder.join(format!("{id}.bin"));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        let len = mebibytes << 20;
        file.set_len(len)?;
        self.parts.push(Part { base, len, file });
        let path = path.display();
        Ok(format!(
            "memory-backend-file,id={id},size={mebibytes}M,share=on,mem-path={path}"
        ))
    }

    /// Reads bytes at an address.
    pub(super) fn read(&self, address: u64, bytes: &mut [u8]) -> Outcome {
        let (file, offset) = self.place(address, bytes.len())?;
        Ok(file.read_exact_at(bytes, offset)?)
    }

    /// Writes bytes at an address.
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> Outcome {
        let (file, offset) = self.place(address, bytes.len())?;
        Ok(file.write_all_at(bytes, offset)?)
    }

    fn place(&self, address: u64, len: usize) -> Outcome<(&File, u64)> {
        for part in &self.parts {
            let offset = address.checked_sub(part.base);
            let has_all = |&offset: &u64| offset < part.len && part.len - offset >= len as u64;
            if let Some(offset) = offset.filter(has_all) {
                return Ok((&part.file, offset));
            }
        }
        Err(format!("there are no {len} bytes of RAM at {address:#x}").into())
    }
}

/// Returns the names of the nodes' memory, in the order of the nodes.
fn nodes(words: &[String]) -> Vec<String> {
    let pairs = words.windows(2);
    let nodes = pairs.filter_map(|pair| match pair {
        [option, value] if option == "-numa" => value.strip_prefix("node,"),
        _ => None,
    });
    nodes
        .filter_map(|node| property(node, "memdev"))
        .map(str::to_owned)
        .collect()
}

/// The description of a piece of memory of the host.
struct Backend<'a> {
    id: &'a str,
    /// Like `64M`.
    size: &'a str,
}

impl<'a> Backend<'a> {
    fn of(word: &'a str) -> Option<Self> {
        let properties = word.strip_prefix("memory-backend-ram,")?;
        Some(Self {
            id: property(properties, "id")?,
            size: property(properties, "size")?,
        })
    }
}

fn property<'a>(properties: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = properties
        .split(',')
        .filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_memory_of_a_machine_without_nodes_is_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut line = words("-machine virt");
        let memory = Memory::shared(folder.path(), 0x4000_0000, 2, &mut line).unwrap();
        let file = folder.path().join("ram.bin");
        let expected = format!(
            "-machine virt -object memory-backend-file,id=ram,size=2M,share=on,mem-path={} -machine \
             memory-backend=ram",
            file.display()
        );
        assert_eq!(line.join(" "), expected);
        memory.write(0x401f_fffe, &[1, 2]).unwrap();
        assert_eq!(&std::fs::read(file).unwrap()[(2 << 20) - 2..], &[1, 2]);
        assert!(memory.write(0x401f_ffff, &[1, 2]).is_err());
        assert!(memory.read(0x3fff_ffff, &mut [0]).is_err());
    }

    #[test]
    fn the_memory_of_each_node_is_a_file_in_the_order_of_the_nodes() {
        let folder = tempfile::tempdir().unwrap();
        let mut line = words(
            "-object memory-backend-ram,size=1M,id=b -object memory-backend-ram,id=a,size=2M -numa \
             node,memdev=a -numa node,memdev=b -numa dist,src=0,dst=1,val=20",
        );
        let count = line.len();
        let memory = Memory::shared(folder.path(), 0x8000_0000, 3, &mut line).unwrap();
        assert_eq!(line.len(), count);
        assert!(line[1].starts_with("memory-backend-file,id=b,size=1M,share=on,mem-path="));
        assert!(line[3].starts_with("memory-backend-file,id=a,size=2M,share=on,mem-path="));
        memory.write(0x8020_0000, &[7]).unwrap();
        assert_eq!(std::fs::read(folder.path().join("b.bin")).unwrap()[0], 7);
        assert!(memory.read(0x801f_ffff, &mut [0; 2]).is_err());
        assert!(memory.read(0x8030_0000, &mut [0]).is_err());
    }

    #[test]
    fn a_node_without_memory_of_its_own_is_named() {
        let mut line = words("-numa node,memdev=gone");
        let folder = tempfile::tempdir().unwrap();
        let error = Memory::shared(folder.path(), 0, 1, &mut line).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
