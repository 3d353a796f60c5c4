//! Usage and configuration errors: exit 2, one message with the place and the remedy, before anything is sent.

use testkit::emulator::Emulator;
use testkit::real;

use crate::harness::Home;

fn refused(arguments: &[&str], config: Option<&str>) -> String {
    let listener = Emulator::serve(|_| Ok(())).unwrap();
    let home = Home::new();
    let own = listener.address.to_string();
    let mut all = vec!["audit"];
    let path = home.path().join("named.toml");
    if let Some(text) = config {
        std::fs::write(&path, text).unwrap();
        all.extend(["--config", path.to_str().unwrap()]);
    }
    // A good target beside the bad one: it must not be dialled either.
    all.extend(arguments);
    all.push(&own);
    let run = home.run(&all);
    assert_eq!(run.code, 2, "{arguments:?}\n{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.is_empty(), "stdout carries data only: {}", run.stdout);
    assert_eq!(listener.connections(), 0, "{arguments:?}: something was sent");
    run.stderr
}

#[test]
fn a_target_that_does_not_parse() {
    let message = refused(&["256.1.1.1:80"], None);
    assert!(message.contains("256.1.1.1") && message.contains("host:port"), "{message}");
}

#[test]
fn a_network_that_is_too_wide() {
    let message = refused(&["10.0.0.0/8"], None);
    assert!(message.contains("/16"), "{message}");
}

#[test]
fn a_public_address_without_scope() {
    let message = refused(&["8.8.8.8:6379"], None);
    assert!(message.contains("[scope]") && message.contains("nothing was sent"), "{message}");
}

#[test]
fn a_public_address_whose_scope_has_ended() {
    let scope =
        "[scope]\nauthorised_by = \"owner\"\nuntil = 2020-01-01T00:00:00Z\nnetworks = [\"8.8.8.0/24\"]\n";
    let message = refused(&["8.8.8.8:6379"], Some(scope));
    assert!(message.contains("2020-01-01"), "{message}");
}

#[test]
fn a_metadata_address_in_any_form() {
    let scope =
        "[scope]\nauthorised_by = \"owner\"\nuntil = 2099-01-01T00:00:00Z\nnetworks = [\"0.0.0.0/0\"]\n";
    for target in [
        "169.254.169.254",
        "100.100.100.200:80",
        "[::ffff:169.254.169.254]:80",
        "http://169.254.169.254/latest",
    ] {
        let message = refused(&[target], Some(scope));
        assert!(message.contains("metadata"), "{target}: {message}");
    }
}

#[test]
fn a_misspelt_key_of_the_configuration() {
    let message = refused(&[], Some("[audit]\nfail_onn = \"low\"\n"));
    assert!(message.contains("fail_onn") && message.contains("did you mean `fail_on`"), "{message}");
}

#[test]
fn a_configuration_that_cannot_be_read() {
    let message = refused(&["--config", "/nonexistent/watertight.toml"], None);
    assert!(message.contains("/nonexistent/watertight.toml"), "{message}");
}

#[test]
fn support_dates_that_cannot_be_used() {
    let message = refused(&["--lifecycle", "/nonexistent/redis.yml"], None);
    assert!(message.contains("/nonexistent/redis.yml") && message.contains("--lifecycle"), "{message}");
    // A misspelt key, named in the configuration: the path is relative to that file.
    let folder = Home::new();
    let file = folder.path().join("redis.yml");
    std::fs::write(&file, "product: redis\nsource: https://example.org\nchecked: 2026-11-25\ncycle: []\n")
        .unwrap();
    let message = refused(&[], Some(&format!("lifecycle = {file:?}\n")));
    assert!(message.contains("redis.yml") && message.contains("line 4"), "{message}");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let message = refused(&["--lifecycle", empty.to_str().unwrap()], None);
    assert!(message.contains("*.yml"), "{message}");
}

#[test]
fn newer_support_dates_decide_and_old_ones_are_told_once() {
    let redis = real::start("redis-open").unwrap();
    let home = Home::new();
    let address = redis.address.to_string();
    let file = home.path().join("redis.yml");
    let told = home.audit(&["--no-state", &address]).exposure(redis.address)["version"].clone();
    let version = told.as_str().unwrap();
    let dates = format!(
        "product: redis\nsource: https://example.org/dates\nchecked: 2020-01-01\ncycles:\n  - {{ cycle: \"{version}\", eol: 2019-12-31 }}\n"
    );
    std::fs::write(&file, dates).unwrap();
    let run = home.audit(&["--no-state", "--lifecycle", file.to_str().unwrap(), &address]);
    let patch = run.exposure(redis.address)["patch"].clone();
    assert_eq!((&patch["checked"], &patch["ended"]), (&"2020-01-01".into(), &true.into()), "{patch:#}");
    assert_eq!(patch["source"], "https://example.org/dates");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let notes = report["notes"].as_array().unwrap();
    assert!(notes.len() == 1 && notes[0].as_str().unwrap().contains("redis (2020-01-01)"), "{notes:?}");
}

#[test]
fn a_scope_in_the_working_directory_authorises_nothing() {
    let home = Home::new();
    let scope =
        "[scope]\nauthorised_by = \"me\"\nuntil = 2099-01-01T00:00:00Z\nnetworks = [\"8.8.8.0/24\"]\n";
    std::fs::write(home.path().join("watertight.toml"), scope).unwrap();
    let run = home.run(&["audit", "127.0.0.1:1"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("working directory"), "{}", run.stderr);
}

#[test]
fn a_baseline_fails_only_on_what_is_new() {
    let redis = real::start("redis-open").unwrap();
    let home = Home::new();
    let address = redis.address.to_string();
    let baseline = home.path().join("baseline.json");
    let path = baseline.to_str().unwrap();
    assert_eq!(home.audit(&["--fail-on", "medium", "--out", path, &address]).code, 1);
    assert_eq!(home.audit(&["--fail-on", "medium", "--baseline", path, &address]).code, 0);
    let memcached = real::start("memcached-open").unwrap();
    let other = memcached.address.to_string();
    assert_eq!(home.audit(&["--fail-on", "medium", "--baseline", path, &address, &other]).code, 1);
}

#[test]
fn a_door_that_was_shut_in_the_baseline_and_is_open_now_fails() {
    let shut = real::start("redis-protected").unwrap();
    let address = shut.address;
    let home = Home::new();
    let baseline = home.path().join("baseline.json");
    let path = baseline.to_str().unwrap();
    let target = address.to_string();
    assert_eq!(home.audit(&["--fail-on", "medium", "--out", path, &target]).code, 0);
    shut.stop();
    let place = real::Place { port: Some(address.port()), ..real::Place::default() };
    let _open = real::start_in("redis-open", &place).unwrap();
    assert_eq!(home.audit(&["--fail-on", "medium", "--baseline", path, &target]).code, 1);
}

#[test]
fn an_accepted_finding_is_shown_as_accepted_until_it_expires() {
    let redis = real::start("redis-open").unwrap();
    let home = Home::new();
    let address = redis.address.to_string();
    let first = home.audit(&["--fail-on", "medium", &address]);
    let id = first.exposure(redis.address)["id"].as_str().unwrap().to_owned();
    // The version of the test's server may have ended: that is another finding with an id of its own.
    let ids =
        first.records().iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let entry = |id: &str, until: &str| {
        format!("[[accept]]\nid = \"{id}\"\nreason = \"a test\"\nowner = \"the tests\"\nexpires = {until}\n")
    };
    let config = home.path().join("accept.toml");
    let all = |until: &str| ids.iter().map(|id| entry(id, until)).collect::<String>();
    std::fs::write(&config, all("2099-01-01T00:00:00Z")).unwrap();
    let accepted = home.audit(&["--config", config.to_str().unwrap(), "--fail-on", "low", &address]);
    assert_eq!(accepted.code, 0);
    assert_eq!(accepted.exposure(redis.address)["accepted"]["owner"], "the tests");
    assert_eq!(accepted.exposure(redis.address)["verdict"], "OPEN", "accepted is not clean");
    std::fs::write(&config, all("2020-01-01T00:00:00Z")).unwrap();
    let expired = home.audit(&["--config", config.to_str().unwrap(), "--fail-on", "medium", &address]);
    assert_eq!(expired.code, 1);
    assert!(expired.stdout.contains(&format!("acceptance of {id} has expired")), "{}", expired.stdout);
}

#[test]
fn a_password_in_a_url_is_warned_about_and_told_to_nobody() {
    let redis = real::start("redis-protected").unwrap();
    let home = Home::new();
    let run = home.audit(&[&format!("redis://user:hunter2@{}", redis.address)]);
    assert_eq!(run.exposure(redis.address)["verdict"], "PROTECTED");
    assert!(run.stderr.contains("password in a URL"), "{}", run.stderr);
    let state = std::fs::read(home.path().join(".local/share/watertight/inventory.sqlite")).unwrap();
    let leaked = run.stdout.contains("hunter2")
        || run.stderr.contains("hunter2")
        || state.windows(7).any(|window| window == b"hunter2");
    assert!(!leaked);
}

/// The scheme of a URL is a hint, as a port is.
#[test]
fn tls_is_tried_where_plain_fails_and_the_other_way_round() {
    let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let tls = testkit::emulator::tls::start(2049, answer).unwrap();
    let record = Home::new().audit(&["--no-state", &format!("http://{}", tls.address)]).exposure(tls.address);
    assert_eq!(record["tls"]["protocol"], "TLS 1.3", "{record:#}");
    let redis = real::start("redis-open").unwrap();
    let record =
        Home::new().audit(&["--no-state", &format!("rediss://{}", redis.address)]).exposure(redis.address);
    assert_eq!(record["verdict"], "OPEN", "{record:#}");
}

/// Fewer descriptors than endpoints: the audit waits for free ones, and loses nothing.
#[test]
fn few_descriptors_make_it_slower_not_wrong() {
    let servers: Vec<Emulator> = (0..120).map(|_| testkit::hostile::Hostile::SSH.start().unwrap()).collect();
    let home = Home::new();
    let mut command = std::process::Command::new("bash");
    command.args(["-c", "ulimit -n 48; exec \"$0\" \"$@\""]).arg(crate::harness::program());
    command.args(["audit", "--no-state", "-o", "json"]).env("HOME", home.path());
    command.args(servers.iter().map(|server| server.address.to_string()));
    let output = command.output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let records = report["records"].as_array().unwrap();
    let named = records.iter().filter(|record| record["service"] == "ssh").count();
    assert_eq!(named, servers.len(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_full_disk_loses_no_finding_and_is_not_clean() {
    let redis = real::start("redis-open").unwrap();
    let target = redis.address.to_string();
    let home = Home::new();
    let run = home.audit(&["--no-state", "--out", "/dev/full", &target]);
    assert_eq!(run.exposure(redis.address)["verdict"], "OPEN", "the report goes to stdout");
    assert!(run.stderr.contains("/dev/full") && run.stderr.contains("disk full"), "{}", run.stderr);
    assert_eq!(run.code, 3, "medium does not fail the run, but it is not clean");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output =
        home.command(&["audit", "--no-state", "--fail-on", "medium", &target]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn completions_and_help_are_there() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let run = home.run(&["completions", shell]);
        assert!(run.code == 0 && run.stdout.contains("watertight"), "{shell}");
    }
    let help = home.run(&["audit", "--help"]);
    assert!(help.stdout.contains("--fail-on"), "{}", help.stdout);
}

#[test]
fn proxies_of_the_environment_are_not_used() {
    let proxy = Emulator::serve(|_| Ok(())).unwrap();
    let redis = real::start("redis-open").unwrap();
    let home = Home::new();
    let url = format!("http://{}", proxy.address);
    let mut command = home.command(&["audit", "--no-state", &redis.address.to_string()]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, &url);
    }
    command.output().unwrap();
    assert_eq!(proxy.connections(), 0);
}
