/** The commands of a driver, carried out by the TypeScript client. */

import {
  StillframeError,
  WatchMode,
  type CallOptions,
  type Client,
  type Execution,
  type LoadOptions,
  type SaveOptions,
  type Saver,
} from "@stillframe/client";
import * as n from "./notation.js";
import { OpenWatch } from "./watches.js";

type Json = n.Json;

/** One client of one tenant, and what was opened by name. */
export class Driver {
  readonly #client: Client;
  readonly #handles = new Map<string, Execution>();
  readonly #savers = new Map<string, Saver>();
  readonly #watches = new Map<string, OpenWatch>();
  readonly #calls: Record<string, (args: Json) => Promise<Json>>;

  constructor(client: Client) {
    this.#client = client;
    this.#calls = { ...this.#snapshotCalls(), ...this.#memoryCalls(), ...this.#opened() };
  }

  /** Carries out a command. An argument that is null is unset. */
  async answer(command: Json): Promise<Json> {
    try {
      const call = this.#calls[command.call];
      if (call === undefined) {
        throw new Error(`there is no call ${command.call}`);
      }
      const given = Object.entries(command.args).filter(([, each]) => each !== null);
      return { ok: await call(Object.fromEntries(given)) };
    } catch (failure) {
      if (failure instanceof StillframeError) {
        return { error: n.error(failure) };
      }
      return { error: { reason: "DRIVER", code: "UNKNOWN", message: String(failure) } };
    }
  }

