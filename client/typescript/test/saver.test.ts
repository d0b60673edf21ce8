import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeSnapshot, type EncodedSnapshot } from "../src/encoding.js";
import type { Execution } from "../src/execution.js";
import * as sf from "../src/index.js";
import { Saver } from "../src/saver.js";
import { FakeClock } from "./clock.js";

/** Saves that a test answers one by one. */
class Bench {
  readonly clock = new FakeClock();
  readonly saver: Saver;
  readonly #saves: Save[] = [];
  readonly #wanted: ((save: Save) => void)[] = [];

  constructor(maxAbsenceMs = 60_000) {
    const execution = {
      encode: (snapshot: sf.Snapshot) => encodeSnapshot(snapshot, sf.jsonCodec),
      saveEncoded: (snapshot: EncodedSnapshot, options: sf.SaveOptions) => {
        const { promise, resolve, reject } = deferred<sf.Saved>();
        const sequence = Number(snapshot.header.sequenceNumber);
        const save = { sequence, options, reject, resolve: () => resolve(saved(sequence)) };
        const wanted = this.#wanted.shift();
        if (wanted === undefined) {
          this.#saves.push(save);
        } else {
          wanted(save);
        }
        return promise;
      },
    };
    this.saver = new Saver(execution as unknown as Execution, {
      timeoutMs: 30_000,
      maxAbsenceMs,
      retry: sf.DEFAULT_RETRY,
      clock: this.clock,
    });
  }

  submit(sequenceNumber: number, options = {}): void {
    this.saver.submit({ state: sf.ExecutionState.RUNNING, sequenceNumber }, options);
  }

