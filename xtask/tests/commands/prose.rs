//! Tests that no text contains a phrase that must be read twice: the pages, the help of the
//! commands, the messages of errors and the log, and the doc comments.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Phrases that texts must not contain, each with what to write instead.
const PHRASES: [(&str, &str); 36] = [
    ("is told", "name who reports it: `the device reports`"),
    ("are told", "name who reports it: `the device reports`"),
    ("whoever", "name the task, the caller or the device"),
    ("held against", "compared with"),
    ("hold against", "compare with"),
    ("in the midst of", "during, in"),
    ("stands still", "stops, does not change"),
    ("of old", "earlier"),
    ("one's own", "name the owner"),
    ("going on as", "continuing with"),
    ("otherwise than", "different from"),
    ("left alone", "not used, not changed"),
    ("makes no sense", "name the value and what was expected"),
    ("makes sense", "is valid"),
    ("of which nothing is said", "not described"),
    ("the way out", "the fix"),
    ("comes about", "is established, happens"),
    // Images and personification.
    ("left unsaid", "with all defaults applied"),
    ("for a person", "as text for readers"),
    ("in vain", "without a result"),
    ("sees to it", "checks, ensures"),
    ("lets through", "forwards, enables"),
    ("has the last word", "decides"),
    ("no longer ours", "name whose it was and what has ended"),
    ("leads nowhere", "has no target"),
    ("leads somewhere", "has a target"),
    ("stays alive", "stays open, keeps running"),
    ("a sign of life", "a keep-alive probe"),
    ("out of reach", "not addressable"),
    // Words without a referent.
    ("the same of", "name the thing again"),
    ("it does that", "name the property"),
    ("whose they are", "name the owner"),
    ("what there is", "name the things"),
    ("what made", "name the origin"),
    // Odd words for standard terms.
    ("asking on", "still trying"),
    ("under way", "in flight"),
];

/// The folder with the workspace.
fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the workspace")
}

/// Returns the phrases in a text, each with what to write instead. Lines are joined, so that a
/// phrase is found across the end of a line.
fn phrases(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = format!(" {} ", words.join(" ").to_lowercase());
    let found = PHRASES.iter().filter_map(|(phrase, instead)| {
        let at = text.match_indices(phrase).find(|(at, _)| {
            let before = text[..*at].chars().next_back();
            let after = text[at + phrase.len()..].chars().next();
            let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            !is_letter(before) && !is_letter(after)
        })?;
        let from = text.floor_char_boundary(at.0.saturating_sub(40));
        let to = text.ceil_char_boundary((at.0 + 40).min(text.len()));
        Some(format!("`{phrase}` in `{}`: {instead}", &text[from..to]))
    });
    found.collect()
}

/// Returns all files below `folder` whose names end in `.extension`.
fn files(folder: &Path, extension: &str) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|own| own == extension) {
            found.insert(path);
        }
    }
    found
}

/// Returns the string literals of a Rust source, up to its tests, with escapes as they are written.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod tests {").next();
    let mut rest = source.unwrap_or_default();
    let mut found = Vec::new();
    while let Some(at) = rest.find(['"', '/', '\'', 'r']) {
        let from = &rest[at..];
        let before = rest[..at].chars().next_back();
        let raw = from.strip_prefix('r').map(|tail| {
            let hashes = tail.len() - tail.trim_start_matches('#').len();
            (hashes, &tail[hashes..])
        });
        rest = if let Some(comment) = from.strip_prefix("//") {
            comment.split_once('\n').map_or("", |(_, next)| next)
        } else if let Some((hashes, tail)) = raw
            && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            && let Some(text) = tail.strip_prefix('"')
        {
            let end = format!("\"{}", "#".repeat(hashes));
            let (literal, next) = text.split_once(&end).unwrap_or((text, ""));
            found.push(literal.to_owned());
            next
        } else if let Some(text) = from.strip_prefix('"') {
            let mut escaped = false;
            let end = text.find(|c| {
                let is_end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                is_end
            });
            let end = end.unwrap_or(text.len());
            found.push(text[..end].replace("\\\n", " "));
            text.get(end + 1..).unwrap_or_default()
        } else if let Some(next) = from.strip_prefix("'\"'") {
            next
        } else if let Some(escape) = from.strip_prefix("'\\") {
            escape.split_once('\'').map_or("", |(_, next)| next)
        } else {
            &from[1..]
        };
    }
    found
}

