/** How a client reaches its server: addresses, sockets to them, and what goes with calls. */

import * as net from "node:net";
import * as tls from "node:tls";

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * What goes with every call: fixed, or asked for at each try, for tokens that expire. What the
 * function throws is the cause of an UnavailableError, and the try is made again.
 */
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
 * Makes sockets to the addresses of one server: to the last one that answered, and to the next
 * after it failed.
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
    return this.#tls
      ? tls.connect({ ALPNProtocols: ["h2"], ...this.#tls, ...address })
      : net.connect({ ...address });
  }

  /** No connection came of the last socket. */
  failed(): void {
    this.#at = (this.#at + 1) % this.#addresses.length;
  }
}
