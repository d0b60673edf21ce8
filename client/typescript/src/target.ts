/** How a client reaches its server: addresses, sockets to them, and what goes with calls. */

import * as net from "node:net";
import * as tls from "node:tls";

/** How long a connection may take to be made, TLS included. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What goes with every call: fixed, or asked for at each try, for tokens that expire. */
export type Metadata =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/**
 * The addresses of a target, `host:port` or several of them separated by commas. Throws TypeError.
 */
export function parseTarget(target: string): [Address, ...Address[]] {
  const [first, ...others] = target.replace(/^dns:(\/\/\/)?/, "").split(",");
  const parse = (text: string): Address => {
    const match = /^(?:\[([^\]]+)\]|([^:/@\s]+)):([0-9]+)$/.exec(text.trim());
    const port = Number(match?.[3]);
    if (match === null || port > 0xffff) {
      throw new TypeError(`target ${JSON.stringify(target)} is not host:port[,host:port …]`);
    }
    return { host: match[1] ?? match[2] ?? "", port };
  };
  return [parse(first ?? ""), ...others.map(parse)];
}

/**
 * Makes sockets to the addresses of one server: to the last one that answered, and after a
 * failure to the next.
 */
export class Connector {
  readonly #addresses: readonly [Address, ...Address[]];
  readonly #tls: tls.ConnectionOptions | undefined;
  #at = 0;

  constructor(
    addresses: readonly [Address, ...Address[]],
    options: tls.ConnectionOptions | undefined,
  ) {
    this.#addresses = addresses;
    this.#tls = options;
  }

  /** A socket that is about to be connected. */
  connect(): net.Socket {
    const address = this.#addresses[this.#at] ?? this.#addresses[0];
    const socket = this.#tls
      ? tls.connect({ ALPNProtocols: ["h2"], ...this.#tls, ...address })
      : net.connect({ ...address });
    const fail = () => {
      this.#at = (this.#at + 1) % this.#addresses.length;
    };
    // The system would try for minutes, and later calls wait for the same attempt.
    const timer = setTimeout(() => {
      const where = `${address.host}:${address.port}`;
      socket.destroy(new Error(`no connection to ${where} within ${CONNECT_TIMEOUT_MS} ms`));
    }, CONNECT_TIMEOUT_MS);
    socket.once("error", fail);
    socket.once("close", () => clearTimeout(timer));
    socket.once(this.#tls ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      socket.off("error", fail);
    });
    return socket;
  }
}
