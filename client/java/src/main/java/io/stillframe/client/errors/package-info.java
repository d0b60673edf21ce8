/** The errors of the client. {@link io.stillframe.client.errors.StillframeException} has the tree. */
package io.stillframe.client.errors;
