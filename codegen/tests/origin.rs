//! Tests that every line under `generated/` is traced to its origin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread;

use vmos_codegen::influence::{Influence, Origin, Relation};
use vmos_codegen::source::Folder;
use vmos_codegen::{board_names, load_written};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A line of a generated file with its origin.
struct Line {
    board: String,
    /// The keys that define which board it is: the architecture and the tables of parts. They are
    /// not replaced by other values.
    parts: BTreeSet<String>,
    file: &'static str,
    number: usize,
    text: String,
    origin: Origin,
}

fn lines() -> &'static [Line] {
    static LINES: LazyLock<Vec<Line>> = LazyLock::new(trace);
    &LINES
}

/// Traces all boards, at the same time.
fn trace() -> Vec<Line> {
    let boards = board_names(&workspace()).unwrap();
    thread::scope(|scope| {
        let traced: Vec<_> = boards
            .iter()
            .map(|board| scope.spawn(|| trace_board(board)))
            .collect();
        let lines = traced.into_iter().map(|board| board.join().unwrap());
        lines.flatten().collect()
    })
}

fn trace_board(board: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let (resolved, written) = load_written(&Folder::new(&workspace()), board).unwrap();
    let facts = written.all_facts();
    let tables = facts.iter().filter_map(|fact| fact.path.rsplit_once('.'));
    let mut parts: BTreeSet<String> = tables.map(|(table, _)| table.to_owned()).collect();
    parts.insert(resolved.architecture.to_string());
    let influence = Influence::of(&resolved, &written).unwrap();
    for (&file, artefact) in influence.artefacts() {
        for (text, number) in artefact.text.lines().zip(1..) {
            let origin = influence.origin(file, number);
            let origin = origin.unwrap_or_else(|| panic!("{board}/{file}:{number}"));
            for key in &origin.keys {
                let known =
                    written.find(key).is_some() || facts.iter().any(|fact| fact.path == *key);
                assert!(known, "{board}/{file}:{number}: there is no key `{key}`");
            }
            lines.push(Line {
                board: board.to_owned(),
                parts: parts.clone(),
                file,
                number,
                text: text.to_owned(),
                origin,
            });
        }
    }
    lines
}

#[test]
fn every_line_depends_on_a_key_or_is_the_same_on_all_boards_with_these_parts() {
    let lines = lines();
    // By template and parts: the boards with the file, and the boards with each line.
    type Made<'a> = (&'a str, &'a str, &'a BTreeSet<String>);
    let mut made: BTreeMap<Made<'_>, BTreeSet<&str>> = BTreeMap::new();
    let mut with_line: BTreeMap<(Made<'_>, &str), BTreeSet<&str>> = BTreeMap::new();
    for line in lines {
        let maker = (line.file, line.origin.maker.as_str(), &line.parts);
        made.entry(maker).or_default().insert(&line.board);
        with_line
            .entry((maker, &line.text))
            .or_default()
            .insert(&line.board);
    }
    let mut unexplained = String::new();
    for line in lines {
        let maker = (line.file, line.origin.maker.as_str(), &line.parts);
        let is_fixed = matches!(line.origin.relation, Relation::Fixed | Relation::Template);
        if is_fixed && with_line[&(maker, line.text.as_str())] != made[&maker] {
            unexplained += &format!(
                "generated/{}/{}:{}: {}\n",
                line.board, line.file, line.number, line.text
            );
        }
        assert!(
            workspace().join(&line.origin.maker).is_file(),
            "{}",
            line.origin.maker
        );
    }
    assert!(
        unexplained.is_empty(),
        "no key was found for these lines:\n{unexplained}"
    );
}

#[test]
fn a_generated_line_leads_to_its_line_in_the_template() {
    let mut checked = 0;
    for line in lines() {
        let Some(number) = line.origin.template_line else {
            continue;
        };
        let template = std::fs::read_to_string(workspace().join(&line.origin.maker)).unwrap();
        let source = template.lines().nth(number - 1).unwrap();
        // Text before the first tag is in the generated line unchanged.
        let fixed = source
            .split("{{")
            .next()
            .unwrap()
            .split("{%")
            .next()
            .unwrap();
        assert!(
            line.text.contains(fixed.trim_end()),
            "generated/{}/{}:{} is not of {}:{number}\n{}\n{source}",
            line.board,
            line.file,
            line.number,
            line.origin.maker,
            line.text,
        );
        checked += 1;
    }
    assert!(checked > 100, "{checked}");
}
