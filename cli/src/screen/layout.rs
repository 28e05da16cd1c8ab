//! Which part of the screen shows what.

use ratatui::layout::Rect;

/// From this many columns on, the folders are beside the list.
const WIDE: u16 = 100;
/// Columns for the folders, the line beside them included.
const FOLDERS: u16 = 24;
/// From this many rows on, the list stays in sight above the message that is read.
const TALL: u16 = 36;
/// Rows for the list above a message.
const LIST_ABOVE: u16 = 10;

/// The parts of the screen; empty where there is no room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Areas {
    /// What is shown, at the top.
    pub(crate) title: Rect,
    /// The folders, at the left of a wide screen.
    pub(crate) folders: Rect,
    /// The list of messages.
    pub(crate) list: Rect,
    /// The message that is read.
    pub(crate) reader: Rect,
    /// Hints, notices and questions, at the bottom.
    pub(crate) bottom: Rect,
}

/// Divides a screen of `size` columns and rows, `bottom` of which are needed at the bottom.
pub(crate) fn areas((columns, rows): (u16, u16), bottom: u16, has_reader: bool) -> Areas {
    let bottom = bottom.min(rows);
    let title = u16::from(rows > bottom);
    let top = title;
    let height = rows - title - bottom;
    let left = if columns >= WIDE { FOLDERS } else { 0 };
    let width = columns - left;
    let list_rows = match has_reader {
        false => height,
        true if rows >= TALL => LIST_ABOVE,
        true => 0,
    };
    Areas {
        title: Rect::new(0, 0, columns, title),
        folders: Rect::new(0, top, left, height),
        list: Rect::new(left, top, width, list_rows),
        reader: Rect::new(left, top + list_rows, width, height - list_rows),
        bottom: Rect::new(0, rows - bottom, columns, bottom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_never_leave_the_screen() {
        for columns in 0..=120 {
            for rows in 0..=40 {
                for bottom in 0..5 {
                    for has_reader in [false, true] {
                        let areas = areas((columns, rows), bottom, has_reader);
                        let screen = Rect::new(0, 0, columns, rows);
                        for part in [
                            areas.title,
                            areas.folders,
                            areas.list,
                            areas.reader,
                            areas.bottom,
                        ] {
                            assert_eq!(part.intersection(screen), part, "{columns}x{rows}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_small_screen_shows_one_thing_and_a_large_one_all() {
        let small = areas((80, 24), 1, true);
        assert!(small.folders.is_empty() && small.list.is_empty());
        assert_eq!(small.reader, Rect::new(0, 1, 80, 22));
        let large = areas((120, 40), 1, true);
        assert_eq!(large.folders, Rect::new(0, 1, 24, 38));
        assert_eq!(large.list, Rect::new(24, 1, 96, 10));
        assert_eq!(large.reader, Rect::new(24, 11, 96, 28));
    }
}
