//! The apps that the cases of the machine tests start, found in the sources of the cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A source file of cases.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
    /// The names of the functions, each with the text from its name to the next function.
    functions: Vec<(&'a str, &'a str)>,
    /// The constants that are texts.
    constants: BTreeMap<&'a str, &'a str>,
    /// The words of each `use` of another file of cases.
    imports: Vec<Vec<&'a str>>,
}

/// Returns the apps that the cases start, each with the name of the case, from the paths and texts
/// of the files.
///
/// A case is `Case::spread("name", function)`, or with a closure that calls a function, and an app
/// is started by `setting.machine("app")`, in that function or in one that it calls, of this file or
/// imported from another one. The app may be a constant of any file.
pub(super) fn apps_of_cases(files: &[(PathBuf, String)]) -> Vec<(String, String)> {
    let sources: Vec<_> = files
        .iter()
        .map(|(path, text)| Source::parse(path, text))
        .collect();
    let mut found = Vec::new();
    for source in &sources {
        for case in source.text.split("Case::").skip(1) {
            let name = case.split_once('"').and_then(|(_, it)| it.split_once('"'));
            let Some((name, rest)) = name else {
                continue;
            };
            let body = rest.split("];").next().unwrap_or_default();
            let words: Vec<_> = words(body).collect();
            let started = |function: &str| words.contains(&function);
            for app in source.apps_reached(&sources, started) {
                found.push((app.to_owned(), name.to_owned()));
            }
        }
    }
    found
}

impl<'a> Source<'a> {
    fn parse(path: &'a Path, text: &'a str) -> Self {
        let functions = text.split("fn ").skip(1).filter_map(|function| {
            let end = function.find(['(', '<'])?;
            Some((function.get(..end)?, function))
        });
        let statements = text.lines().enumerate().filter_map(|(number, line)| {
            let path = line.split_once("use ")?.1;
            let is_own = path.starts_with("super::") || path.starts_with("crate::");
            let rest = text.lines().skip(number);
            is_own.then(|| rest.take(lines_of_statement(text, number)))
        });
        Self {
            path,
            text,
            functions: functions.collect(),
            constants: constants(text).collect(),
            imports: statements
                .map(|lines| lines.flat_map(words).collect())
                .collect(),
        }
    }

    /// Returns the apps that functions start: those of this file or imported into it that are named,
    /// and all that these call.
    fn apps_reached(&self, sources: &[Self], is_named: impl Fn(&str) -> bool) -> Vec<&'a str> {
        let names = self.names().filter(|name| is_named(name));
        let mut reached: Vec<_> = names
            .filter_map(|name| self.function(sources, name))
            .collect();
        let mut apps = Vec::new();
        let mut at = 0;
        while let Some(&(path, name)) = reached.get(at) {
            at += 1;
            let Some(source) = sources.iter().find(|source| source.path == path) else {
                continue;
            };
            let Some(body) = source.body(name) else {
                continue;
            };
            for called in source.names().filter(|name| is_called(body, name)) {
                let called = source.function(sources, called);
                reached.extend(called.filter(|called| !reached.contains(called)));
            }
            let started = body.split(".machine(").skip(1);
            apps.extend(started.filter_map(|rest| {
                let argument = rest.split([',', ')']).next()?;
                source
                    .constant(sources, argument)
                    .or_else(|| literal(argument))
            }));
        }
        apps
    }

    /// Returns the names that may be functions: those of this file, and the imported ones.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        let own = self.functions.iter().map(|&(name, _)| name);
        own.chain(self.imports.iter().flatten().copied())
    }

    /// Returns a function of this name, from its name to the next function.
    fn body(&self, name: &str) -> Option<&'a str> {
        let function = self.functions.iter().find(|(other, _)| *other == name);
        function.map(|&(_, body)| body)
    }

    /// Returns the path of the file with the function that this name means here, and the name.
    fn function(&self, sources: &[Self], name: &'a str) -> Option<(&'a Path, &'a str)> {
        if self.body(name).is_some() {
            return Some((self.path, name));
        }
        let mut imports = self.imports.iter().filter(|words| words.contains(&name));
        imports.find_map(|words| {
            let above = words.iter().filter(|word| **word == "super").count();
            let module = self.path.ancestors().nth(above)?.with_extension("rs");
            let is_named = |path: &Path| {
                let stem = path.file_stem().and_then(|stem| stem.to_str());
                stem.is_some_and(|stem| words.contains(&stem))
            };
            let mut others = sources.iter().filter(|other| other.body(name).is_some());
            let other = others.find(|other| is_named(other.path) || other.path == module)?;
            Some((other.path, name))
        })
    }

    /// Returns the value of a constant of this file or, failing that, of any other one. It may be
    /// named with its module.
    fn constant(&self, sources: &[Self], path: &str) -> Option<&'a str> {
        let name = path.rsplit("::").next().unwrap_or(path).trim();
        let mut all = core::iter::once(self).chain(sources);
        all.find_map(|source| source.constants.get(name).copied())
    }
}

