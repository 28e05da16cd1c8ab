//! What a client says, as far as it takes to see that it has begun something and not finished it, which must not take
//! for ever, and that it says much in little pieces.

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const MAX_OPENING_BYTES: usize = 64 * 1024;
/// How many frames are read before others have their turn. Nothing limits the smallest ones in number, and each costs
/// as much as its head.
const FRAMES_IN_TURN: usize = 256;

/// What a connection has said so far, as far as it takes to know whether its client is amid something.
#[derive(Debug)]
pub(super) enum Said {
    /// Not yet HTTP/2's preface or a whole head of HTTP/1.
    Opening(Vec<u8>),
    /// A whole head of HTTP/1; the next ones hyper has an eye on.
    Http1,
    Http2(Frames),
}

impl Said {
    pub(super) fn nothing() -> Self {
        Self::Opening(Vec::new())
    }

    /// Takes in what came next.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        match self {
            Self::Opening(seen) => {
                seen.extend_from_slice(bytes);
                if let Some(next) = opened(seen) {
                    *self = next;
                }
            }
            Self::Http1 => {}
            Self::Http2(frames) => frames.hear(bytes),
        }
    }

    /// Whether enough was heard for now; then a new turn begins.
    pub(super) fn turn_is_over(&mut self) -> bool {
        match self {
            Self::Http2(frames) if frames.in_turn >= FRAMES_IN_TURN => {
                frames.in_turn = 0;
                true
            }
            Self::Opening(_) | Self::Http1 | Self::Http2(_) => false,
        }
    }

    /// Whether more must come soon.
    pub(super) fn is_unfinished(&self) -> bool {
        match self {
            Self::Opening(_) => true,
            Self::Http1 => false,
            Self::Http2(frames) => frames.are_unfinished(),
        }
    }
}

fn opened(seen: &[u8]) -> Option<Said> {
    if let Some(rest) = seen.strip_prefix(PREFACE) {
        let mut frames = Frames::default();
        frames.hear(rest);
        return Some(Said::Http2(frames));
    }
    let may_be_http2 = seen.starts_with(&PREFACE[..3]);
    let is_whole = seen.windows(4).any(|w| w == b"\r\n\r\n") || seen.len() > MAX_OPENING_BYTES;
    (!may_be_http2 && is_whole || may_be_http2 && seen.len() >= PREFACE.len())
        .then_some(Said::Http1)
}

/// The frames of HTTP/2 as they come: where one begins, and whether the head of a request is still open.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; Self::HEADER],
    /// How much of the next frame's header is there.
    seen: usize,
    /// How much of the frame's payload is still to come.
    payload: usize,
    /// Whether the frame is a part of a head, and whether the head goes on after it.
    of_a_head: bool,
    goes_on: bool,
    /// Whether one has begun: a client says its settings before anything else.
    any: bool,
    in_turn: usize,
}

impl Frames {
    const HEADER: usize = 9;
    const HEADERS: u8 = 1;
    const CONTINUATION: u8 = 9;
    const END_HEADERS: u8 = 4;

    fn hear(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let wanted = match self.payload {
                0 => Self::HEADER - self.seen,
                payload => payload,
            };
            let (now, later) = bytes.split_at(wanted.min(bytes.len()));
            bytes = later;
            if self.payload > 0 {
                self.payload -= now.len();
            } else {
                self.header[self.seen..][..now.len()].copy_from_slice(now);
                self.seen += now.len();
                self.begin();
            }
        }
    }

    /// Begins a frame once its header is whole.
    fn begin(&mut self) {
        if self.seen == Self::HEADER {
            let [a, b, c, kind, flags, ..] = self.header;
            self.seen = 0;
            self.any = true;
            self.in_turn += 1;
            self.payload = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            self.of_a_head = matches!(kind, Self::HEADERS | Self::CONTINUATION);
            self.goes_on = self.of_a_head && flags & Self::END_HEADERS == 0;
        }
    }

    /// Amid a head, or amid what says how long a frame is; a body may take its time.
    fn are_unfinished(&self) -> bool {
        !self.any || self.seen > 0 || self.of_a_head && (self.goes_on || self.payload > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is unfinished after each of these, however they come in pieces.
    fn after(parts: &[(&[u8], bool)]) {
        let (mut whole, mut bytewise) = (Said::nothing(), Said::nothing());
        for (part, unfinished) in parts {
            whole.hear(part);
            for byte in *part {
                bytewise.hear(&[*byte]);
            }
            assert_eq!(whole.is_unfinished(), *unfinished, "{part:?}");
            assert_eq!(bytewise.is_unfinished(), *unfinished, "{part:?}");
        }
    }

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn an_opening_is_the_preface_or_a_whole_head() {
        after(&[
            (b"", true),
            (b"PRI * HTTP/2.0\r\n\r\n", true),
            (b"SM\r\n\r\n", true),
            (&frame(4, 0, b"")[..8], true),
            (&frame(4, 0, b"")[8..], false),
        ]);
        after(&[
            (b"POST / HTTP/1.1\r\n", true),
            (b"host: x\r\n\r\n", false),
            (b"GET", false),
        ]);
        after(&[(b"PRI * HTTP/1.1\r\nhost: of nobody\r\n", false)]);
    }

    #[test]
    fn a_head_is_unfinished_until_its_last_frame_is_whole() {
        let settings = frame(4, 0, b"");
        let head = frame(1, Frames::END_HEADERS, b"a head");
        let (beginning, end) = (frame(1, 0, b"a"), frame(9, Frames::END_HEADERS, b"b"));
        after(&[
            (&[PREFACE, &settings].concat(), false),
            (&head, false),
            (&head[..12], true),
            (&head[12..], false),
            (&beginning, true),
            (&end[..9], true),
            (&end[9..], false),
            (&frame(0, 0, b"data")[..8], true),
            (&frame(0, 0, b"data")[8..11], false),
        ]);
    }

    #[test]
    fn a_turn_is_over_after_so_many_frames_however_small() {
        let mut said = Said::nothing();
        said.hear(PREFACE);
        let ping = frame(6, 0, b"12345678");
        for _ in 0..3 {
            said.hear(&ping.repeat(FRAMES_IN_TURN - 1));
            assert!(!said.turn_is_over());
            said.hear(&ping);
            assert!(said.turn_is_over());
        }
    }
}
