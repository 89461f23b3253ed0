//! Someone who calls, and how they say who they are.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::ConnectInfo;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request};
use serde_json::Value;
use tower::ServiceExt;

use super::TestApp;
use super::answer::Answer;

pub(crate) const JSON: &str = "application/json";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

#[derive(Clone)]
pub(crate) struct Caller<'a> {
    app: &'a TestApp,
    address: IpAddr,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The value of a Basic header (RFC 7617).
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

impl<'a> Caller<'a> {
    pub(crate) fn anonymous(app: &'a TestApp) -> Self {
        let address = IpAddr::from([198, 51, 100, 7]);
        let headers = Vec::new();
        Self {
            app,
            address,
            headers,
        }
    }

    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &basic(user, password))
    }

    pub(crate) fn bearer(self, key: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {key}"))
    }

    /// The same caller from another address.
    pub(crate) fn at(mut self, address: &str) -> Self {
        self.address = address.parse().unwrap();
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).unwrap();
        self.headers.push((name.parse().unwrap(), value));
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, Body::empty()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(JSON), body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(JSON), body.to_string()).await
    }

    /// A form, as text.
    pub(crate) async fn form(&self, path: &str, form: &str) -> Answer {
        self.send(Method::POST, path, Some(FORM), form.to_owned()).await
    }

    /// Any request at all.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method.clone()).uri(path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        request = request.extension(ConnectInfo(SocketAddr::new(self.address, 50_000)));
        let request = request.body(body.into()).unwrap();
        let response = self.app.routes.clone().oneshot(request).await.unwrap();
        Answer::read(&method, path, response).await
    }
}
