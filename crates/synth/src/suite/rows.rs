//! What stands beside people in most tables: numbers of rows, amounts, days, lines of logs.

use super::Style;
use super::nobody::{clock, compact_day, hex};

pub(super) const AMOUNTS: &[Style] = &[
    |d| format!("{}.{:02}", d.below(100_000), d.below(100)),
    |d| format!("{},{:02}", d.below(10_000), d.below(100)),
    |d| format!("{},{:03}.{:02}", d.within(1, 999), d.below(1_000), d.below(100)),
    |d| format!("${}.{:02}", d.below(10_000), d.below(100)),
    |d| format!("-{}.{}", d.below(100), d.digits(4)),
    |d| format!("{}.{:03}", d.within(1, 999), d.below(1_000)),
];

/// Numbers of rows: the first one is drawn, the others follow.
pub(super) const SEQUENCES: &[Style] = &[
    |_| "1".to_owned(),
    |d| d.within(1_000, 90_000).to_string(),
    |d| d.within(1_000_000, 9_000_000).to_string(),
    |d| d.within(10_000_000, 99_000_000).to_string(),
    |d| d.within(100_000_000, 990_000_000).to_string(),
    |d| d.within(1_000_000_000, 9_900_000_000).to_string(),
    |d| d.within(10_000_000_000, 99_000_000_000).to_string(),
    |d| d.within(100_000_000_000, 990_000_000_000).to_string(),
    |d| d.within(1_000_000_000_000_000, 9_000_000_000_000_000).to_string(),
];

pub(super) const DAYS: &[Style] = &[
    |d| format!("{}-{:02}-{:02}", d.within(2015, 2024), d.within(1, 12), d.within(1, 28)),
    |d| format!("{:02}.{:02}.{}", d.within(1, 28), d.within(1, 12), d.within(2015, 2024)),
    compact_day,
    |d| {
        format!(
            "{}-{:02}-{:02}T{:02}:{:02}:00Z",
            d.within(2015, 2024),
            d.within(1, 12),
            d.within(1, 28),
            d.below(24),
            d.below(60)
        )
    },
    |d| format!("{}{}", compact_day(d), clock(d)),
    |d| format!("{}{}", compact_day(d), clock(d)).get(2..).unwrap_or_default().to_owned(),
];

pub(super) const LINES: &[Style] = &[
    |d| format!("worker {} finished batch {} in {} ms, 0 errors", d.below(64), d.digits(12), d.below(9_000)),
    |d| format!("GET /api/v2/items/{} 200 {} bytes, request {}", d.digits(11), d.below(90_000), hex(d, 16)),
    |d| {
        format!(
            "build {}.{}.{}.{} of commit {} passed",
            d.below(9),
            d.below(30),
            d.below(30),
            d.below(99),
            hex(d, 40)
        )
    },
    |d| {
        format!(
            "Solid oak, oiled. Size {} x {} x {} cm, weight {} kg.",
            d.below(200),
            d.below(200),
            d.below(90),
            d.below(80)
        )
    },
    |d| format!("订单{}{}已发货，运单号{}，预计三日内送达。", compact_day(d), d.digits(10), d.digits(12)),
];
