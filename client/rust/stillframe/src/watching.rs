//! The state of a watch over its connections. No I/O.
//!
//! A watch is one stream of events made of many calls. `Watching` says which request to send next,
//! turns the frames that come back into events, and decides what the end of a call means. In
//! EVERY_CHANGE no change is lost or delivered twice over reconnections, because the resume token
//! moves when an event is handed out, not when its message arrives: frames that came and were not
//! handed out come again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use stillframe_proto::v1 as pb;
use stillframe_proto::v1::watch_frame::Frame;
use stillframe_proto::v1::watch_snapshots_request::Start;
use tonic::Code;

use crate::enums::{ChangeKind, WatchMode};
use crate::error::{Error, Reason, Result};
use crate::events::{Change, WatchEvent, WatchOpened};
use crate::retry::{RetryPolicy, is_absence};
use crate::stored::StoredSnapshot;
use crate::value::Codec;

/// The reason of a restart after a cut during the initial state.
const INTERRUPTED: &str = "INTERRUPTED";

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Opening,
    Initial,
    Live,
}

/// One watch. Drive it so: send `next_request()`; for each response `receive()` it and take
/// `next_event()` until None; when the call ends `ended()`, wait as long as it says, and begin
/// again.
pub(crate) struct Watching {
    template: pb::WatchSnapshotsRequest,
    codec: Arc<dyn Codec>,
    policy: RetryPolicy,
    restart_if_lost: bool,
    from_initial_state: bool,
    token: String,
    phase: Phase,
    frames: VecDeque<pb::WatchFrame>,
    restart_reason: Option<String>,
    was_open: bool,
    shown_initial: bool,
    failures: u32,
}

impl Watching {
    /// `request` is the first one, which the later ones are made from.
    pub(crate) fn new(
        request: pb::WatchSnapshotsRequest,
        codec: Arc<dyn Codec>,
        policy: RetryPolicy,
        restart_if_lost: bool,
    ) -> Self {
        let token = match &request.start {
            Some(Start::ResumeToken(token)) => token.clone(),
            _ => String::new(),
        };
        Self {
            from_initial_state: matches!(request.start, Some(Start::InitialState(_))),
            template: request,
            codec,
            policy,
            restart_if_lost,
            token,
            phase: Phase::Opening,
            frames: VecDeque::new(),
            restart_reason: None,
            was_open: false,
            shown_initial: false,
            failures: 0,
        }
    }

    /// The token of the last event that carried one; empty before the first.
    pub(crate) fn resume_token(&self) -> &str {
        &self.token
    }

    /// The request of the next call.
    pub(crate) fn next_request(&mut self) -> pb::WatchSnapshotsRequest {
        if self.phase == Phase::Initial && self.shown_initial {
            self.restart_reason
                .get_or_insert_with(|| INTERRUPTED.to_owned());
        }
        self.phase = Phase::Opening;
        self.frames.clear();
        let start = if !self.token.is_empty() {
            Start::ResumeToken(self.token.clone())
        } else if self.from_initial_state {
            Start::InitialState(pb::WatchFromInitialState {})
        } else {
            Start::Now(pb::WatchFromNow {})
        };
        pb::WatchSnapshotsRequest {
            start: Some(start),
            ..self.template.clone()
        }
    }

    /// Takes the frames of a response.
    pub(crate) fn receive(&mut self, response: pb::WatchSnapshotsResponse) {
        self.frames.extend(response.frames);
    }

    /// The next event to hand to the consumer; None when another response is needed.
    pub(crate) fn next_event(&mut self) -> Option<WatchEvent> {
        while let Some(frame) = self.frames.pop_front() {
            if matches!(frame.frame, Some(Frame::Opened(_))) {
                // Said only now, when a new view is about to come: until then the consumer's old
                // view is the best that there is. The frame itself stays for next time.
                if let Some(reason) = self.restart_reason.take() {
                    self.frames.push_front(frame);
                    self.shown_initial = false;
                    return Some(WatchEvent::Restarted { reason });
                }
            }
            if let Some(event) = self.event(frame) {
                return Some(event);
            }
        }
        None
    }

