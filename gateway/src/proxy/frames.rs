//! The length prefixes of gRPC messages, read while the bytes pass.

use turbomessage_service_kit::server::MAX_MESSAGE_BYTES;

/// One byte that says whether the message is compressed, four that say how long it is.
const PREFIX_BYTES: usize = 5;

/// A message is longer than [`MAX_MESSAGE_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Where in a sequence of messages the bytes stand.
#[derive(Debug, Default)]
pub(super) struct Frames {
    prefix: [u8; PREFIX_BYTES],
    /// How much of the prefix has been seen.
    seen: usize,
    /// How much of the message is still to come.
    left: usize,
}

impl Frames {
    /// Reads on over `bytes`.
    ///
    /// # Errors
    /// They announce a message that is too large.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let body = self.left.min(bytes.len());
                self.left -= body;
                bytes = &bytes[body..];
                continue;
            }
            let some = (PREFIX_BYTES - self.seen).min(bytes.len());
            self.prefix[self.seen..self.seen + some].copy_from_slice(&bytes[..some]);
            self.seen += some;
            bytes = &bytes[some..];
            if self.seen == PREFIX_BYTES {
                self.seen = 0;
                self.left = length(self.prefix)?;
            }
        }
        Ok(())
    }
}

fn length([_, a, b, c, d]: [u8; PREFIX_BYTES]) -> Result<usize, TooLarge> {
    match usize::try_from(u32::from_be_bytes([a, b, c, d])) {
        Ok(length) if length <= MAX_MESSAGE_BYTES => Ok(length),
        Ok(_) | Err(_) => Err(TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
        // What looks like a huge length inside a message is none.
        bytes.resize(PREFIX_BYTES + length, 0xff);
        bytes
    }

    #[test]
    fn messages_up_to_the_limit_pass_however_they_are_cut() {
        let bytes = [message(0), message(1), message(70_000), message(3)].concat();
        for piece in [1, 2, 4, 5, 6, 7, 1000, bytes.len()] {
            let mut frames = Frames::default();
            for part in bytes.chunks(piece) {
                assert_eq!(frames.read(part), Ok(()), "pieces of {piece}");
            }
            assert_eq!((frames.seen, frames.left), (0, 0));
        }
        assert_eq!(Frames::default().read(&message(MAX_MESSAGE_BYTES)), Ok(()));
    }

    #[test]
    fn a_longer_message_is_refused_as_soon_as_its_length_is_known() {
        let length = u32::try_from(MAX_MESSAGE_BYTES).unwrap() + 1;
        let mut bytes = message(5);
        bytes.push(1);
        bytes.extend(length.to_be_bytes());
        for piece in [1, 3, bytes.len()] {
            let mut frames = Frames::default();
            let read: Result<Vec<()>, _> = bytes.chunks(piece).map(|p| frames.read(p)).collect();
            assert_eq!(read, Err(TooLarge), "pieces of {piece}");
        }
    }
}
