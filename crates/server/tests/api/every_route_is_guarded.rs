//! Every operation of both documents is called by everybody who must not, and each is refused as the table says. An
//! operation without a row fails here, so none can be added without a decision about who may call it.

use serde_json::json;

use crate::support::answer::Answer;
use crate::support::operations::{self, Operation};
use crate::support::token_request;

mod strangers;

use strangers::{STRANGERS, Stranger, World};

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// Everybody; credentials are not looked at.
    Public,
    /// An M2M client, with its own credentials.
    Client,
    /// A backend, for an object of its project.
    ProjectObject,
    /// A backend, for its project as a whole: another backend reaches its own.
    Project,
    /// An operator that sees the project.
    ReadsProject,
    /// An admin that sees the project.
    WritesProject,
    /// An operator that sees everything.
    ReadsInstallation,
    /// An admin that sees everything.
    WritesInstallation,
    /// Any operator, for what it sees.
    Operator,
}

const GUARDS: &[(&str, Guard)] = &[
    ("api_m2m_v1_m2m_clients_Create", Guard::Project),
    ("api_m2m_v1_m2m_clients_Get", Guard::ProjectObject),
    ("api_m2m_v1_m2m_clients_Update", Guard::ProjectObject),
    ("api_m2m_v1_m2m_clients_Delete", Guard::ProjectObject),
    ("api_m2m_v1_m2m_clients_Search", Guard::Project),
    ("api_m2m_v1_m2m_clients_secrets_RotateStart", Guard::ProjectObject),
    ("api_m2m_v1_m2m_clients_secrets_Rotate", Guard::ProjectObject),
    (
        "api_m2m_v1_m2m_clients_secrets_RotateCancel",
        Guard::ProjectObject,
    ),
    ("api_m2m_v1_m2m_oauth2_Token", Guard::Client),
    ("api_session_v1_GetJWKS", Guard::Public),
    ("api_b2b_session_v1_GetJWKS", Guard::Public),
    ("get_jwk_set", Guard::Public),
    ("get_authorization_server_metadata", Guard::Public),
    ("api_debug_v1_Whoami", Guard::Project),
    ("list_projects", Guard::Operator),
    ("create_project", Guard::WritesInstallation),
    ("get_project", Guard::ReadsProject),
    ("update_project", Guard::WritesProject),
    ("list_project_secrets", Guard::ReadsProject),
    ("create_project_secret", Guard::WritesProject),
    ("revoke_project_secret", Guard::WritesProject),
    ("list_keys", Guard::ReadsProject),
    ("rotate_key", Guard::WritesProject),
    ("list_clients", Guard::ReadsProject),
    ("import_client", Guard::WritesProject),
    ("get_client_detail", Guard::ReadsProject),
    ("update_client_profile", Guard::WritesProject),
    ("list_providers", Guard::ReadsProject),
    ("create_provider", Guard::WritesProject),
    ("get_provider", Guard::ReadsProject),
    ("update_provider", Guard::WritesProject),
    ("delete_provider", Guard::WritesProject),
    ("get_provider_document", Guard::ReadsProject),
    ("list_provider_operations", Guard::ReadsProject),
    ("get_provider_operation", Guard::ReadsProject),
    ("list_provider_credentials", Guard::ReadsProject),
    ("set_provider_credential", Guard::WritesProject),
    ("delete_provider_credential", Guard::WritesProject),
    ("get_project_usage", Guard::ReadsProject),
    ("list_project_audit", Guard::ReadsProject),
    ("list_audit", Guard::ReadsInstallation),
    ("list_operators", Guard::ReadsInstallation),
    ("create_operator", Guard::WritesInstallation),
    ("revoke_operator", Guard::WritesInstallation),
];

/// What a stranger gets: a refusal, or an answer that is rightly its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Refused(u16, &'static str),
    Served,
}

const NO_HEADER: Outcome = Outcome::Refused(401, "invalid_authorization_header");
const WRONG: Outcome = Outcome::Refused(401, "unauthorized_credentials");
const FORBIDDEN: Outcome = Outcome::Refused(403, "insufficient_permissions");
const NO_PROJECT: Outcome = Outcome::Refused(404, "project_not_found");

fn expected(guard: Guard, stranger: Stranger) -> Outcome {
    use Guard as G;
    use Stranger as S;
    match (guard, stranger) {
        (G::Public, _) => Outcome::Served,
        // Its body names no client, so Basic is looked at, and nobody's but a client's fits.
        (
            G::Client,
            S::WrongProjectSecret | S::OtherProjectsSecret | S::RevokedProjectSecret | S::OwnProjectSecret,
        ) => Outcome::Refused(401, "invalid_client"),
        (G::Client, _) => Outcome::Refused(400, "invalid_request"),
        (
            G::Project | G::ProjectObject,
            S::WrongProjectSecret | S::RevokedProjectSecret | S::ClientByBasic,
        ) => WRONG,
        (G::Project, S::OtherProjectsSecret) => Outcome::Served,
        (G::ProjectObject, S::OtherProjectsSecret) => Outcome::Refused(404, "m2m_client_not_found"),
        (G::Project | G::ProjectObject, _) => NO_HEADER,
        (_, S::WrongOperatorKey | S::RevokedOperator | S::AccessToken) => WRONG,
        (G::ReadsProject | G::ReadsInstallation | G::Operator, S::ReadOnlyOperator) => Outcome::Served,
        (G::WritesProject | G::WritesInstallation, S::ReadOnlyOperator) => FORBIDDEN,
        (G::ReadsProject | G::WritesProject, S::OtherProjectsOperator) => NO_PROJECT,
        (G::ReadsInstallation | G::WritesInstallation, S::OtherProjectsOperator) => FORBIDDEN,
        (G::Operator, S::OtherProjectsOperator) => Outcome::Served,
        (_, _) => NO_HEADER,
    }
}

