//! Floods of frames: the connection is closed or the requests are refused, the gateway's memory is bounded, and nobody
//! else notices.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use turbomessage_tests::{
    Edge, Services, User,
    eventually::{SOON, eventually},
    http2::{END_HEADERS, END_STREAM, Frames, Kind, Seen, frame, head},
};

use crate::access::paths::MAILBOX;

/// How long each goes on, where it is cut off and where it is not, over how many connections at once.
const TIMES: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];
const CONNECTIONS: usize = 4;
/// How long anybody else's call may take meanwhile. Without turns they would wait for the end of the flood.
const PATIENCE: Duration = Duration::from_secs(1);
/// What the gateway may take for all of them.
const MEMORY: u64 = 48 << 20;
/// The reasons that HTTP/2 has for the end of a connection.
const PROTOCOL_ERROR: u32 = 1;
const ENHANCE_YOUR_CALM: u32 = 11;

/// A flood: how often the server must have had enough of it, and what comes next after so many rounds.
struct Flood {
    name: &'static str,
    is_cut_off: bool,
    next: fn(u32) -> Vec<u8>,
}

const FLOODS: [Flood; 11] = [
    Flood {
        name: "rapid reset",
        is_cut_off: true,
        next: |round| {
            let reset = |stream| frame(Kind::Reset, 0, stream, &8_u32.to_be_bytes());
            each(round, |stream| {
                [call(stream, END_STREAM), reset(stream)].concat()
            })
        },
    },
    Flood {
        name: "streams that the server has to reset",
        is_cut_off: true,
        next: |round| {
            let nothing = |stream| frame(Kind::WindowUpdate, 0, stream, &[0; 4]);
            each(round, |stream| [call(stream, 0), nothing(stream)].concat())
        },
    },
    Flood {
        name: "continuations",
        is_cut_off: true,
        next: |round| {
            let more = frame(Kind::Continuation, 0, 1, &head("/", &[("x", "y")]));
            begun(
                round,
                frame(Kind::Headers, 0, 1, &head(MAILBOX, &[])),
                &more,
            )
        },
    },
    Flood {
        name: "empty continuations",
        is_cut_off: true,
        next: |round| {
            let more = frame(Kind::Continuation, 0, 1, &[]);
            begun(
                round,
                frame(Kind::Headers, 0, 1, &head(MAILBOX, &[])),
                &more,
            )
        },
    },
    Flood {
        name: "heads that grow",
        is_cut_off: false,
        next: |round| {
            // Four kilobytes that go into the table, and are named again and again in one byte.
            let mut block = head(MAILBOX, &[]);
            block.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
            block.extend([b'y'; 4000]);
            block.extend([0xbe; 8000]);
            each(round, |stream| {
                frame(Kind::Headers, END_STREAM | END_HEADERS, stream, &block)
            })
        },
    },
    Flood {
        name: "empty data",
        is_cut_off: true,
        next: |round| begun(round, call(1, 0), &frame(Kind::Data, 0, 1, &[])),
    },
    Flood {
        name: "data byte by byte",
        is_cut_off: true,
        next: |round| begun(round, call(1, 0), &frame(Kind::Data, 0, 1, &[0])),
    },
    Flood {
        name: "windows that open a little",
        is_cut_off: false,
        next: |_| frame(Kind::WindowUpdate, 0, 0, &[0, 0, 0, 1]).repeat(1000),
    },
    Flood {
        name: "pings",
        is_cut_off: false,
        next: |_| frame(Kind::Ping, 0, 0, &[7; 8]).repeat(1000),
    },
    Flood {
        name: "settings",
        is_cut_off: false,
        next: |_| frame(Kind::Settings, 0, 0, &[]).repeat(1000),
    },
    Flood {
        name: "priorities",
        is_cut_off: false,
        next: |round| {
            each(round, |stream| {
                frame(Kind::Priority, 0, stream, &[0, 0, 0, 0, 1])
            })
        },
    },
];

fn calls_given_up(round: u32) -> Vec<u8> {
    let given_up = |stream| frame(Kind::Reset, 0, stream, &8_u32.to_be_bytes());
    each(round, |stream| {
        [call(stream, END_STREAM), given_up(stream)].concat()
    })
}

