//! Pages of a scroll, right and wrong.

use super::*;
use crate::store::kept::Kept;

/// Feeds pages to a scan until it wants no more; `Err` with the message.
fn scan(pages: &[&str], enough: Option<u64>, total: u64) -> (Kept, Result<usize, String>) {
    let mut kept = Kept::default();
    let part = Part { location: "p".to_owned(), choice: Choice::Everything, rows: None, cluster: 1 };
    let mut rows = Rows::begin(&mut kept, part, &[]);
    let mut scan = Scan::new(enough, total, 3, true);
    let mut taken = 0;
    let mut run = || {
        for text in pages.iter().cycle() {
            taken += 1;
            assert!(taken < 100, "an endless scroll ends");
            let mut page = scan.page();
            page.feed(text.as_bytes(), &mut rows)?;
            if page.end()?.is_none() {
                break;
            }
            scan.goes_on();
        }
        Ok(taken)
    };
    let ended: Result<usize, StoreError> = run();
    let whole = ended.is_ok() && scan.is_whole();
    scan.tell(&mut rows, ended.is_ok());
    rows.finish(whole);
    (kept, ended.map_err(|error| error.to_string()))
}

fn page(ids: std::ops::Range<u32>, total: &str) -> String {
    let hits: Vec<_> = ids.map(|id| format!(r#"{{"_id":"{id}","_source":{{"n":{id}}}}}"#)).collect();
    format!(
        r#"{{"_scroll_id":"s","timed_out":false,"_shards":{{"total":2,"failed":0}},"hits":{{"total":{total},"hits":[{}]}}}}"#,
        hits.join(",")
    )
}

#[test]
fn a_scroll_is_read_to_its_end() {
    let pages = [page(0..3, "5"), page(3..5, "5"), page(0..0, "5")];
    let (kept, ended) = scan(&pages.each_ref().map(String::as_str), None, 4);
    assert_eq!((ended, kept.rows.len(), kept.totals.as_slice()), (Ok(2), 5, [5].as_slice()));
    assert!(kept.not_read.is_empty());
    let pages = [page(0..3, r#"{"value":5,"relation":"eq"}"#), page(3..5, "5")];
    let (kept, ended) = scan(&pages.each_ref().map(String::as_str), Some(4), 5);
    assert_eq!((ended, kept.rows.len(), kept.totals.len()), (Ok(2), 4, 0));
}

#[test]
fn a_scroll_that_repeats_ends() {
    let same = page(0..3, "1000000");
    let (_, ended) = scan(&[&same], None, 1_000_000);
    assert_eq!(ended.unwrap_err(), "the server sends the same page again and again");
    let pages = [page(0..3, "5"), page(3..6, "5")];
    let (_, ended) = scan(&pages.each_ref().map(String::as_str), None, 5);
    assert_eq!(ended.unwrap_err(), "the server sends more documents than it has");
}

#[test]
fn what_fails_or_is_missing_is_told() {
    let failed = page(0..3, "9").replace(
        r#""failed":0"#,
        r#""failed":1,"failures":[{"reason":{"type":"circuit_breaking_exception","reason":"of li na"}}]"#,
    );
    let (kept, _) = scan(&[&failed, &page(0..0, "9")], None, 9);
    assert_eq!(kept.not_read[0].why, "1 of 2 shards failed (circuit_breaking_exception)");
    assert!(kept.totals.is_empty());
    let (kept, _) = scan(&[&page(0..3, "9"), &page(0..0, "9")], None, 9);
    assert_eq!(kept.not_read[0].why, "6 of 9 documents did not come");
    let source = page(0..1, "1").replace("_source", "_fields");
    let (kept, _) = scan(&[&source, &page(0..0, "1")], None, 1);
    assert!(kept.not_read[0].why.starts_with("1 documents come without their content"));
    let (_, ended) = scan(&[page(0..3, "9").split_at(60).0], None, 9);
    assert_eq!(ended.unwrap_err(), "a page ends in the middle");
    let (_, ended) = scan(&[r#"{"error":{"type":"search_context_missing_exception"}}"#], None, 9);
    assert!(ended.unwrap_err().contains("search_context_missing_exception"));
    let (_, ended) = scan(&[&page(0..1, "9").replace("_scroll_id", "x")], None, 9);
    assert!(ended.unwrap_err().contains("handle"));
}

#[test]
fn an_error_tells_its_kind_and_nothing_that_it_repeats() {
    let answer = |status, body: &str| Response::from_parts(status, &Default::default(), body);
    let text = |status, body: &str| StoreError::from(refusal(&answer(status, body))).to_string();
    let body =
        r#"{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [li-na]"}]}}"#;
    assert_eq!(text(404, body), "it is not there, or no longer (HTTP 404, index_not_found_exception)");
    assert!(!text(500, r#"{"error":{"type":"a 154 b"}}"#).contains("154"));
    assert!(matches!(refusal(&answer(401, "x")), Refusal::Final(StoreError::Denied(_))));
    assert!(matches!(refusal(&answer(400, "x")), Refusal::Form(_)));
    assert!(matches!(refusal(&answer(429, "x")), Refusal::Busy(_)));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_taken_as_a_page_without_panic(bytes: Vec<u8>) {
        let _ = scan(&[&String::from_utf8_lossy(&bytes)], Some(1), 1);
    }
}
