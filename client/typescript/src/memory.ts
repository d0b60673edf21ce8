/** The calls of the working memory: small values that engines keep beside their snapshots. */

import { WorkingMemoryService } from "@stillframe/proto";
import { call, newRequestId, refuseTooLarge, type Call, type CallOptions } from "./call.js";
import { keyInfo, storedValue, valueSet } from "./decoding.js";
import { durationOf, uint32 } from "./encoding.js";
import { ValueTooLargeError } from "./errors.js";
import type { Requests } from "./requests.js";
import type { KeyInfo, Page, StoredValue, ValueSet } from "./types.js";

/** Whose value it is. */
export interface ScopeOptions extends CallOptions {
  /** The execution whose value it is; unset is the tenant's own. */
  readonly executionId?: string | undefined;
}

/** What setting a value is told. */
export interface SetValueOptions extends ScopeOptions {
  /** How long the value lives, in milliseconds, more than 0; unset, until it is deleted. */
  readonly ttlMs?: number | undefined;
  /** Refuse with EtagMismatchError unless the value that is there has this etag. */
  readonly expectedEtag?: string | undefined;
  /** Refuse with ValueExistsError if there is a value; contradicts expectedEtag. */
  readonly mustNotExist?: boolean | undefined;
  /** As in a save. */
  readonly requestId?: string | undefined;
}

/** What deleting a value is told. */
export interface DeleteValueOptions extends ScopeOptions {
  /**
   * Refuse with EtagMismatchError if there is a value with another etag: then a retry cannot delete
   * one that was set since.
   */
  readonly expectedEtag?: string | undefined;
}

/** Which keys a list of keys gives. */
export interface ListKeysOptions extends ScopeOptions {
  /** Keys that start with this. */
  readonly keyPrefix?: string | undefined;
  /** Keys of one call; 0 is 100, at most 1,000. */
  readonly pageSize?: number | undefined;
}

/** Which page of a list of keys. */
export interface ListKeysPageOptions extends ListKeysOptions {
  /** The nextPageToken of the page before, which must have been asked for in the same way. */
  readonly pageToken?: string | undefined;
}

const { method } = WorkingMemoryService;

export function setValue(
  { tenantId, maxMessageBytes }: Requests,
  key: string,
  value: Uint8Array,
  options: SetValueOptions,
): Call<ValueSet> {
  const request = {
    tenantId,
    executionId: options.executionId,
    key,
    value,
    ttl: durationOf(options.ttlMs),
    expectedEtag: options.expectedEtag,
    mustNotExist: options.mustNotExist ?? false,
    requestId: options.requestId ?? newRequestId(),
  };
  const built = call(method.setValue, request, valueSet);
  refuseTooLarge(built, maxMessageBytes, ValueTooLargeError, "VALUE_TOO_LARGE");
  return built;
}

export function getValue(tenantId: string, key: string, options: ScopeOptions): Call<StoredValue> {
  return call(method.getValue, { tenantId, executionId: options.executionId, key }, storedValue);
}

export function deleteValue(
  tenantId: string,
  key: string,
  { executionId, expectedEtag }: DeleteValueOptions,
): Call<boolean> {
  const request = { tenantId, executionId, key, expectedEtag };
  return call(method.deleteValue, request, (answer) => answer.deleted);
}

export function listKeysPage(tenantId: string, options: ListKeysPageOptions): Call<Page<KeyInfo>> {
  const request = {
    tenantId,
    executionId: options.executionId,
    keyPrefix: options.keyPrefix,
    pageSize: uint32("page_size", options.pageSize ?? 0),
    pageToken: options.pageToken ?? "",
  };
  return call(method.listKeys, request, ({ keys, nextPageToken }) => ({
    items: keys.map(keyInfo),
    nextPageToken,
    count: undefined,
  }));
}
