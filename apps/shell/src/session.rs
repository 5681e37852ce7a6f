//! A shell session of one user.

use alloc::string::String;

use embedded_io_async::{Read, Write};
use vmos::Kernel;

use crate::command;
use crate::editor::{Editor, Event};

/// Answers commands until the session ends.
pub(crate) async fn run<T: Read + Write>(kernel: Kernel, terminal: &mut T) -> Result<(), T::Error> {
    let mut editor = Editor::default();
    let mut typed = [0; 64];
    editor.begin();
    loop {
        terminal.write_all(editor.take_shown().as_bytes()).await?;
        let length = terminal.read(&mut typed).await?;
        if length == 0 {
            return Ok(());
        }
        for byte in &typed[..length] {
            match editor.feed(*byte) {
                Event::Nothing => {}
                Event::End => return terminal.write_all(b"\r\n").await,
                Event::Line(line) => {
                    terminal.write_all(editor.take_shown().as_bytes()).await?;
                    let mut answer = String::new();
                    if !command::run(kernel, &line, &mut answer).await {
                        return Ok(());
                    }
                    let answer = answer.replace('\n', "\r\n");
                    terminal.write_all(answer.as_bytes()).await?;
                    editor.begin();
                }
            }
        }
    }
}
