import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { WatchSnapshotsResponseSchema, type WatchFrameSchema } from "@stillframe/proto";
import * as sf from "../src/index.js";
import type { WatchRequestOptions } from "../src/options.js";
import { Requests } from "../src/requests.js";
import { Watching } from "../src/watching.js";
import { FakeClock } from "./clock.js";

type Frame = MessageInitShape<typeof WatchFrameSchema>;

const opened = (resumeToken = ""): Frame => ({ resumeToken, frame: { case: "opened", value: {} } });
const progress = (resumeToken: string): Frame => ({
  resumeToken,
  frame: { case: "progress", value: {} },
});
const caughtUp = (resumeToken: string): Frame => ({
  resumeToken,
  frame: { case: "caughtUp", value: {} },
});
const initialStateEnd = (resumeToken: string): Frame => ({
  resumeToken,
  frame: { case: "initialStateEnd", value: { executionCount: 1n } },
});
const goodbye: Frame = { frame: { case: "goodbye", value: {} } };
const change = (resumeToken: string, value = {}): Frame => ({
  resumeToken,
  frame: {
    case: "change",
    value: { kind: sf.ChangeKind.SAVED, snapshot: { executionId: "run-1" }, ...value },
  },
});

function watching(
  options: WatchRequestOptions & { restartIfLost?: boolean } = {},
  retry = sf.DEFAULT_RETRY,
): Watching {
  const request = new Requests("acme", sf.jsonCodec, 1 << 20).watch(options);
  return new Watching(request, {
    codec: sf.jsonCodec,
    retry,
    clock: new FakeClock(),
    restartIfLost: options.restartIfLost ?? false,
  });
}

function receive(watch: Watching, ...frames: Frame[]): void {
  watch.receive(create(WatchSnapshotsResponseSchema, { frames }));
}

/** All events that are ready, in short. */
function events(watch: Watching): string[] {
  const all: string[] = [];
  for (let event = watch.nextEvent(); event !== undefined; event = watch.nextEvent()) {
    const detail = event.type === "restarted" ? event.reason : event.resumeToken;
    const initial = event.type === "change" && event.initial ? " initial" : "";
    all.push(`${event.type}${initial} ${detail}`.trim());
  }
  return all;
}

const start = (watch: Watching) => {
  const { start } = watch.nextRequest();
  return start.case === "resumeToken" ? start.value : start.case;
};

test("a watch starts where it is told", () => {
  assert.equal(start(watching()), "now");
  assert.equal(start(watching({ initialState: true })), "initialState");
  assert.equal(start(watching({ resumeToken: "r1" })), "r1");
});

test("two starts, an empty token, and a projection of nothing are refused", () => {
  const invalid = { name: "InvalidFieldError" };
  assert.throws(() => watching({ resumeToken: "r1", initialState: true }), invalid);
  assert.throws(() => watching({ resumeToken: "" }), invalid);
  assert.throws(() => watching({ projection: {} }), invalid);
});

test("every kind of frame is an event, but goodbye and what is not known", () => {
  const watch = watching();
  watch.nextRequest();
  receive(watch, opened("r0"), caughtUp("r1"), change("r2"), progress("r3"), goodbye);
  receive(watch, { resumeToken: "r4" });
  assert.deepEqual(events(watch), ["opened r0", "caughtUp r1", "change r2", "progress r3"]);
  assert.equal(watch.resumeToken, "r4");
});

test("the settings come with opened", () => {
  const watch = watching();
  receive(watch, {
    resumeToken: "r0",
    frame: {
      case: "opened",
      value: {
        mode: sf.WatchMode.EVERY_CHANGE,
        view: 2,
        maxMessageBytes: 5n,
        progressInterval: { seconds: 1n, nanos: 500_000_000 },
      },
    },
  });
  assert.deepEqual(watch.nextEvent(), {
    type: "opened",
    mode: sf.WatchMode.EVERY_CHANGE,
    full: true,
    maxMessageBytes: 5n,
    progressIntervalMs: 1_500,
    resumeToken: "r0",
  });
});

