//! Who calls: extractors that stand in a handler's signature and say who may call it.
//!
//! They read the request's head alone and come before the body, so a stranger's body is never judged. A wrong id, a
//! wrong secret and a revoked one are answered alike.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use countersign_core::audit::{Actor, ActorKind, Origin};
use countersign_core::grant::is_gateway_scope;
use countersign_core::ids::ProjectId;
use countersign_core::operator::{Access, Operator};
use countersign_core::project::ProjectSecret;
use countersign_core::scope::Scope;
use countersign_token::satisfies;
use http::request::Parts;
use secrecy::SecretString;

use crate::app::App;
use crate::gateway::Admitted;
use crate::http::request::{RequestContext, basic_credentials, bearer_token};
use crate::keys::LiveProject;
use crate::problem::{ErrorType, Problem};

/// A backend that manages the clients of its project, by HTTP Basic `project_id:project_secret`.
#[derive(Debug)]
pub struct ProjectCaller {
    /// Its project.
    pub project: Arc<LiveProject>,
    /// For the audit.
    pub origin: Origin,
    /// For the answer.
    pub request_id: String,
    /// The gateway scopes of a client that calls through the gateway; `None` for the backend itself.
    held: Option<Arc<str>>,
}

/// An operator, by `Authorization: Bearer cso_…`, allowed to read or to write in the project of the path.
#[derive(Debug)]
pub struct InProject<const WRITES: bool> {
    /// The project of the path.
    pub project: Arc<LiveProject>,
    /// For the audit.
    pub origin: Origin,
    /// For the answer.
    pub request_id: String,
}

/// Looks at a project.
pub type ProjectReader = InProject<false>;
/// Changes a project.
pub type ProjectAdmin = InProject<true>;

/// An operator allowed to deal with the installation itself.
#[derive(Debug)]
pub struct InInstallation<const WRITES: bool> {
    /// For the audit.
    pub origin: Origin,
    /// For the answer.
    pub request_id: String,
}

/// Looks at the installation.
pub type InstallationReader = InInstallation<false>;
/// Changes the installation.
pub type InstallationAdmin = InInstallation<true>;

/// Any operator; what it sees is its reach.
#[derive(Debug)]
pub struct AnyOperator {
    /// Who it is.
    pub operator: Arc<Operator>,
    /// For the answer.
    pub request_id: String,
}

impl ProjectCaller {
    /// The project's id.
    pub fn project_id(&self) -> &ProjectId {
        &self.project.project.id
    }

    /// Refuses to hand on gateway scopes that the caller does not hold itself: a client that may manage clients could otherwise make
    /// one, or take over the secret of one, that may do anything.
    pub fn may_hand_on<'a>(&self, scopes: impl IntoIterator<Item = &'a Scope>) -> Result<(), Problem> {
        let Some(held) = &self.held else {
            return Ok(());
        };
        let is_beyond = |scope: &&Scope| is_gateway_scope(scope) && !satisfies(held, scope.as_str());
        match scopes.into_iter().find(is_beyond) {
            None => Ok(()),
            Some(_) => Err(ErrorType::InsufficientPermissions
                .because("Through the gateway nobody grants or takes over gateway scopes beyond their own.")),
        }
    }

    /// A client that the gateway let through. No request can bring this along: it is no part of one.
    fn through_gateway(admitted: Admitted, context: &RequestContext) -> Self {
        let actor = Actor {
            kind: ActorKind::Client,
            id: admitted.client_id,
        };
        Self {
            project: admitted.project,
            origin: origin(actor, context),
            request_id: context.request_id.clone(),
            held: Some(admitted.scopes),
        }
    }
}

impl FromRequestParts<App> for ProjectCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let context = RequestContext::from_request_parts(parts, app).await?;
        if let Some(admitted) = parts.extensions.get::<Admitted>() {
            return Ok(Self::through_gateway(admitted.clone(), &context));
        }
        app.limits.admit(context.address)?;
        let Some((project_id, secret)) = basic_credentials(&parts.headers) else {
            return Err(ErrorType::InvalidAuthorizationHeader
                .because("Send Authorization: Basic with project_id:project_secret in base64."));
        };
        let Some((project, secret_id)) = authenticate_project(app, &project_id, &secret).await? else {
            app.limits.refused(context.address);
            return Err(ErrorType::UnauthorizedCredentials.because("Project id or secret is wrong."));
        };
        app.usage.project_secret_used(&secret_id, app.now());
        let actor = Actor {
            kind: ActorKind::ProjectSecret,
            id: secret_id,
        };
        Ok(Self {
            project,
            origin: origin(actor, &context),
            request_id: context.request_id,
            held: None,
        })
    }
}

