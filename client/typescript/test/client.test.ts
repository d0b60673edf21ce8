import assert from "node:assert/strict";
import { once } from "node:events";
import * as net from "node:net";
import { test } from "node:test";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import * as sf from "../src/index.js";
import { CERTIFICATE, KEY } from "./certificate.js";
import { connect, refusal, serve } from "./server.js";

const RUNNING = { state: sf.ExecutionState.RUNNING };
const info = { storeKind: "memory", limits: {} };

test("a call carries the tenant, the metadata, the user agent and its time", async (context) => {
  const seen: HandlerContext[] = [];
  const server = await serve(context, {
    loadSnapshot: (request, call) => {
      seen.push(call);
      assert.equal(request.tenantId, "acme");
      assert.equal(request.maxMessageBytes, 64n * 1024n * 1024n);
      return { snapshot: { executionId: request.executionId } };
    },
  });
  const client = connect(context, server.target, { metadata: { authorization: "Bearer t" } });
  assert.equal((await client.load("run-1")).executionId, "run-1");
  const [call] = seen;
  assert.equal(call?.requestHeader.get("authorization"), "Bearer t");
  assert.match(call?.requestHeader.get("user-agent") ?? "", /^stillframe-typescript\//);
  const timeout = call?.timeoutMs() ?? 0;
  assert.ok(timeout > 0 && timeout <= 30_000, `${timeout}`);
});

test("metadata can be asked for at each try", async (context) => {
  const seen: (string | null)[] = [];
  const server = await serve(context, {
    getServerInfo: (_, call) => {
      seen.push(call.requestHeader.get("token"));
      if (seen.length === 1) {
        throw new ConnectError("not yet", Code.Unavailable);
      }
      return info;
    },
  });
  let asked = 0;
  const client = connect(context, server.target, {
    metadata: async () => ({ token: `${++asked}` }),
  });
  await client.info();
  assert.deepEqual(seen, ["1", "2"]);
});

test("metadata that could not be had fails its try, and is asked for again", async (context) => {
  const server = await serve(context, {
    getServerInfo: () => info,
    saveSnapshot: () => ({ version: 1n }),
    watchSnapshots: async function* () {
      yield { frames: [{ frame: { case: "opened", value: {} } }] };
    },
  });
  const failure = new Error("no token");
  let failures = 0;
  const metadata = () => {
    if (failures > 0) {
      failures -= 1;
      throw failure;
    }
    return { token: "t" };
  };
  const client = connect(context, server.target, { metadata });
  failures = 2;
  assert.equal((await client.info()).storeKind, "memory");
  failures = 2;
  const watch = client.watch();
  assert.equal((await watch.next()).value?.type, "opened");
  await watch.close();
  const once = connect(context, server.target, { metadata, retry: { maxAttempts: 1 } });
  const saver = once.saver("run-1");
  failures = 2;
  saver.submit(RUNNING);
  assert.equal((await saver.flush())?.version, 1n);
  await saver.close();
  failures = 1;
  await assert.rejects(once.info(), (error) => {
    assert.ok(error instanceof sf.UnavailableError);
    assert.match(error.message, /no token/);
    assert.equal(error.cause, failure);
    return true;
  });
});

test("metadata that cannot be sent is refused: at once, or by its try", async (context) => {
  const metadata = { token: "line\n break" };
  assert.throws(() => new sf.Client("127.0.0.1:1", { tenant: "acme", metadata }), TypeError);
  const retry = { maxAttempts: 1 };
  const client = connect(context, "127.0.0.1:1", { metadata: async () => metadata, retry });
  await assert.rejects(client.info(), sf.UnavailableError);
});

test("a call is tried again under the same request_id, until it is answered", async (context) => {
  const ids: string[] = [];
  const refusals = [
    new ConnectError("", Code.Unavailable),
    new ConnectError("", Code.Canceled),
    refusal(Code.ResourceExhausted, "SERVER_BUSY", { retryAfterMs: 1 }),
    refusal(Code.ResourceExhausted, "RATE_LIMITED"),
  ];
  const server = await serve(context, {
    saveSnapshot: ({ requestId }) => {
      ids.push(requestId);
      const failure = refusals.shift();
      if (failure !== undefined) {
        throw failure;
      }
      return { version: 1n, outcome: sf.SaveOutcome.CREATED };
    },
  });
  const client = connect(context, server.target);
  const saved = await client.save("run-1", RUNNING);
  assert.deepEqual(saved, {
    version: 1n,
    etag: "",
    revision: 0n,
    resumeToken: "",
    outcome: sf.SaveOutcome.CREATED,
  });
  assert.equal(ids.length, 5);
  assert.equal(new Set(ids).size, 1);
});

test("what another try does not help is not tried again", async (context) => {
  let calls = 0;
  const server = await serve(context, {
    saveSnapshot: () => {
      calls += 1;
      throw refusal(Code.FailedPrecondition, "FENCED");
    },
  });
  await assert.rejects(connect(context, server.target).save("run-1", RUNNING), sf.FencedError);
  assert.equal(calls, 1);
});

test("a call that cannot be sent is the caller's mistake, and is not tried again", async (context) => {
  const clock = { now: () => 0, random: () => 0, sleep: () => assert.fail("it was tried again") };
  const client = connect(context, "127.0.0.1:1", { clock });
  const text = "text" as unknown as Uint8Array;
  await assert.rejects(client.setValue("key", text), sf.InvalidFieldError);
  await assert.rejects(client.listPage({ pageSize: -1 }), sf.InvalidFieldError);
  await assert.rejects(client.save("run-1", { state: 1e12 as number }), sf.InvalidFieldError);
});

test("the timeout holds over all tries", async (context) => {
  const server = await serve(context, { getServerInfo: (_, call) => never(call) });
  const client = connect(context, server.target, { timeoutMs: 50 });
  await assert.rejects(client.info(), sf.DeadlineExceededError);
  await assert.rejects(client.info({ timeoutMs: 1.5 }), sf.DeadlineExceededError);
  await assert.rejects(client.info({ timeoutMs: 0 }), sf.DeadlineExceededError);
});

test("a call that is given up is rejected with the signal's reason", async (context) => {
  let seen: AbortSignal | undefined;
  const controller = new AbortController();
  const reason = new Error("enough");
  const server = await serve(context, {
    getServerInfo: (_, call) => {
      seen = call.signal;
      controller.abort(reason);
      return never(call);
    },
  });
  const client = connect(context, server.target);
  const { signal } = controller;
  await assert.rejects(client.info({ signal }), (error) => error === reason);
  if (!seen?.aborted) {
    await once(seen as AbortSignal, "abort");
  }
  await assert.rejects(client.info({ signal }), (error) => error === reason);
});

test("closing ends what is under way, and what comes after", async (context) => {
  const { promise: begun, resolve: begin } = deferred();
  const server = await serve(context, {
    getServerInfo: (_, call) => {
      begin();
      return never(call);
    },
  });
  const client = connect(context, server.target);
  const call = assert.rejects(client.info(), sf.ClosedError);
  await begun;
  await client.close();
  await call;
  await assert.rejects(client.info(), sf.ClosedError);
  await client.close();
});

test("closing does not wait for a call, a watch or a saver that waits for its next try", async (context) => {
  const busy = refusal(Code.Unavailable, "SHUTTING_DOWN", { retryAfterMs: 900 });
  let calls = 0;
  const { promise: begun, resolve: begin } = deferred();
  const refuse = () => {
    calls += 1;
    if (calls === 3) {
      begin();
    }
    throw busy;
  };
  const server = await serve(context, {
    getServerInfo: refuse,
    saveSnapshot: refuse,
    watchSnapshots: async function* () {
      refuse();
    },
  });
  // No try comes after the first: what ends the waiting can only be the close.
  const clock: sf.Clock = {
    now: () => 0,
    random: () => 0,
    sleep: (_, signal) =>
      new Promise((resolve) => signal?.addEventListener("abort", () => resolve())),
  };
  const client = connect(context, server.target, { clock });
  const call = assert.rejects(client.info(), sf.ClosedError);
  const next = client.watch().next();
  const saver = client.saver("run-1");
  saver.submit(RUNNING);
  const flushed = assert.rejects(saver.flush(), sf.StillframeError);
  await begun;
  await client.close();
  await call;
  assert.deepEqual(await next, { done: true, value: undefined });
  await flushed;
});

test("a broken connection is made again, and the call repeated", async (context) => {
  let calls = 0;
  const server = await serve(context, {
    getServerInfo: (_, call) => {
      calls += 1;
      if (calls === 1) {
        server.cut();
        return never(call);
      }
      return info;
    },
  });
  const client = connect(context, server.target);
  assert.equal((await client.info()).storeKind, "memory");
  server.cut();
  assert.equal((await client.info()).storeKind, "memory");
  assert.equal(calls, 3);
});

test("a server that comes later is waited for", async (context) => {
  const place = net.createServer().listen(0, "127.0.0.1");
  await once(place, "listening");
  const { port } = place.address() as net.AddressInfo;
  place.close();
  await once(place, "close");
  const waits: number[] = [];
  const clock: sf.Clock = {
    now: () => 0,
    random: () => 0.5,
    sleep: async (ms) => {
      if (waits.push(ms) === 3) {
        await serve(context, { getServerInfo: () => info }, { port });
      }
    },
  };
  const client = connect(context, `127.0.0.1:${port}`, { clock, retry: {} });
  assert.equal((await client.info()).storeKind, "memory");
  assert.deepEqual(waits, [50, 100, 200]);
  const never = connect(context, "127.0.0.1:1", { clock, retry: { maxAttempts: 2 } });
  await assert.rejects(never.info(), sf.UnavailableError);
});

test("of several addresses the first that answers is used", async (context) => {
  const server = await serve(context, { getServerInfo: () => info });
  const client = connect(context, `127.0.0.1:1,${server.target}`);
  assert.equal((await client.info()).storeKind, "memory");
});

test("TLS takes own roots, and refuses who is not trusted", async (context) => {
  const tls = { cert: CERTIFICATE, key: KEY };
  const server = await serve(context, { getServerInfo: () => info }, { tls });
  const client = connect(context, server.target, { tls: { ca: CERTIFICATE } });
  assert.equal((await client.info()).storeKind, "memory");
  const byName = server.target.replace("127.0.0.1", "localhost");
  const other = connect(context, byName, { tls: { ca: CERTIFICATE } });
  assert.equal((await other.info()).storeKind, "memory");
  const retry = { maxAttempts: 1 };
  const distrustful = connect(context, server.target, { tls: true, retry });
  await assert.rejects(distrustful.info(), (error) => {
    assert.ok(error instanceof sf.UnavailableError);
    assert.match(error.message, /self-signed certificate/);
    return true;
  });
});

test("lists give every page, lazily", async (context) => {
  const asked: string[] = [];
  const server = await serve(context, {
    listExecutions: ({ pageToken, pageSize }) => {
      asked.push(pageToken);
      assert.equal(pageSize, 2);
      const executions = [{ executionId: `${pageToken}a` }, { executionId: `${pageToken}b` }];
      const next = { "": "1", "1": "2" }[pageToken] ?? "";
      return { executions: pageToken === "1" ? [] : executions, nextPageToken: next };
    },
  });
  const client = connect(context, server.target);
  const ids: string[] = [];
  for await (const { executionId } of client.list({ pageSize: 2 })) {
    ids.push(executionId);
    assert.equal(asked.length, executionId.startsWith("2") ? 3 : 1);
  }
  assert.deepEqual(ids, ["a", "b", "2a", "2b"]);
  for await (const first of client.list({ pageSize: 2 })) {
    assert.equal(first.executionId, "a");
    break;
  }
  assert.deepEqual(asked, ["", "1", "2", ""]);
});

test("the pages of a diff are one", async (context) => {
  const server = await serve(context, {
    diffSnapshots: ({ pageToken, from, to }) => {
      assert.deepEqual(from?.selector, { case: "version", value: 1n });
      assert.equal(to, undefined);
      const entries = [{ key: `k${pageToken}`, map: sf.SnapshotMap.VARIABLES }];
      return { fromVersion: 1n, toVersion: 2n, entries, nextPageToken: pageToken ? "" : "2" };
    },
  });
  const diff = await connect(context, server.target).diff("run-1", { version: 1 });
  assert.deepEqual(
    diff.entries.map((each) => each.key),
    ["k", "k2"],
  );
});

test("the working memory", async (context) => {
  const commitTime = { seconds: 1n, nanos: 5 };
  const memory = new Map<string, Uint8Array>();
  const server = await serve(
    context,
    {},
    {
      memory: {
        setValue: ({ key, value, executionId, ttl, requestId, mustNotExist }) => {
          assert.match(requestId, /^[0-9a-f]{32}$/);
          if (mustNotExist && memory.has(key)) {
            throw refusal(Code.AlreadyExists, "VALUE_EXISTS");
          }
          assert.equal(executionId, key === "mine" ? "run-1" : undefined);
          memory.set(key, value);
          return { etag: "e", commitTime, ...(ttl && { expireTime: { seconds: 2n, nanos: 5 } }) };
        },
        getValue: ({ key }) => {
          const value = memory.get(key);
          if (value === undefined) {
            throw refusal(Code.NotFound, "VALUE_NOT_FOUND");
          }
          return { value, etag: "e", commitTime };
        },
        deleteValue: ({ key }) => ({ deleted: memory.delete(key) }),
        listKeys: ({ pageToken, keyPrefix }) => ({
          keys: [...memory.keys()]
            .filter((key) => key.startsWith(keyPrefix ?? "") && key > pageToken)
            .slice(0, 1)
            .map((key) => ({ key, sizeBytes: 1n, etag: "e", commitTime })),
          nextPageToken: pageToken === "" ? "mine" : "",
        }),
      },
    },
  );
  const client = connect(context, server.target);
  const set = await client.setValue("mine", Uint8Array.of(0, 255), {
    executionId: "run-1",
    ttlMs: 1_000,
  });
  assert.deepEqual(set, { etag: "e", commitTimeNs: 1_000_000_005n, expireTimeNs: 2_000_000_005n });
  await client.setValue("theirs", new Uint8Array());
  const got = await client.getValue("mine", { executionId: "run-1" });
  assert.deepEqual([...got.value], [0, 255]);
  assert.equal(got.expireTimeNs, undefined);
  const again = client.setValue("theirs", new Uint8Array(), { mustNotExist: true });
  await assert.rejects(again, sf.ValueExistsError);
  await assert.rejects(client.getValue("none"), sf.ValueNotFoundError);
  const keys: string[] = [];
  for await (const { key, sizeBytes } of client.listKeys()) {
    keys.push(`${key} ${sizeBytes}`);
  }
  assert.deepEqual(keys, ["mine 1", "theirs 1"]);
  assert.equal(await client.deleteValue("mine"), true);
  assert.equal(await client.deleteValue("mine"), false);
});

test("a large answer comes whole, and one above the bound is refused", async (context) => {
  const data = new Uint8Array(5 * 1024 * 1024).fill(0x20);
  data[0] = 0x31;
  const server = await serve(context, {
    loadSnapshot: () => ({ snapshot: { variables: { a: { data } } } }),
  });
  const client = connect(context, server.target);
  assert.equal((await client.load("run-1")).variables.get("a"), 1);
  const small = connect(context, server.target, { maxMessageBytes: 1024 * 1024 });
  await assert.rejects(small.load("run-1"), sf.ResourceExhaustedError);
  await assert.rejects(
    small.save("run-1", { ...RUNNING, variables: { a: new sf.Payload(data) } }),
    {
      reason: "SNAPSHOT_TOO_LARGE",
    },
  );
  await assert.rejects(small.setValue("key", data), { reason: "VALUE_TOO_LARGE" });
});

/** No answer, until the call is over. */
function never(call: HandlerContext): Promise<never> {
  return new Promise((_, reject) => {
    call.signal.addEventListener("abort", () => reject(call.signal.reason as Error));
  });
}

function deferred() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((yes) => {
    resolve = yes;
  });
  return { promise, resolve };
}
