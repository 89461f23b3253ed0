use super::*;

fn provider() -> ProviderName {
    "stytch".parse().unwrap()
}

fn rule(name: &str, scope: &str) -> Rule {
    Rule {
        name: name.to_owned(),
        scope: scope.to_owned(),
        methods: Vec::new(),
        paths: Vec::new(),
        operations: Vec::new(),
        credential: None,
        websocket: false,
    }
}

fn policy(rules: Vec<Rule>) -> Policy {
    Policy::new(provider(), rules).unwrap()
}

fn patterns(texts: &[&str]) -> Vec<PathPattern> {
    texts
        .iter()
        .map(|text| (*text).to_owned().try_into().unwrap())
        .collect()
}

const GET_CLIENT: Call<'static> = Call {
    method: &Method::GET,
    path: &["v1", "clients", "1"],
    operation: Some("clientsGet"),
    websocket: false,
};
const POST_CLIENT: Call<'static> = Call {
    method: &Method::POST,
    path: &["v1", "clients"],
    operation: Some("clientsCreate"),
    websocket: false,
};
const POST_UNKNOWN: Call<'static> = Call {
    operation: None,
    ..POST_CLIENT
};

fn missing(scope: &str, rule: &str) -> Denied {
    Denied::MissingScope {
        needed_scope: scope.to_owned(),
        rule: Some(rule.to_owned()),
    }
}

fn by<'a>(decision: &Result<Allowed<'a>, Denied>) -> Option<String> {
    decision.as_ref().ok().map(|allowed| allowed.rule.clone())
}

#[test]
fn without_a_scope_everything_is_denied() {
    let policy = policy(vec![]);
    for held in [
        "",
        "read:users",
        "gateway:other",
        "gateway:stytch2",
        "stytch",
        "gateway-write:stytch",
    ] {
        for call in [GET_CLIENT, POST_CLIENT, POST_UNKNOWN] {
            assert_eq!(
                policy.decide(held, call),
                Err(Denied::to_stranger(&provider())),
                "{held}"
            );
        }
    }
}

#[test]
fn the_three_scopes_mean_what_they_say() {
    let policy = policy(vec![]);
    let decided = |held, call| by(&policy.decide(held, call));
    let everything = Some("gateway:stytch".to_owned());
    assert_eq!(decided("gateway:stytch", GET_CLIENT), everything);
    assert_eq!(decided("gateway:stytch", POST_UNKNOWN), everything);
    assert_eq!(decided("a gateway:* b", POST_UNKNOWN), everything);

    let reading = Some("gateway-read:stytch".to_owned());
    assert_eq!(decided("gateway-read:stytch", GET_CLIENT), reading);
    let head = Call {
        method: &Method::HEAD,
        ..GET_CLIENT
    };
    assert_eq!(decided("gateway-read:stytch", head), reading);
    assert_eq!(decided("gateway-read:stytch", POST_CLIENT), None);
    assert_eq!(decided("gateway-read:stytch", POST_UNKNOWN), None);

    let one = Some("gateway:stytch/clientsCreate".to_owned());
    assert_eq!(decided("gateway:stytch/clientsCreate", POST_CLIENT), one);
    assert_eq!(decided("gateway:stytch/clientsCreate", POST_UNKNOWN), None);
    assert_eq!(decided("gateway:stytch/clientsCreate", GET_CLIENT), None);
}

#[test]
fn whoever_has_a_scope_here_hears_the_narrowest_that_would_do() {
    let policy = policy(vec![]);
    assert_eq!(
        policy.decide("gateway-read:stytch", POST_CLIENT),
        Err(missing(
            "gateway:stytch/clientsCreate",
            "gateway:stytch/clientsCreate"
        ))
    );
    assert_eq!(
        policy.decide("gateway-read:stytch", POST_UNKNOWN),
        Err(missing("gateway:stytch", "gateway:stytch"))
    );
}

#[test]
fn a_stranger_hears_the_same_whatever_exists() {
    let with_rules = policy(vec![Rule {
        operations: vec!["clientsCreate".into()],
        ..rule("support", "gateway:stytch/support")
    }]);
    let without = policy(vec![]);
    for call in [GET_CLIENT, POST_CLIENT, POST_UNKNOWN] {
        let heard = Denied::to_stranger(&provider());
        assert_eq!(with_rules.decide("gateway:acme", call), Err(heard.clone()));
        assert_eq!(without.decide("gateway:acme", call), Err(heard));
    }
}

#[test]
fn websockets_need_a_rule_that_says_so() {
    let upgrade = Call {
        websocket: true,
        ..GET_CLIENT
    };
    assert_eq!(
        policy(vec![]).decide("gateway:stytch", upgrade),
        Err(Denied::NoRule)
    );
    let allowing = policy(vec![Rule {
        websocket: true,
        ..rule("live", "gateway:stytch/live")
    }]);
    assert_eq!(
        by(&allowing.decide("gateway:stytch/live", upgrade)).as_deref(),
        Some("live")
    );
    assert_eq!(
        by(&allowing.decide("gateway:stytch/live", GET_CLIENT)).as_deref(),
        Some("live")
    );
    assert_eq!(
        allowing.decide("gateway:stytch", upgrade),
        Err(missing("gateway:stytch/live", "live"))
    );
}