    /// Decides what the end of a call means: how long to wait before the next one, or the error if
    /// there is none. Without an error the server ended the stream with OK, which it does only to
    /// be resumed elsewhere.
    pub(crate) fn ended(&mut self, error: Option<Error>, jitter: f64) -> Result<Duration> {
        self.failures = self.failures.saturating_add(1);
        let backoff = self.policy.backoff(self.failures, jitter);
        let Some(error) = error else {
            return Ok(backoff);
        };
        if error.code() == Code::OutOfRange && self.restart_if_lost {
            self.lose(&error);
        } else if !is_absence(&error) {
            return Err(error);
        }
        // A watch that never opened may have a wrong address, which waiting does not mend; one that
        // was open once waits for its server as long as it takes.
        if !self.was_open && self.failures >= self.policy.max_attempts {
            return Err(error);
        }
        Ok(backoff.saturating_add(error.retry_after().unwrap_or_default()))
    }

    fn lose(&mut self, error: &Error) {
        self.token.clear();
        self.from_initial_state = true;
        let reason = error.reason().map_or("OUT_OF_RANGE", Reason::as_str);
        self.restart_reason = Some(reason.to_owned());
    }

    /// The event of a frame, with which the token moves.
    fn event(&mut self, frame: pb::WatchFrame) -> Option<WatchEvent> {
        match &frame.frame {
            Some(Frame::Opened(_)) => {
                let initial = self.token.is_empty() && self.from_initial_state;
                self.phase = if initial { Phase::Initial } else { Phase::Live };
                self.was_open = true;
                self.failures = 0;
            }
            Some(Frame::InitialStateEnd(_)) => self.phase = Phase::Live,
            _ => {}
        }
        // Inside the initial state no token is safe, whatever a frame says: after a cut all of its
        // heads must come again.
        let initial = self.phase == Phase::Initial;
        let resume_token = if initial {
            String::new()
        } else {
            frame.resume_token
        };
        if !resume_token.is_empty() {
            self.token.clone_from(&resume_token);
        }
        match frame.frame {
            Some(Frame::Opened(opened)) => {
                Some(WatchEvent::Opened(opened_event(&opened, resume_token)))
            }
            Some(Frame::Change(change)) => {
                self.shown_initial |= initial;
                Some(self.change_event(change, initial, resume_token))
            }
            Some(Frame::InitialStateEnd(end)) => {
                let execution_count = end.execution_count;
                Some(WatchEvent::InitialStateEnd {
                    execution_count,
                    resume_token,
                })
            }
            Some(Frame::CaughtUp(_)) => Some(WatchEvent::CaughtUp { resume_token }),
            Some(Frame::Progress(_)) => Some(WatchEvent::Progress { resume_token }),
            // Goodbye announces the end that follows; a kind that this version does not know is
            // passed over, but its token still counts.
            Some(Frame::Goodbye(_)) | None => None,
        }
    }

    fn change_event(
        &self,
        change: pb::SnapshotChange,
        initial: bool,
        resume_token: String,
    ) -> WatchEvent {
        let kind = ChangeKind::from_wire(change.kind);
        let partial = kind != ChangeKind::Saved || change.content_gone;
        let message = change.snapshot.unwrap_or_default();
        WatchEvent::Change(Box::new(Change {
            kind,
            snapshot: StoredSnapshot::new(message, &self.codec, partial),
            initial,
            content_gone: change.content_gone,
            resume_token,
        }))
    }
}

fn opened_event(opened: &pb::WatchOpened, resume_token: String) -> WatchOpened {
    let interval = opened.progress_interval.unwrap_or_default();
    WatchOpened {
        mode: WatchMode::from_wire(opened.mode),
        full: opened.view == pb::SnapshotView::Full as i32,
        max_message_bytes: opened.max_message_bytes,
        progress_interval: interval.try_into().unwrap_or_default(),
        resume_token,
    }
}

#[cfg(test)]
#[path = "watching_tests.rs"]
mod tests;
