//! A terminal with a program in it: real keys go in, and what a person would see comes out.

use std::{
    num::NonZeroU16,
    process::ExitStatus,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pty_process::{Command, OwnedReadPty, OwnedWritePty, Size};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Child,
    sync::watch,
    task::JoinHandle,
};
use vt100::Parser;

use crate::eventually::SOON;

/// A running program and the terminal that it runs in. It is killed when this is dropped.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keys: OwnedWritePty,
    emulator: Emulator,
    shown: watch::Receiver<Shown>,
    reader: JoinHandle<()>,
}

/// What turns the program's output into a screen.
#[derive(Clone)]
struct Emulator(Arc<Mutex<Parser>>);

/// What is on the screen.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Its rows, without the blanks at the ends.
    pub text: String,
    /// Whether a program has the whole screen, so that what was there before comes back.
    pub is_whole_screen: bool,
    /// Whether anything has a colour.
    pub has_colour: bool,
}

impl Terminal {
    /// Starts `command` in a terminal of so many columns and rows.
    #[must_use]
    pub fn start(command: Command, (columns, rows): (u16, u16)) -> Self {
        let (pty, pts) = pty_process::open().expect("a terminal");
        pty.resize(Size::new(rows, columns)).expect("its size");
        let child = command.kill_on_drop(true).spawn(pts).expect("the program");
        let (output, keys) = pty.into_split();
        let parser = Parser::new(size(rows), size(columns), 0);
        let emulator = Emulator(Arc::new(Mutex::new(parser)));
        let (screen, shown) = watch::channel(Shown::default());
        Self {
            child,
            keys,
            emulator: emulator.clone(),
            shown,
            reader: tokio::spawn(read(output, emulator, screen)),
        }
    }

    /// Types `keys`, such as `j`, `\r` for Return, `\x1b` for Escape.
    pub async fn press(&mut self, keys: &str) {
        let written = self.keys.write_all(keys.as_bytes()).await;
        written.expect("a terminal that takes keys");
    }

    /// Makes the terminal larger or smaller.
    pub fn resize(&self, (columns, rows): (u16, u16)) {
        self.emulator
            .with(|parser| parser.set_size(size(rows), size(columns)));
        let resized = self.keys.resize(Size::new(rows, columns));
        resized.expect("a terminal with a size");
    }

    /// Waits until `text` is on the screen; answers with the screen.
    pub async fn shows(&mut self, text: &str) -> Shown {
        self.wait(&format!("`{text}` on"), |shown| shown.text.contains(text))
            .await
    }

    /// Waits until `text` is no longer on the screen; answers with the screen.
    pub async fn hides(&mut self, text: &str) -> Shown {
        self.wait(&format!("no `{text}` on"), |shown| {
            !shown.text.contains(text)
        })
        .await
    }

    /// Waits for the end of the program; answers with how it ended and what it left on the screen.
    pub async fn ended(mut self) -> (ExitStatus, Shown) {
        let status = tokio::time::timeout(SOON, self.child.wait()).await;
        let status = status.expect("an end in time").expect("an exit status");
        // Its last words are on the screen before anybody reads it.
        let _ = tokio::time::timeout(Duration::from_secs(5), &mut self.reader).await;
        let shown = self.shown.borrow().clone();
        (status, shown)
    }

    async fn wait(&mut self, what: &str, holds: impl FnMut(&Shown) -> bool) -> Shown {
        let found = tokio::time::timeout(SOON, self.shown.wait_for(holds)).await;
        if let Ok(Ok(shown)) = found {
            return shown.clone();
        }
        drop(found);
        let text = self.shown.borrow().text.clone();
        panic!("{what} this screen:\n{text}")
    }
}

impl Emulator {
    fn with<T>(&self, work: impl FnOnce(&mut Parser) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Emulator { .. }")
    }
}

fn size(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).expect("a size of at least one cell")
}

/// Shows what the program writes, until it has closed the terminal.
async fn read(mut output: OwnedReadPty, emulator: Emulator, screen: watch::Sender<Shown>) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = output.read(&mut bytes).await {
        let shown = emulator.with(|parser| {
            parser.process(&bytes[..length]);
            shown(parser.screen())
        });
        screen.send_replace(shown);
    }
}

fn shown(screen: &vt100::Screen) -> Shown {
    let (rows, columns) = screen.size();
    let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
    let mut cells = cells.filter_map(|(row, column)| screen.cell(row, column));
    let plain = vt100::Color::Default;
    let rows = screen.contents();
    let rows = rows.lines().map(|row| format!("{}\n", row.trim_end()));
    Shown {
        text: rows.collect(),
        is_whole_screen: screen.alternate_screen(),
        has_colour: cells.any(|cell| cell.fgcolor() != plain || cell.bgcolor() != plain),
    }
}