  /** The next save. */
  next(): Promise<Save> {
    const save = this.#saves.shift();
    return save ? Promise.resolve(save) : new Promise((resolve) => this.#wanted.push(resolve));
  }
}

interface Save {
  readonly sequence: number;
  readonly options: sf.SaveOptions;
  resolve(): void;
  reject(error: unknown): void;
}

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function saved(sequence: number): sf.Saved {
  const version = BigInt(sequence);
  const outcome = sf.SaveOutcome.UPDATED;
  return { version, etag: `e${version}`, revision: version, resumeToken: "", outcome };
}

test("the newest state wins, and a flush waits for it", async () => {
  const bench = new Bench();
  bench.submit(1);
  const first = await bench.next();
  assert.equal(first.sequence, 1);
  [2, 3, 4].forEach((sequence) => bench.submit(sequence));
  const flushed = bench.saver.flush();
  first.resolve();
  const second = await bench.next();
  assert.equal(second.sequence, 4);
  second.resolve();
  assert.deepEqual(await flushed, saved(4));
});

test("a flush waits for what was submitted before it, not for what comes after", async () => {
  const bench = new Bench();
  bench.submit(1);
  const first = await bench.next();
  const flushed = bench.saver.flush();
  bench.submit(2);
  first.resolve();
  assert.deepEqual(await flushed, saved(1));
  (await bench.next()).resolve();
  await bench.saver.close();
});

test("a flush without a submit has nothing to wait for", async () => {
  assert.equal(await new Bench().saver.flush(), undefined);
});

test("a submit takes a copy, and refuses what cannot be encoded", async () => {
  const bench = new Bench();
  const state = sf.ExecutionState.RUNNING;
  assert.throws(
    () => bench.saver.submit({ state, variables: { f: () => 1 } }),
    sf.ValueEncodeError,
  );
  for (const wrong of [
    { state: 1e12 as number },
    { state, timestampNs: 10n ** 40n },
    { state, userId: "\ud800" },
  ]) {
    assert.throws(() => bench.saver.submit(wrong), sf.InvalidFieldError);
  }
  assert.throws(() => bench.saver.submit({ state }, { ttlMs: 1e300 }), sf.InvalidFieldError);
  bench.submit(1, { ttlMs: 5, allowSequenceRegression: true });
  const save = await bench.next();
  assert.equal(save.options.ttlMs, 5);
  assert.equal(save.options.allowSequenceRegression, true);
  save.resolve();
  await bench.saver.flush();
});

test("an absence is ridden out, and the newest state is tried", async () => {
  const bench = new Bench();
  bench.submit(1);
  (await bench.next()).reject(new sf.UnavailableError("", { retryAfterMs: 10 }));
  const second = await bench.next();
  assert.equal(second.sequence, 1);
  bench.submit(2);
  second.reject(new sf.DeadlineExceededError());
  const third = await bench.next();
  assert.equal(third.sequence, 2);
  assert.deepEqual(bench.clock.slept, [60, 100]);
  third.resolve();
  assert.deepEqual(await bench.saver.flush(), saved(2));
});

test("an absence that lasts too long stops the saver", async () => {
  const bench = new Bench(1_000);
  bench.submit(1);
  const first = await bench.next();
  assert.equal(first.options.timeoutMs, 1_000);
  first.reject(new sf.UnavailableError());
  const second = await bench.next();
  assert.equal(second.options.timeoutMs, 950);
  bench.clock.time = 1_000;
  const gone = new sf.UnavailableError("gone");
  const flushed = assert.rejects(bench.saver.flush(), (error) => error === gone);
  second.reject(gone);
  await flushed;
  assert.throws(
    () => bench.submit(2),
    (error) => error === gone,
  );
  await assert.rejects(bench.saver.close(), (error) => error === gone);
});

test("an absence counts from when the first try that failed was begun", async () => {
  const bench = new Bench(5_000);
  bench.clock.time = 1_000;
  bench.submit(1);
  const first = await bench.next();
  bench.clock.time = 4_000;
  first.reject(new sf.UnavailableError());
  const second = await bench.next();
  assert.equal(second.options.timeoutMs, 1_950);
  second.resolve();
  await bench.saver.flush();
  bench.submit(2);
  const swallowed = await bench.next();
  bench.clock.time += 5_000;
  const late = new sf.DeadlineExceededError();
  const flushed = assert.rejects(bench.saver.flush(), (error) => error === late);
  swallowed.reject(late);
  await flushed;
});

test("a server that wants to be left alone for longer does not make the absence longer", async () => {
  const bench = new Bench(1_000);
  bench.submit(1);
  (await bench.next()).reject(new sf.ShuttingDownError("", { retryAfterMs: 3_600_000 }));
  const last = await bench.next();
  assert.deepEqual(bench.clock.slept, [1_000]);
  const flushed = assert.rejects(bench.saver.flush(), sf.ShuttingDownError);
  last.reject(new sf.ShuttingDownError());
  await flushed;
});

test("an answer ends an absence", async () => {
  const bench = new Bench(1_000);
  bench.submit(1);
  (await bench.next()).reject(new sf.UnavailableError());
  bench.clock.time = 999;
  (await bench.next()).resolve();
  await bench.saver.flush();
  bench.clock.time = 5_000;
  bench.submit(2);
  (await bench.next()).reject(new sf.UnavailableError());
  (await bench.next()).resolve();
  await bench.saver.close();
});

test("what waiting does not mend stops the saver for good", async () => {
  const bench = new Bench();
  bench.submit(1);
  const fenced = new sf.FencedError();
  const flushed = assert.rejects(bench.saver.flush(), (error) => error === fenced);
  (await bench.next()).reject(fenced);
  await flushed;
  assert.throws(
    () => bench.submit(2),
    (error) => error === fenced,
  );
  await assert.rejects(bench.saver.flush(), (error) => error === fenced);
  await assert.rejects(bench.saver.close(), (error) => error === fenced);
});

test("a fault of the client's own reaches who waits", async () => {
  const bench = new Bench();
  bench.submit(1);
  const flushed = bench.saver.flush();
  (await bench.next()).reject(new TypeError("oops"));
  await assert.rejects(flushed, /the saver broke: TypeError: oops/);
});

test("a flush ends with its time or its signal, and the saver goes on", async () => {
  const bench = new Bench();
  bench.submit(1);
  const save = await bench.next();
  await assert.rejects(bench.saver.flush({ timeoutMs: 1 }), sf.DeadlineExceededError);
  const controller = new AbortController();
  const flushed = bench.saver.flush({ signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(flushed, /enough/);
  await assert.rejects(bench.saver.flush({ signal: controller.signal }), /enough/);
  save.resolve();
  assert.deepEqual(await bench.saver.flush(), saved(1));
});

test("the time of a flush may be longer than a timer's", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const delays = context.mock.method(globalThis, "setTimeout").mock;
  const bench = new Bench();
  bench.submit(1);
  const save = await bench.next();
  const flushed = bench.saver.flush({ timeoutMs: 3e9 });
  assert.deepEqual(
    delays.calls.map((call) => call.arguments[1]),
    [2 ** 31 - 1],
  );
  save.resolve();
  assert.deepEqual(await flushed, saved(1));
});

test("a close waits for what was submitted, and refuses what comes after", async () => {
  const bench = new Bench();
  bench.submit(1);
  const closed = bench.saver.close();
  assert.throws(() => bench.submit(2), sf.ClosedError);
  const save = await bench.next();
  save.resolve();
  await closed;
  await bench.saver.close();
  assert.deepEqual(await bench.saver.flush(), saved(1));
});
