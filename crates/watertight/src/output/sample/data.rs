//! Data records of every type and form, and hostile names of tables, files and stores.

use model::{
    Acceptance, Choice, Confidence, DataRecord, DataType, Form, NotRead, People, Position, Range,
    RegionCount, Sampled, SecretFacts, Severity,
};

use super::{HOSTILE, at};

/// A database with columns in every form.
pub(super) const DATABASE: &str = "postgres://10.0.0.5:5432/residents";
/// A folder of files, in a repository with a history.
const FOLDER: &str = "file:/srv/exports";
/// A store in which nothing was found.
const EMPTY: &str = "redis://10.0.0.7:6379/0";
/// A store of which nothing could be read.
const DENIED: &str = "elasticsearch+https://10.0.0.8:9200";
/// A name that somebody chose to do harm.
const BUCKET: &str = "s3://=cmd()|'<b>'/\u{1b}]0;x\u{7}";

/// The data records of the sample report, unsorted.
pub(super) fn records() -> Vec<DataRecord> {
    let mut all = database();
    all.extend(secrets());
    all.extend(folder());
    all.extend(bucket());
    all.extend(others());
    for record in &mut all {
        record.known_since = Some(at("2026-11-25T20:55:01Z"));
        record.last_seen = Some(at("2026-11-25T20:55:01Z"));
    }
    for record in all.iter_mut().filter(|record| record.asset == DATABASE) {
        // The first run was earlier; one column is new since.
        if record.location != "public.persons.phone_md5" {
            record.known_since = Some(at("2026-06-01T08:00:00Z"));
        }
    }
    all
}

/// One row of the sample: location, kind, title, form, severity, confidence, records and people.
type Column<'a> = (&'a str, &'a str, &'a str, Form, Severity, Confidence, u64, Option<(u64, u64)>);

/// The columns of the database.
const DATABASE_COLUMNS: [Column<'static>; 10] = [
    (
        "public.persons.id_no",
        "cn-resident-id",
        "Resident ID number",
        Form::Clear,
        Severity::High,
        Confidence::High,
        1_204_332,
        Some((198_412, 203_977)),
    ),
    (
        "public.persons.phone_md5",
        "cn-mobile",
        "Mobile number",
        Form::HashedEnumerable,
        Severity::High,
        Confidence::High,
        1_204_332,
        Some((176_003, 181_240)),
    ),
    (
        "public.persons.name",
        "cn-name",
        "Chinese name",
        Form::Clear,
        Severity::Medium,
        Confidence::Medium,
        1_204_332,
        None,
    ),
    (
        "public.persons.email",
        "email",
        "E-mail address",
        Form::Masked,
        Severity::Low,
        Confidence::High,
        903_118,
        None,
    ),
    (
        "public.persons.card",
        "bank-card",
        "Bank card number",
        Form::Tokenised,
        Severity::Low,
        Confidence::Low,
        12,
        None,
    ),
    (
        "public.persons.passport",
        "cn-passport",
        "Passport number",
        Form::Encrypted,
        Severity::Info,
        Confidence::Medium,
        401,
        None,
    ),
    (
        "public.persons.token",
        "cn-resident-id",
        "Resident ID number",
        Form::Opaque,
        Severity::Info,
        Confidence::Low,
        1_204_332,
        None,
    ),
    (
        "public.persons.addr_sha",
        "address",
        "Address",
        Form::Hashed,
        Severity::Low,
        Confidence::Low,
        88_000,
        None,
    ),
    (
        "public.archive_2019_before_the_migration.holder_identity_document_number",
        "cn-resident-id",
        "Resident ID number",
        Form::Mixed,
        Severity::High,
        Confidence::High,
        55_210,
        Some((41_009, 41_009)),
    ),
    (
        "public.accounts.wallet",
        "bitcoin-address",
        "Bitcoin address",
        Form::Clear,
        Severity::Medium,
        Confidence::High,
        1,
        Some((1, 1)),
    ),
];

/// What the files of the folder hold.
const FOLDER_COLUMNS: [Column<'static>; 4] = [
    (
        "导出/二〇二二年/居民/上海市/浦东新区/人员信息汇总表（最终版）.xlsx!Sheet1.身份证号",
        "cn-resident-id",
        "Resident ID number",
        Form::Clear,
        Severity::High,
        Confidence::High,
        200_000,
        Some((39_112, 41_008)),
    ),
    (
        "people.json#persons[].contact.phones[].number",
        "cn-mobile",
        "Mobile number",
        Form::Clear,
        Severity::High,
        Confidence::High,
        88_210,
        None,
    ),
    (
        "backup/2021/all.zip!dump.sql:persons.mail",
        "email",
        "E-mail address",
        Form::Clear,
        Severity::Medium,
        Confidence::High,
        4_001,
        None,
    ),
    ("letters/0001.txt", "cn-name", "Chinese name", Form::Clear, Severity::Low, Confidence::Medium, 2, None),
];

