import type { Gpu } from "../gpu/device.ts";
import type { Mixtral } from "../model/mixtral.ts";
import type { Plan } from "../offload/placement.ts";
import type { ChatTemplate } from "../text/chat_template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { GenerationDefaults } from "./generation_config.ts";
import type { ModelProfile } from "./profile_model.ts";

/** What an engine is made of. */
export interface EngineParts {
  readonly name: string;
  readonly gpu: Gpu;
  readonly model: Mixtral;
  readonly plan: Plan;
  readonly profile: ModelProfile | null;
  readonly tokenizer: Tokenizer | null;
  readonly chatTemplate: ChatTemplate | null;
  readonly defaults: GenerationDefaults;
  readonly promptCacheBytes: number;
  readonly owned: Disposable;
}
