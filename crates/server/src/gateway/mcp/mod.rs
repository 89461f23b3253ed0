//! `POST /gateway/mcp`: the same calls as tools of the Model Context Protocol, over its streamable HTTP transport.
//!
//! There are no sessions: each request brings its token and is judged by itself, and any node answers it.

mod result;
mod tools;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use countersign_gateway::admit::Caller;
use countersign_gateway::framing;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, Uri, Version};
use http_body_util::Full;
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, Implementation, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext as McpContext, RoleServer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;

use self::tools::{CALL_OPERATION, DESCRIBE_OPERATION, SEARCH_OPERATIONS};
use super::admission::Admission;
use super::call_line::CallLine;
use super::operation_call::{OperationCall, whole};
use super::operations::Callable;
use super::provider::Call;
use super::search::FoundOperation;
use super::{Gateway, GatewayRefusal};
use crate::app::App;
use crate::http::json::shaped;
use crate::http::request::RequestContext;
use crate::problem::ErrorType;

/// The transport.
pub(super) type Service = StreamableHttpService<Tools, NeverSessionManager>;

/// What is known of a request before the protocol is read.
struct Calling {
    caller: Caller,
    headers: HeaderMap,
    version: Version,
    context: RequestContext,
}

/// The tools of whoever calls.
#[derive(Clone)]
pub(super) struct Tools(Gateway);

/// An operation by its names.
#[derive(Deserialize)]
struct Named {
    provider: String,
    operation: String,
    #[serde(default)]
    arguments: JsonObject,
}

/// The transport for this installation's own address.
pub(super) fn service(gateway: &Gateway) -> Service {
    let tools = Tools(gateway.clone());
    let config = transport(&gateway.0.app);
    StreamableHttpService::new(move || Ok(tools.clone()), Arc::default(), config)
}

/// Pages whose name was pointed at this server (DNS rebinding) name another host, and pages of other origins say so.
fn transport(app: &App) -> StreamableHttpServerConfig {
    let public: Option<Uri> = app.gateway_url.as_ref().unwrap_or(&app.public_url).parse().ok();
    let host = public.as_ref().and_then(Uri::authority).map(ToString::to_string);
    let hosts = host
        .into_iter()
        .chain(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    let origins = app.config.gateway.allowed_origins.iter();
    StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts(hosts)
        .with_allowed_origins(origins.filter_map(|origin| with_port(origin)))
        .enforce_origin_validation()
        .with_max_request_body_bytes(app.config.limits.body_kib * 1024)
}

/// The origin with its port: to the transport, one without stands for all.
fn with_port(origin: &str) -> Option<String> {
    let uri: Uri = origin.parse().ok()?;
    let usual = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    Some(format!("{scheme}://{host}:{}", uri.port_u16().unwrap_or(usual)))
}

pub(super) async fn answer(
    gateway: Gateway,
    service: Service,
    context: RequestContext,
    request: Request,
) -> Result<Response, GatewayRefusal> {
    let (mut head, body) = request.into_parts();
    framing::check(&head)?;
    let caller = gateway.admit(&head.headers).await?;
    let body = whole(&gateway.0.app, body).await?;
    let calling = Calling {
        caller,
        headers: head.headers.clone(),
        version: head.version,
        context,
    };
    // The library has no use for the token.
    head.headers.remove(AUTHORIZATION);
    head.extensions.insert(Arc::new(calling));
    let answer = service.handle(Request::from_parts(head, Full::new(body))).await;
    Ok(answer.map(Body::new))
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let own = Implementation::new("countersign-gateway", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(own)
            .with_instructions(tools::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        context: McpContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let calling = calling(&context)?;
        let callable = self.0.callable(&calling.caller, None).await;
        let callable = callable.map_err(|refusal| {
            result::log_cause(&calling.context, &refusal);
            ErrorData::internal_error(refusal.problem.message, None)
        })?;
        Ok(ListToolsResult::with_all_items(tools::of(&callable)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: McpContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let calling = calling(&context)?;
        let arguments = request.arguments.unwrap_or_default();
        let result = match self.run(&calling, &request.name, arguments).await {
            Ok(result) => result,
            Err(refusal) => {
                result::log_cause(&calling.context, &refusal);
                result::refused(&refusal)
            }
        };
        Ok(result.into())
    }
}

impl Tools {
    async fn run(
        &self,
        calling: &Calling,
        tool: &str,
        arguments: JsonObject,
    ) -> Result<CallToolResult, GatewayRefusal> {
        match tool {
            SEARCH_OPERATIONS => {
                let found = self.0.search(&calling.caller, &shaped(arguments)?).await?;
                result::json(&found)
            }
            DESCRIBE_OPERATION => self.describe(calling, shaped(arguments)?).await,
            CALL_OPERATION => self.call(calling, shaped(arguments)?).await,
            // No provider has an underscore in its name.
            tool => match tool.split_once('_') {
                Some((provider, operation)) => {
                    let named = Named {
                        provider: provider.to_owned(),
                        operation: operation.to_owned(),
                        arguments,
                    };
                    self.call(calling, named).await
                }
                None => Err(ErrorType::RouteNotFound.because("There is no such tool.").into()),
            },
        }
    }

    async fn describe(&self, calling: &Calling, named: Named) -> Result<CallToolResult, GatewayRefusal> {
        let known = self.0.known(calling.caller.clone(), &named.provider).await?;
        let callable = Callable::of(known.provider.clone(), &known.caller);
        let operation = callable.provider.catalogue.named(&named.operation);
        let operation = operation.ok_or_else(GatewayRefusal::no_such_operation)?;
        known.allow_any(operation)?;
        if !callable.provider.serves(operation) {
            return Err(GatewayRefusal::operation_elsewhere());
        }
        result::json(&FoundOperation::whole(&callable, operation))
    }

    async fn call(&self, calling: &Calling, named: Named) -> Result<CallToolResult, GatewayRefusal> {
        let app = &self.0.0.app;
        let mut line = CallLine::begin(&calling.context, &Method::POST, app.now());
        let answered = match self.admitted(calling, named, &mut line).await {
            Ok((call, admission)) => {
                let context = calling.context.clone();
                admission.send(&self.0, call, context, line).await
            }
            Err(refusal) => {
                line.refused(&refusal);
                Err(refusal)
            }
        };
        Ok(result::answered(answered?).await)
    }

    async fn admitted(
        &self,
        calling: &Calling,
        named: Named,
        line: &mut CallLine,
    ) -> Result<(Call, Admission), GatewayRefusal> {
        line.caller(&calling.caller, &calling.headers);
        let known = self.0.known(calling.caller.clone(), &named.provider).await?;
        line.provider(&named.provider);
        let call = OperationCall::new(known, &named.operation, named.arguments)?;
        Ok(call.of(calling.version, result::asked_for(&calling.headers), line))
    }
}

fn calling(context: &McpContext<RoleServer>) -> Result<Arc<Calling>, ErrorData> {
    let head: Option<&Parts> = context.extensions.get();
    let calling = head.and_then(|head| head.extensions.get::<Arc<Calling>>().cloned());
    calling.ok_or_else(|| ErrorData::internal_error("the request has no caller", None))
}
