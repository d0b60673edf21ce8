import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJson } from "../src/json-parsing.js";
import { stringifyJson } from "../src/json-writing.js";
import { JsonError, MAX_DEPTH } from "../src/json.js";

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error) => error instanceof JsonError && message.test(error.message));
}

const nested = (depth: number, inner = "") => "[".repeat(depth) + inner + "]".repeat(depth);

test("integers come as numbers where a number holds them, as bigint beyond", () => {
  assert.equal(parseJson("9007199254740991"), 9007199254740991);
  assert.equal(parseJson("-9007199254740991"), -9007199254740991);
  assert.equal(parseJson("9007199254740992"), 9007199254740992n);
  assert.equal(parseJson("9007199254740993"), 9007199254740993n);
  assert.equal(parseJson("18446744073709551615"), 2n ** 64n - 1n);
  assert.equal(parseJson("-9223372036854775808"), -(2n ** 63n));
});

test("integers outside i64 and u64 come as the nearest double", () => {
  assert.equal(parseJson("18446744073709551616"), 2 ** 64);
  assert.equal(parseJson("-9223372036854775809"), -(2 ** 63));
  assert.equal(parseJson(`1${"0".repeat(300)}`), 1e300);
});

test("other numbers are the double that JSON.parse gives", () => {
  for (const literal of ["0", "0.1", "1.0", "1e3", "1E+3", "5e-324", "1.7976931348623157e308"]) {
    assert.equal(parseJson(literal), JSON.parse(literal));
    assert.equal(parseJson(`-${literal}`), JSON.parse(`-${literal}`));
  }
  assert.ok(Object.is(parseJson("-0"), -0));
  assert.ok(Object.is(parseJson("-0.0"), -0));
  assert.equal(parseJson("1e-400"), 0);
});

test("a number that a double cannot hold is refused", () => {
  refuses(() => parseJson("1e400"), /1e400 is outside the range of a double/);
  refuses(() => parseJson("[-1e309]"), /outside the range/);
  refuses(() => parseJson(`1${"0".repeat(400)}`), /outside the range/);
});

test("what is no JSON is refused, as JSON.parse does", () => {
  const texts = [
    ..."{ } [ ] , : \" ' + - . 01 1. .5 1e 1e+ -a 0x1 1_0 tru nul True NaN Infinity".split(" "),
    ...["", " ", "1 2", "[1,]", "[,1]", "[1", "[1}", '{"a"}', '{"a":}', '{"a":1,}', "{a:1}"],
    ...['{"a" 1}', '"a', '"\\', '"\\x"', '"\\u12"', '"\\u12G4"', '"a\nb"', '"\t"', "\ufeff1"],
    ...["\u00a01", "1\v", "//x\n1", "/*x*/1", "-Infinity", "undefined", '{"a":1}}', '"\u001f"'],
  ];
  for (const text of texts) {
    assert.throws(() => JSON.parse(text), SyntaxError, text);
    refuses(() => parseJson(text), /^not JSON: /);
  }
});

test("what JSON.parse reads is read alike", () => {
  const texts = [
    ' {"a" : [ 1 , true,false , null ] }\r\n\t',
    '{"a":{},"b":[],"c":"","":0,"1":1}',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00 é 😀 \u2028 \u007f"',
    '["\\\\","\\\\\\"",""]',
    '{"toString":1,"constructor":2,"hasOwnProperty":3}',
  ];
  for (const text of texts) {
    assert.deepEqual(parseJson(text), JSON.parse(text));
  }
});

test("random values come back as they were", () => {
  // A fixed seed (mulberry32), so that a failure can be had again.
  let seed = 20_26;
  const random = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = (count: number) => Math.floor(random() * count);
  const text = () =>
    Array.from(
      { length: pick(8) },
      () => ['"', "\\", "\n", "é", "😀", "a", "\u2029"][pick(7)],
    ).join("");
  const double = () => {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, pick(2 ** 32));
    view.setUint32(4, pick(2 ** 32));
    const number = view.getFloat64(0);
    return Number.isFinite(number) ? number : 0;
  };
  const integer = () => {
    const number = (BigInt(pick(2 ** 32)) << 32n) | BigInt(pick(2 ** 32));
    return BigInt.asIntN(63, number) - 2n ** 62n;
  };
  const value = (depth: number): unknown => {
    switch (pick(depth > 4 ? 6 : 8)) {
      case 0:
        return text();
      case 1:
        return double();
      case 2: {
        const number = integer();
        return Number.isSafeInteger(Number(number)) ? Number(number) : number;
      }
      case 3:
        return pick(2000) - 1000;
      case 4:
        return random() < 0.5;
      case 5:
        return null;
      case 6:
        return Array.from({ length: pick(5) }, () => value(depth + 1));
      default:
        return Object.fromEntries(
          Array.from({ length: pick(5) }, () => [text(), value(depth + 1)]),
        );
    }
  };
  for (let round = 0; round < 2_000; round += 1) {
    const before = value(0);
    assert.deepEqual(parseJson(stringifyJson(before)), before);
  }
});

