import type { ExpertWatch } from "../offload/expert_watch.ts";
import type { ChatTemplate } from "../text/chat_template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { GenerationDefaults } from "./generation_config.ts";
import type { DeviceParts } from "./lasting_model.ts";

/** What an engine is made of. */
export interface EngineParts {
  readonly name: string;
  /** What is loaded. */
  readonly device: DeviceParts;
  /** Loads the same again, on a new device. */
  readonly reload: () => Promise<DeviceParts>;
  /** Who hears what the experts of any of them do. */
  readonly watch: ExpertWatch;
  readonly tokenizer: Tokenizer | null;
  readonly chatTemplate: ChatTemplate | null;
  readonly defaults: GenerationDefaults;
  readonly promptCacheBytes: number;
  /** What else is to be freed. */
  readonly owned: Disposable;
}