  #snapshotCalls(): Record<string, (args: Json) => Promise<Json>> {
    const client = this.#client;
    return {
      info: async (args) => {
        const info = await client.info(callOptions(args));
        return {
          server_version: info.serverVersion,
          store_kind: info.storeKind,
          features: info.features,
          limits: n.numbers(info.limits),
        };
      },
      save: async (args) => {
        const options = { ...saveOptions(args), writerEpoch: n.number(args.writer_epoch) };
        return n.saved(await client.save(args.execution_id, n.snapshot(args.snapshot), options));
      },
      load: async (args) => n.loaded(await client.load(args.execution_id, loadOptions(args))),
      claim: async (args) => n.claimed(await client.claim(args.execution_id, claimOptions(args))),
      check_freshness: async (args) => {
        const keys = Object.keys(args.heads).sort((a, b) =>
          Buffer.compare(Buffer.from(a), Buffer.from(b)),
        );
        const heads = new Map(keys.map((key) => [key, BigInt(args.heads[key])]));
        const results = await client.checkFreshness(heads, callOptions(args));
        return { results: results.map(n.freshness) };
      },
      list: async (args) => {
        const options = { filter: n.filter(args.filter), ...viewOptions(args) };
        return { snapshots: await n.all(client.list(options), n.stored) };
      },
      list_page: async (args) => {
        const page = await client.listPage({
          filter: n.filter(args.filter),
          pageToken: args.page_token,
          includeCount: args.include_count,
          ...viewOptions(args),
        });
        return {
          snapshots: page.items.map(n.stored),
          next_page_token: page.nextPageToken,
          count: page.count && { value: `${page.count.value}`, at_least: page.count.atLeast },
        };
      },
      history: async (args) => {
        const found = client.history(args.execution_id, {
          filter: n.filter(args.filter),
          criteria: n.criteria(args.criteria),
          labels: args.labels,
          ...viewOptions(args),
        });
        return { snapshots: await n.all(found, n.stored) };
      },
      diff: async (args) => {
        const [from, to] = [n.selector(args.from ?? {}), n.selector(args.to ?? {})];
        return n.diff(await client.diff(args.execution_id, from, to, callOptions(args)));
      },
      fork: async (args) => {
        const forked = await client.fork(args.execution_id, args.new_execution_id, {
          ...n.selector(args),
          includeHistory: args.include_history,
          sequenceNumber: n.number(args.sequence_number),
          requestId: args.request_id,
          ...callOptions(args),
        });
        return n.numbers(forked);
      },
      prune: async (args) => {
        const count = await client.prune(args.execution_id, {
          versions: args.versions?.map(BigInt),
          snapshotIds: args.snapshot_ids,
          criteria: n.criteria(args.criteria),
          labels: args.labels,
          allHistory: args.all_history,
          writerEpoch: n.number(args.writer_epoch),
          requestId: args.request_id,
          ...callOptions(args),
        });
        return { deleted_count: `${count}` };
      },
      delete: async (args) => {
        const deleted = await client.delete(args.execution_id, {
          expectedEtag: args.expected_etag,
          writerEpoch: n.number(args.writer_epoch),
          includeDescendants: args.include_descendants,
          requestId: args.request_id,
          ...callOptions(args),
        });
        return n.numbers(deleted);
      },
    };
  }

  #memoryCalls(): Record<string, (args: Json) => Promise<Json>> {
    const client = this.#client;
    const scope = (args: Json) => ({ executionId: args.execution_id, ...callOptions(args) });
    return {
      set_value: async (args) => {
        const value = await client.setValue(args.key, Buffer.from(args.value, "base64"), {
          ...scope(args),
          ttlMs: n.milliseconds(args.ttl),
          expectedEtag: args.expected_etag,
          mustNotExist: args.must_not_exist,
          requestId: args.request_id,
        });
        return n.valueSet(value);
      },
      get_value: async (args) => {
        const value = await client.getValue(args.key, scope(args));
        return { value: n.base64(value.value), ...n.valueSet(value) };
      },
      delete_value: async (args) => {
        const options = { ...scope(args), expectedEtag: args.expected_etag };
        return { deleted: await client.deleteValue(args.key, options) };
      },
      list_keys: async (args) => {
        const options = {
          ...scope(args),
          keyPrefix: args.key_prefix,
          pageSize: args.page_size,
        };
        const keys = await n.all(client.listKeys(options), (each) => ({
          key: each.key,
          size_bytes: `${each.sizeBytes}`,
          ...n.valueSet(each),
        }));
        return { keys };
      },
    };
  }

  #opened(): Record<string, (args: Json) => Promise<Json>> {
    const client = this.#client;
    const openOptions = (args: Json) => ({
      writerEpoch: n.number(args.writer_epoch),
      overwrite: args.overwrite,
    });
    return {
      open: async (args) => {
        this.#handles.set(args.handle, client.execution(args.execution_id, openOptions(args)));
        return {};
      },
      handle_save: async (args) => {
        const handle = named(this.#handles, args.handle);
        return n.saved(await handle.save(n.snapshot(args.snapshot), saveOptions(args)));
      },
      handle_load: async (args) =>
        n.loaded(await named(this.#handles, args.handle).load(loadOptions(args))),
      handle_claim: async (args) =>
        n.claimed(await named(this.#handles, args.handle).claim(claimOptions(args))),
      saver_open: async (args) => {
        const maxAbsenceMs = n.milliseconds(args.max_absence);
        const options = { ...openOptions(args), maxAbsenceMs };
        this.#savers.set(args.saver, client.saver(args.execution_id, options));
        return {};
      },
      saver_submit: async (args) => {
        named(this.#savers, args.saver).submit(n.snapshot(args.snapshot));
        return {};
      },
      saver_flush: async (args) => {
        const saved = await named(this.#savers, args.saver).flush(callOptions(args));
        return saved === undefined ? {} : n.saved(saved);
      },
      saver_close: async (args) => {
        await named(this.#savers, args.saver).close();
        return {};
      },
      watch_open: async (args) => {
        const watch = client.watch({
          filter: n.filter(args.filter),
          resumeToken: args.resume_token,
          initialState: args.initial_state,
          mode: args.mode && WatchMode[args.mode as keyof typeof WatchMode],
          full: args.full,
          projection: n.projection(args.projection),
          restartIfLost: args.restart_if_lost,
        });
        this.#watches.set(args.watch, new OpenWatch(watch));
        return {};
      },
      watch_take: async (args) => {
        const timeoutMs = n.milliseconds(args.timeout) ?? 30_000;
        const watch = named(this.#watches, args.watch);
        return { events: await watch.take(args.changes, args.until, timeoutMs) };
      },
      watch_token: async (args) => ({ resume_token: named(this.#watches, args.watch).token }),
      watch_close: async (args) => {
        await named(this.#watches, args.watch).close();
        return {};
      },
    };
  }
}

function named<T>(opened: ReadonlyMap<string, T>, name: string): T {
  const found = opened.get(name);
  if (found === undefined) {
    throw new Error(`nothing is open as ${name}`);
  }
  return found;
}

function callOptions(args: Json): CallOptions {
  return { timeoutMs: n.milliseconds(args.timeout) };
}

function saveOptions(args: Json): SaveOptions {
  return {
    expectedEtag: args.expected_etag,
    mustNotExist: args.must_not_exist,
    ttlMs: n.milliseconds(args.ttl),
    allowSequenceRegression: args.allow_sequence_regression,
    requestId: args.request_id,
    ...callOptions(args),
  };
}

function loadOptions(args: Json): LoadOptions {
  return {
    ...n.selector(args),
    projection: n.projection(args.projection),
    eventStoreHead: n.number(args.event_store_head),
    requireFresh: args.require_fresh,
    maxBehind: n.number(args.max_behind),
    maxMessageBytes: n.number(args.max_message_bytes),
    ...callOptions(args),
  };
}

function claimOptions(args: Json) {
  return {
    allowMissing: args.allow_missing,
    projection: n.projection(args.projection),
    eventStoreHead: n.number(args.event_store_head),
    ...callOptions(args),
  };
}

function viewOptions(args: Json) {
  return {
    full: args.full,
    projection: n.projection(args.projection),
    pageSize: args.page_size,
    ...callOptions(args),
  };
}
