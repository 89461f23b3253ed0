//! The order of writes, syncs and answers in a log of strace.
//!
//! SQLite appends each page to the write-ahead log by two writes, a header of 24 bytes and the page
//! (<https://www.sqlite.org/fileformat.html#the_write_ahead_log>). A header that names the size of the database belongs to
//! the last page of a commit; without it, after a power loss, the pages before count for nothing.

use std::collections::HashSet;

use anyhow::{Context as _, ensure};
use countersign_e2e::strace::Call;

const HEADER_BYTES: usize = 24;
/// Bytes of the header with the database's size.
const SIZE: std::ops::Range<usize> = 4..8;

struct Page<'a> {
    bytes: &'a [u8],
    ends_commit: bool,
    written: usize,
}

/// Checks that each of these clients was in a commit that was written and then synced before the client's id was sent to
/// anybody. Returns how many syncs they shared.
pub(super) fn check(calls: &[Call], ids: &[String]) -> anyhow::Result<usize> {
    let pages = pages(calls)?;
    let mut syncs = HashSet::new();
    for id in ids {
        let sync = sync_before_answer(calls, &pages, id.as_bytes());
        syncs.insert(sync.with_context(|| format!("client {id}"))?);
    }
    Ok(syncs.len())
}

fn sync_before_answer(calls: &[Call], pages: &[Page<'_>], id: &[u8]) -> anyhow::Result<usize> {
    let answer = calls
        .iter()
        .find(|call| call.target.starts_with("TCP") && contains(&call.data, id));
    let answer = answer.context("was never answered")?;
    let mut pages = pages.iter().skip_while(|page| !contains(page.bytes, id));
    let last = pages
        .find(|page| page.ends_commit)
        .context("was never committed")?;
    let synced = calls
        .iter()
        .filter(|call| is_log(call) && call.name.ends_with("sync") && call.result == Some(0));
    let synced = synced
        .filter(|call| call.began > last.written)
        .filter_map(|call| call.ended)
        .min();
    let synced = synced.context("its commit was never synced")?;
    ensure!(
        synced < answer.began,
        "was answered in line {}, its commit synced in line {synced}",
        answer.began
    );
    Ok(synced)
}

fn pages(calls: &[Call]) -> anyhow::Result<Vec<Page<'_>>> {
    let writes = calls
        .iter()
        .filter(|call| is_log(call) && call.name == "pwrite64");
    let (mut pages, mut header) = (Vec::new(), None);
    for write in writes {
        if write.data.len() == HEADER_BYTES {
            header = Some(write);
        } else if let Some(header) = header.take() {
            pages.push(Page {
                bytes: &write.data,
                ends_commit: header.data[SIZE] != [0; 4],
                written: write.ended.context("a page was not written to its end")?,
            });
        }
    }
    Ok(pages)
}

fn is_log(call: &Call) -> bool {
    call.target.ends_with("countersign.db-wal")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == part[0]);
    starts
        .map(|(start, _)| &bytes[start..])
        .any(|rest| rest.starts_with(part))
}

#[cfg(test)]
mod tests {
    use countersign_e2e::strace;

    use super::check;

    const HEADER: &str = r#"7 pwrite64(9</d/countersign.db-wal>, "\x00\x00\x00\x05\x00\x00\x00\x02\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01", 24, 32) = 24"#;
    const PAGE: &str = r#"7 pwrite64(9</d/countersign.db-wal>, "\x00\x69\x64\x2d\x31\x00", 6, 56) = 6"#;
    const SYNC: &str = "7 fdatasync(9<\\x2f\\x64\\x2f\\x63ountersign.db-wal>) = 0";
    const SYNC_BEGINS: &str = "7 fdatasync(9</d/countersign.db-wal> <unfinished ...>";
    const SYNC_ENDS: &str = "7 <... fdatasync resumed>)              = 0";
    const ANSWER: &str = r#"8 writev(21<TCP:[127.0.0.1:1->127.0.0.1:2]>, [{iov_base="\x32\x30\x30", iov_len=3}, {iov_base="\x69\x64\x2d\x31", iov_len=4}], 2) = 7"#;

    fn judged(lines: &[&str]) -> anyhow::Result<usize> {
        check(&strace::calls(&lines.join("\n"))?, &["id-1".to_owned()])
    }

    fn complaint(lines: &[&str]) -> String {
        format!("{:#}", judged(lines).unwrap_err())
    }

    #[test]
    fn an_answer_after_the_sync_passes() {
        let sync = SYNC.replace("\\x63ountersign.db-wal", &hex("countersign.db-wal"));
        assert_eq!(judged(&[HEADER, PAGE, &sync, ANSWER]).unwrap(), 1);
        assert_eq!(
            judged(&[
                HEADER,
                PAGE,
                SYNC_BEGINS,
                "9 +++ exited with 0 +++",
                SYNC_ENDS,
                ANSWER
            ])
            .unwrap(),
            1
        );
    }

    #[test]
    fn an_answer_before_the_end_of_the_sync_is_found() {
        for lines in [
            &[HEADER, PAGE, ANSWER, SYNC_BEGINS, SYNC_ENDS],
            &[HEADER, PAGE, SYNC_BEGINS, ANSWER, SYNC_ENDS],
            &[ANSWER, HEADER, PAGE, SYNC_BEGINS, SYNC_ENDS],
        ] {
            let complaint = complaint(lines);
            assert!(complaint.contains("was answered in line"), "{complaint}");
        }
    }

    #[test]
    fn a_sync_that_is_missing_or_failed_or_came_too_early_or_before_the_commits_last_page_is_found() {
        let failed = SYNC_ENDS.replace("= 0", "= -1 EIO (Input/output error)");
        let not_the_last = HEADER.replacen("\\x00\\x00\\x00\\x02", "\\x00\\x00\\x00\\x00", 1);
        for (lines, what) in [
            (&[HEADER, PAGE, ANSWER][..], "never synced"),
            (&[HEADER, PAGE, SYNC_BEGINS, &failed, ANSWER], "never synced"),
            (&[SYNC_BEGINS, SYNC_ENDS, HEADER, PAGE, ANSWER], "never synced"),
            (&[HEADER, SYNC_BEGINS, PAGE, SYNC_ENDS, ANSWER], "never synced"),
            (
                &[&not_the_last, PAGE, SYNC_BEGINS, SYNC_ENDS, ANSWER],
                "never committed",
            ),
            (&[HEADER, PAGE, SYNC_BEGINS, SYNC_ENDS], "never answered"),
        ] {
            let complaint = complaint(lines);
            assert!(complaint.contains(what), "{complaint}");
        }
    }

    fn hex(text: &str) -> String {
        text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
    }
}
