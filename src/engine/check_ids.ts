/**
 * Checks ids that are to run.
 *
 * @param action What is to be done, for the message.
 * @param ids The ids.
 * @param limits How many there may be, and how many tokens the model knows.
 * @throws {RangeError} If there are none, too many, or one that the vocabulary does
 * not have.
 */
export function checkIds(
  action: string,
  ids: readonly number[],
  { limit, vocabSize }: { limit: number; vocabSize: number },
): void {
  if (ids.length === 0 || ids.length > limit) {
    throw new RangeError(
      `Cannot ${action}: there are ${ids.length} ids, wanted 1 to ${limit}`,
    );
  }
  const wrong = ids.find((id) =>
    !(Number.isInteger(id) && id >= 0 && id < vocabSize)
  );
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot ${action}: the vocabulary has no id ${wrong}, wanted 0 to ${
        vocabSize - 1
      }`,
    );
  }
}
