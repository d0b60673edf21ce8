/**
 * JSON that loses no number: the parser sees the literal, which JSON.parse does not show before
 * Node 22, and the writer takes bigint.
 *
 * An integer literal becomes a number if a number holds it, otherwise a bigint if it is in the
 * i64 or u64 range, otherwise the nearest double, as every literal with a fraction or an exponent
 * does. The writer keeps the two apart: a bigint is written as an integer literal, and a number
 * that is no safe integer with a fraction or an exponent, so that each comes back as it was.
 */

/** How many arrays and objects may stand in one another; a scalar has depth 0. */
export const MAX_DEPTH = 200;

const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 64n - 1n;

/** Why a text is no JSON value that Stillframe carries, or a value no such text. */
export class JsonError extends Error {}

/** The value of a JSON text. Throws JsonError. */
export function parseJson(text: string): unknown {
  return new Parser(text).document();
}

/** The JSON text of a value. Throws JsonError, whose message says where in the value. */
export function stringifyJson(value: unknown): string {
  return write(value, "", 0);
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    this.#space();
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) {
      throw this.#unexpected();
    }
    return value;
  }

  #value(depth: number): unknown {
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): unknown {
    const object: Record<string, unknown> = {};
    this.#open(depth);
    if (this.#skip("}")) {
      return object;
    }
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') {
        throw this.#unexpected();
      }
      const key = this.#string();
      this.#space();
      this.#expect(":");
      this.#space();
      define(object, key, this.#value(depth + 1));
      this.#space();
    } while (this.#skip(","));
    this.#expect("}");
    return object;
  }

  #array(depth: number): unknown {
    const array: unknown[] = [];
    this.#open(depth);
    if (this.#skip("]")) {
      return array;
    }
    do {
      this.#space();
      array.push(this.#value(depth + 1));
      this.#space();
    } while (this.#skip(","));
    this.#expect("]");
    return array;
  }

  #open(depth: number): void {
    if (depth === MAX_DEPTH) {
      throw new JsonError(`nested deeper than ${MAX_DEPTH}`);
    }
    this.#at += 1;
    this.#space();
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; ; at += 1) {
      const code = text.charCodeAt(at);
      if (code === 0x22) {
        this.#at = at + 1;
        return escaped ? this.#unescaped(start) : text.slice(start + 1, at);
      }
      if (code === 0x5c) {
        escaped = true;
        at += 1;
      } else if (!(code >= 0x20)) {
        // A control character, or NaN behind the end.
        this.#at = at;
        throw this.#unexpected();
      }
    }
  }

  #unescaped(start: number): string {
    let value: string;
    try {
      value = JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      throw new JsonError(`not JSON: a bad escape in the text at ${start}`);
    }
    // Only an escape can bring these in: the bytes were valid UTF-8 without control characters.
    const problem = textProblem(value);
    if (problem !== undefined) {
      throw new JsonError(problem);
    }
    return value;
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) {
      throw this.#unexpected();
    }
    const literal = match[0];
    this.#at += literal.length;
    const number = Number(literal);
    const isInteger = match[1] === undefined && match[2] === undefined;
    // 20 characters hold every u64 and i64; BigInt() of a long literal costs quadratic time.
    if (isInteger && !Number.isSafeInteger(number) && literal.length <= 20) {
      const integer = BigInt(literal);
      if (integer >= INT_MIN && integer <= INT_MAX) {
        return integer;
      }
    }
    if (!Number.isFinite(number)) {
      throw new JsonError(`the number ${literal.slice(0, 40)} is outside the range of a double`);
    }
    return number;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) {
      throw this.#unexpected();
    }
    this.#at += word.length;
    return value;
  }

  #space(): void {
    for (; ; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) {
        return;
      }
    }
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) {
      return false;
    }
    this.#at += 1;
    return true;
  }

  #expect(character: string): void {
    if (!this.#skip(character)) {
      throw this.#unexpected();
    }
  }

  #unexpected(): JsonError {
    const found = this.#text.codePointAt(this.#at);
    const what = found === undefined ? "the end" : JSON.stringify(String.fromCodePoint(found));
    return new JsonError(`not JSON: unexpected ${what} at ${this.#at}`);
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;

/** Sets an own property. An assignment to `__proto__` would set the prototype. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    const own = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(object, key, own);
  } else {
    object[key] = value;
  }
}

/** What a text must not contain, of values and of keys. */
function textProblem(text: string): string | undefined {
  if (text.includes("\0")) {
    return "text contains NUL";
  }
  return text.isWellFormed() ? undefined : "text contains a lone surrogate";
}

function write(value: unknown, path: string, depth: number): string {
  switch (typeof value) {
    case "string":
      return writeText(value, path);
    case "number":
      return writeNumber(value, path);
    case "bigint":
      if (value < INT_MIN || value > INT_MAX) {
        throw refusal(path, "an integer is outside the i64 and u64 ranges");
      }
      return value.toString();
    case "boolean":
      return value ? "true" : "false";
    case "object":
      return value === null ? "null" : writeObject(value, path, depth);
    default:
      throw refusal(path, `${typeof value} is not a JSON type`);
  }
}

function writeObject(value: object, path: string, depth: number): string {
  // Also the end of a cyclic value.
  if (depth === MAX_DEPTH) {
    throw refusal("", `nested deeper than ${MAX_DEPTH}`);
  }
  if (Array.isArray(value)) {
    // Array.from, because map() passes over holes.
    const items = Array.from(value, (each, at) => write(each, `${path}[${at}]`, depth + 1));
    return `[${items.join(",")}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object, of this realm or of another: its prototype, if any, has none.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw refusal(path, `${value.constructor?.name ?? "an object"} is not a JSON type`);
  }
  const members: string[] = [];
  for (const [key, each] of Object.entries(value)) {
    // As in JSON.stringify: an optional property that is not there.
    if (each !== undefined) {
      const name = writeText(key, path);
      members.push(`${name}:${write(each, `${path}[${name}]`, depth + 1)}`);
    }
  }
  return `{${members.join(",")}}`;
}

function writeText(text: string, path: string): string {
  const problem = textProblem(text);
  if (problem !== undefined) {
    throw refusal(path, problem);
  }
  return JSON.stringify(text);
}

function writeNumber(number: number, path: string): string {
  if (!Number.isFinite(number)) {
    throw refusal(path, `${number} is not a JSON number`);
  }
  if (Object.is(number, -0)) {
    return "-0.0";
  }
  const literal = String(number);
  // Without a fraction it would be an integer, and come back as a bigint.
  return Number.isSafeInteger(number) || !/^-?[0-9]+$/.test(literal) ? literal : `${literal}.0`;
}

function refusal(path: string, problem: string): JsonError {
  return new JsonError(path === "" ? problem : `at ${path}: ${problem}`);
}
