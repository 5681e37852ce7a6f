//! Tests that the emitters reject boards that the checks would have rejected.

mod fixture;

use fixture::smallest;
use vmos_codegen::Board;
use vmos_codegen::board::Waiver;
use vmos_codegen::emit::{self, Error};

/// Returns the error for the smallest board after `change`.
fn refusal(change: impl FnOnce(&mut Board)) -> Error {
    let mut board = smallest();
    change(&mut board);
    emit::board(&board).unwrap_err()
}

#[test]
fn a_name_that_leaves_the_tree_is_rejected() {
    for name in [
        "",
        "../escape",
        "a/b",
        "Upper",
        "under_score",
        "1st",
        "default",
    ] {
        let error = refusal(|board| board.name = name.to_owned());
        assert_eq!(
            error,
            Error::Name {
                board: name.to_owned()
            }
        );
    }
}

#[test]
fn the_names_in_the_index_are_checked_too() {
    assert!(emit::index::emit(&["a", "../b"]).is_err());
}

#[test]
fn text_that_would_end_its_line_or_comment_is_rejected() {
    for text in ["two\nlines", "bell\u{7}", "*/ . = 0; /*"] {
        let error = refusal(|board| board.title = text.to_owned());
        assert!(matches!(error, Error::Text { key, .. } if key == "board.title"));
    }
}

#[test]
fn the_key_of_an_invalid_reason_is_reported() {
    let error = refusal(|board| {
        board.waivers.push(Waiver {
            name: String::from("alias"),
            between: (String::from("a"), String::from("b")),
            reason: String::from("because\nof this"),
        });
    });
    assert!(matches!(error, Error::Text { key, .. } if key == "waiver.alias.reason"));
}

#[test]
fn an_argument_that_qemu_args_cannot_contain_is_rejected() {
    for argument in ["", "# not a comment"] {
        let error = refusal(|board| board.qemu.arguments.push(argument.to_owned()));
        assert!(matches!(error, Error::Text { key, .. } if key == "qemu.arguments"));
    }
}

#[test]
fn an_image_outside_ram_is_rejected() {
    let error = refusal(|board| board.boot.load_address = 0x1000);
    let board = String::from("smallest");
    assert_eq!(
        error,
        Error::LoadAddress {
            board,
            address: 0x1000
        }
    );
}

#[test]
fn a_board_that_cannot_be_stopped_is_rejected() {
    let error = refusal(|board| board.power.clear());
    assert!(matches!(error, Error::Missing { key: "power", .. }));
}

#[test]
fn a_title_may_contain_special_characters_of_every_language() {
    let mut board = smallest();
    board.title = String::from(r#"a "quoted" {{ title }} | \ with // everything"#);
    let files = emit::board(&board).unwrap();
    assert!(files["linker.ld"].contains(&board.title));
    assert!(files["board.rs"].contains(&format!("TITLE: &'static str = {:?}", board.title)));
}
