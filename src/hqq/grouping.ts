/**
 * How the weights of a matrix fall into groups.
 *
 * HQQ reshapes the matrix W (N, K), row by row, without moving a weight: for
 * axis 0 to (group size, groups), so that a group is a column, and for axis 1
 * to (groups, group size), so that a group is a row
 * (hqq/core/quantize.py, `Quantizer.quantize`).
 *
 * @module
 */

/** What decides which weights share a scale and a zero. */
export interface GroupingOptions {
  /** Rows (output) and columns (input) of the matrix: N and K. */
  readonly shape: readonly [N: number, K: number];
  /** Weights in a group; `null` for a whole column (axis 0) or row (axis 1). */
  readonly groupSize: number | null;
  /** 0: groups are columns of the grouped matrix; 1: rows. */
  readonly axis: 0 | 1;
  /** Whether groups count at all; `false`: one scale and zero for the matrix. */
  readonly channelWise: boolean;
}

/** A matrix as groups: `(row, column)` is in group `row * rowStride + column * columnStride`. */
export interface Grouping {
  /** Rows and columns of the grouped matrix, which is what gets packed. */
  readonly shape: readonly [rows: number, columns: number];
  /** How many groups, thus scales and zeros. */
  readonly groupCount: number;
  /** Weights in a group. */
  readonly memberCount: number;
  /** 1 if a group is a row of the grouped matrix, else 0. */
  readonly rowStride: 0 | 1;
  /** 1 if a group is a column of the grouped matrix, else 0. */
  readonly columnStride: 0 | 1;
}

/**
 * Works out the groups of a matrix.
 *
 * As in HQQ, the group size has to divide N * K, no more: with axis 0 and a
 * group size beyond N, a group takes in several columns.
 *
 * @param action What could not be done, as `Cannot <action>: ...` says it.
 * @param options Shape, group size, axis and whether groups count.
 * @returns The groups.
 */
export function groupingOf(action: string, options: GroupingOptions): Grouping {
  checkOptions(action, options);
  const { shape: [N, K], groupSize, axis, channelWise } = options;
  if (!channelWise) {
    return {
      shape: [N, K],
      groupCount: 1,
      memberCount: N * K,
      rowStride: 0,
      columnStride: 0,
    };
  }
  const memberCount = groupSize ?? (axis === 0 ? N : K);
  const groupCount = N * K / memberCount;
  return axis === 0
    ? {
      shape: [memberCount, groupCount],
      groupCount,
      memberCount,
      rowStride: 0,
      columnStride: 1,
    }
    : {
      shape: [groupCount, memberCount],
      groupCount,
      memberCount,
      rowStride: 1,
      columnStride: 0,
    };
}

/**
 * Lays weights out group by group, so that a group is one run of memory.
 *
 * @param w (N, K), row by row.
 * @param grouping The groups.
 * @returns (groupCount, memberCount): a copy, or `w` where it lies so already.
 */
export function toGroups(w: Float32Array, grouping: Grouping): Float32Array {
  if (grouping.columnStride === 0) return w;
  const [rows, columns] = grouping.shape;
  const groups = new Float32Array(w.length);
  // In tiles, so that the lines being written stay in the cache.
  for (let start = 0; start < columns; start += TILE_COLUMNS) {
    const end = Math.min(start + TILE_COLUMNS, columns);
    for (let row = 0; row < rows; row++) {
      const source = row * columns;
      for (let column = start; column < end; column++) {
        groups[column * rows + row] = w[source + column]!;
      }
    }
  }
  return groups;
}

/** Columns that {@linkcode toGroups} copies at a time. */
const TILE_COLUMNS = 64;

/** Throws unless the options make whole groups. */
function checkOptions(action: string, options: GroupingOptions): void {
  const { shape: [N, K], groupSize, axis } = options;
  for (const length of [N, K]) {
    if (!Number.isSafeInteger(length) || length < 1) {
      throw new RangeError(
        `Cannot ${action}: shape is ${N} x ${K}, wanted two positive integers`,
      );
    }
  }
  if (axis !== 0 && axis !== 1) {
    throw new RangeError(`Cannot ${action}: axis is ${axis}, wanted 0 or 1`);
  }
  if (groupSize === null) return;
  if (!Number.isSafeInteger(groupSize) || groupSize < 1) {
    throw new RangeError(
      `Cannot ${action}: group size is ${groupSize}, wanted a positive integer or null`,
    );
  }
  if (N * K % groupSize !== 0) {
    throw new RangeError(
      `Cannot ${action}: group size ${groupSize} does not divide ${N} x ${K} = ${
        N * K
      }, wanted a divisor`,
    );
  }
}
