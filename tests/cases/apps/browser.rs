//! Opens the page of the app `http` in Chromium.

use std::fs;

use vmos_machine_tests::browser::Browser;
use vmos_machine_tests::ensure;
use vmos_machine_tests::outcome::Outcome;
use vmos_machine_tests::setting::Setting;

use super::super::Case;

pub(super) const CASES: [Case; 1] =
    [Case::thorough("http_is_read_and_clicked_in_a_browser", is_read).of("http")];

/// The port of HTTP.
const HTTP: u16 = 80;
/// The first eight bytes of a PNG file.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The text of the page's part about the event loop: the time since the start, and counts.
const LOOP: &str = "document.getElementById('loop')?.textContent";
/// The label of the button.
const LABEL: &str = "document.getElementById('pause').textContent";

fn is_read(setting: &Setting) -> Outcome {
    let mut draft = setting.machine("http")?;
    let port = draft.forward_tcp(HTTP)?;
    let machine = draft.start()?;
    machine.wait_for("that it is ready", |line| {
        line.contains("ready: http://").then_some(())
    })?;
    let folder = setting.path("browser");
    fs::create_dir(&folder)?;
    let mut browser = Browser::start(&folder)?;
    browser.open(&format!("http://127.0.0.1:{port}/"))?;
    // The page shows this board and its devices, and updates by itself.
    let first = browser.wait_for(LOOP, |text| {
        text.as_str().is_some_and(|it| it.contains("Turns"))
    })?;
    let title = browser.value("document.getElementById('title').textContent")?;
    let board = &setting.board().name;
    ensure!(
        title.as_str().is_some_and(|title| title.contains(&**board)),
        "the title is {title}"
    );
    let rows = browser.value("document.querySelectorAll('#devices tr').length")?;
    ensure!(rows == 4, "the table of devices has {rows} rows");
    let tasks = browser.value("document.getElementById('tasks').innerText")?;
    ensure!(
        tasks
            .as_str()
            .is_some_and(|tasks| tasks.contains("http::main")),
        "the tasks are {tasks}"
    );
    let points = "document.getElementById('plot').getAttribute('points')";
    browser.wait_for(points, |points| {
        points.as_str().is_some_and(|it| it.contains(' '))
    })?;
    browser.wait_for(LOOP, |text| *text != first)?;
    // As it is shown: a capital of the first letter of µs would be another unit.
    let late = browser.value("document.getElementById('late').innerText")?;
    ensure!(
        late.as_str().is_some_and(|late| late.contains("µs")),
        "it shows that timers are late by {late}"
    );
    // The button stops the updates, and starts them again.
    browser.click("#pause")?;
    browser.wait_for(LABEL, |label| label == "Go on")?;
    // One update may be under way.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let stopped = browser.value(LOOP)?;
    std::thread::sleep(std::time::Duration::from_millis(2500));
    ensure!(
        browser.value(LOOP)? == stopped,
        "it goes on after a click on Pause"
    );
    browser.click("#pause")?;
    browser.wait_for(LOOP, |text| *text != stopped)?;
    let lost = browser.value("document.getElementById('lost').hidden")?;
    ensure!(lost == true, "it says that the machine does not answer");
    let picture = browser.picture()?;
    ensure!(picture.starts_with(PNG), "the picture is no PNG file");
    let folder = setting.workspace().target.join("screenshots");
    fs::create_dir_all(&folder)?;
    let name = format!("http-{board}-{}.png", setting.attachment());
    fs::write(folder.join(name), picture)?;
    Ok(())
}