/// Returns the doc comments of a Rust source, without the code in them.
fn doc_comments(source: &str) -> String {
    let lines = source.lines().map(str::trim_start);
    let comments = lines.filter_map(|line| {
        let text = line.strip_prefix("///");
        text.or_else(|| line.strip_prefix("//!"))
    });
    let mut is_code = false;
    let text = comments.filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    text.collect::<Vec<_>>().join("\n")
}

/// Fails with all phrases in the texts, each with the name of its text.
fn check(texts: impl IntoIterator<Item = (String, String)>) {
    let mut count = 0;
    let mut problems = String::new();
    for (name, text) in texts {
        count += 1;
        for phrase in phrases(&text) {
            problems += &format!("{name}: {phrase}\n");
        }
    }
    assert!(count > 4, "only {count} texts were found");
    assert!(problems.is_empty(), "{problems}");
}

/// Returns a file as a text with its path.
fn read(path: &Path) -> (String, String) {
    let text = fs::read_to_string(path).expect("a text file");
    (path.display().to_string(), text)
}

#[test]
fn pages_have_no_phrase_of_the_list() {
    let root = root();
    let mut pages = files(&root.join("docs"), "md");
    pages.extend(files(&root.join("templates"), "md"));
    pages.extend(files(&root.join("generated"), "md"));
    pages.extend(files(&root.join("codegen/src/diagnostic/explain"), "md"));
    pages.insert(root.join("README.md"));
    check(pages.iter().map(|page| read(page)));
}

#[test]
fn help_has_no_phrase_of_the_list() {
    let help = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .arg("--help")
            .output()
            .expect("xtask");
        String::from_utf8(output.stdout).expect("text")
    };
    let all = help(&[]);
    let commands = all.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    check(names.iter().map(|name| ((*name).to_owned(), help(&[name]))));
}

#[test]
fn messages_have_no_phrase_of_the_list() {
    let root = root();
    let folders = [
        "kernel/src",
        "drivers/src",
        "codegen/src",
        "xtask/src",
        "apps",
    ];
    let sources = folders
        .iter()
        .flat_map(|folder| files(&root.join(folder), "rs"));
    let is_test = |path: &PathBuf| {
        let mut parts = path.iter().map(|part| part.to_string_lossy());
        parts.any(|part| part == "tests" || part == "tests.rs")
    };
    check(sources.filter(|path| !is_test(path)).map(|path| {
        let (name, source) = read(&path);
        (name, literals(&source).join("\n"))
    }));
}

#[test]
fn doc_comments_have_no_phrase_of_the_list() {
    let root = root();
    let folders = [
        "kernel", "drivers", "codegen", "xtask", "apps", "tests", "fuzz",
    ];
    let sources = folders
        .iter()
        .flat_map(|folder| files(&root.join(folder), "rs"));
    let templates = files(&root.join("templates"), "in");
    check(sources.chain(templates).map(|path| {
        let (name, source) = read(&path);
        (name, doc_comments(&source))
    }));
}

#[test]
fn the_code_in_a_doc_comment_is_not_text() {
    let source =
        "/// One.\n///\n/// ```\n/// whoever();\n/// ```\n/// Two.\nlet x = 1; // no\n//! Three.";
    assert_eq!(doc_comments(source), " One.\n\n Two.\n Three.");
}

#[test]
fn a_phrase_is_found_across_lines_and_only_as_whole_words() {
    assert_eq!(phrases("The device\nis  told of it.").len(), 1);
    assert_eq!(phrases("This is toldable, as whoevers say."), [""; 0]);
}

#[test]
fn literals_are_found_between_comments_and_characters() {
    let source =
        "// \"no\"\nlet a = '\"'; f(\"x \\\"y\\\" \\\n   z\", r#\"raw \"q\"\"#, '\\'', \"last\");";
    let expected = ["x \\\"y\\\"     z", "raw \"q\"", "last"];
    assert_eq!(literals(source), expected);
}
