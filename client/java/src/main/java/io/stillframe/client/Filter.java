package io.stillframe.client;

import io.stillframe.v1.ExecutionFilter;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Selects executions by their head. Conditions are ANDed, the values of one are ORed, and labels
 * must all hold. A condition that is not set is none; one without a value is refused with
 * InvalidFieldException, because the contract could not tell it from none, and would match all.
 * Immutable.
 */
public final class Filter {
    private final ExecutionFilter message;

    private Filter(ExecutionFilter message) {
        this.message = message;
    }

    /** Starts with no condition: every execution of the tenant. */
    public static Builder builder() {
        return new Builder();
    }

    ExecutionFilter message() {
        return message;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Filter filter && message.equals(filter.message);
    }

    @Override
    public int hashCode() {
        return message.hashCode();
    }

    @Override
    public String toString() {
        return "Filter{" + message + "}";
    }

    /** Refuses what selects nothing, where the contract would read it as no condition. */
    static <C extends Collection<?>> C refuseEmpty(String field, C values) {
        if (values.isEmpty()) {
            throw Messages.invalidField(field, "is empty; not set is no condition");
        }
        return values;
    }

    /** Makes a filter. */
    public static final class Builder {
        private final ExecutionFilter.Builder message = ExecutionFilter.newBuilder();

        private Builder() {}

        /** The execution is one of these. */
        public Builder executionIds(String... executionIds) {
            return executionIds(List.of(executionIds));
        }

        /** The execution is one of these. */
        public Builder executionIds(Collection<String> executionIds) {
            message.clearExecutionIds()
                    .addAllExecutionIds(refuseEmpty("filter.execution_ids", executionIds));
            return this;
        }

        /** The execution's id starts with this. */
        public Builder executionIdPrefix(String prefix) {
            message.setExecutionIdPrefix(prefix);
            return this;
        }

        /** The state is one of these. */
        public Builder states(ExecutionState... states) {
            return states(List.of(states));
        }

        /** The state is one of these. */
        public Builder states(Collection<ExecutionState> states) {
            message.clearStates().addAllStatesValue(numbers("filter.states", states));
            return this;
        }

        /** The state is in one of these classes. */
        public Builder stateClasses(StateClass... stateClasses) {
            return stateClasses(List.of(stateClasses));
        }

        /** The state is in one of these classes. */
        public Builder stateClasses(Collection<StateClass> classes) {
            message.clearStateClasses()
                    .addAllStateClassesValue(numbers("filter.state_classes", classes));
            return this;
        }

        /** The wait reason is one of these. */
        public Builder waitReasons(WaitReason... waitReasons) {
            return waitReasons(List.of(waitReasons));
        }

        /** The wait reason is one of these. */
        public Builder waitReasons(Collection<WaitReason> reasons) {
            message.clearWaitReasons()
                    .addAllWaitReasonsValue(numbers("filter.wait_reasons", reasons));
            return this;
        }

        /** The user is this one. */
        public Builder userId(String userId) {
            message.setUserId(userId);
            return this;
        }

        /** The parent execution is this one. */
        public Builder parentExecutionId(String parentExecutionId) {
            message.setParentExecutionId(parentExecutionId);
            return this;
        }

        /** This label is there with this value. */
        public Builder label(String key, String value) {
            message.putLabels(key, value);
            return this;
        }

        /** Every one of these labels is there with this value. */
        public Builder labels(Map<String, String> labels) {
            message.putAllLabels(labels);
            return this;
        }

        /** The head meets these bounds. */
        public Builder criteria(Criteria criteria) {
            message.setCriteria(criteria.message());
            return this;
        }

        /** Makes the filter. */
        public Filter build() {
            return new Filter(message.build());
        }

        private static List<Integer> numbers(String field, Collection<? extends Enum<?>> values) {
            return refuseEmpty(field, values).stream()
                    .map(each -> Enums.number(field, each))
                    .toList();
        }
    }
}
