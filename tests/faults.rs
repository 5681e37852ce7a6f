//! The list of faults in `tests/faults.toml`, the runs of their cases in `tests/faults.json`, and
//! the table in `docs/reliability.md` that is generated from both.

mod record;
mod table;

use std::fs;
use std::path::Path;

use toml::{Table, Value};
use vmos_machine_tests::outcome::Outcome;
use xtask::boards;
use xtask::workspace::Workspace;

use crate::cases;

use record::Record;
pub(crate) use record::passed;

const LIST: &str = "tests/faults.toml";
const PAGE: &str = "docs/reliability.md";
/// The lines around the table on the page.
const BEGIN: &str = "<!-- written by `cargo xtask test --record` -->\n";
const END: &str = "<!-- end -->\n";
/// The command that updates the page.
const MEND: &str = "cargo xtask test --record --filter faults_have_tests";

/// The required entries: a letter, and the last number. They are those of the list of faults that
/// the kernel must survive.
const REQUIRED: [(char, u32); 4] = [('C', 12), ('D', 7), ('N', 9), ('M', 11)];
/// The entry of the versions of QEMU, to which every case belongs.
const VERSIONS: &str = "C12";

/// An entry of the list.
struct Fault {
    id: String,
    what: String,
    /// Names of machine tests; `*` at the end stands for any rest.
    cases: Vec<String>,
    /// Host tests, as `file::function`.
    host: Vec<String>,
    note: String,
    /// The counts that name the fault.
    counts: Vec<String>,
    /// Errors that were added to the code intentionally, each with the test that failed.
    caught: Vec<(String, String)>,
}

impl Fault {
    fn of(entry: &Table) -> Outcome<Self> {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        let list = |key: &str| strings(entry.get(key));
        let caught = entry.get("caught").and_then(Value::as_array);
        let caught = caught.into_iter().flatten().map(|pair| {
            let pair = strings(Some(pair));
            <[String; 2]>::try_from(pair).map(|[mistake, test]| (mistake, test))
        });
        let caught = caught.collect::<Result<_, _>>();
        Ok(Self {
            id: text("id").to_owned(),
            what: text("what").to_owned(),
            cases: list("cases"),
            host: list("host"),
            note: text("note").to_owned(),
            counts: list("counts"),
            caught: caught.map_err(|pair| format!("{LIST}: {pair:?} is no mistake and test"))?,
        })
    }

    /// Returns whether a machine test belongs to this fault.
    fn is_tested_by(&self, case: &str) -> bool {
        self.cases.iter().any(|name| matches(name, case))
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Returns whether a name of the list matches a case.
fn matches(name: &str, case: &str) -> bool {
    match name.strip_suffix('*') {
        Some(start) => case.starts_with(start),
        None => case == name,
    }
}

fn read(root: &Path) -> Outcome<Vec<Fault>> {
    let list: Table = fs::read_to_string(root.join(LIST))?.parse()?;
    let entries = list.get("fault").and_then(Value::as_array);
    let entries = entries.into_iter().flatten().filter_map(Value::as_table);
    entries.map(Fault::of).collect()
}

/// Checks that every fault has tests, that they exist and were run, and that the page says so.
pub(crate) fn check(root: &Path) -> Outcome {
    let (faults, record) = (read(root)?, Record::read(root)?);
    let workspace = Workspace::find()?;
    let boards = boards::load_some(&workspace, &[]).map_err(|error| error.to_string())?;
    let mut problems = missing(&faults);
    for fault in &faults {
        problems.extend(nameless(fault, root));
        problems.extend(unrelated(fault));
        problems.extend(record.gaps(fault, &boards));
    }
    for case in cases::all().map(|case| case.name) {
        problems.extend(unlisted(case, &faults));
    }
    let page = fs::read_to_string(root.join(PAGE))?;
    if with_table(&page, &table::of(&faults, &record))? != page {
        problems.push(format!("{PAGE} is out of date: {MEND}"));
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join("\n").into())
}

/// Adds what this process has run to the record, and writes the table to the page.
pub(crate) fn record(root: &Path) -> Outcome {
    let mut record = Record::read(root)?;
    record.add_passed();
    record.write(root)?;
    let page = root.join(PAGE);
    let text = fs::read_to_string(&page)?;
    fs::write(page, with_table(&text, &table::of(&read(root)?, &record))?)?;
    Ok(())
}

/// Returns the page with this table.
fn with_table(page: &str, table: &str) -> Outcome<String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some(format!("{before}{BEGIN}{table}{END}{after}"))
    });
    parts.ok_or_else(|| format!("{PAGE} has no place for the table: {BEGIN}{END}").into())
}

/// Returns a line for each required entry that is missing or there twice.
fn missing(faults: &[Fault]) -> Vec<String> {
    let ids = REQUIRED
        .iter()
        .flat_map(|(letter, last)| (1..=*last).map(move |number| format!("{letter}{number}")));
    let count = |id: &String| faults.iter().filter(|fault| fault.id == **id).count();
    ids.filter(|id| count(id) != 1)
        .map(|id| format!("{LIST} has {} entries for {id}, not one", count(&id)))
        .collect()
}

/// Returns a line for each test of a fault that does not exist.
fn nameless(fault: &Fault, root: &Path) -> Vec<String> {
    let Fault {
        id, cases, host, ..
    } = fault;
    let mut problems = Vec::new();
    if cases.is_empty() && host.is_empty() && id != VERSIONS {
        problems.push(format!("{LIST}: {id} has no test"));
    }
    for name in cases {
        if !cases::all().any(|case| matches(name, case.name)) {
            problems.push(format!("{LIST}: {id}: no machine test is called {name}"));
        }
    }
    for test in host {
        let exists = test.split_once("::").is_some_and(|(file, function)| {
            let text = fs::read_to_string(root.join(file)).unwrap_or_default();
            text.contains(&format!("fn {function}("))
        });
        if !exists {
            problems.push(format!("{LIST}: {id}: there is no {test}"));
        }
    }
    problems
}

/// Returns a line for each test that has detected a planted error and is not one of the fault's tests.
/// A text with spaces is no name of a test, and every case belongs to the versions of QEMU.
fn unrelated(fault: &Fault) -> Vec<String> {
    let Fault {
        id, host, caught, ..
    } = fault;
    let is_host_test = |test: &String| {
        host.iter()
            .any(|path| path.rsplit("::").next() == Some(test))
    };
    caught
        .iter()
        .map(|(_, test)| test)
        .filter(|test| !test.contains(' ') && id != VERSIONS)
        .filter(|test| !fault.is_tested_by(test) && !is_host_test(test))
        .map(|test| {
            format!("{LIST}: {id}: {test}, which has detected an error, is not among its tests")
        })
        .collect()
}

/// Returns a line if a case has a fault's id in its name and that fault does not list it.
fn unlisted(case: &str, faults: &[Fault]) -> Option<String> {
    let (start, _) = case.split_once('_')?;
    let number = start.get(1..)?;
    let is_id = start.starts_with(|first: char| "cdnmw".contains(first));
    if !is_id || number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut listed = faults.iter().filter(|fault| fault.is_tested_by(case));
    listed
        .all(|_| false)
        .then(|| format!("{LIST}: no fault lists the machine test {case}"))
}
