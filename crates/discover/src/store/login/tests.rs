//! Targets and the places of credentials, with hostile content.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn parts(url: &str) -> Target {
    Target::parse(url).unwrap()
}

fn environment(home: &Path, variables: &'static [(&'static str, &'static str)]) -> Environment {
    let find =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Environment::new(find, Some(home.to_owned()))
}

fn write(home: &Path, name: &str, text: &str, mode: u32) {
    let path = home.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_url_is_taken_apart_and_decoded() {
    let target = parts("Postgres://re%40der:p%3A%2Fss@w@[fe80::1]:6543/my%20db?sslmode=require&x=%26");
    assert_eq!((target.scheme.as_str(), target.user.as_deref()), ("postgres", Some("re@der")));
    assert_eq!(target.password.as_ref().unwrap().reveal(), "p:/ss@w");
    assert_eq!(target.hosts, [("fe80::1".to_owned(), Some(6543))]);
    assert_eq!(target.path.as_deref(), Some("my db"));
    assert_eq!((target.option("SSLMODE"), target.option("x")), (Some("require"), Some("&")));
    let several = parts("mongodb://a:1,b,[::1]/db");
    assert_eq!(several.hosts.len(), 3);
    assert!(several.host().is_err());
    assert_eq!(parts("postgres:///db").hosts, []);
}

#[test]
fn what_is_shown_of_a_target_holds_no_credential() {
    let target = parts("mysql://ua:canary-secret@h/db");
    assert!(!format!("{target:?}").contains("canary-secret"));
    for url in
        ["mysql://ua:canary-secret@h:99999/db", "canary-secret", "x://ua:%00canary-secret@h", "x://%ff@h"]
    {
        let message = Target::parse(url).unwrap_err().to_string();
        assert!(!message.contains("canary"), "{message}");
    }
}

#[test]
fn control_characters_do_not_reach_a_protocol() {
    for url in ["x://a%00b@h", "x://a%0d%0ab@h", "x://a@h%0a/", "x://a@h/d%00b", "x://a@h/?k=%0a"] {
        assert!(Target::parse(url).is_err(), "{url}");
    }
}

#[test]
fn the_url_goes_before_variables_and_these_before_files() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".pgpass", "*:*:app:reader:from-file\n*:*:*:reader:for-the-rest\n", 0o600);
    let bare = environment(home.path(), &[]);
    let login = postgres::login(&parts("postgres://reader@db1/app"), &bare).unwrap();
    assert_eq!(login.password_for("app").unwrap().reveal(), "from-file");
    assert_eq!(login.password_for("other").unwrap().reveal(), "for-the-rest");
    assert_eq!(login.door, Door::Tcp { host: "db1".to_owned(), port: 5432 });
    let set = environment(home.path(), &[("PGPASSWORD", "from-variable"), ("PGUSER", "reader")]);
    let login = postgres::login(&parts("postgres://db1:1/app"), &set).unwrap();
    assert_eq!(login.password_for("app").unwrap().reveal(), "from-variable");
    assert_eq!(login.user.as_deref(), Some("reader"));
    let login = postgres::login(&parts("postgres://reader:from-url@db1/app"), &set).unwrap();
    assert_eq!(login.password_for("app").unwrap().reveal(), "from-url");
}

#[test]
fn a_password_file_that_others_may_read_is_passed_over() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".pgpass", "*:*:*:reader:from-file\n", 0o640);
    let login = postgres::login(&parts("postgres://reader@db1/app"), &environment(home.path(), &[])).unwrap();
    assert_eq!(login.password_for("app"), None);
    write(home.path(), ".my.cnf", "[client]\npassword=from-file\n", 0o666);
    let login = mysql::login(&parts("mysql://reader@db1/app"), &environment(home.path(), &[])).unwrap();
    assert_eq!(login.password_for("app"), None);
}

#[test]
fn a_misspelt_option_is_an_error() {
    let bare = Environment::new(|_| None, None);
    assert!(postgres::login(&parts("postgres://h/?sslmod=require"), &bare).is_err());
    assert!(postgres::login(&parts("postgres://h/?sslmode=verify"), &bare).is_err());
    assert!(mysql::login(&parts("mysql://h/?ssl-mode=maybe"), &bare).is_err());
    assert!(clickhouse::login(&parts("clickhouse://h/?secured=1"), &bare).is_err());
}

#[test]
fn mysql_takes_its_own_file_and_variable() {
    let home = tempfile::tempdir().unwrap();
    let text =
        "[client]\nuser=filed\npassword=from-file\nport=3307\nssl-mode=VERIFY_IDENTITY\nssl-ca=/ca.pem\n";
    write(home.path(), ".my.cnf", text, 0o600);
    let login =
        mysql::login(&parts("mysql://db1"), &environment(home.path(), &[("MYSQL_PWD", "set")])).unwrap();
    assert_eq!(login.door, Door::Tcp { host: "db1".to_owned(), port: 3307 });
    assert_eq!((login.user.as_deref(), login.database), (Some("filed"), None));
    assert_eq!(login.password.unwrap().reveal(), "set");
    assert_eq!(login.security, Security::Always(Trust::Host(Roots::File(PathBuf::from("/ca.pem")))));
}

#[test]
fn clickhouse_is_read_over_http_alone() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), ".clickhouse-client/config.xml", "<config><password>p</password></config>", 0o600);
    let bare = environment(home.path(), &[("CLICKHOUSE_USER", "reader")]);
    let login = clickhouse::login(&parts("clickhouse://ch/app"), &bare).unwrap();
    assert_eq!(login.door, Door::Tcp { host: "ch".to_owned(), port: 8123 });
    assert_eq!((login.user.as_deref(), login.database.as_deref()), (Some("reader"), Some("app")));
    assert_eq!(login.password.unwrap().reveal(), "p");
    assert!(clickhouse::login(&parts("clickhouse://ch:9000"), &bare).is_err());
    let secure = clickhouse::login(&parts("clickhouse://ch:8443"), &bare).unwrap();
    assert_eq!(secure.security, Security::Always(Trust::Host(Roots::System)));
}

proptest::proptest! {
    #[test]
    fn any_text_is_taken_apart_without_panic(text: String) {
        let _ = Target::parse(&text);
        let _ = Target::parse(&format!("postgres://{text}"));
        if let Ok(target) = Target::parse(&format!("postgres://u:p@{text}")) {
            let bare = Environment::new(|_| None, None);
            let _ = postgres::login(&target, &bare);
            let _ = mysql::login(&target, &bare);
            let _ = clickhouse::login(&target, &bare);
        }
    }
}
