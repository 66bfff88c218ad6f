/** All targets. */

import { COMMAND_LINE, FLAGS_OF_COMMANDS } from "./args.ts";
import { CHAT_TEMPLATE } from "./chat_template.ts";
import { CONFIG_FILE } from "./config_file.ts";
import { EVENT_STREAM } from "./event_stream.ts";
import { HTTP } from "./http.ts";
import { HTTP_BYTES } from "./http_bytes.ts";
import { HUB, MODEL_NAMES } from "./hub.ts";
import { INDEX_FILE } from "./index_file.ts";
import {
  CONVERSATIONS,
  GENERATION_CONFIG,
  PULL_STATES,
  SAVED_CHAT,
  STATE_FILE,
} from "./kept_files.ts";
import { MODEL_FOLDER } from "./model_folder.ts";
import { LINE_EDITOR, REPL } from "./repl.ts";
import { SAFETENSORS } from "./safetensors.ts";
import { SLOTS_FILE } from "./slots_file.ts";
import { STORED_MODEL } from "./stored_model.ts";
import { TOKENIZER } from "./tokenizer.ts";
import { TRACE } from "./trace.ts";
import type { Target } from "./_target.ts";

/** All targets, in the order in which they run. */
export const TARGETS: readonly Target[] = [
  SAFETENSORS,
  INDEX_FILE,
  MODEL_FOLDER,
  STORED_MODEL,
  TOKENIZER,
  CHAT_TEMPLATE,
  GENERATION_CONFIG,
  HUB,
  MODEL_NAMES,
  PULL_STATES,
  TRACE,
  SLOTS_FILE,
  SAVED_CHAT,
  STATE_FILE,
  CONVERSATIONS,
  CONFIG_FILE,
  FLAGS_OF_COMMANDS,
  COMMAND_LINE,
  REPL,
  LINE_EDITOR,
  HTTP,
  HTTP_BYTES,
  EVENT_STREAM,
];
