/** Values to payloads and back. */

import { ValueDecodeError, ValueEncodeError } from "./errors.js";
import { parseJson } from "./json-parsing.js";
import { stringifyJson } from "./json-writing.js";
import { JsonError } from "./json.js";

/**
 * A value as the server keeps it: bytes, which it never reads.
 *
 * In place of a value it is saved byte for byte.
 */
export class Payload {
  /** The value's bytes, after every codec was applied. */
  readonly data: Uint8Array;
  /** How the bytes below all codecs are to be read; empty means `json/utf8`. */
  readonly encoding: string;
  /** What was done to the encoded bytes, outermost last, such as `zstd`. */
  readonly codecs: readonly string[];

  constructor(data: Uint8Array, options: { encoding?: string; codecs?: readonly string[] } = {}) {
    this.data = data;
    this.encoding = options.encoding ?? "";
    this.codecs = [...(options.codecs ?? [])];
  }
}

/**
 * Turns values into payloads and back: what a user plugs in for schemas, msgpack, compression or
 * encryption. Both are synchronous.
 */
export interface Codec {
  /** The payload of a value. Throws ValueEncodeError, or anything, for one that it refuses. */
  encode(value: unknown): Payload;
  /** The value of a payload. Throws ValueDecodeError, or anything, for one it cannot read. */
  decode(payload: Payload): unknown;
}

/**
 * JSON values, as every Stillframe client reads and writes them.
 *
 * An integer that a number cannot hold is a bigint, in both directions, in the i64 and u64
 * ranges; every other number is the same IEEE double. Plain objects, arrays, text, numbers,
 * booleans and null are taken; a property that is undefined is left out. Refused are: depth over
 * 200, NUL and lone surrogates in text, NaN, infinities, undefined elsewhere, functions, symbols,
 * and objects of a class.
 */
export const jsonCodec: Codec = {
  encode(value: unknown): Payload {
    try {
      return new Payload(ENCODER.encode(stringifyJson(value)));
    } catch (error) {
      throw error instanceof JsonError ? new ValueEncodeError(error.message) : error;
    }
  },

  decode(payload: Payload): unknown {
    if (payload.codecs.length > 0) {
      throw undecodable(payload, `codecs are not undone here: ${payload.codecs.join(", ")}`);
    }
    if (payload.encoding !== "" && payload.encoding !== "json/utf8") {
      const encoding = JSON.stringify(payload.encoding);
      throw undecodable(payload, `the encoding is ${encoding}, not json/utf8`);
    }
    let text: string;
    try {
      text = DECODER.decode(payload.data);
    } catch {
      throw undecodable(payload, "not UTF-8");
    }
    try {
      return parseJson(text);
    } catch (error) {
      throw error instanceof JsonError ? undecodable(payload, error.message) : error;
    }
  },
};

const ENCODER = new TextEncoder();
// A byte order mark is no JSON, and must not be swallowed.
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function undecodable(payload: Payload, message: string): ValueDecodeError {
  return new ValueDecodeError(message, { payload });
}

/** The payload of an entry. `key` is its name in errors, such as `variables["x"]`. */
export function encodeEntry(codec: Codec, key: string, value: unknown): Payload {
  const payload = value instanceof Payload ? value : encoded(codec, key, value);
  if (!(payload instanceof Payload && payload.data instanceof Uint8Array)) {
    throw new ValueEncodeError("is no Payload of bytes", { key });
  }
  // The bytes of one that was given are the caller's, to change before they are sent.
  return payload === value ? new Payload(new Uint8Array(payload.data), payload) : payload;
}

function encoded(codec: Codec, key: string, value: unknown): Payload {
  try {
    return codec.encode(value);
  } catch (error) {
    const { message, cause } = told(error, ValueEncodeError);
    throw new ValueEncodeError(message, { key, cause });
  }
}

/** The value of an entry. */
export function decodeEntry(codec: Codec, key: string, payload: Payload): unknown {
  try {
    return codec.decode(payload);
  } catch (error) {
    const { message, cause } = told(error, ValueDecodeError);
    throw new ValueDecodeError(message, { key, payload, cause });
  }
}

function told(
  error: unknown,
  own: typeof ValueEncodeError | typeof ValueDecodeError,
): { message: string; cause: unknown } {
  if (error instanceof own) {
    return { message: error.message, cause: error.cause };
  }
  return { message: String(error), cause: error };
}
