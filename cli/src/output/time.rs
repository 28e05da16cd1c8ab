//! Points in time: short for lists, long for a message, RFC 3339 for programs.

use prost_types::Timestamp as ProtoTime;
use time::{
    OffsetDateTime, UtcOffset,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};
use turbomessage_service_kit::clock::Timestamp;

const TODAY: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]");
const THIS_YEAR: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:space] [month repr:short]");
const LONG_AGO: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const LONG: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day padding:none] [month repr:short] [year] [hour]:[minute] [offset_hour sign:mandatory][offset_minute]"
);

/// `time` in UTC as RFC 3339 says; empty if there is none.
pub(crate) fn rfc3339(time: Option<&ProtoTime>) -> String {
    time.and_then(date_time)
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// `time` where the user is, as short as in a list of mail: the time of day today, the day this
/// year, else the date.
pub(crate) fn short(time: Option<&ProtoTime>, now: Timestamp) -> String {
    short_in(time, now, local)
}

/// `time` where the user is, with the day of the week and the offset from UTC.
pub(crate) fn long(time: Option<&ProtoTime>) -> String {
    time.and_then(date_time)
        .and_then(|time| local(time).format(LONG).ok())
        .unwrap_or_default()
}

fn short_in(
    time: Option<&ProtoTime>,
    now: Timestamp,
    local: impl Fn(OffsetDateTime) -> OffsetDateTime,
) -> String {
    let now = date_time(&ProtoTime::from(now)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let Some(time) = time.and_then(date_time) else {
        return String::new();
    };
    let (time, now) = (local(time), local(now));
    let format = if time.date() == now.date() {
        TODAY
    } else if time.year() == now.year() {
        THIS_YEAR
    } else {
        LONG_AGO
    };
    time.format(format).unwrap_or_default()
}

fn date_time(time: &ProtoTime) -> Option<OffsetDateTime> {
    let nanos = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()
}

/// The point as the machine's time zone has it; UTC where that is not known.
fn local(time: OffsetDateTime) -> OffsetDateTime {
    let offset = UtcOffset::local_offset_at(time).unwrap_or(UtcOffset::UTC);
    time.checked_to_offset(offset).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use time::macros::{datetime, offset};

    use super::*;

    fn proto(time: OffsetDateTime) -> ProtoTime {
        ProtoTime {
            seconds: time.unix_timestamp(),
            nanos: time.nanosecond().cast_signed(),
        }
    }

    #[test]
    fn a_list_shows_the_time_today_and_the_date_before() {
        let now =
            Timestamp::from_micros(datetime!(2026-03-01 00:30 +2).unix_timestamp() * 1_000_000);
        let there = |time: OffsetDateTime| time.to_offset(offset!(+2));
        for (time, expected) in [
            (datetime!(2026-02-28 22:05 UTC), "00:05"),
            (datetime!(2026-02-28 21:59 UTC), "28 Feb"),
            (datetime!(2026-01-02 12:00 UTC), " 2 Jan"),
            (datetime!(2025-12-31 23:00 UTC), " 1 Jan"),
            (datetime!(2025-12-31 21:00 UTC), "2025-12-31"),
        ] {
            assert_eq!(short_in(Some(&proto(time)), now, there), expected, "{time}");
        }
        assert_eq!(short_in(None, now, there), "");
    }

    #[test]
    fn programs_get_rfc_3339_in_utc() {
        let time = proto(datetime!(2026-03-01 00:30:01.25 UTC));
        assert_eq!(rfc3339(Some(&time)), "2026-03-01T00:30:01.25Z");
        assert_eq!(rfc3339(None), "");
        let never = ProtoTime {
            seconds: i64::MAX,
            nanos: 0,
        };
        assert_eq!(rfc3339(Some(&never)), "");
    }
}
