/** DRIVER TARGET TENANT [--tls-ca FILE]: see tests/polyglot/README.md. */

import { Client } from "@stillframe/client";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Driver } from "./driver.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "tls-ca": { type: "string" } },
});
const [target, tenant] = positionals;
if (target === undefined || tenant === undefined || positionals.length > 2) {
  throw new Error("usage: DRIVER TARGET TENANT [--tls-ca FILE]");
}
const ca = values["tls-ca"];
const client = new Client(target, {
  tenant,
  tls: ca === undefined ? false : { ca: readFileSync(ca) },
});
const driver = new Driver(client);
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await driver.answer(JSON.parse(line));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await client.close();
