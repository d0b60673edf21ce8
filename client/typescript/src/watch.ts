import { StillframeError } from "./errors.js";
import type { Change, WatchEvent } from "./events.js";
import type { Transport } from "./transport.js";
import type { Watching } from "./watching.js";

/**
 * A stream of events that resumes by itself.
 *
 *     for await (const event of client.watch({ initialState: true })) { … }
 *
 * Nothing is sent before the first event is asked for: a watch that starts now has begun when it
 * gives the event `opened`. Leaving the loop ends the watch and its call, and so do `close`, an
 * abort of its signal (the loop then throws the signal's reason), and the end of the client. To go
 * on later, start another watch with the `resumeToken`.
 *
 * While the server is away the watch waits, without bound once it was open. What waiting does not
 * mend is thrown as a StillframeError.
 */
export class Watch implements AsyncIterableIterator<WatchEvent>, AsyncDisposable {
  readonly #watching: Watching;
  readonly #transport: Transport;
  readonly #signal: AbortSignal | undefined;
  readonly #end = new AbortController();
  readonly #events: AsyncGenerator<WatchEvent, undefined, void>;
  readonly #abort = () => this.#end.abort();

  /** @internal */
  constructor(watching: Watching, transport: Transport, signal: AbortSignal | undefined) {
    this.#watching = watching;
    this.#transport = transport;
    this.#signal = signal;
    this.#events = this.#run();
  }

  /** The token of the last event that was given and carried one; empty before the first. */
  get resumeToken(): string {
    return this.#watching.resumeToken;
  }

  /** The next event; `done` once the watch, or the client, was closed. */
  next(): Promise<IteratorResult<WatchEvent, undefined>> {
    return this.#events.next();
  }

  /** The changes alone. */
  async *changes(): AsyncGenerator<Change, void, void> {
    for await (const event of this) {
      if (event.type === "change") {
        yield event;
      }
    }
  }

  /** Ends the watch and its call; a `next` that waits is done. Idempotent. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#events.return(undefined);
  }

  /** As `close`: what leaving a loop calls. */
  async return(): Promise<IteratorResult<WatchEvent, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async *#run(): AsyncGenerator<WatchEvent, undefined, void> {
    this.#signal?.addEventListener("abort", this.#abort);
    if (this.#signal?.aborted) {
      this.#abort();
    }
    try {
      while (!this.#isOver()) {
        let error: StillframeError | undefined;
        try {
          yield* this.#call();
        } catch (failure) {
          if (this.#isOver()) {
            return undefined;
          }
          if (!(failure instanceof StillframeError)) {
            throw failure;
          }
          error = failure;
        }
        if (!this.#isOver()) {
          await this.#transport.pause(this.#watching.ended(error), this.#end.signal);
        }
      }
      return undefined;
    } finally {
      this.#signal?.removeEventListener("abort", this.#abort);
    }
  }

  /** The events of one call. */
  async *#call(): AsyncGenerator<WatchEvent, void, void> {
    const request = this.#watching.nextRequest();
    for await (const response of this.#transport.watch(request, this.#end.signal)) {
      this.#watching.receive(response);
      for (;;) {
        const event = this.#watching.nextEvent();
        if (event === undefined) {
          break;
        }
        yield event;
        if (this.#isOver()) {
          return;
        }
      }
    }
  }

  /** Whether nobody wants another event. Throws the reason of the caller's signal. */
  #isOver(): boolean {
    if (this.#end.signal.aborted || this.#transport.isClosed) {
      this.#signal?.throwIfAborted();
      return true;
    }
    return false;
  }
}