async fn authenticate_project(
    app: &App,
    project_id: &str,
    secret: &SecretString,
) -> Result<Option<(Arc<LiveProject>, String)>, Problem> {
    let id = project_id.parse::<ProjectId>();
    let project = match &id {
        Ok(id) => app.live_project(id).await?,
        Err(_) => None,
    };
    let (Ok(id), Some(project)) = (id, project) else {
        app.secrets.check_nobody(secret);
        return Ok(None);
    };
    let stored = project.secrets.iter().map(|secret| &secret.secret);
    let matched = app
        .secrets
        .check_any(project_id, secret, stored)
        .await
        .map_err(|_| busy())?;
    let Some(matched) = matched else {
        return Ok(None);
    };
    // The check may have waited for its turn, and a secret that was revoked meanwhile is none.
    let present = app.live_project(&id).await?;
    Ok(present.and_then(|project| {
        let is_it = |secret: &&ProjectSecret| secret.secret == matched;
        let secret_id = project.secrets.iter().find(is_it)?.id.clone();
        Some((project, secret_id))
    }))
}

impl<const WRITES: bool> FromRequestParts<App> for InProject<WRITES> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (operator, context) = authenticate_operator(parts, app).await?;
        // A project that does not exist and one out of reach are answered alike.
        let id = project_in_path(parts, app).await.filter(|id| operator.sees(id));
        let id = id.ok_or_else(Problem::project_not_found)?;
        if !operator.may_in_project(access::<WRITES>(), &id) {
            return Err(forbidden());
        }
        let project = app
            .live_project(&id)
            .await?
            .ok_or_else(Problem::project_not_found)?;
        let actor = Actor {
            kind: ActorKind::Operator,
            id: operator.id.clone(),
        };
        Ok(Self {
            project,
            origin: origin(actor, &context),
            request_id: context.request_id,
        })
    }
}

impl<const WRITES: bool> InProject<WRITES> {
    /// The project's id.
    pub fn project_id(&self) -> &ProjectId {
        &self.project.project.id
    }
}

impl<const WRITES: bool> FromRequestParts<App> for InInstallation<WRITES> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (operator, context) = authenticate_operator(parts, app).await?;
        if !operator.may_in_installation(access::<WRITES>()) {
            return Err(forbidden());
        }
        let actor = Actor {
            kind: ActorKind::Operator,
            id: operator.id.clone(),
        };
        Ok(Self {
            origin: origin(actor, &context),
            request_id: context.request_id,
        })
    }
}

impl FromRequestParts<App> for AnyOperator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (operator, context) = authenticate_operator(parts, app).await?;
        Ok(Self {
            operator,
            request_id: context.request_id,
        })
    }
}

async fn authenticate_operator(
    parts: &mut Parts,
    app: &App,
) -> Result<(Arc<Operator>, RequestContext), Problem> {
    let context = RequestContext::from_request_parts(parts, app).await?;
    app.limits.admit(context.address)?;
    let Some(key) = bearer_token(&parts.headers) else {
        return Err(
            ErrorType::InvalidAuthorizationHeader.because("Send Authorization: Bearer with an operator key.")
        );
    };
    let operator = app
        .operator(&key)
        .await?
        .filter(|operator| operator.revoked_at.is_none());
    let Some(operator) = operator else {
        app.limits.refused(context.address);
        return Err(ErrorType::UnauthorizedCredentials.because("The operator key is wrong."));
    };
    app.usage.operator_used(&operator.id, app.now());
    Ok((operator, context))
}

async fn project_in_path(parts: &mut Parts, app: &App) -> Option<ProjectId> {
    let params = RawPathParams::from_request_parts(parts, app).await.ok()?;
    let (_, value) = params.iter().find(|(name, _)| *name == "project_id")?;
    value.parse().ok()
}

fn access<const WRITES: bool>() -> Access {
    if WRITES { Access::Write } else { Access::Read }
}

fn origin(actor: Actor, context: &RequestContext) -> Origin {
    let address = Some(context.address.to_string());
    Origin {
        actor,
        request_id: context.request_id.clone(),
        address,
    }
}

fn forbidden() -> Problem {
    ErrorType::InsufficientPermissions.because("This operator's role or reach does not allow it.")
}

/// Slow checks are queued up to their bound.
pub fn busy() -> Problem {
    Problem::unavailable("Too many secrets are being checked at the moment.", 1)
}
