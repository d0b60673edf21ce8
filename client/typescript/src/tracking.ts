/**
 * Working out deltas, and staying safe while doing so.
 *
 * What a tracker knows of the head, it knows from its own saves and loads: the etag, and a digest
 * of every entry, not the entries themselves. A save then is
 *
 *  - a delta against that etag, if that is less to send than the whole;
 *  - otherwise the whole, with that etag as the expected one, so that it cannot overwrite what
 *    somebody else wrote in between;
 *  - the whole without any expectation, if nothing is known of the head.
 *
 * A refusal because somebody else has written (DELTA_BASE_MISMATCH, ETAG_MISMATCH; or
 * EXECUTION_NOT_FOUND, because the execution was deleted) is the caller's to see, unless it chose
 * `overwrite`: then the whole is sent without expectation.
 *
 * When no answer came, nobody knows whether the save took effect, and the head may be the old one
 * or the new one. The next save first settles that, by sending the same request again under the
 * same request_id: where it took effect the server gives its first answer, where it did not it
 * takes effect now, in its right place before the next. Both ways the head is known again. The
 * old etag in it keeps even a request_id that the server has forgotten from overwriting somebody
 * else's save.
 */

import { create, toBinary } from "@bufbuild/protobuf";
import { PayloadSchema, SnapshotDeltaSchema, type SnapshotDelta } from "@stillframe/proto";
import { createHash } from "node:crypto";
import { newRequestId, type Call } from "./call.js";
import {
  payloadMessage,
  snapshotMessage,
  type EncodedSnapshot,
  type Payloads,
} from "./encoding.js";
import {
  DeltaBaseMismatchError,
  EtagMismatchError,
  ExecutionNotFoundError,
  StillframeError,
} from "./errors.js";
import type { SaveOptions } from "./options.js";
import type { Requests } from "./requests.js";
import { isAbsence } from "./retry.js";
import type { Saved, StoredSnapshot } from "./types.js";

/** Makes a call, with retries. */
export type Send = (call: Call<Saved>) => Promise<Saved>;

/** What is known of a map's entries: of each the bytes to send, key included, and a digest. */
type Known = ReadonlyMap<string, { readonly size: number; readonly digest: string }>;

/** What is known of both maps of a snapshot. */
interface Content {
  readonly stepOutputs: Known;
  readonly variables: Known;
}

/** What the head is taken to be. */
interface Base {
  readonly etag: string;
  readonly content: Content;
}

/** A save without an answer, and what the head is if it took effect. */
interface Unsettled {
  readonly call: Call<Saved>;
  readonly content: Content;
}

/** What one handle knows of one execution's head. */
export class Tracker {
  readonly #requests: Requests;
  readonly #executionId: string;
  readonly #overwrite: boolean;
  #base: Base | undefined;
  #unsettled: Unsettled | undefined;

  constructor(requests: Requests, executionId: string, options: { overwrite: boolean }) {
    this.#requests = requests;
    this.#executionId = executionId;
    this.#overwrite = options.overwrite;
  }

  /** Nothing is known of the head any more, and nothing is owed. */
  forget(): void {
    this.#base = undefined;
    this.#unsettled = undefined;
  }

  /** The head was read. One that leaves something out is no base for a delta. */
  know(head: StoredSnapshot | undefined): void {
    this.forget();
    if (head && !head.stepOutputs.isPartial && !head.variables.isPartial) {
      const content = contentOf(head.stepOutputs.payloads(), head.variables.payloads());
      this.#base = { etag: head.etag, content };
    }
  }

