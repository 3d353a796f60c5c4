//! Whose data is in it: stores and files that hold synthetic people, read by the built program, compared with the truth.

use std::collections::BTreeMap;
use std::io::{Read as _, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use synth::{Format, Settings, Table, Truth, World};
use testkit::real::start;

use crate::harness::{Home, Run};

const TODAY: &str = "2026-11-26T12:00:00Z";

/// How many people there are; all of them with the named command.
fn people() -> u64 {
    if std::env::var_os("WATERTIGHT_EVERYTHING").is_some() { 200_000 } else { 20_000 }
}

fn world() -> World {
    World::new(Settings { noise: synth::Noise::USUAL, ..Settings::new(20_260, people()) }).unwrap()
}

fn table(world: &World, name: &str) -> Table {
    Table::of(name, world).unwrap()
}

/// What a generator writes into what a client reads.
fn pipe(mut client: Command, write: impl FnOnce(&mut dyn Write)) {
    let mut child =
        client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = std::io::BufWriter::new(child.stdin.take().unwrap());
    write(&mut input);
    drop(input);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
}

fn dump(world: &World, names: &[&str], format: Format, mut out: &mut dyn Write) {
    for name in names {
        synth::write(world, &table(world, name), format, 0..people(), &mut out).unwrap();
    }
}

fn fill_postgres(world: &World, address: SocketAddr) {
    let psql = |database: &str| {
        let mut client = Command::new("psql");
        client.args(["-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-d", database]);
        client.arg("-p").arg(address.port().to_string());
        client
    };
    pipe(psql("postgres"), |out| out.write_all(b"CREATE DATABASE people;").unwrap());
    pipe(psql("people"), |out| {
        dump(world, &["persons", "business"], Format::Postgres, out);
        out.write_all(b"\nANALYZE;\n").unwrap();
    });
}

fn fill_mariadb(world: &World, address: SocketAddr) {
    let mut client = Command::new("mariadb");
    client.args(["-h", "127.0.0.1", "-u", "root", "-P"]).arg(address.port().to_string());
    pipe(client, |out| {
        out.write_all(b"CREATE DATABASE people CHARACTER SET utf8mb4; USE people;\n").unwrap();
        dump(world, &["protected", "contacts"], Format::Mysql, out);
        // How many rows are chosen follows from how many the server believes it has, which it finds out some seconds later.
        out.write_all(b"\nANALYZE TABLE protected, contacts;\n").unwrap();
    });
}

/// Every fourth person, as the hash of a session.
fn fill_redis(world: &World, address: SocketAddr) {
    let mut client = Command::new("redis-cli");
    client.arg("--pipe").arg("-p").arg(address.port().to_string());
    pipe(client, |out| {
        for number in 0..people() / 4 {
            let person = world.person(number);
            let resident = world.resident_number(&person);
            let mobile = world.mobile(&person);
            let key = format!("user:{number}");
            let words: [&[u8]; 6] = [b"HSET", key.as_bytes(), b"citizen", &resident, b"phone", &mobile];
            write!(out, "*{}\r\n", words.len()).unwrap();
            for word in words {
                write!(out, "${}\r\n", word.len()).unwrap();
                out.write_all(word).unwrap();
                out.write_all(b"\r\n").unwrap();
            }
        }
    });
}

/// Half of the people, as documents.
fn fill_elasticsearch(world: &World, address: SocketAddr) {
    let persons = table(world, "persons");
    for from in (0..people() / 2).step_by(5_000) {
        let mut rows = Vec::new();
        let to = (from + 5_000).min(people() / 2);
        synth::write(world, &persons, Format::Ndjson, from..to, &mut rows).unwrap();
        let mut body = Vec::new();
        for row in rows.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()) {
            body.extend_from_slice(b"{\"index\":{\"_index\":\"people\"}}\n");
            body.extend_from_slice(row);
            body.push(b'\n');
        }
        post(address, "/_bulk?refresh=true", &body);
    }
}

fn post(address: SocketAddr, path: &str, body: &[u8]) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"errors\":false"), "{:.300}", answer);
}

