/**
 * The state of a watch over its connections (no I/O).
 *
 * A watch is one stream of events made of many calls. `Watching` says which request to send next,
 * turns the frames that come back into events, and decides what the end of a call means. What it
 * guarantees: in EVERY_CHANGE no change is lost or delivered twice over reconnections. That holds
 * because the resume token moves when an event is handed out, not when its message arrives:
 * frames that came and were not handed out come again.
 */

import { create } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import {
  ChangeKind,
  SnapshotView,
  WatchFromInitialStateSchema,
  WatchFromNowSchema,
  type SnapshotChange,
  type WatchFrame,
  type WatchOpened,
  type WatchSnapshotsRequest,
  type WatchSnapshotsResponse,
} from "@stillframe/proto";
import { storedSnapshot } from "./decoding.js";
import { OutOfRangeError, type StillframeError } from "./errors.js";
import type { WatchEvent } from "./events.js";
import type { Codec } from "./payload.js";
import { backoff, isAbsence, type Clock, type RetryPolicy } from "./retry.js";

/** The reason of a Restarted event after a cut during the initial state. */
const INTERRUPTED = "INTERRUPTED";

/** What a watch needs besides its request. */
export interface WatchingOptions {
  readonly codec: Codec;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  readonly restartIfLost: boolean;
}

/**
 * One watch. Drive it so: send `nextRequest()`; for each response `receive()` it and take
 * `nextEvent()` until undefined; when the call ends `ended()`, wait as long as it says, and begin
 * again.
 */
export class Watching {
  readonly #template: WatchSnapshotsRequest;
  readonly #options: WatchingOptions;
  #fromInitialState: boolean;
  #token: string;
  #phase: "opening" | "initial" | "live" = "opening";
  #frames: WatchFrame[] = [];
  /** How many of the frames were taken. */
  #taken = 0;
  #restartReason = "";
  #wasOpen = false;
  #shownInitial = false;
  #failures = 0;

  constructor(request: WatchSnapshotsRequest, options: WatchingOptions) {
    const { start } = request;
    this.#template = request;
    this.#options = options;
    this.#fromInitialState = start.case === "initialState";
    this.#token = start.case === "resumeToken" ? start.value : "";
  }

  /** The token of the last event that carried one; empty before the first. */
  get resumeToken(): string {
    return this.#token;
  }

  /** The request of the next call. */
  nextRequest(): WatchSnapshotsRequest {
    if (this.#phase === "initial" && this.#shownInitial) {
      this.#restartReason ||= INTERRUPTED;
    }
    this.#phase = "opening";
    this.#frames = [];
    this.#taken = 0;
    const request = { ...this.#template };
    if (this.#token !== "") {
      request.start = { case: "resumeToken", value: this.#token };
    } else if (this.#fromInitialState) {
      request.start = { case: "initialState", value: create(WatchFromInitialStateSchema) };
    } else {
      request.start = { case: "now", value: create(WatchFromNowSchema) };
    }
    return request;
  }

  /** Takes the frames of a response. */
  receive(response: WatchSnapshotsResponse): void {
    this.#frames = [...this.#frames.slice(this.#taken), ...response.frames];
    this.#taken = 0;
  }

  /** The next event to hand to the consumer; undefined when another response is needed. */
  nextEvent(): WatchEvent | undefined {
    for (;;) {
      const frame = this.#frames[this.#taken];
      if (frame === undefined) {
        return undefined;
      }
      if (frame.frame.case === "opened" && this.#restartReason !== "") {
        // Said only now, when a new view is about to come: until then the consumer's old view is
        // the best that there is. The frame itself stays for next time.
        const reason = this.#restartReason;
        this.#restartReason = "";
        this.#shownInitial = false;
        return { type: "restarted", reason };
      }
      this.#taken += 1;
      const event = this.#event(frame);
      this.#token = this.#safe(frame) || this.#token;
      if (event !== undefined) {
        return event;
      }
    }
  }

  /**
   * Decides what the end of a call means: how many milliseconds to wait before the next one.
   * Throws the error if there is none.
   *
   * `error` is undefined when the server ended the stream with OK, which it does only to be
   * resumed elsewhere.
   */
  ended(error: StillframeError | undefined): number {
    const { retry, clock, restartIfLost } = this.#options;
    this.#failures += 1;
    if (error instanceof OutOfRangeError && restartIfLost) {
      this.#lose(error);
    } else if (error !== undefined && !isAbsence(error)) {
      throw error;
    }
    // A watch that never opened may have a wrong address, which waiting does not mend; one that
    // was open once waits for its server as long as it takes.
    if (error !== undefined && !this.#wasOpen && this.#failures >= retry.maxAttempts) {
      throw error;
    }
    return backoff(retry, this.#failures, clock.random()) + (error?.retryAfterMs ?? 0);
  }

  #lose(error: OutOfRangeError): void {
    this.#token = "";
    this.#fromInitialState = true;
    this.#restartReason = error.reason || error.code;
  }

  /** Inside the initial state no token is safe: after a cut all of its heads must come again. */
  #safe(frame: WatchFrame): string {
    return this.#phase === "initial" ? "" : frame.resumeToken;
  }

  #event(frame: WatchFrame): WatchEvent | undefined {
    switch (frame.frame.case) {
      case "opened":
        return this.#opened(frame, frame.frame.value);
      case "change":
        return this.#change(frame, frame.frame.value);
      case "initialStateEnd": {
        this.#phase = "live";
        const { executionCount } = frame.frame.value;
        return { type: "initialStateEnd", executionCount, resumeToken: this.#safe(frame) };
      }
      case "caughtUp":
        return { type: "caughtUp", resumeToken: this.#safe(frame) };
      case "progress":
        return { type: "progress", resumeToken: this.#safe(frame) };
      default:
        // Goodbye announces the end that follows; a kind that this version does not know is
        // passed over, but its token still counts.
        return undefined;
    }
  }

  #opened(frame: WatchFrame, opened: WatchOpened): WatchEvent {
    this.#phase = this.#token === "" && this.#fromInitialState ? "initial" : "live";
    this.#wasOpen = true;
    this.#failures = 0;
    return {
      type: "opened",
      mode: opened.mode,
      full: opened.view === SnapshotView.FULL,
      maxMessageBytes: opened.maxMessageBytes,
      progressIntervalMs: opened.progressInterval ? durationMs(opened.progressInterval) : 0,
      resumeToken: this.#safe(frame),
    };
  }

  #change(frame: WatchFrame, change: SnapshotChange): WatchEvent | undefined {
    const { kind, contentGone, snapshot } = change;
    if (snapshot === undefined) {
      return undefined;
    }
    const initial = this.#phase === "initial";
    this.#shownInitial ||= initial;
    const partial = kind !== ChangeKind.SAVED || contentGone;
    return {
      type: "change",
      kind,
      snapshot: storedSnapshot(snapshot, this.#options.codec, { partial }),
      initial,
      contentGone,
      resumeToken: this.#safe(frame),
    };
  }
}
