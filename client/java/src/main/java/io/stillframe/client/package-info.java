/**
 * The Java client of Stillframe. {@link io.stillframe.client.Client} is where to begin.
 *
 * <p>What thinks does no I/O: values ({@code JsonCodec}), deltas ({@code Tracker}), retries
 * ({@code Attempts}), watches ({@code Watching}) and savers ({@code SaverCore}). {@code Transport}
 * carries the calls.
 */
package io.stillframe.client;
