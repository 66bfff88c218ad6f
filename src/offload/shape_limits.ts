/**
 * The most layers and experts that a file may claim, several times what models have:
 * they are walked through, and make room for, before anything else is looked at.
 */
export const LAYER_LIMIT = 1024;
/** The most experts of a layer. */
export const EXPERT_LIMIT = 4096;
/** The most experts of all layers together. */
export const ALL_EXPERTS_LIMIT = 2 ** 15;
