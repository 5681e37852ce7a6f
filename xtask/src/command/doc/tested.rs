//! The table of docs/crates.md of the crates that tests run: from the manifests of the apps,
//! `Cargo.lock` and the cases of the machine tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use crate::failure::{Failure, FileError};
use crate::workspace::{App, Workspace};

use super::cases;

/// The page with the table, and the lines around it.
const PAGE: &str = "docs/crates.md";
const BEGIN: &str = "<!-- Written by `cargo xtask doc`. -->\n";
const END: &str = "<!-- End of the written part. -->\n";

/// How many tests a row names at most, so that it can be read.
const SHOWN: usize = 4;

/// The folder of the machine tests' cases.
const CASES: &str = "tests/cases";

/// Writes the table into the page, or only compares it. Does nothing in a repository without the
/// page.
pub(super) fn update(workspace: &Workspace, check: bool) -> Result<(), Failure> {
    let page = workspace.root.join(PAGE);
    if !page.is_file() {
        return Ok(());
    }
    let old = read(&page)?;
    let new = with_table(&old, &table(workspace)?)
        .ok_or_else(|| format!("{PAGE}: {}", missing_lines()))?;
    if new == old {
        return Ok(());
    }
    if check {
        let error =
            format!("{PAGE}: the table of tested crates is out of date; run `cargo xtask doc`");
        return Err(Failure::from(error));
    }
    fs::write(&page, new).map_err(FileError::at("write", &page))?;
    println!("{PAGE}: the table of tested crates is new");
    Ok(())
}

/// Returns the error for a page without the lines around the table.
fn missing_lines() -> String {
    let (begin, end) = (BEGIN.trim_end(), END.trim_end());
    format!(
        "the lines around the table are missing; write `{begin}` where it begins, and below it \
         `{end}` where it ends"
    )
}

