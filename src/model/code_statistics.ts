/** Whether codes look like those of trained weights in the layout we take them for. */

import { type Bits, codesPerWord, type Packed } from "hqq-ts";
import { codesByteLength, type StoredMatrix } from "./stored_matrix.ts";

/** Groups that are looked at. */
const SAMPLE_COUNT = 4096;
/** With fewer groups chance is too strong to tell packings apart. */
const LEAST_SAMPLE_COUNT = 128;
/**
 * Codes in the right packing lie nearer to their zeros: of really quantized
 * weights, by 0.7 or less times than in the other.
 */
const CLEARLY_NEARER = 0.85;

/** The codes and zeros of a stored matrix. */
export interface CodeSample extends StoredMatrix {
  /** The codes as they are stored. */
  readonly packed: Packed;
  /** The zero of each group. */
  readonly zero: Float32Array;
}

/**
 * Looks for signs that the codes of a matrix are not what we take them for. In
 * each group of weights that HQQ has quantized, codes span their range and the
 * mean of code - zero, which is the mean weight by its scale, is small.
 *
 * Random codes pass: only codes that fit another packing clearly better do not.
 *
 * @param sample The codes, and how we read them.
 * @returns What is wrong, as `<state>, wanted <wanted>`; `null` if nothing is.
 */
export function suspectCodes(sample: CodeSample): string | null {
  const { part, zero } = sample;
  const { bits, axis, packing = "block" } = part;
  const highest = 2 ** bits - 1;
  const ours = statisticsOf(sample);
  if (!Number.isFinite(ours.mean)) {
    return "some of its zeros are no finite numbers, wanted numbers";
  }
  if (ours.narrowShare > 0.5) {
    return `in ${
      percent(ours.narrowShare)
    } of its groups codes span less than half of 0 to ${highest}, wanted groups that span it`;
  }
  if (Math.abs(ours.mean) > highest / 4) {
    return `its codes are off their zeros by ${
      ours.mean.toFixed(2)
    } on average, wanted nearly 0`;
  }
  // Along axis 1 nobody packs neighbouring rows.
  const canBeOther = axis === 0 && bits !== 8 &&
    Math.min(zero.length, SAMPLE_COUNT) >= LEAST_SAMPLE_COUNT;
  if (!canBeOther) return null;
  const other = packing === "block" ? "common" : "block";
  const otherwise = { ...sample, part: { ...part, packing: other } } as const;
  if (sample.packed.byteLength !== codesByteLength(otherwise)) return null;
  const theirs = statisticsOf(otherwise);
  if (theirs.offset >= ours.offset * CLEARLY_NEARER) return null;
  return `its codes fit the ${other} packing (${
    theirs.offset.toFixed(2)
  } off their zeros, ${
    ours.offset.toFixed(2)
  } in ours), wanted the ${packing} packing`;
}

/** What groups of codes are like. */
interface Statistics {
  /** The mean of code - zero. */
  readonly mean: number;
  /** The root mean square of the means of code - zero of groups. */
  readonly offset: number;
  /** The share of groups whose codes span less than half of their range. */
  readonly narrowShare: number;
}

function statisticsOf(sample: CodeSample): Statistics {
  const { zero, part } = sample;
  const { bits, groupSize } = part;
  const codeOf = codeReader(sample);
  const count = Math.min(zero.length, SAMPLE_COUNT);
  // Odd, so that it does not stay in few columns.
  const step = Math.floor(zero.length / count) | 1;
  let sum = 0;
  let squares = 0;
  let narrowCount = 0;
  for (let i = 0; i < count; i++) {
    const group = i * step % zero.length;
    let total = 0;
    let least = Infinity;
    let most = -Infinity;
    for (let member = 0; member < groupSize; member++) {
      const code = codeOf(group, member);
      total += code;
      least = Math.min(least, code);
      most = Math.max(most, code);
    }
    const offset = total / groupSize - zero[group]!;
    sum += offset;
    squares += offset ** 2;
    if (most - least < (2 ** bits - 1) / 2) narrowCount++;
  }
  return {
    mean: sum / count,
    offset: Math.sqrt(squares / count),
    narrowShare: narrowCount / count,
  };
}

/** Reads the code of a member of a group. */
function codeReader(
  { packed, shape: [N, K], part }: CodeSample,
): (group: number, member: number) => number {
  const { axis, groupSize, packing } = part;
  const bits = part.bits as Bits;
  const perWord = codesPerWord(bits);
  const mask = 2 ** bits - 1;
  const code = (word: number, place: number) =>
    (packed[word]! >> bits * (perWord - 1 - place)) & mask;
  if (packing === "common") {
    const G = N / groupSize;
    return (group, member) => {
      const n = Math.floor(group / K) + member * G;
      return code(Math.floor(n / perWord) * K + group % K, n % perWord);
    };
  }
  const groupCount = N * K / groupSize;
  const [rows, columns] = axis === 0
    ? [groupSize, groupCount]
    : [groupCount, groupSize];
  const packedRows = Math.ceil(rows / perWord);
  return (group, member) => {
    const [row, column] = axis === 0 ? [member, group] : [group, member];
    return code(
      row % packedRows * columns + column,
      Math.floor(row / packedRows),
    );
  };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