/// A hundred streams more.
fn each(round: u32, frames: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let streams = (0..100).map(|n| (round * 100 + n) * 2 + 1);
    streams.flat_map(frames).collect()
}

/// One beginning, then the same again and again.
fn begun(round: u32, beginning: Vec<u8>, more: &[u8]) -> Vec<u8> {
    if round == 0 {
        beginning
    } else {
        more.repeat(1000)
    }
}

fn call(stream: u32, flags: u8) -> Vec<u8> {
    frame(
        Kind::Headers,
        END_HEADERS | flags,
        stream,
        &head(MAILBOX, &[]),
    )
}

/// Floods one connection until it is closed; answers with what the server said in the end.
async fn attack(edge: Edge, next: fn(u32) -> Vec<u8>, until: Instant) -> Option<Seen> {
    let mut connection = Frames::open(&edge).await;
    for round in 0.. {
        if Instant::now() >= until {
            return None;
        }
        if !connection.send(&next(round)).await {
            break;
        }
    }
    Some(connection.closed().await)
}

/// Attacks again and again; answers how often the connection was closed, and why.
async fn attacks(edge: Edge, next: fn(u32) -> Vec<u8>, until: Instant) -> Vec<Seen> {
    let mut ends = Vec::new();
    while let Some(end) = attack(edge, next, until).await {
        ends.push(end);
    }
    ends
}

/// Somebody else's calls, until all have ended; answers with the slowest, and the most memory.
async fn meanwhile(ana: &User, services: &Services, until: Instant) -> (Duration, u64) {
    let (mut slowest, mut memory) = (Duration::ZERO, 0);
    while Instant::now() < until {
        let begun = Instant::now();
        assert_eq!(ana.inbox().await.len(), 1);
        slowest = slowest.max(begun.elapsed());
        memory = memory.max(services.gateway.resident_bytes());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (slowest, memory)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_frames_is_cut_off_and_others_do_not_notice() {
    let services = Services::on_files().start().await;
    let ana = services.register_fresh().await;
    ana.send(&[&ana], "before", "").await.unwrap();
    for flood in FLOODS {
        let before = services.gateway.resident_bytes();
        let until = Instant::now() + TIMES[usize::from(!flood.is_cut_off)];
        let mut attackers = JoinSet::new();
        for _ in 0..CONNECTIONS {
            attackers.spawn(attacks(*services, flood.next, until));
        }
        let (slowest, memory) = meanwhile(&ana, &services, until).await;
        let ends = attackers.join_all().await.concat();
        let grown = memory.saturating_sub(before) >> 20;
        eprintln!(
            "{}: {} ends, {grown} MiB more, calls up to {slowest:?}",
            flood.name,
            ends.len()
        );
        assert!(memory < before + MEMORY, "{}: {grown} MiB", flood.name);
        assert!(slowest < PATIENCE, "{}: {slowest:?}", flood.name);
        assert!(!flood.is_cut_off || !ends.is_empty(), "{}", flood.name);
        for end in ends {
            let reason = end.goaway.unwrap_or(PROTOCOL_ERROR);
            assert!(
                [PROTOCOL_ERROR, ENHANCE_YOUR_CALM].contains(&reason),
                "{}: {end:?}",
                flood.name
            );
        }
    }
}

/// The calls of many come to mail-service over one connection: it must not end because all of them hang up at once,
/// which at the edge is one client's doing.
#[tokio::test(flavor = "multi_thread")]
async fn inside_many_may_hang_up_at_once_and_the_connection_goes_on() {
    let services = Services::on_files().start().await;
    let burst: Vec<u8> = (0..10).flat_map(calls_given_up).collect();
    let burst = [burst, frame(Kind::Ping, 0, 0, &[7; 8])].concat();
    for part in [&services.mail, &services.auth] {
        let mut connection = Frames::open(&part.edge()).await;
        connection.send(&burst).await;
        let pong = async || (connection.seen().pongs > 0).then(|| connection.seen());
        let seen = eventually("the connection goes on", SOON, pong).await;
        assert_eq!(seen.goaway, None);
    }
    let mut connection = Frames::open(&services).await;
    connection.send(&burst).await;
    assert_eq!(connection.closed().await.goaway, Some(ENHANCE_YOUR_CALM));
}