/// A repository in which a URL with a password was committed, and deleted five commits ago.
fn repository(folder: &Path, url: &str) -> String {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
        let output = command.args(arguments).env("HOME", folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q"]);
    let save = |name: &str, text: &str, message: &str| {
        std::fs::write(folder.join(name), text).unwrap();
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", message]);
        git(&["rev-parse", "HEAD"])
    };
    save("README", "a service\n", "begin");
    let guilty = save("settings.py", &format!("import os\n\nDATABASE = \"{url}\"\n"), "settings");
    save("settings.py", "import os\n\nDATABASE = os.environ[\"DATABASE\"]\n", "settings from outside");
    for number in 1..=5 {
        save("README", &format!("a service, part {number}\n"), "more");
    }
    guilty
}

pub fn data(run: &Run) -> Vec<Value> {
    let report: Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("not JSON: {error}\n{}\n{}", run.stdout, run.stderr));
    report["data"].as_array().unwrap().clone()
}

/// Records of an asset, `location` and `form` by kind of record.
fn of<'a>(data: &'a [Value], data_type: &str, asset: &str) -> Vec<&'a Value> {
    data.iter()
        .filter(|record| record["type"] == data_type && record["asset"].as_str().unwrap().starts_with(asset))
        .collect()
}

fn bounds(record: &Value) -> (u64, u64) {
    let people = &record["people"];
    let bound = |name: &str| people[name].as_u64().unwrap_or_else(|| panic!("no people: {record:#}"));
    (bound("lower"), bound("upper"))
}

fn columns(data: &[Value], asset: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut columns: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for record in of(data, "personal_data", asset) {
        let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        columns.entry(text("location")).or_default().push((text("kind"), text("form")));
    }
    columns
}

#[test]
fn every_column_with_personal_data_is_named_and_its_look_alikes_are_not() {
    let world = world();
    let server = start("postgres-open").unwrap();
    fill_postgres(&world, server.address);
    let home = Home::new();
    let url = format!("postgres://postgres@{}/people", server.address);
    let run = home.audit(&["--now", TODAY, "--seed", "1", "--only", "data", &url]);
    let data = data(&run);
    let told = columns(&data, "postgres://");
    println!("{told:#?}");
    for column in
        ["citizen_no", "full_name", "mobile", "email", "card_no", "birth_date", "sex", "home_address"]
    {
        let forms = told.get(&format!("public.persons.{column}"));
        assert!(
            forms.is_some_and(|forms| forms.iter().any(|(_, form)| form == "clear")),
            "{column}: {told:#?}"
        );
    }
    for location in told.keys() {
        let silent = ["case_no", "trace_id", "created_at"].iter().any(|name| location.ends_with(name));
        assert!(!silent && !location.contains("business"), "{location} {:?}", told[location]);
    }
    let [store] = of(&data, "store", "postgres://")[..] else { panic!("{data:#?}") };
    let truth = Truth::new(&world, &[table(&world, "persons")], "2026-11-26".parse().unwrap());
    let (lower, upper) = bounds(store);
    assert!(lower <= truth.people && truth.people <= upper, "{lower} to {upper}, truth {}", truth.people);
    // Rows of the fullest column: some values are missing everywhere.
    let records = store["records"].as_u64().unwrap();
    assert!(people() * 9 / 10 <= records && records <= people(), "{store:#}");
}

#[test]
fn protected_forms_are_told_apart() {
    let world = world();
    let server = start("mariadb-open").unwrap();
    fill_mariadb(&world, server.address);
    let run = Home::new().audit(&[
        "--now",
        TODAY,
        "--seed",
        "1",
        "--only",
        "data",
        &format!("mysql://root@{}/people", server.address),
    ]);
    let told = columns(&data(&run), "mysql://");
    println!("{told:#?}");
    let protected = table(&world, "protected");
    for column in &protected.columns {
        let holds = column.field.holds();
        let Some(form) = holds.form.filter(|_| column.name != "password") else { continue };
        let location = format!("protected.{}", column.name);
        let forms: Vec<&str> =
            told.get(&location).into_iter().flatten().map(|(_, form)| form.as_str()).collect();
        // The shape of a keyed digest is that of any digest.
        let also = if form == "opaque" { "hashed" } else { form };
        assert!(forms.contains(&form) || forms.contains(&also), "{location}: {forms:?}, right is {form}");
    }
}

