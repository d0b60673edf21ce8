import type { Clock } from "../src/index.js";

/** A clock that passes time at once, and remembers how much. */
export class FakeClock implements Clock {
  time = 0;
  /** What random() gives. */
  jitter = 0.5;
  readonly slept: number[] = [];

  now(): number {
    return this.time;
  }

  random(): number {
    return this.jitter;
  }

  async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.time += ms;
  }
}
