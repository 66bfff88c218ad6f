/** What each command needs of Deno's permissions, in one place. */

/** A permission of Deno. */
export interface Permission {
  /** As in `--allow-read`. */
  readonly kind: "read" | "write" | "net" | "env" | "sys" | "run";
  /** What for, as in `--allow-read=<scope>`; `<model>` is up to the user. */
  readonly scope: string;
  /** What it is good for. */
  readonly purpose: string;
}

/** What a command needs. */
export interface CommandPermissions {
  /** Without these it ends with a sentence. */
  readonly needs: readonly Permission[];
  /** Without these it does less, and says nothing. */
  readonly uses: readonly Permission[];
}

const MODEL = read("<model>", "the folder of the model");
const WORKERS = read("<program>/src", "the source of its workers");
const TEXT = read("<text>", "the file of the text");
const MEMORY = permission("sys", "systemMemoryInfo", "how much memory is free");
const DISK = permission("sys", "statfs", "how much room a disk has");
const NVIDIA = permission("run", "nvidia-smi", "what NVIDIA's driver says");
const CARDS = read("/sys/class/drm", "what Linux says of the graphics card");
const PLACES = permission(
  "env",
  "MOENO_*,HOME,XDG_*,TERM",
  "settings, where our folders are (LOCALAPPDATA and APPDATA on Windows), and " +
    "whether the terminal can move its cursor",
);
const ADDRESS = permission("net", "127.0.0.1:8080", "where it listens");
const HOME = [
  read("<home>", "MOENO_HOME, else moeno below the user's caches"),
  write("<home>", "the same"),
];
const TUNING = read("<home>/tuning", "what moeno tune has found out");
const DRIVERS = permission(
  "env",
  "DENO_WEBGPU_BACKEND",
  "with XDG_*: so that Linux drivers do not complain of a missing display",
);
const CONFIG = read("<config>", "the file that moeno config path names");
/** What every command that has settings looks at. */
const SETTINGS = [PLACES, CONFIG];
/** What every command that loads a model looks at, too. */
const LOADING = [...SETTINGS, DRIVERS, TUNING];
const TRACE = folder("<traces>", "the folder of a file that --trace writes");

/** By the names of the commands. */
export const PERMISSIONS: Readonly<Record<string, CommandPermissions>> = {
  chat: {
    needs: [MODEL],
    uses: [
      ...SETTINGS,
      DRIVERS,
      ...HOME, // what was typed, saved chats, models with names, tuning
      ...TRACE,
    ],
  },
  generate: { needs: [MODEL], uses: [...LOADING, ...TRACE] },
  serve: { needs: [MODEL, ADDRESS], uses: LOADING },
  pull: {
    needs: [
      ...HOME,
      permission("env", "MOENO_HOME", "where models go, or HOME"),
      permission("net", "huggingface.co,*.hf.co", "the hub"),
    ],
    uses: [
      ...SETTINGS,
      permission("env", "HF_*,HUGGING_FACE_HUB_TOKEN", "the hub and its token"),
      read("<token>", "the file in which hf auth login left a token"),
      DISK,
    ],
  },
  list: {
    needs: [],
    uses: [PLACES, read("<home>,<program>/models", "the models to list")],
  },
  show: { needs: [MODEL], uses: SETTINGS },
  rm: {
    needs: [...HOME, permission("env", "MOENO_HOME", "where models are")],
    uses: [PLACES],
  },
  quantize: {
    needs: [MODEL, WORKERS, ...folder("<target>", "the folder of the target")],
    uses: [...SETTINGS, MEMORY, DISK],
  },
  plan: {
    needs: [MODEL],
    uses: [...LOADING, MEMORY, NVIDIA, CARDS],
  },
  doctor: {
    needs: [],
    uses: [
      permission("env", "*", "all variables that matter to GPUs"),
      permission("sys", "osRelease", "the version of the system"),
      ...[MEMORY, DISK, NVIDIA, CARDS],
      read("<program>/models", "the bundled model, for a self-test"),
      ...HOME, // whether files can be made there
    ],
  },
  verify: { needs: [MODEL, WORKERS], uses: [...LOADING, MEMORY] },
  perplexity: { needs: [MODEL, TEXT], uses: LOADING },
  quality: {
    needs: [MODEL, TEXT, WORKERS],
    uses: [...LOADING, MEMORY],
  },
  trace: {
    needs: [read("<traces>", "the folder of the trace")],
    uses: [...SETTINGS, ...folder("<traces>", "where --svg and others write")],
  },
  bench: { needs: [MODEL], uses: [...LOADING, NVIDIA] },
  tune: {
    needs: [
      ...HOME,
      permission("env", "MOENO_HOME", "where tables are, or HOME"),
    ],
    uses: [...SETTINGS, DRIVERS],
  },
  config: {
    needs: [],
    uses: [PLACES, CONFIG, ...folder("<config>", "config set and unset")],
  },
  completion: {
    needs: [],
    uses: [PLACES, read("<home>,<program>/models", "names of models")],
  },
  help: { needs: [], uses: [] },
  version: { needs: [], uses: [] },
};

/**
 * Writes permissions as Deno takes them.
 *
 * @param permissions The permissions.
 * @returns Flags, one for each kind.
 */
export function permissionFlags(permissions: readonly Permission[]): string[] {
  const kinds = Map.groupBy(permissions, ({ kind }) => kind);
  return [...kinds].map(([kind, all]) => {
    const scopes = new Set(all.flatMap(({ scope }) => scope.split(",")));
    if (scopes.has("*")) return `--allow-${kind}`;
    return `--allow-${kind}=${[...scopes].join(",")}`;
  });
}

function permission(
  kind: Permission["kind"],
  scope: string,
  purpose: string,
): Permission {
  return { kind, scope, purpose };
}

function read(scope: string, purpose: string): Permission {
  return permission("read", scope, purpose);
}

function write(scope: string, purpose: string): Permission {
  return permission("write", scope, purpose);
}

/** A file gets its name when it is whole, so its folder has to be open. */
function folder(scope: string, purpose: string): Permission[] {
  return [read(scope, purpose), write(scope, purpose)];
}
