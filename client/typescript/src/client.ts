import type { DiffSnapshotsResponse } from "@stillframe/proto";
import type { Call, CallOptions } from "./call.js";
import { encodeSnapshot } from "./encoding.js";
import { Execution, type ExecutionOptions } from "./execution.js";
import * as history from "./history.js";
import * as memory from "./memory.js";
import type {
  ClaimOptions,
  ClientOptions,
  DeleteOptions,
  HistoryOptions,
  HistoryPageOptions,
  ListOptions,
  ListPageOptions,
  LoadOptions,
  SaveOptions,
  WatchOptions,
} from "./options.js";
import { jsonCodec } from "./payload.js";
import type { Selector } from "./queries.js";
import { Requests } from "./requests.js";
import { DEFAULT_RETRY, SYSTEM_CLOCK, type Clock, type RetryPolicy } from "./retry.js";
import { Saver, type SaverOptions } from "./saver.js";
import { Transport } from "./transport.js";
import type {
  Claim,
  Deleted,
  Diff,
  Forked,
  Freshness,
  Int64,
  KeyInfo,
  Page,
  Saved,
  ServerInfo,
  Snapshot,
  StoredSnapshot,
  StoredValue,
  ValueSet,
} from "./types.js";
import { Watch } from "./watch.js";
import { Watching } from "./watching.js";

/** The default bound on a message in either direction; the server's own. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
const MAX_ABSENCE_MS = 60_000;
const USER_AGENT = "stillframe-typescript/0.1.0";

/**
 * A client of one tenant.
 *
 * The target is `host:port`, or several of them separated by commas: the first that answers is
 * used. It connects at the first call, and again whenever the connection breaks. Errors are
 * StillframeError; a call that its signal gives up is rejected with the signal's reason.
 */
export class Client implements AsyncDisposable {
  readonly #requests: Requests;
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  readonly #retry: RetryPolicy;
  readonly #clock: Clock;

