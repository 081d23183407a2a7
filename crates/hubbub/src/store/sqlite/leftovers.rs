//! Where SQLite leaves bytes that nobody reads: in pages of the file, and in the log that is written ahead.
//!
//! `secure_delete` overwrites a row where it lies. But when SQLite spreads the rows of a full page over several, copies of those
//! that moved stay in the unused part of the page that they came from (`rebuildPage` in its source clears nothing).

use super::file::{DatabaseFile, beside};
use std::{
    collections::BTreeSet,
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// In a file of so many pages the number of the page that follows, with which other kinds of pages begin, may look like the kind of
/// a page of rows: in such a file nothing is touched.
const PAGES: u32 = 0x0200_0000;
/// The header of the log, and that of each page in it.
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

fn number(page: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(page.get(at..at + 2)?.try_into().ok()?)))
}

/// The part between the pointers to the rows of a page and its rows; `None`: it is no page of rows.
/// The form of a file: <https://sqlite.org/fileformat2.html#b_tree_pages>
fn unused(page: &[u8], no: u32) -> Option<Range<usize>> {
    let header = if no == 1 { 100 } else { 0 };
    let pointers = header
        + match page.get(header)? {
            2 | 5 => 12,
            10 | 13 => 8,
            _ => return None,
        };
    let from = pointers + 2 * number(page, header + 3)?;
    let rows = number(page, header + 5)?;
    let to = if rows == 0 { 65_536 } else { rows };
    (from <= to && to <= page.len()).then_some(from..to)
}

/// Overwrites the unused part of these pages, as they lie in the file. To be called while nobody writes to the file, and
/// everything that is written ahead is in it; and only on a file without pages of pointers (`auto_vacuum`), which may look like
/// pages of rows, too.
pub(super) fn clear(
    file: &DatabaseFile,
    page_size: usize,
    pages: u32,
    suspects: impl Iterator<Item = u32>,
) -> io::Result<u64> {
    let mut page = vec![0; page_size];
    let mut cleared = 0;
    if pages >= PAGES {
        return Ok(0);
    }
    for no in suspects.filter(|no| (1..=pages).contains(no)) {
        let at = u64::from(no - 1) * page_size as u64;
        file.raw().read_exact_at(&mut page, at)?;
        let Some(unused) = unused(&page, no) else { continue };
        if page[unused.clone()].iter().any(|byte| *byte != 0) {
            let zeros = vec![0; unused.len()];
            file.raw().write_all_at(&zeros, at + unused.start as u64)?;
            cleared += 1;
        }
    }
    if cleared > 0 {
        file.raw().sync_data()?;
    }
    Ok(cleared)
}

/// Reads which pages are in the log that is written ahead, each part of it once.
#[derive(Debug, Default)]
pub(super) struct LogReader {
    path: PathBuf,
    /// Kept open: it is there as long as the database is, and must be read when there are no descriptors left.
    log: Option<File>,
    /// What tells this log from those that were written over it or before it.
    salts: [u8; 12],
    read: u64,
}

impl LogReader {
    pub fn of(database: &Path) -> Self {
        Self { path: beside(database, "-wal"), ..Self::default() }
    }

    /// Adds the numbers of the pages that were logged since, of `frames` in all.
    pub fn read(&mut self, frames: u64, into: &mut BTreeSet<u32>) -> io::Result<()> {
        if frames == 0 {
            return Ok(());
        }
        // No lock of SQLite's is on this file: to close it takes none away.
        let log = match &self.log {
            Some(log) => log,
            None => self.log.insert(File::open(&self.path)?),
        };
        let mut header = [0; LOG_HEADER as usize];
        log.read_exact_at(&mut header, 0)?;
        let (mut salts, mut size) = ([0; 12], [0; 4]);
        size.copy_from_slice(&header[8..12]);
        salts.copy_from_slice(&header[12..24]);
        if salts != self.salts {
            (self.salts, self.read) = (salts, 0);
        }
        let frame = FRAME_HEADER + u64::from(u32::from_be_bytes(size));
        for n in self.read..frames {
            let mut no = [0; 4];
            log.read_exact_at(&mut no, LOG_HEADER + n * frame)?;
            into.insert(u32::from_be_bytes(no));
        }
        self.read = self.read.max(frames);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with its kind, the number of its rows and where they begin.
    fn page(header: usize, kind: u8, rows: u16, begin: u16) -> Vec<u8> {
        let mut page = vec![0xee; 4_096];
        page[header] = kind;
        page[header + 3..header + 5].copy_from_slice(&rows.to_be_bytes());
        page[header + 5..header + 7].copy_from_slice(&begin.to_be_bytes());
        page
    }

    #[test]
    fn only_what_is_between_pointers_and_rows_of_a_page_of_rows_is_unused() {
        assert_eq!(unused(&page(0, 10, 3, 4_000), 2), Some(14..4_000));
        assert_eq!(unused(&page(0, 13, 0, 4_096), 7), Some(8..4_096));
        assert_eq!(unused(&page(0, 2, 5, 22), 9), Some(22..22));
        assert_eq!(unused(&page(0, 5, 1, 100), 9), Some(14..100));
        assert_eq!(unused(&page(100, 5, 2, 3_000), 1), Some(116..3_000));
        // Pages of a long text and of the list of free ones, and what cannot be.
        for kind in [0, 1, 3, 4, 6, 9, 11, 12, 14, 0xff] {
            assert_eq!(unused(&page(0, kind, 3, 4_000), 2), None, "{kind}");
        }
        assert_eq!(unused(&page(0, 10, 3, 13), 2), None);
        assert_eq!(unused(&page(0, 10, 3, 4_097), 2), None);
        assert_eq!(unused(&page(0, 10, u16::MAX, 4_000), 2), None);
        assert_eq!(unused(&page(0, 10, 3, 0), 2), None, "pages of 64 KiB alone");
        assert_eq!(unused(&[10, 0, 0], 2), None);
    }
}
