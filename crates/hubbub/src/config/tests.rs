use super::*;
use std::path::Path;

fn error_of(settings: Settings) -> String {
    settings.resolve().err().expect("should be refused").to_string()
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let secret = || Some("x".repeat(32));
    assert!(error_of(Settings::default()).contains("HUBBUB_TOKEN_SECRET"));
    let two = Settings { token_secret: secret(), bus: Some("redis://localhost".into()), ..Settings::default() };
    assert!(error_of(two).contains("postgres://"));
    let claim = Settings { token_secret: secret(), token_user_claim: Some("exp".into()), ..Settings::default() };
    assert!(error_of(claim).contains("--token-user-claim exp"));
    let odd = Settings { token_secret: secret(), store: Some("mysql://x".into()), ..Settings::default() };
    assert!(error_of(odd).contains("sqlite:FILE or postgres://"));
    for (file, told) in [("x.db", "write sqlite:x.db"), ("/var/lib/h.db", "write sqlite:/var/lib/h.db")] {
        assert!(StoreAt::parse(file, "hubbub").err().expect("no URL").to_string().ends_with(told));
    }
    // What could be a password is not repeated.
    assert!(!StoreAt::parse("ana:secret@db", "hubbub").err().expect("no URL").to_string().contains("secret"));
    assert!(!StoreAt::parse("secret@db", "hubbub").err().expect("no URL").to_string().contains("secret"));
}

#[test]
fn a_port_alone_is_one_of_this_machine() {
    for (said, listens) in
        [("9100", "127.0.0.1:9100"), (":9100", "127.0.0.1:9100"), ("[::]:80", "[::]:80"), ("0.0.0.0:0", "0.0.0.0:0")]
    {
        assert_eq!(address(said), Ok(listens.parse().unwrap()));
    }
    for wrong in ["", "90000", "localhost:80", "10.0.0.1", "http://127.0.0.1:80"] {
        assert!(address(wrong).unwrap_err().contains("127.0.0.1:8000"), "{wrong}");
    }
}

#[test]
fn dev_makes_secrets_up_and_says_so() {
    let config = Settings { dev: true, ..Settings::default() }.resolve().unwrap();
    assert_eq!(config.made_up.len(), 2);
    assert_eq!(Some(&config.made_up[0].1), config.trust.secret.as_ref());
}

#[test]
fn the_file_is_under_the_flags() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hubbub.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:9\"\ninstance = \"file\"\ntoken-secret = \"a secret of 16 b\"\n")
        .unwrap();
    let settings = Settings { instance: Some("flag".into()), config: Some(path.clone()), ..Settings::default() };
    let config = settings.resolve().unwrap();
    assert_eq!((config.listen.port(), config.instance.as_deref()), (9, Some("flag")));
    std::fs::write(&path, "lisen = \"127.0.0.1:9\"\n").unwrap();
    let settings = Settings { config: Some(path), ..Settings::default() };
    assert!(format!("{:#}", settings.resolve().err().unwrap()).contains("lisen"));
}

#[test]
fn empty_is_missing_everywhere() {
    let empty = || Some(String::new());
    let blank = || Settings { token_secret: empty(), ..Settings::default() };
    assert!(error_of(blank()).contains("HUBBUB_TOKEN_SECRET"));
    let config = Settings { dev: true, api_key: Some(" , ".into()), ..blank() }.resolve().unwrap();
    assert_eq!(config.made_up.len(), 2);
    assert!(config.trust.secret.unwrap().len() >= SECRET_BYTES && config.api_keys.len() == 1);
    let config = Settings {
        store: empty(),
        schema: empty(),
        bus: empty(),
        token_secret: Some("a secret of 16 b".into()),
        token_issuer: empty(),
        token_audience: empty(),
        instance: empty(),
        ..Settings::default()
    };
    let config = config.resolve().unwrap();
    assert!(config.store == StoreAt::Sqlite("hubbub.db".into()) && config.bus == BusAt::Local);
    let required = config.trust.required;
    assert!(required.issuers.is_empty() && required.audiences.is_empty() && config.instance.is_none());
}

#[test]
fn a_secret_comes_from_the_first_layer_that_has_one() {
    let dir = tempfile::tempdir().unwrap();
    let (full, empty) = (dir.path().join("full"), dir.path().join("empty"));
    std::fs::write(&full, "kept\n").unwrap();
    std::fs::write(&empty, "\n").unwrap();
    let layers = |set: Option<&str>, path: Option<&Path>, file: Option<&str>| {
        let owned = |text: &str| text.to_owned();
        layers::secret_from(set.map(owned), "X_FILE", path.map(Into::into), file.map(owned)).unwrap()
    };
    assert_eq!(layers(Some("set"), Some(&full), Some("toml")).as_deref(), Some("set"));
    assert_eq!(layers(Some(""), Some(&full), Some("toml")).as_deref(), Some("kept"));
    assert_eq!(layers(None, Some(&empty), Some("toml")).as_deref(), Some("toml"));
    assert_eq!(layers(None, Some(&empty), Some(" ")), None);
    let missing = layers::secret_from(None, "X_FILE", Some(dir.path().join("none").into()), None);
    assert!(missing.err().unwrap().to_string().contains("X_FILE"));
}

#[test]
fn one_thing_can_be_resolved_without_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hubbub.toml");
    std::fs::write(&path, "store = \"postgres://db/chat\"\nschema = \"blue\"\n").unwrap();
    let settings = Settings { config: Some(path), schema: Some("green".into()), ..Settings::default() };
    let store = settings.clone().resolve_store().unwrap();
    assert_eq!(store.to_string(), "postgres://db:5432/chat (schema green)");
    // A token of a made-up secret would be good for nothing.
    assert!(Settings { dev: true, ..settings }.resolve_signing().is_err());
}

#[test]
fn a_broken_file_is_told_by_its_line_and_not_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hubbub.toml");
    std::fs::write(&path, "schema = \"x\"\ntoken-secret = \"hush\n").unwrap();
    let error = format!("{:#}", Settings { config: Some(path), ..Settings::default() }.resolve().err().unwrap());
    assert!(error.contains("line 2") && !error.contains("hush") && !error.contains('\n'), "{error}");
}

#[test]
fn a_secret_that_can_be_guessed_is_refused_unless_it_is_for_trying_out() {
    let with = |secret: &str, key: &str, dev| Settings {
        token_secret: Some(secret.into()),
        api_key: Some(key.into()),
        dev,
        ..Settings::default()
    };
    let (short, enough) = ("fifteen bytes..", "sixteen bytes...");
    let error = error_of(with(short, enough, false));
    assert!(
        error.contains("--token-secret: 15 bytes") && error.contains("openssl") && !error.contains(short),
        "{error}"
    );
    let error = error_of(with(enough, &format!("{enough},x"), false));
    assert!(error.contains("--api-key: 1 bytes"), "{error}");
    assert!(with(enough, enough, false).resolve().is_ok() && with("s", "k", true).resolve().is_ok());
}
