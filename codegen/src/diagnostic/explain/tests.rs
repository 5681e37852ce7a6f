use super::*;

/// The codes whose mistakes a board file shows.
fn shown() -> impl Iterator<Item = (Code, Explanation)> {
    let pages = Code::ALL.iter().map(|code| (*code, code.explain()));
    pages.filter(|(code, page)| *code != Code::Unresolved && found_by(page).is_empty())
}

/// The command that finds the mistake, if it is not the one that reads boards.
fn found_by(page: &Explanation) -> &'static str {
    let word = page.pieces().into_iter().find_map(|piece| match piece {
        Piece::Block { word, .. } => word.strip_prefix("toml"),
        Piece::Text(_) => None,
    });
    word.unwrap_or_default().trim()
}

#[test]
fn every_code_has_a_mistake_and_a_way_out() {
    for code in Code::ALL.iter().filter(|code| **code != Code::Unresolved) {
        assert_eq!(code.explain().examples().len(), 2, "{code}");
    }
}

#[test]
fn the_mistake_comes_to_its_code_and_to_nothing_else() {
    for (code, page) in shown() {
        let Some(told) = page.told() else {
            panic!("{code}: nothing is told of the mistake");
        };
        assert!(told.iter().all(|one| one.code == code), "{code}:\n{told}");
    }
}

#[test]
fn the_way_out_is_one() {
    for (code, page) in shown() {
        if let Err(told) = load_example(page.examples()[1]) {
            panic!("{code}:\n{told}");
        }
    }
}

#[test]
fn what_another_command_finds_is_sound_as_a_board() {
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
fn a_code_may_be_written_in_short() {
    for written in ["E0012", "e0012", "E12", "12", " e12 "] {
        assert_eq!(Code::parse(written), Some(Code::WrongType), "{written}");
    }
    for written in ["", "E", "E0098", "0012E", "E-12", "E70000"] {
        assert_eq!(Code::parse(written), None, "{written}");
    }
}

#[test]
fn a_page_shows_what_is_told() {
    let page = Code::WrongType.explain().render(false);
    assert!(
        page.starts_with("E0012: a value of the wrong type\n\n"),
        "{page}"
    );
    assert!(page.contains("    error[E0012]: "), "{page}");
    assert!(!page.contains('\u{1b}'));
    assert!(Code::WrongType.explain().render(true).contains('\u{1b}'));
}