#[test]
fn a_deleted_key_is_found_with_its_commit_and_the_store_it_opens() {
    let world = world();
    let server = start("postgres-open").unwrap();
    fill_postgres(&world, server.address);
    let folder = tempfile::tempdir().unwrap();
    let secret = "f7Qz0pWm3vLx9KtB";
    let leaked = format!("postgres://app:{secret}@{}/people", server.address);
    let guilty = repository(folder.path(), &leaked);
    let run = Home::new().audit(&[
        "--now",
        TODAY,
        "--only",
        "secrets",
        &format!("postgres://postgres@{}/people", server.address),
        folder.path().to_str().unwrap(),
    ]);
    assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret));
    let data = data(&run);
    let found = of(&data, "secret", "file:");
    let record = found
        .iter()
        .find(|record| record["secret"]["commit"] == guilty.as_str())
        .unwrap_or_else(|| panic!("{guilty} is not told: {found:#?}"));
    assert_eq!(record["secret"]["present"], false);
    assert!(record["secret"]["opens"].as_str().unwrap().starts_with("postgres://"), "{record:#}");
    assert_eq!(
        (record["position"]["file"].as_str(), record["position"]["line"].as_u64()),
        (Some("settings.py"), Some(3))
    );
    assert_eq!((record["severity"].as_str(), run.code), (Some("critical"), 1));
}

#[test]
fn four_stores_and_a_folder_are_counted_as_one_estate_and_nothing_is_leaked() {
    let world = world();
    let [postgres, mariadb, redis, elasticsearch] =
        ["postgres-open", "mariadb-open", "redis-open", "elasticsearch7-open"]
            .map(|state| start(state).unwrap());
    fill_postgres(&world, postgres.address);
    fill_mariadb(&world, mariadb.address);
    fill_redis(&world, redis.address);
    fill_elasticsearch(&world, elasticsearch.address);
    let home = Home::new();
    let folder = home.path().join("share");
    synth::folder::write(&world, &folder, "2026-11-26".parse().unwrap()).unwrap();
    let targets = [
        format!("postgres://postgres@{}/people", postgres.address),
        format!("mysql://root@{}/people", mariadb.address),
        format!("redis://{}", redis.address),
        format!("elasticsearch+http://{}", elasticsearch.address),
        "./share".to_owned(),
    ];
    let key = home.path().join("key");
    let out = home.path().join("report.json");
    let run = |state: &str| {
        // What a door says, and how long its answer is, changes on a server that lives; what is in the stores does not.
        let mut arguments = vec![
            "--only",
            "data,secrets",
            "--now",
            TODAY,
            "--seed",
            "7",
            "--key-file",
            key.to_str().unwrap(),
            "--state",
            state,
            "-v",
        ];
        arguments.extend(targets.iter().map(String::as_str));
        home.audit(&arguments)
    };
    let (first, second) = (run("a.sqlite"), run("b.sqlite"));
    for (one, two) in data(&first).iter().zip(&data(&second)) {
        assert!(one == two, "the same run twice tells {one:#} and {two:#}");
    }
    assert!(first.stdout == second.stdout, "the same run twice prints the same bytes");
    std::fs::write(&out, &first.stdout).unwrap();
    let data = data(&first);
    for (asset, people) in [
        ("postgres://", people()),
        ("mysql://", people()),
        ("redis://", people() / 4),
        ("elasticsearch+http://", people() / 2),
        ("file:", people()),
        ("estate", people()),
    ] {
        let kind = if asset == "estate" { "estate" } else { "store" };
        let [store] = of(&data, kind, asset)[..] else { panic!("{asset}: {data:#?}") };
        let (lower, upper) = bounds(store);
        println!("{asset}: {people}, told {lower} to {upper}");
        assert!(lower <= people && people <= upper, "{asset}: {lower} to {upper}, truth {people}: {store:#}");
    }
    let mut artefacts = vec![first.stdout.clone(), first.stderr.clone()];
    for entry in std::fs::read_dir(home.path()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        artefacts.push(String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned());
    }
    for needle in synth::needles(&world) {
        assert!(artefacts.iter().all(|text| !text.contains(&needle)), "a canary is told: {needle}");
    }
}
