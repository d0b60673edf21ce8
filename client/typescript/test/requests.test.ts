import assert from "node:assert/strict";
import { test } from "node:test";
import { durationOf, encodeSnapshot, int64, timestampOf } from "../src/encoding.js";
import * as history from "../src/history.js";
import * as sf from "../src/index.js";
import * as memory from "../src/memory.js";
import { parseTarget } from "../src/target.js";
import { filterMessage, selectorMessage } from "../src/queries.js";
import { Requests } from "../src/requests.js";
import { Values } from "../src/values.js";

const requests = new Requests("acme", sf.jsonCodec, 1_000);

function refuses(field: string, run: () => unknown): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof sf.InvalidFieldError);
    assert.equal(error.reason, "INVALID_FIELD");
    assert.deepEqual(error.metadata, { field });
    assert.deepEqual(
      error.violations.map((each) => each.field),
      [field],
    );
    return true;
  });
}

test("64-bit numbers are taken as bigint or as safe integers", () => {
  assert.equal(int64("x", 7), 7n);
  assert.equal(int64("x", 2n ** 64n - 1n), 2n ** 64n - 1n);
  assert.equal(int64("x", undefined), undefined);
  for (const wrong of [1.5, NaN, 2 ** 53, -1, -1n, 2n ** 64n]) {
    refuses("x", () => int64("x", wrong));
  }
});

test("times are exact, also before the epoch", () => {
  const cases: [bigint, bigint, number][] = [
    [0n, 0n, 0],
    [1n, 0n, 1],
    [-1n, -1n, 999_999_999],
    [-1_000_000_000n, -1n, 0],
    [1_709_251_199_000_000_001n, 1_709_251_199n, 1],
  ];
  for (const [ns, seconds, nanos] of cases) {
    assert.deepEqual(timestampOf("x", ns), { seconds, nanos });
  }
});

test("a time is of the years 1 to 9999", () => {
  const first = BigInt(Date.parse("0001-01-01T00:00:00Z")) * 1_000_000n;
  const last = BigInt(Date.parse("9999-12-31T23:59:59Z")) * 1_000_000n + 999_999_999n;
  assert.deepEqual(timestampOf("x", first), { seconds: -62_135_596_800n, nanos: 0 });
  assert.deepEqual(timestampOf("x", last), { seconds: 253_402_300_799n, nanos: 999_999_999 });
  for (const wrong of [first - 1n, last + 1n, 10n ** 40n]) {
    refuses("x", () => timestampOf("x", wrong));
  }
  const state = sf.ExecutionState.RUNNING;
  refuses("snapshot.timestamp", () =>
    encodeSnapshot({ state, timestampNs: 10n ** 40n }, sf.jsonCodec),
  );
  const filter = { criteria: { timestampMinNs: 10n ** 40n } };
  refuses("filter.criteria.timestamp_min", () => requests.listPage({ filter }));
  const { criteria } = filter;
  refuses("criteria.timestamp_min", () => requests.historyPage("run-1", { criteria }));
  refuses("selector.latest_matching.timestamp_min", () => requests.load("run-1", { criteria }));
});

test("the size of a page is a number of 32 bits", () => {
  for (const pageSize of [-1, 1.5, NaN, 2 ** 32]) {
    refuses("page_size", () => requests.listPage({ pageSize }));
    refuses("page_size", () => requests.historyPage("run-1", { pageSize }));
    refuses("page_size", () => memory.listKeysPage("acme", { pageSize }));
  }
  const { request } = requests.listPage({ pageSize: 2 ** 32 - 1 });
  assert.equal((request as unknown as { pageSize: number }).pageSize, 2 ** 32 - 1);
});

test("an enum is a number of 32 bits", () => {
  const beyond: number = 1e12;
  const state = sf.ExecutionState.WAITING;
  refuses("snapshot.state", () => encodeSnapshot({ state: beyond }, sf.jsonCodec));
  refuses("snapshot.wait_reason", () =>
    encodeSnapshot({ state, waitReason: 1.5 as number }, sf.jsonCodec),
  );
  refuses("filter.states", () => filterMessage({ states: [beyond] }));
  refuses("filter.state_classes", () => filterMessage({ stateClasses: [-beyond] }));
  refuses("filter.wait_reasons", () => filterMessage({ waitReasons: [NaN] }));
  refuses("mode", () => requests.watch({ mode: beyond }));
  // One that a later version of the contract may have.
  assert.equal(encodeSnapshot({ state: 77 as number }, sf.jsonCodec).header.state, 77);
});

