//! Tests that no content of a file makes the reader panic.

use std::path::Path;

use super::TOY;
use crate::source::InMemory;
use crate::{load, load_from};

/// Loads the bytes as a board, and formats the diagnostics.
fn survive(bytes: &[u8]) {
    if let Err(told) = load_from(&InMemory::new().with("toy", bytes), "toy") {
        assert!(!told.is_empty());
        assert!(!told.render(true).is_empty());
    }
}

/// A small pseudo-random generator (xorshift) with a fixed seed, so that failures are reproducible.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below.max(1) as u64).unwrap_or(0)
    }
}

#[test]
fn a_board_truncated_anywhere_never_panics() {
    for end in 0..TOY.len() {
        survive(&TOY.as_bytes()[..end]);
    }
}

#[test]
fn changed_bytes_never_panic() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let nasty = b"[]{}\"'=.#,\n\r\t\\ \0\xff\xc3-_0x9";
    for _ in 0..1_500 {
        let mut bytes = TOY.as_bytes().to_vec();
        for _ in 0..=numbers.next(6) {
            let at = numbers.next(bytes.len());
            match numbers.next(4) {
                0 => bytes[at] = nasty[numbers.next(nasty.len())],
                1 => bytes.insert(at, nasty[numbers.next(nasty.len())]),
                2 => drop(bytes.remove(at)),
                _ => {
                    let end = (at + numbers.next(40)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let to = numbers.next(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        survive(&bytes);
    }
}

#[test]
fn lines_in_another_order_never_panic() {
    let mut numbers = Numbers(7);
    for _ in 0..300 {
        let mut lines: Vec<&str> = TOY.lines().collect();
        for _ in 0..=numbers.next(4) {
            let (one, other) = (numbers.next(lines.len()), numbers.next(lines.len()));
            lines.swap(one, other);
        }
        survive(lines.join("\n").as_bytes());
    }
}

#[test]
fn strange_files_never_panic() {
    let deep = format!("a = {}1{}", "[".repeat(500), "]".repeat(500));
    let dotted = format!("{}a = 1", "a.".repeat(500));
    let long = format!("a = \"{}\"", "x".repeat(100_000));
    for text in [
        "",
        "\n",
        "\r",
        "\r\n",
        "\0",
        "\u{feff}",
        "=",
        "[",
        "]",
        "[]",
        "[[",
        "[[a]]",
        "[a]\n[a]",
        "a",
        "a.",
        "a =",
        "a = {",
        "a = [",
        "a = \"",
        "a = \"\"\"",
        "a = '''",
        "\"",
        "'",
        "{",
        "}",
        "#",
        "é = ü",
        "a = 1e999",
        "a = nan",
        "a = 1979-05-27",
        "[board]\n[board.name]\n[boot]\nlinux-image = 1",
        "schema = 1\nextends = \"\"",
        "schema = 1\nextends = \"../../etc/passwd\"",
        "\t\t[\t\n\t=\t",
        "a = 0x99999999999999999999999999999999999999999999999999999999",
        "[a]\n\u{200b}b = 1",
        &deep,
        &dotted,
        &long,
        &"a = [\n".repeat(300),
        &"[a\n".repeat(300),
        &"a = 1\n".repeat(300),
    ] {
        survive(text.as_bytes());
    }
    survive(&[0xff; 300]);
    survive(&(0..=255).cycle().take(4096).collect::<Vec<u8>>());
}

#[test]
fn huge_numbers_never_panic() {
    for number in [
        "0x0",
        "0xFFFF_FFFF_FFFF_FFFF",
        "0x7FFF_FFFF_FFFF_F000",
        "4294967295",
    ] {
        for line in TOY
            .lines()
            .filter(|line| line.contains("0x") || line.ends_with(char::is_numeric))
        {
            let Some((key, _)) = line.split_once('=') else {
                continue;
            };
            survive(TOY.replace(line, &format!("{key}= {number}")).as_bytes());
        }
    }
    for size in [
        "\"0 bytes\"",
        "\"18446744073709551615 bytes\"",
        "\"16777215 TiB\"",
    ] {
        survive(TOY.replace("\"64 KiB\"", size).as_bytes());
        survive(TOY.replace("\"64 MiB\"", size).as_bytes());
        survive(TOY.replace("\"1 MiB\"", size).as_bytes());
        survive(TOY.replace("\"256 MiB\"", size).as_bytes());
        survive(
            TOY.replace(
                "base = 0x8000_0000",
                &format!("base = 0x8000_0000\nsize = {size}"),
            )
            .as_bytes(),
        );
    }
}

#[test]
fn a_folder_in_place_of_a_file_is_reported() {
    let root = std::env::temp_dir().join(format!("vmos-codegen-{}", std::process::id()));
    std::fs::create_dir_all(root.join("boards/toy.toml")).unwrap();
    let told = load(Path::new(&root), "toy").unwrap_err().render(false);
    std::fs::remove_dir_all(&root).unwrap();
    assert!(
        told.contains("cannot read boards/toy.toml: it is not a file"),
        "{told}"
    );
}
