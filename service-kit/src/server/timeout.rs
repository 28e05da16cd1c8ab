//! How gRPC writes how long a caller waits.

use std::time::Duration;

/// A `grpc-timeout` header: at most eight digits and a unit. Anything else is `None`: the server's
/// own deadline holds.
#[must_use]
pub fn parse_timeout(header: &str) -> Option<Duration> {
    let (number, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    // A sign is not in the specification, but tonic takes it, and ends the call without details if nobody does before.
    let digits = number.strip_prefix('+').unwrap_or(number);
    if digits.is_empty() || number.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(n * 3600)),
        "M" => Some(Duration::from_secs(n * 60)),
        "S" => Some(Duration::from_secs(n)),
        "m" => Some(Duration::from_millis(n)),
        "u" => Some(Duration::from_micros(n)),
        "n" => Some(Duration::from_nanos(n)),
        _ => None,
    }
}

/// `remaining` as a `grpc-timeout` header.
#[must_use]
pub fn format_timeout(remaining: Duration) -> String {
    let millis = remaining.as_millis().max(1);
    if millis < 100_000_000 {
        format!("{millis}m")
    } else {
        format!("{}S", remaining.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_the_specification_says() {
        for (text, expected) in [
            ("100m", Some(Duration::from_millis(100))),
            ("2S", Some(Duration::from_secs(2))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
            ("", None),
            ("S", None),
            ("-1S", None),
            ("+1S", Some(Duration::from_secs(1))),
            ("++1S", None),
            ("+S", None),
            ("123456789m", None),
            ("1s", None),
            ("1é", None),
        ] {
            assert_eq!(parse_timeout(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_timeout_survives_being_passed_on() {
        for secs in [1, 10, 3600, 99_999, 1_000_000] {
            let timeout = Duration::from_secs(secs);
            assert_eq!(parse_timeout(&format_timeout(timeout)), Some(timeout));
        }
    }
}
