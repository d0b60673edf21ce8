//! A server that answers as it is told, on a real socket.
#![allow(dead_code)]

use std::any::Any;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use stillframe::{Client, RetryPolicy};
use stillframe_proto::v1 as pb;
use stillframe_proto::v1::snapshot_service_server::{SnapshotService, SnapshotServiceServer};
use stillframe_proto::v1::working_memory_service_server::{
    WorkingMemoryService, WorkingMemoryServiceServer,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status, Streaming};

/// What to do with a call.
pub enum Answer {
    Message(Box<dyn Any + Send>),
    Status(Status),
    /// The frames of a watch, and how its call ends.
    Frames(Vec<pb::WatchFrame>, End),
    /// No answer, ever.
    Silence,
}

pub enum End {
    Ok,
    Status(Status),
    /// Stays open until the client leaves.
    Open,
}

/// A message as an answer.
pub fn message<M: Send + 'static>(message: M) -> Answer {
    Answer::Message(Box::new(message))
}

pub fn unavailable() -> Answer {
    Answer::Status(Status::unavailable("gone"))
}

/// A call that came.
pub struct Call {
    pub method: &'static str,
    pub metadata: MetadataMap,
    request: Box<dyn Any + Send>,
}

impl Call {
    pub fn request<Q: 'static>(&self) -> &Q {
        self.request.downcast_ref().expect("another request")
    }
}

#[derive(Default)]
pub struct Script {
    answers: Mutex<VecDeque<Answer>>,
    calls: Mutex<Vec<Call>>,
    /// Told when a call came.
    pub came: Notify,
    /// Told when the client left a watch, or a call without an answer.
    pub left: Notify,
}

impl Script {
    pub fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().unwrap().extend(answers);
    }

    /// The calls since the last time.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn take<Q: Send + 'static>(&self, method: &'static str, request: Request<Q>) -> Answer {
        let (metadata, _, request) = request.into_parts();
        self.calls.lock().unwrap().push(Call {
            method,
            metadata,
            request: Box::new(request),
        });
        self.came.notify_one();
        let next = self.answers.lock().unwrap().pop_front();
        next.unwrap_or_else(|| {
            Answer::Status(Status::internal(format!("{method} was not expected")))
        })
    }

    async fn unary<Q: Send + 'static, A: 'static>(
        &self,
        method: &'static str,
        request: Request<Q>,
    ) -> Result<Response<A>, Status> {
        match self.take(method, request) {
            Answer::Message(message) => Ok(Response::new(*message.downcast().expect(method))),
            Answer::Status(status) => Err(status),
            Answer::Frames(..) => panic!("{method} has no frames"),
            Answer::Silence => {
                let _leaving = Leaving(&self.left);
                std::future::pending().await
            }
        }
    }
}

/// Tells that the client gave a call up.
struct Leaving<'a>(&'a Notify);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[derive(Clone)]
struct Fake(Arc<Script>);

/// Written as `async_trait` would write them: it does not see what a macro makes.
macro_rules! unary {
    ($($method:ident $request:ident $response:ident)*) => {
        $(fn $method<'a, 'b>(
            &'a self,
            request: Request<pb::$request>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<pb::$response>, Status>> + Send + 'b>>
        where
            'a: 'b,
            Self: 'b,
        {
            Box::pin(self.0.unary(stringify!($method), request))
        })*
    };
}

#[tonic::async_trait]
impl SnapshotService for Fake {
    unary! {
        save_snapshot SaveSnapshotRequest SaveSnapshotResponse
        load_snapshot LoadSnapshotRequest LoadSnapshotResponse
        claim_execution ClaimExecutionRequest ClaimExecutionResponse
        check_freshness CheckFreshnessRequest CheckFreshnessResponse
        list_executions ListExecutionsRequest ListExecutionsResponse
        list_snapshots ListSnapshotsRequest ListSnapshotsResponse
        diff_snapshots DiffSnapshotsRequest DiffSnapshotsResponse
        fork_execution ForkExecutionRequest ForkExecutionResponse
        delete_snapshots DeleteSnapshotsRequest DeleteSnapshotsResponse
        delete_execution DeleteExecutionRequest DeleteExecutionResponse
        get_server_info GetServerInfoRequest GetServerInfoResponse
    }

    type SaveSnapshotsStream =
        Pin<Box<dyn Stream<Item = Result<pb::SaveSnapshotsResponse, Status>> + Send>>;

    async fn save_snapshots(
        &self,
        _: Request<Streaming<pb::SaveSnapshotsRequest>>,
    ) -> Result<Response<Self::SaveSnapshotsStream>, Status> {
        Err(Status::unimplemented("the client has no pipeline"))
    }

    type WatchSnapshotsStream = Frames;

    async fn watch_snapshots(
        &self,
        request: Request<pb::WatchSnapshotsRequest>,
    ) -> Result<Response<Frames>, Status> {
        match self.0.take("watch_snapshots", request) {
            Answer::Frames(frames, end) => Ok(Response::new(Frames {
                frames: frames.into(),
                end: Some(end),
                script: self.0.clone(),
            })),
            Answer::Status(status) => Err(status),
            Answer::Message(_) => panic!("a watch has frames"),
            Answer::Silence => std::future::pending().await,
        }
    }
}

#[tonic::async_trait]
impl WorkingMemoryService for Fake {
    unary! {
        set_value SetValueRequest SetValueResponse
        get_value GetValueRequest GetValueResponse
        delete_value DeleteValueRequest DeleteValueResponse
        list_keys ListKeysRequest ListKeysResponse
    }
}

/// The frames of a watch, one in a message.
pub struct Frames {
    frames: VecDeque<pb::WatchFrame>,
    end: Option<End>,
    script: Arc<Script>,
}

impl Stream for Frames {
    type Item = Result<pb::WatchSnapshotsResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(frame) = self.frames.pop_front() {
            return Poll::Ready(Some(Ok(pb::WatchSnapshotsResponse {
                frames: vec![frame],
            })));
        }
        match self.end.take() {
            // Nobody wakes it: the connection does when the client leaves.
            Some(End::Open) => {
                self.end = Some(End::Open);
                Poll::Pending
            }
            Some(End::Status(status)) => Poll::Ready(Some(Err(status))),
            Some(End::Ok) | None => Poll::Ready(None),
        }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.script.left.notify_one();
    }
}

