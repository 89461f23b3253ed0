//! What holds for all claims, all scopes and all texts.

use crate::support::{AUDIENCE, ISSUER, NOW, expected, good_token, keys, signing_key};
use countersign_token::issue::sign;
use countersign_token::{Algorithm, Claims, Expected, TokenType, satisfies, unverified, verify};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value};

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn any_claims() -> impl Strategy<Value = Claims> {
    // The prefix keeps extra claims apart from the fields.
    let extra = btree_map("x-\\PC{0,8}", json(), 0..4).prop_map(Map::from_iter);
    let texts = (
        any::<String>(),
        any::<String>(),
        vec(any::<String>(), 0..4),
        any::<String>(),
    );
    let times = (any::<i64>(), any::<i64>(), any::<i64>());
    (
        texts,
        times,
        option::of(any::<String>()),
        option::of(any::<String>()),
        extra,
    )
        .prop_map(
            |((iss, sub, aud, scope), (iat, nbf, exp), jti, client_id, extra)| Claims {
                iss,
                sub,
                aud,
                scope,
                iat,
                nbf,
                exp,
                jti,
                client_id,
                extra,
            },
        )
}

/// Scopes from few letters, so that equal actions and resources are frequent.
fn scope() -> impl Strategy<Value = String> {
    "[ab*-]{1,2}(:[ab*-]{0,2}){0,2}"
}

proptest! {
    #[test]
    fn claims_survive_json(claims in any_claims()) {
        let json = serde_json::to_string(&claims).unwrap();
        prop_assert_eq!(serde_json::from_str::<Claims>(&json).unwrap(), claims);
    }

    #[test]
    fn claims_survive_a_token(claims in any_claims()) {
        let valid = Claims { iss: ISSUER.into(), aud: vec![AUDIENCE.into()], iat: NOW, nbf: NOW, exp: NOW + 1, ..claims };
        let token = sign(&signing_key(Algorithm::EdDsa), TokenType::AtJwt, &valid).unwrap();
        let expected = Expected { types: &[TokenType::AtJwt], ..expected() };
        prop_assert_eq!(verify(&token, &keys(), &expected, NOW), Ok(valid));
    }

    #[test]
    fn no_text_but_a_token_is_one(text in "\\PC{0,200}|[A-Za-z0-9_.-]{0,200}|(eyJ[A-Za-z0-9_-]{0,40}\\.){0,4}") {
        prop_assert!(verify(&text, &keys(), &expected(), NOW).is_err());
        let _ = unverified::decode(&text);
    }

    #[test]
    fn no_splice_of_two_tokens_is_one(cut in 1_usize..400, by in 0_usize..3) {
        let (from, to) = (good_token(Algorithm::EdDsa), good_token(Algorithm::Es256));
        let cut = cut.min(from.len() - 1);
        let spliced = format!("{}{}", &from[..cut], &to[(cut + by).min(to.len())..]);
        prop_assume!(spliced != from && spliced != to);
        prop_assert!(verify(&spliced, &keys(), &expected(), NOW).is_err());
    }

    #[test]
    fn a_scope_satisfies_itself_and_a_star_all_of_its_action(needed in scope()) {
        prop_assert!(satisfies(&needed, &needed));
        let action = needed.split(':').next().unwrap();
        let star = format!("{action}:*");
        prop_assert!(satisfies(&star, &needed));
    }

    #[test]
    fn only_a_scope_of_the_same_action_satisfies(held in scope(), needed in scope()) {
        if satisfies(&held, &needed) {
            prop_assert_eq!(held.split(':').next(), needed.split(':').next());
            let resource = |scope: &str| scope.split_once(':').map_or("-".to_owned(), |(_, resource)| resource.to_owned());
            prop_assert!(resource(&held) == resource(&needed) || resource(&held) == "*");
        }
    }

    #[test]
    fn many_scopes_satisfy_what_one_of_them_does(held in vec(scope(), 0..6), needed in scope()) {
        let one = held.iter().any(|held| satisfies(held, &needed));
        prop_assert_eq!(satisfies(&held.join(" "), &needed), one);
        prop_assert_eq!(satisfies(&held.join("   "), &needed), one);
    }
}
