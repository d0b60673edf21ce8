/** Calls over gRPC: the connection, the loop that retries, and the calls of a watch. */

import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { Transport as ConnectTransport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  SnapshotService,
  type WatchSnapshotsRequest,
  type WatchSnapshotsResponse,
} from "@stillframe/proto";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { Call, CallOptions } from "./call.js";
import {
  ClosedError,
  DeadlineExceededError,
  UnavailableError,
  type StillframeError,
} from "./errors.js";
import { Attempts, type Clock, type RetryPolicy } from "./retry.js";
import { PATIENCE, Sessions, type Patience } from "./sessions.js";
import { dropBrokenDetails, errorOf } from "./statuses.js";
import { Connector, parseTarget, type Metadata } from "./target.js";

/** More is no gRPC timeout (eight digits), and no timer of Node's. */
const MAX_TIMEOUT_MS = 99_999_999;

/** The settings of a client that concern its calls rather than what they say. */
export interface Connection {
  readonly target: string;
  readonly tls: TlsOptions | undefined;
  readonly metadata: Metadata;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly userAgent: string;
  readonly patience?: Patience;
}

export class Transport {
  readonly #connection: Connection;
  readonly #metadata: () => Promise<Headers>;
  readonly #sessions: Sessions;
  readonly #grpc: ConnectTransport;
  /** What is under way. */
  readonly #live = new Set<AbortController>();
  #closed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#metadata = metadataOf(connection.metadata);
    const addresses = parseTarget(connection.target);
    const [{ host, port }] = addresses;
    const connector = new Connector(addresses, connection.tls);
    const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const baseUrl = new URL(`${connection.tls ? "https" : "http"}://${authority}`).origin;
    this.#sessions = new Sessions(baseUrl, connector, connection.patience ?? PATIENCE);
    this.#grpc = createGrpcTransport({
      baseUrl,
      sessionManager: {
        authority: baseUrl,
        notifyResponseByteRead: () => undefined,
        request: async (...args) => {
          const stream = await this.#sessions.request(...args);
          // Before connect listens.
          stream.on("response", dropBrokenDetails);
          stream.on("trailers", dropBrokenDetails);
          return stream;
        },
      },
      readMaxBytes: connection.maxMessageBytes,
      writeMaxBytes: connection.maxMessageBytes,
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Makes a call, with retries. Throws StillframeError, or the reason of the caller's signal. */
  async unary<T>(call: Call<T>, options: CallOptions = {}): Promise<T> {
    const { signal } = options;
    const { retry, clock } = this.#connection;
    const attempts = new Attempts(retry, options.timeoutMs ?? this.#connection.timeoutMs, clock);
    for (;;) {
      this.#check(signal);
      let answer: Message;
      try {
        answer = await this.#attempt(call, attempts.remaining(), signal);
      } catch (failure) {
        this.#check(signal);
        const error = failure as StillframeError;
        const delay = attempts.delayAfter(error);
        if (delay === undefined) {
          throw error;
        }
        await this.pause(delay, signal);
        continue;
      }
      return call.read(answer);
    }
  }

  /** Makes one call of a watch. Throws StillframeError, ends when the server ends it with OK. */
  async *watch(
    request: WatchSnapshotsRequest,
    signal: AbortSignal,
  ): AsyncGenerator<WatchSnapshotsResponse, void, void> {
    const headers = await this.#headers();
    const { controller, release } = this.#begin(signal);
    try {
      const method = SnapshotService.method.watchSnapshots;
      const requests = (async function* () {
        yield request;
      })();
      const answer = await this.#grpc.stream(
        method,
        controller.signal,
        undefined,
        headers,
        requests,
      );
      for await (const response of answer.message) {
        yield response;
      }
    } catch (failure) {
      this.#check(signal);
      throw errorOf(failure);
    } finally {
      release();
      // Whoever leaves early ends the call; after its end this does nothing.
      controller.abort();
    }
  }

  /** Passes so many milliseconds, or until the signal is aborted or the transport closed. */
  async pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { controller, release } = this.#begin(signal);
    await this.#connection.clock.sleep(ms, controller.signal);
    release();
  }

  /** Ends what is under way, and closes the connection. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#live) {
      controller.abort();
    }
    this.#sessions.close();
  }

  async #attempt<T>(
    { method, request }: Call<T>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Message> {
    const headers = await this.#headers();
    if (timeoutMs === 0) {
      throw new DeadlineExceededError("the time is up");
    }
    const bounded = timeoutMs <= MAX_TIMEOUT_MS ? Math.ceil(timeoutMs) : undefined;
    const { controller, release } = this.#begin(signal);
    try {
      return (await this.#unary(method, controller.signal, bounded, headers, request)).message;
    } catch (failure) {
      throw errorOf(failure);
    } finally {
      release();
    }
  }

  #unary(
    method: DescMethodUnary,
    signal: AbortSignal,
    timeoutMs: number | undefined,
    headers: Headers,
    request: Message,
  ) {
    return this.#grpc.unary(method, signal, timeoutMs, headers, request);
  }

  /** A controller that the caller's signal and `close` abort, until it is released. */
  #begin(signal: AbortSignal | undefined): { controller: AbortController; release: () => void } {
    const controller = new AbortController();
    const abort = () => controller.abort();
    if (this.#closed || signal?.aborted) {
      abort();
    }
    signal?.addEventListener("abort", abort);
    this.#live.add(controller);
    const release = () => {
      signal?.removeEventListener("abort", abort);
      this.#live.delete(controller);
    };
    return { controller, release };
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#closed) {
      throw new ClosedError("the client is closed");
    }
  }

  async #headers(): Promise<Headers> {
    const headers = await this.#metadata();
    headers.set("user-agent", this.#connection.userAgent);
    return headers;
  }
}

/** What goes with the next try. Throws TypeError for metadata that cannot be sent. */
function metadataOf(metadata: Metadata): () => Promise<Headers> {
  if (typeof metadata !== "function") {
    const fixed = new Headers(metadata);
    return async () => new Headers(fixed);
  }
  return async () => {
    try {
      return new Headers(await metadata());
    } catch (error) {
      // What gives the tokens may be away for a while, as the server may.
      throw new UnavailableError(`no metadata: ${String(error)}`, { cause: error });
    }
  };
}
