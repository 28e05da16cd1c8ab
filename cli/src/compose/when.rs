//! When a message is to go.

use std::time::Duration;

use clap::Args;
use prost_types::Timestamp as ProtoTime;
use time::{
    OffsetDateTime, PrimitiveDateTime, UtcOffset, format_description::BorrowedFormatItem,
    macros::format_description,
};
use turbomessage_service_kit::clock::Timestamp;

use crate::failure::Failure;

const LOCAL: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]");
/// The units of a duration, in seconds, in the order in which they stand.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Options that say when a message is to go.
#[derive(Debug, Default, Args)]
pub(crate) struct WhenArgs {
    /// Send it later, after this long: 30m, 2h, 1d2h. Until then `tm undo` takes it back.
    #[arg(long = "in", value_name = "DURATION", value_parser = duration)]
    after: Option<Duration>,
    /// Send it later, at this time where you are: 'YYYY-MM-DD HH:MM'.
    #[arg(long, value_name = "TIME", value_parser = local_time, conflicts_with = "after")]
    at: Option<OffsetDateTime>,
}

impl WhenArgs {
    /// The time at which to deliver; `None` for at once.
    pub(crate) fn deliver_time(&self, now: Timestamp) -> Result<Option<ProtoTime>, Failure> {
        let at = match (self.after, self.at) {
            (Some(after), _) => now.plus(after),
            (None, Some(at)) => Timestamp::from_micros(at.unix_timestamp() * 1_000_000),
            (None, None) => return Ok(None),
        };
        if at <= now {
            return Err(Failure::usage("--at: this time has passed already"));
        }
        Ok(Some(at.into()))
    }
}

/// Reads `2h`, `30m` or `1d2h`: days, hours, minutes and seconds, each once and in this order.
fn duration(text: &str) -> Result<Duration, String> {
    let mut units = UNITS.iter();
    let mut rest = text;
    let mut seconds: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        let (number, unit) = rest.split_at(end.unwrap_or(rest.len()));
        let mut unit = unit.chars();
        let letter = unit.next();
        let known = units.find(|(known, _)| Some(*known) == letter);
        let (_, length) = known.ok_or(NO_DURATION)?;
        let number: u64 = number.parse().map_err(|_| NO_DURATION)?;
        seconds = number
            .checked_mul(*length)
            .and_then(|more| seconds.checked_add(more))
            .ok_or("this is longer than anybody waits")?;
        rest = unit.as_str();
    }
    if seconds == 0 {
        return Err(NO_DURATION.into());
    }
    Ok(Duration::from_secs(seconds))
}

const NO_DURATION: &str = "give days, hours, minutes or seconds: 30m, 2h, 1d2h";

fn local_time(text: &str) -> Result<OffsetDateTime, String> {
    let offset = |time| UtcOffset::local_offset_at(time).ok();
    local_time_in(text, offset)
}

/// Reads a time of the place whose offset from UTC is `offset_at` a point in time.
fn local_time_in(
    text: &str,
    offset_at: impl Fn(OffsetDateTime) -> Option<UtcOffset>,
) -> Result<OffsetDateTime, String> {
    let time = PrimitiveDateTime::parse(text, LOCAL)
        .map_err(|_| "give a date and a time: 'YYYY-MM-DD HH:MM'")?;
    let mut point = time.assume_utc();
    // The offset depends on the point, and the point on the offset: the second look is at most an
    // hour off the first, which matters on the days that clocks are moved.
    for _ in 0..2 {
        let offset = offset_at(point).ok_or("the time zone here is not known: use --in")?;
        point = time.assume_offset(offset);
    }
    Ok(point)
}

#[cfg(test)]
mod tests {
    use time::macros::{datetime, offset};

    use super::*;

    #[test]
    fn durations_are_days_hours_minutes_and_seconds() {
        for (text, expected) in [
            ("30m", 1_800),
            ("2h", 7_200),
            ("1d2h", 93_600),
            ("1d2h3m4s", 93_784),
            ("90m", 5_400),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(expected)), "{text}");
        }
        for text in [
            "",
            "0m",
            "2",
            "h",
            "2h30",
            "30m2h",
            "1h1h",
            "-1h",
            "1.5h",
            "2 h",
            "2H",
            "1w",
            "999999999999999999d",
        ] {
            assert!(duration(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_time_is_one_of_this_place() {
        // Clocks go from 02:00 to 03:00 at 01:00 UTC on that day.
        let madrid = |time: OffsetDateTime| {
            Some(if time < datetime!(2026-03-29 01:00 UTC) {
                offset!(+1)
            } else {
                offset!(+2)
            })
        };
        for (text, expected) in [
            ("2026-03-28 12:00", datetime!(2026-03-28 11:00 UTC)),
            ("2026-03-29 01:59", datetime!(2026-03-29 00:59 UTC)),
            ("2026-03-29 03:00", datetime!(2026-03-29 01:00 UTC)),
            ("2026-03-30 00:30", datetime!(2026-03-29 22:30 UTC)),
        ] {
            assert_eq!(local_time_in(text, madrid), Ok(expected), "{text}");
        }
        for text in [
            "",
            "12:00",
            "2026-03-28",
            "2026-02-30 10:00",
            "2026-03-28 25:00",
        ] {
            assert!(local_time_in(text, madrid).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_that_has_passed_is_refused_for_it_would_send_at_once() {
        let now = Timestamp::from_micros(1_000_000_000_000);
        let when = |after, at: Option<i64>| {
            let at = at.map(|secs| OffsetDateTime::from_unix_timestamp(secs).unwrap());
            WhenArgs { after, at }.deliver_time(now)
        };
        assert_eq!(when(None, None).unwrap(), None);
        let hour = when(Some(Duration::from_secs(3_600)), None).unwrap();
        assert_eq!(hour.unwrap().seconds, 1_003_600);
        assert_eq!(
            when(None, Some(1_000_060)).unwrap().unwrap().seconds,
            1_000_060
        );
        assert_eq!(when(None, Some(1_000_000)).unwrap_err().exit_code(), 2);
    }
}