test("a request that cannot be encoded is refused when it is made", () => {
  const text = "text" as unknown as Uint8Array;
  const refused = { name: "InvalidFieldError", reason: "INVALID_FIELD", message: /cannot encode/ };
  assert.throws(() => memory.setValue(requests, "key", text, {}), refused);
});

test("an entry that cannot be sent is refused when it is encoded", () => {
  const state = sf.ExecutionState.RUNNING;
  const encode = (variables: sf.Entries, codec = sf.jsonCodec) =>
    encodeSnapshot({ state, variables }, codec);
  refuses("snapshot.variables", () => encode({ "\ud800": 1 }));
  const loaded = new Values("variables", new Map(), sf.jsonCodec, { partial: false });
  refuses("snapshot.variables", () => encode(loaded.set("\ud800", 1)));
  const data = new Uint8Array();
  refuses("snapshot.variables", () => encode({ a: new sf.Payload(data, { encoding: "\ud800" }) }));
  refuses("snapshot.variables", () => encode({ a: new sf.Payload(data, { codecs: ["\ud800"] }) }));
  const careless = { ...sf.jsonCodec, encode: () => undefined as unknown as sf.Payload };
  assert.throws(() => encode({ a: 1 }, careless), { key: 'variables["a"]' });
  const text = new sf.Payload("text" as unknown as Uint8Array);
  assert.throws(() => encode({ a: text }), { key: 'variables["a"]' });
});

test("a ttl is exact to the nanosecond, not negative, and finite", () => {
  assert.deepEqual(durationOf(1_500), { seconds: 1n, nanos: 500_000_000 });
  assert.deepEqual(durationOf(0.25), { seconds: 0n, nanos: 250_000 });
  assert.deepEqual(durationOf(999.9999999), { seconds: 1n, nanos: 0 });
  assert.deepEqual(durationOf(36_500 * 86_400_000), { seconds: 3_153_600_000n, nanos: 0 });
  assert.deepEqual(durationOf(0), { seconds: 0n, nanos: 0 });
  assert.equal(durationOf(undefined), undefined);
  for (const wrong of [-1, NaN, Infinity, 1e300, 315_576_000_001_000]) {
    refuses("ttl", () => durationOf(wrong));
  }
});

test("an empty list selects nothing, and is not sent as no condition", () => {
  refuses("filter.execution_ids", () => filterMessage({ executionIds: [] }));
  refuses("filter.states", () => filterMessage({ states: [] }));
  refuses("filter.state_classes", () => filterMessage({ stateClasses: [] }));
  refuses("filter.wait_reasons", () => filterMessage({ waitReasons: [] }));
  refuses("versions", () => history.prune("acme", "run-1", { versions: [] }));
  refuses("snapshot_ids", () => history.prune("acme", "run-1", { snapshotIds: [] }));
  refuses("labels", () => history.prune("acme", "run-1", { labels: {} }));
});

test("a selector is one of three", () => {
  assert.equal(selectorMessage("selector", {}), undefined);
  assert.deepEqual(selectorMessage("selector", { version: 0 }), {
    selector: { case: "version", value: 0n },
  });
  refuses("selector", () => selectorMessage("selector", { version: 1, snapshotId: "a" }));
  refuses("to", () => selectorMessage("to", { criteria: {}, snapshotId: "a" }));
  refuses("from", () => history.diffPage("acme", "run-1", {}, {}, ""));
});

test("text that UTF-8 cannot carry is refused, not replaced", () => {
  const state = sf.ExecutionState.RUNNING;
  const save = (snapshot: Partial<sf.Snapshot>, executionId = "run-1") =>
    requests.saveWhole(executionId, encodeSnapshot({ state, ...snapshot }, sf.jsonCodec), {});
  refuses("execution_id", () => save({}, "\ud800"));
  refuses("snapshot.user_id", () => save({ userId: "\udc00" }));
  refuses("snapshot.labels", () => save({ labels: { "\ud800": "a" } }));
  refuses("filter.execution_ids", () => requests.watch({ filter: { executionIds: ["\ud800"] } }));
});

test("a snapshot that leaves something out is not saved", () => {
  const state = sf.ExecutionState.RUNNING;
  const incomplete = { name: "IncompleteSnapshotError", reason: "INVALID_FIELD" };
  const variables = new Values("variables", new Map(), sf.jsonCodec, { partial: true });
  assert.throws(() => encodeSnapshot({ state, variables }, sf.jsonCodec), incomplete);
  const omitted = { state, omission: { count: 1n } } as unknown as sf.Snapshot;
  assert.throws(() => encodeSnapshot(omitted, sf.jsonCodec), incomplete);
});

