/** Watches whose events are taken with a timeout. */

import { ChangeKind, DeadlineExceededError, type Watch, type WatchEvent } from "@stillframe/client";
import { stored, type Json } from "./notation.js";

/** One watch, and the event that it was asked for and has not given yet. */
export class OpenWatch {
  /** That of the last event that was taken and carried one. */
  token = "";
  readonly #watch: Watch;
  #asked: Promise<IteratorResult<WatchEvent, undefined>>;

  constructor(watch: Watch) {
    this.#watch = watch;
    this.#asked = this.#ask();
  }

  /** The events up to and with the last change counted, or the event named. */
  async take(
    changes: number | undefined,
    until: string | undefined,
    timeoutMs: number,
  ): Promise<Json[]> {
    const events: Json[] = [];
    let left = changes;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new DeadlineExceededError("no event came in time");
      timer = setTimeout(() => reject(error), timeoutMs);
    });
    late.catch(() => undefined);
    try {
      while (left !== 0) {
        const came = await Promise.race([this.#asked, late]);
        if (came.done) {
          throw new Error("the watch is over");
        }
        this.#asked = this.#ask();
        const event = came.value;
        this.token = ("resumeToken" in event && event.resumeToken) || this.token;
        const written = write(event);
        const isPassedOver = left !== undefined && ["opened", "caught_up"].includes(written?.event);
        if (written === undefined || isPassedOver) {
          continue;
        }
        events.push(written);
        if (left === undefined && written.event === until) {
          break;
        }
        if (left !== undefined && written.event === "change") {
          left -= 1;
        }
      }
      return events;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#watch.close();
  }

  /** Asks at once: a watch that starts now must have begun when it is said to be open. */
  #ask(): Promise<IteratorResult<WatchEvent, undefined>> {
    const asked = this.#watch.next();
    // It may fail while nobody waits; who takes next is told.
    asked.catch(() => undefined);
    return asked;
  }
}

/** An event; undefined for one that is not reported. */
function write(event: WatchEvent): Json {
  const resume_token = ("resumeToken" in event && event.resumeToken) || undefined;
  switch (event.type) {
    case "opened":
      return { event: "opened", resume_token };
    case "change":
      return {
        event: "change",
        kind: ChangeKind[event.kind],
        snapshot: stored(event.snapshot),
        content_gone: event.contentGone || undefined,
        initial: event.initial || undefined,
        resume_token,
      };
    case "initialStateEnd":
      return {
        event: "initial_state_end",
        execution_count: `${event.executionCount}`,
        resume_token,
      };
    case "caughtUp":
      return { event: "caught_up", resume_token };
    case "restarted":
      return { event: "restarted", reason: event.reason };
    case "progress":
      return undefined;
  }
}
