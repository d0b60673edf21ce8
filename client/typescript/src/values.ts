import { decodeEntry, encodeEntry, type Codec, type Payload } from "./payload.js";

/**
 * One map of a snapshot that was loaded: payloads, decoded when they are looked up.
 *
 * A payload that cannot be decoded fails with ValueDecodeError when that key is looked up, and
 * no other. Every lookup decodes anew, so what it gives is the caller's own: to change an entry,
 * set it. Entries that were not set are saved again byte for byte.
 */
export class Values implements Iterable<[string, unknown]> {
  /** Whether the answer left entries of its snapshot out. A save refuses such a map. */
  readonly isPartial: boolean;
  readonly #name: string;
  readonly #payloads: Map<string, Payload>;
  readonly #codec: Codec;

  /** @internal */
  constructor(
    name: string,
    payloads: ReadonlyMap<string, Payload>,
    codec: Codec,
    options: { partial: boolean },
  ) {
    this.isPartial = options.partial;
    this.#name = name;
    this.#payloads = new Map(payloads);
    this.#codec = codec;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#payloads.size;
  }

  /** Whether there is an entry with this key. Decodes nothing. */
  has(key: string): boolean {
    return this.#payloads.has(key);
  }

  /** The value of a key, undefined if it is not there. Throws ValueDecodeError. */
  get(key: string): unknown {
    const payload = this.#payloads.get(key);
    return payload && decodeEntry(this.#codec, this.#where(key), payload);
  }

  /** The raw payload of a key, whatever its encoding. */
  payload(key: string): Payload | undefined {
    return this.#payloads.get(key);
  }

  /** A copy of the map with raw payloads, which a save takes as values too. */
  payloads(): Map<string, Payload> {
    return new Map(this.#payloads);
  }

  /** Sets a value, encoded at once. Throws ValueEncodeError. */
  set(key: string, value: unknown): this {
    this.#payloads.set(key, encodeEntry(this.#codec, this.#where(key), value));
    return this;
  }

  /** Removes an entry; false if it was not there. */
  delete(key: string): boolean {
    return this.#payloads.delete(key);
  }

  /** The keys. Decodes nothing. */
  keys(): IterableIterator<string> {
    return this.#payloads.keys();
  }

  /** Keys and values, each decoded as it is reached. Throws ValueDecodeError. */
  *entries(): Generator<[string, unknown]> {
    for (const [key, payload] of this.#payloads) {
      yield [key, decodeEntry(this.#codec, this.#where(key), payload)];
    }
  }

  [Symbol.iterator](): Iterator<[string, unknown]> {
    return this.entries();
  }

  #where(key: string): string {
    return entryName(this.#name, key);
  }
}

/** The name of an entry in errors, such as `variables["x"]`. */
export function entryName(map: string, key: string): string {
  return `${map}[${JSON.stringify(key)}]`;
}
