//! A headless Chromium, driven by the DevTools protocol
//! (<https://chromedevtools.github.io/devtools-protocol>) over two pipes: messages of JSON, each ended
//! by a zero byte.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use xtask::install::{self, CHROMIUM};
use xtask::shell;

use crate::outcome::Outcome;

/// How long the browser may take for anything; its first start on a busy host is slow.
const LIMIT: Duration = Duration::from_secs(60);
/// The time between two looks at the page.
const PAUSE: Duration = Duration::from_millis(200);

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    process: Child,
    requests: File,
    answers: Receiver<Value>,
    next: u64,
    session: Value,
}

impl Browser {
    /// Installs the browser if it is missing, and starts it with a profile and pipes in `folder`.
    pub fn start(folder: &Path) -> Outcome<Self> {
        install::chromium()?;
        let path = |name: &str| folder.join(name).display().to_string();
        let (requests, answers) = (path("requests"), path("answers"));
        let made = Command::new("mkfifo")
            .args([&requests, &answers])
            .status()?;
        crate::ensure!(made.success(), "mkfifo failed");
        let profile = format!("--user-data-dir={}", path("profile"));
        let words = [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--remote-debugging-pipe",
            "--window-size=1280,1400",
            &profile,
            "about:blank",
        ];
        let [requests_word, answers_word] = [&requests, &answers].map(|path| shell::quote([path]));
        // The browser reads requests from descriptor 3 and writes answers to 4.
        let script = format!(
            "exec {} 3<{requests_word} 4>{answers_word}",
            shell::quote(words)
        );
        // Opened for both directions, a pipe does not wait for its other end, which may never come.
        let open = |path: &str| fs::OpenOptions::new().read(true).write(true).open(path);
        let (requests, writer) = (open(&requests)?, open(&answers)?);
        let answers = BufReader::new(File::open(&answers)?);
        let process = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("browser.log"))?)
            .spawn()?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let parsed = serde_json::from_slice(&message);
                if parsed.is_ok_and(|message| sender.send(message).is_err()) {
                    return;
                }
            }
        });
        let mut browser = Self {
            process,
            requests,
            answers: receiver,
            next: 0,
            session: Value::Null,
        };
        let url = json!({ "url": "about:blank" });
        let target = browser.ask("Target.createTarget", &url)?["targetId"].take();
        let attach = json!({ "targetId": target, "flatten": true });
        // Now the pipe ends when the browser does.
        drop(writer);
        browser.session = browser.ask("Target.attachToTarget", &attach)?["sessionId"].take();
        Ok(browser)
    }

    /// Sends a request, and returns its result.
    fn ask(&mut self, method: &str, parameters: &Value) -> Outcome<Value> {
        self.next += 1;
        let mut request = json!({ "id": self.next, "method": method, "params": parameters });
        if !self.session.is_null() {
            request["sessionId"] = self.session.clone();
        }
        let mut bytes = serde_json::to_vec(&request)?;
        bytes.push(0);
        self.requests.write_all(&bytes)?;
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.answers.recv_timeout(left);
            let mut message = message.map_err(|_| format!("{method}: the browser is silent"))?;
            if message["id"] == self.next {
                if let Some(error) = message.get("error") {
                    return Err(format!("{method}: {error}").into());
                }
                return Ok(message["result"].take());
            }
        }
    }

    /// Opens a page.
    pub fn open(&mut self, url: &str) -> Outcome {
        let opened = self.ask("Page.navigate", &json!({ "url": url }))?;
        match opened.get("errorText") {
            Some(error) => Err(format!("{url}: {error}").into()),
            None => Ok(()),
        }
    }

    /// Returns the value of an expression on the page.
    pub fn value(&mut self, expression: &str) -> Outcome<Value> {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let mut answer = self.ask("Runtime.evaluate", &asked)?;
        match answer.get("exceptionDetails") {
            Some(error) => Err(format!("{expression}: {error}").into()),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// Waits until `wanted` accepts the value of an expression, and returns that value.
    pub fn wait_for(
        &mut self,
        expression: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Outcome<Value> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let value = self.value(expression)?;
            if wanted(&value) {
                return Ok(value);
            }
            if Instant::now() > deadline {
                return Err(format!("{expression}: it stays {value}").into());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Clicks in the middle of the element that a CSS selector finds, with the mouse.
    pub fn click(&mut self, selector: &str) -> Outcome {
        let place = format!(
            "(() => {{ const at = document.querySelector({selector:?}).getBoundingClientRect(); \
             return [at.x + at.width / 2, at.y + at.height / 2]; }})()"
        );
        let place = self.value(&place)?;
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
            });
            self.ask("Input.dispatchMouseEvent", &event)?;
        }
        Ok(())
    }

    /// Returns a picture of the page, as PNG.
    pub fn picture(&mut self) -> Outcome<Vec<u8>> {
        let picture = self.ask("Page.captureScreenshot", &json!({ "format": "png" }))?;
        let text = picture["data"].as_str().ok_or("there is no picture")?;
        from_base64(text).ok_or_else(|| "the picture is not base64".into())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = Value::Null;
        // If it does not close itself, its first process is stopped, and with it the others.
        if self.ask("Browser.close", &json!({})).is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// Decodes base64 (RFC 4648, 4).
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes().take_while(|&letter| letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        // The vectors of RFC 4648, 10.
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(from_base64(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(from_base64("A*"), None);
    }
}
