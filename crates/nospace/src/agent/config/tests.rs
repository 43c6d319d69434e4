use super::*;

fn environment(pairs: &[(&str, &str)]) -> anyhow::Result<Settings> {
    Settings::of_environment(|name| {
        let mut pairs = pairs.iter();
        pairs
            .find(|(n, _)| *n == name)
            .map(|(_, v)| (*v).to_owned())
    })
}

fn file(text: &str) -> anyhow::Result<Settings> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), text)?;
    Settings::of_file(file.path())
}

#[test]
fn earlier_sources_take_precedence() {
    let flags = Settings {
        top: Some(1),
        ..Settings::default()
    };
    let environment = environment(&[("NOSPACE_TOP", "2"), ("NOSPACE_INTERVAL", "2m")]).unwrap();
    let file = file("top = 3\ninterval = '3m'\nlisten = ':1'\nkube = 'off'\ntune = true").unwrap();
    let config = flags.or(environment).or(file).config(None).unwrap();
    assert_eq!(config.top, 1);
    assert_eq!(config.interval, Duration::from_mins(2));
    assert_eq!(config.listen, [SocketAddr::from(([0; 4], 1))]);
    assert_eq!((config.kube, config.tune), (Kube::Off, true));
}

#[test]
fn the_node_is_recorded_no_more_often_than_it_is_collected() {
    let settings = file("state-dir = '/s'").unwrap();
    let config = settings.config(None).unwrap();
    assert_eq!(config.recording, Some(Duration::from_mins(1)));
    for (every, expected) in [("5m", Some(300)), ("1s", Some(15)), ("off", None)] {
        let text = format!("state-dir = '/s'\nrecording = '{every}'");
        assert_eq!(
            file(&text).unwrap().config(None).unwrap().recording,
            expected.map(Duration::from_secs),
            "{every}"
        );
    }
}

#[test]
fn the_guard_is_off_until_it_is_asked_for() {
    let guard = |text| file(text).unwrap().config(None).unwrap().guard;
    let reserve = "guard-reserve-watches = 100\nguard-reserve-instances = 'auto'";
    assert_eq!(guard(reserve), None);
    assert_eq!(guard("guard = 'off'"), None);
    let text = format!(
        "guard = 'enforce'\nguard-only = 'watches'\nguard-exempt-namespaces = 'a, b'\nguard-exempt-cgroups = '/kubepods/podx'\n{reserve}"
    );
    let expected = Wish {
        mode: GuardMode::Enforce,
        only: Some(InotifyResource::Watches),
        reserve: Pair::of(ReserveSize::Auto, ReserveSize::Fixed(100)),
        budget: Pair::default(),
        exempt_namespaces: vec!["a".to_owned(), "b".to_owned()],
        exempt_cgroups: vec!["/kubepods/podx".into()],
    };
    assert_eq!(guard(&text), Some(expected));
}

#[test]
fn budgets_are_of_a_guard_in_shadow() {
    let config = |text: &str| file(text).unwrap().config(None);
    let budgets = "guard-budget-watches = 300\nguard-budget-instances = 10";
    let budget = |mode: &str| config(&format!("guard = '{mode}'\n{budgets}"));
    let shadow = budget("shadow").unwrap().guard.unwrap();
    assert_eq!(shadow.budget, Pair::of(Some(10), Some(300)));
    assert_eq!(budget("off").unwrap().guard, None);
    let pairs = [
        ("NOSPACE_GUARD", "shadow"),
        ("NOSPACE_GUARD_BUDGET_WATCHES", "300"),
    ];
    let one = environment(&pairs).unwrap().config(None).unwrap();
    assert_eq!(one.guard.unwrap().budget, Pair::of(None, Some(300)));
    let error = budget("enforce").unwrap_err().to_string();
    for part in ["guard-budget-watches", "only counted so far", "reserve"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(config("guard = 'enforce'\nguard-budget-instances = 10").is_err());
}

#[test]
fn the_node_is_named_by_the_downward_api() {
    let of = |pairs| environment(pairs).unwrap().node_name;
    assert_eq!(of(&[("NODE_NAME", "a")]).as_deref(), Some("a"));
    let both = [("NODE_NAME", "a"), ("NOSPACE_NODE_NAME", "b")];
    assert_eq!(of(&both).as_deref(), Some("b"));
}

#[test]
fn invalid_settings_are_named() {
    let error = |text| format!("{:#}", file(text).unwrap_err());
    for (text, names) in [
        ("intervall = 3", "intervall"),
        ("interval = 'soon'", "interval: \"soon\""),
        ("interval = 0", "interval: \"0\""),
        ("listen = 'here'", "listen: \"here\""),
        ("kube = 'yes'", "kube: \"yes\""),
        ("tune = 'perhaps'", "tune: \"perhaps\""),
        (
            "tune-ceiling = 'watches=many'",
            "tune-ceiling: \"watches=many\"",
        ),
        ("trace = 'on'", "trace: \"on\""),
        ("webhook-format = 'xml'", "webhook-format: \"xml\""),
        ("history = '30s'", "history: \"30s\""),
        ("guard = 'on'", "guard: \"on\""),
        ("guard-only = 'inodes'", "guard-only: \"inodes\""),
        ("guard-reserve-watches = 0", "guard-reserve-watches: \"0\""),
        ("guard-budget-watches = 0", "guard-budget-watches: \"0\""),
        (
            "guard-budget-instances = 'auto'",
            "guard-budget-instances: \"auto\"",
        ),
        (
            "guard-exempt-namespaces = 'a,,b'",
            "guard-exempt-namespaces: \"a,,b\"",
        ),
        ("top = -1", "top: \"-1\""),
        ("top = [1]", "top: expected a single value"),
        ("node-name = 'a b'", "node-name: \"a b\""),
        ("top", "is not valid TOML"),
    ] {
        assert!(error(text).contains(names), "{text}: {}", error(text));
    }
    let error = environment(&[("NOSPACE_TOP", "many")]).unwrap_err();
    assert!(format!("{error:#}").starts_with("NOSPACE_TOP: "));
}

#[test]
fn every_name_can_be_set() {
    for name in NAMES {
        let set = Settings::default().set(name, "\0");
        let unknown = |error: anyhow::Error| error.to_string().contains("unknown setting");
        assert!(!set.is_err_and(unknown), "{name}");
    }
}
