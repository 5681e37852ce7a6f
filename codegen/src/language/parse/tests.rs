use super::*;

/// Parses a text, and returns the line, column and title of each error.
fn problems_of(text: &str) -> Vec<String> {
    parsed(text).1
}

fn parsed(text: &str) -> (Table, Vec<String>) {
    let mut problems = Problems::default();
    let file = problems.add_file("boards/x.toml".to_owned(), text.to_owned());
    let root = parse(file, &schema::Kind::Text, &mut problems);
    let diagnostics = problems.into_diagnostics();
    let told = diagnostics.iter().map(|one| {
        let (_, line, column) = diagnostics.position(one.primary.at);
        format!("{line}:{column} {}", one.title)
    });
    let told = told.collect();
    (root, told)
}

#[test]
fn each_broken_statement_is_reported_once() {
    let text = "a = 1 2\nb = 09\nc 3\nd = \"x\ne =\n[t\nf = 1\n[u]\ng = 0xG\n";
    assert_eq!(
        problems_of(text),
        [
            "1:7 this is not TOML: unexpected text after the value",
            "2:5 this is not TOML: unexpected leading zero",
            "3:3 this is not TOML: key with no value",
            "4:7 this is not TOML: invalid basic string",
            "5:4 this is not TOML: a value is missing",
            "6:3 this is not TOML: unclosed table",
            "9:7 this is not TOML: invalid hexadecimal number",
        ]
    );
}

#[test]
fn an_unclosed_bracket_is_reported_where_it_opens() {
    for text in [
        "[x]\nd = { spi = 1\nc = 4\n[z]\ne = 1\n",
        "[x]\nd = [ 1, 2\nc = 4\n",
        "[x]\nd = [ 1, 2\n[z]\nc = 4\n",
        "[x]\nd = [ 1, 2\n",
        "[x]\nd = [ 1, 2",
        "[x]\nd = { spi = 1,\n\n[z]\nc = 4\n",
        "[x]\nd = \"\"\" a\nc = 4\n",
    ] {
        assert_eq!(
            problems_of(text),
            ["2:5 this bracket or quote is never closed"],
            "{text:?}"
        );
    }
}

#[test]
fn statements_after_a_broken_one_are_read() {
    let (root, problems) = parsed("[x]\nd = { spi = 1\nc = 4\n[z]\ne = 1\n");
    assert_eq!(problems.len(), 1);
    assert!(root.find("x.c").is_some());
    assert!(root.find("z.e").is_some());
}

#[test]
fn a_broken_value_keeps_its_key() {
    let (root, _) = parsed("[x]\nbase = 09000000\n");
    assert!(matches!(
        root.find("x.base").unwrap().node.value,
        Value::Broken
    ));
}

#[test]
fn keys_under_a_broken_header_do_not_fall_into_the_table_above() {
    let (root, problems) = parsed("[x]\na = 1\n[y\nb = 2\n[z]\nc = 3\n");
    assert_eq!(problems.len(), 1);
    assert!(root.find("x.b").is_none());
    assert!(root.incomplete);
}

#[test]
fn a_key_given_twice_shows_both_places() {
    let mut problems = Problems::default();
    let text = "[x]\na = 1\na = 2\n[y]\n[x]\nb = 1\n";
    let file = problems.add_file("boards/x.toml".to_owned(), text.to_owned());
    parse(file, &schema::Kind::Text, &mut problems);
    let diagnostics = problems.into_diagnostics();
    let told: Vec<_> = diagnostics
        .iter()
        .map(|one| {
            let first = diagnostics.position(one.secondary[0].at);
            let (_, line, column) = diagnostics.position(one.primary.at);
            (one.title.as_str(), line, column, first.1, first.2)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("`x.a` is given twice", 3, 1, 2, 1),
            ("`x` is given twice", 5, 2, 1, 2)
        ]
    );
}

#[test]
fn a_list_over_several_lines_is_one_statement() {
    assert_eq!(
        problems_of("a = [\n  1,\n  2 3,\n]\nb = 4\n"),
        ["3:5 this is not TOML: unexpected text after the value"]
    );
}

#[test]
fn spans_survive_characters_of_several_bytes() {
    let (root, _) = parsed("a = \"é\" é\nb = 5\n");
    let b = root.get("b").unwrap();
    assert_eq!((b.key_at.start, b.key_at.end), (12, 13));
}

#[test]
fn a_number_without_its_prefix_is_offered_as_hexadecimal() {
    let helps = |text: &str| {
        let mut problems = Problems::default();
        let file = problems.add_file("boards/x.toml".to_owned(), text.to_owned());
        parse(file, &schema::Kind::Text, &mut problems);
        problems.into_diagnostics().to_string()
    };
    for written in ["3F8", "FEC0_0000", "3F8h"] {
        let text = helps(&format!("port = {written}\n"));
        let digits = written.trim_end_matches('h');
        let help = format!("if it is hexadecimal, write 0x{digits}");
        assert!(text.contains(&help), "{text}");
    }
    let text = helps("name = fade\n");
    assert!(
        text.contains("write \"fade\"") && !text.contains("0x"),
        "{text}"
    );
}
