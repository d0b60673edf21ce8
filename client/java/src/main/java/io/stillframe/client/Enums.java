package io.stillframe.client;

/**
 * Between the client's enums and the numbers of the contract. The constants of each enum stand in
 * the order of their numbers, which start at 1, and UNRECOGNIZED is the last (EnumsTest).
 */
final class Enums {
    private Enums() {}

    static <E extends Enum<E>> E of(Class<E> type, int number) {
        E[] all = type.getEnumConstants();
        return all[number >= 1 && number < all.length ? number - 1 : all.length - 1];
    }

    static int number(String field, Enum<?> constant) {
        if (constant.name().equals("UNRECOGNIZED")) {
            throw Messages.invalidField(field, "UNRECOGNIZED names no value");
        }
        return constant.ordinal() + 1;
    }
}
