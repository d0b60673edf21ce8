import assert from "node:assert/strict";
import { once } from "node:events";
import * as http2 from "node:http2";
import * as net from "node:net";
import { test } from "node:test";
import { Sessions } from "../src/sessions.js";
import { Connector } from "../src/target.js";

const NEVER = 1_000_000;
const PATIENCE = { keepaliveMs: NEVER, keepaliveTimeoutMs: NEVER, connectMs: NEVER };

interface Place {
  readonly port: number;
  readonly sessions: http2.ServerHttp2Session[];
}

/** A server of HTTP/2 that answers 200, and after `hold` nothing. */
async function answering(
  context: test.TestContext,
  answer: (stream: http2.ServerHttp2Stream) => void = (stream) => {
    stream.respond({ ":status": 200 }, { endStream: true });
  },
): Promise<Place> {
  const server = http2.createServer();
  const sessions: http2.ServerHttp2Session[] = [];
  server.on("session", (session) => sessions.push(session));
  server.on("stream", answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    sessions.forEach((session) => session.destroy());
    server.close();
  });
  return { port: (server.address() as net.AddressInfo).port, sessions };
}

/** A proxy that can stop passing bytes on, as a network that swallows them. */
async function proxy(context: test.TestContext, port: number) {
  const sockets = new Set<net.Socket>();
  let silent = false;
  const server = net.createServer((inner) => {
    const outer = net.connect(port, "127.0.0.1");
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.on("data", (data) => silent || to.write(data));
      from.on("error", () => undefined);
      from.on("close", () => to.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    silence: (on: boolean) => {
      silent = on;
    },
  };
}

function open(context: test.TestContext, ports: number[], patience = {}): Sessions {
  const [first = 0, ...others] = ports.map((port) => ({ host: "127.0.0.1", port }));
  const connector = new Connector([first as { host: string; port: number }, ...others], undefined);
  const sessions = new Sessions("http://127.0.0.1", connector, { ...PATIENCE, ...patience });
  context.after(() => sessions.close());
  return sessions;
}

async function get(sessions: Sessions): Promise<http2.ClientHttp2Stream> {
  const stream = await sessions.request("GET", "/", {}, {});
  stream.resume();
  return stream;
}

async function status(sessions: Sessions): Promise<unknown> {
  const stream = await get(sessions);
  const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
  await once(stream, "close");
  return headers[":status" as never];
}

test("requests share a connection", async (context) => {
  const server = await answering(context);
  const sessions = open(context, [server.port]);
  assert.deepEqual(await Promise.all([status(sessions), status(sessions)]), [200, 200]);
  assert.equal(await status(sessions), 200);
  assert.equal(server.sessions.length, 1);
});

test("after a cut the next request has a new one", async (context) => {
  const server = await answering(context);
  const sessions = open(context, [server.port]);
  assert.equal(await status(sessions), 200);
  server.sessions[0]?.destroy();
  // The cut may be seen before this request or by it.
  await status(sessions).catch(() => undefined);
  assert.equal(await status(sessions), 200);
  assert.equal(server.sessions.length, 2);
});

test("a server that leaves finishes what it has, and gets nothing new", async (context) => {
  const held: http2.ServerHttp2Stream[] = [];
  const server = await answering(context, (stream) => {
    if (held.push(stream) > 1) {
      stream.respond({ ":status": 200 }, { endStream: true });
    }
  });
  const sessions = open(context, [server.port]);
  const first = await get(sessions);
  const answered = once(first, "response");
  while (held.length === 0) {
    await once(server.sessions[0] ?? process, "stream");
  }
  const session = first.session;
  assert.ok(session);
  const left = once(session, "goaway");
  server.sessions[0]?.goaway(http2.constants.NGHTTP2_NO_ERROR);
  await left;
  assert.equal(await status(sessions), 200);
  assert.equal(server.sessions.length, 2);
  held[0]?.respond({ ":status": 200 }, { endStream: true });
  await answered;
});

test("a connection that swallows everything is found by a ping", async (context) => {
  const server = await answering(context, () => undefined);
  const network = await proxy(context, server.port);
  const sessions = open(context, [network.port], { keepaliveMs: 20, keepaliveTimeoutMs: 20 });
  const stream = await get(sessions);
  network.silence(true);
  const [error] = (await once(stream, "error")) as [Error];
  assert.match(error.message, /no answer to a ping within 20 ms/);
  network.silence(false);
  await get(sessions);
  assert.equal(server.sessions.length, 2);
});

test("a quiet connection is found dead too, and no ping follows its end", async (context) => {
  const server = await answering(context);
  const network = await proxy(context, server.port);
  const sessions = open(context, [network.port], { keepaliveMs: 50, keepaliveTimeoutMs: 500 });
  const stream = await get(sessions);
  const session = stream.session;
  assert.ok(session);
  await once(stream, "close");
  network.silence(true);
  const [error] = (await once(session, "error")) as [Error];
  assert.match(error.message, /no answer to a ping/);
  network.silence(false);
  assert.equal(await status(sessions), 200);
});

test("a server that does not speak is given up", async (context) => {
  const mute = net.createServer((socket) => socket.on("error", () => undefined));
  mute.listen(0, "127.0.0.1");
  await once(mute, "listening");
  context.after(() => mute.close());
  const { port } = mute.address() as net.AddressInfo;
  const server = await answering(context);
  const sessions = open(context, [port, server.port], { connectMs: 200 });
  await assert.rejects(get(sessions), /no connection within 200 ms/);
  assert.equal(await status(sessions), 200);
});

test("a refused connection is an error of the request, and the next address is tried", async (context) => {
  const server = await answering(context);
  const sessions = open(context, [1, server.port]);
  await assert.rejects(get(sessions), { code: "ECONNREFUSED" });
  assert.equal(await status(sessions), 200);
});

test("closing ends what is under way", async (context) => {
  const server = await answering(context, () => undefined);
  const sessions = open(context, [server.port]);
  const stream = await get(sessions);
  const closed = once(stream, "close");
  sessions.close();
  await closed;
});
