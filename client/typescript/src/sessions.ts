/**
 * The HTTP/2 connection of a client: made when it is needed, kept alive, found out when it is
 * dead, and made again.
 *
 * connect-node brings a manager of its own, with two faults that a long-lived client meets: it
 * pings a connection that has just broken, which ends the process with ERR_HTTP2_INVALID_SESSION,
 * and a request that waits for a connection to be verified waits for ever if that one is closed
 * meanwhile.
 */

import type { GrpcTransportOptions } from "@connectrpc/connect-node";
import * as http2 from "node:http2";
import type { Connector } from "./target.js";

/** How long things may take, in milliseconds. */
export interface Patience {
  /** How often a connection is pinged, also a quiet one. The server accepts pings every 10 s. */
  readonly keepaliveMs: number;
  /** How long nothing may come after a ping until the connection counts as dead. */
  readonly keepaliveTimeoutMs: number;
  /** How long a connection may take to be made, with TLS and the server's first word. */
  readonly connectMs: number;
}

export const PATIENCE: Patience = {
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  // The system alone would try for minutes, and later calls wait for the same attempt.
  connectMs: 10_000,
};

/** How much may be under way to this side, of one call and of all: the defaults are 64 KiB. */
const CALL_WINDOW_BYTES = 4 * 1024 * 1024;
const WINDOW_BYTES = 16 * 1024 * 1024;
/** Megabytes. The default of 10 refuses other calls beside a large one. */
const SESSION_MEMORY_MB = 1_024;

type Manager = NonNullable<GrpcTransportOptions["sessionManager"]>;

/** The connections of a client: one, and those that end because their server is stopping. */
export class Sessions {
  readonly #authority: string;
  readonly #connector: Connector;
  readonly #patience: Patience;
  readonly #all = new Set<Session>();
  #current: Session | undefined;

  constructor(authority: string, connector: Connector, patience: Patience) {
    this.#authority = authority;
    this.#connector = connector;
    this.#patience = patience;
  }

  /** Starts a request, over a new connection if there is none that takes it. */
  async request(
    ...[method, path, headers, options]: Parameters<Manager["request"]>
  ): Promise<http2.ClientHttp2Stream> {
    // A server that is stopping may say so with its first word: then once more.
    for (let tries = 1; ; tries += 1) {
      const session = this.#usable();
      await session.ready;
      if (session.isUsable || tries === 2) {
        return session.request({ ...headers, ":method": method, ":path": path }, options);
      }
    }
  }

  /** Ends every connection, and what is under way on it. */
  close(): void {
    for (const session of this.#all) {
      session.destroy();
    }
  }

  #usable(): Session {
    if (this.#current?.isUsable) {
      return this.#current;
    }
    const session = new Session(this.#authority, this.#connector, this.#patience);
    this.#current = session;
    this.#all.add(session);
    session.onClose(() => this.#all.delete(session));
    return session;
  }
}

/** One connection. */
class Session {
  /** Settled once the server has spoken, or never will. */
  readonly ready: Promise<void>;
  readonly #session: http2.ClientHttp2Session;
  readonly #bytesRead: () => number;
  #streams = 0;
  #leaving = false;

  constructor(authority: string, connector: Connector, patience: Patience) {
    const socket = connector.connect();
    this.#bytesRead = () => socket.bytesRead;
    const session = http2.connect(authority, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: CALL_WINDOW_BYTES },
      maxSessionMemory: SESSION_MEMORY_MB,
    });
    this.#session = session;
    session.once("goaway", () => {
      this.#leaving = true;
    });
    session.once("connect", () => session.setLocalWindowSize(WINDOW_BYTES));
    this.ready = this.#whenReady(connector, patience.connectMs);
    this.#keepAlive(patience);
  }

  /** Whether it takes requests, now or once it is ready. */
  get isUsable(): boolean {
    return !this.#leaving && !this.#session.closed && !this.#session.destroyed;
  }

  request(
    headers: http2.OutgoingHttpHeaders,
    options: http2.ClientSessionRequestOptions,
  ): http2.ClientHttp2Stream {
    const stream = this.#session.request(headers, options);
    this.#streams += 1;
    this.#session.ref();
    stream.once("close", () => {
      this.#streams -= 1;
      // A connection without calls does not keep the process from its end.
      if (this.#streams === 0 && !this.#session.destroyed) {
        this.#session.unref();
      }
    });
    return stream;
  }

  onClose(listener: () => void): void {
    this.#session.once("close", listener);
  }

  destroy(error?: Error): void {
    this.#session.destroy(error, http2.constants.NGHTTP2_CANCEL);
  }

  #whenReady(connector: Connector, connectMs: number): Promise<void> {
    const session = this.#session;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.destroy(new Error(`no connection within ${connectMs} ms`));
      }, connectMs);
      const fail = () => {
        clearTimeout(timer);
        connector.failed();
        reject(new Error("the connection was closed"));
      };
      session.once("close", fail);
      session.once("remoteSettings", () => {
        clearTimeout(timer);
        session.off("close", fail);
        resolve();
      });
      // Stays, because an error without a listener ends the process.
      session.on("error", reject);
    });
  }

  #keepAlive({ keepaliveMs, keepaliveTimeoutMs }: Patience): void {
    const session = this.#session;
    let watchdog: NodeJS.Timeout | undefined;
    const timer = setInterval(() => {
      if (session.destroyed || session.connecting || watchdog !== undefined) {
        return;
      }
      const before = this.#bytesRead();
      watchdog = setTimeout(() => {
        watchdog = undefined;
        // Anything that came is a sign of life: the answer to a ping may stand behind much else.
        if (this.#bytesRead() === before) {
          this.destroy(new Error(`no answer to a ping within ${keepaliveTimeoutMs} ms`));
        }
      }, keepaliveTimeoutMs).unref();
      session.ping(() => undefined);
    }, keepaliveMs).unref();
    session.once("close", () => {
      clearInterval(timer);
      clearTimeout(watchdog);
    });
  }
}