/// A server that runs until it is dropped, in a runtime of its own: so that its end is the end of
/// its connections too.
pub struct Server {
    pub address: SocketAddr,
    pub script: Arc<Script>,
    runtime: Option<Runtime>,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), []).await
    }

    /// Starts where another one was. The answers are there before the first call.
    pub async fn start_at<const N: usize>(address: SocketAddr, answers: [Answer; N]) -> Self {
        Self::start_with(address, tonic::transport::Server::builder(), answers).await
    }

    pub async fn start_with<const N: usize>(
        address: SocketAddr,
        mut builder: tonic::transport::Server,
        answers: [Answer; N],
    ) -> Self {
        let script = Arc::new(Script::default());
        script.answer(answers);
        let fake = Fake(Arc::clone(&script));
        let snapshots = SnapshotServiceServer::new(fake.clone())
            .max_decoding_message_size(stillframe::MAX_MESSAGE_BYTES)
            .max_encoding_message_size(stillframe::MAX_MESSAGE_BYTES);
        let memory = WorkingMemoryServiceServer::new(fake);
        let router: Router = builder.add_service(snapshots).add_service(memory);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let binding = runtime.spawn(TcpListener::bind(address));
        let listener = binding.await.unwrap().unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        Self {
            address,
            script,
            runtime: Some(runtime),
        }
    }

    /// Ends the server as a kill would, and waits until it is gone.
    pub async fn kill(mut self) {
        let runtime = self.runtime.take().unwrap();
        let ending = move || runtime.shutdown_timeout(Duration::from_secs(60));
        tokio::task::spawn_blocking(ending).await.unwrap();
    }

    /// A client that does not wait long between its tries.
    pub fn client(&self) -> Client {
        client(&self.address.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub fn client(target: &str) -> Client {
    Client::builder(target, "acme")
        .retry(impatient())
        .open()
        .unwrap()
}

pub fn impatient() -> RetryPolicy {
    RetryPolicy {
        initial_backoff: Duration::from_millis(1),
        max_backoff: Duration::from_millis(20),
        max_attempts: 1_000,
        ..RetryPolicy::default()
    }
}

pub fn saved(version: u64) -> Answer {
    message(pb::SaveSnapshotResponse {
        version,
        etag: format!("e{version}"),
        revision: version,
        resume_token: format!("r{version}"),
        outcome: pb::SaveOutcome::Updated.into(),
    })
}

pub fn frame(token: &str, frame: pb::watch_frame::Frame) -> pb::WatchFrame {
    pb::WatchFrame {
        resume_token: token.to_owned(),
        frame: Some(frame),
    }
}

pub fn opened() -> pb::WatchFrame {
    frame(
        "",
        pb::watch_frame::Frame::Opened(pb::WatchOpened::default()),
    )
}

pub fn change(token: &str, execution_id: &str) -> pb::WatchFrame {
    let change = pb::SnapshotChange {
        kind: pb::ChangeKind::Saved.into(),
        snapshot: Some(pb::ExecutionSnapshot {
            execution_id: execution_id.to_owned(),
            ..pb::ExecutionSnapshot::default()
        }),
        content_gone: false,
    };
    frame(token, pb::watch_frame::Frame::Change(change))
}
