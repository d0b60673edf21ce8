import { INT_MAX, INT_MIN, JsonError, MAX_DEPTH, textProblem } from "./json.js";

/** The value of a JSON text. Throws JsonError. */
export function parseJson(text: string): unknown {
  return new Parser(text).document();
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
