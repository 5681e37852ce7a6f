//! Tests errors that concern a file as a whole.

use super::{TOY, Toy, only};
use crate::diagnostic::{Code, Diagnostics};
use crate::source::InMemory;
use crate::{board_names_from, load_from};

fn told(sources: &InMemory, name: &str) -> Diagnostics {
    load_from(sources, name).expect_err("an error is reported")
}

/// Asserts the only error of the board `toy`, with its line and column.
fn only_at(bytes: impl Into<Vec<u8>>, at: (usize, usize), code: Code, title: &str) {
    let told = told(&InMemory::new().with("toy", bytes), "toy");
    let all: Vec<_> = told
        .iter()
        .map(|one| {
            let (path, line, column) = told.position(one.primary.at);
            (path, (line, column), one.code, one.title.as_str())
        })
        .collect();
    assert_eq!(all, [("boards/toy.toml", at, code, title)], "\n{told}");
}

#[test]
fn a_missing_board_is_reported_with_the_existing_ones() {
    let told = told(&InMemory::new().with("toy", TOY), "toi");
    let text = told.render(false);
    assert!(text.contains("there is no boards/toi.toml"), "{text}");
    assert!(text.contains("did you mean `toy`?"), "{text}");
}

#[test]
fn a_file_that_is_not_utf_8_is_reported_at_the_invalid_byte() {
    only_at(
        b"schema = 1\n# \xff\xfe\n",
        (2, 3),
        Code::CannotRead,
        "boards/toy.toml is not text in UTF-8",
    );
}

#[test]
fn text_that_is_not_toml_is_reported() {
    only(
        &[("count = 8", "count = 8 «slots»")],
        Code::Syntax,
        "this is not TOML: unexpected text after the value",
    );
}

#[test]
fn an_unclosed_bracket_is_reported_at_its_line() {
    only(
        &[("interrupt = { spi = 16 }", "interrupt = «{» spi = 16")],
        Code::Syntax,
        "this bracket or quote is never closed",
    );
}

#[test]
fn a_duplicate_key_is_reported() {
    only(
        &[("count = 8", "count = 8\n«count» = 9")],
        Code::DuplicateKey,
        "`virtio-mmio.count` is given twice",
    );
}

#[test]
fn a_duplicate_address_is_reported() {
    only(
        &[(
            "= \"a clock\"",
            "= \"a clock\"\n«\"0x60000000\"» = \"a clock\"",
        )],
        Code::DuplicateKey,
        "0x6000_0000 is given twice",
    );
}

#[test]
fn a_file_without_a_board_table_is_not_a_board() {
    only_at(
        "schema = 1\n[qemu]\n",
        (1, 1),
        Code::NotABoard,
        "boards/toy.toml is not a board",
    );
}

#[test]
fn a_file_without_a_board_that_nothing_extends_is_loaded_as_one() {
    let fragment = "schema = 1\n[memory]\nstack = \"64 KiB\"\n";
    let sources = InMemory::new()
        .with("base", fragment)
        .with(
            "child",
            TOY.replace("schema = 1", "schema = 1\nextends = \"base\""),
        )
        .with("empty", "")
        .with("misspelt", TOY.replace("[board]", "[baord]"));
    let names = board_names_from(&sources).unwrap();
    assert_eq!(names, ["child", "empty", "misspelt"]);
    let told = load_from(&sources, "misspelt").unwrap_err();
    assert!(told.to_string().contains("did you mean `board`?"), "{told}");
}

#[test]
fn a_file_with_an_invalid_board_name_must_be_renamed() {
    let sources = InMemory::new().with("My Board", TOY);
    let told = load_from(&sources, "My Board").unwrap_err();
    assert!(told.to_string().contains("rename the file"), "{told}");
}

#[test]
fn an_empty_file_is_not_a_board() {
    only_at(
        "",
        (1, 1),
        Code::NotABoard,
        "boards/toy.toml is not a board",
    );
}

#[test]
fn only_the_version_of_a_newer_schema_is_reported() {
    only(
        &[
            ("schema = 1", "schema = «2»\nfuture = true"),
            ("count = 8", "slots = 8"),
        ],
        Code::SchemaVersion,
        "schema version 2 is not supported",
    );
}

#[test]
fn a_file_must_state_its_schema_version() {
    Toy::from(
        &TOY.replace("schema = 1\n", "")
            .replace("[board]", "«[board]»"),
    )
    .has_only(Code::MissingKey, "missing key `schema` in the board");
}

#[test]
fn a_byte_order_mark_does_not_count() {
    only_at(
        format!("\u{feff}{}", TOY.replace("schema = 1", "schema = \"1\"")),
        (1, 10),
        Code::WrongType,
        "`schema` must be 1",
    );
}

#[test]
fn line_ends_of_windows_do_not_count() {
    let text = TOY.replace("count = 8", "count = 0").replace('\n', "\r\n");
    let title = "`virtio-mmio.count` must be a number from 1 to 1024";
    only_at(text, (49, 9), Code::BadNumber, title);
}

#[test]
fn columns_count_characters() {
    only_at(
        TOY.replace("virtio-mmio]\n", "virtio-mmio]\n\"é\" = 1\n")
            .as_str(),
        (47, 1),
        Code::UnknownKey,
        "unknown key `é` in [virtio-mmio]",
    );
    only_at(
        TOY.replace("{ spi = 16 }", "{ \"äöü\" = \"é\", spi = x }")
            .as_str(),
        (50, 34),
        Code::Syntax,
        "this is not TOML: string values must be quoted",
    );
}