test("entries come from objects, from maps, and from what was loaded", () => {
  const state = sf.ExecutionState.RUNNING;
  const raw = new sf.Payload(Uint8Array.of(1), { encoding: "binary" });
  const loaded = new Values("variables", new Map([["k", raw]]), sf.jsonCodec, { partial: false });
  const keys = (stepOutputs: sf.Entries, variables: sf.Entries) => {
    const encoded = encodeSnapshot({ state, stepOutputs, variables }, sf.jsonCodec);
    return [[...encoded.stepOutputs.keys()], encoded.variables.get("k")];
  };
  assert.deepEqual(keys({ ["__proto__"]: 1, a: 2 }, loaded), [["__proto__", "a"], raw]);
  assert.deepEqual(
    keys(
      new Map([
        ["10", 1],
        ["2", 1],
      ]),
      new Map([["k", raw]]),
    ),
    [["10", "2"], raw],
  );
  assert.throws(() => keys({ a: NaN }, {}), { key: 'step_outputs["a"]' });
});

test("an encoded snapshot shares no bytes with a payload that was given", () => {
  const state = sf.ExecutionState.RUNNING;
  const given = new sf.Payload(Buffer.of(1), { encoding: "binary", codecs: ["zstd"] });
  const loaded = new Values("variables", new Map([["k", given]]), sf.jsonCodec, { partial: false });
  const set = new Values("variables", new Map(), sf.jsonCodec, { partial: false });
  set.set("k", given);
  const all = [{ k: given }, new Map([["k", given]]), loaded].map(
    (variables) => encodeSnapshot({ state, variables }, sf.jsonCodec).variables,
  );
  all.push(set.payloads());
  given.data[0] = 2;
  const before = new sf.Payload(Uint8Array.of(1), { encoding: "binary", codecs: ["zstd"] });
  all.forEach((variables) => assert.deepEqual(variables.get("k"), before));
});

test("a value that the client's bound has no room for is too large", () => {
  const set = (size: number) =>
    memory.setValue(requests, "key", new Uint8Array(size), { requestId: "1" });
  const rest = set(900).size - 900;
  assert.equal(set(1_000 - rest).size, 1_000);
  assert.throws(() => set(1_001 - rest), {
    name: "ValueTooLargeError",
    reason: "VALUE_TOO_LARGE",
    metadata: { limit: "max_message_bytes", maximum: "1000", actual: "1001" },
  });
});

test("every call that changes state carries a request_id of its own", () => {
  const ids = [
    history.fork("acme", "a", "b", {}),
    history.prune("acme", "a", { allHistory: true }),
    requests.delete("a", {}),
    requests.delete("a", {}),
  ].map(({ request }) => (request as unknown as { requestId: string }).requestId);
  assert.equal(new Set(ids).size, 4);
  ids.forEach((id) => assert.match(id, /^[0-9a-f]{32}$/));
});

test("freshness is asked for in batches of 1,000", () => {
  const heads = new Map(Array.from({ length: 2_001 }, (_, at) => [`run-${at}`, at]));
  const sizes = requests.checkFreshness(heads).map(({ request }) => {
    return (request as unknown as { executions: unknown[] }).executions.length;
  });
  assert.deepEqual(sizes, [1_000, 1_000, 1]);
  assert.deepEqual(requests.checkFreshness({}), []);
});

test("a target is one address or several", () => {
  assert.deepEqual(parseTarget("localhost:1"), [{ host: "localhost", port: 1 }]);
  assert.deepEqual(parseTarget("dns:///a.example:1"), [{ host: "a.example", port: 1 }]);
  assert.deepEqual(parseTarget("[::1]:1, 127.0.0.1:2"), [
    { host: "::1", port: 1 },
    { host: "127.0.0.1", port: 2 },
  ]);
  for (const wrong of ["", "a", "a:", ":1", "a:1,", "http://a:1", "a:65536", "::1:1", "a:1/x"]) {
    assert.throws(() => parseTarget(wrong), TypeError, wrong);
  }
});

test("the helpers of states say what the contract says", () => {
  const named = (test: (state: sf.ExecutionState) => boolean) =>
    Object.values(sf.ExecutionState)
      .filter((each): each is sf.ExecutionState => typeof each === "number" && test(each))
      .map((each) => sf.ExecutionState[each]);
  assert.deepEqual(named(sf.isTerminal), ["COMPLETED", "FAILED", "CANCELLED"]);
  assert.deepEqual(named(sf.canResume), ["PAUSED", "WAITING"]);
  assert.deepEqual(named(sf.isActive), ["RUNNING", "WAITING"]);
});
