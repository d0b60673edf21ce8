package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import io.stillframe.client.errors.InvalidFieldException;
import io.stillframe.v1.SnapshotProto;
import io.stillframe.v1.SnapshotServiceProto;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EnumsTest {
    static Stream<Class<? extends Enum<?>>> enums() {
        return Stream.of(
                ExecutionState.class,
                WaitReason.class,
                StateClass.class,
                SnapshotMap.class,
                OmissionReason.class,
                FreshnessStatus.class,
                SaveOutcome.class,
                DifferenceKind.class,
                WatchMode.class,
                ChangeKind.class);
    }

    private static EnumDescriptor descriptor(String name) {
        return Stream.of(SnapshotProto.getDescriptor(), SnapshotServiceProto.getDescriptor())
                .map(file -> file.findEnumTypeByName(name))
                .filter(each -> each != null)
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("enums")
    void theConstantsHaveTheNamesAndNumbersOfTheContract(Class<? extends Enum<?>> type) {
        EnumDescriptor contract = descriptor(type.getSimpleName());
        String prefix = contract.getValues().get(0).getName().replace("UNSPECIFIED", "");
        List<? extends Enum<?>> constants = List.of(type.getEnumConstants());
        List<EnumValueDescriptor> values = contract.getValues();
        assertEquals(values.size(), constants.size());
        for (Enum<?> constant : constants.subList(0, constants.size() - 1)) {
            int number = Enums.number("field", constant);
            assertEquals(
                    prefix + constant.name(), contract.findValueByNumber(number).getName());
        }
        assertEquals("UNRECOGNIZED", constants.get(constants.size() - 1).name());
    }

    @Test
    void numbersBecomeConstants() {
        assertEquals(ExecutionState.CREATED, Enums.of(ExecutionState.class, 1));
        assertEquals(ExecutionState.CANCELLED, Enums.of(ExecutionState.class, 8));
    }

    @Test
    void aNumberOfANewerServerIsUnrecognized() {
        for (int number : new int[] {-1, 0, 9, 1_000_000}) {
            assertEquals(ExecutionState.UNRECOGNIZED, Enums.of(ExecutionState.class, number));
        }
    }

    @Test
    void whatIsNotRecognizedIsNotSent() {
        InvalidFieldException error =
                assertThrows(
                        InvalidFieldException.class,
                        () -> Snapshot.builder(ExecutionState.UNRECOGNIZED));
        assertEquals("snapshot.state", error.violations().get(0).field());
    }

    @Test
    void statesHaveTheirClasses() {
        assertEquals(
                List.of(ExecutionState.COMPLETED, ExecutionState.FAILED, ExecutionState.CANCELLED),
                Stream.of(ExecutionState.values()).filter(ExecutionState::isTerminal).toList());
        assertEquals(
                List.of(ExecutionState.PAUSED, ExecutionState.WAITING),
                Stream.of(ExecutionState.values()).filter(ExecutionState::canResume).toList());
        assertEquals(
                List.of(ExecutionState.RUNNING, ExecutionState.WAITING),
                Stream.of(ExecutionState.values()).filter(ExecutionState::isActive).toList());
    }
}
