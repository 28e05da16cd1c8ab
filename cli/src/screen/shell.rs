//! The world around the state: terminal, connection, editor. It tells what happens, and does what
//! follows.

use std::{
    fs,
    future::pending,
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use crossterm::event::{Event as Input, EventStream};
use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};
use tokio_stream::StreamExt as _;
use turbomessage_service_kit::clock::{SharedClock, new_id};

use super::{
    event::{Effect, Event, Written},
    key::Key,
    server,
    state::State,
    terminal::{Terminal, give_back},
    update::update,
};
use crate::{
    compose::{editor, text},
    connection::Connection,
    context::Context,
    failure::Failure,
    output::Screen,
    places,
};

/// How often time is told.
const TICK: Duration = Duration::from_millis(250);

/// How long what was done last may take once the screen is closed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shows the mailbox behind `connection` until the user leaves it.
pub(super) async fn run(context: &Context, connection: Connection) -> Result<(), Failure> {
    let screen = Screen::of(&io::stdout(), context.global.color, context.clock.now());
    let terminal = Terminal::enter(screen.has_colour)?;
    let mut state = State::new(terminal.size()?, screen.has_colour);
    let (sender, events) = unbounded_channel();
    let (calls, queue) = unbounded_channel();
    let mut shell = Shell {
        terminal,
        clock: context.clock.clone(),
        calls,
        caller: tokio::spawn(call(queue, connection.clone(), sender.clone())),
        connection,
        sender,
        events,
        input: Some(EventStream::new()),
        ends: Ends::new()?,
    };
    let effects = State::start();
    shell.perform(effects).await?;
    let end = shell.run(&mut state).await;
    shell.finish().await.and(end)
}

/// Makes calls one after the other: what is listed after a change shows it, and of two changes of a
/// message the later one stays.
async fn call(
    mut queue: UnboundedReceiver<Effect>,
    connection: Connection,
    events: UnboundedSender<Event>,
) {
    while let Some(effect) = queue.recv().await {
        server::perform(effect, connection.clone(), events.clone()).await;
    }
}

struct Shell {
    terminal: Terminal,
    connection: Connection,
    clock: SharedClock,
    /// What the server is still to be asked.
    calls: UnboundedSender<Effect>,
    caller: JoinHandle<()>,
    sender: UnboundedSender<Event>,
    events: UnboundedReceiver<Event>,
    /// The keyboard, unless it is the editor's.
    input: Option<EventStream>,
    ends: Ends,
}

/// The signals that end the program.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Ends {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn wait(&mut self) {
        select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// How the program ends, if it does.
type End = Option<Result<(), Failure>>;

impl Shell {
    async fn run(&mut self, state: &mut State) -> Result<(), Failure> {
        loop {
            self.terminal.draw(state)?;
            let mut next = Some(self.next(state.needs_ticks()).await?);
            // What has come already is taken in before it is drawn.
            while let Some(event) = next {
                let effects = update(state, self.clock.now(), event);
                if let Some(end) = self.perform(effects).await? {
                    return end;
                }
                next = self.events.try_recv().ok();
            }
        }
    }

