package io.stillframe.client;

import io.stillframe.v1.SnapshotProjection;
import java.util.Optional;

/**
 * Which entries of a snapshot an answer carries. The header is always there.
 *
 * @param stepOutputs the step outputs to carry; empty carries none
 * @param variables the variables to carry; empty carries none
 */
public record Projection(Optional<MapProjection> stepOutputs, Optional<MapProjection> variables) {
    /** The header alone. */
    public static final Projection HEADER = new Projection(Optional.empty(), Optional.empty());

    /** This, with these step outputs. */
    public Projection withStepOutputs(MapProjection chosen) {
        return new Projection(Optional.of(chosen), variables);
    }

    /** This, with these variables. */
    public Projection withVariables(MapProjection chosen) {
        return new Projection(stepOutputs, Optional.of(chosen));
    }

    SnapshotProjection message() {
        SnapshotProjection.Builder message = SnapshotProjection.newBuilder();
        stepOutputs.ifPresent(each -> message.setStepOutputs(each.message()));
        variables.ifPresent(each -> message.setVariables(each.message()));
        return message.build();
    }
}