fn guard_of(operation: &Operation) -> Guard {
    let row = GUARDS.iter().find(|(id, _)| *id == operation.id);
    let (_, guard) = row.unwrap_or_else(|| panic!("{}: say in GUARDS who may call it", operation.id));
    *guard
}

fn outcome(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let name = body
        .get("error_type")
        .or(body.get("error"))
        .and_then(|name| name.as_str());
    (answer.status.as_u16(), name.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn everybody_who_must_not_call_is_refused_and_nothing_changes() {
    for operation in operations::all() {
        let guard = guard_of(&operation);
        let world = World::new().await;
        let app = &world.app;
        let project = app.project.project_id();
        for stranger in STRANGERS {
            let is_the_backend = stranger == Stranger::OwnProjectSecret
                && [Guard::Project, Guard::ProjectObject].contains(&guard);
            let is_a_client = stranger == Stranger::ClientByBasic && guard == Guard::Client;
            if is_the_backend || is_a_client {
                continue;
            }
            let before = (app.dump().await, app.dump_project(&project).await);
            let answer = operation.call(app, &world.caller(stranger)).await;
            let who = format!("{} by {stranger:?}: {}", operation.id, answer.text());
            match expected(guard, stranger) {
                Outcome::Refused(status, name) => {
                    assert_eq!(outcome(&answer), (status, name.to_owned()), "{who}");
                    assert!(
                        operation.declares(status),
                        "{}: its document has no {status}",
                        operation.id
                    );
                    assert_eq!(app.dump().await, before.0, "{who}");
                }
                Outcome::Served => {
                    assert_eq!(answer.status, 200, "{who}");
                    assert_eq!(app.dump_project(&project).await, before.1, "{who}");
                    assert!(
                        stranger == Stranger::ReadOnlyOperator
                            || guard == Guard::Public
                            || !answer.text().contains(&app.project.id),
                        "{who}"
                    );
                }
            }
        }
    }
}

/// Otherwise the refusals above would prove nothing.
#[tokio::test]
async fn who_may_call_is_served() {
    for operation in operations::all() {
        let world = World::new().await;
        let app = &world.app;
        if operation.id.starts_with("api_m2m_v1_m2m_clients_secrets_Rotate")
            && !operation.id.ends_with("Start")
        {
            app.backend()
                .post("/v1/m2m/clients/worker/secrets/rotate/start", json!({}))
                .await
                .ok();
        }
        let answer = match guard_of(&operation) {
            Guard::Client => {
                app.anonymous()
                    .post(
                        &operation.path(app),
                        token_request("worker", &world.worker_secret),
                    )
                    .await
            }
            Guard::Project | Guard::ProjectObject => operation.call(app, &app.backend()).await,
            _ => operation.call(app, &app.admin()).await,
        };
        assert_eq!(answer.status, 200, "{}: {}", operation.id, answer.text());
    }
}

#[tokio::test]
async fn the_documents_say_which_operations_are_public() {
    for operation in operations::all() {
        let anonymous = operation.described["security"]
            .as_array()
            .is_some_and(|all| all.contains(&json!({})));
        let guard = guard_of(&operation);
        assert_eq!(
            anonymous,
            [Guard::Public, Guard::Client].contains(&guard),
            "{}",
            operation.id
        );
    }
}

#[test]
fn no_row_is_left_of_an_operation_that_is_gone() {
    let operations = operations::all();
    for (id, _) in GUARDS {
        assert!(operations.iter().any(|operation| operation.id == *id), "{id}");
    }
    assert_eq!(GUARDS.len(), operations.len());
}

/// What stands in no document: pages for people and probes, which know of no project.
#[tokio::test]
async fn the_other_public_routes_tell_nothing_of_any_project() {
    let world = World::new().await;
    let public = [
        "/",
        "/errors",
        "/errors/bad_request",
        "/guide",
        "/guide/first-day",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/admin/openapi.json",
    ];
    for path in public {
        let answer = world.app.anonymous().get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        for known in [&world.app.project.id, &world.app.other.id, &world.app.operator.id] {
            assert!(!answer.text().contains(known.as_str()), "{path}");
        }
    }
}

/// An operator of one project cannot tell another's from one that does not exist, on any operation.
#[tokio::test]
async fn another_projects_objects_look_like_none() {
    for operation in operations::all() {
        if ![Guard::ReadsProject, Guard::WritesProject].contains(&guard_of(&operation)) {
            continue;
        }
        let world = World::new().await;
        let caller = world.caller(Stranger::OtherProjectsOperator);
        let theirs = operation.call(&world.app, &caller).await;
        let path = operation
            .path(&world.app)
            .replace(&world.app.project.id, "project-test-that-never-was");
        let nobodys = caller
            .send(
                operation.method.clone(),
                &path,
                Some("application/json"),
                operation.body(),
            )
            .await;
        assert_eq!(
            theirs.without_request_id(),
            nobodys.without_request_id(),
            "{}",
            operation.id
        );
    }
}
