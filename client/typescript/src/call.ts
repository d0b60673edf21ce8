/** One call of a unary RPC, ready to be sent, and to be sent again. */

import {
  create,
  toBinary,
  type DescMessage,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { randomBytes } from "node:crypto";
import {
  invalidField,
  InvalidFieldError,
  type SnapshotTooLargeError,
  type ValueTooLargeError,
} from "./errors.js";

/** What every call can be told. */
export interface CallOptions {
  /**
   * Gives the call up: its promise is rejected with the signal's reason. Whether a save or delete
   * took effect is unknown then.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * The milliseconds that the call may take with all its retries; Infinity is no bound. Unset is
   * the client's.
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * A method, its request, and how to read the answer. It may be sent more than once: what changes
 * state carries a request_id, but for a claim, which then gives a higher epoch, and deleteValue.
 */
export interface Call<T> {
  readonly method: DescMethodUnary;
  readonly request: Message;
  /** The bytes of the request. */
  readonly size: number;
  read(answer: Message): T;
}

/** Makes a call. Throws InvalidFieldError for a request that cannot be sent. */
export function call<I extends DescMessage, O extends DescMessage, T>(
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  read: (answer: MessageShape<O>) => T,
): Call<T> {
  const message = create(method.input, request);
  const size = sizeOf(method.input, message);
  return { method, request: message, size, read: read as (answer: Message) => T };
}

/** A fresh request_id, of the system's randomness. */
export function newRequestId(): string {
  return randomBytes(16).toString("hex");
}

/**
 * The bytes of a request. Throws InvalidFieldError for one that cannot be encoded: sent, its failure
 * would look like that of a connection.
 */
export function sizeOf<I extends DescMessage>(schema: I, message: MessageShape<I>): number {
  refuseBrokenText(message, "");
  try {
    return toBinary(schema, message).length;
  } catch (error) {
    const { message: text } = error as Error;
    throw new InvalidFieldError(text, { reason: "INVALID_FIELD", cause: error });
  }
}

/** Refuses a call that is above the client's bound; the channel's own error has no reason. */
export function refuseTooLarge(
  { size }: Call<unknown>,
  maximum: number,
  TooLarge: typeof SnapshotTooLargeError | typeof ValueTooLargeError,
  reason: "SNAPSHOT_TOO_LARGE" | "VALUE_TOO_LARGE",
): void {
  if (size > maximum) {
    throw new TooLarge(`the request has ${size} bytes, and maxMessageBytes is ${maximum}`, {
      reason,
      metadata: { limit: "max_message_bytes", maximum: `${maximum}`, actual: `${size}` },
    });
  }
}

/** Refuses lone surrogates, which would be sent as another character. */
export function refuseBrokenText(value: unknown, path: string): void {
  if (typeof value === "string") {
    if (!value.isWellFormed()) {
      throw invalidField(path, "contains a lone surrogate");
    }
  } else if (Array.isArray(value)) {
    value.forEach((each) => refuseBrokenText(each, path));
  } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
    for (const [key, each] of Object.entries(value)) {
      refuseBrokenText(key, path);
      refuseBrokenText(each, fieldPath(path, key, each));
    }
  }
}

/** The contract's path of a field; that of a oneof goes by its case. */
function fieldPath(path: string, name: string, value: unknown): string {
  const oneof = (value as { case?: unknown } | null | undefined)?.case;
  if (name === "value" && path !== "") {
    return path;
  }
  const field = typeof oneof === "string" ? oneof : name;
  const snakeCase = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return path === "" ? snakeCase : `${path}.${snakeCase}`;
}
