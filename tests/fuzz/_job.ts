/** What the processes of fuzzing tell each other, line by line as JSON. */

/** What a child is to do. */
export interface Job {
  /** Targets by name, with how many cases each runs at most. */
  readonly targets: readonly {
    readonly name: string;
    readonly cases: number;
  }[];
  /** Where the random numbers begin. */
  readonly seed: number;
  /** Only this case: its number, or fast-check's path to a smaller one. */
  readonly path?: string | undefined;
  /** How long a target may go on, in ms. */
  readonly limitMs?: number | undefined;
  /** The folder that targets may write to. */
  readonly place: string;
  /**
   * The module whose `TARGETS` these are of.
   *
   * @default {"./targets.ts"} those of the program
   */
  readonly module?: string | undefined;
}

/** What a child tells. */
export type Told =
  /** A case begins; after a failure they are ever smaller ones. */
  | {
    readonly kind: "case";
    readonly target: string;
    readonly number: number;
    /** What it is fed, if only this case runs: it may never end. */
    readonly input?: string | undefined;
  }
  /** A target has ended. */
  | { readonly kind: "done"; readonly result: TargetResult };

/** How a target fared. */
export interface TargetResult {
  /** The target. */
  readonly target: string;
  /** Cases that ran. */
  readonly cases: number;
  /** How many of them were refused with a sentence. */
  readonly refused: number;
  /** How long it took. */
  readonly ms: number;
  /** The case that took longest. */
  readonly slowest: { readonly number: number; readonly ms: number };
  /** What went wrong, if anything. */
  readonly failure?: Failure | undefined;
}

/** A bad outcome. */
export interface Failure {
  /** What happened. */
  readonly what: string;
  /** The case, as `--case` takes it. */
  readonly path: string;
  /** The smallest input that was found, as JavaScript. */
  readonly input?: string | undefined;
}
