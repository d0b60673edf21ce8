import assert from "node:assert/strict";
import { test } from "node:test";
import * as sf from "../src/index.js";
import { Attempts, backoff, isAbsence, isTransient, SYSTEM_CLOCK } from "../src/retry.js";
import { FakeClock } from "./clock.js";

test("the bound of the delays doubles from 100 ms to 2 s, with full jitter", () => {
  const bounds = [1, 2, 3, 4, 5, 6, 7, 5_000].map((n) => backoff(sf.DEFAULT_RETRY, n, 1));
  assert.deepEqual(bounds, [100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000]);
  assert.equal(backoff(sf.DEFAULT_RETRY, 3, 0.25), 100);
  assert.equal(backoff(sf.DEFAULT_RETRY, 9, 0), 0);
});

test("what passes by itself is tried again", () => {
  const transient = [
    new sf.UnavailableError(),
    new sf.ShuttingDownError(),
    new sf.StoreUnavailableError(),
    new sf.ServerBusyError(),
    new sf.RateLimitedError(),
    new sf.CallCancelledError(),
  ];
  for (const error of transient) {
    assert.ok(isTransient(error) && isAbsence(error), error.name);
  }
  const final = [
    new sf.FencedError(),
    new sf.SnapshotTooLargeError(),
    new sf.QuotaExceededError(),
    new sf.ResourceExhaustedError(),
    new sf.InvalidFieldError(),
    new sf.InternalError("", { reason: "INTERNAL" }),
    new sf.ClosedError(),
    new sf.AbortedError(),
  ];
  for (const error of final) {
    assert.ok(!isTransient(error) && !isAbsence(error), error.name);
  }
});

test("after the timeout, or what a proxy made up, nobody knows whether the call took effect", () => {
  for (const error of [
    new sf.DeadlineExceededError(),
    new sf.InternalError(),
    new sf.UnknownError(),
  ]) {
    assert.ok(!isTransient(error) && isAbsence(error), error.name);
  }
});

test("tries are counted", () => {
  const clock = new FakeClock();
  const attempts = new Attempts({ ...sf.DEFAULT_RETRY, maxAttempts: 3 }, Infinity, clock);
  assert.equal(attempts.delayAfter(new sf.UnavailableError()), 50);
  assert.equal(attempts.delayAfter(new sf.UnavailableError()), 100);
  assert.equal(attempts.delayAfter(new sf.UnavailableError()), undefined);
});

test("what is not transient is final at once", () => {
  const attempts = new Attempts(sf.DEFAULT_RETRY, Infinity, new FakeClock());
  assert.equal(attempts.delayAfter(new sf.FencedError()), undefined);
});

test("the time that the server names comes on top", () => {
  const attempts = new Attempts(sf.DEFAULT_RETRY, Infinity, new FakeClock());
  assert.equal(attempts.delayAfter(new sf.ServerBusyError("", { retryAfterMs: 700 })), 750);
});

test("a wait that uses the time up leaves none for a try", () => {
  const clock = new FakeClock();
  const attempts = new Attempts(sf.DEFAULT_RETRY, 1_000, clock);
  assert.equal(attempts.remaining(), 1_000);
  clock.time = 940;
  assert.equal(attempts.delayAfter(new sf.UnavailableError()), 50);
  clock.time = 950;
  assert.equal(attempts.delayAfter(new sf.UnavailableError()), undefined);
  clock.time = 2_000;
  assert.equal(attempts.remaining(), 0);
});

test("the defaults ride out the restart of a server", () => {
  const clock = new FakeClock();
  const attempts = new Attempts(sf.DEFAULT_RETRY, 30_000, clock);
  for (let delay = attempts.delayAfter(new sf.UnavailableError()); delay !== undefined;) {
    clock.time += delay;
    delay = attempts.delayAfter(new sf.UnavailableError());
  }
  assert.ok(clock.time > 15_000, `${clock.time}`);
});

test("a sleep ends early with its signal", async () => {
  const controller = new AbortController();
  const asleep = SYSTEM_CLOCK.sleep(1_000_000, controller.signal);
  controller.abort();
  await asleep;
  await SYSTEM_CLOCK.sleep(1_000_000, controller.signal);
});

test("a sleep may be longer than a timer's", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const delays = context.mock.method(globalThis, "setTimeout").mock;
  const controller = new AbortController();
  const asleep = SYSTEM_CLOCK.sleep(2 ** 31 + 4, controller.signal);
  context.mock.timers.tick(2 ** 31 - 1);
  context.mock.timers.tick(5);
  await asleep;
  assert.deepEqual(
    delays.calls.map((call) => call.arguments[1]),
    [2 ** 31 - 1, 5],
  );
  const cut = SYSTEM_CLOCK.sleep(2 ** 40, controller.signal);
  context.mock.timers.tick(2 ** 31 - 1);
  controller.abort();
  await cut;
});
