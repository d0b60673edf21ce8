import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type {
  WatchFrameSchema,
  WatchSnapshotsRequest,
  WatchSnapshotsResponseSchema,
} from "@stillframe/proto";
import * as sf from "../src/index.js";
import { connect, refusal, serve, type Server } from "./server.js";

type Frame = MessageInitShape<typeof WatchFrameSchema>;
type Answers = AsyncGenerator<MessageInitShape<typeof WatchSnapshotsResponseSchema>>;

const opened = (resumeToken = ""): Frame => ({ resumeToken, frame: { case: "opened", value: {} } });
const change = (resumeToken: string): Frame => ({
  resumeToken,
  frame: {
    case: "change",
    value: { kind: sf.ChangeKind.SAVED, snapshot: { executionId: resumeToken } },
  },
});

/** A server whose n-th watch is answered by the n-th of these, and how each was asked and ended. */
async function watched(
  context: test.TestContext,
  ...calls: ((call: HandlerContext) => Answers)[]
): Promise<Server & { starts: unknown[]; ended: Promise<void>[] }> {
  const starts: unknown[] = [];
  const ended: Promise<void>[] = [];
  const server = await serve(context, {
    watchSnapshots: ({ start }: WatchSnapshotsRequest, call) => {
      const answer = calls[starts.length];
      starts.push(start.case === "resumeToken" ? start.value : start.case);
      ended.push(whenOver(call));
      assert.ok(answer, "one watch more than expected");
      return answer(call);
    },
  });
  return { ...server, starts, ended };
}

function whenOver({ signal }: HandlerContext): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

async function take(watch: sf.Watch, count: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const { done, value } = await watch.next();
    assert.ok(!done);
    taken.push(value.type === "change" ? value.snapshot.executionId : value.type);
  }
  return taken;
}

test("leaving the loop ends the call", async (context) => {
  const server = await watched(context, async function* (call) {
    yield { frames: [opened("r0"), change("r1"), change("r2")] };
    await whenOver(call);
  });
  const watch = connect(context, server.target).watch();
  for await (const event of watch) {
    if (event.type === "change") {
      break;
    }
  }
  await server.ended[0];
  assert.equal(watch.resumeToken, "r1");
  assert.deepEqual(await watch.next(), { done: true, value: undefined });
});

test("nothing is sent before the first event is asked for", async (context) => {
  const server = await watched(context);
  const watch = connect(context, server.target).watch();
  await watch.close();
  assert.deepEqual(await watch.next(), { done: true, value: undefined });
  assert.deepEqual(server.starts, []);
});

test("a closed watch gives a waiting reader its end", async (context) => {
  const server = await watched(context, async function* (call) {
    yield { frames: [opened("r0")] };
    await whenOver(call);
  });
  const watch = connect(context, server.target).watch();
  await take(watch, 1);
  const waiting = watch.next();
  await watch.close();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  await server.ended[0];
});

test("a closed client ends its watches", async (context) => {
  const server = await watched(context, async function* (call) {
    yield { frames: [opened("r0")] };
    await whenOver(call);
  });
  const client = connect(context, server.target);
  const watch = client.watch();
  await take(watch, 1);
  const waiting = watch.next();
  await client.close();
  assert.deepEqual(await waiting, { done: true, value: undefined });
});

test("a signal ends the watch with its reason", async (context) => {
  const server = await watched(context, async function* (call) {
    yield { frames: [opened("r0")] };
    await whenOver(call);
  });
  const controller = new AbortController();
  const { signal } = controller;
  const client = connect(context, server.target);
  const watch = client.watch({ signal });
  await take(watch, 1);
  const waiting = assert.rejects(watch.next(), /enough/);
  controller.abort(new Error("enough"));
  await waiting;
  await server.ended[0];
  await assert.rejects(client.watch({ signal }).next(), /enough/);
});

test("a watch goes on after a cut, a drain and a refusal, where it was", async (context) => {
  const server = await watched(
    context,
    async function* (call) {
      yield { frames: [opened("r0"), change("r1")] };
      yield { frames: [change("r2")] };
      await whenOver(call);
    },
    async function* () {
      yield { frames: [opened(), change("r3"), { frame: { case: "goodbye", value: {} } }] };
    },
    async function* () {
      throw new ConnectError("", Code.Unavailable);
    },
    async function* (call) {
      yield { frames: [opened(), change("r4")] };
      await whenOver(call);
    },
  );
  const watch = connect(context, server.target).watch();
  assert.deepEqual(await take(watch, 3), ["opened", "r1", "r2"]);
  const rest = take(watch, 4);
  server.cut();
  assert.deepEqual(await rest, ["opened", "r3", "opened", "r4"]);
  assert.deepEqual(server.starts, ["now", "r2", "r3", "r3"]);
  await watch.close();
});

test("a watch that is lost throws, or starts over if it was told to", async (context) => {
  const lost = async function* () {
    throw refusal(Code.OutOfRange, "HISTORY_COMPACTED");
  };
  const server = await watched(context, lost, lost, async function* (call) {
    yield { frames: [opened(), change("r9")] };
    await whenOver(call);
  });
  const client = connect(context, server.target);
  const first = client.watch({ resumeToken: "r1" });
  await assert.rejects(first.next(), sf.HistoryCompactedError);
  assert.deepEqual(await first.next(), { done: true, value: undefined });
  const second = client.watch({ resumeToken: "r1", restartIfLost: true });
  assert.deepEqual(await take(second, 3), ["restarted", "opened", "r9"]);
  assert.deepEqual(server.starts, ["r1", "r1", "initialState"]);
  await second.close();
});

test("a watch that never opened gives up in the end", async (context) => {
  const retry = { maxAttempts: 3, initialBackoffMs: 1 };
  const client = connect(context, "127.0.0.1:1", { retry });
  await assert.rejects(client.watch().next(), sf.UnavailableError);
});

test("changes gives the changes alone", async (context) => {
  const server = await watched(context, async function* (call) {
    yield { frames: [opened("r0"), change("r1")] };
    await whenOver(call);
  });
  for await (const each of connect(context, server.target).watch().changes()) {
    assert.equal(each.snapshot.executionId, "r1");
    break;
  }
  await server.ended[0];
});

test("a slow reader is given what comes as it asks for it", async (context) => {
  const size = 2_000;
  const server = await watched(context, async function* () {
    yield { frames: [opened("r0")] };
    for (let at = 1; at <= size; at += 1) {
      yield { frames: [change(`r${at}`)] };
    }
    yield { frames: [{ frame: { case: "goodbye", value: {} } }] };
  });
  const watch = connect(context, server.target).watch();
  await take(watch, 1);
  const ids = await take(watch, size);
  assert.deepEqual([ids[0], ids.at(-1)], ["r1", `r${size}`]);
  await watch.close();
});
