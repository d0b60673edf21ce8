/**
 * JSON that loses no number: the parser sees the literals, which JSON.parse of Node 20 does not
 * show, and the writer takes bigint.
 *
 * An integer literal becomes a number if a number holds it, otherwise a bigint if it is in the
 * i64 or u64 range, otherwise the nearest double, as every literal with a fraction or an exponent
 * does. The writer writes a bigint as an integer literal, and a number that is no safe integer
 * with a fraction or an exponent, so that it does not come back as a bigint.
 */

/** How many arrays and objects may stand in one another; a scalar has depth 0. */
export const MAX_DEPTH = 200;

export const INT_MIN = -(2n ** 63n);
export const INT_MAX = 2n ** 64n - 1n;

/** Why a text is no JSON value that Stillframe carries, or a value no such text. */
export class JsonError extends Error {}

/** What a text must not contain, of values and of keys. */
export function textProblem(text: string): string | undefined {
  if (text.includes("\0")) {
    return "text contains NUL";
  }
  return text.isWellFormed() ? undefined : "text contains a lone surrogate";
}