test("numbers that are no safe integers stay numbers, and bigint stays bigint", () => {
  assert.equal(stringifyJson(2 ** 53), "9007199254740992.0");
  assert.equal(stringifyJson(2n ** 53n), "9007199254740992");
  assert.equal(stringifyJson(1e20), "100000000000000000000.0");
  assert.equal(stringifyJson(1e21), "1e+21");
  assert.equal(stringifyJson(-0), "-0.0");
  assert.equal(stringifyJson(5n), "5");
  assert.equal(stringifyJson(1.5), "1.5");
  for (const number of [2 ** 53, -(2 ** 60), 1e20, 1e21, 1e-7]) {
    assert.equal(parseJson(stringifyJson(number)), number);
  }
});

test("a value is nested up to 200 deep, both ways", () => {
  assert.equal(MAX_DEPTH, 200);
  const deepest = parseJson(nested(200));
  assert.equal(stringifyJson(deepest), nested(200));
  assert.equal(stringifyJson(parseJson(nested(200, "1"))), nested(200, "1"));
  refuses(() => parseJson(nested(201)), /nested deeper than 200/);
  refuses(() => parseJson("[".repeat(1_000_000)), /nested deeper than 200/);
  refuses(() => parseJson('{"a":'.repeat(201)), /nested deeper than 200/);
  refuses(() => stringifyJson([deepest]), /nested deeper than 200/);
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  refuses(() => stringifyJson(cyclic), /nested deeper than 200/);
});

test("NUL and lone surrogates are refused in values and keys, both ways", () => {
  refuses(() => parseJson('"a\\u0000"'), /contains NUL/);
  refuses(() => parseJson('{"\\u0000":1}'), /contains NUL/);
  refuses(() => parseJson('["\\ud800"]'), /lone surrogate/);
  refuses(() => parseJson('{"\\udc00\\ud800":1}'), /lone surrogate/);
  refuses(() => stringifyJson({ a: ["\0"] }), /^at \["a"\]\[0\]: text contains NUL$/);
  refuses(() => stringifyJson({ "\0": 1 }), /contains NUL/);
  refuses(() => stringifyJson("\udc00"), /lone surrogate/);
  refuses(() => stringifyJson({ "\ud800": 1 }), /lone surrogate/);
});

test("of a key that is there twice the last one counts", () => {
  assert.deepEqual(parseJson('{"a":1,"b":2,"a":3}'), { a: 3, b: 2 });
});

test("__proto__ is a key like any other", () => {
  const value = parseJson('{"__proto__":{"polluted":true},"a":{"__proto__":1}}');
  assert.ok(value instanceof Object);
  assert.deepEqual(Object.keys(value), ["__proto__", "a"]);
  assert.equal((value as { polluted?: boolean }).polluted, undefined);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal(stringifyJson(value), '{"__proto__":{"polluted":true},"a":{"__proto__":1}}');
});

test("what JSON cannot carry is refused, with its path", () => {
  const refused: [unknown, RegExp][] = [
    [NaN, /^NaN is not a JSON number$/],
    [[1, Infinity], /^at \[1\]: Infinity is not/],
    [{ a: { b: -Infinity } }, /^at \["a"\]\["b"\]: -Infinity is not/],
    [2n ** 64n, /outside the i64 and u64 ranges/],
    [[-(2n ** 63n) - 1n], /^at \[0\]: an integer is outside/],
    [undefined, /^undefined is not a JSON type$/],
    [[undefined], /^at \[0\]: undefined is not/],
    [[1, , 2], /^at \[1\]: undefined is not/],
    [{ f: () => 1 }, /^at \["f"\]: function is not/],
    [Symbol("s"), /^symbol is not/],
    [new Date(0), /^Date is not a JSON type$/],
    [{ m: new Map() }, /^at \["m"\]: Map is not/],
    [new Set(), /^Set is not/],
    [new Uint8Array(1), /^Uint8Array is not/],
    [Object("boxed"), /^String is not/],
    [new (class Point {})(), /^Point is not/],
  ];
  for (const [value, message] of refused) {
    refuses(() => stringifyJson(value), message);
  }
});

test("a property that is undefined is left out, and an object may lack a prototype", () => {
  assert.equal(stringifyJson({ a: undefined, b: 1 }), '{"b":1}');
  assert.equal(stringifyJson(Object.assign(Object.create(null), { a: 1 })), '{"a":1}');
});