  /** Saves a snapshot. One save at a time. */
  async save(snapshot: EncodedSnapshot, options: SaveOptions, send: Send): Promise<Saved> {
    if (this.#unsettled !== undefined) {
      await this.#settle(this.#unsettled, send);
    }
    const content = contentOf(snapshot.stepOutputs, snapshot.variables);
    const call = this.#call(snapshot, content, options);
    try {
      return await this.#send({ call, content }, send);
    } catch (error) {
      const overtaken =
        error instanceof DeltaBaseMismatchError ||
        error instanceof EtagMismatchError ||
        error instanceof ExecutionNotFoundError;
      if (!overtaken || !this.#overwrite || options.expectedEtag !== undefined) {
        throw error;
      }
    }
    // Another body needs another request_id.
    const whole = this.#requests.saveWhole(this.#executionId, snapshot, {
      ...options,
      requestId: newRequestId(),
    });
    return await this.#send({ call: whole, content }, send);
  }

  async #settle(unsettled: Unsettled, send: Send): Promise<void> {
    try {
      await this.#send(unsettled, send);
    } catch (error) {
      // Without an answer again, it is still owed. Refused, it never took effect, and the
      // snapshot that comes now will meet the same refusal if it stands for it too.
      if (this.#unsettled !== undefined) {
        throw error;
      }
    }
  }

  async #send(unsettled: Unsettled, send: Send): Promise<Saved> {
    // Owed until it is answered: also when the caller gives the call up.
    this.#unsettled = unsettled;
    let saved: Saved;
    try {
      saved = await send(unsettled.call);
    } catch (error) {
      if (error instanceof StillframeError && !isAbsence(error)) {
        this.#unsettled = undefined;
      }
      throw error;
    }
    this.#unsettled = undefined;
    this.#base = { etag: saved.etag, content: unsettled.content };
    return saved;
  }

  #call(snapshot: EncodedSnapshot, content: Content, options: SaveOptions): Call<Saved> {
    const base = this.#base;
    // mustNotExist contradicts a base, and the caller knows better.
    if (base === undefined || options.mustNotExist) {
      return this.#requests.saveWhole(this.#executionId, snapshot, options);
    }
    const delta = deltaOf(base, content, snapshot);
    if (delta !== undefined) {
      return this.#requests.save(this.#executionId, { case: "delta", value: delta }, options);
    }
    const expectedEtag = options.expectedEtag ?? (this.#overwrite ? undefined : base.etag);
    return this.#requests.saveWhole(this.#executionId, snapshot, { ...options, expectedEtag });
  }
}

/** The delta from a base to a snapshot; undefined if it is no less to send than the whole. */
function deltaOf(
  base: Base,
  content: Content,
  snapshot: EncodedSnapshot,
): SnapshotDelta | undefined {
  const stepOutputs = changesOf(base.content.stepOutputs, content.stepOutputs);
  const variables = changesOf(base.content.variables, content.variables);
  const whole = sizeOf(content.stepOutputs.values()) + sizeOf(content.variables.values());
  if (stepOutputs.size + variables.size >= whole) {
    return undefined;
  }
  return create(SnapshotDeltaSchema, {
    base: { case: "baseEtag", value: base.etag },
    snapshot: snapshotMessage(
      snapshot,
      pick(snapshot.stepOutputs, stepOutputs.set),
      pick(snapshot.variables, variables.set),
    ),
    removedStepOutputs: stepOutputs.removed,
    removedVariables: variables.removed,
  });
}

/** What a map has to set and to remove, and about how many bytes that is to send. */
function changesOf(base: Known, now: Known): { set: string[]; removed: string[]; size: number } {
  const changed = [...now].filter(([key, { digest }]) => base.get(key)?.digest !== digest);
  const removed = [...base.keys()].filter((key) => !now.has(key));
  const size = removed.reduce((sum, key) => sum + Buffer.byteLength(key), 0);
  return {
    set: changed.map(([key]) => key),
    removed,
    size: size + sizeOf(changed.map(([, entry]) => entry)),
  };
}

function sizeOf(entries: Iterable<{ size: number }>): number {
  let size = 0;
  for (const entry of entries) {
    size += entry.size;
  }
  return size;
}

function pick(payloads: Payloads, keys: readonly string[]): Payloads {
  const wanted = new Set(keys);
  return new Map([...payloads].filter(([key]) => wanted.has(key)));
}

function contentOf(stepOutputs: Payloads, variables: Payloads): Content {
  return { stepOutputs: known(stepOutputs), variables: known(variables) };
}

function known(payloads: Payloads): Known {
  const entries = new Map<string, { size: number; digest: string }>();
  for (const [key, payload] of payloads) {
    // A payload has no map field, so equal ones serialise to equal bytes.
    const bytes = toBinary(PayloadSchema, payloadMessage(payload));
    const digest = createHash("sha256").update(bytes).digest("base64");
    entries.set(key, { size: Buffer.byteLength(key) + bytes.length, digest });
  }
  return entries;
}
