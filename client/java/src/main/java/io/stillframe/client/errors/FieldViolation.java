package io.stillframe.client.errors;

import java.io.Serializable;

/**
 * One field of a request that was refused.
 *
 * @param field its path in the request, such as {@code snapshot.state}
 * @param description why, in English
 */
public record FieldViolation(String field, String description) implements Serializable {}