test("the token moves when an event is handed out, and what was not comes again", () => {
  const watch = watching();
  watch.nextRequest();
  receive(watch, opened("r0"), change("r1"), change("r2"));
  watch.nextEvent();
  assert.equal(watch.nextEvent()?.type, "change");
  assert.equal(watch.resumeToken, "r1");
  watch.ended(new sf.UnavailableError());
  assert.equal(start(watch), "r1");
  assert.deepEqual(events(watch), []);
});

test("frames of the initial state carry no token, whatever they say", () => {
  const watch = watching({ initialState: true });
  watch.nextRequest();
  receive(watch, opened("r0"), change("r1"), initialStateEnd("r2"), change("r3"));
  assert.deepEqual(events(watch), ["opened", "change initial", "initialStateEnd r2", "change r3"]);
  watch.ended(undefined);
  assert.equal(start(watch), "r3");
});

test("a cut within the initial state starts over, and says so once it is open again", () => {
  const watch = watching({ initialState: true });
  watch.nextRequest();
  receive(watch, opened(), change(""));
  events(watch);
  watch.ended(new sf.UnavailableError());
  assert.equal(start(watch), "initialState");
  watch.ended(new sf.UnavailableError());
  assert.equal(start(watch), "initialState");
  receive(watch, opened(), change(""), initialStateEnd("r2"));
  assert.deepEqual(events(watch), [
    "restarted INTERRUPTED",
    "opened",
    "change initial",
    "initialStateEnd r2",
  ]);
});

test("a cut before anything of the initial state was shown needs no word", () => {
  const watch = watching({ initialState: true });
  watch.nextRequest();
  receive(watch, opened(), change(""));
  assert.equal(watch.nextEvent()?.type, "opened");
  watch.ended(new sf.UnavailableError());
  watch.nextRequest();
  receive(watch, opened());
  assert.deepEqual(events(watch), ["opened"]);
});

for (const ErrorClass of [
  sf.HistoryCompactedError,
  sf.StoreReplacedError,
  sf.RevisionInFutureError,
]) {
  test(`${ErrorClass.name} ends the watch, or restarts it if it was told to`, () => {
    const lost = new ErrorClass("", { reason: "LOST" });
    assert.throws(
      () => watching({ resumeToken: "r1" }).ended(lost),
      (error) => error === lost,
    );
    const watch = watching({ resumeToken: "r1", restartIfLost: true });
    watch.nextRequest();
    watch.ended(lost);
    assert.equal(start(watch), "initialState");
    receive(watch, opened(), change(""), initialStateEnd("r9"));
    assert.deepEqual(events(watch), [
      "restarted LOST",
      "opened",
      "change initial",
      "initialStateEnd r9",
    ]);
  });
}

test("what waiting does not mend ends the watch", () => {
  const watch = watching();
  const denied = new sf.TenantDeniedError();
  assert.throws(
    () => watch.ended(denied),
    (error) => error === denied,
  );
});

test("a watch that never opened gives up; one that was open once does not", () => {
  const watch = watching({}, { ...sf.DEFAULT_RETRY, maxAttempts: 3 });
  assert.equal(watch.ended(new sf.UnavailableError()), 50);
  assert.equal(watch.ended(new sf.UnavailableError("", { retryAfterMs: 7 })), 107);
  assert.throws(() => watch.ended(new sf.UnavailableError()), sf.UnavailableError);
  receive(watch, opened("r0"));
  events(watch);
  for (let failures = 1; failures < 2_000; failures += 1) {
    assert.ok(watch.ended(new sf.UnavailableError()) <= 1_000);
  }
});

test("a change by which an execution ends has no entries to save again", () => {
  const watch = watching();
  watch.nextRequest();
  const partial = (value: object) => {
    receive(watch, change("r1", value));
    const event = watch.nextEvent();
    assert.ok(event?.type === "change");
    return event.snapshot.variables.isPartial;
  };
  assert.equal(partial({}), false);
  assert.equal(partial({ kind: sf.ChangeKind.DELETED }), true);
  assert.equal(partial({ kind: sf.ChangeKind.LEFT_FILTER }), true);
  assert.equal(partial({ contentGone: true }), true);
  assert.equal(partial({ snapshot: { omission: { count: 1n } } }), true);
});
