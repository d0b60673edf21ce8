import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { SaveSnapshotRequestSchema, type SaveSnapshotRequest } from "@stillframe/proto";
import type { Call } from "../src/call.js";
import { encodeSnapshot } from "../src/encoding.js";
import * as sf from "../src/index.js";
import { Requests } from "../src/requests.js";
import { Tracker } from "../src/tracking.js";
import { Values } from "../src/values.js";

const LONG = "x".repeat(200);

/** A tracker, and a server that answers what it is told to, or with etags in a row. */
class Bench {
  readonly sent: SaveSnapshotRequest[] = [];
  readonly answers: (sf.StillframeError | Error)[] = [];
  readonly tracker: Tracker;

  constructor(options: { overwrite?: boolean } = {}) {
    const requests = new Requests("acme", sf.jsonCodec, 1 << 20);
    this.tracker = new Tracker(requests, "run-1", { overwrite: options.overwrite ?? false });
  }

  save(
    variables: Record<string, unknown>,
    options = {},
    stepOutputs: Record<string, unknown> = {},
  ): Promise<sf.Saved> {
    const state = sf.ExecutionState.RUNNING;
    const snapshot = encodeSnapshot({ state, variables, stepOutputs }, sf.jsonCodec);
    return this.tracker.save(snapshot, options, (call) => this.#send(call));
  }

  get last(): SaveSnapshotRequest {
    const last = this.sent.at(-1);
    assert.ok(last);
    return last;
  }

  /** What the last request is against: a delta's base, or the etag that a whole one expects. */
  get base(): string | undefined {
    const { content, expectedEtag } = this.last;
    return content.case === "delta" ? `delta ${content.value.base.value}` : expectedEtag;
  }

  async #send(call: Call<sf.Saved>): Promise<sf.Saved> {
    // By way of the wire, so that it is what a server would see.
    const bytes = toBinary(SaveSnapshotRequestSchema, call.request as SaveSnapshotRequest);
    this.sent.push(fromBinary(SaveSnapshotRequestSchema, bytes));
    const failure = this.answers.shift();
    if (failure !== undefined) {
      throw failure;
    }
    const version = BigInt(this.sent.length);
    return {
      version,
      etag: `e${version}`,
      revision: version,
      resumeToken: "",
      outcome: sf.SaveOutcome.UPDATED,
    };
  }
}

function delta(request: SaveSnapshotRequest) {
  assert.equal(request.content.case, "delta");
  const { snapshot, removedStepOutputs, removedVariables } = request.content.value as Extract<
    SaveSnapshotRequest["content"],
    { case: "delta" }
  >["value"];
  return {
    variables: Object.keys(snapshot?.variables ?? {}),
    stepOutputs: Object.keys(snapshot?.stepOutputs ?? {}),
    removedStepOutputs,
    removedVariables,
  };
}

function stored(variables: Record<string, unknown>, partial = false): sf.StoredSnapshot {
  const payloads = new Map(
    Object.entries(variables).map(([key, each]) => [key, sf.jsonCodec.encode(each)]),
  );
  return {
    etag: "loaded",
    stepOutputs: new Values("step_outputs", new Map(), sf.jsonCodec, { partial: false }),
    variables: new Values("variables", payloads, sf.jsonCodec, { partial }),
  } as sf.StoredSnapshot;
}

test("the first save is whole and expects nothing", async () => {
  const bench = new Bench();
  await bench.save({ a: 1 });
  assert.equal(bench.last.content.case, "snapshot");
  assert.equal(bench.base, undefined);
  assert.match(bench.last.requestId, /^[0-9a-f]{32}$/);
});

test("a later save sends what was set and what was removed, against the last etag", async () => {
  const bench = new Bench();
  await bench.save({ kept: LONG, changed: 1, removed: 2 }, {}, { s1: LONG, s2: 1 });
  await bench.save({ kept: LONG, changed: 2, added: 3 }, {}, { s1: LONG });
  assert.equal(bench.base, "delta e1");
  assert.deepEqual(delta(bench.last), {
    variables: ["changed", "added"],
    stepOutputs: [],
    removedStepOutputs: ["s2"],
    removedVariables: ["removed"],
  });
  assert.notEqual(bench.sent[0]?.requestId, bench.sent[1]?.requestId);
});

test("where a delta is no smaller, the whole goes, and expects the last etag", async () => {
  const bench = new Bench();
  await bench.save({ a: 1 });
  await bench.save({ a: 2 });
  assert.equal(bench.last.content.case, "snapshot");
  assert.equal(bench.base, "e1");
});

test("the same state again is an empty delta", async () => {
  const bench = new Bench();
  await bench.save({ a: LONG });
  await bench.save({ a: LONG });
  assert.deepEqual(delta(bench.last).variables, []);
});

test("a loaded head is a base, unless it leaves something out", async () => {
  const bench = new Bench();
  bench.tracker.know(stored({ a: LONG }));
  await bench.save({ a: LONG, b: 1 });
  assert.equal(bench.base, "delta loaded");
  bench.tracker.know(stored({ a: LONG }, true));
  await bench.save({ a: LONG, b: 1 });
  assert.equal(bench.last.content.case, "snapshot");
  assert.equal(bench.base, undefined);
  bench.tracker.know(undefined);
  await bench.save({ a: LONG });
  assert.equal(bench.base, undefined);
});

