import { findWholeNames } from "../../hub/local_models.ts";
import { modelPlaces } from "../models/chosen_model.ts";
import type { CliEngine } from "../open_engine.ts";
import type { OpenModel } from "../open_model.ts";
import { pathsFrom } from "./chat_files.ts";
import type { ModelSwitch } from "./session.ts";

/** Opens models one after the other: two may not fit beside each other. */
export class OneModel implements ModelSwitch, AsyncDisposable {
  readonly #open: (name: string) => Promise<OpenModel>;
  readonly #find: (name: string) => Promise<unknown>;
  readonly #home: string | null;
  #model: OpenModel;
  #current: string;

  /** Constructs a switch; use {@linkcode OneModel.open}. */
  private constructor(
    open: (name: string) => Promise<OpenModel>,
    { find, home, current, model }: {
      find: (name: string) => Promise<unknown>;
      home: string | null;
      current: string;
      model: OpenModel;
    },
  ) {
    this.#open = open;
    this.#find = find;
    this.#home = home;
    this.#current = current;
    this.#model = model;
  }

  /**
   * Opens the first model.
   *
   * @param name What to open it by.
   * @param options How to open models, what throws if there is none of a name,
   * and our folder.
   * @returns The model.
   */
  static async open(
    name: string,
    { open, find, home }: {
      open: (name: string) => Promise<OpenModel>;
      find: (name: string) => Promise<unknown>;
      home: string | null;
    },
  ): Promise<OneModel> {
    const model = await open(name);
    return new OneModel(open, { find, home, current: name, model });
  }

  /** What the model was opened by. */
  get current(): string {
    return this.#current;
  }

  /** The model that answers now. */
  get engine(): CliEngine {
    return this.#model.engine;
  }

  /**
   * Frees the model and opens another; if that fails, opens the old one again.
   *
   * @param name What to open it by.
   * @returns The model that answers now.
   * @throws {Error} Why the other one cannot be opened.
   */
  async change(name: string): Promise<CliEngine> {
    await this.#find(name); // a wrong name is not to cost a reload
    await this.#model[Symbol.asyncDispose]();
    try {
      this.#model = await this.#open(name);
    } catch (error) {
      await this.#reopen(error as Error);
      throw error;
    }
    this.#current = name;
    return this.engine;
  }

  /**
   * Finds models.
   *
   * @param start How their names or paths begin.
   * @returns The names of models, and paths.
   */
  async names(start: string): Promise<string[]> {
    const places = { ...modelPlaces(), home: this.#home };
    const named = await findWholeNames(places);
    const paths = start.includes("/") ? await pathsFrom(start) : [];
    return [
      ...named.filter((name) => name.startsWith(start)),
      ...paths.filter((path) => path.endsWith("/")),
    ];
  }

  /** The old model is where it was, but memory may be somebody else's by now. */
  async #reopen({ message }: Error): Promise<void> {
    try {
      this.#model = await this.#open(this.#current);
    } catch (cause) {
      throw new Error(
        `${message}; nor can ${this.#current} be opened again; /model opens one`,
        { cause },
      );
    }
  }

  /** Frees the model. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model[Symbol.asyncDispose]();
  }
}
