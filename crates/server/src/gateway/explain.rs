//! `POST /gateway/explain`: would this call be allowed, by which rule, with which credential? Nothing is called and nothing opened.

use axum::Json;
use axum::extract::{Request, State};
use countersign_gateway::canonical_path::CanonicalPath;
use countersign_gateway::framing;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::admission::{Admission, Known, Wish};
use super::operation_call::{OperationCall, object};
use super::{Gateway, GatewayRefusal};
use crate::http::json::shaped;
use crate::http::request::RequestContext;
use crate::problem::{ErrorType, Problem};

/// What is asked, as it came.
#[derive(Deserialize)]
struct Question {
    provider: String,
    method: Option<String>,
    path: Option<String>,
    #[serde(default)]
    websocket: bool,
    operation: Option<String>,
    arguments: Option<Map<String, Value>>,
}

/// A call that is not made.
enum Asked {
    /// One that passes through.
    Call {
        method: Method,
        path: String,
        websocket: bool,
    },
    /// One of an operation; without arguments, whether there may be any.
    Operation {
        name: String,
        arguments: Option<Map<String, Value>>,
    },
}

#[derive(Serialize)]
pub(super) struct Explanation {
    request_id: String,
    #[serde(flatten)]
    answered: Answered,
    status_code: u16,
}

/// What would become of the call.
#[derive(Default, Serialize)]
struct Answered {
    allowed: bool,
    /// The rule that allows it, or that would.
    rule: Option<String>,
    /// The scope that is missing.
    needed_scope: Option<String>,
    /// Why it is not allowed, in a stable word.
    reason: Option<&'static str>,
    /// The same in a sentence.
    message: Option<String>,
    /// What is wrong with the arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<Value>,
    /// What would be injected.
    credential: Option<CredentialName>,
    /// The operation that the call is, whichever was asked about.
    operation: Option<String>,
}

#[derive(Serialize)]
struct CredentialName {
    name: String,
    id: String,
}

pub(super) async fn explain(
    State(gateway): State<Gateway>,
    context: RequestContext,
    request: Request,
) -> Result<Json<Explanation>, GatewayRefusal> {
    let (head, body) = request.into_parts();
    framing::check(&head)?;
    let caller = gateway.admit(&head.headers).await?;
    let question = object(&gateway.0.app, &head.headers, body).await?;
    let question: Question = shaped(question)?;
    let asked = question.asked()?;
    let answered = match gateway.known(caller, &question.provider).await {
        Ok(known) => asked
            .admission(known)
            .and_then(|admission| Answered::of(&admission)),
        Err(refusal) => Err(refusal),
    };
    let answered = match answered {
        Ok(answered) => answered,
        // What is wrong here and not with the call explains nothing of it.
        Err(refusal) if refusal.problem.error_type.status().is_server_error() => return Err(refusal),
        Err(refusal) => refusal.into(),
    };
    Ok(Json(Explanation {
        request_id: context.request_id,
        answered,
        status_code: 200,
    }))
}

impl Question {
    fn asked(&self) -> Result<Asked, Problem> {
        let method = self.method.as_deref().map(str::parse).transpose();
        match (method, &self.path, &self.operation, &self.arguments) {
            (Ok(Some(method)), Some(path), None, None) => Ok(Asked::Call {
                method,
                path: path.clone(),
                websocket: self.websocket,
            }),
            (Ok(None), None, Some(name), arguments) if !self.websocket => Ok(Asked::Operation {
                name: name.clone(),
                arguments: arguments.clone(),
            }),
            _ => {
                let message =
                    "Ask with provider, method and path, or with provider, operation and maybe arguments.";
                Err(ErrorType::InvalidRequestValue.because(message))
            }
        }
    }
}

impl Asked {
    fn admission(self, known: Known) -> Result<Admission, GatewayRefusal> {
        match self {
            Self::Call {
                method,
                path,
                websocket,
            } => {
                framing::check_method(&method)?;
                let path = CanonicalPath::parse(&path, known.provider.path_parameters)?;
                known.allow(Wish {
                    method: &method,
                    path: &path,
                    websocket,
                })
            }
            Self::Operation {
                name,
                arguments: Some(arguments),
            } => Ok(OperationCall::new(known, &name, arguments)?.admission),
            Self::Operation {
                name,
                arguments: None,
            } => {
                let provider = known.provider.clone();
                let operation = provider.catalogue.named(&name);
                known.allow_any(operation.ok_or_else(GatewayRefusal::no_such_operation)?)
            }
        }
    }
}

impl Answered {
    fn of(admission: &Admission) -> Result<Self, GatewayRefusal> {
        let credential = admission.provider.credential(admission)?;
        Ok(Self {
            allowed: true,
            rule: Some(admission.rule.clone()),
            credential: credential.map(|credential| CredentialName {
                name: credential.name.clone(),
                id: credential.id.clone(),
            }),
            operation: admission
                .operation
                .as_ref()
                .map(|operation| operation.name.clone()),
            ..Self::default()
        })
    }
}

impl From<GatewayRefusal> for Answered {
    fn from(refusal: GatewayRefusal) -> Self {
        Self {
            arguments: refusal.told_faults(),
            rule: refusal.helps.rule,
            needed_scope: refusal.helps.needed_scope,
            reason: Some(refusal.reason),
            message: Some(refusal.problem.message),
            ..Self::default()
        }
    }
}