test("after a delete nothing is known", async () => {
  const bench = new Bench();
  await bench.save({ a: LONG });
  bench.tracker.forget();
  await bench.save({ a: LONG });
  assert.equal(bench.base, undefined);
});

test("mustNotExist sends the whole, without a base", async () => {
  const bench = new Bench();
  await bench.save({ a: LONG });
  await bench.save({ a: LONG }, { mustNotExist: true });
  assert.equal(bench.last.content.case, "snapshot");
  assert.equal(bench.base, undefined);
});

for (const ErrorClass of [
  sf.DeltaBaseMismatchError,
  sf.EtagMismatchError,
  sf.ExecutionNotFoundError,
]) {
  test(`${ErrorClass.name} is the caller's to see, again and again`, async () => {
    const bench = new Bench();
    await bench.save({ a: LONG });
    bench.answers.push(new ErrorClass(), new ErrorClass());
    await assert.rejects(bench.save({ a: LONG, b: 1 }), ErrorClass);
    await assert.rejects(bench.save({ a: LONG, b: 1 }), ErrorClass);
    assert.equal(bench.base, "delta e1");
    assert.equal(bench.sent.length, 3);
  });

  test(`with overwrite the whole follows ${ErrorClass.name}, under another request_id`, async () => {
    const bench = new Bench({ overwrite: true });
    await bench.save({ a: LONG });
    bench.answers.push(new ErrorClass());
    await bench.save({ a: LONG, b: 1 }, { requestId: "mine" });
    assert.equal(bench.sent[1]?.requestId, "mine");
    assert.notEqual(bench.last.requestId, "mine");
    assert.equal(bench.last.content.case, "snapshot");
    assert.equal(bench.base, undefined);
    await bench.save({ a: LONG, b: 2 });
    assert.equal(bench.base, "delta e3");
  });
}

test("with overwrite a whole save expects nothing, but what its caller expects", async () => {
  const bench = new Bench({ overwrite: true });
  await bench.save({ a: 1 });
  await bench.save({ a: 2 });
  assert.equal(bench.base, undefined);
  bench.answers.push(new sf.EtagMismatchError());
  await assert.rejects(bench.save({ a: 3 }, { expectedEtag: "x" }), sf.EtagMismatchError);
  assert.equal(bench.base, "x");
});

for (const lost of [
  new sf.UnavailableError(),
  new sf.DeadlineExceededError(),
  new sf.InternalError(),
  new DOMException("given up", "AbortError"),
]) {
  test(`a save without an answer (${lost.name}) is repeated first`, async () => {
    const bench = new Bench();
    await bench.save({ a: LONG });
    bench.answers.push(lost);
    await assert.rejects(bench.save({ a: LONG, b: 1 }), (error) => error === lost);
    await bench.save({ a: LONG, b: 2 });
    assert.deepEqual(bench.sent[2], bench.sent[1]);
    assert.equal(bench.base, "delta e3");
    assert.deepEqual(delta(bench.last).variables, ["b"]);
  });
}

test("while there is no answer it stays owed, and the new state is not sent", async () => {
  const bench = new Bench();
  bench.answers.push(new sf.UnavailableError(), new sf.UnavailableError());
  await assert.rejects(bench.save({ a: 1 }), sf.UnavailableError);
  await assert.rejects(bench.save({ a: 2 }), sf.UnavailableError);
  assert.deepEqual(bench.sent[1], bench.sent[0]);
  await bench.save({ a: 2 });
  assert.deepEqual(bench.sent[2], bench.sent[0]);
  assert.equal(bench.sent.length, 4);
});

test("a repeat that is refused never took effect, and the new state is sent", async () => {
  const bench = new Bench();
  await bench.save({ a: LONG });
  bench.answers.push(new sf.UnavailableError(), new sf.DeltaBaseMismatchError());
  await assert.rejects(bench.save({ a: LONG, b: 1 }), sf.UnavailableError);
  await bench.save({ a: LONG, b: 2 });
  assert.equal(bench.sent.length, 4);
  assert.equal(bench.base, "delta e1");
});

test("loading settles what is owed", async () => {
  const bench = new Bench();
  bench.answers.push(new sf.UnavailableError());
  await assert.rejects(bench.save({ a: LONG }), sf.UnavailableError);
  bench.tracker.know(stored({ a: LONG }));
  await bench.save({ a: LONG });
  assert.equal(bench.sent.length, 2);
  assert.equal(bench.base, "delta loaded");
});

test("a request above the bound is refused before it is sent, and owes nothing", async () => {
  const bench = new Bench();
  await assert.rejects(bench.save({ a: "x".repeat(1 << 20) }), {
    name: "SnapshotTooLargeError",
    reason: "SNAPSHOT_TOO_LARGE",
  });
  assert.equal(bench.sent.length, 0);
  await bench.save({ a: 1 });
  assert.equal(bench.sent.length, 1);
});
