//! What goes with every answer of pages that are served here: they load nothing from elsewhere, and nobody puts them into a frame.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header},
    middleware::Next,
    response::Response,
};

const SHIELDS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Whether a request was meant for one of these hosts, by every name it says.
pub fn is_for(headers: &HeaderMap, uri: &Uri, is_one: impl Fn(&str) -> bool) -> bool {
    let said = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or("?"));
    let mut said = said.chain(uri.authority().map(|authority| authority.as_str())).peekable();
    said.peek().is_some() && said.all(is_one)
}

/// Adds them.
pub async fn shielded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in SHIELDS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