/// Returns the page with the table between its two lines; `None` if one of these is missing.
fn with_table(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

/// Returns the table: each crate that an app uses directly, with its version, the features of
/// `vmos` that the app enables, the app, and some of the tests that run the app.
fn table(workspace: &Workspace) -> Result<String, Failure> {
    let locked = Locked::parse(&read(&workspace.root.join("Cargo.lock"))?)?;
    let files = sources(&workspace.root.join(CASES))?.into_iter();
    let files = files.map(|path| Ok((path.clone(), read(&path)?)));
    let files = files.collect::<Result<Vec<_>, FileError>>()?;
    let mut tests = BTreeMap::<String, BTreeSet<String>>::new();
    for (app, test) in cases::apps_of_cases(&files) {
        tests.entry(app).or_default().insert(test);
    }
    let mut rows = BTreeSet::new();
    for app in &workspace.apps {
        // An app that no test starts has no row.
        let Some(tests) = tests.get(&app.name) else {
            continue;
        };
        for (name, version) in locked.of(&app.name) {
            rows.insert(row(&name, &version, app, tests));
        }
    }
    let head = "| crate | version | features of `vmos` | app | tests |\n|---|---|---|---|---|\n";
    Ok(rows
        .into_iter()
        .fold(head.to_owned(), |table, row| table + &row))
}

fn row(name: &str, version: &str, app: &App, tests: &BTreeSet<String>) -> String {
    let listed = |names: Vec<String>| match names.is_empty() {
        true => "-".to_owned(),
        false => names.join(", "),
    };
    let quoted = |name: &String| format!("`{name}`");
    let features = listed(app.features.iter().map(quoted).collect());
    let tests = listed(some_of(tests).collect());
    let app = &app.name;
    format!("| {name} | {version} | {features} | `{app}` | {tests} |\n")
}

/// Returns the names of the tests for a row: all, or the first ones and how many more there are.
fn some_of(tests: &BTreeSet<String>) -> impl Iterator<Item = String> {
    // The number of the others must not be the place of one name.
    let shown = if tests.len() > SHOWN + 1 {
        SHOWN
    } else {
        tests.len()
    };
    let others = tests.len() - shown;
    let names = tests.iter().take(shown).map(|name| format!("`{name}`"));
    names.chain((others > 0).then(|| format!("and {others} more")))
}

/// The packages of `Cargo.lock`.
struct Locked(Vec<Package>);

struct Package {
    name: String,
    version: String,
    /// Whether it comes from a registry or a repository.
    is_foreign: bool,
    /// The names of the packages that it depends on directly, each with the version if there are
    /// several.
    dependencies: Vec<String>,
}

impl Locked {
    fn parse(text: &str) -> Result<Self, Failure> {
        let document: DocumentMut = text
            .parse()
            .map_err(|error| format!("Cargo.lock: {error}"))?;
        let packages = document
            .get("package")
            .and_then(|it| it.as_array_of_tables());
        let packages = packages.into_iter().flatten().map(|package| {
            let text = |key: &str| {
                let value = package.get(key).and_then(|value| value.as_str());
                value.unwrap_or_default().to_owned()
            };
            let dependencies = package.get("dependencies").and_then(|it| it.as_array());
            let dependencies = dependencies.into_iter().flatten();
            Package {
                name: text("name"),
                version: text("version"),
                is_foreign: package.contains_key("source"),
                dependencies: dependencies
                    .filter_map(|value| value.as_str().map(str::to_owned))
                    .collect(),
            }
        });
        Ok(Self(packages.collect()))
    }

    /// Returns the names and versions of the foreign packages that a package uses directly.
    fn of(&self, package: &str) -> Vec<(String, String)> {
        let user = self.0.iter().find(|other| other.name == package);
        let dependencies = user.into_iter().flat_map(|user| &user.dependencies);
        let named = dependencies.filter_map(|dependency| {
            let mut words = dependency.split_whitespace();
            let (name, version) = (words.next()?, words.next());
            self.0.iter().find(|other| {
                other.name == name && version.is_none_or(|version| other.version == version)
            })
        });
        let foreign = named.filter(|package| package.is_foreign);
        foreign
            .map(|package| (package.name.clone(), package.version.clone()))
            .collect()
    }
}

/// Returns the Rust files in a folder and below.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).map_err(FileError::at("list", folder))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

fn read(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(FileError::at("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_up_to_date() {
        let workspace = Workspace::find().unwrap();
        assert!(update(&workspace, true).is_ok(), "run `cargo xtask doc`");
    }

    #[test]
    fn every_app_with_a_foreign_crate_is_in_the_table() {
        let workspace = Workspace::find().unwrap();
        let table = table(&workspace).unwrap();
        let locked = Locked::parse(&read(&workspace.root.join("Cargo.lock")).unwrap()).unwrap();
        for app in &workspace.apps {
            if !locked.of(&app.name).is_empty() {
                assert!(
                    table.contains(&format!("| `{}` | `", app.name)),
                    "{}",
                    app.name
                );
            }
        }
    }

    #[test]
    fn a_row_names_a_few_tests_and_counts_the_others() {
        let listed = |count: usize| {
            let tests = (0..count).map(|number| format!("t{number}")).collect();
            some_of(&tests).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(listed(1), "`t0`");
        assert_eq!(listed(5), "`t0`, `t1`, `t2`, `t3`, `t4`");
        assert_eq!(listed(6), "`t0`, `t1`, `t2`, `t3`, and 2 more");
    }

    #[test]
    fn missing_lines_are_quoted() {
        assert_eq!(with_table("a page\n", "table"), None);
        let said = missing_lines();
        assert!(
            said.contains(BEGIN.trim_end()) && said.contains(END.trim_end()),
            "{said}"
        );
    }

    #[test]
    fn the_version_is_the_one_that_the_app_uses() {
        let locked = Locked::parse(
            "[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"a 0.2.1\", \"b\", \"own\"]\n\
             [[package]]\nname = \"a\"\nversion = \"0.1.9\"\nsource = \"x\"\n\
             [[package]]\nname = \"a\"\nversion = \"0.2.1\"\nsource = \"x\"\n\
             [[package]]\nname = \"b\"\nversion = \"3.0.0\"\nsource = \"x\"\n\
             [[package]]\nname = \"own\"\nversion = \"0.1.0\"\n",
        )
        .unwrap();
        let pair = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        assert_eq!(locked.of("app"), [pair("a", "0.2.1"), pair("b", "3.0.0")]);
    }
}
