import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorReason } from "@stillframe/proto";
import * as sf from "../src/index.js";
import { BY_REASON, errorOf } from "../src/statuses.js";
import { answering, connect, refusal, serve } from "./server.js";

const CODES = Object.values(Code).filter((code): code is Code => typeof code === "number");
const ONCE = { maxAttempts: 1 };

/** The error of a call that the server answers so. */
async function answered(context: test.TestContext, failure: unknown): Promise<sf.StillframeError> {
  const server = await serve(context, {
    getServerInfo: () => {
      throw failure;
    },
  });
  const client = connect(context, server.target, { retry: ONCE });
  return await failureOf(client);
}

async function failureOf(client: sf.Client): Promise<sf.StillframeError> {
  const error: unknown = await client.info().then(
    () => assert.fail("it was not refused"),
    (reason) => reason,
  );
  assert.ok(error instanceof sf.StillframeError);
  return error;
}

test("every reason of the contract has a class, which names its code", async (context) => {
  const reasons = Object.values(ErrorReason).filter(
    (name): name is string => typeof name === "string" && name !== "UNSPECIFIED",
  );
  assert.deepEqual([...BY_REASON.keys()].sort(), reasons.sort());
  for (const [reason, ErrorClass] of BY_REASON) {
    const { code } = new ErrorClass("", {});
    const wire = CODES.find((each) => codeName(each) === code);
    assert.ok(wire, code);
    const error = await answered(context, refusal(wire, reason, { metadata: { key: "value" } }));
    assert.equal(error.constructor, ErrorClass);
    assert.equal(error.name, ErrorClass.name);
    assert.equal(error.reason, reason);
    assert.equal(error.code, code);
    assert.equal(error.message, `refused: ${reason}`);
    assert.deepEqual(error.metadata, { key: "value" });
    assert.equal(error.retryAfterMs, undefined);
  }
});

test("fields and the time to wait come along", async (context) => {
  const error = await answered(
    context,
    refusal(Code.InvalidArgument, "INVALID_FIELD", { fields: ["a", "b"], retryAfterMs: 250 }),
  );
  assert.ok(error instanceof sf.InvalidFieldError);
  assert.ok(error instanceof sf.InvalidArgumentError);
  assert.deepEqual(error.violations, [
    { field: "a", description: "is wrong" },
    { field: "b", description: "is wrong" },
  ]);
  assert.equal(error.retryAfterMs, 250);
});

test("an unknown reason keeps its text, and the class of its code", async (context) => {
  const error = await answered(context, refusal(Code.Aborted, "NOT_INVENTED_YET"));
  assert.equal(error.constructor, sf.AbortedError);
  assert.equal(error.reason, "NOT_INVENTED_YET");
});

test("a reason of another domain is not ours", async (context) => {
  const error = await answered(
    context,
    refusal(Code.PermissionDenied, "FENCED", { domain: "mesh" }),
  );
  assert.equal(error.constructor, sf.PermissionDeniedError);
  assert.equal(error.reason, "");
  assert.deepEqual(error.metadata, {});
});

test("a status without details is an error by its code", async (context) => {
  for (const code of CODES) {
    const error = await answered(context, new ConnectError("plain", code));
    assert.equal(error.code, codeName(code));
    assert.equal(error.reason, "");
    assert.equal(error.message, "plain");
    assert.equal(Object.getPrototypeOf(error.constructor), sf.StillframeError);
  }
});

test("details that cannot be read do not hide the status", async (context) => {
  const details = [
    Buffer.from("no protobuf").toString("base64"),
    "%%%",
    // A google.rpc.Status that says OK.
    "",
  ];
  for (const each of details) {
    const { target } = await answering(context, {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": `${Code.NotFound}`,
      "grpc-message": "gone",
      "grpc-status-details-bin": each,
    });
    const error = await failureOf(connect(context, target, { retry: ONCE }));
    assert.equal(error.constructor, sf.NotFoundError);
    assert.equal(error.message, "gone");
  }
});

test("an answer of HTTP alone is an error by its code", async (context) => {
  const statuses = {
    503: sf.UnavailableError,
    404: sf.UnimplementedError,
    401: sf.UnauthenticatedError,
  };
  for (const [status, ErrorClass] of Object.entries(statuses)) {
    const { target } = await answering(context, { ":status": Number(status) });
    const error = await failureOf(connect(context, target, { retry: ONCE }));
    assert.equal(error.constructor, ErrorClass);
  }
});

test("what no server answered is a broken connection, whatever it is called", () => {
  for (const code of [Code.Aborted, Code.Canceled, Code.Internal, Code.Unknown, Code.Unavailable]) {
    assert.equal(errorOf(new ConnectError("socket", code)).constructor, sf.UnavailableError);
  }
  assert.ok(errorOf(new ConnectError("late", Code.DeadlineExceeded)).code === "DEADLINE_EXCEEDED");
});

test("the tree in errors.ts is the tree of the classes", () => {
  const source = readFileSync(new URL("../../src/errors.ts", import.meta.url), "utf8");
  const tree = new Map<string, string>();
  const path: string[] = [];
  for (const line of source.split("*/")[0]?.split("\n") ?? []) {
    const match = /^ \* {5}((?:[│ ] {3})*(?:[├└]── )?)(\w+Error)\b/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) {
      const depth = match[1].length / 4;
      path[depth] = match[2];
      tree.set(match[2], depth === 0 ? "Error" : (path[depth - 1] ?? ""));
    }
  }
  const classes = Object.entries(sf).filter(
    ([, each]) => typeof each === "function" && each.prototype instanceof Error,
  );
  const parents = classes.map(([name, each]) => [name, Object.getPrototypeOf(each).name]);
  assert.deepEqual(new Map([...tree].sort()), new Map(parents.sort() as [string, string][]));
});

function codeName(code: Code): string {
  return code === Code.Canceled
    ? "CANCELLED"
    : (Code[code] ?? "").replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
