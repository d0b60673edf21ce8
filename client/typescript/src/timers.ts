/** Timers of any length. */

/** A timer of Node's that is set for longer runs at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Runs something after so many milliseconds, unless the function that it returns was called. */
export function after(ms: number, run: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (left: number) => {
    const now = Math.min(left, MAX_TIMER_MS);
    timer = setTimeout(() => (left > now ? wait(left - now) : run()), now);
  };
  wait(ms);
  return () => clearTimeout(timer);
}