#[test]
fn a_scope_with_rules_means_exactly_those() {
    let policy = policy(vec![Rule {
        methods: vec!["GET".into()],
        paths: patterns(&["/v1/clients/*"]),
        ..rule("clients-only", "gateway:stytch")
    }]);
    assert_eq!(
        by(&policy.decide("gateway:stytch", GET_CLIENT)).as_deref(),
        Some("clients-only")
    );
    assert_eq!(
        by(&policy.decide("gateway:*", GET_CLIENT)).as_deref(),
        Some("clients-only")
    );
    assert_eq!(by(&policy.decide("gateway:stytch", POST_UNKNOWN)), None);
    assert_eq!(policy.decide("gateway:stytch", POST_UNKNOWN), Err(Denied::NoRule));
    assert_eq!(
        by(&policy.decide("gateway-read:stytch", GET_CLIENT)).as_deref(),
        Some("gateway-read:stytch"),
        "the other scopes keep their meaning"
    );
}

#[test]
fn each_list_of_a_rule_has_to_cover_the_call() {
    let whole = Rule {
        methods: vec!["GET".into(), "POST".into()],
        paths: patterns(&["/v1/clients/*", "/v1/clients"]),
        operations: vec!["clientsGet".into(), "clientsCreate".into()],
        ..rule("whole", "gateway:stytch/x")
    };
    let covers = |rule: &Rule, call| {
        policy(vec![rule.clone()])
            .decide("gateway:stytch/x", call)
            .is_ok()
    };
    assert!(covers(&whole, GET_CLIENT) && covers(&whole, POST_CLIENT));
    assert!(!covers(&whole, POST_UNKNOWN), "no operation of the list");
    for narrower in [
        Rule {
            methods: vec!["POST".into()],
            ..whole.clone()
        },
        Rule {
            paths: patterns(&["/v1/clients"]),
            ..whole.clone()
        },
        Rule {
            operations: vec!["clientsCreate".into()],
            ..whole.clone()
        },
    ] {
        assert!(covers(&narrower, POST_CLIENT), "{narrower:?}");
        assert!(!covers(&narrower, GET_CLIENT), "{narrower:?}");
    }
}

#[test]
fn the_first_rule_that_the_caller_may_use_chooses_the_credential() {
    let with = |name: &str, scope: &str, credential: &str| Rule {
        credential: Some(credential.to_owned()),
        ..rule(name, scope)
    };
    let policy = policy(vec![
        with("admin", "gateway:stytch/admin", "admin-key"),
        with("support", "gateway:stytch/support", "support-key"),
        with("late", "gateway:stytch/support", "never"),
    ]);
    let credential = |held| policy.decide(held, GET_CLIENT).unwrap().credential;
    assert_eq!(credential("gateway:stytch/support"), Some("support-key"));
    assert_eq!(
        credential("gateway:stytch/support gateway:stytch/admin"),
        Some("admin-key")
    );
    assert_eq!(credential("gateway:stytch"), None);
}

#[test]
fn a_rule_that_could_never_match_is_refused() {
    let refusal = |rule| Policy::new(provider(), vec![rule]).unwrap_err();
    for scope in [
        "",
        "read:users",
        "gateway:other",
        "gateway:stytch/",
        "gateway:stytch/a b",
        "gateway:*",
        "gateway:stytchx",
    ] {
        assert!(
            matches!(refusal(rule("a", scope)), RuleError::Scope { .. }),
            "{scope}"
        );
    }
    for name in ["", "a b", "a/b", &"a".repeat(65)] {
        assert_eq!(refusal(rule(name, "gateway:stytch")), RuleError::Name, "{name}");
    }
    for method in ["get", "", "G T", "CONNECT", "TRACE"] {
        let rule = Rule {
            methods: vec![method.into()],
            ..rule("a", "gateway:stytch")
        };
        assert!(matches!(refusal(rule), RuleError::Method { .. }), "{method}");
    }
    let rule_with_many = Rule {
        operations: vec!["a".into(); 257],
        ..rule("a", "gateway:stytch")
    };
    assert!(matches!(refusal(rule_with_many), RuleError::TooMany { .. }));
    assert_eq!(
        Policy::new(
            provider(),
            vec![rule("a", "gateway:stytch"), rule("a", "gateway-read:stytch")]
        )
        .unwrap_err(),
        RuleError::SameName("a".into())
    );
}

#[test]
fn a_rule_reads_as_it_is_written_and_knows_its_members() {
    let text = r#"{"name":"support","scope":"gateway:stytch/support","methods":["GET"],"paths":["/v1/**"],"credential":"support-key"}"#;
    let read: Rule = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    for wrong in [
        r#"{"name":"a","scope":"gateway:stytch","method":["GET"]}"#,
        r#"{"name":"a","scope":"gateway:stytch","paths":["v1"]}"#,
    ] {
        assert!(serde_json::from_str::<Rule>(wrong).is_err(), "{wrong}");
    }
}