/// What the objects of the bucket hold.
const BUCKET_COLUMNS: [Column<'static>; 3] = [
    (
        "=cmd()|'<b>'.csv:phone",
        "cn-mobile",
        "Mobile number",
        Form::Clear,
        Severity::High,
        Confidence::High,
        3,
        None,
    ),
    (HOSTILE, "email", HOSTILE, Form::Clear, Severity::High, Confidence::High, 3, Some((3, 3))),
    ("@SUM(1)\u{200b}", "=cmd()", "Name", Form::Clear, Severity::Low, Confidence::Low, 3, None),
];

fn column(
    asset: &str,
    (location, kind, title, form, severity, confidence, rows, count): Column<'_>,
) -> DataRecord {
    let mut record = DataRecord::new(DataType::PersonalData, asset, location, Some(kind));
    record.title = Some(title.to_owned());
    record.form = Some(form);
    record.severity = severity;
    record.confidence = Some(confidence);
    record.reason = "99.8 % of the values looked at pass".to_owned();
    record.records = Some(rows);
    record.people = count.map(|count| people(count, kind));
    record.sampled = Some(Sampled { choice: Choice::Uniform, rows: 20_000, effective: 20_000 });
    record
}

fn people((lower, upper): (u64, u64), kind: &str) -> People {
    People { lower, upper, by: vec![kind.to_owned()], minors: None, regions: Vec::new() }
}

fn gap(location: &str, why: &str, by_design: bool) -> NotRead {
    NotRead { location: location.to_owned(), why: why.to_owned(), by_design }
}

fn database() -> Vec<DataRecord> {
    let mut all: Vec<DataRecord> = DATABASE_COLUMNS.into_iter().map(|row| column(DATABASE, row)).collect();
    for record in &mut all {
        if record.form == Some(Form::HashedEnumerable) {
            record.reason =
                "MD5 without a key: 96.1 % of the values are those of public.persons.phone in the same store"
                    .to_owned();
        }
        if record.location.starts_with("public.accounts") {
            record.sampled = Some(Sampled { choice: Choice::FirstRows, rows: 500, effective: 1 });
            record.accepted = Some(Acceptance {
                id: record.id.clone(),
                reason: "a donation address, published on our site".to_owned(),
                owner: "Wei Chen".to_owned(),
                expires: at("2027-01-31T00:00:00Z"),
            });
        }
    }
    all.push(database_as_a_whole());
    all
}

fn database_as_a_whole() -> DataRecord {
    let mut store = DataRecord::new(DataType::Store, DATABASE, "", None);
    store.reason = "10 columns of 3 tables hold personal data".to_owned();
    store.records = Some(1_259_955);
    let mut counted = people((198_412, 203_977), "cn-resident-id");
    counted.by.push("cn-mobile".to_owned());
    counted.minors = Some(Range { lower: 12_003, upper: 12_511 });
    counted.regions =
        [("CN-31", 150_020, 154_998), ("CN-32", 20_114, 21_007), ("CN-33", 9_870, 10_311), ("HK", 4, 4)]
            .map(|(region, lower, upper)| RegionCount {
                region: region.to_owned(),
                people: Range { lower, upper },
            })
            .to_vec();
    store.people = Some(counted);
    store.not_read = vec![
        gap(
            "public.audit_log",
            "permission denied: grant SELECT on it, or leave it out with --exclude",
            false,
        ),
        gap("public.blobs.body", "large objects are not read", true),
        gap("public.events", "1,000 of 40,000 pages were looked at, at random", true),
        gap("public.persons.photo", "the column was dropped while it was read", false),
        gap("public.queue", "statement timeout after 30 s", false),
        gap("public.z_locked", "another session holds a lock that conflicts with reading", false),
        gap(HOSTILE, HOSTILE, false),
    ];
    store
}

fn secret(
    asset: &str,
    location: &str,
    kind: &str,
    title: &str,
    severity: Severity,
    facts: SecretFacts,
) -> DataRecord {
    let mut record = DataRecord::new(DataType::Secret, asset, location, Some(kind));
    record.title = Some(title.to_owned());
    record.severity = severity;
    record.confidence = Some(Confidence::High);
    record.reason = "the shape of the key and its pair stand within 5 lines".to_owned();
    record.records = Some(1);
    record.secret = Some(facts);
    record
}

fn facts(redacted: &str) -> SecretFacts {
    SecretFacts {
        redacted: redacted.to_owned(),
        checked: None,
        commit: None,
        since: None,
        present: None,
        opens: None,
        works: None,
        verification: None,
    }
}

