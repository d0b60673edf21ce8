/** A server within the process: the contract's services, with the answers that a test gives. */

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { SnapshotService, WorkingMemoryService } from "@stillframe/proto";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "@stillframe/proto/google/rpc/error_details_pb";
import * as http2 from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { Client, type ClientOptions } from "../src/index.js";

export type Snapshots = Partial<ServiceImpl<typeof SnapshotService>>;
export type Memory = Partial<ServiceImpl<typeof WorkingMemoryService>>;

export interface Server {
  readonly target: string;
  /** Cuts every connection. */
  cut(): void;
}

/** Serves until the test ends. */
export async function serve(
  context: TestContext,
  snapshots: Snapshots,
  options: { memory?: Memory; tls?: http2.SecureServerOptions; port?: number } = {},
): Promise<Server> {
  const handler = connectNodeAdapter({
    routes: (router) => {
      router.service(SnapshotService, snapshots);
      router.service(WorkingMemoryService, options.memory ?? {});
    },
  });
  const server = options.tls
    ? http2.createSecureServer(options.tls, handler)
    : http2.createServer(handler);
  return await listen(context, server, options.port);
}

/** Answers everything with these headers, and nothing after them. */
export async function answering(
  context: TestContext,
  headers: http2.OutgoingHttpHeaders,
): Promise<{ target: string }> {
  const server = http2.createServer();
  server.on("stream", (stream) => stream.respond(headers, { endStream: true }));
  return await listen(context, server);
}

async function listen(
  context: TestContext,
  server: http2.Http2Server | http2.Http2SecureServer,
  port = 0,
): Promise<Server> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const cut = () => sockets.forEach((socket) => socket.resetAndDestroy());
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  context.after(() => {
    cut();
    server.close();
  });
  return { target: `127.0.0.1:${(server.address() as AddressInfo).port}`, cut };
}

/** A client that is closed when the test ends, and whose delays are short. */
export function connect(
  context: TestContext,
  target: string,
  options: Partial<ClientOptions> = {},
): Client {
  const retry = { initialBackoffMs: 1, maxBackoffMs: 5 };
  const client = new Client(target, { tenant: "acme", retry, ...options });
  context.after(() => client.close());
  return client;
}

/** A refusal as a Stillframe server makes it. */
export function refusal(
  code: Code,
  reason: string,
  options: {
    metadata?: Record<string, string>;
    fields?: string[];
    retryAfterMs?: number;
    domain?: string;
  } = {},
): ConnectError {
  const { metadata = {}, fields = [], retryAfterMs, domain = "stillframe" } = options;
  const error = new ConnectError(`refused: ${reason}`, code);
  error.details.push({ desc: ErrorInfoSchema, value: { domain, reason, metadata } });
  if (fields.length > 0) {
    const fieldViolations = fields.map((field) => ({ field, description: "is wrong" }));
    error.details.push({ desc: BadRequestSchema, value: { fieldViolations } });
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = { seconds: 0n, nanos: retryAfterMs * 1_000_000 };
    error.details.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) });
  }
  return error;
}