  /** Throws TypeError for a target that is none, and for metadata that cannot be sent. */
  constructor(target: string, options: ClientOptions) {
    const { tenant, tls, codec = jsonCodec, maxMessageBytes = MAX_MESSAGE_BYTES } = options;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#requests = new Requests(tenant, codec, maxMessageBytes);
    this.#transport = new Transport({
      target,
      tls: tls === true ? {} : tls || undefined,
      metadata: options.metadata ?? {},
      timeoutMs: this.#timeoutMs,
      retry: this.#retry,
      maxMessageBytes,
      clock: this.#clock,
      userAgent: USER_AGENT,
    });
  }

  /** The tenant of every call. */
  get tenant(): string {
    return this.#requests.tenantId;
  }

  /**
   * Ends the watches and closes the connection; what is under way throws ClosedError, and so does
   * every later call. Idempotent.
   */
  async close(): Promise<void> {
    this.#transport.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Saves the whole snapshot, and returns once it is durable.
   *
   * Throws ValueEncodeError for a value that the codec refuses, IncompleteSnapshotError for a
   * loaded snapshot that leaves something out, SnapshotTooLargeError, SnapshotIdExistsError,
   * QuotaExceededError, and what the options say.
   */
  async save(executionId: string, snapshot: Snapshot, options: SaveOptions = {}): Promise<Saved> {
    const encoded = encodeSnapshot(snapshot, this.#requests.codec);
    return await this.#unary(this.#requests.saveWhole(executionId, encoded, options), options);
  }

  /** Loads one snapshot. Throws ExecutionNotFoundError, SnapshotNotFoundError. */
  async load(executionId: string, options: LoadOptions = {}): Promise<StoredSnapshot> {
    return await this.#unary(this.#requests.load(executionId, options), options);
  }

  /**
   * Takes over an execution: raises its writer epoch, and gives it with the head. From then on
   * saves with a lower epoch, or none, are refused with FencedError. Throws
   * ExecutionNotFoundError.
   */
  async claim(executionId: string, options: ClaimOptions = {}): Promise<Claim> {
    return await this.#unary(this.#requests.claim(executionId, options), options);
  }

  /**
   * Compares executions with the heads of their event stores, by execution id, without loading
   * anything; the results are in the order of `heads`. An execution that does not exist is
   * MISSING. More than 1,000 are asked for in several calls.
   */
  async checkFreshness(
    heads: Readonly<Record<string, Int64>> | ReadonlyMap<string, Int64>,
    options: CallOptions = {},
  ): Promise<Freshness[]> {
    const results: Freshness[] = [];
    for (const call of this.#requests.checkFreshness(heads)) {
      results.push(...(await this.#unary(call, options)));
    }
    return results;
  }

  /**
   * Iterates over the heads that the filter matches, in order of the bytes of the execution id. An
   * execution that changes meanwhile is neither skipped nor given twice.
   */
  list(options: ListOptions = {}): AsyncGenerator<StoredSnapshot, void, void> {
    return pages((pageToken) => this.listPage({ ...options, pageToken }));
  }

  /** One page of `list`. Throws PageTokenMismatchError. */
  async listPage(options: ListPageOptions = {}): Promise<Page<StoredSnapshot>> {
    return await this.#unary(this.#requests.listPage(options), options);
  }

  /**
   * Iterates over the snapshots of one execution, or of every execution whose head the filter
   * matches, by revision, newest first. Throws ExecutionNotFoundError when an execution is named.
   */
  history(
    executionId?: string,
    options: HistoryOptions = {},
  ): AsyncGenerator<StoredSnapshot, void, void> {
    return pages((pageToken) => this.historyPage(executionId, { ...options, pageToken }));
  }

  /** One page of `history`. Throws PageTokenMismatchError. */
  async historyPage(
    executionId?: string,
    options: HistoryPageOptions = {},
  ): Promise<Page<StoredSnapshot>> {
    return await this.#unary(this.#requests.historyPage(executionId, options), options);
  }

  /**
   * Compares a snapshot with another, or with the head: what was added, removed and changed.
   * Throws ExecutionNotFoundError, SnapshotNotFoundError.
   */
  async diff(
    executionId: string,
    from: Selector,
    to: Selector = {},
    options: CallOptions = {},
  ): Promise<Diff> {
    const page = (pageToken: string) =>
      this.#unary(history.diffPage(this.tenant, executionId, from, to, pageToken), options);
    let last = await page("");
    const all: [DiffSnapshotsResponse, ...DiffSnapshotsResponse[]] = [last];
    while (last.nextPageToken !== "") {
      last = await page(last.nextPageToken);
      all.push(last);
    }
    return history.diffOf(all);
  }

  /**
   * Creates an execution from a snapshot of another. Throws ExecutionExistsError,
   * ExecutionNotFoundError, SnapshotNotFoundError.
   */
  async fork(
    executionId: string,
    newExecutionId: string,
    options: history.ForkOptions = {},
  ): Promise<Forked> {
    return await this.#unary(
      history.fork(this.tenant, executionId, newExecutionId, options),
      options,
    );
  }

  /**
   * Deletes history, never the head, and returns how many snapshots. Throws
   * ExecutionNotFoundError, FencedError.
   */
  async prune(executionId: string, options: history.PruneOptions): Promise<bigint> {
    return await this.#unary(history.prune(this.tenant, executionId, options), options);
  }

  /** Deletes an execution with its history. Where there is none, it counts 0. */
  async delete(executionId: string, options: DeleteOptions = {}): Promise<Deleted> {
    return await this.#unary(this.#requests.delete(executionId, options), options);
  }

  /**
   * Sets a value of the working memory, and returns once that is durable. Throws
   * ValueTooLargeError, and what the options say.
   */
  async setValue(
    key: string,
    value: Uint8Array,
    options: memory.SetValueOptions = {},
  ): Promise<ValueSet> {
    return await this.#unary(memory.setValue(this.#requests, key, value, options), options);
  }

  /** Gets a value of the working memory. Throws ValueNotFoundError, also once its ttl is over. */
  async getValue(key: string, options: memory.ScopeOptions = {}): Promise<StoredValue> {
    return await this.#unary(memory.getValue(this.tenant, key, options), options);
  }

  /**
   * Deletes a value of the working memory; false where there was none.
   *
   * It is tried again as every call is, and has no request_id: after a try whose answer was lost,
   * the next may find nothing and return false, or delete a value that was set since.
   * `expectedEtag` makes the latter impossible.
   */
  async deleteValue(key: string, options: memory.DeleteValueOptions = {}): Promise<boolean> {
    return await this.#unary(memory.deleteValue(this.tenant, key, options), options);
  }

  /** Iterates over the keys of one scope of the working memory, in order of their bytes. */
  listKeys(options: memory.ListKeysOptions = {}): AsyncGenerator<KeyInfo, void, void> {
    return pages((pageToken) => this.listKeysPage({ ...options, pageToken }));
  }

  /** One page of `listKeys`. Throws PageTokenMismatchError. */
  async listKeysPage(options: memory.ListKeysPageOptions = {}): Promise<Page<KeyInfo>> {
    return await this.#unary(memory.listKeysPage(this.tenant, options), options);
  }

  /** Gets what the server is, and its limits. */
  async info(options: CallOptions = {}): Promise<ServerInfo> {
    return await this.#unary(this.#requests.info(), options);
  }

  /** Watches the executions that the filter matches. */
  watch(options: WatchOptions = {}): Watch {
    const watching = new Watching(this.#requests.watch(options), {
      codec: this.#requests.codec,
      retry: this.#retry,
      clock: this.#clock,
      restartIfLost: options.restartIfLost ?? false,
    });
    return new Watch(watching, this.#transport, options.signal);
  }

  /** A handle on one execution that saves deltas where they are smaller. */
  execution(executionId: string, options: ExecutionOptions = {}): Execution {
    return new Execution(this, this.#transport, this.#requests, executionId, options);
  }

  /** Saves one execution in the background; the newest state wins. */
  saver(executionId: string, options: SaverOptions = {}): Saver {
    return new Saver(this.execution(executionId, options), {
      timeoutMs: this.#timeoutMs,
      maxAbsenceMs: options.maxAbsenceMs ?? MAX_ABSENCE_MS,
      retry: this.#retry,
      clock: {
        now: () => this.#clock.now(),
        random: () => this.#clock.random(),
        sleep: (ms, signal) => this.#transport.pause(ms, signal),
      },
    });
  }

  #unary<T>(call: Call<T>, options: CallOptions): Promise<T> {
    return this.#transport.unary(call, options);
  }
}

async function* pages<T>(
  fetch: (pageToken: string) => Promise<Page<T>>,
): AsyncGenerator<T, void, void> {
  let pageToken = "";
  do {
    const page = await fetch(pageToken);
    yield* page.items;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}