/// Returns the number of lines of the statement that starts at a line.
fn lines_of_statement(text: &str, start: usize) -> usize {
    let mut lines = text.lines().skip(start);
    lines
        .position(|line| line.contains(';'))
        .map_or(0, |last| last + 1)
}

/// Returns the identifiers and keywords of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !is_of_word(letter));
    words.filter(|word| !word.is_empty())
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Returns whether a text calls a function of this name.
fn is_called(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (text.get(..at), text.get(at + name.len()..));
        let starts = before.is_some_and(|before| !before.ends_with(is_of_word));
        starts && after.is_some_and(|after| after.starts_with('('))
    })
}

/// Returns the names and values of the constants that are texts: `const NAME: &str = "value";`.
fn constants(source: &str) -> impl Iterator<Item = (&str, &str)> {
    source.split("const ").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once(':')?;
        let (kind, value) = rest.split(';').next()?.split_once('=')?;
        matches!(kind.trim(), "&str" | "&'static str").then_some((name, literal(value)?))
    })
}

/// Returns the text of a literal without escapes.
fn literal(source: &str) -> Option<&str> {
    source.trim().strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> (PathBuf, String) {
        (PathBuf::from(path), text.to_owned())
    }

    #[test]
    fn a_case_runs_the_apps_that_its_functions_start() {
        let source = "
const CASES: [Case; 2] = [
    Case::few(\"one\", first),
    Case::spread(
        \"two\",
        second,
    ).needing(Need::Table),
];
fn first(setting: &Setting) -> Outcome { start(setting) }
fn start(setting: &Setting) -> Outcome { setting.machine(\"http\")?.start() }
fn second(setting: &Setting) -> Outcome { setting.machine(\"fetch\") }
";
        let found = apps_of_cases(&[file("cases/a.rs", source)]);
        let pair = |app: &str, test: &str| (app.to_owned(), test.to_owned());
        assert_eq!(found, [pair("http", "one"), pair("fetch", "two")]);
    }

    #[test]
    fn an_app_may_be_a_constant_of_this_or_of_another_file() {
        let source = "
const APP: &str = \"http\";
const CASES: [Case; 1] = [Case::few(\"one\", first)];
fn first(setting: &Setting) -> Outcome {
    setting.machine(APP)?.start()?;
    setting.machine(demo::DEMO)?.start()?;
    setting.machine(
        SELFTEST,
    )?;
    setting.machine(name)
}
";
        let other = "pub(super) const DEMO: &str = \"demo\";\nconst SELFTEST: &'static str =\n    \
                     \"selftest\";\nconst APP: &str = \"not-this\";\nconst COUNT: u8 = 1;\n";
        let found = apps_of_cases(&[file("cases/a.rs", source), file("cases/b.rs", other)]);
        let apps: Vec<_> = found.iter().map(|(app, _)| app.as_str()).collect();
        assert_eq!(apps, ["http", "demo", "selftest"]);
    }

    #[test]
    fn a_function_of_another_file_is_followed_where_it_is_imported() {
        let above = "
use child::CASES;
fn draft(setting: &Setting) -> Outcome { setting.machine(APP) }
const APP: &str = \"selftest\";
";
        let child = "
use super::super::Case;
use super::{
    SOON, draft,
};
use super::super::network::wired;
pub const CASES: [Case; 3] = [Case::few(\"one\", |it| first(it)), Case::few(\"two\", second),
    Case::few(\"three\", third)];
fn first(setting: &Setting) -> Outcome { draft(setting)?.start() }
fn second(setting: &Setting) -> Outcome { wired(setting) }
fn third(setting: &Setting) -> Outcome { redraft(setting) }
";
        let network = "fn wired(setting: &Setting) { setting.machine(\"demo\") }";
        let stranger = "fn draft(setting: &Setting) { setting.machine(\"other\") }";
        let found = apps_of_cases(&[
            file("cases/a.rs", stranger),
            file("cases/group.rs", above),
            file("cases/group/child.rs", child),
            file("cases/network.rs", network),
        ]);
        let pair = |app: &str, test: &str| (app.to_owned(), test.to_owned());
        assert_eq!(found, [pair("selftest", "one"), pair("demo", "two")]);
    }
}
