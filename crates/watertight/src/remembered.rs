//! People that are remembered from run to run: stores are audited one at a time, and an estate is all of them.

use discover::column::Recognise;
use discover::people::SketchKey;
use discover::survey::StoreResult;
use inventory::KnownPeople;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;

use crate::reading::INPUT;

/// The people of the stores that were counted now. Standard input is no store that could be found again.
pub(crate) fn keep(results: &[StoreResult], key: &SketchKey, now: Timestamp) -> Vec<KnownPeople> {
    let keep = |result: &StoreResult| {
        let sketches = result.keep(key)?;
        Some(KnownPeople { asset: result.asset.clone(), at: now, sketches })
    };
    results.iter().filter(|result| result.asset != INPUT).filter_map(keep).collect()
}

/// The stores that earlier runs counted, that have people, and that were not read now. What cannot be compared is left
/// out, with a warning.
pub(crate) fn recall(
    known: &[KnownPeople],
    read_now: &[StoreResult],
    key: &SketchKey,
    recogniser: &dyn Recognise,
) -> Vec<StoreResult> {
    let about = Arc::new(recogniser.about());
    let others = known.iter().filter(|known| read_now.iter().all(|result| result.asset != known.asset));
    let recall = |known: &KnownPeople| {
        let day = TimeZone::UTC.to_datetime(known.at).date();
        match StoreResult::recall(&known.asset, day, &known.sketches, key, &about) {
            Ok(result) => Some(result).filter(StoreResult::has_people),
            Err(error) => {
                tracing::warn!("the people of {} are not united with the others: {error}", known.asset);
                None
            }
        }
    };
    others.filter_map(recall).collect()
}
