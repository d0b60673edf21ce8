import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import type { SaveSnapshotRequest } from "@stillframe/proto";
import * as sf from "../src/index.js";
import { connect, refusal, serve, type Snapshots } from "./server.js";

const LONG = "x".repeat(200);
const state = sf.ExecutionState.RUNNING;

/** A server that takes every save, and remembers it. */
async function saving(context: test.TestContext, others: Snapshots = {}) {
  const saves: SaveSnapshotRequest[] = [];
  const server = await serve(context, {
    saveSnapshot: (request) => {
      saves.push(request);
      return { version: BigInt(saves.length), etag: `e${saves.length}` };
    },
    ...others,
  });
  return { saves, client: connect(context, server.target) };
}

function kinds(saves: SaveSnapshotRequest[]): (string | undefined)[] {
  return saves.map(({ content, writerEpoch }) => `${content.case} ${writerEpoch}`);
}

test("saves go one at a time, in the order of their calls, as deltas", async (context) => {
  const { saves, client } = await saving(context);
  const execution = client.execution("run-1", { writerEpoch: 3 });
  const done = await Promise.all(
    [1, 2, 3].map((n) => execution.save({ state, variables: { long: LONG, n } })),
  );
  assert.deepEqual(
    done.map(({ version }) => version),
    [1n, 2n, 3n],
  );
  assert.deepEqual(kinds(saves), ["snapshot 3", "delta 3", "delta 3"]);
  const bases = saves.map(({ content }) => content.case === "delta" && content.value.base.value);
  assert.deepEqual(bases, [false, "e1", "e2"]);
});

test("what was encoded at the call is what is saved", async (context) => {
  const { saves, client } = await saving(context);
  const variables = { n: 1 };
  const saved = client.execution("run-1").save({ state, variables });
  variables.n = 2;
  await saved;
  const [save] = saves;
  assert.ok(save?.content.case === "snapshot");
  assert.equal(Buffer.from(save.content.value.variables["n"]?.data ?? []).toString(), "1");
});

test("a claim gives later saves its epoch and its head as their base", async (context) => {
  const data = Buffer.from(JSON.stringify(LONG));
  const { saves, client } = await saving(context, {
    claimExecution: () => ({
      writerEpoch: 7n,
      snapshot: { etag: "e0", variables: { long: { data } } },
    }),
  });
  const execution = client.execution("run-1");
  const claim = await execution.claim({ allowMissing: true });
  assert.equal(claim.snapshot?.variables.get("long"), LONG);
  assert.equal(execution.writerEpoch, 7n);
  await execution.save({ state, variables: { long: LONG, n: 1 } });
  assert.deepEqual(kinds(saves), ["delta 7"]);
});

test("a loaded head is a base, an older snapshot is not", async (context) => {
  const data = Buffer.from(JSON.stringify(LONG));
  const { saves, client } = await saving(context, {
    loadSnapshot: () => ({ snapshot: { etag: "e0", variables: { long: { data } } } }),
  });
  const execution = client.execution("run-1");
  await execution.load({ version: 1 });
  await execution.load({ snapshotId: "s" });
  await execution.load({ criteria: {} });
  await execution.save({ state, variables: { long: LONG, n: 1 } });
  await execution.load();
  await execution.save({ state, variables: { long: LONG, n: 2 } });
  assert.deepEqual(kinds(saves), ["snapshot undefined", "delta undefined"]);
});

test("after a delete the whole is saved", async (context) => {
  const { saves, client } = await saving(context, {
    deleteExecution: ({ writerEpoch }) => {
      assert.equal(writerEpoch, 1n);
      return { deletedCount: 1n };
    },
  });
  const execution = client.execution("run-1", { writerEpoch: 1n });
  await execution.save({ state, variables: { long: LONG } });
  assert.equal((await execution.delete()).deletedCount, 1n);
  await execution.save({ state, variables: { long: LONG } });
  assert.deepEqual(kinds(saves), ["snapshot 1", "snapshot 1"]);
});

test("a save that fails lets the next one go", async (context) => {
  let calls = 0;
  const { client } = await saving(context, {
    saveSnapshot: () => {
      calls += 1;
      if (calls === 1) {
        throw refusal(Code.FailedPrecondition, "SEQUENCE_REGRESSION");
      }
      return { version: 2n };
    },
  });
  const execution = client.execution("run-1");
  const first = assert.rejects(execution.save({ state }), sf.SequenceRegressionError);
  assert.equal((await execution.save({ state })).version, 2n);
  await first;
});

test("a save that was given up is repeated by the next", async (context) => {
  const ids: string[] = [];
  const controller = new AbortController();
  const { client } = await saving(context, {
    saveSnapshot: async ({ requestId }) => {
      ids.push(requestId);
      if (ids.length === 1) {
        controller.abort(new Error("enough"));
        throw new ConnectError("", Code.Unavailable);
      }
      return { version: 1n };
    },
  });
  const execution = client.execution("run-1");
  const { signal } = controller;
  await assert.rejects(execution.save({ state, sequenceNumber: 1 }, { signal }), /enough/);
  await assert.rejects(execution.save({ state, sequenceNumber: 2 }, { signal }), /enough/);
  await execution.save({ state, sequenceNumber: 2 });
  assert.equal(ids.length, 3);
  assert.equal(ids[1], ids[0]);
});

test("a saver saves through a handle, in the background", async (context) => {
  const { saves, client } = await saving(context);
  const saver = client.saver("run-1", { writerEpoch: 2 });
  for (let n = 1; n <= 100; n += 1) {
    saver.submit({ state, sequenceNumber: n, variables: { long: LONG } });
  }
  const saved = await saver.flush();
  assert.equal(saved?.version, BigInt(saves.length));
  assert.ok(saves.length < 100);
  const { content } = saves.at(-1) ?? assert.fail();
  const last = content.case === "delta" ? content.value.snapshot : content.value;
  assert.equal((last as { sequenceNumber: bigint }).sequenceNumber, 100n);
  await saver.close();
  await client.close();
  assert.throws(() => saver.submit({ state }), sf.ClosedError);
});
