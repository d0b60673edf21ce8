//! A watch: a stream of events that resumes by itself.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::StreamExt;
use stillframe_proto::v1 as pb;
use stillframe_proto::v1::watch_snapshots_request::Start;
use tonic::Streaming;

use crate::client::Client;
use crate::enums::WatchMode;
use crate::error::{Error, Result};
use crate::events::{Change, WatchEvent};
use crate::query::{self, Filter, Projection};
use crate::retry;
use crate::status::error_of;
use crate::watching::Watching;

/// What a watch selects, and where it starts: now, unless told otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchOptions {
    /// Which executions; None is all of them.
    pub filter: Option<Filter>,
    /// Starts with the heads that the filter matches.
    pub initial_state: bool,
    /// Starts with the first change after the one that this token names. Contradicts
    /// `initial_state`.
    pub resume_token: Option<String>,
    /// None is [`WatchMode::Latest`].
    pub mode: Option<WatchMode>,
    /// Carries entries, not the header alone.
    pub full: bool,
    /// Which entries; None is all of them. Needs `full`.
    pub projection: Option<Projection>,
    /// The bound on response messages in bytes; entries that do not fit are left out and named in
    /// the omission. The client's bound if not given.
    pub max_message_bytes: Option<u64>,
    /// Starts over with the initial state when the server no longer knows the resume token, and
    /// says so by [`WatchEvent::Restarted`]. Otherwise that error ends the watch.
    pub restart_if_lost: bool,
}

impl WatchOptions {
    fn request(&self, client: &Client) -> Result<pb::WatchSnapshotsRequest> {
        let start = match (&self.resume_token, self.initial_state) {
            (Some(_), true) => {
                let description = "takes one of resume_token and initial_state";
                return Err(Error::invalid_field("start", description));
            }
            (Some(token), _) if token.is_empty() => {
                return Err(Error::invalid_field(
                    "resume_token",
                    "is empty; None starts now",
                ));
            }
            (Some(token), false) => Start::ResumeToken(token.clone()),
            (None, true) => Start::InitialState(pb::WatchFromInitialState {}),
            (None, false) => Start::Now(pb::WatchFromNow {}),
        };
        Ok(pb::WatchSnapshotsRequest {
            tenant_id: client.owned_tenant(),
            filter: self.filter.as_ref().map(Filter::message).transpose()?,
            start: Some(start),
            mode: self.mode.unwrap_or(WatchMode::Latest).to_wire(),
            view: query::view(self.full, &self.projection)?,
            projection: self.projection.as_ref().map(Projection::message),
            max_message_bytes: self.max_message_bytes.or(client.max_message_bytes()),
        })
    }
}

/// A stream of events that resumes by itself, from [`Client::watch`].
///
/// Once it was open it waits for its server as long as it takes. It ends with an error that trying
/// again does not mend. A wait for an event that is dropped loses nothing: the next one goes on.
/// Dropping the watch ends its call.
pub struct Watch {
    client: Client,
    watching: Watching,
    call: Option<Call>,
    step: Option<BoxFuture<'static, Step>>,
    ended: bool,
}

type Call = Box<Streaming<pb::WatchSnapshotsResponse>>;

/// What a step of a watch came to.
enum Step {
    /// A response came; the call goes on.
    Received(Call, pb::WatchSnapshotsResponse),
    /// The call is over.
    Over(Option<Error>),
    /// The time to wait before the next call is over.
    Waited,
}

impl Watch {
    pub(crate) fn new(client: Client, options: WatchOptions) -> Result<Self> {
        let request = options.request(&client)?;
        let (codec, policy) = (
            Arc::clone(client.codec()),
            client.transport().policy().clone(),
        );
        let watching = Watching::new(request, codec, policy, options.restart_if_lost);
        Ok(Self {
            client,
            watching,
            call: None,
            step: None,
            ended: false,
        })
    }

    /// The token of the last event that carried one, or that the watch started with; empty without
    /// one. A watch that starts with it goes on after that event.
    pub fn resume_token(&self) -> &str {
        self.watching.resume_token()
    }

    /// The next event; None after the error that ended the watch.
    pub async fn next(&mut self) -> Option<Result<WatchEvent>> {
        StreamExt::next(self).await
    }

    /// The next change, passing other events over; a consumer that keeps a view must look at
    /// [`WatchEvent::Restarted`] too.
    pub async fn next_change(&mut self) -> Option<Result<Change>> {
        loop {
            match self.next().await? {
                Ok(event) => {
                    if let Some(change) = event.into_change() {
                        return Some(Ok(change));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// The next step: the next response, of a new call if there is none.
    fn advance(&mut self) -> BoxFuture<'static, Step> {
        if let Some(call) = self.call.take() {
            return Box::pin(receive(call));
        }
        let (client, request) = (self.client.clone(), self.watching.next_request());
        Box::pin(async move {
            match client.transport().watch(request).await {
                Ok(call) => receive(Box::new(call)).await,
                Err(error) => Step::Over(Some(error)),
            }
        })
    }
}

async fn receive(mut call: Call) -> Step {
    match call.message().await {
        Ok(Some(response)) => Step::Received(call, response),
        Ok(None) => Step::Over(None),
        Err(status) => Step::Over(Some(error_of(&status))),
    }
}

async fn wait(delay: Duration) -> Step {
    tokio::time::sleep(delay).await;
    Step::Waited
}

impl Stream for Watch {
    type Item = Result<WatchEvent>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let watch = self.get_mut();
        while !watch.ended {
            if let Some(event) = watch.watching.next_event() {
                return Poll::Ready(Some(Ok(event)));
            }
            let mut step = watch.step.take().unwrap_or_else(|| watch.advance());
            let Poll::Ready(outcome) = step.as_mut().poll(context) else {
                watch.step = Some(step);
                return Poll::Pending;
            };
            match outcome {
                Step::Received(call, response) => {
                    watch.call = Some(call);
                    watch.watching.receive(response);
                }
                Step::Over(error) => match watch.watching.ended(error, retry::jitter()) {
                    Ok(delay) => watch.step = Some(Box::pin(wait(delay))),
                    Err(error) => {
                        watch.ended = true;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                Step::Waited => {}
            }
        }
        Poll::Ready(None)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("resume_token", &self.resume_token())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
