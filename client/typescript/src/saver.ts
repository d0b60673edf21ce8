import type { CallOptions } from "./call.js";
import { durationOf, type EncodedSnapshot } from "./encoding.js";
import { ClosedError, DeadlineExceededError, StillframeError } from "./errors.js";
import type { Execution, ExecutionOptions } from "./execution.js";
import type { SaveOptions } from "./options.js";
import { backoff, isAbsence, type Clock, type RetryPolicy } from "./retry.js";
import { after } from "./timers.js";
import type { Saved, Snapshot } from "./types.js";

/** What a background saver is opened with. */
export interface SaverOptions extends ExecutionOptions {
  /** The milliseconds of a server's absence to ride out; 60,000. */
  readonly maxAbsenceMs?: number | undefined;
}

/** What a background saver needs. */
export interface SaverSettings {
  readonly timeoutMs: number;
  readonly maxAbsenceMs: number;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
}

/** A state to save; `ticket` counts the states submitted. */
interface Job {
  readonly ticket: number;
  readonly snapshot: EncodedSnapshot;
  readonly options: SaveOptions;
}

/**
 * Saves the states of one execution in the background. The newest wins: while a save is under way
 * one state waits, and a newer one takes its place.
 *
 * The server's absence is ridden out for `maxAbsenceMs`. After that, or after an error that
 * waiting does not mend (FencedError, SnapshotTooLargeError), the saver has stopped for good, and
 * every submit and flush throws the error.
 *
 * Close it, or hold it with `await using`: what was not flushed when the process ends is lost.
 */
export class Saver implements AsyncDisposable {
  /** The handle that it saves through; its claim gives the saves their epoch. */
  readonly execution: Execution;
  readonly #settings: SaverSettings;
  readonly #waiters = new Set<() => void>();
  readonly #end = new AbortController();
  #submitted = 0;
  #durable = 0;
  #waiting: Job | undefined;
  #running: Promise<void> | undefined;
  #failures = 0;
  #absentSince = 0;
  #error: StillframeError | undefined;
  #closed = false;
  #last: Saved | undefined;

  /** @internal */
  constructor(execution: Execution, settings: SaverSettings) {
    this.execution = execution;
    this.#settings = settings;
  }

  /**
   * Takes a copy of the snapshot, to be saved as soon as can be, and returns at once. The options
   * as in `Client.save`.
   *
   * Throws ValueEncodeError and the like for this snapshot, and the error that stopped the saver.
   */
  submit(
    snapshot: Snapshot,
    options: Pick<SaveOptions, "ttlMs" | "allowSequenceRegression"> = {},
  ): void {
    const encoded = this.execution.encode(snapshot);
    // Refused now, not by the save, whose failure would stop the saver.
    durationOf(options.ttlMs);
    if (this.#closed) {
      throw new ClosedError("the saver is closed");
    }
    this.#check();
    this.#submitted += 1;
    const { ttlMs, allowSequenceRegression } = options;
    this.#waiting = {
      ticket: this.#submitted,
      snapshot: encoded,
      options: { ttlMs, allowSequenceRegression },
    };
    this.#running ??= this.#run();
  }

  /**
   * Waits until the newest submitted state is durable, and returns the answer to it, or to a newer
   * one; undefined when nothing was submitted.
   *
   * After `timeoutMs` it throws DeadlineExceededError, and the saver goes on; unset is no bound.
   * Throws the error that stopped the saver.
   */
  async flush(options: CallOptions = {}): Promise<Saved | undefined> {
    const { signal, timeoutMs } = options;
    const ticket = this.#submitted;
    signal?.throwIfAborted();
    if (!this.#isSettled(ticket)) {
      await this.#settled(ticket, timeoutMs, signal);
    }
    this.#check();
    return this.#last;
  }

  /** Flushes, and ends the saver. Idempotent. Throws what `flush` throws. */
  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      this.#end.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Whether waiting for a state is over: it, or a newer one, is durable, or never will be. */
  #isSettled(ticket: number): boolean {
    return this.#durable >= ticket || this.#error !== undefined;
  }

  #check(): void {
    if (this.#error !== undefined) {
      throw this.#error;
    }
  }

  #settled(
    ticket: number,
    timeoutMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel =
        timeoutMs !== undefined && Number.isFinite(timeoutMs)
          ? after(timeoutMs, () => {
              done();
              reject(new DeadlineExceededError(`not durable within ${timeoutMs} ms`));
            })
          : undefined;
      const look = () => {
        if (this.#isSettled(ticket)) {
          done();
          resolve();
        }
      };
      const abort = () => {
        done();
        reject(signal?.reason as Error);
      };
      const done = () => {
        cancel?.();
        this.#waiters.delete(look);
        signal?.removeEventListener("abort", abort);
      };
      this.#waiters.add(look);
      signal?.addEventListener("abort", abort);
    });
  }

  /** Saves until nothing waits. */
  async #run(): Promise<void> {
    // What is submitted in the same turn as the first is one state, the newest.
    await Promise.resolve();
    for (;;) {
      const job = this.#waiting;
      if (job === undefined || this.#error !== undefined) {
        break;
      }
      this.#waiting = undefined;
      const delay = await this.#try(job);
      for (const look of [...this.#waiters]) {
        look();
      }
      if (delay > 0) {
        await this.#settings.clock.sleep(delay, this.#end.signal);
      }
    }
    this.#running = undefined;
  }

  /** Makes one try; the milliseconds to wait before the next one. */
  async #try(job: Job): Promise<number> {
    const begun = this.#settings.clock.now();
    const timeoutMs = this.#timeLeft();
    try {
      this.#last = await this.execution.saveEncoded(job.snapshot, { ...job.options, timeoutMs });
    } catch (error) {
      return this.#failed(job, begun, error);
    }
    this.#durable = job.ticket;
    this.#failures = 0;
    return 0;
  }

  /** The time of the next try: an absence ends in time also when the server swallows calls. */
  #timeLeft(): number {
    const { clock, maxAbsenceMs, timeoutMs } = this.#settings;
    const absent = this.#failures > 0 ? clock.now() - this.#absentSince : 0;
    return Math.min(timeoutMs, Math.max(1, maxAbsenceMs - absent));
  }

  #failed(job: Job, begun: number, failure: unknown): number {
    const { clock, maxAbsenceMs, retry } = this.#settings;
    const now = clock.now();
    if (this.#failures === 0) {
      // The try itself may have taken all of the time.
      this.#absentSince = begun;
    }
    this.#failures += 1;
    if (!isAbsence(failure) || now - this.#absentSince >= maxAbsenceMs) {
      // Another kind is a fault of the client's own: whoever waits must hear of it.
      this.#error =
        failure instanceof StillframeError
          ? failure
          : new StillframeError(`the saver broke: ${String(failure)}`, { cause: failure });
      return 0;
    }
    this.#waiting ??= job;
    const { retryAfterMs = 0 } = failure as StillframeError;
    const delay = backoff(retry, this.#failures, clock.random()) + retryAfterMs;
    // However long the server wants to be left alone, the absence ends in time.
    return Math.min(delay, maxAbsenceMs - (now - this.#absentSince));
  }
}
