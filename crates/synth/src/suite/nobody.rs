//! Columns that look like personal data and are none.

use super::draws::Draws;
use super::numbers::{grouped, luhn};
use super::rows::{AMOUNTS, DAYS, LINES, SEQUENCES};
use super::{Class, Style, contact, plain};
use crate::words::{STREETS, TRADES};

/// The classes.
pub(super) const CLASSES: &[Class] = &[
    Class::nobody(
        "case number",
        &["case_no", "案件编号", "ajbh", "file_ref"],
        &[case_number, |d| format!("A{}", case_number(d))],
    ),
    Class::nobody("order number", &["order_no", "order_id", "订单号", "bestellnummer"], ORDERS),
    Class::nobody(
        "invoice number",
        &["invoice_no", "rechnungsnr", "发票号码", "bill_no"],
        &[
            |d| format!("INV-{}-{}", d.within(2015, 2024), d.digits(5)),
            |d| d.digits(8),
            |d| d.digits(20),
            |d| format!("RE{}{}", d.within(2015, 2024), d.digits(6)),
        ],
    ),
    Class::nobody("tracking number", &["tracking_no", "运单号", "awb", "shipment_id"], TRACKING),
    Class::nobody(
        "snowflake",
        &["event_id", "message_id", "id", "uid"],
        &[
            |d| {
                (((d.within(30, 160) * 1_000_000_000 + d.below(1_000_000_000)) << 22) | d.below(1 << 22))
                    .to_string()
            },
            |d| d.within(1_100_000_000_000_000_000, 1_800_000_000_000_000_000).to_string(),
        ],
    ),
    Class::nobody(
        "epoch seconds",
        &["created", "updated_at", "ts", "last_seen"],
        &[
            |d| d.within(1_300_000_000, 1_790_000_000).to_string(),
            |d| d.within(1_700_000_000, 1_700_900_000).to_string(),
        ],
    ),
    Class::nobody(
        "epoch millis",
        &["created_ms", "ts_ms", "event_time", "gmt_create"],
        &[
            |d| d.within(1_300_000_000_000, 1_790_000_000_000).to_string(),
            |d| d.within(1_700_000_000_000, 1_700_900_000_000).to_string(),
        ],
    ),
    Class::nobody(
        "epoch micros",
        &["ts_us", "logged_at", "nanos"],
        &[
            |d| d.within(1_300_000_000_000_000, 1_790_000_000_000_000).to_string(),
            |d| d.within(1_300_000_000_000_000_000, 1_790_000_000_000_000_000).to_string(),
        ],
    ),
    Class::nobody(
        "hex id",
        &["trace_id", "span_id", "object_id", "request_id"],
        &[|d| hex(d, 16), |d| hex(d, 24), |d| hex(d, 32), |d| hex(d, 12), |d| hex(d, 8)],
    ),
    Class::nobody(
        "uuid",
        &["uuid", "correlation_id", "device_uuid", "guid"],
        &[
            |d| uuid(d, '4'),
            |d| uuid(d, '7'),
            |d| uuid(d, '4').replace('-', ""),
            |d| uuid(d, '4').to_uppercase(),
        ],
    ),
    Class::nobody(
        "ulid",
        &["ulid", "event_ulid"],
        &[
            |d| format!("01{}", d.of_letters("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24)),
            |d| d.of_letters("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", 21),
        ],
    ),
    Class::nobody("serial number", &["serial_no", "sn", "asset_tag", "meter_no"], SERIALS),
    Class::nobody(
        "digits",
        &["number", "ref", "nr", "code", "kundennummer"],
        &[
            |d| d.digits(6),
            |d| d.digits(7),
            |d| d.digits(8),
            |d| d.digits(9),
            |d| d.digits(10),
            |d| d.digits(11),
            |d| d.digits(12),
            |d| d.digits(13),
            |d| d.digits(14),
            |d| d.digits(15),
            |d| d.digits(16),
            |d| d.digits(17),
            |d| d.digits(18),
            |d| d.digits(19),
            |d| d.digits(20),
        ],
    ),
    Class::nobody(
        "luhn number",
        &["loyalty_no", "voucher_no", "gift_code"],
        &[
            |d| luhn(&format!("9{}", d.digits(14))),
            |d| luhn(&format!("70{}", d.digits(10))),
            |d| luhn(&format!("6390{}", d.digits(12))),
            |d| luhn(&d.digits(7)),
        ],
    ),
    Class::nobody(
        "ean",
        &["ean", "gtin", "barcode", "条码"],
        &[
            |d| contact::ean(d, 13),
            |d| contact::ean(d, 8),
            |d| format!("0{}", contact::ean(d, 13)),
            |d| format!("978{}", d.digits(10)),
        ],
    ),
    Class::nobody(
        "version",
        &["version", "app_version", "firmware", "build"],
        &[
            |d| format!("{}.{}.{}", d.below(20), d.below(40), d.below(300)),
            |d| format!("{}.{}.{}.{}", d.below(12), d.below(40), d.below(256), d.below(255)),
            |d| format!("v{}.{}.{}-rc{}", d.below(9), d.below(30), d.below(30), d.below(9)),
        ],
    ),
    Class::nobody("amount", &["amount", "price", "betrag", "金额", "total"], AMOUNTS),
    Class::nobody(
        "quantity",
        &["qty", "count", "stock", "数量"],
        &[|d| d.below(500).to_string(), |d| d.below(100_000).to_string()],
    ),
    Class::nobody(
        "plant coordinates",
        &["station_lat", "shop_lng", "depot_latitude"],
        &[
            |d| format!("{}.{}", d.within(20, 60), d.digits(6)),
            |d| format!("-{}.{}", d.within(1, 70), d.digits(4)),
        ],
    )
    .undecidable(),
    Class::nobody(
        "file hash",
        &["sha256", "md5", "etag", "checksum", "file_digest", "commit"],
        &[|d| hex(d, 64), |d| hex(d, 32), |d| hex(d, 40)],
    ),
    Class::nobody(
        "machine address",
        &["switch_mac", "server_ip", "bind_addr", "gateway_ip", "node_ip", "host_ip", "router_mac"],
        &[
            contact::ip,
            |d| format!("10.{}.{}.{}", d.below(20), d.below(255), d.within(1, 254)),
            |d| contact::mac(d, ":"),
        ],
    )
    .own_name(),
    Class::nobody(
        "sku",
        &["sku", "part_no", "artikelnummer", "物料编码"],
        &[
            |d| format!("{}-{}", d.of_letters("ABCDEFGHKLMNPRSTXYZ", 2), d.digits(5)),
            |d| format!("{}{}", d.of_letters("ABCDEFGHKLMNPRSTXYZ", 1), d.digits(8)),
            |d| format!("{}{}{}", d.digits(3), d.of_letters("ABCDEFGH", 2), d.digits(4)),
            |d| format!("{}{}", d.of_letters("ABCDEFGHKLMNPRSTXYZ", 2), d.digits(6)),
        ],
    ),
    Class::nobody("sequence", &["id", "seq", "row_id", "lfd_nr", "user_id"], SEQUENCES).in_order(),
    Class::nobody("day", &["created_at", "hire_date", "due_date", "expires", "下单日期"], DAYS),
    Class::nobody(
        "post code",
        &["zip", "postal_code", "plz", "邮编"],
        &[
            |d| d.digits(5),
            |d| d.digits(6),
            |d| format!("{}-{}", d.digits(5), d.digits(4)),
            |d| {
                format!(
                    "{} {}{}",
                    d.pick(&["SW1A", "EC2V", "M1", "LS6"]),
                    d.digits(1),
                    d.of_letters("ABDEFGH", 2)
                )
            },
        ],
    ),
    Class::nobody(
        "product",
        &["product_name", "item_name", "商品名称", "title", "model_name"],
        &[
            |d| {
                format!(
                    "{} {}",
                    d.pick(&["Deluxe", "Classic", "Ultra", "Compact", "Garden"]),
                    d.pick(&["Chair", "Lamp", "Kettle", "Drill Set", "Bookshelf"])
                )
            },
            |d| format!("{}{}", d.pick(STREETS), d.pick(TRADES)),
            |d| format!("{} {}", d.pick(&["Steel", "Oak", "Cotton"]), d.pick(&["Table", "Blanket", "Shelf"])),
        ],
    )
    .own_name(),
    Class::nobody(
        "company",
        &["company_name", "supplier_name", "firma", "公司名称", "vendor"],
        &[
            |d| {
                format!(
                    "{} {}",
                    plain::capital(&plain::word(d)),
                    d.pick(&["Ltd", "GmbH", "Inc.", "S.A.", "Holdings"])
                )
            },
            |d| format!("霁州{}{}有限公司", d.pick(STREETS), d.pick(TRADES)),
            |d| format!("{} & {}", plain::capital(&plain::word(d)), plain::capital(&plain::word(d))),
        ],
    )
    .own_name(),
    Class::nobody(
        "place",
        &["city", "store_name", "city_name", "region_name", "branch_name", "城市"],
        &[
            |d| {
                format!(
                    "{} {}",
                    d.pick(&["New", "Port", "San", "Saint", "North"]),
                    plain::capital(&plain::word(d))
                )
            },
            |d| plain::capital(&plain::word(d)),
            |d| d.pick(&["杭州", "成都市", "武汉", "南京市", "西安"]).to_owned(),
        ],
    )
    .own_name(),
    Class::nobody(
        "technical name",
        &["file_name", "host_name", "table_name", "event_name", "class_name", "queue_name"],
        &[
            |d| format!("{}_{}.csv", plain::word(d), d.digits(4)),
            |d| format!("{}-{}.internal", plain::word(d), d.below(40)),
            |d| format!("{}Created", plain::capital(&plain::word(d))),
            |d| {
                format!(
                    "{} {}",
                    d.pick(&["User", "Order", "Invoice"]),
                    d.pick(&["Created", "Deleted", "Changed"])
                )
            },
        ],
    )
    .own_name(),
    Class::nobody(
        "state",
        &["status", "state", "type", "category", "country", "currency"],
        &[
            |d| d.pick(&["open", "closed", "paid", "void"]).to_owned(),
            |d| d.pick(&["CN", "DE", "FR", "US"]).to_owned(),
            |d| d.pick(&["A", "B", "AB", "C"]).to_owned(),
            |d| d.pick(&["1", "2", "3"]).to_owned(),
            |d| d.pick(&["M", "L", "XL", "S"]).to_owned(),
            |d| d.pick(&["EUR", "USD", "CNY"]).to_owned(),
            |d| d.pick(&["true", "false"]).to_owned(),
        ],
    ),
    Class::nobody(
        "url",
        &["url", "link", "image_url", "path"],
        &[
            |d| format!("https://shop.example/item/{}", d.digits(8)),
            |d| format!("/static/{}/{}.png", hex(d, 2), hex(d, 16)),
            |d| format!("s3://bucket-{}/{}/{}", d.below(9), d.digits(8), hex(d, 8)),
            |d| format!("https://cdn.example/{}@2x.png", plain::word(d)),
        ],
    ),
    Class::nobody("log line", &["message", "log", "description", "detail"], LINES),
    Class::nobody(
        "package",
        &["package", "dependency", "image", "handle"],
        &[
            |d| format!("{}@{}.{}.{}", plain::word(d), d.below(9), d.below(30), d.below(30)),
            |d| format!("@{}/{}", plain::word(d), plain::word(d)),
            |d| format!("registry.example/{}:{}.{}", plain::word(d), d.below(9), d.below(30)),
        ],
    ),
];

pub(super) fn hex(d: &mut Draws, digits: usize) -> String {
    d.of_letters("0123456789abcdef", digits)
}

pub(super) fn compact_day(d: &mut Draws) -> String {
    format!("{}{:02}{:02}", d.within(2012, 2024), d.within(1, 12), d.within(1, 28))
}

pub(super) fn clock(d: &mut Draws) -> String {
    format!("{:02}{:02}{:02}", d.below(24), d.below(60), d.below(60))
}

fn case_number(d: &mut Draws) -> String {
    format!("78{:02}{:02}{}{:04}", d.within(1, 12), d.within(1, 12), compact_day(d), d.below(2_000))
}

const ORDERS: &[Style] = &[
    |d| format!("{}{}{}", compact_day(d), clock(d), d.digits(4)),
    |d| format!("{}{}{}", compact_day(d), clock(d), d.digits(6)),
    |d| format!("{}{}", compact_day(d), d.digits(4)),
    |d| format!("{}{}", compact_day(d), d.digits(8)),
    |d| format!("SO-{}-{}", d.within(2015, 2024), d.digits(6)),
    |d| format!("{}-{}-{}", d.digits(3), d.digits(7), d.digits(7)),
    |d| d.within(4_500_000_000, 4_599_999_999).to_string(),
    |d| format!("{}{}{}", d.within(10, 24), compact_day(d).get(4..).unwrap_or_default(), d.digits(5)),
];

const TRACKING: &[Style] = &[
    |d| format!("1Z{}{}", d.of_letters("0123456789ABCDEFGHJKLMNPRSTVWXY", 6), d.digits(10)),
    |d| d.digits(12),
    |d| format!("9400{}", d.digits(18)),
    |d| postal(d),
    |d| format!("SF{}", d.digits(13)),
    |d| format!("YT{}", d.digits(13)),
    |d| format!("00340{}", d.digits(15)),
    |d| format!("JD{}", d.digits(18)),
];

/// UPU S10: two letters, eight digits, a check digit, the country.
fn postal(d: &mut Draws) -> String {
    let number = d.digits(8);
    let check = match 11 - super::numbers::weighted(&number, &[8, 6, 4, 2, 3, 5, 9, 7]) % 11 {
        10 => 0,
        11 => 5,
        check => check,
    };
    format!("R{}{number}{check}{}", d.of_letters("ABCDEFG", 1), d.pick(&["CN", "DE", "GB"]))
}

fn uuid(d: &mut Draws, version: char) -> String {
    let begin = if version == '7' { format!("019{}", hex(d, 9)) } else { hex(d, 12) };
    let text = format!("{begin}{version}{}{}{}", hex(d, 3), d.of_letters("89ab", 1), hex(d, 15));
    grouped(&text, &[8, 4, 4, 4, 12], &["-"])
}

const SERIALS: &[Style] = &[
    |d| format!("{}{}", d.of_letters("CDFGHJKLMNPQRTVWXY", 2), d.of_letters("0123456789CDFGHJKLMNP", 10)),
    |d| format!("SN{}", d.digits(8)),
    |d| format!("{}-{}-{}", d.digits(4), d.digits(4), d.digits(4)),
    |d| format!("{}{}", d.within(10, 99), d.digits(9)),
    |d| format!("{}{}{}", d.of_letters("ABCDEFGH", 1), d.digits(2), d.of_letters("0123456789ABCDEF", 6)),
    |d| d.of_letters("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", 17),
    |d| format!("{:03}-{:02}-{:04}", d.below(1_000), d.below(100), d.below(10_000)),
];
