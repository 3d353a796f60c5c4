//! Pages of HTML, as the probes of panels read them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::html::{Page, text_of, texts, values_of};

fuzz_target!(|body: &[u8]| {
    let page = Page::read(body);
    assert!(page.title.is_none_or(|title| !title.contains('\n')), "a title of more than one line");
    let _ = (text_of(body, "id", "n"), values_of(body, "a", "href"), texts(body));
});
