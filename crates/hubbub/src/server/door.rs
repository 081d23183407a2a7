//! What one address lets in: paths below its base path, and pages whose origin is allowed. In front of every route, so
//! that none can be forgotten.

use super::tls::Tls;
use crate::{
    config::{Hosts, OriginStanding, Origins, PublicSide, is_of_loopback},
    http::page,
    problem::Problem,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// How long a browser may remember what it has been allowed, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// Where a server with `--dev` gives out tokens.
const TOKENS: &str = "/dev/token";

/// Which of the two addresses it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// `--listen`.
    Public,
    /// `--admin-listen`.
    Admin,
}

/// See the module.
pub(super) struct Door {
    pub(super) side: Side,
    pub(super) tls: Option<Arc<Tls>>,
    base_path: String,
    origins: Origins,
    /// With `--dev`: for whom alone it answers.
    hosts: Option<Hosts>,
}

/// Who was let in.
pub(super) struct Guest {
    /// The origin to be named in the answer, and whether it is one of the list.
    origin: Option<(HeaderValue, bool)>,
    varies: bool,
}

impl Door {
    /// The door for clients.
    pub(super) fn public(edge: &PublicSide, tls: Option<Arc<Tls>>) -> Self {
        let (base_path, origins, hosts) = (edge.base_path.clone(), edge.origins.clone(), edge.dev_hosts.clone());
        Self { side: Side::Public, tls, base_path, origins, hosts }
    }

    /// The door for operators: plain HTTP, no base path, and pages of the same host alone.
    pub(super) fn admin(edge: &PublicSide) -> Self {
        let (base_path, origins, hosts) = (String::new(), Origins::default(), edge.dev_hosts.clone());
        Self { side: Side::Admin, tls: None, base_path, origins, hosts }
    }

    /// Lets a request in, its path without the base path; or says why not.
    pub(super) fn enter(&self, mut request: Request<Body>) -> Result<(Request<Body>, Guest), Box<Response>> {
        if !self.base_path.is_empty() {
            let Some(inner) = below(request.uri(), &self.base_path) else {
                return Err(self.elsewhere(request.uri()).into());
            };
            *request.uri_mut() = inner;
        }
        if let Some(hosts) = &self.hosts
            && !is_for_machines(request.uri().path())
            && !page::is_for(request.headers(), request.uri(), |host| hosts.have(host))
        {
            let why = "with --dev this answers for localhost alone: name other hosts in --dev-host";
            return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_host", why).into_response().into());
        }
        let guest = self.judge(&request)?;
        if request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
            && guest.varies
        {
            return Err(guest.see_off(preflight(request.headers())).into());
        }
        Ok((request, guest))
    }

    fn elsewhere(&self, uri: &Uri) -> Response {
        if uri.path() == self.base_path {
            // The page's own addresses are relative, to a folder.
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            let to = format!("{}/{query}", self.base_path);
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response();
        }
        let why = format!("everything here is below {}", self.base_path);
        Problem::new(StatusCode::NOT_FOUND, "unknown_path", why).into_response()
    }

    fn judge(&self, request: &Request<Body>) -> Result<Guest, Box<Response>> {
        let said = request.headers().get(header::ORIGIN);
        let text = |value: Option<&HeaderValue>| value.map(|value| value.to_str().unwrap_or("?").to_owned());
        let host = text(request.headers().get(header::HOST)).or(request.uri().authority().map(ToString::to_string));
        let path = request.uri().path();
        let varies = is_for_pages(path) || (self.gives_tokens() && path == TOKENS);
        let page = text(said);
        let standing = self.origins.judge(page.as_deref(), host.as_deref());
        if standing != OriginStanding::Own && varies && self.has_neighbour(page.as_deref(), host.as_deref()) {
            let listed = standing == OriginStanding::Listed;
            return Ok(Guest { origin: said.map(|origin| (origin.clone(), listed)), varies });
        }
        let listed = match standing {
            OriginStanding::Own => return Ok(Guest { origin: None, varies }),
            OriginStanding::Listed => true,
            OriginStanding::Any => false,
            OriginStanding::Foreign => {
                let why = match self.side {
                    Side::Public => "pages of this origin may not connect here: name it in --allowed-origins",
                    Side::Admin => "pages of other origins may not ask here",
                };
                return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", why).into_response().into());
            }
        };
        Ok(Guest { origin: said.filter(|_| is_for_pages(path)).map(|origin| (origin.clone(), listed)), varies })
    }

    fn gives_tokens(&self) -> bool {
        self.side == Side::Public && self.hosts.is_some()
    }

    /// With `--dev`: whether both page and server are asked for by a name of this machine itself, such as an app that is being
    /// written and has a server of its own. A name that was made to lead here is none of them.
    fn has_neighbour(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let both = origin.zip(host);
        self.gives_tokens() && both.is_some_and(|(origin, host)| is_of_loopback(origin) && Hosts::default().have(host))
    }
}

impl Guest {
    /// Tells a browser that the page may read this answer.
    pub(super) fn see_off(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if self.varies {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Some((origin, listed)) = self.origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if listed {
                // For the cookies of balancers that keep a client on one instance; we have none.
                headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
        }
        response
    }
}

/// What no page can make anything of: health, and webhooks, which are signed.
fn is_for_machines(path: &str) -> bool {
    path.starts_with("/health/") || path.starts_with("/hooks/")
}

/// What a client in a browser uses; the rest is for backends.
fn is_for_pages(path: &str) -> bool {
    path.starts_with("/connection/") || path == "/emulation"
}

fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.unwrap_or(HeaderValue::from_static("content-type")));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    response
}

/// The address without the base path, when it is below it.
fn below(uri: &Uri, base: &str) -> Option<Uri> {
    let inner = uri.path_and_query()?.as_str().strip_prefix(base)?;
    if !inner.starts_with('/') {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(inner).ok()?);
    Uri::from_parts(parts).ok()
}
