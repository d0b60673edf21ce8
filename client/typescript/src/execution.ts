import type { CallOptions } from "./call.js";
import type { Client } from "./client.js";
import { encodeSnapshot, type EncodedSnapshot } from "./encoding.js";
import type { ForkOptions, PruneOptions } from "./history.js";
import type {
  ClaimOptions,
  DeleteOptions,
  HistoryOptions,
  LoadOptions,
  SaveOptions,
} from "./options.js";
import type { Selector } from "./queries.js";
import type { Requests } from "./requests.js";
import { Tracker } from "./tracking.js";
import type { Transport } from "./transport.js";
import type {
  Claim,
  Deleted,
  Diff,
  Forked,
  Int64,
  Saved,
  Snapshot,
  StoredSnapshot,
} from "./types.js";

/** What a handle is opened with. */
export interface ExecutionOptions {
  /** What goes with every save; a claim sets it. */
  readonly writerEpoch?: Int64 | undefined;
  /** Where somebody else has written, save the whole snapshot over it, instead of throwing. */
  readonly overwrite?: boolean | undefined;
}

/**
 * A handle on one execution, as one engine sees it: it saves what changed since its last save,
 * load or claim where that is less to send, and the whole otherwise.
 *
 * Where somebody else has written in between, a save throws DeltaBaseMismatchError or
 * EtagMismatchError, unless the handle was opened with `overwrite`: load, decide, save again. A
 * save that got no answer, or was given up, may or may not have taken effect; the next one first
 * repeats it. Saves, loads, claims and deletes go one at a time, in the order of their calls.
 */
export class Execution {
  /** The execution. */
  readonly executionId: string;
  /** What goes with every save; a claim sets it. */
  writerEpoch: Int64 | undefined;
  readonly #client: Client;
  readonly #transport: Transport;
  readonly #codec: Requests["codec"];
  readonly #tracker: Tracker;
  #last: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(
    client: Client,
    transport: Transport,
    requests: Requests,
    executionId: string,
    options: ExecutionOptions,
  ) {
    this.executionId = executionId;
    this.writerEpoch = options.writerEpoch;
    this.#client = client;
    this.#transport = transport;
    this.#codec = requests.codec;
    const overwrite = options.overwrite ?? false;
    this.#tracker = new Tracker(requests, executionId, { overwrite });
  }

  /** Saves a snapshot, as a delta where that is smaller; see `Client.save`. */
  async save(snapshot: Snapshot, options: Omit<SaveOptions, "writerEpoch"> = {}): Promise<Saved> {
    return await this.saveEncoded(this.encode(snapshot), options);
  }

  /** A copy of the snapshot, ready to be sent. @internal */
  encode(snapshot: Snapshot): EncodedSnapshot {
    return encodeSnapshot(snapshot, this.#codec);
  }

  /** Saves what `encode` gave. The timeout bounds each call, not the waiting. @internal */
  saveEncoded(snapshot: EncodedSnapshot, options: SaveOptions): Promise<Saved> {
    return this.#alone(options, () => {
      const { writerEpoch } = this;
      return this.#tracker.save(snapshot, { ...options, writerEpoch }, (call) =>
        this.#transport.unary(call, options),
      );
    });
  }

  /** Loads a snapshot; see `Client.load`. A head is what the next save is compared with. */
  load(options: LoadOptions = {}): Promise<StoredSnapshot> {
    return this.#alone(options, async () => {
      const snapshot = await this.#client.load(this.executionId, options);
      const { version, snapshotId, criteria } = options;
      if (version === undefined && snapshotId === undefined && criteria === undefined) {
        this.#tracker.know(snapshot);
      }
      return snapshot;
    });
  }

  /** Takes the execution over; see `Client.claim`. Later saves carry the epoch. */
  claim(options: ClaimOptions = {}): Promise<Claim> {
    return this.#alone(options, async () => {
      const claim = await this.#client.claim(this.executionId, options);
      this.writerEpoch = claim.writerEpoch;
      this.#tracker.know(claim.snapshot);
      return claim;
    });
  }

  /** Deletes the execution; see `Client.delete`. */
  delete(options: Omit<DeleteOptions, "writerEpoch"> = {}): Promise<Deleted> {
    return this.#alone(options, async () => {
      const { writerEpoch } = this;
      const deleted = await this.#client.delete(this.executionId, { ...options, writerEpoch });
      this.#tracker.forget();
      return deleted;
    });
  }

  /** Iterates over its snapshots, newest first; see `Client.history`. */
  history(
    options: Omit<HistoryOptions, "filter"> = {},
  ): AsyncGenerator<StoredSnapshot, void, void> {
    return this.#client.history(this.executionId, options);
  }

  /** Compares two of its snapshots; see `Client.diff`. */
  diff(from: Selector, to: Selector = {}, options: CallOptions = {}): Promise<Diff> {
    return this.#client.diff(this.executionId, from, to, options);
  }

  /** Makes a new execution from one of its snapshots; see `Client.fork`. */
  fork(newExecutionId: string, options: ForkOptions = {}): Promise<Forked> {
    return this.#client.fork(this.executionId, newExecutionId, options);
  }

  /** Deletes history; see `Client.prune`. */
  prune(options: Omit<PruneOptions, "writerEpoch">): Promise<bigint> {
    const { writerEpoch } = this;
    return this.#client.prune(this.executionId, { ...options, writerEpoch });
  }

  /** Runs one thing after another. What was given up before its turn is not begun. */
  #alone<T>({ signal }: CallOptions, run: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const result = (async () => {
      await before;
      signal?.throwIfAborted();
      return await run();
    })();
    this.#last = result.catch(() => undefined);
    return result;
  }
}