    /// The next thing that happens.
    async fn next(&mut self, needs_ticks: bool) -> Result<Event, Failure> {
        loop {
            let input = select! {
                () = self.ends.wait() => return Ok(Event::Key(Key::Ctrl('c'))),
                Some(event) = self.events.recv() => return Ok(event),
                () = sleep(TICK), if needs_ticks => return Ok(Event::Tick),
                input = input(&mut self.input) => input,
            };
            let Some(input) = input else {
                return Ok(Event::Key(Key::Ctrl('c')));
            };
            if let Some(event) = event(input?) {
                return Ok(event);
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other effect is for the server"
    )]
    async fn perform(&mut self, effects: Vec<Effect>) -> Result<End, Failure> {
        for effect in effects {
            match effect {
                Effect::Quit(None) => return Ok(Some(Ok(()))),
                Effect::Quit(Some(failure)) => return Ok(Some(Err(failure))),
                Effect::Redraw => self.terminal.clear()?,
                Effect::Forget(path) => drop(fs::remove_file(path)),
                Effect::Edit { text, path } => {
                    let written = self.edit(text, path).await?;
                    let _ = self.sender.send(Event::Edited(written));
                }
                // These wait for their time, or go on for ever.
                effect @ (Effect::Begin(_) | Effect::Watch(..)) => {
                    let (connection, sender) = (self.connection.clone(), self.sender.clone());
                    tokio::spawn(server::perform(effect, connection, sender));
                }
                for_server => drop(self.calls.send(for_server)),
            }
        }
        Ok(None)
    }

    /// Gives the terminal back, and sees to it that what was done last is done.
    async fn finish(self) -> Result<(), Failure> {
        let Self {
            terminal,
            calls,
            caller,
            mut events,
            ..
        } = self;
        drop((terminal, calls));
        // The caller ends with the queue.
        let is_done = timeout(PATIENCE, caller).await.is_ok();
        while let Ok(event) = events.try_recv() {
            if let Event::Changed(Err(failure)) = event {
                return Err(failure);
            }
        }
        if is_done {
            Ok(())
        } else {
            Err(Failure::unreachable(
                "The server did not answer in time: the last change may not be made.",
            ))
        }
    }

    /// Lends the terminal to the editor.
    async fn edit(
        &mut self,
        text: String,
        path: Option<PathBuf>,
    ) -> Result<Result<Written, Failure>, Failure> {
        // Nobody but the editor may read what is typed. The old stream has to be gone before there
        // is a new one, which would wait for it.
        self.input = None;
        give_back();
        let written = spawn_blocking(move || edit(&text, path)).await;
        self.terminal.take_again()?;
        self.input = Some(EventStream::new());
        // A Ctrl-C was meant for the editor.
        self.ends = Ends::new()?;
        let (size, now) = (self.terminal.size()?, self.clock.now());
        let _ = self.sender.send(Event::Resize(size.0, size.1));
        Ok(written
            .map_err(Failure::other)?
            .map(|(path, text)| Written {
                path,
                text,
                keep_id: new_id(now).to_string(),
                send_id: new_id(now).to_string(),
            }))
    }
}

async fn input(stream: &mut Option<EventStream>) -> Option<io::Result<Input>> {
    match stream {
        Some(stream) => stream.next().await,
        None => pending().await,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the mouse and the focus mean nothing here"
)]
fn event(input: Input) -> Option<Event> {
    match input {
        Input::Key(key) => Key::of(key).map(Event::Key),
        Input::Paste(text) => Some(Event::Paste(text)),
        Input::Resize(columns, rows) => Some(Event::Resize(columns, rows)),
        _ => None,
    }
}

/// Opens the editor on the file at `path`, or on a new one with `text`; answers with the file and
/// what it says then. A failure names the file.
fn edit(text: &str, path: Option<PathBuf>) -> Result<(PathBuf, String), Failure> {
    let path = if let Some(path) = path {
        path
    } else {
        editor::check()?;
        new_file(text)?
    };
    let kept = format!("the text is kept in {}", path.display());
    editor::edit(&path).map_err(|failure| failure.hint(kept.clone()))?;
    let text = text::file(&path).map_err(|failure| failure.hint(kept))?;
    Ok((path, text))
}

/// A file that stays until what is in it is safe elsewhere, and that only its owner can read.
fn new_file(text: &str) -> Result<PathBuf, Failure> {
    let directory = places::state_dir()?.join("unsent");
    let cannot = |error: &dyn std::fmt::Display, path: &Path| {
        Failure::other(format!("cannot write in {}: {error}", path.display()))
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .map_err(|error| cannot(&error, &directory))?;
    let mut file = tempfile::Builder::new()
        .prefix("letter-")
        .suffix(".txt")
        .tempfile_in(&directory)
        .map_err(|error| cannot(&error, &directory))?;
    file.write_all(text.as_bytes())
        .map_err(|error| cannot(&error, &directory))?;
    let (_, path) = file.keep().map_err(|error| cannot(&error, &directory))?;
    Ok(path)
}
