import assert from "node:assert/strict";
import { test } from "node:test";
import {
  jsonCodec,
  Payload,
  ValueDecodeError,
  ValueEncodeError,
  type Codec,
} from "../src/index.js";
import { encodeEntry } from "../src/payload.js";
import { Values } from "../src/values.js";

const payload = (text: string, options = {}) => new Payload(Buffer.from(text), options);

function values(entries: Record<string, Payload>, codec: Codec = jsonCodec): Values {
  return new Values("variables", new Map(Object.entries(entries)), codec, { partial: false });
}

test("an encoded value has no encoding and no codecs: it is JSON", () => {
  const encoded = jsonCodec.encode({ a: [1, "é"] });
  assert.equal(Buffer.from(encoded.data).toString(), '{"a":[1,"é"]}');
  assert.equal(encoded.encoding, "");
  assert.deepEqual(encoded.codecs, []);
});

test("both names of JSON are read", () => {
  assert.deepEqual(jsonCodec.decode(payload("[1]")), [1]);
  assert.deepEqual(jsonCodec.decode(payload("[1]", { encoding: "json/utf8" })), [1]);
});

test("what is not JSON in UTF-8 is undecodable, and its payload is given", () => {
  const refused: [Payload, RegExp][] = [
    [payload("1", { encoding: "msgpack" }), /the encoding is "msgpack"/],
    [payload("1", { codecs: ["zstd"] }), /codecs are not undone here: zstd/],
    [new Payload(Uint8Array.of(0x22, 0xff, 0x22)), /not UTF-8/],
    [new Payload(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)), /not UTF-8/],
    [new Payload(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)), /not JSON/],
    [payload(""), /not JSON/],
    [payload("1e400"), /outside the range/],
  ];
  for (const [each, message] of refused) {
    assert.throws(
      () => jsonCodec.decode(each),
      (error) => {
        assert.ok(error instanceof ValueDecodeError);
        assert.match(error.message, message);
        assert.equal(error.payload, each);
        assert.equal(error.code, "DATA_LOSS");
        return true;
      },
    );
  }
});

test("one entry that cannot be decoded spoils no other", () => {
  const map = values({
    good: payload("1"),
    bad: payload("{"),
    raw: payload("x", { encoding: "b" }),
  });
  assert.equal(map.get("good"), 1);
  assert.equal(map.get("none"), undefined);
  assert.throws(() => map.get("bad"), {
    name: "ValueDecodeError",
    key: 'variables["bad"]',
    message: /^variables\["bad"\]: not JSON/,
  });
  assert.equal(Buffer.from(map.payload("bad")?.data ?? []).toString(), "{");
  assert.equal(map.payload("raw")?.encoding, "b");
  assert.deepEqual([...map.keys()], ["good", "bad", "raw"]);
  assert.ok(map.has("bad"));
  assert.equal(map.size, 3);
});

test("a lookup gives a value of its own, and a set one is encoded at once", () => {
  const map = values({ list: payload("[1]") });
  (map.get("list") as number[]).push(2);
  assert.deepEqual(map.get("list"), [1]);
  const list = [1, 2];
  map.set("list", list);
  list.push(3);
  assert.deepEqual([...map], [["list", [1, 2]]]);
  assert.throws(() => map.set("list", () => 1), { name: "ValueEncodeError" });
  assert.ok(map.delete("list"));
  assert.equal(map.size, 0);
});

test("a payload is kept as it is, and an object that looks like one is a value", () => {
  const raw = payload("x", { encoding: "binary", codecs: ["zstd"] });
  const copy = new Payload(Uint8Array.from(raw.data), raw);
  assert.deepEqual(encodeEntry(jsonCodec, "k", raw), copy);
  const lookalike = { $typeName: "stillframe.v1.Payload", data: "x" };
  const encoded = encodeEntry(jsonCodec, "k", lookalike);
  assert.deepEqual(jsonCodec.decode(encoded), lookalike);
});

test("another codec takes over, and what it throws is told by entry", () => {
  const failure = new RangeError("no");
  const codec: Codec = {
    encode: (value) => {
      if (value === "bad") {
        throw failure;
      }
      return payload(String(value), { encoding: "text" });
    },
    decode: ({ data }) => {
      if (data.length === 0) {
        throw failure;
      }
      return Buffer.from(data).toString();
    },
  };
  const map = values({ a: payload("hello", { encoding: "text" }), empty: payload("") }, codec);
  assert.equal(map.get("a"), "hello");
  assert.throws(
    () => map.get("empty"),
    (error) => {
      assert.ok(error instanceof ValueDecodeError);
      assert.equal(error.message, 'variables["empty"]: RangeError: no');
      assert.equal(error.cause, failure);
      return true;
    },
  );
  assert.throws(
    () => map.set("b", "bad"),
    (error) => {
      assert.ok(error instanceof ValueEncodeError);
      assert.equal(error.key, 'variables["b"]');
      assert.equal(error.cause, failure);
      return true;
    },
  );
});
