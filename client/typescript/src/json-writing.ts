import { INT_MAX, INT_MIN, JsonError, MAX_DEPTH, textProblem } from "./json.js";

/** The JSON text of a value. Throws JsonError, whose message says where in the value. */
export function stringifyJson(value: unknown): string {
  try {
    return write(value, 0);
  } catch (error) {
    if (error instanceof Refusal) {
      const { path, message } = error;
      throw new JsonError(path === "" ? message : `at ${path}: ${message}`);
    }
    throw error;
  }
}

/** Why a part of a value cannot be written; its path grows as it is thrown through the parts. */
class Refusal extends Error {
  path = "";
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return writeText(value);
    case "number":
      return writeNumber(value);
    case "bigint":
      if (value < INT_MIN || value > INT_MAX) {
        throw new Refusal("an integer is outside the i64 and u64 ranges");
      }
      return value.toString();
    case "boolean":
      return value ? "true" : "false";
    case "object":
      return value === null ? "null" : writeObject(value, depth);
    default:
      throw new Refusal(`${typeof value} is not a JSON type`);
  }
}

function writeObject(value: object, depth: number): string {
  // Also the end of a cyclic value.
  if (depth === MAX_DEPTH) {
    throw new JsonError(`nested deeper than ${MAX_DEPTH}`);
  }
  if (Array.isArray(value)) {
    return `[${writeParts(value.entries(), depth, false)}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object, of this realm or of another: its prototype, if any, has none.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new Refusal(`${value.constructor?.name ?? "an object"} is not a JSON type`);
  }
  return `{${writeParts(Object.entries(value), depth, true)}}`;
}

function writeParts(
  parts: Iterable<[string | number, unknown]>,
  depth: number,
  named: boolean,
): string {
  let written = "";
  let at: string | number = "";
  try {
    for (const [key, part] of parts) {
      at = key;
      // As in JSON.stringify: an optional property that is not there.
      if (named && part === undefined) {
        continue;
      }
      const name = named ? `${writeText(String(key))}:` : "";
      written += `${written === "" ? "" : ","}${name}${write(part, depth + 1)}`;
    }
  } catch (error) {
    if (error instanceof Refusal) {
      error.path = `[${JSON.stringify(at)}]${error.path}`;
    }
    throw error;
  }
  return written;
}

function writeText(text: string): string {
  const problem = textProblem(text);
  if (problem !== undefined) {
    throw new Refusal(problem);
  }
  return JSON.stringify(text);
}

function writeNumber(number: number): string {
  if (!Number.isFinite(number)) {
    throw new Refusal(`${number} is not a JSON number`);
  }
  if (Object.is(number, -0)) {
    return "-0.0";
  }
  const literal = String(number);
  // Without a fraction it would be an integer, and come back as a bigint.
  return Number.isSafeInteger(number) || !/^-?[0-9]+$/.test(literal) ? literal : `${literal}.0`;
}
