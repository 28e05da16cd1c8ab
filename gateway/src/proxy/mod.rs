//! Handing calls on to the service that answers them.

mod answer;
mod frames;
mod headers;
mod limits;
mod request;
mod table;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method as HttpMethod, Request, Response, StatusCode, Version};
use tonic::{Status, body::Body};
use tower::{
    ServiceExt,
    retry::budget::{Budget as _, TpsBudget},
};
use turbomessage_proto::Method;
use turbomessage_service_kit::{
    listener::Peer,
    problem::{Problem, Reason},
    ticket,
    upstream::{TransportError, Upstream},
};

use self::{
    answer::Answer,
    limits::Limits,
    request::{Kept, Passing},
    table::{Route, Service, Table},
};
use crate::{
    Config, Upstreams,
    access::{Access, Checked, Ending, OpenStream, Token},
};

/// Calls that may be made again: so many of a hundred, and so many a second where there are few. Where
/// more are lost, making them again would keep what is left from getting up.
const RETRY_SHARE: f32 = 0.2;
const RETRIES_A_SECOND: u32 = 10;
/// Over how long they are counted.
const RETRY_WINDOW: Duration = Duration::from_secs(10);

/// The public methods and the way to each.
#[derive(Debug)]
pub(crate) struct Proxy {
    table: Table,
    upstreams: Upstreams,
    limits: Limits,
    access: Arc<Access>,
    retries: TpsBudget,
}

/// Whose call it is: only mail-service's calls are checked here.
type Caller = Option<(Checked, Token)>;

impl Proxy {
    pub(crate) fn new(
        methods: &'static [Method],
        config: &Config,
        upstreams: Upstreams,
        access: Arc<Access>,
    ) -> Self {
        Self {
            table: Table::new(methods),
            upstreams,
            limits: Limits::new(config),
            access,
            retries: TpsBudget::new(RETRY_WINDOW, RETRIES_A_SECOND, RETRY_SHARE),
        }
    }

    /// Whether `path` is that of a public method.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.table.get(path).is_some()
    }

    /// Answers a call of a public method.
    pub(crate) async fn call(&self, request: Request<Body>) -> Response<Body> {
        let Some(route) = self.table.get(request.uri().path()) else {
            return refused(Problem::new(Reason::MethodUnknown));
        };
        if request.method() != HttpMethod::POST {
            return http_error(StatusCode::METHOD_NOT_ALLOWED);
        }
        self.forward(route, request).await.unwrap_or_else(refused)
    }

    async fn forward(
        &self,
        route: &Route,
        request: Request<Body>,
    ) -> Result<Response<Body>, Problem> {
        let permit = self.limits.admit(route).await?;
        let (head, body) = request.into_parts();
        let mut headers = headers::outgoing(&head.headers);
        let caller = match route.service {
            Service::Auth => {
                let peer = head.extensions.get::<Peer>();
                headers::for_auth(&mut headers, &head.headers, peer);
                None
            }
            Service::Mail => Some(self.check(&head.headers, &mut headers).await?),
        };
        let call = Call {
            upstream: self.upstream(route),
            route,
            headers,
            retries: &self.retries,
        };
        let answer = if route.streaming {
            let stream = self.open_stream(caller)?;
            call.pass(
                Kept::nothing_of(body),
                stream.ending().clone(),
                Some(stream),
            )
            .await?
        } else {
            call.unary(body).await?
        };
        if route.service == Service::Auth
            && let Some(account_id) = headers::ended_sessions_of(answer.headers())
        {
            self.access.recheck_account(account_id).await;
        }
        Ok(answer.into_response(permit))
    }

    /// Swaps the client's token for a ticket.
    async fn check(
        &self,
        shown: &HeaderMap,
        headers: &mut HeaderMap,
    ) -> Result<(Checked, Token), Problem> {
        let token =
            Token::from_headers(shown).ok_or_else(|| Problem::new(Reason::SessionInvalid))?;
        let checked = self.access.check(&token).await?;
        headers.insert(ticket::HEADER, checked.session().ticket.clone());
        Ok((checked, token))
    }

    fn open_stream(&self, caller: Caller) -> Result<OpenStream, Problem> {
        match caller {
            Some((checked, token)) => self.access.open_stream(Some((&checked, token))),
            None => self.access.open_stream(None),
        }
    }

    fn upstream(&self, route: &Route) -> &Upstream {
        match route.service {
            Service::Auth => &self.upstreams.auth,
            Service::Mail => &self.upstreams.mail,
        }
    }
}

/// A call on its way.
struct Call<'a> {
    upstream: &'a Upstream,
    route: &'a Route,
    headers: HeaderMap,
    retries: &'a TpsBudget,
}

impl Call<'_> {
    /// A call with one request. What is small is kept, so that a call without side effects can be
    /// made again when the connection was lost before an answer; what is not passes through.
    async fn unary(mut self, body: Body) -> Result<Answer, Problem> {
        let message = match request::keep(body).await? {
            Kept::Whole(message) => message,
            part @ Kept::Part { .. } => return self.pass(part, Ending::default(), None).await,
        };
        let again = self
            .route
            .no_side_effects
            .then(|| (self.headers.clone(), message.clone()));
        let headers = std::mem::take(&mut self.headers);
        let sent = self.send(headers, request::whole(message)).await;
        let response = match (sent, again) {
            (Err(_), Some((headers, message))) if self.retries.withdraw() => {
                self.send(headers, request::whole(message)).await
            }
            (sent, _) => {
                self.retries.deposit();
                sent
            }
        };
        Answer::new(response.map_err(Problem::upstream_unavailable)?, None, None)
    }

    /// A call whose request passes through as it comes, until `ending`.
    async fn pass(
        mut self,
        body: Kept,
        ending: Ending,
        stream: Option<OpenStream>,
    ) -> Result<Answer, Problem> {
        let body = Body::new(Passing::new(body, ending.clone()));
        let headers = std::mem::take(&mut self.headers);
        let response = tokio::select! {
            biased;
            () = ending.wait() => return Err(answer::ended(&ending)),
            response = self.send(headers, body) => response,
        };
        Answer::new(
            response.map_err(Problem::upstream_unavailable)?,
            Some(ending),
            stream,
        )
    }

    async fn send(&self, headers: HeaderMap, body: Body) -> Result<Response<Body>, TransportError> {
        let mut request = Request::new(body);
        *request.method_mut() = HttpMethod::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.route.uri.clone();
        *request.headers_mut() = headers;
        let service = if self.route.streaming {
            self.upstream.streams()
        } else {
            self.upstream.calls()
        };
        service.oneshot(request).await
    }
}

fn refused(problem: Problem) -> Response<Body> {
    Status::from(problem).into_http()
}

/// An answer for what is not gRPC.
pub(crate) fn http_error(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
