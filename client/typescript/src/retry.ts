/**
 * When to try a call again, and for how long.
 *
 * Every call is repeated. Saves, forks, prunes, deletes of executions and setValue carry a
 * request_id, by which the server gives its first answer again; a claim that is repeated gives a
 * higher epoch. A deleteValue has none: repeated, it may delete a value that was set since, unless
 * it names the etag. What is retried is what another try can help: UNAVAILABLE, RESOURCE_EXHAUSTED where the server said that it passes
 * (SERVER_BUSY, RATE_LIMITED), and CANCELLED, which a server answers whose time to drain is over:
 * the caller's own cancellation never comes as a status.
 */

import {
  CallCancelledError,
  DeadlineExceededError,
  InternalError,
  RateLimitedError,
  ServerBusyError,
  UnavailableError,
  UnknownError,
  type StillframeError,
} from "./errors.js";
import { after } from "./timers.js";

/**
 * How often and how patiently a call is repeated, within its timeout.
 *
 * The delay before try n + 1 is random between 0 and min(maxBackoffMs, initialBackoffMs *
 * multiplier^(n-1)) milliseconds ("full jitter"), so that clients do not come back in step; where
 * the server names a time to wait, that much comes on top. The defaults ride out about 20 s, the
 * restart of a server on a busy machine. A watch that was open once reconnects without counting.
 */
export interface RetryPolicy {
  /** How many tries, the first one included; 1 retries nothing. */
  readonly maxAttempts: number;
  /** The bound of the first delay, in milliseconds. */
  readonly initialBackoffMs: number;
  /** The bound of every delay, in milliseconds. */
  readonly maxBackoffMs: number;
  /** By how much the bound grows from one delay to the next. */
  readonly multiplier: number;
}

/** What a client retries by if it is not told otherwise. */
export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 24,
  initialBackoffMs: 100,
  maxBackoffMs: 2_000,
  multiplier: 2,
};

/** The time and the chance that retries depend on; tests bring their own. */
export interface Clock {
  /** Milliseconds that never go back. */
  now(): number;
  /** A random number in [0, 1). */
  random(): number;
  /** Passes so many milliseconds, or until the signal is aborted; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const wake = () => {
        cancel();
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const cancel = after(signal?.aborted ? 0 : ms, wake);
      signal?.addEventListener("abort", wake);
    }),
};

/** The milliseconds to wait after so many failures in a row; `jitter` is in [0, 1). */
export function backoff(policy: RetryPolicy, failures: number, jitter: number): number {
  // Infinity after very many failures is no harm: the bound is below it.
  const ceiling = policy.initialBackoffMs * policy.multiplier ** (failures - 1);
  return jitter * Math.min(policy.maxBackoffMs, ceiling);
}

/** Whether another try of the same call may succeed soon. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof UnavailableError ||
    error instanceof ServerBusyError ||
    error instanceof RateLimitedError ||
    error instanceof CallCancelledError
  );
}

/**
 * Whether no answer of a working server was had: what a background saver rides out, and after
 * which nobody knows whether the call took effect.
 *
 * Besides transient errors: the timeout, and statuses without a Stillframe reason that broken
 * connections and proxies make up.
 */
export function isAbsence(error: unknown): boolean {
  if (isTransient(error) || error instanceof DeadlineExceededError) {
    return true;
  }
  return (error instanceof InternalError || error instanceof UnknownError) && error.reason === "";
}

/** The tries of one call. */
export class Attempts {
  readonly #policy: RetryPolicy;
  readonly #clock: Clock;
  readonly #deadline: number;
  #failures = 0;

  /** `timeoutMs` bounds all tries together; Infinity is no bound. */
  constructor(policy: RetryPolicy, timeoutMs: number, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
    this.#deadline = clock.now() + timeoutMs;
  }

  /** The milliseconds that the next try may take; Infinity is no bound. */
  remaining(): number {
    return Math.max(0, this.#deadline - this.#clock.now());
  }

  /** The milliseconds to wait before the next try; undefined when the error is the call's. */
  delayAfter(error: StillframeError): number | undefined {
    this.#failures += 1;
    if (!isTransient(error) || this.#failures >= this.#policy.maxAttempts) {
      return undefined;
    }
    const delay =
      backoff(this.#policy, this.#failures, this.#clock.random()) + (error.retryAfterMs ?? 0);
    // A wait that uses the time up leaves none for the try.
    return delay < this.remaining() ? delay : undefined;
  }
}
