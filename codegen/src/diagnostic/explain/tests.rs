use super::*;

/// The codes of errors that a board file alone shows.
fn shown() -> impl Iterator<Item = (Code, Explanation)> {
    let pages = Code::ALL.iter().map(|code| (*code, code.explain()));
    pages.filter(|(code, page)| *code != Code::Unresolved && found_by(page).is_empty())
}

/// Returns the command that finds the error, if `cargo xtask gen` does not.
fn found_by(page: &Explanation) -> &'static str {
    let word = page.pieces().into_iter().find_map(|piece| match piece {
        Piece::Block { word, .. } => word.strip_prefix("toml"),
        Piece::Text(_) => None,
    });
    word.unwrap_or_default().trim()
}

#[test]
fn every_code_has_an_example_and_a_fix() {
    for code in Code::ALL.iter().filter(|code| **code != Code::Unresolved) {
        assert_eq!(code.explain().examples().len(), 2, "{code}");
    }
}

#[test]
fn the_example_gives_its_code_and_no_other() {
    for (code, page) in shown() {
        let Some(told) = page.told() else {
            panic!("{code}: the example has no error");
        };
        assert!(told.iter().all(|one| one.code == code), "{code}:\n{told}");
    }
}

#[test]
fn the_fix_has_no_error() {
    for (code, page) in shown() {
        if let Err(told) = load_example(page.examples()[1]) {
            panic!("{code}:\n{told}");
        }
    }
}

#[test]
fn an_example_for_another_command_is_a_valid_board() {
    for code in Code::ALL {
        let page = code.explain();
        if !found_by(&page).is_empty() {
            for example in page.examples() {
                assert!(load_example(example).is_ok(), "{code}");
            }
        }
    }
}

#[test]
fn a_page_begins_with_what_the_code_means() {
    for code in Code::ALL {
        let pieces = code.explain().pieces();
        assert!(matches!(pieces.first(), Some(Piece::Text(_))), "{code}");
    }
}

#[test]
fn no_page_is_wider_than_a_terminal() {
    for code in Code::ALL {
        let wide = code
            .explanation()
            .lines()
            .find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{code}");
    }
}

#[test]
fn every_page_belongs_to_a_code() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/diagnostic/explain");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(code) = name.strip_suffix(".md") {
            assert!(
                Code::ALL.iter().any(|known| known.written() == code),
                "{name}"
            );
        }
    }
}

#[test]
fn codes_ascend_so_that_none_is_given_twice() {
    let written: Vec<_> = Code::ALL.iter().map(|code| code.written()).collect();
    assert!(written.is_sorted_by(|one, next| one < next), "{written:?}");
    assert!(
        written
            .iter()
            .all(|code| code.len() == 5 && code.starts_with('E'))
    );
}

#[test]
fn a_code_has_short_forms() {
    for written in ["E0012", "e0012", "E12", "12", " e12 "] {
        assert_eq!(Code::parse(written), Some(Code::WrongType), "{written}");
    }
    for written in ["", "E", "E0098", "0012E", "E-12", "E70000"] {
        assert_eq!(Code::parse(written), None, "{written}");
    }
}

#[test]
fn a_page_shows_the_diagnostic() {
    let page = Code::WrongType.explain().render(false);
    assert!(
        page.starts_with("E0012: a value of the wrong type\n\n"),
        "{page}"
    );
    assert!(page.contains("    error[E0012]: "), "{page}");
    assert!(!page.contains('\u{1b}'));
    assert!(Code::WrongType.explain().render(true).contains('\u{1b}'));
}