fn position(file: &str, line: u64, column: u64) -> Option<Position> {
    Some(Position { file: file.to_owned(), line, column })
}

fn secrets() -> Vec<DataRecord> {
    let opens = SecretFacts {
        checked: Some("a URL with a password".to_owned()),
        commit: Some("3f9a2c1e5b7d8f0a1c2e3b4d5f6a7b8c9d0e1f2a".to_owned()),
        since: Some(at("2025-03-01T10:00:00Z")),
        present: Some(false),
        opens: Some(DATABASE.to_owned()),
        works: None,
        ..facts("postgres://app:…@")
    };
    let mut first = secret(
        FOLDER,
        "deploy/config.yml:12",
        "database-url",
        "Database URL with a password",
        Severity::Critical,
        opens,
    );
    first.position = position("deploy/config.yml", 12, 9);
    let works = SecretFacts { present: Some(true), works: Some(true), ..facts("LTAI…") };
    let mut second = secret(
        FOLDER,
        "导出 目录/密钥 #1%.txt:3",
        "alibaba-access-key-id",
        "Alibaba Cloud access key",
        Severity::Critical,
        works,
    );
    second.position = position("导出 目录/密钥 #1%.txt", 3, 1);
    let expired = SecretFacts {
        checked: Some("a token that expired on 2024-05-01".to_owned()),
        works: Some(false),
        ..facts("eyJ…")
    };
    let mut third = secret(FOLDER, "manual.pdf", "jwt", "JSON Web Token", Severity::Low, expired);
    third.position = position("manual.pdf", 0, 0);
    let in_table = secret(
        DATABASE,
        "public.notes.body",
        "private-key",
        "Private key",
        Severity::High,
        facts("-----BEGIN …"),
    );
    let hostile = SecretFacts {
        redacted: HOSTILE.to_owned(),
        checked: Some(HOSTILE.to_owned()),
        commit: Some("=cmd()".to_owned()),
        since: None,
        present: Some(true),
        opens: Some(HOSTILE.to_owned()),
        works: None,
        verification: Some(HOSTILE.to_owned()),
    };
    let mut fifth = secret(BUCKET, HOSTILE, "generic-password", HOSTILE, Severity::High, hostile);
    fifth.position = position(&format!("../../{HOSTILE}"), 1, 1);
    vec![first, second, third, in_table, fifth]
}

fn folder() -> Vec<DataRecord> {
    let mut all: Vec<DataRecord> = FOLDER_COLUMNS.into_iter().map(|row| column(FOLDER, row)).collect();
    for record in &mut all {
        record.sampled = Some(Sampled { choice: Choice::Everything, rows: 200_000, effective: 200_000 });
        if record.location.starts_with("letters") {
            record.position = position("letters/0001.txt", 7, 15);
        }
    }
    let mut store = DataRecord::new(DataType::Store, FOLDER, "", None);
    store.records = Some(292_213);
    store.not_read = vec![
        gap("", "people are not counted: people.json ended in the middle", false),
        gap("backup/bomb.zip!a/b/c", "unpacks to more than 1,000 times its size", false),
        gap("cache/", "left out with --exclude", true),
    ];
    all.push(store);
    all
}

fn bucket() -> Vec<DataRecord> {
    let mut all: Vec<DataRecord> = BUCKET_COLUMNS.into_iter().map(|row| column(BUCKET, row)).collect();
    for record in &mut all {
        record.sampled = Some(Sampled { choice: Choice::PageClustered, rows: 9_000, effective: 45 });
        record.reason = HOSTILE.to_owned();
    }
    let mut store = DataRecord::new(DataType::Store, BUCKET, "", None);
    store.people = Some(people((3, 3), "email"));
    all.push(store);
    all
}

fn others() -> Vec<DataRecord> {
    let mut empty = DataRecord::new(DataType::Store, EMPTY, "", None);
    empty.records = Some(48_112);
    empty.reason = "no personal data was found: below 1 in 1,000 values at 99 %".to_owned();
    empty.sampled = Some(Sampled { choice: Choice::Uniform, rows: 4_602, effective: 4_602 });
    let mut denied = DataRecord::new(DataType::Store, DENIED, "", None);
    denied.not_read = vec![gap("", "the credentials were refused: name a user that may read", false)];
    let mut estate = DataRecord::new(DataType::Estate, "estate", "", None);
    estate.records = Some(1_600_283);
    let mut all = people((198_412, 203_977), "cn-resident-id");
    all.by.push("cn-mobile".to_owned());
    estate.people = Some(all);
    estate.reason = "one person may be in several stores".to_owned();
    vec![empty, denied, estate]
}
